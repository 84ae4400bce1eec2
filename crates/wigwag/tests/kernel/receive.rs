//! Masks, dispositions, waiting, timers and signalfd.

use std::os::fd::AsFd;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use wigwag::disposition::{self, Flags, Handling};
use wigwag::timer::Timer;
use wigwag::{Cause, Errno, PidFd, Signal, SignalFd, SignalSet, WaitStatus, mask, send, wait};

use crate::Case;
use crate::forge::block_reserved;
use crate::tools::{COUNT, collect, fork, handle, handler_address, touch_nothing};

pub const CASES: &[Case] = &[
    (
        "receive::a_guard_puts_the_mask_back",
        a_guard_puts_the_mask_back,
    ),
    (
        "receive::a_mask_goes_to_threads_and_children",
        a_mask_goes_to_threads_and_children,
    ),
    (
        "receive::dispositions_are_read_and_put_back",
        dispositions_are_read_and_put_back,
    ),
    (
        "receive::kill_and_stop_are_refused",
        kill_and_stop_are_refused,
    ),
    (
        "receive::waiting_outlasts_other_handlers",
        waiting_outlasts_other_handlers,
    ),
    (
        "receive::pause_and_suspend_end_with_a_handler",
        pause_and_suspend_end_with_a_handler,
    ),
    (
        "receive::reserved_signals_stay_as_they_are",
        reserved_signals_stay_as_they_are,
    ),
    (
        "receive::what_cannot_come_is_not_waited_for",
        what_cannot_come_is_not_waited_for,
    ),
    (
        "receive::the_longest_times_are_taken",
        the_longest_times_are_taken,
    ),
    ("receive::a_terminal_is_asked_for", a_terminal_is_asked_for),
    ("receive::timers_repeat", timers_repeat),
    (
        "receive::signalfds_share_the_signals",
        signalfds_share_the_signals,
    ),
    ("receive::a_childs_end_is_told", a_childs_end_is_told),
    (
        "receive::a_fault_ends_the_process",
        a_fault_ends_the_process,
    ),
];

fn a_guard_puts_the_mask_back() {
    let start = mask::current();
    let outer = mask::block([Signal::HUP, Signal::KILL]);
    assert_eq!(
        mask::current(),
        start | Signal::HUP.into(),
        "KILL is left out"
    );
    {
        let _inner = mask::unblock(Signal::HUP);
        assert!(!mask::current().contains(Signal::HUP));
    }
    {
        let all = mask::set(SignalSet::ALL);
        assert_eq!(all.before(), start | Signal::HUP.into());
        assert_eq!(
            mask::current().len(),
            60,
            "all but KILL, STOP and the two reserved"
        );
    }
    drop(outer);
    assert_eq!(mask::current(), start);
    mask::block(Signal::INT).keep();
    assert!(mask::current().contains(Signal::INT));
}

/// Whoever started this program may have blocked one: it is neither blocked nor unblocked by naming it, nor by a guard.
fn reserved_signals_stay_as_they_are() {
    let [blocked, free] = [32, 33].map(|number| Signal::from_kernel(number).unwrap());
    block_reserved(blocked);
    let start = mask::current();
    let check = |what: &str| {
        let now = mask::current();
        assert!(now.contains(blocked) && !now.contains(free), "{what}");
    };
    for (what, guard) in [
        ("block", mask::block([Signal::HUP, free])),
        ("unblock", mask::unblock([Signal::HUP, blocked])),
        ("set to nothing", mask::set(SignalSet::EMPTY)),
        ("set to all", mask::set(SignalSet::ALL)),
    ]
    .into_iter()
    .rev()
    {
        check(what);
        drop(guard);
        check(what);
    }
    assert_eq!(mask::current(), start);
    handle(Signal::ALRM, 0);
    let guard = mask::block(Signal::ALRM);
    send::raise(Signal::ALRM).unwrap();
    wait::suspend(SignalSet::EMPTY);
    drop(guard);
    assert_eq!(mask::current(), start);
}

/// The kernel takes such a set, and waits for ever.
fn what_cannot_come_is_not_waited_for() {
    let never = [Signal::KILL, Signal::STOP, Signal::from_kernel(32).unwrap()];
    for set in [SignalSet::EMPTY, Signal::KILL.into(), never.into()] {
        let error = wait::wait(set).unwrap_err();
        assert_eq!(error.errno(), Errno::INVAL);
        assert!(error.note().is_some_and(|note| note.contains("KILL")));
        assert!(wait::try_wait(set).is_err());
        assert!(wait::wait_timeout(set, Duration::MAX).is_err());
    }
    let _guard = mask::block(Signal::HUP);
    send::raise(Signal::HUP).unwrap();
    assert_eq!(
        wait::wait([Signal::HUP, Signal::KILL]).unwrap(),
        Signal::HUP
    );
}

/// Times beyond what the kernel counts are its longest, and neither none nor an error.
fn the_longest_times_are_taken() {
    let _guard = mask::block([Signal::USR1, Signal::ALRM]);
    let parent = send::process_id();
    for time in [
        Duration::MAX,
        Duration::from_secs(i64::MAX as u64),
        Duration::from_secs(1 << 40),
    ] {
        // Sent by a child, so that the wait is likely to have begun.
        let child = fork(|| i32::from(send::send(parent, Signal::USR1).is_err()));
        let info = wait::interruptible(Signal::USR1, Some(time)).unwrap();
        assert_eq!(info.unwrap().pid(), Some(child));
        assert!(PidFd::open(child).unwrap().wait(Some(time)).unwrap());
        assert_eq!(collect(child), WaitStatus::Exited(0));
        let child = fork(|| i32::from(send::send(parent, Signal::USR1).is_err()));
        let info = wait::wait_timeout(Signal::USR1, time).unwrap();
        assert_eq!(info.unwrap().pid(), Some(child));
        assert_eq!(collect(child), WaitStatus::Exited(0));

        for timer in [Timer::Real, Timer::Virtual, Timer::Prof] {
            timer.set(time, Some(time)).unwrap();
            let day = Duration::from_secs(86_400);
            let setting = timer.disarm().unwrap();
            assert!(
                setting.remaining.is_some_and(|left| left > day),
                "{timer:?}"
            );
            assert!(setting.interval.is_some_and(|left| left > day), "{timer:?}");
        }
    }
    assert_eq!(wait::try_wait(Signal::ALRM).unwrap(), None);
}

/// A file that is no terminal does not make the kernel too old.
fn a_terminal_is_asked_for() {
    let error = wigwag::keys::read(std::fs::File::open("/dev/null").unwrap()).unwrap_err();
    assert_eq!(error.errno(), Errno::NOTTY);
    assert!(!error.is_unsupported());
}

fn a_mask_goes_to_threads_and_children() {
    let _guard = mask::block(Signal::USR1);
    let seen = std::thread::spawn(|| {
        let inherited = mask::current();
        mask::unblock(Signal::USR1).keep();
        inherited
    });
    assert!(seen.join().unwrap().contains(Signal::USR1));
    assert!(
        mask::current().contains(Signal::USR1),
        "the other thread's change is its own"
    );
    send::raise(Signal::USR1).unwrap();
    let child =
        fork(|| i32::from(!mask::current().contains(Signal::USR1) || !mask::pending().is_empty()));
    assert_eq!(
        collect(child),
        WaitStatus::Exited(0),
        "the mask is inherited, what is pending is not"
    );
    assert_eq!(wait::wait(Signal::USR1).unwrap(), Signal::USR1);
}

fn dispositions_are_read_and_put_back() {
    handle(Signal::USR1, libc::SA_NODEFER | libc::SA_RESTART);
    let read = disposition::get(Signal::USR1).unwrap();
    assert_eq!(read.handling, Handling::Caught(handler_address()));
    assert_eq!(read.flags, Flags::NODEFER | Flags::RESTART);
    assert!(read.mask.is_empty());

    let before = disposition::ignore(Signal::USR1).unwrap();
    send::raise(Signal::USR1).unwrap();
    assert_eq!(COUNT.load(Ordering::SeqCst), 0);
    assert_eq!(
        before.restore().unwrap().disposition().handling,
        Handling::Ignore
    );
    assert_eq!(disposition::get(Signal::USR1).unwrap(), read);
    send::raise(Signal::USR1).unwrap();
    assert_eq!(
        COUNT.load(Ordering::SeqCst),
        1,
        "the handler has run when raise returns"
    );

    disposition::interrupt(Signal::USR1, true).unwrap();
    assert_eq!(
        disposition::get(Signal::USR1).unwrap().flags,
        Flags::NODEFER
    );
    disposition::default_with(Signal::CHLD, Flags::NOCLDWAIT).unwrap();
    assert_eq!(
        disposition::get(Signal::CHLD).unwrap().flags,
        Flags::NOCLDWAIT
    );
}

fn kill_and_stop_are_refused() {
    for signal in [Signal::KILL, Signal::STOP] {
        let error = disposition::ignore(signal).unwrap_err();
        assert_eq!(error.errno(), Errno::INVAL);
        assert!(
            error.to_string().ends_with("cannot be caught or ignored"),
            "{error}"
        );
        assert_eq!(
            disposition::get(signal).unwrap().handling,
            Handling::Default
        );
    }
    assert_eq!(
        wait::wait(SignalSet::EMPTY).unwrap_err().errno(),
        Errno::INVAL
    );
}

fn waiting_outlasts_other_handlers() {
    let _guard = mask::block([Signal::TERM, Signal::USR1]);
    handle(Signal::ALRM, 0);
    Timer::Real
        .set(Duration::from_millis(2), Some(Duration::from_millis(2)))
        .unwrap();
    let start = Instant::now();
    assert_eq!(
        wait::wait_timeout(Signal::TERM, Duration::from_millis(50)).unwrap(),
        None
    );
    assert!(start.elapsed() >= Duration::from_millis(50));
    assert!(COUNT.load(Ordering::SeqCst) > 1);
    let error = wait::interruptible(Signal::TERM, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot wait for TERM: EINTR (interrupted system call)"
    );
    Timer::Real.disarm().unwrap();

    assert_eq!(wait::try_wait(Signal::TERM).unwrap(), None);
    for signal in [Signal::TERM, Signal::USR1, Signal::TERM] {
        send::raise(signal).unwrap();
    }
    let both = SignalSet::from([Signal::TERM, Signal::USR1]);
    assert_eq!(
        wait::wait(both).unwrap(),
        Signal::USR1,
        "the lowest number first"
    );
    assert_eq!(wait::wait(both).unwrap(), Signal::TERM);
    assert_eq!(
        wait::try_wait(both).unwrap(),
        None,
        "standard signals do not queue"
    );
}

fn pause_and_suspend_end_with_a_handler() {
    handle(Signal::ALRM, 0);
    Timer::Real
        .set(Duration::from_millis(5), Some(Duration::from_millis(5)))
        .unwrap();
    wait::pause();
    Timer::Real.disarm().unwrap();
    let before = COUNT.load(Ordering::SeqCst);
    assert!(before >= 1);

    let guard = mask::block(Signal::ALRM);
    send::raise(Signal::ALRM).unwrap();
    assert_eq!(COUNT.load(Ordering::SeqCst), before, "blocked");
    wait::suspend(guard.before());
    assert_eq!(COUNT.load(Ordering::SeqCst), before + 1);
    assert!(mask::current().contains(Signal::ALRM), "the mask is back");
}

fn timers_repeat() {
    let _guard = mask::block(Signal::ALRM);
    let interval = Duration::from_millis(3);
    Timer::Real
        .set(Duration::from_nanos(1), Some(interval))
        .unwrap();
    for _ in 0..3 {
        assert_eq!(wait::wait(Signal::ALRM).unwrap(), Signal::ALRM);
    }
    assert_eq!(Timer::Real.disarm().unwrap().interval, Some(interval));
    let child = fork(|| i32::from(Timer::Real.get().unwrap().remaining.is_some()));
    assert_eq!(collect(child), WaitStatus::Exited(0));
    Timer::Real.set(Duration::MAX, Some(Duration::MAX)).unwrap();
    Timer::Real.disarm().unwrap();
}

fn signalfds_share_the_signals() {
    let (queued, other) = (Signal::rtmin(), Signal::HUP);
    let _guard = mask::block([queued, other]);
    let many = SignalFd::new(queued).unwrap();
    let one = SignalFd::blocking(other).unwrap();
    for value in 0..300 {
        send::queue(send::process_id(), queued, value).unwrap();
    }
    send::raise(other).unwrap();
    let mut ready = [
        PollFd::from_borrowed_fd(many.as_fd(), PollFlags::IN),
        PollFd::from_borrowed_fd(one.as_fd(), PollFlags::IN),
    ];
    assert_eq!(poll(&mut ready, None).unwrap(), 2);
    let mut taken = Vec::new();
    while many.read_batch(&mut taken).unwrap() > 0 {}
    let values: Vec<_> = taken.iter().filter_map(wigwag::SignalInfo::value).collect();
    assert_eq!(
        values,
        (0..300).collect::<Vec<_>>(),
        "all of them, in order"
    );
    assert_eq!(one.read().unwrap().map(|info| info.signal), Some(other));
    one.set(queued).unwrap();
    send::queue(send::process_id(), queued, -1).unwrap();
    assert_eq!(one.read().unwrap().and_then(|info| info.value()), Some(-1));
}

fn a_childs_end_is_told() {
    let _guard = mask::block(Signal::CHLD);
    let child = fork(|| 3);
    let info = wait::wait_info(Signal::CHLD).unwrap();
    assert_eq!(
        (info.pid(), info.child_status()),
        (Some(child), Some(WaitStatus::Exited(3)))
    );
    assert_eq!(info.code_name(), Some("CLD_EXITED"));
    collect(child);
    let fd = SignalFd::blocking(Signal::CHLD).unwrap();
    let child = fork(|| {
        send::raise(Signal::KILL).unwrap();
        0
    });
    let info = fd.read().unwrap().unwrap();
    assert_eq!(
        info.child_status(),
        Some(WaitStatus::Killed {
            signal: Signal::KILL,
            core_dumped: false
        })
    );
    assert!(matches!(info.cause, Cause::Child { .. }));
    collect(child);
}

fn a_fault_ends_the_process() {
    let child = fork(|| {
        // Blocked or ignored, a fault is fatal all the same.
        disposition::ignore(Signal::SEGV).unwrap();
        mask::block(Signal::SEGV).keep();
        touch_nothing();
        0
    });
    assert_eq!(collect(child).signal(), Some(Signal::SEGV));
}
