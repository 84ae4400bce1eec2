//! Which signals a [`Shutdown`] is told by, and what forces.

use std::fmt;
use std::sync::Arc;

use super::super::{Options, Received};
use super::{Shutdown, State};
use crate::{Result, Signal, SignalSet, send};

/// How a [`Shutdown`] is made.
///
/// ```
/// use wigwag::{Signal, receive::ShutdownOptions};
/// let shutdown = ShutdownOptions::new()
///     .ask([Signal::TERM, Signal::QUIT])
///     .reload([Signal::HUP, Signal::USR1])
///     .force(|received| {
///         eprintln!("{} once more: not waiting", received.signal);
///         std::process::exit(1);
///     })
///     .install()?;
/// # Ok::<(), wigwag::Error>(())
/// ```
#[must_use]
pub struct ShutdownOptions {
    ask: SignalSet,
    reload: SignalSet,
    force: Box<dyn FnMut(&Received) + Send>,
}

impl ShutdownOptions {
    /// As [`Shutdown::new`] has it.
    ///
    /// ```
    /// let shutdown = wigwag::receive::ShutdownOptions::new().install()?;
    /// assert!(!shutdown.is_asked());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new() -> ShutdownOptions {
        ShutdownOptions {
            ask: SignalSet::of(&[Signal::INT, Signal::TERM]),
            reload: Signal::HUP.into(),
            force: Box::new(|received| send::end_by(received.signal)),
        }
    }

    /// The signals that ask the program to end, in place of INT and TERM.
    ///
    /// ```
    /// use wigwag::{Signal, receive::{self, ShutdownOptions}};
    /// let shutdown = ShutdownOptions::new().ask([Signal::TERM, Signal::QUIT]).install()?;
    /// receive::raise_signal(Signal::QUIT)?;
    /// assert_eq!(shutdown.asked_by().unwrap().signal, Signal::QUIT);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ask(mut self, signals: impl Into<SignalSet>) -> ShutdownOptions {
        self.ask = signals.into();
        self
    }

    /// The signals that have it read its configuration again, in place of HUP; [`SignalSet::EMPTY`] for none.
    ///
    /// ```
    /// use wigwag::{Signal, receive::{self, ShutdownOptions, Told}};
    /// let shutdown = ShutdownOptions::new().reload(Signal::USR1).install()?;
    /// receive::raise_signal(Signal::USR1)?;
    /// assert!(matches!(shutdown.next(), Told::Reload(by) if by.signal == Signal::USR1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reload(mut self, signals: impl Into<SignalSet>) -> ShutdownOptions {
        self.reload = signals.into();
        self
    }

    /// What the second one that asks does, and every one after it, in place of ending the process by that signal. It runs on the
    /// library's thread, while the program is busy ending or hangs.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use wigwag::{Signal, receive::{self, ShutdownOptions}};
    /// let (tell, told) = mpsc::channel();
    /// let shutdown = ShutdownOptions::new().force(move |by| tell.send(by.signal).unwrap()).install()?;
    /// receive::raise_signal(Signal::INT)?; // asks
    /// receive::raise_signal(Signal::TERM)?; // forces
    /// assert_eq!(told.recv()?, Signal::TERM);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn force(mut self, force: impl FnMut(&Received) + Send + 'static) -> ShutdownOptions {
        self.force = Box::new(force);
        self
    }

    /// Receives the signals from now on.
    ///
    /// # Errors
    /// As [`on`](fn@crate::receive::on). EINVAL: a signal asks and reloads.
    ///
    /// ```
    /// use wigwag::{Errno, Signal, receive::ShutdownOptions};
    /// let both = ShutdownOptions::new().ask(Signal::HUP); // which reloads
    /// assert_eq!(both.install().unwrap_err().errno(), Errno::INVAL);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn install(self) -> Result<Shutdown> {
        let ShutdownOptions {
            ask,
            reload,
            mut force,
        } = self;
        let both = ask & reload;
        if !both.is_empty() {
            let error = crate::Error::new(format!("shut down on {ask}"), crate::Errno::INVAL);
            return Err(error.with_note(format!("{both} is to reload, too")));
        }
        let state = Arc::new(State::default());
        let mut registrations = Vec::with_capacity(2);
        let asked = Arc::clone(&state);
        registrations.push(Options::new().on(ask, move |received| {
            if !asked.ask(received) {
                force(received);
            }
        })?);
        if !reload.is_empty() {
            let told = Arc::clone(&state);
            registrations.push(Options::new().on(reload, move |received| told.reload(received))?);
        }
        Ok(Shutdown {
            state,
            registrations: registrations.into(),
        })
    }
}

impl Default for ShutdownOptions {
    fn default() -> ShutdownOptions {
        ShutdownOptions::new()
    }
}

impl fmt::Debug for ShutdownOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShutdownOptions")
            .field("ask", &self.ask)
            .field("reload", &self.reload)
            .finish_non_exhaustive()
    }
}
