//! Signals from a descriptor, for poll and epoll: signalfd(2).
//!
//! The signals must be blocked, in every thread: a signalfd only takes what is pending. Reading gives what is pending
//! for the *reading* thread or its process, so the same descriptor read in a forked child gives the child's own signals;
//! but an epoll that holds the descriptor from before the fork tells of the parent's: a child makes its own.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use crate::{Errno, Error, Result, SignalInfo, SignalSet, sys};

/// A descriptor that is readable when one of its signals is pending. Close-on-exec.
///
/// A process may have several, for other signals or the same; each signal is read once.
///
/// ```
/// use wigwag::{Signal, SignalFd, mask, send};
/// let guard = mask::block(Signal::USR1);
/// let fd = SignalFd::new(Signal::USR1)?;
/// assert_eq!(fd.read()?, None);
/// send::raise(Signal::USR1)?;
/// assert_eq!(fd.read()?.map(|info| info.signal), Some(Signal::USR1));
/// # Ok::<(), wigwag::Error>(())
/// ```
#[derive(Debug)]
pub struct SignalFd(OwnedFd);

impl SignalFd {
    /// How many signals one [`read_batch`](SignalFd::read_batch) takes at most.
    pub const BATCH: usize = sys::signalfd::BATCH;

    /// A descriptor for these signals that does not wait: reading gives `None` when there is none. signalfd(2) with
    /// `SFD_NONBLOCK`. KILL, STOP and what the C library reserves are left out, as the kernel does.
    ///
    /// # Errors
    /// EMFILE, ENFILE: too many descriptors. ENOMEM: no memory. ENODEV: the kernel has nowhere to make the descriptor.
    ///
    /// ```
    /// use wigwag::{Signal, SignalFd, mask};
    /// let guard = mask::block([Signal::INT, Signal::TERM]);
    /// let fd = SignalFd::new([Signal::INT, Signal::TERM])?;
    /// assert_eq!(fd.read()?, None);
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    pub fn new(set: impl Into<SignalSet>) -> Result<SignalFd> {
        SignalFd::create(set.into(), true)
    }

    /// One whose reads wait until there is a signal: signalfd(2).
    ///
    /// # Errors
    /// EMFILE, ENFILE, ENOMEM, ENODEV as [`new`](SignalFd::new).
    ///
    /// ```
    /// use wigwag::{Signal, SignalFd, mask};
    /// let guard = mask::block(Signal::CHLD);
    /// let fd = SignalFd::blocking(Signal::CHLD)?;
    /// let mut child = std::process::Command::new("true").spawn()?;
    /// assert_eq!(fd.read()?.and_then(|info| info.pid()), Some(child.id() as i32));
    /// child.wait()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn blocking(set: impl Into<SignalSet>) -> Result<SignalFd> {
        SignalFd::create(set.into(), false)
    }

    fn create(set: SignalSet, nonblocking: bool) -> Result<SignalFd> {
        sys::signalfd::create(set.without_reserved().bits(), nonblocking)
            .map(SignalFd)
            .map_err(|errno| Error::new(format!("make a signalfd for {set}"), errno))
    }

    /// Has the descriptor give these signals from now on, in every process that shares it: signalfd(2). A read that waits looks
    /// again.
    ///
    /// # Errors
    /// EINVAL: the descriptor came from elsewhere and is no signalfd.
    ///
    /// ```
    /// use wigwag::{Signal, SignalFd, mask, send};
    /// let guard = mask::block([Signal::USR1, Signal::USR2]);
    /// let fd = SignalFd::new(Signal::USR1)?;
    /// send::raise(Signal::USR2)?;
    /// assert_eq!(fd.read()?, None);
    /// fd.set(Signal::USR2)?;
    /// assert_eq!(fd.read()?.map(|info| info.signal), Some(Signal::USR2));
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    pub fn set(&self, set: impl Into<SignalSet>) -> Result<()> {
        let set = set.into();
        sys::signalfd::change(self.as_fd(), set.without_reserved().bits())
            .map_err(|errno| Error::new(format!("change a signalfd to {set}"), errno))
    }

    /// Takes one signal: read(2). `None` when there is none and the descriptor does not wait. An interruption by a handler is not
    /// reported: it reads again. Of several pending ones the order is that of [`wait`](crate::wait).
    ///
    /// # Errors
    /// None is known for a descriptor that is a signalfd.
    ///
    /// ```
    /// use wigwag::{Signal, SignalFd, mask, send};
    /// let guard = mask::block(Signal::HUP);
    /// let fd = SignalFd::new(Signal::HUP)?;
    /// send::send(send::process_id(), Signal::HUP)?;
    /// assert_eq!(fd.read()?.and_then(|info| info.pid()), Some(send::process_id()));
    /// assert_eq!(fd.read()?, None);
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    pub fn read(&self) -> Result<Option<SignalInfo>> {
        let mut taken = None;
        self.fill(1, |info| taken = Some(info))?;
        Ok(taken)
    }

    /// Takes all that are pending with one system call, at most [`BATCH`](SignalFd::BATCH), adds them to the list, and
    /// gives their number: read(2). It waits only for the first, and only where the descriptor does.
    ///
    /// # Errors
    /// None is known for a descriptor that is a signalfd.
    ///
    /// ```
    /// use wigwag::{Signal, SignalFd, mask, send};
    /// let signal = Signal::rtmin();
    /// let guard = mask::block(signal);
    /// let fd = SignalFd::new(signal)?;
    /// for value in 0..3 {
    ///     send::queue(send::process_id(), signal, value)?;
    /// }
    /// let mut taken = Vec::new();
    /// assert_eq!(fd.read_batch(&mut taken)?, 3);
    /// assert_eq!(taken[2].value(), Some(2));
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    pub fn read_batch(&self, into: &mut Vec<SignalInfo>) -> Result<usize> {
        self.fill(SignalFd::BATCH, |info| into.push(info))
    }

    fn fill(&self, limit: usize, mut take: impl FnMut(SignalInfo)) -> Result<usize> {
        loop {
            let result = sys::signalfd::read(self.as_fd(), limit, |raw| {
                if let Some(info) = SignalInfo::from_raw(raw) {
                    take(info);
                }
            });
            match result {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(0),
                result => return result.map_err(|errno| Error::new("read a signalfd", errno)),
            }
        }
    }
}

impl AsFd for SignalFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for SignalFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl From<OwnedFd> for SignalFd {
    /// Takes a signalfd that came from elsewhere.
    fn from(fd: OwnedFd) -> SignalFd {
        SignalFd(fd)
    }
}

impl From<SignalFd> for OwnedFd {
    fn from(fd: SignalFd) -> OwnedFd {
        fd.0
    }
}
