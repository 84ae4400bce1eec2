//! The end of children: each status once, collected from nobody else.

mod storm;

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use wigwag::disposition::{self, Flags, Handling};
use wigwag::receive::{self, ChildEnd, ChildRegistration, Options, Signals, Way};
use wigwag::{Errno, Error, Signal, WaitStatus, send, wait};

use crate::Case;
use crate::tools::{collect, exit, fork, has_zombie, ignore_behind_its_back, no_core};

pub const CASES: &[Case] = &[
    ("children::each_status_once", || each_status_once(false)),
    ("children::each_status_once_captured", || {
        each_status_once(true)
    }),
    ("children::core_dumps_are_told", core_dumps_are_told),
    ("children::what_it_used_is_told", what_it_used_is_told),
    ("children::one_that_ended_before_is_told", || {
        ended_before(false)
    }),
    ("children::one_that_ended_before_is_told_captured", || {
        ended_before(true)
    }),
    (
        "children::what_is_no_child_is_an_error",
        what_is_no_child_is_an_error,
    ),
    ("children::one_that_others_collected_is_an_error", || {
        others_collected(false)
    }),
    (
        "children::one_that_others_collected_is_an_error_captured",
        || others_collected(true),
    ),
    (
        "children::dropped_before_the_end_it_is_others",
        dropped_before_the_end,
    ),
    (
        "children::dropping_waits_and_loses_no_status",
        dropping_waits_and_loses_no_status,
    ),
    ("children::ignored_from_the_start", || {
        ignored_from_the_start(false)
    }),
    ("children::ignored_from_the_start_captured", || {
        ignored_from_the_start(true)
    }),
    ("children::that_leave_no_status", that_leave_no_status),
    (
        "children::a_panic_is_counted_and_no_end",
        a_panic_is_counted_and_no_end,
    ),
    (
        "children::a_callback_may_register_and_drop",
        a_callback_may_register_and_drop,
    ),
    ("children::stops_are_no_ends", stops_are_no_ends),
    ("children::stops_are_left_to_a_tracer", storm::traced),
    ("children::beside_other_subscribers", || {
        beside_other_subscribers(false)
    }),
    ("children::beside_other_subscribers_captured", || {
        beside_other_subscribers(true)
    }),
    ("children::drain_waits_for_them", drain_waits_for_them),
    ("children::a_forked_child_begins_anew", || {
        a_forked_child_begins_anew(false)
    }),
    ("children::a_forked_child_begins_anew_captured", || {
        a_forked_child_begins_anew(true)
    }),
    ("children::all_are_collected", || all_are_collected(false)),
    ("children::all_are_collected_captured", || {
        all_are_collected(true)
    }),
    ("storm_children", || storm::one_after_the_other(false)),
    ("storm_children_captured", || {
        storm::one_after_the_other(true)
    }),
    ("storm_children_at_once", || storm::all_at_once(false)),
    ("storm_children_at_once_captured", || {
        storm::all_at_once(true)
    }),
    ("storm_children_dropped", storm::dropped_while_they_end),
    ("storm_children_all", storm::all_collected),
];

const SOON: Duration = Duration::from_secs(10);

fn capture(is_captured: bool) {
    if is_captured {
        receive::block_everywhere(Signal::CHLD).unwrap();
    }
    let way = if is_captured {
        Way::Captured
    } else {
        Way::Caught
    };
    assert_eq!(receive::way(Signal::CHLD), way);
}

type Told = mpsc::Receiver<Result<ChildEnd, Error>>;

/// A registration whose result comes out of a channel.
fn told_of(pid: i32) -> (ChildRegistration, Told) {
    let (tell, told) = mpsc::channel();
    let registration = receive::on_child(pid, move |end| tell.send(end).unwrap()).unwrap();
    (registration, told)
}

/// What is told, which is all.
fn one(told: &Told) -> Result<ChildEnd, Error> {
    let end = told.recv_timeout(SOON).unwrap();
    assert_eq!(
        told.recv_timeout(SOON),
        Err(mpsc::RecvTimeoutError::Disconnected)
    );
    end
}

/// A child that waits for a signal.
fn sleeper() -> i32 {
    fork(|| {
        loop {
            wait::pause();
        }
    })
}

fn end(child: i32) {
    send::send(child, Signal::KILL).unwrap();
}

const KILLED: WaitStatus = WaitStatus::Killed {
    signal: Signal::KILL,
    core_dumped: false,
};

fn is_gone(child: i32) {
    assert!(!has_zombie(child) && send::probe(child).unwrap_err().is_gone());
}

fn each_status_once(is_captured: bool) {
    capture(is_captured);
    no_core();
    for status in [0, 1, 3, 255] {
        let child = fork(|| status);
        let (registration, told) = told_of(child);
        let told = one(&told).unwrap();
        assert_eq!((told.pid, told.status), (child, WaitStatus::Exited(status)));
        assert!(registration.is_over());
        is_gone(child);
    }
    for signal in [Signal::KILL, Signal::TERM, Signal::ABRT, Signal::rtmin()] {
        let child = sleeper();
        let (registration, told) = told_of(child);
        assert!(!registration.is_over());
        send::send(child, signal).unwrap();
        let killed = WaitStatus::Killed {
            signal,
            core_dumped: false,
        };
        assert_eq!(one(&told).unwrap().status, killed);
        is_gone(child);
    }
    // Two who wait for one are both told.
    let child = sleeper();
    let (_first, first) = told_of(child);
    let (_second, second) = told_of(child);
    end(child);
    assert_eq!(one(&first).unwrap(), one(&second).unwrap());
    // Nobody waits any more: CHLD is as it was.
    receive::drain(SOON);
    assert_eq!(
        disposition::get(Signal::CHLD).unwrap().handling,
        Handling::Default
    );
    assert_eq!(receive::panics(), 0);
}

/// Where this machine writes a core, the flag is told; the signal says so too.
fn core_dumps_are_told() {
    let (tell, says) = mpsc::channel();
    let _registration = receive::on(Signal::CHLD, move |received| {
        tell.send(received.child_status().unwrap()).unwrap();
    });
    let directory = std::env::temp_dir().join(format!("wigwag-core-{}", std::process::id()));
    std::fs::create_dir(&directory).unwrap();
    std::env::set_current_dir(&directory).unwrap();
    for has_core in [false, true] {
        let child = fork(|| {
            let limit = rustix::process::Rlimit {
                current: has_core.then_some(1 << 20).or(Some(0)),
                maximum: None,
            };
            let _ = rustix::process::setrlimit(rustix::process::Resource::Core, limit);
            let _ = send::raise(Signal::QUIT);
            0
        });
        let (_registration, told) = told_of(child);
        let status = one(&told).unwrap().status;
        assert_eq!(status.signal(), Some(Signal::QUIT));
        assert_eq!(says.recv_timeout(SOON).unwrap(), status);
        if let WaitStatus::Killed { core_dumped, .. } = status {
            let written = std::fs::read_dir(&directory).unwrap().count() > 0;
            assert!(
                core_dumped || !written,
                "a core was written, and {status} says"
            );
            assert!(has_core || !written);
        }
    }
    std::env::set_current_dir("/").unwrap();
    std::fs::remove_dir_all(directory).unwrap();
}

fn what_it_used_is_told() {
    let child = fork(|| {
        let begun = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let until = begun.tv_nsec + 50_000_000 + begun.tv_sec * 1_000_000_000;
        let memory = vec![1_u8; 32 << 20];
        loop {
            let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
            if now.tv_nsec + now.tv_sec * 1_000_000_000 > until {
                return i32::from(std::hint::black_box(&memory)[5]);
            }
        }
    });
    let (_registration, told) = told_of(child);
    let end = one(&told).unwrap();
    assert_eq!(end.status, WaitStatus::Exited(1));
    assert!(
        end.user_time + end.system_time >= Duration::from_millis(49),
        "{end:?}"
    );
    assert!(
        end.max_rss > 32 << 20 && end.max_rss < 1 << 32,
        "bytes: {end:?}"
    );
}

fn until_zombie(child: i32) {
    let deadline = Instant::now() + SOON;
    while !has_zombie(child) {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
}

fn ended_before(is_captured: bool) {
    capture(is_captured);
    let children: Vec<i32> = (1..=5).map(|status| fork(|| status)).collect();
    children.iter().for_each(|child| until_zombie(*child));
    let here = std::thread::current().id();
    for (child, status) in children.into_iter().zip(1..) {
        let (tell, told) = mpsc::channel();
        let registration = receive::on_child(child, move |end| {
            assert_ne!(std::thread::current().id(), here);
            tell.send(end).unwrap();
        });
        assert_eq!(one(&told).unwrap().status, WaitStatus::Exited(status));
        drop(registration);
    }
}

fn what_is_no_child_is_an_error() {
    for pid in [0, -1, i32::MIN] {
        let error = receive::on_child(pid, |_| ()).unwrap_err();
        assert_eq!(error.errno(), Errno::INVAL);
    }
    let parent = std::os::unix::process::parent_id() as i32;
    for pid in [parent, send::process_id(), i32::MAX] {
        let (_registration, told) = told_of(pid);
        let error = one(&told).unwrap_err();
        assert_eq!(error.errno().name(), Some("ECHILD"));
        let text = format!("cannot collect child {pid}: ECHILD (no child processes); it is no");
        assert!(error.to_string().starts_with(&text), "{error}");
    }
}

fn others_collected(is_captured: bool) {
    capture(is_captured);
    let children = [sleeper(), sleeper(), sleeper()];
    let told: Vec<_> = children.iter().map(|child| told_of(*child)).collect();
    // The library's thread is held up until they have been collected here; the three signals may be one.
    let (begun, begins) = mpsc::channel();
    let (go, stand) = mpsc::channel::<()>();
    let _holder = receive::on(Signal::USR1, move |_| {
        begun.send(()).unwrap();
        let _ = stand.recv();
    });
    send::send(send::process_id(), Signal::USR1).unwrap();
    begins.recv_timeout(SOON).unwrap();
    for child in children {
        end(child);
        assert_eq!(collect(child), KILLED);
    }
    go.send(()).unwrap();
    for (_registration, told) in told {
        assert_eq!(one(&told).unwrap_err().errno().name(), Some("ECHILD"));
    }
}

fn dropped_before_the_end() {
    let called = Arc::new(AtomicBool::new(false));
    let children: Vec<i32> = (0..3).map(|_| sleeper()).collect();
    let mut registrations: Vec<_> = children
        .iter()
        .map(|child| {
            let called = Arc::clone(&called);
            receive::on_child(*child, move |_| called.store(true, Ordering::SeqCst)).unwrap()
        })
        .collect();
    let kept = sleeper();
    let (_registration, told) = told_of(kept);
    drop(registrations.pop());
    drop(registrations.pop());
    end(children[1]);
    end(children[2]);
    until_zombie(children[1]);
    until_zombie(children[2]);
    end(kept);
    assert_eq!(one(&told).unwrap().status, KILLED);
    receive::drain(SOON);
    assert!(has_zombie(children[1]) && has_zombie(children[2]));
    assert_eq!(
        (collect(children[1]), collect(children[2])),
        (KILLED, KILLED)
    );
    drop(registrations);
    end(children[0]);
    assert_eq!(collect(children[0]), KILLED);
    assert!(!called.load(Ordering::SeqCst));
}

fn dropping_waits_and_loses_no_status() {
    let (begun, begins) = mpsc::channel();
    let done = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&done);
    let (go, wait) = mpsc::channel::<()>();
    let child = fork(|| 0);
    let registration = receive::on_child(child, move |_| {
        begun.send(()).unwrap();
        let _ = wait.recv();
        ended.store(true, Ordering::SeqCst);
    });
    begins.recv_timeout(SOON).unwrap();
    let dropper = std::thread::spawn(move || drop(registration));
    // It waits; a test cannot see that it does so for ever, but that it had not returned when the callback had.
    std::thread::yield_now();
    assert!(!dropper.is_finished());
    go.send(()).unwrap();
    dropper.join().unwrap();
    assert!(done.load(Ordering::SeqCst));
}

fn ignored_from_the_start(is_captured: bool) {
    ignore_behind_its_back(Signal::CHLD);
    capture(is_captured);
    // Ended before anybody waited: the kernel has collected it.
    let lost = fork(|| 0);
    let deadline = Instant::now() + SOON;
    while send::probe(lost).is_ok() {
        assert!(Instant::now() < deadline);
    }
    let child = sleeper();
    let (registration, told) = told_of(child);
    assert!(!registration.is_displaced());
    let (_registration, lost_told) = told_of(lost);
    assert_eq!(one(&lost_told).unwrap_err().errno().name(), Some("ECHILD"));
    // In a child made by fork it is ignored again.
    let forked = fork(|| {
        assert_eq!(
            disposition::get(Signal::CHLD).unwrap().handling,
            Handling::Ignore
        );
        0
    });
    let (_registration, forked) = told_of(forked);
    assert_eq!(one(&forked).unwrap().status, WaitStatus::Exited(0));
    end(child);
    assert_eq!(one(&told).unwrap().status, KILLED);
    receive::drain(SOON);
    assert_eq!(
        disposition::get(Signal::CHLD).unwrap().handling,
        Handling::Ignore
    );
}

fn that_leave_no_status() {
    let no_wait = Options::new().no_child_wait().on(Signal::CHLD, |_| ());
    let child = sleeper();
    let (_registration, told) = told_of(child);
    end(child);
    assert_eq!(one(&told).unwrap_err().errno().name(), Some("ECHILD"));
    drop(no_wait);

    // Captured, the flag is lifted while a child is registered.
    let forked = fork(|| {
        disposition::default_with(Signal::CHLD, Flags::NOCLDWAIT).unwrap();
        capture(true);
        let child = sleeper();
        let (registration, told) = told_of(child);
        end(child);
        assert_eq!(one(&told).unwrap().status, KILLED);
        drop(registration);
        receive::drain(SOON);
        let flags = disposition::get(Signal::CHLD).unwrap().flags;
        assert!(flags.contains(Flags::NOCLDWAIT));
        0
    });
    assert_eq!(collect(forked), WaitStatus::Exited(0));
}

fn a_panic_is_counted_and_no_end() {
    std::panic::set_hook(Box::new(|_| ()));
    let child = fork(|| 1);
    let registration = receive::on_child(child, |_| panic!("a callback's")).unwrap();
    let deadline = Instant::now() + SOON;
    while receive::panics() == 0 {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
    assert!(registration.is_over());
    drop(registration);
    let (tell, told) = mpsc::channel();
    let _any = receive::on_any_child(move |end| {
        tell.send(end.pid).unwrap();
        panic!("every time");
    })
    .unwrap();
    for _ in 0..3 {
        let child = fork(|| 0);
        assert_eq!(told.recv_timeout(SOON).unwrap(), child);
    }
    receive::drain(SOON);
    assert_eq!(receive::panics(), 4);
}

fn a_callback_may_register_and_drop() {
    let (tell, told) = mpsc::channel();
    let second = sleeper();
    let kept: Arc<Mutex<Vec<ChildRegistration>>> = Arc::default();
    let slot = Arc::clone(&kept);
    let first = fork(|| 1);
    // Its own is dropped within, and so is another of the same child, which is not told.
    let own: Arc<Mutex<Vec<ChildRegistration>>> = Arc::default();
    let mine = Arc::clone(&own);
    let mut held = own.lock().unwrap();
    let registration = receive::on_child(first, move |end| {
        let registrations = std::mem::take(&mut *mine.lock().unwrap());
        assert_eq!(registrations.len(), 2);
        drop(registrations);
        let tell_second = tell.clone();
        let inner = receive::on_child(second, move |end| tell_second.send(end).unwrap());
        slot.lock().unwrap().push(inner.unwrap());
        tell.send(end).unwrap();
    });
    held.push(registration.unwrap());
    held.push(receive::on_child(first, |_| panic!("it was dropped")).unwrap());
    drop(held);
    assert_eq!(
        told.recv_timeout(SOON).unwrap().unwrap().status,
        WaitStatus::Exited(1)
    );
    end(second);
    assert_eq!(told.recv_timeout(SOON).unwrap().unwrap().status, KILLED);
    assert_eq!((kept.lock().unwrap().len(), receive::panics()), (1, 0));
}

fn stops_are_no_ends() {
    let child = sleeper();
    let (_registration, told) = told_of(child);
    for signal in [Signal::STOP, Signal::CONT, Signal::STOP] {
        let (tell, heard) = mpsc::channel();
        let _chld = receive::on(Signal::CHLD, move |received| {
            let _ = tell.send(received.child_status());
        });
        send::send(child, signal).unwrap();
        let status = heard.recv_timeout(SOON).unwrap().unwrap();
        assert!(!status.is_end());
        receive::drain(SOON);
        assert!(told.try_recv().is_err());
    }
    end(child);
    assert_eq!(one(&told).unwrap().status, KILLED);
}

fn beside_other_subscribers(is_captured: bool) {
    capture(is_captured);
    let signals = Signals::new(Signal::CHLD).unwrap();
    let (tell, heard) = mpsc::channel();
    let chld = receive::on(Signal::CHLD, move |received| {
        let _ = tell.send(received.pid());
    });
    for _ in 0..50 {
        let child = sleeper();
        let (registration, told) = told_of(child);
        end(child);
        assert_eq!(one(&told).unwrap().status, KILLED);
        drop(registration);
        assert_eq!(heard.recv_timeout(SOON).unwrap(), Some(child));
        assert_eq!(signals.next_timeout(SOON).unwrap().pid(), Some(child));
    }
    drop(chld);
    // The others' CHLD goes on when nobody waits for a child any more.
    let child = fork(|| 0);
    assert_eq!(signals.next_timeout(SOON).unwrap().pid(), Some(child));
    assert_eq!(collect(child), WaitStatus::Exited(0));
}

fn drain_waits_for_them() {
    for _ in 0..200 {
        let children = [fork(|| 0), fork(|| 1)];
        children.iter().for_each(|child| until_zombie(*child));
        let (_first, first) = told_of(children[0]);
        let (_second, second) = told_of(children[1]);
        assert!(receive::drain(SOON));
        assert!(first.try_recv().is_ok() && second.try_recv().is_ok());
    }
}

fn a_forked_child_begins_anew(is_captured: bool) {
    capture(is_captured);
    let child = sleeper();
    let (registration, told) = told_of(child);
    let _any = receive::on_any_child(|_| ()).unwrap();
    let forked = fork(|| {
        assert!(registration.is_over());
        assert_eq!(
            disposition::get(Signal::CHLD).unwrap().handling,
            Handling::Default
        );
        // Nothing of the parent's is collected here, and its children are none of this one's.
        let (_inherited, told) = told_of(child);
        assert!(one(&told).is_err());
        let own = sleeper();
        let (_registration, told) = told_of(own);
        end(own);
        assert_eq!(one(&told).unwrap().status, KILLED);
        exit(7)
    });
    let (_registration, forked_told) = told_of(forked);
    assert_eq!(one(&forked_told).unwrap().status, WaitStatus::Exited(7));
    end(child);
    assert_eq!(one(&told).unwrap().status, KILLED);
}

fn all_are_collected(is_captured: bool) {
    capture(is_captured);
    let before: Vec<i32> = (0..3).map(|status| fork(|| status)).collect();
    before.iter().for_each(|child| until_zombie(*child));
    let (tell, told) = mpsc::channel();
    let registration = receive::on_any_child(move |end| tell.send(end).unwrap()).unwrap();
    assert_eq!((registration.pid(), registration.is_over()), (None, false));
    let mut ends: Vec<ChildEnd> = (0..3).map(|_| told.recv_timeout(SOON).unwrap()).collect();
    ends.sort_by_key(|end| end.pid);
    for (status, (end, pid)) in (0..).zip(ends.iter().zip(&before)) {
        assert_eq!((end.pid, end.status), (*pid, WaitStatus::Exited(status)));
    }
    // One of a program, and one that somebody waits for.
    let mut program = Command::new("false").spawn().unwrap();
    assert_eq!(
        told.recv_timeout(SOON).unwrap().status,
        WaitStatus::Exited(1)
    );
    assert_eq!(
        program.wait().unwrap_err().raw_os_error(),
        Some(libc::ECHILD)
    );
    let child = sleeper();
    let (_registration, one_told) = told_of(child);
    end(child);
    assert_eq!(one(&one_told).unwrap(), told.recv_timeout(SOON).unwrap());
    drop(registration);
    let child = fork(|| 4);
    assert_eq!(collect(child), WaitStatus::Exited(4));
    assert!(told.recv().is_err());
}
