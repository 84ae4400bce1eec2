//! A descriptor that names one process for ever: opening, sending, waiting, asking.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Scope, pidfd_send};
use crate::{Errno, Error, Result, Signal, WaitStatus, sys};

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
    /// Opens the process with this pid: pidfd_open(2).
    ///
    /// Whoever has the pid at this moment is named from then on. Of a child that has not been waited for, it is certain to be that
    /// child.
    ///
    /// # Errors
    /// ESRCH: no such process. EINVAL: the number is not positive, or (before Linux 6.16; ENOENT since) that of a thread; on
    /// those kernels also that of a group whose leader is gone. EMFILE, ENFILE: too many descriptors. ENOMEM: no memory. ENODEV:
    /// the kernel has nowhere to make the descriptor. ENOSYS: Linux before 5.3, or a seccomp filter; EPERM: a
    /// seccomp filter.
    ///
    /// ```
    /// use wigwag::{PidFd, send};
    /// PidFd::open(send::process_id())?.probe()?;
    /// assert!(PidFd::open(i32::MAX).unwrap_err().is_gone());
    /// # Ok::<(), wigwag::Error>(())
    /// ```
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
    /// pidfd_open(2) with `PIDFD_THREAD`.
    ///
    /// # Errors
    /// ESRCH: no such thread. EINVAL: an older kernel, where [`is_unsupported`](Error::is_unsupported) is true and
    /// [`send_thread`](super::send_thread) is left; or the number is not positive. EMFILE, ENFILE, ENOMEM, ENODEV, ENOSYS, EPERM as
    /// [`open`](PidFd::open).
    ///
    /// ```
    /// use wigwag::{PidFd, Signal, mask, send, wait};
    /// let guard = mask::block(Signal::USR1);
    /// match PidFd::open_thread(send::thread_id()) {
    ///     Ok(thread) => thread.send(Signal::USR1)?,
    ///     Err(error) if error.is_unsupported() => send::raise(Signal::USR1)?,
    ///     Err(error) => return Err(error),
    /// }
    /// assert_eq!(wait::wait(Signal::USR1)?, Signal::USR1);
    /// # Ok::<(), wigwag::Error>(())
    /// ```
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

    /// Takes a pidfd that came from elsewhere, such as clone3(2) or a socket. It is not looked at: with a descriptor of another
    /// kind sending fails with EBADF, and what [`wait`](PidFd::wait) says is of that descriptor.
    ///
    /// ```
    /// use std::os::fd::OwnedFd;
    /// use wigwag::{Errno, PidFd, send};
    /// let fd: OwnedFd = PidFd::open(send::process_id())?.into();
    /// PidFd::from_fd(fd).probe()?;
    /// let file = std::fs::File::open("/dev/null")?;
    /// assert_eq!(PidFd::from_fd(file.into()).probe().unwrap_err().errno(), Errno::BADF);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn from_fd(fd: OwnedFd) -> PidFd {
        PidFd(fd)
    }

    /// Sends a signal to the process, or to the thread of one opened with [`open_thread`](PidFd::open_thread):
    /// pidfd_send_signal(2).
    ///
    /// # Errors
    /// ESRCH: it is gone. EPERM: it may not be signalled. EAGAIN: the signal is a real-time one and the queue is full. EINVAL: it
    /// is in a pid namespace that is not below the caller's. EBADF: the descriptor is no pidfd. ENOSYS: Linux before 5.1.
    ///
    /// ```
    /// use wigwag::{PidFd, Signal, WaitStatus};
    /// let mut child = std::process::Command::new("sleep").arg("60").spawn()?;
    /// PidFd::open(child.id() as i32)?.send(Signal::HUP)?;
    /// assert_eq!(WaitStatus::try_from(child.wait()?).unwrap().signal(), Some(Signal::HUP));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send(&self, signal: Signal) -> Result<()> {
        pidfd_send(self.as_fd(), Some(signal), None, Scope::Default)
    }

    /// Asks whether a signal could be sent, and sends none: pidfd_send_signal(2) with signal 0. A zombie counts as there.
    ///
    /// # Errors
    /// ESRCH, EPERM, EINVAL, EBADF and ENOSYS as [`send`](PidFd::send).
    ///
    /// ```
    /// use wigwag::{PidFd, Signal};
    /// let mut child = std::process::Command::new("sleep").arg("60").spawn()?;
    /// let pidfd = PidFd::open(child.id() as i32)?;
    /// pidfd.send(Signal::KILL)?;
    /// pidfd.probe()?; // ended or about to: there until it is waited for
    /// child.wait()?;
    /// assert!(pidfd.probe().unwrap_err().is_gone());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn probe(&self) -> Result<()> {
        pidfd_send(self.as_fd(), None, None, Scope::Default)
    }

    /// Sends a signal with a value: pidfd_send_signal(2) with a siginfo, as [`queue`](super::queue) does for a pid.
    ///
    /// # Errors
    /// ESRCH, EPERM, EAGAIN, EINVAL, EBADF and ENOSYS as [`send`](PidFd::send).
    ///
    /// ```
    /// use wigwag::{PidFd, Signal, mask, send, wait};
    /// let signal = Signal::rtmin();
    /// let guard = mask::block(signal);
    /// PidFd::open(send::process_id())?.queue(signal, 42)?;
    /// assert_eq!(wait::wait_info(signal)?.value(), Some(42));
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    pub fn queue(&self, signal: Signal, value: i32) -> Result<()> {
        pidfd_send(self.as_fd(), Some(signal), Some(value), Scope::Default)
    }

    /// Sends a signal to the process group that this process leads, in one atomic call (Linux 6.9): pidfd_send_signal(2) with
    /// `PIDFD_SIGNAL_PROCESS_GROUP`. The leader may have ended.
    ///
    /// # Errors
    /// ESRCH: the process leads no group, or nobody is left in it. EPERM: none of the group may be signalled. EINVAL: an older
    /// kernel ([`is_unsupported`](Error::is_unsupported)), or the process is in a pid namespace that is not below the caller's.
    /// EAGAIN, EBADF, ENOSYS as [`send`](PidFd::send).
    ///
    /// ```
    /// use std::os::unix::process::CommandExt;
    /// use wigwag::{PidFd, Signal, send};
    /// let mut leader = std::process::Command::new("sleep").arg("60").process_group(0).spawn()?;
    /// match PidFd::open(leader.id() as i32)?.send_group(Signal::TERM) {
    ///     Err(error) if error.is_unsupported() => send::send_group(leader.id() as i32, Signal::TERM)?,
    ///     result => result?,
    /// }
    /// assert!(!leader.wait()?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_group(&self, signal: Signal) -> Result<()> {
        pidfd_send(self.as_fd(), Some(signal), None, Scope::Group)
    }

    /// The number that no other process of this boot has or will have: fstat(2). `None` before Linux 6.9, where all pidfds share
    /// one. On a 32-bit machine the kernel gives the lower half only, which can come again.
    ///
    /// # Errors
    /// EBADF, if the descriptor has been closed behind its owner's back.
    ///
    /// ```
    /// use wigwag::{PidFd, send};
    /// let me = send::process_id();
    /// assert_eq!(PidFd::open(me)?.inode()?, PidFd::open(me)?.inode()?);
    /// # Ok::<(), wigwag::Error>(())
    /// ```
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
    /// whether it has ended; a zero time asks without waiting. A signal handler that runs meanwhile changes nothing: ppoll(2).
    ///
    /// It need not be a child, and is not collected. A process has ended when all its threads have. Time during which the machine
    /// sleeps does not count.
    ///
    /// # Errors
    /// ENOMEM: the kernel has no memory. EINVAL: no descriptor may be open (`RLIMIT_NOFILE` is 0).
    ///
    /// ```
    /// use std::time::Duration;
    /// use wigwag::{PidFd, Signal};
    /// let mut child = std::process::Command::new("sleep").arg("60").spawn()?;
    /// let pidfd = PidFd::open(child.id() as i32)?;
    /// assert!(!pidfd.wait(Some(Duration::ZERO))?);
    /// pidfd.send(Signal::TERM)?;
    /// assert!(pidfd.wait(Some(Duration::from_secs(60)))?);
    /// child.wait()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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

    /// Frees the memory of a process that is about to end, for which KILL is pending, without waiting for it to end (Linux 5.15):
    /// process_mrelease(2).
    ///
    /// # Errors
    /// ESRCH: it has no memory left, or is gone. EINVAL: it is not about to end. EPERM: it may not be signalled, or a seccomp
    /// filter. EINTR: a signal came, ask again. ENOSYS: an older kernel.
    ///
    /// ```
    /// use wigwag::{Errno, PidFd};
    /// let mut child = std::process::Command::new("sleep").arg("60").spawn()?;
    /// let pidfd = PidFd::open(child.id() as i32)?;
    /// let error = pidfd.release_memory().unwrap_err();
    /// assert!(error.errno() == Errno::INVAL || error.is_unsupported());
    /// child.kill()?;
    /// // It may have ended before.
    /// assert!(pidfd.release_memory().is_ok_and(|()| true) || child.wait().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn release_memory(&self) -> Result<()> {
        sys::pidfd::release_memory(self.as_fd()).map_err(|errno| {
            let error = Error::new("release the memory of a process", errno);
            match errno {
                Errno::NOSYS => error.when_unsupported("5.15"),
                _ => error,
            }
        })
    }

    /// What the kernel tells about the process (Linux 6.13): the ioctl `PIDFD_GET_INFO`, see `linux/pidfd.h` and
    /// PIDFD_GET_INFO(2const).
    ///
    /// # Errors
    /// ESRCH: it is gone; or, though it lives, it or its parent is outside the caller's pid namespace. EREMOTE: it is outside, as
    /// newer kernels say. ENOTTY or EINVAL: an older kernel ([`is_unsupported`](Error::is_unsupported)).
    ///
    /// ```
    /// use wigwag::{PidFd, send};
    /// match PidFd::open(send::process_id())?.info() {
    ///     Ok(info) => assert_eq!(info.tgid, send::process_id()),
    ///     Err(error) => assert!(error.is_unsupported()),
    /// }
    /// # Ok::<(), wigwag::Error>(())
    /// ```
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

    /// How the process ended, also of one that is not a child (Linux 6.15): the ioctl `PIDFD_GET_INFO` with `PIDFD_INFO_EXIT`, see
    /// `linux/pidfd.h` and PIDFD_GET_INFO(2const). `None` while it lives, and until its parent has collected it.
    ///
    /// # Errors
    /// ENOTTY or EINVAL: an older kernel ([`is_unsupported`](Error::is_unsupported)). ESRCH: it is gone, and the kernel is 6.13 or
    /// 6.14, which keep no status; or it is outside the caller's pid namespace (EREMOTE, as newer kernels say).
    ///
    /// ```
    /// use wigwag::{PidFd, WaitStatus};
    /// let mut child = std::process::Command::new("false").spawn()?;
    /// let pidfd = PidFd::open(child.id() as i32)?;
    /// child.wait()?;
    /// match pidfd.exit_status() {
    ///     Ok(status) => assert_eq!(status, Some(WaitStatus::Exited(1))),
    ///     Err(error) => assert!(error.is_unsupported() || error.is_gone()),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
