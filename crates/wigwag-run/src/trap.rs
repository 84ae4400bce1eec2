//! Traps: a shell command that runs when a signal comes, or at the end.

use std::str::FromStr;

use wigwag::{Signal, SignalSet};

/// When a trap fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// On each of these signals.
    pub signals: SignalSet,
    /// Once the command has ended, however it did.
    pub exit: bool,
}

/// A shell command for a moment: `INT,TERM=rm -f "$file"`.
///
/// The text is given to `sh -c` when it fires, with the command's environment and `WIGWAG_SIGNAL`, the name of the signal, and
/// `WIGWAG_PID`, the command.
///
/// ```
/// use wigwag_run::Trap;
/// let trap: Trap = "INT,TERM=rm -f /tmp/lock".parse()?;
/// assert!(trap.when.signals.contains(wigwag::Signal::INT) && !trap.when.exit);
/// assert_eq!(trap.text, "rm -f /tmp/lock");
/// # Ok::<(), wigwag_run::TrapError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// When it runs.
    pub when: When,
    /// What is run.
    pub text: String,
}

/// Why a trap cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrapError {
    /// Nothing says what to run.
    #[error("'{0}' says no command: write it as INT,TERM='rm -f FILE'")]
    NoText(String),
    /// Nothing says when.
    #[error("'={0}' says no signal: write it as INT,TERM='{0}'")]
    NoSignal(String),
    /// One that is no signal.
    #[error("{0}")]
    Signal(String),
    /// One that nobody receives.
    #[error("{signal} cannot be trapped: {why}")]
    Never {
        /// Which.
        signal: Signal,
        /// Why.
        why: &'static str,
    },
}

impl FromStr for Trap {
    type Err = TrapError;

    fn from_str(text: &str) -> Result<Trap, TrapError> {
        let (when, text) = text
            .split_once('=')
            .ok_or_else(|| TrapError::NoText(text.into()))?;
        let mut at = When {
            signals: SignalSet::EMPTY,
            exit: false,
        };
        for word in when
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
        {
            if word.eq_ignore_ascii_case("EXIT") || word == "0" {
                at.exit = true;
                continue;
            }
            let signal: Signal = word
                .parse()
                .map_err(|error| TrapError::Signal(format!("{error}")))?;
            if let Some(why) = never(signal) {
                return Err(TrapError::Never { signal, why });
            }
            at.signals |= signal.into();
        }
        if at.signals.is_empty() && !at.exit {
            return Err(TrapError::NoSignal(text.into()));
        }
        Ok(Trap {
            when: at,
            text: text.into(),
        })
    }
}

/// Why a signal never gets as far as a trap.
pub(crate) fn never(signal: Signal) -> Option<&'static str> {
    match signal {
        Signal::KILL | Signal::STOP => {
            Some("no process is asked about it; EXIT runs however the command ends")
        }
        Signal::CHLD => Some("it tells of the command itself; EXIT runs when that ends"),
        Signal::TTIN | Signal::TTOU => Some("it is for the process that uses the terminal"),
        signal if SignalSet::FAULTS.contains(signal) => {
            Some("it is for the very process whose fault it is; EXIT runs however the command ends")
        }
        signal if signal.is_reserved() => Some("the C library keeps it for itself"),
        _ => None,
    }
}
