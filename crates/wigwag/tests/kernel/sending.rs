//! Sending by number and by descriptor, and what a refusal says.

use std::os::fd::AsFd;
use std::time::Duration;

use wigwag::{Errno, PidFd, Scope, Signal, WaitStatus, mask, pidfd_send, send, wait};

use crate::Case;
use crate::forge::leave_pid_namespace;
use crate::tools::{become_user, collect, fork, is_root, limit_pending};

pub const CASES: &[Case] = &[
    (
        "sending::a_pidfd_never_hits_another",
        a_pidfd_never_hits_another,
    ),
    (
        "sending::a_proc_directory_is_taken",
        a_proc_directory_is_taken,
    ),
    (
        "sending::threads_and_groups_have_scopes",
        threads_and_groups_have_scopes,
    ),
    (
        "sending::special_numbers_are_refused",
        special_numbers_are_refused,
    ),
    (
        "sending::another_users_process_is_denied",
        another_users_process_is_denied,
    ),
    (
        "sending::the_receivers_limit_counts",
        the_receivers_limit_counts,
    ),
    (
        "sending::the_senders_limit_does_not_count",
        the_senders_limit_does_not_count,
    ),
    ("sending::a_full_queue_is_told", a_full_queue_is_told),
    (
        "sending::a_process_above_the_namespace_is_refused",
        a_process_above_the_namespace_is_refused,
    ),
    ("sending::everyone_may_be_nobody", everyone_may_be_nobody),
];

fn a_pidfd_never_hits_another() {
    let child = fork(|| {
        wait::pause();
        0
    });
    let pidfd = PidFd::open(child).unwrap();
    pidfd.probe().unwrap();
    assert!(!pidfd.wait(Some(Duration::ZERO)).unwrap());
    if let Ok(info) = pidfd.info() {
        assert_eq!((info.pid, info.ppid), (child, send::process_id()));
        assert_eq!(pidfd.exit_status().unwrap_or(None), None);
    }
    if let Some(inode) = pidfd.inode().unwrap() {
        assert_eq!(PidFd::open(child).unwrap().inode().unwrap(), Some(inode));
        assert_ne!(
            PidFd::open(send::process_id()).unwrap().inode().unwrap(),
            Some(inode)
        );
    }
    pidfd.send(Signal::TERM).unwrap();
    assert!(pidfd.wait(None).unwrap());
    pidfd.probe().unwrap(); // a zombie is still there
    let status = collect(child);
    assert_eq!(status.signal(), Some(Signal::TERM));
    match pidfd.exit_status() {
        Ok(seen) => assert_eq!(seen, Some(status)),
        Err(error) => assert!(error.is_unsupported(), "{error}"),
    }
    for error in [
        pidfd.probe().unwrap_err(),
        pidfd.queue(Signal::TERM, 1).unwrap_err(),
        send::probe(child).unwrap_err(),
    ] {
        assert!(error.is_gone(), "{error}");
    }
    assert!(PidFd::open(child).unwrap_err().is_gone());
}

fn a_proc_directory_is_taken() {
    let child = fork(|| {
        wait::pause();
        0
    });
    let directory = std::fs::File::open(format!("/proc/{child}")).unwrap();
    pidfd_send(directory.as_fd(), Some(Signal::HUP), None, Scope::Default).unwrap();
    assert_eq!(collect(child).signal(), Some(Signal::HUP));
    assert!(
        pidfd_send(directory.as_fd(), None, None, Scope::Default)
            .unwrap_err()
            .is_gone()
    );
}

fn threads_and_groups_have_scopes() {
    let set = [Signal::USR1, Signal::USR2];
    let _guard = mask::block(set);
    let (tell, told) = std::sync::mpsc::channel();
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        tell.send(send::thread_id()).unwrap();
        gone.recv().unwrap();
        mask::pending()
    });
    let id = told.recv().unwrap();
    send::send_thread(send::process_id(), id, Signal::USR1).unwrap();
    match PidFd::open_thread(id) {
        Ok(pidfd) => pidfd.send(Signal::USR2).unwrap(),
        Err(error) => {
            assert!(error.is_unsupported(), "{error}");
            send::queue_thread(send::process_id(), id, Signal::USR2, 5).unwrap();
        }
    }
    assert!(mask::pending().is_empty(), "they are the other thread's");
    assert!(PidFd::open(id).is_err(), "a thread is no process");
    go.send(()).unwrap();
    assert_eq!(thread.join().unwrap(), set.into());

    let child = fork(|| {
        wait::pause();
        0
    });
    let pidfd = PidFd::open(child).unwrap();
    match pidfd.send_group(Signal::TERM) {
        // It leads no group: the flag is known, and nobody is there.
        Err(error) => assert!(error.is_gone() || error.is_unsupported(), "{error}"),
        Ok(()) => panic!("the child leads no group"),
    }
    pidfd.send(Signal::KILL).unwrap();
    collect(child);
}

fn special_numbers_are_refused() {
    for pid in [0, -1, -2, i32::MIN] {
        for error in [
            send::send(pid, Signal::URG),
            send::probe(pid),
            send::queue(pid, Signal::URG, 0),
        ] {
            assert_eq!(error.unwrap_err().errno(), Errno::INVAL);
        }
        assert_eq!(
            send::send_group(pid, Signal::URG).unwrap_err().errno(),
            Errno::INVAL
        );
        assert!(PidFd::open(pid).is_err());
    }
    let error = send::send_group(1, Signal::URG).unwrap_err();
    assert!(
        error.to_string().ends_with("kill(2) takes 1 as everyone"),
        "{error}"
    );
    assert!(send::send(i32::MAX, Signal::URG).unwrap_err().is_gone());
}

fn another_users_process_is_denied() {
    if !is_root() {
        return;
    }
    let parent = send::process_id();
    let child = fork(|| {
        become_user(65534);
        let error = send::send(parent, Signal::USR1).unwrap_err();
        assert!(error.is_denied());
        assert_eq!(
            error.to_string(),
            format!("cannot send USR1 to pid {parent}: EPERM (operation not permitted)")
        );
        0
    });
    assert_eq!(collect(child), WaitStatus::Exited(0));
}

/// How many signals with a value a process gets before EAGAIN.
fn fill(pid: i32) -> usize {
    (0..)
        .find(|i| {
            *i > 50
                || send::queue(pid, Signal::rtmin(), *i).is_err_and(|error| error.is_queue_full())
        })
        .unwrap() as usize
}

/// An unlimited sender of another user is held by the receiver's limit.
fn the_receivers_limit_counts() {
    if !is_root() {
        return;
    }
    let (user, limit) = (64_123, 5);
    let _guard = mask::block([Signal::rtmin(), Signal::USR1]);
    let limited = fork(|| {
        limit_pending(limit);
        become_user(user);
        wait::wait(Signal::USR1).map_or(1, |_| 0)
    });
    // The limit is set before the user is changed: seen by asking until the kernel shows the new user.
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while user_of(limited) != user {
        assert!(std::time::Instant::now() < deadline);
        std::thread::yield_now();
    }
    let taken = fill(limited);
    send::send(limited, Signal::USR1).unwrap();
    assert_eq!(collect(limited), WaitStatus::Exited(0));
    assert_eq!(
        taken, limit as usize,
        "the receiver's limit holds an unlimited sender"
    );
}

fn user_of(pid: i32) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

fn the_senders_limit_does_not_count() {
    let _guard = mask::block(Signal::rtmin());
    let receiver = send::process_id();
    let sender = fork(|| {
        limit_pending(0);
        send::queue(receiver, Signal::rtmin(), 1).unwrap();
        i32::from(
            !send::queue(send::process_id(), Signal::rtmin(), 1)
                .is_err_and(|error| error.is_queue_full()),
        )
    });
    assert_eq!(collect(sender), WaitStatus::Exited(0));
    assert_eq!(
        wait::wait_info(Signal::rtmin()).unwrap().pid(),
        Some(sender)
    );
}

fn a_full_queue_is_told() {
    let _guard = mask::block(Signal::rtmin());
    limit_pending(0);
    let error = send::queue(send::process_id(), Signal::rtmin(), 1).unwrap_err();
    assert!(error.is_queue_full());
    assert!(error.to_string().contains("RLIMIT_SIGPENDING"), "{error}");
}

/// EINVAL, as for flags that a kernel does not know: it must not pass for an old kernel.
fn a_process_above_the_namespace_is_refused() {
    if !is_root() {
        return;
    }
    let above = PidFd::open(send::process_id()).unwrap();
    leave_pid_namespace();
    let child = fork(|| {
        assert_eq!(send::process_id(), 1);
        for scope in [Scope::Default, Scope::Thread, Scope::Process, Scope::Group] {
            let error = pidfd_send(above.as_fd(), None, None, scope).unwrap_err();
            assert_eq!(error.errno(), Errno::INVAL, "{scope:?}");
            assert!(!error.is_unsupported(), "{scope:?}");
            assert!(
                error.to_string().contains("pid namespace"),
                "{scope:?}: {error}"
            );
        }
        0
    });
    assert_eq!(collect(child), WaitStatus::Exited(0));
}

/// kill(2) with -1 gives ESRCH where nobody else is, and no error where everybody refuses.
fn everyone_may_be_nobody() {
    if !is_root() {
        return;
    }
    leave_pid_namespace();
    let init = fork(|| {
        // Without a pid namespace of its own this would reach the machine.
        assert_eq!(send::process_id(), 1);
        let error = send::send_everyone(Signal::URG).unwrap_err();
        assert!(error.is_gone(), "{error}");
        let other = fork(|| {
            wait::pause();
            0
        });
        let denied = fork(|| {
            become_user(65534);
            assert!(send::probe(other).unwrap_err().is_denied());
            i32::from(send::send_everyone(Signal::URG).is_err())
        });
        assert_eq!(collect(denied), WaitStatus::Exited(0));
        send::send(other, Signal::KILL).unwrap();
        collect(other);
        0
    });
    assert_eq!(collect(init), WaitStatus::Exited(0));
}
