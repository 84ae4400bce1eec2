//! Receiving signals as ordinary code: callbacks, an iterator, flags and descriptors. Nothing of yours runs in signal context.
//!
//! ```
//! use wigwag::{Signal, receive, send};
//! let (sender, taken) = std::sync::mpsc::channel();
//! let registration = receive::on(Signal::HUP, move |received| {
//!     // Ordinary code: it may lock, allocate, print.
//!     let _ = sender.send((received.signal, received.pid()));
//! })?;
//! send::raise(Signal::HUP)?;
//! assert_eq!(taken.recv(), Ok((Signal::HUP, Some(send::process_id()))));
//! drop(registration); // HUP has its default action again
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Two ways
//!
//! *Captured*: a program that owns its `main` calls [`block_everywhere`] first. Its signals wait in the kernel until they are taken;
//! nothing is interrupted, the kernel's queue is the only queue, nothing is lost, and a sender with a value feels a full one
//! (EAGAIN). *Caught*: everywhere else. A handler of the library's writes each signal to a ring and wakes the library's thread. When
//! the ring is nearly full, or a subscriber has no room, the interrupted thread holds the signal back, so that the kernel queues it,
//! and the library's thread takes it from there; what finds no room all the same is counted ([`Received::lost`]). [`way`] tells
//! which is in force.
//!
//! # What runs where
//!
//! Callbacks run one after the other on one thread of the library's, which is made for the first of them: a slow one holds up the
//! others. [`Options::own_thread`] gives one a thread and a queue of its own. A [`Signals`] runs on the threads that call it, and,
//! where it is a captured signal's only subscriber, takes it from the kernel itself. A queue that is full leaves its signals in the
//! kernel until there is room; other signals go on. A loop that polls watches [`Signals::descriptor`]; with the feature `tokio`,
//! `receive::stream` gives a stream.
//!
//! Every subscription of a signal sees every signal that arrives once it is made. Those of one sender are seen in the order of
//! sending; caught ones only where no more than one thread has them unblocked, since two handlers may run at once. Standard signals
//! that are pending already coalesce in the kernel, and nobody can tell how many.
//!
//! # What stays as it was
//!
//! A handler that was installed before is called after ours; one that is installed over ours may call ours, as signal-hook's and
//! tokio's do, also where both have been installed again since, and another version of this crate may be in the process. What such
//! a handler sees, too, is never taken from the kernel: when the ring is full it waits until its thread takes it again.
//!
//! A signal that the process was told to ignore (nohup) stays ignored, unless [`Options::even_ignored`]. When the last registration is
//! dropped what was there before is put back, if ours is still installed ([`Registration::is_displaced`]). Where it is not, it stays
//! beneath the other; should that put it back, it does what was done before it.
//!
//! A thread that holds signals back takes them again when it gets an URG with a value, for which our handler is there meanwhile. One
//! that blocks URG holds them back longer; they are received all the same, but for those directed to that thread and those that
//! another handler sees, which wait.
//!
//! # Children
//!
//! [`on_child`] tells how one child ended, and collects that one alone: [`Child`](std::process::Child)ren elsewhere keep their own.
//! [`on_any_child`] collects all, and takes them from those. A CHLD by itself only hints: one of several is seen.
//!
//! A child made by fork(2) has masks and dispositions as before the library, and no registrations; it may make its own. A program
//! started by exec keeps masks and ignored signals: a [`Command`](std::process::Command) that is started from a program that has
//! captured signals has them blocked, and from a callback all. [`exec::CommandSignals`](crate::exec::CommandSignals) starts it with
//! what was blocked and ignored before `block_everywhere`, or before the first use of the library; for a plain exec
//! [`exec::ExecSignals::apply`](crate::exec::ExecSignals::apply) does.
//!
//! ```
//! use std::process::Command;
//! use wigwag::exec::CommandSignals;
//! # use wigwag::{Signal, receive};
//! # receive::block_everywhere(Signal::TERM)?;
//! let mut child = Command::new("sleep").arg("60").signals_as_before().spawn()?;
//! wigwag::send::send(child.id() as i32, Signal::TERM)?; // ends it
//! # assert!(!child.wait()?.success());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod capture;
mod child;
mod holding;
pub(crate) mod hub;
mod queue;
mod received;
mod registration;
pub(crate) mod ring;
pub(crate) mod shared;
mod shutdown;
mod signals;
mod sleeper;
#[cfg(feature = "tokio")]
mod stream;
mod take;
pub(crate) mod watch;

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

pub use capture::block_everywhere;
pub use child::{ChildEnd, ChildRegistration, on_any_child, on_child};
pub use received::Received;
pub use registration::{Options, Registration};
pub use shutdown::{Shutdown, ShutdownOptions, Told};
pub use signals::Signals;
#[cfg(feature = "tokio")]
pub use stream::{SignalStream, stream};

use crate::{Errno, Error, Result, Signal, SignalSet, send};
use hub::{Hub, Sink};

/// How many signals a queue of its own holds before its signals are left in the kernel.
const ROOM: usize = 1024;

/// How a signal is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// Every thread blocks it since [`block_everywhere`], and whoever waits takes it.
    Captured,
    /// A handler catches it.
    Caught,
}

/// Which way a signal is received, or would be.
///
/// ```
/// use wigwag::{Signal, receive::{self, Way}};
/// assert_eq!(receive::way(Signal::HUP), Way::Caught);
/// receive::block_everywhere(Signal::HUP)?;
/// assert_eq!(receive::way(Signal::HUP), Way::Captured);
/// # Ok::<(), wigwag::Error>(())
/// ```
#[must_use]
pub fn way(signal: Signal) -> Way {
    hub::way_of(signal)
}

/// Runs a callback for every one of these signals that arrives, on the library's thread, until the registration is dropped.
///
/// A callback that panics is called again for the next signal; the panic is reported by the panic hook, and counted
/// ([`panics`]). It may make and drop registrations, its own included.
///
/// # Errors
/// EINVAL: KILL and STOP, which nobody receives; SEGV, BUS, FPE and ILL, which are for the thread that they interrupt; no signal;
/// one that the C library reserves. EAGAIN, ENOMEM: no thread can be made.
///
/// ```
/// use wigwag::{Signal, receive};
/// assert_eq!(receive::on(Signal::KILL, |_| ()).unwrap_err().errno(), wigwag::Errno::INVAL);
/// let registration = receive::on([Signal::USR1, Signal::USR2], |received| println!("{received}"))?;
/// assert!(!registration.is_ignored());
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn on(
    signals: impl Into<SignalSet>,
    callback: impl FnMut(&Received) + Send + 'static,
) -> Result<Registration> {
    Options::new().on(signals, callback)
}

/// Sets a flag at every one of these signals, for a loop that looks at it. The loop clears it.
///
/// # Errors
/// As [`on`].
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicBool, Ordering}};
/// use wigwag::{Signal, receive, send};
/// let stop = Arc::new(AtomicBool::new(false));
/// let registration = receive::flag(Signal::TERM, Arc::clone(&stop))?;
/// send::raise(Signal::TERM)?;
/// while !stop.load(Ordering::SeqCst) {
///     std::hint::spin_loop(); // the work
/// }
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn flag(signals: impl Into<SignalSet>, flag: Arc<AtomicBool>) -> Result<Registration> {
    Options::new().register(signals.into(), Sink::Flag(flag), None)
}

/// Adds 1 to an eventfd(2) at every one of these signals, for a loop that polls. Reading gives the number since the last read.
///
/// The descriptor is close-on-exec and does not wait. It comes with the registration, and is closed when both are dropped.
///
/// # Errors
/// As [`on`]; EMFILE, ENFILE: too many descriptors.
///
/// ```
/// use wigwag::{Signal, receive, send};
/// use rustix::event::{PollFd, PollFlags, poll};
/// let (registration, fd) = receive::eventfd(Signal::USR1)?;
/// send::raise(Signal::USR1)?;
/// poll(&mut [PollFd::new(&fd, PollFlags::IN)], None).unwrap();
/// let mut count = [0; 8];
/// rustix::io::read(&fd, &mut count).unwrap();
/// assert_eq!(u64::from_ne_bytes(count), 1);
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn eventfd(signals: impl Into<SignalSet>) -> Result<(Registration, OwnedFd)> {
    let fd = watch::eventfd()?;
    let ours = fd.try_clone().map_err(|error| {
        let errno = error.raw_os_error().unwrap_or(libc::EMFILE);
        Error::new("duplicate an eventfd", Errno::new(errno))
    })?;
    let registration = Options::new().register(signals.into(), Sink::Descriptor(ours), None)?;
    Ok((registration, fd))
}

/// Sends a signal to oneself, and returns when its callbacks have run: raise(3), seen through.
///
/// From within a callback, where the library's thread cannot wait for itself, it is received after the callback returns. Where the
/// calling thread blocks the signal, captured or not, it is sent to the process, not to the thread, where it would lie. Callbacks with threads of their own and [`Signals`] get it,
/// but are not waited for. Where nobody receives the signal this is [`send::raise`].
///
/// # Errors
/// EINVAL: the C library reserves the signal.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
/// use wigwag::{Signal, receive};
/// let count = Arc::new(AtomicU32::new(0));
/// let counted = Arc::clone(&count);
/// let registration = receive::on(Signal::USR1, move |_| { counted.fetch_add(1, Ordering::Relaxed); })?;
/// receive::raise_signal(Signal::USR1)?;
/// assert_eq!(count.load(Ordering::Relaxed), 1);
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn raise_signal(signal: Signal) -> Result<()> {
    let hub = hub::hub()?;
    if !hub.receives(signal) {
        return send::raise(signal);
    }
    // To a thread that blocks it, it would lie there: the library's own threads do.
    if crate::mask::current().contains(signal) {
        send::send(send::process_id(), signal)?;
    } else {
        send::raise(signal)?;
    }
    hub.barrier(None);
    Ok(())
}

/// Waits until everything that had arrived before the call has been given to callbacks, flags and descriptors, and callbacks with
/// threads of their own have returned. Whether that was so within the time. Before a program exits, say. What lies in a [`Signals`]
/// is its caller's.
///
/// ```
/// use std::time::Duration;
/// assert!(wigwag::receive::drain(Duration::from_secs(1)));
/// ```
pub fn drain(time: Duration) -> bool {
    let until = Instant::now().checked_add(time);
    hub::hub().is_ok_and(|hub| hub.drain(until))
}

/// How many callbacks have panicked since the process began.
///
/// ```
/// assert_eq!(wigwag::receive::panics(), 0);
/// ```
#[must_use]
pub fn panics() -> u64 {
    hub::hub().map_or(0, Hub::panics)
}

/// How many of a signal were caught and lost for want of room since the process began. Captured ones are never lost. Of the others URG
/// is lost wherever there is no room, since it is never held back; for the rest see the limitations in docs/receiving.md.
///
/// ```
/// assert_eq!(wigwag::receive::lost(wigwag::Signal::rtmin()), 0);
/// ```
#[must_use]
pub fn lost(signal: Signal) -> u64 {
    shared::lost(signal.number())
}
