//! Children made by fork and exec, and what is told of them.

use std::process::Command;
use std::sync::mpsc;

use wigwag::disposition::{self, Handling};
use wigwag::receive::{self, Options, Signals, Way};
use wigwag::{Signal, WaitStatus, mask, send, wait};

use super::{SOON, heard, me};
use crate::tools::{collect, fork, until_stopped};

pub(super) fn a_forked_child_is_as_before() {
    let (registration, hear) = heard([Signal::USR1, Signal::TERM]);
    let child = fork(|| {
        assert_eq!(
            disposition::get(Signal::TERM).unwrap().handling,
            Handling::Default
        );
        assert!(registration.is_over() && mask::current().is_empty());
        send::raise(Signal::TERM).unwrap();
        0
    });
    assert!(matches!(
        collect(child),
        WaitStatus::Killed {
            signal: Signal::TERM,
            ..
        }
    ));
    // The parent's is untouched, and has got nothing of the child's.
    send::send(me(), Signal::USR1).unwrap();
    assert_eq!(hear.recv_timeout(SOON).unwrap().signal, Signal::USR1);
    assert!(hear.try_recv().is_err());
}

pub(super) fn a_forked_child_is_as_before_captured() {
    receive::block_everywhere([Signal::USR1, Signal::TERM]).unwrap();
    let signals = Signals::new([Signal::USR1, Signal::TERM]).unwrap();
    let child = fork(|| {
        assert!(mask::current().is_empty(), "{:?}", mask::current());
        send::raise(Signal::TERM).unwrap();
        0
    });
    assert!(matches!(
        collect(child),
        WaitStatus::Killed {
            signal: Signal::TERM,
            ..
        }
    ));
    assert_eq!(signals.try_next(), None);
    assert_eq!(receive::way(Signal::TERM), Way::Captured);
}

pub(super) fn a_forked_child_may_begin_anew() {
    let (_registration, hear) = heard(Signal::USR1);
    let child = fork(|| {
        assert_eq!(receive::way(Signal::USR2), Way::Caught);
        receive::block_everywhere(Signal::USR2).unwrap();
        let signals = Signals::new(Signal::USR2).unwrap();
        let (_mine, mine_hear) = heard(Signal::USR1);
        send::send(me(), Signal::USR2).unwrap();
        assert_eq!(signals.next_timeout(SOON).unwrap().signal, Signal::USR2);
        receive::raise_signal(Signal::USR1).unwrap();
        mine_hear.recv_timeout(SOON).unwrap();
        7
    });
    assert_eq!(collect(child), WaitStatus::Exited(7));
    assert!(hear.try_recv().is_err());
    receive::raise_signal(Signal::USR1).unwrap();
    hear.recv_timeout(SOON).unwrap();
}

/// A child by posix_spawn, which std uses, has the mask of the thread that starts it; what was caught is the default again.
pub(super) fn a_program_is_started() {
    let (_registration, _hear) = heard(Signal::USR1);
    let status = Command::new("sh")
        .args(["-c", "kill -USR1 $$; exit 3"])
        .status()
        .unwrap();
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(status.signal(), Some(Signal::USR1.number()));
    receive::block_everywhere(Signal::USR2).unwrap_err();
}

pub(super) fn children_that_stop_are_told_or_not() {
    for told in [true, false] {
        let options = match told {
            true => Options::new(),
            false => Options::new().no_child_stop(),
        };
        let (tell, hear) = mpsc::channel();
        let _registration = options
            .on(Signal::CHLD, move |received| {
                tell.send(received.cause).unwrap()
            })
            .unwrap();
        let child = fork(|| {
            wait::pause();
            0
        });
        send::send(child, Signal::STOP).unwrap();
        until_stopped(child);
        receive::drain(SOON);
        assert_eq!(hear.try_iter().count(), usize::from(told));
        send::send(child, Signal::KILL).unwrap();
        collect(child);
        assert!(hear.recv_timeout(SOON).is_ok());
    }
}
