//! A queue for loops that poll: two descriptors that are readable while something is to be had.
//!
//! `here` is an eventfd(2), readable while something lies in the queue or it is closed: set and cleared under the queue's lock.
//! `kernel` is a signalfd(2) of the direct signals, never read through: readable while one of them is pending. An event loop
//! that takes one descriptor gets an epoll(7) of both.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
#[cfg(feature = "tokio")]
use std::os::fd::{AsRawFd, RawFd};
#[cfg(feature = "tokio")]
use std::sync::Mutex;
use std::sync::{Arc, OnceLock};

use rustix::event::{EventfdFlags, epoll};

#[cfg(feature = "tokio")]
use crate::sys;
use crate::{Errno, Error, Result, SignalFd, SignalSet};

pub(crate) struct Watch {
    here: Arc<OwnedFd>,
    kernel: SignalFd,
    both: OnceLock<OwnedFd>,
    /// The process that made it, where each write wakes a task, whatever was written before; else 0. `here` is never read then, and
    /// never closed: a handler may be about to write.
    by_task: i32,
}

/// Eventfds of streams that are over, with the process that they are of: for the next streams.
#[cfg(feature = "tokio")]
static SPARE: Mutex<Vec<(i32, Arc<OwnedFd>)>> = Mutex::new(Vec::new());

fn failed(errno: rustix::io::Errno) -> Error {
    Error::new(
        "make a descriptor that tells of signals",
        Errno::new(errno.raw_os_error()),
    )
}

/// An eventfd that does not wait.
pub(crate) fn eventfd() -> Result<OwnedFd> {
    rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(failed)
}

/// Adds 1 to an eventfd. One at its limit is readable already.
pub(crate) fn ring(eventfd: impl AsFd) {
    let _ = rustix::io::write(eventfd, &1_u64.to_ne_bytes());
}

impl Watch {
    pub(crate) fn new(direct: u64) -> Result<Watch> {
        Watch::with(Arc::new(eventfd()?), direct, 0)
    }

    /// For the task of a stream.
    #[cfg(feature = "tokio")]
    pub(crate) fn for_task(direct: u64) -> Result<Watch> {
        let own = sys::send::getpid();
        // Those from before a fork are shared with the parent. In a child the lock may be held for good: then there are none.
        let spare = SPARE.try_lock().ok().and_then(|mut spare| {
            let at = spare.iter().position(|(pid, _)| *pid == own)?;
            Some(spare.swap_remove(at).1)
        });
        let here = match spare {
            Some(here) => here,
            None => Arc::new(eventfd()?),
        };
        Watch::with(here, direct, own)
    }

    fn with(here: Arc<OwnedFd>, direct: u64, by_task: i32) -> Result<Watch> {
        Ok(Watch {
            here,
            kernel: SignalFd::new(SignalSet::from_bits(direct))?,
            both: OnceLock::new(),
            by_task,
        })
    }

    /// The number of its eventfd.
    #[cfg(feature = "tokio")]
    pub(crate) fn eventfd(&self) -> i32 {
        self.here.as_raw_fd()
    }

    /// Whether something lies in the queue.
    pub(crate) fn show(&self, something: bool) {
        if something {
            ring(&*self.here);
        } else if self.by_task == 0 {
            let _ = rustix::io::read(&*self.here, &mut [0; 8]);
        }
    }

    pub(crate) fn set_direct(&self, direct: u64) {
        // Of the kinds of failure that there are, none can befall a signalfd that exists.
        let _ = self.kernel.set(SignalSet::from_bits(direct));
    }

    /// Readable while either is.
    pub(crate) fn both(&self) -> Result<BorrowedFd<'_>> {
        if let Some(both) = self.both.get() {
            return Ok(both.as_fd());
        }
        let both = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(failed)?;
        for (fd, data) in [(self.here.as_fd(), 0), (self.kernel.as_fd(), 1)] {
            let data = epoll::EventData::new_u64(data);
            epoll::add(&both, fd, data, epoll::EventFlags::IN).map_err(failed)?;
        }
        Ok(self.both.get_or_init(|| both).as_fd())
    }
}

#[cfg(feature = "tokio")]
impl Drop for Watch {
    fn drop(&mut self) {
        if self.by_task != 0 {
            let here = Arc::clone(&self.here);
            match SPARE.try_lock() {
                Ok(mut spare) => spare.push((self.by_task, here)),
                Err(_) => std::mem::forget(here),
            }
        }
    }
}

/// One of the two descriptors, for a reactor that takes each.
#[cfg(feature = "tokio")]
pub(crate) enum Side {
    Here(Arc<Watch>),
    Kernel(Arc<Watch>),
}

#[cfg(feature = "tokio")]
impl AsRawFd for Side {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Side::Here(watch) => watch.here.as_raw_fd(),
            Side::Kernel(watch) => watch.kernel.as_fd().as_raw_fd(),
        }
    }
}
