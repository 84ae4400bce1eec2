//! The call that sends through a descriptor, and whom it reaches.

use std::os::fd::{AsRawFd, BorrowedFd};

use super::{failed, signal_number};
use crate::{Errno, Result, Signal, sys};

/// Whom a signal through a descriptor reaches: the flags of pidfd_send_signal(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
pub enum Scope {
    /// What the descriptor stands for: the process, or the thread of one opened with
    /// [`PidFd::open_thread`](super::PidFd::open_thread).
    #[default]
    Default,
    /// That one thread (Linux 6.9).
    Thread,
    /// The whole process (Linux 6.9).
    Process,
    /// The process group that the process leads (Linux 6.9).
    Group,
}

impl Scope {
    fn flags(self) -> u32 {
        match self {
            Scope::Default => 0,
            Scope::Thread => 1,
            Scope::Process => 2,
            Scope::Group => 4,
        }
    }
}

/// Sends a signal, or with `None` asks whether one could be sent, through a descriptor: pidfd_send_signal(2). With a
/// value it is queued as by [`queue`](super::queue).
///
/// The descriptor is a pidfd or a directory `/proc/PID`; both name one process for ever.
///
/// # Errors
/// ESRCH: the process is gone. EPERM: it may not be signalled. EBADF: the descriptor is neither a pidfd nor such a
/// directory; a pid is not one. EAGAIN: the signal is a real-time one and the queue is full. EINVAL: the process is in a pid
/// namespace that is not below the caller's. EINVAL with a scope other than [`Scope::Default`], and ENOSYS: this kernel is
/// too old ([`is_unsupported`](crate::Error::is_unsupported)).
///
/// ```
/// use std::os::fd::AsFd;
/// use wigwag::{PidFd, Scope, pidfd_send};
/// let me = std::fs::File::open("/proc/self")?;
/// pidfd_send(me.as_fd(), None, None, Scope::Default)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn pidfd_send(
    fd: BorrowedFd<'_>,
    signal: Option<Signal>,
    value: Option<i32>,
    scope: Scope,
) -> Result<()> {
    sys::send::pidfd_send_signal(fd, signal_number(signal), value, scope.flags()).map_err(|errno| {
        let whom = match scope {
            Scope::Default | Scope::Process => "the process",
            Scope::Thread => "the thread",
            Scope::Group => "the process group",
        };
        let error = failed(
            signal,
            value,
            &format!("{whom} behind descriptor {}", fd.as_raw_fd()),
            errno,
        );
        match (errno, scope) {
            (Errno::NOSYS, _) => error.when_unsupported("5.1"),
            (Errno::INVAL, _) if scope == Scope::Default || is_foreign(fd) => {
                error.with_note("the process is in a pid namespace that is not below the caller's")
            }
            (Errno::INVAL, _) => error.when_unsupported("6.9"),
            _ => error,
        }
    })
}

/// Whether EINVAL is for the process and not for the flags: without flags the kernel has no other reason to give it.
fn is_foreign(fd: BorrowedFd<'_>) -> bool {
    sys::send::pidfd_send_signal(fd, 0, None, 0) == Err(Errno::INVAL)
}
