//! Beside others who handle signals in the same process, in either order of coming and of going: each sees every signal, and what
//! is left at the end is what was there before.

mod others;

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use wigwag::disposition::{self, Handling};
use wigwag::receive::{self, Options, Registration, Signals};
use wigwag::{Signal, SignalSet, mask, send};

use crate::Case;
use crate::storms::{Tally, start_sender};
use others::{Kind, Other};

/// Each kind, who comes first, and who goes first.
macro_rules! beside {
    ($($name:literal, $kind:ident;)*) => {
        &[$(
            (concat!("coexisting::", $name, "_after_us_goes_first"), || beside(Kind::$kind, true, false)),
            (concat!("coexisting::", $name, "_after_us_goes_last"), || beside(Kind::$kind, true, true)),
            (concat!("coexisting::", $name, "_before_us_goes_first"), || beside(Kind::$kind, false, false)),
            (concat!("coexisting::", $name, "_before_us_goes_last"), || beside(Kind::$kind, false, true)),
            (concat!("coexisting::", $name, "_between_us_and_us"), || again(Kind::$kind)),
        )*
        ("coexisting::two_copies_take_turns", take_turns),
        ("coexisting::what_was_there_before_both_copies_is_called", at_the_bottom),
        ("coexisting::left_behind_it_does_what_was_done_before", left_behind),
        ("coexisting::left_behind_and_used_again", left_behind_and_used_again),
        ("coexisting::what_is_held_back_is_taken_again", || held_back(false)),
        ("coexisting::what_is_held_back_is_taken_again_while_waiting", || held_back(true)),
        ("left_behind_helper", left_behind_helper),
        ]
    };
}

pub const CASES: &[Case] = beside! {
    "signal_hook", Hook;
    "tokio", Tokio;
    "c_handler_with_info", WithInfo;
    "c_handler_without_info", Plain;
    "second_copy", Copy;
};

const COUNT: u64 = 1_000;

fn wind() -> Signal {
    Signal::rtmin()
}

pub fn until(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

struct Ours {
    tally: Arc<Mutex<Tally>>,
    registration: Option<Registration>,
}

impl Ours {
    fn new() -> Ours {
        let mut ours = Ours {
            tally: Arc::default(),
            registration: None,
        };
        ours.come();
        ours
    }

    fn come(&mut self) {
        let tally = Arc::clone(&self.tally);
        let registration = receive::on(wind(), move |received| tally.lock().unwrap().add(received));
        self.registration = Some(registration.unwrap());
    }

    fn go(&mut self) {
        self.registration = None;
    }

    /// What has been seen: once all that had arrived has been given.
    fn seen(&self) -> u64 {
        assert!(receive::drain(Duration::from_secs(10)));
        assert_eq!((receive::lost(wind()), receive::panics()), (0, 0));
        self.tally.lock().unwrap().all
    }

    fn is_displaced(&self) -> bool {
        self.registration
            .as_ref()
            .is_some_and(Registration::is_displaced)
    }
}

/// 1,000 queued signals from another process: each of the two that is there sees them all, the other none.
fn storm(ours: &Ours, other: &Other, expected: (u64, u64)) {
    let before = (ours.seen(), other.seen());
    if other.coalesces() {
        // One after the other: he only hears that there was one.
        for n in 1..=COUNT {
            let value = ours.tally.lock().unwrap().all as i32;
            send::queue(send::process_id(), wind(), value).unwrap();
            until("each is seen by who is there", || {
                let now = (ours.tally.lock().unwrap().all, other.seen());
                now == (before.0 + n * expected.0, before.1 + n * expected.1)
            });
        }
    } else {
        assert!(start_sender(wind(), COUNT).wait().unwrap().success());
    }
    let all = (before.0 + COUNT * expected.0, before.1 + COUNT * expected.1);
    until("everybody sees all", || {
        ours.seen() >= all.0 && other.seen() >= all.1
    });
    assert_eq!((ours.seen(), other.seen()), all);
}

fn beside(kind: Kind, we_come_first: bool, we_go_first: bool) {
    let before = disposition::get(wind()).unwrap().handling;
    let (mut ours, mut other);
    let his;
    if we_come_first {
        ours = Ours::new();
        other = Other::new(kind, wind());
        his = disposition::get(wind()).unwrap();
    } else {
        other = Other::new(kind, wind());
        his = disposition::get(wind()).unwrap();
        ours = Ours::new();
    }
    assert_eq!(ours.is_displaced(), we_come_first);
    // A handler without siginfo can hand nothing on.
    let ours_called = u64::from(!we_come_first || kind.calls_the_one_before());
    storm(&ours, &other, (ours_called, 1));
    if we_go_first {
        ours.go();
        storm(&ours, &other, (0, 1));
        other.go();
    } else {
        other.go();
        storm(
            &ours,
            &other,
            (1.min(ours_called + u64::from(kind.puts_back())), 0),
        );
        ours.go();
    }
    let after = disposition::get(wind()).unwrap();
    if !kind.puts_back() || (!we_come_first && !we_go_first) {
        // His, which he never takes away, or could not while ours lay over it.
        assert_eq!(format!("{after:?}"), format!("{his:?}"));
    } else if we_come_first && we_go_first {
        // Ours, which he has put back: see `left_behind`.
        assert_ne!(after.handling, before);
    } else {
        assert_eq!(after.handling, before);
    }
}

/// Ours, his, and ours once more: his calls ours, and ours calls his.
fn again(kind: Kind) {
    let mut ours = Ours::new();
    let mut other = Other::new(kind, wind());
    for _ in 0..3 {
        ours.go();
        storm(&ours, &other, (0, 1));
        ours.come();
        assert!(!ours.is_displaced());
        storm(&ours, &other, (1, 1));
    }
    ours.go();
    storm(&ours, &other, (0, 1));
    other.go();
}

/// Two copies, each of which comes and goes again and again, over the other.
fn take_turns() {
    let mut ours = Ours::new();
    let mut other = Other::new(Kind::Copy, wind());
    for _ in 0..10 {
        storm(&ours, &other, (1, 1));
        ours.go();
        ours.come();
        storm(&ours, &other, (1, 1));
        other.go();
        storm(&ours, &other, (1, 0));
        other = Other::new(Kind::Copy, wind());
    }
}

/// A handler of C, under both copies that lie over one another.
fn at_the_bottom() {
    crate::tools::handle(wind(), 0);
    let bottom = || crate::tools::COUNT.load(Ordering::SeqCst) as u64;
    let mut ours = Ours::new();
    let mut other = Other::new(Kind::Copy, wind());
    ours.go();
    ours.come();
    let before = bottom();
    storm(&ours, &other, (1, 1));
    assert_eq!(bottom() - before, COUNT);
    // A child made by fork has the handlers, and is neither.
    let child = crate::tools::fork(|| {
        let before = bottom();
        send::raise(wind()).unwrap();
        i32::from(bottom() - before != 1)
    });
    assert_eq!(crate::tools::collect(child), wigwag::WaitStatus::Exited(0));
    other.go();
    ours.go();
}

/// Ours lay under his when it went, and his puts it back: a signal ends the process as it would have, or does nothing.
fn left_behind() {
    for (number, ends) in [
        (libc::SIGTERM, true),
        (libc::SIGRTMIN(), true),
        (libc::SIGCHLD, false),
        (libc::SIGWINCH, false),
    ] {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--case", "left_behind_helper"])
            .env("LEFT_BEHIND", number.to_string())
            .status()
            .unwrap();
        let expected = (ends.then_some(number), (!ends).then_some(0));
        assert_eq!((status.signal(), status.code()), expected, "{number}");
    }
}

fn left_behind_helper() {
    let Some(number) = std::env::var("LEFT_BEHIND").ok() else {
        return;
    };
    let signal = Signal::new(number.parse().unwrap()).unwrap();
    let ours = receive::on(signal, |_| ()).unwrap();
    let mut other = Other::new(Kind::WithInfo, signal);
    drop(ours);
    other.go();
    assert!(matches!(
        disposition::get(signal).unwrap().handling,
        Handling::Caught(_)
    ));
    send::raise(signal).unwrap();
    receive::drain(Duration::from_secs(10));
}

/// Whoever comes again finds it there, and all is as ever.
fn left_behind_and_used_again() {
    let mut ours = Ours::new();
    let mut other = Other::new(Kind::WithInfo, wind());
    ours.go();
    other.go();
    ours.come();
    storm(&ours, &other, (1, 0));
    ours.go();
    assert_eq!(
        disposition::get(wind()).unwrap().handling,
        Handling::Default
    );
}

/// A thread that has left signals in the kernel, since there was no room, takes them again: also such as are directed to it. What was
/// done with the signal that tells it so is what was done before.
fn held_back(waiting: bool) {
    let urgent = disposition::get(Signal::URG).unwrap();
    let mask = mask::current();
    let (go, stand) = mpsc::channel::<()>();
    let (stand, seen) = (Mutex::new(stand), Arc::new(AtomicU64::new(0)));
    let counted = Arc::clone(&seen);
    let options = Options::new().own_thread();
    let registration = options.on(wind(), move |_| {
        let _ = stand.lock().unwrap().recv();
        counted.fetch_add(1, Ordering::SeqCst);
    });
    let registration = registration.unwrap();
    let sender = start_sender(wind(), 5 * COUNT);
    until("the thread holds it back", || {
        mask::current().contains(wind())
    });
    drop(go);
    let signals = Signals::new(Signal::USR1).unwrap();
    let has = |count| {
        if waiting {
            let _ = signals.next_timeout(Duration::from_millis(1));
        }
        seen.load(Ordering::SeqCst) == count
    };
    until("all are seen", || has(5 * COUNT));
    let open = || has(5 * COUNT) && !mask::current().contains(wind());
    until("it is taken again", open);
    let now = || has(5 * COUNT) && disposition::get(Signal::URG).unwrap() == urgent;
    until("URG is as before", now);
    send::raise(wind()).unwrap();
    until("one to this thread is seen", || has(5 * COUNT + 1));
    crate::storms::ends(vec![sender]);
    drop((registration, signals));
    let kick: SignalSet = if waiting {
        Signal::URG.into()
    } else {
        SignalSet::EMPTY
    };
    assert_eq!(mask::current() - kick, mask);
    assert_eq!(receive::lost(wind()), 0);
}
