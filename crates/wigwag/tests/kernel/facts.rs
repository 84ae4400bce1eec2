//! What written sources get wrong about signals.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use wigwag::timer::Timer;
use wigwag::{
    DefaultAction, Errno, Scope, Signal, SignalFd, WaitStatus, mask, pidfd_send, send, wait,
};

use crate::Case;
use crate::tools::{
    collect, fork, send_by_pid_as_descriptor, touch_beyond_the_file, until_stopped,
};

pub const CASES: &[Case] = &[
    (
        "facts::signals_go_up_to_64_and_carry_values",
        signals_go_up_to_64_and_carry_values,
    ),
    (
        "facts::a_file_cut_short_gives_bus",
        a_file_cut_short_gives_bus,
    ),
    (
        "facts::a_descriptor_that_is_no_pidfd_is_refused",
        a_descriptor_that_is_no_pidfd_is_refused,
    ),
    (
        "facts::a_forked_child_reads_its_own_signals",
        a_forked_child_reads_its_own_signals,
    ),
    (
        "facts::the_virtual_timer_sends_vtalrm",
        the_virtual_timer_sends_vtalrm,
    ),
    (
        "facts::defaults_are_as_described",
        defaults_are_as_described,
    ),
    (
        "facts::sixty_two_signals_are_valid",
        sixty_two_signals_are_valid,
    ),
];

fn signals_go_up_to_64_and_carry_values() {
    let last = Signal::new(64).unwrap();
    let _guard = mask::block(last);
    for value in [1, -2, i32::MAX, i32::MIN] {
        send::queue(send::process_id(), last, value).unwrap();
    }
    for value in [1, -2, i32::MAX, i32::MIN] {
        let info = wait::wait_info(last).unwrap();
        assert_eq!(
            (info.signal, info.value(), info.code_name()),
            (last, Some(value), Some("SI_QUEUE"))
        );
    }
}

fn a_descriptor_that_is_no_pidfd_is_refused() {
    let file = File::open("/dev/null").unwrap();
    let fd: BorrowedFd<'_> = file.as_fd();
    let error = pidfd_send(fd, Some(Signal::TERM), None, Scope::Default).unwrap_err();
    assert_eq!(error.errno(), Errno::BADF);
    assert_eq!(
        send_by_pid_as_descriptor(send::process_id()),
        Errno::BADF,
        "a pid is no descriptor"
    );
}

fn a_file_cut_short_gives_bus() {
    let file = rustix::fs::memfd_create("empty", rustix::fs::MemfdFlags::CLOEXEC)
        .unwrap()
        .into();
    let child = fork(|| {
        wigwag::disposition::default(Signal::BUS).unwrap();
        touch_beyond_the_file(&file);
        0
    });
    assert_eq!(collect(child).signal(), Some(Signal::BUS));
}

fn a_forked_child_reads_its_own_signals() {
    let _guard = mask::block([Signal::USR1, Signal::USR2]);
    let fd = SignalFd::new([Signal::USR1, Signal::USR2]).unwrap();
    send::raise(Signal::USR1).unwrap();
    let child = fork(|| {
        assert_eq!(fd.read().unwrap(), None, "the parent's is not the child's");
        send::raise(Signal::USR2).unwrap();
        assert_eq!(
            fd.read().unwrap().map(|info| info.signal),
            Some(Signal::USR2)
        );
        0
    });
    assert_eq!(collect(child), WaitStatus::Exited(0));
    assert_eq!(
        fd.read().unwrap().map(|info| info.signal),
        Some(Signal::USR1)
    );
    assert_eq!(fd.read().unwrap(), None);
}

fn the_virtual_timer_sends_vtalrm() {
    for timer in [Timer::Virtual, Timer::Prof] {
        let _guard = mask::block(timer.signal());
        timer.set(Duration::from_millis(5), None).unwrap();
        while !mask::pending().contains(timer.signal()) {}
        assert_eq!(
            wait::wait_info(timer.signal()).unwrap().code_name(),
            Some("SI_KERNEL")
        );
    }
    assert_eq!(Timer::Virtual.signal(), Signal::VTALRM);
}

/// Sends every signal to a child of its own, and sees what becomes of it.
fn defaults_are_as_described() {
    for signal in Signal::all() {
        let child = fork(|| {
            // In a group that is not orphaned, whatever runs this test: there the stop signals of a terminal are dropped.
            rustix::process::setpgid(None, None).unwrap();
            // Rust's runtime ignores PIPE, and has handlers for SEGV and BUS.
            if signal.can_be_caught() {
                wigwag::disposition::default(signal).unwrap();
            }
            // Blocked, so that it is certain to arrive before the end; the end is there for those that let it live.
            let guard = mask::block(signal);
            send::raise(signal).unwrap();
            drop(guard);
            7
        });
        if signal.default_action() == DefaultAction::Stop {
            until_stopped(child);
            send::send(child, Signal::CONT).unwrap();
        }
        let status = collect(child);
        match signal.default_action() {
            DefaultAction::Terminate | DefaultAction::CoreDump => {
                assert_eq!(status.signal(), Some(signal), "{signal}")
            }
            DefaultAction::Ignore | DefaultAction::Continue | DefaultAction::Stop => {
                assert_eq!(status, WaitStatus::Exited(7), "{signal}");
            }
        }
    }
}

fn sixty_two_signals_are_valid() {
    assert_eq!(Signal::all().count(), 62);
    let settable = Signal::all()
        .filter(|signal| wigwag::disposition::get(*signal).is_ok())
        .count();
    assert_eq!(settable, 62);
    for number in [32, 33] {
        let reserved = Signal::from_kernel(number).unwrap();
        assert_eq!(
            wigwag::disposition::get(reserved).unwrap_err().errno(),
            Errno::INVAL
        );
        // The kernel has them; the C library keeps them.
        send::probe(send::process_id()).unwrap();
    }
}
