//! Programs that are started with the signals that this one was started with.
//!
//! A program that exec starts inherits the mask of the thread that starts it and the signals that the process ignores; what is
//! caught has its default action again. So what a program blocks and ignores for its own purposes, its children have too: one that
//! captures TERM ([`block_everywhere`](crate::receive::block_everywhere)) starts children that TERM does not end, and one that is
//! started from a callback, on the library's thread, has all signals blocked.
//!
//! [`CommandSignals`] starts a [`Command`] with the mask and the ignored signals from before this crate first changed any, which is
//! before `block_everywhere` in a program that calls it first: what nohup(1) ignores stays ignored, and nothing is blocked but what
//! was. [`ExecSignals`] says otherwise, and is put in force for a plain exec.
//!
//! ```
//! use std::process::Command;
//! use wigwag::exec::CommandSignals;
//! use wigwag::{Signal, receive};
//! receive::block_everywhere([Signal::TERM, Signal::INT])?;
//! let status = Command::new("sh").args(["-c", "kill -TERM $$; exit 1"]).signals_as_before().status()?;
//! assert_eq!(wigwag::WaitStatus::try_from(status).unwrap().signal(), Some(Signal::TERM));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What the standard library does by itself
//! [`Command`] leaves the mask as the calling thread has it and ignored signals ignored, but for PIPE, which Rust programs
//! ignore from their start: that it gives its default action. Signals that are caught by the library, but were ignored before
//! ([`Options::even_ignored`](crate::receive::Options::even_ignored)), have the default action in the child.

mod replace;
#[cfg(feature = "started")]
mod started;

use std::fmt;
use std::process::Command;

pub use replace::{environment, replace};
#[cfg(feature = "started")]
pub use started::{Started, as_started};

use crate::sys::before;
use crate::sys::exec::{Changed, Start, in_child};
use crate::{Error, Result, Signal, SignalSet};

/// What a program is started with: which signals it ignores, and which it has blocked. All others have their default action.
///
/// ```
/// use wigwag::exec::ExecSignals;
/// use wigwag::{Signal, SignalSet, disposition, mask};
/// let guard = mask::block(Signal::USR1);
/// disposition::ignore(Signal::INT)?;
/// let signals = ExecSignals::new(); // as before these
/// assert_eq!((signals.ignored(), signals.blocked()), (SignalSet::EMPTY, SignalSet::EMPTY));
/// # Ok::<(), wigwag::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct ExecSignals {
    ignored: SignalSet,
    blocked: SignalSet,
}

impl ExecSignals {
    /// The ignored signals from before this crate first changed a disposition, without PIPE, and the mask from before it
    /// first changed one, of the thread for which it did; what has not been changed, as it is now.
    ///
    /// A child made by fork goes on with those of its parent. What is changed by others than this crate, a C library say, before
    /// it changes the first is taken as what was before.
    ///
    /// ```
    /// use wigwag::{Signal, SignalSet, exec::ExecSignals, mask};
    /// mask::block(Signal::USR1).keep();
    /// // It starts with what was blocked before that: nothing.
    /// let before = ExecSignals::new();
    /// assert_eq!(before.blocked(), SignalSet::EMPTY);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new() -> ExecSignals {
        ExecSignals {
            ignored: SignalSet::from_bits(before::ignored()) - Signal::PIPE.into(),
            blocked: SignalSet::from_bits(before::mask()),
        }
    }

    /// PIPE as this program has it now: ignored in most Rust programs, so that one that is started so gets an error for writing to
    /// a pipe that nobody reads (EPIPE), and not the signal.
    ///
    /// ```
    /// use wigwag::{Signal, exec::ExecSignals};
    /// assert!(!ExecSignals::new().ignored().contains(Signal::PIPE));
    /// assert!(ExecSignals::new().keep_sigpipe().ignored().contains(Signal::PIPE));
    /// ```
    pub fn keep_sigpipe(self) -> ExecSignals {
        let pipe = SignalSet::from(Signal::PIPE);
        match SignalSet::from_bits(before::ignored_now()).is_superset(pipe) {
            true => self.ignore(pipe),
            false => self.default_action(pipe),
        }
    }

    /// These are ignored too, as by nohup(1). KILL, STOP and the signals that the C library reserves are left out.
    ///
    /// ```
    /// use wigwag::{Signal, exec::ExecSignals};
    /// assert!(ExecSignals::new().ignore(Signal::HUP).ignored().contains(Signal::HUP));
    /// ```
    pub fn ignore(mut self, set: impl Into<SignalSet>) -> ExecSignals {
        self.ignored |=
            set.into().without_reserved() - SignalSet::of(&[Signal::KILL, Signal::STOP]);
        self
    }

    /// These have their default action.
    ///
    /// ```
    /// use wigwag::{Signal, SignalSet, exec::ExecSignals};
    /// let signals = ExecSignals::new().ignore([Signal::HUP, Signal::INT]).default_action(Signal::HUP);
    /// assert_eq!(signals.ignored(), Signal::INT.into());
    /// assert!(signals.default_action(SignalSet::ALL).ignored().is_empty());
    /// ```
    pub fn default_action(mut self, set: impl Into<SignalSet>) -> ExecSignals {
        self.ignored -= set.into();
        self
    }

    /// These are blocked, and no others. KILL, STOP and the signals that the C library reserves stay as they are.
    ///
    /// ```
    /// use wigwag::{Signal, SignalSet, exec::ExecSignals};
    /// assert_eq!(ExecSignals::new().mask(Signal::HUP).blocked(), Signal::HUP.into());
    /// assert!(ExecSignals::new().mask(SignalSet::EMPTY).blocked().is_empty());
    /// ```
    pub fn mask(mut self, set: impl Into<SignalSet>) -> ExecSignals {
        let reserved = self.blocked - self.blocked.without_reserved();
        let never = SignalSet::of(&[Signal::KILL, Signal::STOP]);
        self.blocked = (set.into().without_reserved() - never) | reserved;
        self
    }

    /// What is ignored.
    ///
    /// ```
    /// use wigwag::exec::ExecSignals;
    /// assert!(ExecSignals::new().ignored().is_empty(), "unless the program was started by nohup");
    /// ```
    #[must_use]
    pub fn ignored(&self) -> SignalSet {
        self.ignored
    }

    /// What is blocked.
    ///
    /// ```
    /// use wigwag::exec::ExecSignals;
    /// assert!(ExecSignals::new().blocked().is_empty());
    /// ```
    #[must_use]
    pub fn blocked(&self) -> SignalSet {
        self.blocked
    }

    /// Puts them in force now, for a plain exec: execve(2) by whatever means. Dropping what is given back undoes it, where
    /// exec failed.
    ///
    /// The mask is the calling thread's; what is ignored is for the whole process. A signal that waits and is not blocked any
    /// more has its effect at once. Handlers stay: exec takes them away, and no signal is lost in between. Of dispositions
    /// that other threads change before exec, those are put back that this has changed. It allocates nothing unless it fails,
    /// so that a child made by fork may call it.
    ///
    /// # Errors
    /// None is known.
    ///
    /// ```
    /// use std::os::unix::process::CommandExt;
    /// use std::process::Command;
    /// use wigwag::exec::ExecSignals;
    /// use wigwag::{Signal, mask};
    /// let guard = mask::block(Signal::TERM);
    /// let in_force = ExecSignals::new().apply()?;
    /// let error = Command::new("/no/such/program").exec(); // returns only if it fails
    /// assert!(mask::current().is_empty());
    /// drop(in_force);
    /// assert!(mask::current().contains(Signal::TERM));
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[doc(alias = "execve")]
    pub fn apply(&self) -> Result<InForce> {
        self.start()
            .put()
            .map(InForce)
            .map_err(|errno| Error::new("set the signals for a program to start with", errno))
    }

    fn start(&self) -> Start {
        Start {
            ignored: self.ignored.bits(),
            mask: self.blocked.bits(),
        }
    }
}

impl Default for ExecSignals {
    fn default() -> ExecSignals {
        ExecSignals::new()
    }
}

/// [`ExecSignals`] that are in force. Dropping it puts back the mask of the thread and the dispositions that were changed,
/// and PIPE's.
///
/// A mask is its thread's, so that it cannot go to another:
///
/// ```compile_fail,E0277
/// let in_force = wigwag::exec::ExecSignals::new().apply().unwrap();
/// std::thread::spawn(move || drop(in_force));
/// ```
#[must_use = "the signals are put back as soon as it is dropped: keep it over the exec"]
pub struct InForce(Changed);

impl fmt::Debug for InForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InForce")
            .field("changed", &self.0.signals())
            .finish_non_exhaustive()
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for std::process::Command {}
}

/// What signals a [`Command`] is started with. Only the child's are changed, after fork and right before exec, and after what
/// [`Command`] does itself.
///
/// Where there is one, the standard library makes the child by fork(2) and not by posix_spawn(3), as with every `pre_exec`,
/// which takes longer the more memory the program has. Of several the last one counts. Given to
/// [`CommandExt::exec`](std::os::unix::process::CommandExt::exec), it holds for the program that takes this one's place; if
/// that fails, they stay in force.
///
/// With tokio: `command.as_std_mut().signals_as_before()`.
pub trait CommandSignals: sealed::Sealed {
    /// Starts it with these.
    ///
    /// ```
    /// use std::process::Command;
    /// use wigwag::exec::{CommandSignals, ExecSignals};
    /// use wigwag::{Signal, WaitStatus};
    /// let signals = ExecSignals::new().ignore(Signal::HUP).mask(Signal::USR1);
    /// let script = "kill -HUP $$; kill -USR1 $$; exit 3"; // ignored; and blocked
    /// let status = Command::new("sh").args(["-c", script]).signals(&signals).status()?;
    /// assert_eq!(WaitStatus::try_from(status), Ok(WaitStatus::Exited(3)));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    fn signals(&mut self, signals: &ExecSignals) -> &mut Self;

    /// Starts it with those from before this crate, and PIPE with its default action: [`ExecSignals::new`].
    ///
    /// ```
    /// use std::process::Command;
    /// use wigwag::exec::CommandSignals;
    /// use wigwag::{Signal, WaitStatus, mask};
    /// let guard = mask::block(Signal::TERM);
    /// let mut child = Command::new("sleep").arg("60").signals_as_before().spawn()?;
    /// wigwag::send::send(child.id() as i32, Signal::TERM)?;
    /// assert_eq!(WaitStatus::try_from(child.wait()?).unwrap().signal(), Some(Signal::TERM));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn signals_as_before(&mut self) -> &mut Self {
        self.signals(&ExecSignals::new())
    }
}

impl CommandSignals for Command {
    fn signals(&mut self, signals: &ExecSignals) -> &mut Command {
        in_child(self, signals.start());
        self
    }
}
