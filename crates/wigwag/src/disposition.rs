//! What this process does with a signal: the default, nothing, or a handler. Read, set, put back.
//!
//! [`default`] and [`ignore`] are safe; [`sigaction`] installs a handler of one's own, for which the caller answers, and
//! [`AltStack`] gives it a stack. [`receive`](crate::receive) runs ordinary code instead.
//!
//! Dispositions are the process's: all threads share them. A child made by fork begins with the same; a program started
//! by exec keeps what is ignored, and has the default for what was caught. With CHLD ignored, children leave no status.
//!
//! ```
//! use wigwag::{Signal, disposition::{self, Handling}};
//! let before = disposition::ignore(Signal::HUP)?;
//! assert_eq!(disposition::get(Signal::HUP)?.handling, Handling::Ignore);
//! before.restore()?;
//! assert_eq!(disposition::get(Signal::HUP)?.handling, Handling::Default);
//! # Ok::<(), wigwag::Error>(())
//! ```

mod alt_stack;
mod handler;

use std::fmt;

pub use alt_stack::AltStack;
pub use handler::Handler;

pub use crate::sys::sigaction::sigaction;

use crate::sys::action::{self, Action};
use crate::{Error, Result, Signal, SignalSet};

bitflags::bitflags! {
    /// The flags of a disposition, as sigaction(2) has them.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Flags: i32 {
        /// CHLD only when a child ends, not when it stops or goes on.
        const NOCLDSTOP = libc::SA_NOCLDSTOP;
        /// Children leave no zombie and no status (CHLD).
        const NOCLDWAIT = libc::SA_NOCLDWAIT;
        /// The handler gets a siginfo.
        const SIGINFO = libc::SA_SIGINFO;
        /// The handler runs on the alternate stack.
        const ONSTACK = libc::SA_ONSTACK;
        /// System calls that the handler interrupts go on, where they can (signal(7) lists them), instead of EINTR.
        const RESTART = libc::SA_RESTART;
        /// The signal is not blocked while its handler runs.
        const NODEFER = libc::SA_NODEFER;
        /// The disposition is the default again when the handler starts.
        const RESETHAND = libc::SA_RESETHAND;
    }
}

/// What happens when the signal is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Handling {
    /// Its [default action](Signal::default_action).
    Default,
    /// Nothing.
    Ignore,
    /// A function at this address.
    Caught(usize),
}

/// What this process does with a signal, in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disposition {
    /// What happens on delivery.
    pub handling: Handling,
    /// What is blocked while a handler runs, besides the signal itself.
    pub mask: SignalSet,
    /// The flags.
    pub flags: Flags,
}

impl Disposition {
    fn of(action: &Action) -> Disposition {
        let handling = match action.handler() {
            libc::SIG_DFL => Handling::Default,
            libc::SIG_IGN => Handling::Ignore,
            address => Handling::Caught(address),
        };
        Disposition {
            handling,
            mask: SignalSet::from_bits(action.mask()),
            flags: Flags::from_bits_truncate(action.flags()),
        }
    }
}

/// The disposition that a signal had before, so that it can be put back. Dropping it changes nothing.
#[derive(Clone, Copy)]
pub struct Previous {
    signal: Signal,
    action: Action,
}

impl Previous {
    /// What it was.
    ///
    /// ```
    /// use wigwag::{Signal, disposition::{self, Handling}};
    /// let before = disposition::ignore(Signal::HUP)?;
    /// assert_eq!(before.disposition().handling, Handling::Default);
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[must_use]
    pub fn disposition(&self) -> Disposition {
        Disposition::of(&self.action)
    }

    /// Puts it back, a handler included, for every thread, and gives what was there until now: sigaction(2).
    ///
    /// A handler must still be there: one from a shared library that has been unloaded since is not.
    ///
    /// # Errors
    /// None is known: what was read once is taken again.
    ///
    /// ```
    /// use wigwag::{Signal, disposition::{self, Handling}};
    /// let before = disposition::ignore(Signal::INT)?;
    /// let ignored = before.restore()?;
    /// assert_eq!(ignored.disposition().handling, Handling::Ignore);
    /// assert_eq!(disposition::get(Signal::INT)?, before.disposition());
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    pub fn restore(self) -> Result<Previous> {
        put(self.signal, &self.action)
    }
}

impl fmt::Debug for Previous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Previous")
            .field("signal", &self.signal)
            .field("disposition", &self.disposition())
            .finish()
    }
}

/// What this process, with all its threads, does with a signal now: sigaction(2).
///
/// # Errors
/// EINVAL: the C library reserves the signal.
///
/// ```
/// use wigwag::{Errno, Signal, disposition::{self, Handling}};
/// // Rust programs start with PIPE ignored.
/// assert_eq!(disposition::get(Signal::PIPE)?.handling, Handling::Ignore);
/// let reserved = Signal::from_kernel(32).unwrap();
/// assert_eq!(disposition::get(reserved).unwrap_err().errno(), Errno::INVAL);
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn get(signal: Signal) -> Result<Disposition> {
    action::get(signal.number())
        .map(|action| Disposition::of(&action))
        .map_err(|errno| Error::new(format!("read the disposition of {signal}"), errno))
}

/// Gives a signal its default effect, in every thread, here and in programs started by exec: sigaction(2) with `SIG_DFL`. A
/// pending one that is ignored by default is thrown away. Gives what was there before.
///
/// # Errors
/// EINVAL: the signal is KILL or STOP, or one that the C library reserves.
///
/// ```
/// use wigwag::{Signal, disposition::{self, Handling}};
/// disposition::default(Signal::PIPE)?; // end like other programs when the reader is gone
/// assert_eq!(disposition::get(Signal::PIPE)?.handling, Handling::Default);
/// assert!(disposition::default(Signal::KILL).is_err());
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn default(signal: Signal) -> Result<Previous> {
    default_with(signal, Flags::empty())
}

/// As [`default`], with flags; for CHLD, `NOCLDSTOP` and `NOCLDWAIT` have their effect without a handler: sigaction(2).
///
/// With `NOCLDWAIT` children leave no status, so that [`std::process::Child::wait`] fails with ECHILD.
///
/// # Errors
/// EINVAL: as [`default`].
///
/// ```
/// use wigwag::{Signal, disposition::{self, Flags}};
/// let before = disposition::default_with(Signal::CHLD, Flags::NOCLDWAIT)?;
/// let mut child = std::process::Command::new("true").spawn()?;
/// assert!(child.wait().is_err());
/// before.restore()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn default_with(signal: Signal, flags: Flags) -> Result<Previous> {
    put(signal, &Action::plain(libc::SIG_DFL, flags.bits()))
}

/// Ignores a signal, in every thread, in children made by fork, and in programs started by exec too, as nohup(1) does:
/// sigaction(2) with `SIG_IGN`. Pending ones are thrown away. Gives what was there before.
///
/// A fault ends the process all the same. With CHLD ignored, children leave no status.
///
/// # Errors
/// EINVAL: the signal is KILL or STOP, or one that the C library reserves.
///
/// ```
/// use wigwag::{Errno, Signal, disposition, send};
/// let before = disposition::ignore(Signal::TERM)?;
/// send::raise(Signal::TERM)?; // nothing happens
/// before.restore()?;
/// assert_eq!(disposition::ignore(Signal::STOP).unwrap_err().errno(), Errno::INVAL);
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn ignore(signal: Signal) -> Result<Previous> {
    put(signal, &Action::plain(libc::SIG_IGN, 0))
}

/// Whether system calls that this signal's handler interrupts fail with EINTR (true) or go on (false): siginterrupt(3), which
/// sets or clears `SA_RESTART` of sigaction(2). Everything else of the disposition stays.
///
/// It is read and then set, in two steps: a disposition that another thread sets in between is lost.
///
/// # Errors
/// EINVAL: the signal is KILL or STOP, or one that the C library reserves.
///
/// ```
/// use wigwag::{Signal, disposition::{self, Flags}};
/// disposition::interrupt(Signal::USR1, false)?;
/// assert!(disposition::get(Signal::USR1)?.flags.contains(Flags::RESTART));
/// disposition::interrupt(Signal::USR1, true)?;
/// assert!(!disposition::get(Signal::USR1)?.flags.contains(Flags::RESTART));
/// # Ok::<(), wigwag::Error>(())
/// ```
#[doc(alias = "siginterrupt")]
pub fn interrupt(signal: Signal, interrupts: bool) -> Result<Previous> {
    let now = action::get(signal.number())
        .map_err(|errno| Error::new(format!("read the disposition of {signal}"), errno))?;
    let restart = libc::SA_RESTART;
    let flags = if interrupts {
        now.flags() & !restart
    } else {
        now.flags() | restart
    };
    put(signal, &now.with_flags(flags))
}

pub(crate) fn put(signal: Signal, new: &Action) -> Result<Previous> {
    action::set(signal.number(), new)
        .map(|action| Previous { signal, action })
        .map_err(|errno| {
            let error = Error::new(format!("change the disposition of {signal}"), errno);
            if signal.can_be_caught() {
                error
            } else {
                error.with_note(format!("{signal} cannot be caught or ignored"))
            }
        })
}
