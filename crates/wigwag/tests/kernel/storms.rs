//! Nothing is lost: queued signals from other processes, in every shape of receiver.

use std::collections::HashMap;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use wigwag::receive::{self, Options, Received, Signals, Way};
use wigwag::{Errno, Signal, send};

use crate::Case;

pub const CASES: &[Case] = &[
    ("storm_captured_signals", || captured(1)),
    ("storm_captured_signals_of_four_senders", || captured(4)),
    ("storm_captured_shared_by_three_threads", captured_shared),
    ("storm_captured_three_subscriptions", || many(true, 3)),
    ("storm_captured_eight_subscriptions", || many(true, 8)),
    ("storm_caught_one_subscription", || many(false, 1)),
    ("storm_caught_three_subscriptions", || many(false, 3)),
    ("storm_caught_four_senders", caught_four),
    ("storm_caught_signals", caught_signals),
    ("storm_slow_callback_captured", || slow(true)),
    ("storm_slow_callback_caught", || slow(false)),
    ("storm_tight_limit_captured", || tight(true)),
    ("storm_tight_limit_caught", || tight(false)),
    ("storm_a_slow_one_delays_no_other", || others_go_on(true)),
    ("storm_a_slow_one_delays_no_other_caught", || {
        others_go_on(false)
    }),
    ("queue_sender", sender),
];

/// How many signals a storm has in all.
pub fn count() -> u64 {
    let asked = std::env::var("WIGWAG_STORM").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(100_000)
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

fn captured(senders: u64) {
    capture();
    let signals = Signals::new(wind()).unwrap();
    let each = count() / senders;
    let senders: Vec<Child> = (0..senders).map(|_| start_sender(wind(), each)).collect();
    let mut tally = Tally::default();
    while tally.all < each * senders.len() as u64 {
        tally.add(&signals.next().unwrap());
    }
    assert_eq!(signals.try_next(), None);
    ends(senders);
    let threads = std::fs::read_dir("/proc/self/task").unwrap().count();
    assert_eq!(threads, 1, "no thread is made");
}

fn captured_shared() {
    capture();
    let signals = Signals::new(wind()).unwrap();
    let values = Mutex::new(Vec::new());
    let left = AtomicU64::new(count());
    let sender = start_sender(wind(), count());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(received) = signals.next() {
                    values.lock().unwrap().push(received.value().unwrap());
                    if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                        signals.close();
                    }
                }
            });
        }
    });
    ends(vec![sender]);
    let mut values = values.into_inner().unwrap();
    values.sort_unstable();
    assert!(
        values.iter().copied().eq(0..count() as i32),
        "all, and none twice"
    );
}

/// Waits until `counts` have all come to `expected`.
fn reach(counts: &[Arc<Mutex<Tally>>], expected: u64, lost: impl Fn() -> u64) {
    let deadline = std::time::Instant::now() + Duration::from_secs(25);
    for tally in counts {
        while tally.lock().unwrap().all + lost() < expected {
            assert!(
                std::time::Instant::now() < deadline,
                "{} of {expected}",
                tally.lock().unwrap().all
            );
            std::thread::yield_now();
            receive::drain(Duration::from_secs(5));
        }
        assert_eq!(tally.lock().unwrap().all + lost(), expected);
    }
}

fn many(is_captured: bool, subscriptions: usize) {
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
    ends(vec![start_sender(wind(), count())]);
    reach(&tallies, count(), || 0);
    assert_eq!((receive::lost(wind()), receive::panics()), (0, 0));
    drop(registrations);
}

fn caught_four() {
    let tally: Arc<Mutex<Tally>> = Arc::default();
    let added = Arc::clone(&tally);
    let _registration =
        receive::on(wind(), move |received| added.lock().unwrap().add(received)).unwrap();
    let each = count() / 4;
    ends((0..4).map(|_| start_sender(wind(), each)).collect());
    reach(&[tally], each * 4, || 0);
    assert_eq!((receive::lost(wind()), receive::panics()), (0, 0));
}

fn caught_signals() {
    let signals = Signals::new(wind()).unwrap();
    let sender = start_sender(wind(), count());
    let mut tally = Tally::default();
    while tally.all < count() {
        tally.add(&signals.next().unwrap());
    }
    assert_eq!((signals.try_next(), receive::lost(wind())), (None, 0));
    ends(vec![sender]);
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
    ends(vec![start_sender(wind(), count() / 4)]);
    reach(&[tally], count() / 4, || 0);
    assert_eq!((receive::lost(wind()), receive::panics()), (0, 0));
}

/// With room for 64 signals in the kernel.
fn tight(is_captured: bool) {
    if is_captured {
        capture();
    }
    let limit = rustix::process::Rlimit {
        current: Some(64),
        maximum: Some(64),
    };
    rustix::process::setrlimit(rustix::process::Resource::Sigpending, limit).unwrap();
    let tally: Arc<Mutex<Tally>> = Arc::default();
    let added = Arc::clone(&tally);
    let _registration = Options::new()
        .own_thread()
        .on(wind(), move |received| added.lock().unwrap().add(received))
        .unwrap();
    ends(vec![start_sender(wind(), count() / 4)]);
    reach(&[tally], count() / 4, || receive::lost(wind()));
    assert_eq!(receive::panics(), 0);
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
    reach(&[tally], 5_000, || 0);
    drop(slow);
}
