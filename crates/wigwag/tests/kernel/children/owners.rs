//! Whose a child is: the library's, a tracer's, the kernel's or somebody else's.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Instant;

use wigwag::disposition::{self, Flags, Handling};
use wigwag::receive::{self, ChildEnd, Options};
use wigwag::{Signal, WaitStatus, send};

use super::{KILLED, SOON, capture, end, one, sleeper, told_of, until_zombie};
use crate::tools::{be_traced, collect, fork, has_zombie, ignore_behind_its_back, until_stopped};

pub fn others_collected(is_captured: bool) {
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

pub fn dropped_before_the_end() {
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

pub fn dropping_waits_and_loses_no_status() {
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

pub fn ignored_from_the_start(is_captured: bool) {
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

pub fn that_leave_no_status() {
    // Caught, the flag is in force only where all ask for it, and who waits for a child does not.
    let no_wait = Options::new().no_child_wait().on(Signal::CHLD, |_| ());
    let child = sleeper();
    let (registration, told) = told_of(child);
    end(child);
    assert_eq!(one(&told).unwrap().status, KILLED);
    drop(registration);
    receive::drain(SOON);
    let flags = || disposition::get(Signal::CHLD).unwrap().flags;
    assert!(flags().contains(Flags::NOCLDWAIT));
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

pub fn all_are_collected(is_captured: bool) {
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

/// A child that this process traces: its stop is the tracer's to collect.
pub fn traced() {
    let child = fork(|| {
        be_traced();
        send::raise(Signal::STOP).unwrap();
        0
    });
    let (_registration, told) = told_of(child);
    let (tell, any) = mpsc::channel();
    let _any = receive::on_any_child(move |end| tell.send(end.pid).unwrap()).unwrap();
    let other = sleeper();
    // It stops before the library has looked, or after: neither may take the stop.
    let deadline = Instant::now() + SOON;
    let stopped = || {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap();
        stat.contains(") t ")
    };
    while !stopped() {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
    // The one who wants all is told of another, that the signal names, though the stop lies before it.
    end(other);
    assert_eq!(any.recv_timeout(SOON).unwrap(), other);
    assert!(receive::drain(SOON));
    until_stopped(child);
    assert!(told.try_recv().is_err());
    end(child);
    assert_eq!(one(&told).unwrap().status, KILLED);
    assert_eq!(any.recv_timeout(SOON).unwrap(), child);
}
