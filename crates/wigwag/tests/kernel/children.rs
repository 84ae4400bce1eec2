//! The end of children: each status once, collected from nobody else.

mod owners;
mod storm;

pub use storm::growth;

use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use wigwag::disposition::{self, Handling};
use wigwag::receive::{self, ChildEnd, ChildRegistration, Signals, Way};
use wigwag::{Errno, Error, Signal, WaitStatus, send, wait};

use crate::Case;
use crate::tools::{collect, exit, fork, has_zombie, no_core};

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
        owners::others_collected(false)
    }),
    (
        "children::one_that_others_collected_is_an_error_captured",
        || owners::others_collected(true),
    ),
    (
        "children::dropped_before_the_end_it_is_others",
        owners::dropped_before_the_end,
    ),
    (
        "children::dropping_waits_and_loses_no_status",
        owners::dropping_waits_and_loses_no_status,
    ),
    ("children::ignored_from_the_start", || {
        owners::ignored_from_the_start(false)
    }),
    ("children::ignored_from_the_start_captured", || {
        owners::ignored_from_the_start(true)
    }),
    (
        "children::that_leave_no_status",
        owners::that_leave_no_status,
    ),
    (
        "children::a_panic_is_counted_and_no_end",
        a_panic_is_counted_and_no_end,
    ),
    (
        "children::a_callback_may_register_and_drop",
        a_callback_may_register_and_drop,
    ),
    ("children::stops_are_no_ends", stops_are_no_ends),
    ("children::stops_are_left_to_a_tracer", owners::traced),
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
    ("children::all_are_collected", || {
        owners::all_are_collected(false)
    }),
    ("children::all_are_collected_captured", || {
        owners::all_are_collected(true)
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
        // It is not left behind by a test that fails.
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
            .unwrap();
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
            assert!(core_dumped || !written, "a core was written: {status}");
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
