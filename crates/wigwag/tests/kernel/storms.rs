//! Nothing is lost: queued signals from other processes, in every shape of receiver.

use std::collections::HashMap;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::{Duration, Instant};

use wigwag::receive::{self, Options, Received, Signals, Way};
use wigwag::{Errno, Signal, send};

use crate::Case;
use crate::tools::limit_pending;

pub const CASES: &[Case] = &[
    ("storm_captured_signals", || signals(true, 1)),
    ("storm_captured_signals_of_four_senders", || {
        signals(true, 4)
    }),
    ("storm_captured_signals_of_sixteen_senders", || {
        signals(true, 16)
    }),
    ("storm_captured_shared_by_three_threads", || shared(true)),
    ("storm_captured_one_subscription", || many(true, 1, 1)),
    ("storm_captured_three_subscriptions", || many(true, 3, 1)),
    ("storm_captured_eight_subscriptions", || many(true, 8, 1)),
    ("storm_caught_one_subscription", || many(false, 1, 1)),
    ("storm_caught_three_subscriptions", || many(false, 3, 1)),
    ("storm_caught_eight_subscriptions", || many(false, 8, 1)),
    ("storm_caught_four_senders", || many(false, 1, 4)),
    ("storm_caught_sixteen_senders", || many(false, 1, 16)),
    ("storm_caught_signals", || signals(false, 1)),
    ("storm_caught_signals_of_four_senders", || signals(false, 4)),
    ("storm_caught_signals_of_sixteen_senders", || {
        signals(false, 16)
    }),
    ("storm_caught_shared_by_three_threads", || shared(false)),
    ("storm_slow_callback_captured", || slow(true)),
    ("storm_slow_callback_caught", || slow(false)),
    ("storm_tight_limit_captured", || tight(true)),
    ("storm_tight_limit_caught", || tight(false)),
    ("storm_tightest_captured", || tightest(true)),
    ("storm_tightest_caught", || tightest(false)),
    ("storm_no_room_caught", no_room),
    ("storm_a_slow_one_delays_no_other", || others_go_on(true)),
    ("storm_a_slow_one_delays_no_other_caught", || {
        others_go_on(false)
    }),
    ("queue_sender", sender),
];

/// How many signals a storm usually has in all.
const USUALLY: u64 = 100_000;

/// How many it has.
pub fn count() -> u64 {
    let asked = std::env::var("WIGWAG_STORM").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(USUALLY)
}

/// How many times longer than usual the storms that this program is asked for are.
pub fn growth() -> u32 {
    let signals = u32::try_from(count().div_ceil(USUALLY)).unwrap();
    signals.max(crate::children::growth())
}

fn wind() -> Signal {
    Signal::rtmin()
}

/// A process of its own that queues the values 0 to `count`, and tries again while the queue is full.
pub fn start_sender(signal: Signal, count: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--case", "queue_sender"])
        .env("SEND_TO", std::process::id().to_string())
        .env("SEND_WHAT", signal.number().to_string())
        .env("SEND_COUNT", count.to_string())
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

fn sender() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<i32>().ok());
    let (Some(pid), Some(what), Some(count)) =
        (number("SEND_TO"), number("SEND_WHAT"), number("SEND_COUNT"))
    else {
        return;
    };
    let signal = Signal::new(what).unwrap();
    for value in 0..count {
        while let Err(error) = send::queue(pid, signal, value) {
            assert_eq!(error.errno(), Errno::AGAIN, "{error}");
            std::thread::yield_now();
        }
    }
}

/// Each sender's values, which must come in order.
#[derive(Default)]
pub struct Tally {
    next: HashMap<i32, i32>,
    pub all: u64,
}

impl Tally {
    pub fn add(&mut self, received: &Received) {
        let next = self.next.entry(received.pid().unwrap()).or_default();
        assert_eq!(received.value().unwrap(), *next, "{received:?}");
        *next += 1;
        self.all += 1;
    }
}

fn capture() {
    receive::block_everywhere([
        wind(),
        Signal::new(wind().number() + 1).unwrap(),
        Signal::USR1,
    ])
    .unwrap();
    assert_eq!(receive::way(wind()), Way::Captured);
}

pub fn ends(senders: Vec<Child>) {
    for mut sender in senders {
        assert!(sender.wait().unwrap().success());
    }
}

/// Begins as it shares so many signals out among so many senders.
struct Storm {
    senders: Vec<Child>,
    sent: u64,
    began: Instant,
}

impl Storm {
    fn begin(count: u64, senders: u64) -> Storm {
        let began = Instant::now();
        let each = count / senders;
        Storm {
            senders: (0..senders).map(|_| start_sender(wind(), each)).collect(),
            sent: each * senders,
            began,
        }
    }

    fn all_sent(&mut self) {
        ends(std::mem::take(&mut self.senders));
    }

    /// Says how it went, once all has been seen.
    fn over(mut self, seen: u64) {
        self.all_sent();
        let (sent, lost) = (self.sent, receive::lost(wind()));
        let seconds = self.began.elapsed().as_secs_f64();
        println!("{sent} sent, {seen} seen, {lost} lost, {seconds:.1} s");
        assert_eq!((seen + lost, receive::panics()), (sent, 0));
    }
}

fn signals(is_captured: bool, senders: u64) {
    if is_captured {
        capture();
    }
    let signals = Signals::new(wind()).unwrap();
    let storm = Storm::begin(count(), senders);
    let mut tally = Tally::default();
    while tally.all < storm.sent {
        tally.add(&signals.next().unwrap());
    }
    assert_eq!((signals.try_next(), receive::lost(wind())), (None, 0));
    storm.over(tally.all);
    if is_captured {
        let threads = std::fs::read_dir("/proc/self/task").unwrap().count();
        assert_eq!(threads, 1, "no thread is made");
    }
}

fn shared(is_captured: bool) {
    if is_captured {
        capture();
    }
    let signals = Signals::new(wind()).unwrap();
    let values = Mutex::new(Vec::new());
    let mut storm = Storm::begin(count(), 1);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(received) = signals.next() {
                    values.lock().unwrap().push(received.value().unwrap());
                }
            });
        }
        storm.all_sent();
        until_seen(|| values.lock().unwrap().len() as u64, storm.sent);
        signals.close();
    });
    let mut values = values.into_inner().unwrap();
    storm.over(values.len() as u64);
    assert_eq!(receive::lost(wind()), 0);
    values.sort_unstable();
    assert!(
        values.iter().copied().eq(0..count() as i32),
        "all, and none twice"
    );
}

/// Waits until all are seen or counted as lost, and no more.
fn until_seen(seen: impl Fn() -> u64, expected: u64) {
    let deadline = Instant::now() + Duration::from_secs(25) * growth();
    while seen() + receive::lost(wind()) < expected {
        assert!(Instant::now() < deadline, "{} of {expected}", seen());
        std::thread::yield_now();
        receive::drain(Duration::from_secs(5));
    }
    assert_eq!(seen() + receive::lost(wind()), expected);
}

fn many(is_captured: bool, subscriptions: usize, senders: u64) {
    if is_captured {
        capture();
    }
    let tallies: Vec<Arc<Mutex<Tally>>> = (0..subscriptions).map(|_| Arc::default()).collect();
    let registrations: Vec<_> = tallies
        .iter()
        .map(|tally| {
            let tally = Arc::clone(tally);
            receive::on(wind(), move |received| tally.lock().unwrap().add(received)).unwrap()
        })
        .collect();
    let mut storm = Storm::begin(count(), senders);
    storm.all_sent();
    for tally in &tallies {
        until_seen(|| tally.lock().unwrap().all, storm.sent);
    }
    assert_eq!(receive::lost(wind()), 0);
    storm.over(tallies[0].lock().unwrap().all);
    drop(registrations);
}

/// The callback is slower than the sender.
fn slow(is_captured: bool) {
    if is_captured {
        capture();
    }
    let tally: Arc<Mutex<Tally>> = Arc::default();
    let added = Arc::clone(&tally);
    let _registration = receive::on(wind(), move |received| {
        for _ in 0..2_000 {
            std::hint::spin_loop();
        }
        added.lock().unwrap().add(received);
    })
    .unwrap();
    let mut storm = Storm::begin(count() / 4, 1);
    storm.all_sent();
    until_seen(|| tally.lock().unwrap().all, storm.sent);
    assert_eq!(receive::lost(wind()), 0);
    storm.over(tally.lock().unwrap().all);
}

/// With room for 64 signals in the kernel.
fn tight(is_captured: bool) {
    if is_captured {
        capture();
    }
    limit_pending(64);
    let tally: Arc<Mutex<Tally>> = Arc::default();
    let added = Arc::clone(&tally);
    let _registration = Options::new()
        .own_thread()
        .on(wind(), move |received| added.lock().unwrap().add(received))
        .unwrap();
    let mut storm = Storm::begin(count() / 4, 1);
    storm.all_sent();
    until_seen(|| tally.lock().unwrap().all, storm.sent);
    storm.over(tally.lock().unwrap().all);
    if is_captured {
        assert_eq!(receive::lost(wind()), 0);
    }
}

/// With that room, 16 senders, a slow callback whose queue is full, and eight threads that catch: what the library has no slot for is
/// counted.
fn tightest(is_captured: bool) {
    if is_captured {
        capture();
    }
    limit_pending(64);
    let seen: Arc<AtomicU64> = Arc::default();
    let added = Arc::clone(&seen);
    let _registration = Options::new()
        .own_thread()
        .on(wind(), move |_| {
            for _ in 0..2_000 {
                std::hint::spin_loop();
            }
            added.fetch_add(1, Ordering::SeqCst);
        })
        .unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
            });
        }
        let mut storm = Storm::begin(count() / 4, 16);
        storm.all_sent();
        until_seen(|| seen.load(Ordering::SeqCst), storm.sent);
        storm.over(seen.load(Ordering::SeqCst));
        over.store(true, Ordering::Relaxed);
    });
    if is_captured {
        assert_eq!(receive::lost(wind()), 0);
    }
}

/// The subscriber stands still, and more threads catch than can hold back: what finds no room, as
/// nearly always some do, is counted.
fn no_room() {
    let (go, stand) = mpsc::channel::<()>();
    let stand = Mutex::new(stand);
    let seen: Arc<AtomicU64> = Arc::default();
    let added = Arc::clone(&seen);
    let _registration = Options::new()
        .own_thread()
        .on(wind(), move |_| {
            let _ = stand.lock().unwrap().recv();
            added.fetch_add(1, Ordering::SeqCst);
        })
        .unwrap();
    let over = Barrier::new(301);
    std::thread::scope(|scope| {
        for _ in 0..300 {
            scope.spawn(|| over.wait());
        }
        // More than a queue and the ring have room for.
        let mut storm = Storm::begin((count() / 4).max(25_000), 4);
        storm.all_sent();
        drop(go);
        until_seen(|| seen.load(Ordering::SeqCst), storm.sent);
        storm.over(seen.load(Ordering::SeqCst));
        over.wait();
    });
}

/// One subscriber of one signal stands still; the other signal's go on.
fn others_go_on(is_captured: bool) {
    if is_captured {
        capture();
    }
    let (go, stand) = mpsc::channel::<()>();
    let stand = Mutex::new(stand);
    let tally: Arc<Mutex<Tally>> = Arc::default();
    let added = Arc::clone(&tally);
    let slow = Options::new()
        .own_thread()
        .on(wind(), move |received| {
            let _ = stand.lock().unwrap().recv();
            added.lock().unwrap().add(received);
        })
        .unwrap();
    let other = Signals::new(Signal::USR1).unwrap();
    let mut sender = start_sender(wind(), 5_000);
    for _ in 0..1_000 {
        send::send(send::process_id(), Signal::USR1).unwrap();
        assert!(other.next_timeout(Duration::from_secs(10)).is_some());
    }
    drop(go);
    assert!(sender.wait().unwrap().success());
    until_seen(|| tally.lock().unwrap().all, 5_000);
    assert_eq!(receive::lost(wind()), 0);
    drop(slow);
}
