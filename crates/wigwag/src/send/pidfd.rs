//! Sending through a descriptor, which names one process for ever.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{failed, signal_number};
use crate::{Errno, Error, Result, Signal, WaitStatus, sys};

/// Whom a signal through a descriptor reaches: the flags of pidfd_send_signal(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
pub enum Scope {
    /// What the descriptor stands for: the process, or the thread of one opened with [`PidFd::open_thread`].
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
/// ESRCH: the process is gone. EPERM: it may not be signalled, or it is in a pid namespace that is not below the
/// caller's. EBADF: the descriptor is neither a pidfd nor such a directory; a pid is not one. EAGAIN: the queue is full.
/// EINVAL with a scope other than [`Scope::Default`], and ENOSYS: this kernel is too old
/// ([`is_unsupported`](Error::is_unsupported)).
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
            (Errno::INVAL, Scope::Thread | Scope::Process | Scope::Group) => {
                error.when_unsupported("6.9")
            }
            _ => error,
        }
    })
}

/// A descriptor that names one process, or one thread, for ever: pidfd_open(2), since Linux 5.3.
///
/// A pid that is used again never gets its signals. It is close-on-exec; a child made by fork has it too.
///
/// ```
/// use wigwag::{PidFd, Signal};
/// let mut child = std::process::Command::new("sleep").arg("60").spawn()?;
/// let pidfd = PidFd::open(child.id() as i32)?;
/// pidfd.send(Signal::TERM)?;
/// assert!(pidfd.wait(None)?);
/// child.wait()?;
/// assert!(pidfd.send(Signal::TERM).unwrap_err().is_gone());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PidFd(OwnedFd);

/// What the kernel tells about the process behind a pidfd (`PIDFD_GET_INFO`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PidFdInfo {
    /// The thread's id, as seen from the caller's pid namespace.
    pub pid: i32,
    /// The process's id.
    pub tgid: i32,
    /// The parent's id; 0 where it is outside the pid namespace.
    pub ppid: i32,
    /// The real user and group.
    pub real: (u32, u32),
    /// The effective user and group.
    pub effective: (u32, u32),
}

impl PidFd {
    /// Opens the process with this pid.
    ///
    /// # Errors
    /// ESRCH: no such process. EINVAL or ENOENT: the number is that of a thread, or is not positive. EMFILE, ENFILE: too
    /// many descriptors. ENOSYS: Linux before 5.3, or a seccomp filter; EPERM: a seccomp filter.
    pub fn open(pid: i32) -> Result<PidFd> {
        let error = |errno| {
            let error = Error::new(format!("open a pidfd of pid {pid}"), errno);
            match errno {
                Errno::NOSYS => error.when_unsupported("5.3"),
                Errno::PERM => error.when_filtered(),
                _ => error,
            }
        };
        sys::pidfd::open(pid, 0).map(PidFd).map_err(error)
    }

    /// Opens the thread with this id (Linux 6.9): signals go to that thread, and the end waited for is the thread's.
    ///
    /// # Errors
    /// ESRCH: no such thread. EINVAL: an older kernel, where [`is_unsupported`](Error::is_unsupported) is true and
    /// [`send_thread`](super::send_thread) is left; or the number is not positive. EPERM: a seccomp filter.
    pub fn open_thread(thread: i32) -> Result<PidFd> {
        let error = |errno| {
            let error = Error::new(format!("open a pidfd of thread {thread}"), errno);
            match errno {
                Errno::NOSYS | Errno::INVAL if thread > 0 => error.when_unsupported("6.9"),
                Errno::PERM => error.when_filtered(),
                _ => error,
            }
        };
        sys::pidfd::open(thread, sys::pidfd::THREAD)
            .map(PidFd)
            .map_err(error)
    }

    /// Takes a pidfd that came from elsewhere, such as clone3(2) or a socket.
    #[must_use]
    pub fn from_fd(fd: OwnedFd) -> PidFd {
        PidFd(fd)
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// As [`pidfd_send`].
    pub fn send(&self, signal: Signal) -> Result<()> {
        pidfd_send(self.as_fd(), Some(signal), None, Scope::Default)
    }

    /// Asks whether a signal could be sent. A zombie counts as there.
    ///
    /// # Errors
    /// As [`pidfd_send`].
    pub fn probe(&self) -> Result<()> {
        pidfd_send(self.as_fd(), None, None, Scope::Default)
    }

    /// Sends a signal with a value.
    ///
    /// # Errors
    /// As [`pidfd_send`].
    pub fn queue(&self, signal: Signal, value: i32) -> Result<()> {
        pidfd_send(self.as_fd(), Some(signal), Some(value), Scope::Default)
    }

    /// Sends a signal to the process group that this process leads, atomically (Linux 6.9).
    ///
    /// # Errors
    /// As [`pidfd_send`]; ESRCH: the process leads no group.
    pub fn send_group(&self, signal: Signal) -> Result<()> {
        pidfd_send(self.as_fd(), Some(signal), None, Scope::Group)
    }

    /// The number that no other process of this boot has or will have; `None` before Linux 6.9, where all pidfds share
    /// one.
    ///
    /// # Errors
    /// EBADF only: the descriptor is none.
    pub fn inode(&self) -> Result<Option<u64>> {
        const PIDFS: u64 = 0x5049_4446;
        let error = |errno: rustix::io::Errno| {
            Error::new(
                "read the inode of a pidfd",
                Errno::new(errno.raw_os_error()),
            )
        };
        let filesystem = rustix::fs::fstatfs(&self.0).map_err(error)?;
        if filesystem.f_type as u64 & 0xffff_ffff != PIDFS {
            return Ok(None);
        }
        Ok(Some(rustix::fs::fstat(&self.0).map_err(error)?.st_ino))
    }

    /// Waits until the process has ended (it may still be a zombie), at most so long; `None` waits without end. Gives
    /// whether it has ended; a zero time asks without waiting. A signal handler that runs meanwhile changes nothing.
    ///
    /// # Errors
    /// ENOMEM: the kernel has no memory.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<bool> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let left = left.and_then(|left| {
                Some(Timespec {
                    tv_sec: left.as_secs().try_into().ok()?,
                    tv_nsec: left.subsec_nanos().into(),
                })
            });
            match poll(&mut [PollFd::new(&self.0, PollFlags::IN)], left.as_ref()) {
                Ok(ready) => return Ok(ready > 0),
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => {
                    return Err(Error::new(
                        "wait for the end of a process",
                        Errno::new(errno.raw_os_error()),
                    ));
                }
            }
        }
    }

    /// What the kernel tells about the process (Linux 6.13).
    ///
    /// # Errors
    /// ESRCH: it is gone. ENOTTY or EINVAL: an older kernel ([`is_unsupported`](Error::is_unsupported)).
    pub fn info(&self) -> Result<PidFdInfo> {
        let info = sys::pidfd::info(self.as_fd(), 0b11)
            .map_err(|errno| info_error("ask about the process behind a pidfd", errno, "6.13"))?;
        Ok(PidFdInfo {
            pid: info.pid as i32,
            tgid: info.tgid as i32,
            ppid: info.ppid as i32,
            real: (info.ruid, info.rgid),
            effective: (info.euid, info.egid),
        })
    }

    /// How the process ended, also of one that is not a child (Linux 6.15). `None` while it lives, and until its parent
    /// has collected it.
    ///
    /// # Errors
    /// ENOTTY or EINVAL: an older kernel ([`is_unsupported`](Error::is_unsupported)).
    pub fn exit_status(&self) -> Result<Option<WaitStatus>> {
        const EXIT: u64 = 1 << 3;
        match sys::pidfd::info(self.as_fd(), EXIT) {
            Ok(info) if info.mask & EXIT != 0 => Ok(WaitStatus::from_raw(info.exit_code)),
            Ok(_) => Ok(None),
            Err(errno) => Err(info_error(
                "ask how the process behind a pidfd ended",
                errno,
                "6.15",
            )),
        }
    }
}

fn info_error(attempt: &'static str, errno: Errno, since: &'static str) -> Error {
    let error = Error::new(attempt, errno);
    if matches!(errno, Errno::NOTTY | Errno::INVAL) {
        error.when_unsupported(since)
    } else {
        error
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for PidFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl From<OwnedFd> for PidFd {
    fn from(fd: OwnedFd) -> PidFd {
        PidFd(fd)
    }
}

impl From<PidFd> for OwnedFd {
    fn from(fd: PidFd) -> OwnedFd {
        fd.0
    }
}
