//! What becomes of a signal that comes: whether it is passed on, and as what.

use std::collections::BTreeMap;
use std::str::FromStr;

use wigwag::{Cause, Signal, SignalInfo};

/// What signals are passed on as: `TERM=QUIT`, or `INT=` for not at all. What is not named is passed on as it is.
///
/// ```
/// use wigwag::Signal;
/// use wigwag_run::Map;
/// let mut map = Map::default();
/// map.add("TERM=QUIT")?;
/// map.add("INT=")?;
/// assert_eq!(map.of(Signal::TERM), Some(Signal::QUIT));
/// assert_eq!(map.of(Signal::INT), None);
/// assert_eq!(map.of(Signal::HUP), Some(Signal::HUP));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map(BTreeMap<i32, Option<Signal>>);

impl Map {
    /// Adds `FROM=TO` or `FROM=`.
    ///
    /// # Errors
    /// What is wrong with the text, in words.
    ///
    /// ```
    /// assert!(wigwag_run::Map::default().add("KILL=TERM").is_err());
    /// ```
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        let (from, to) = text.split_once('=').ok_or_else(|| {
            format!("'{text}' maps nothing: write it as TERM=QUIT, or TERM= to drop it")
        })?;
        let read =
            |name: &str| Signal::from_str(name).map_err(|error| format!("in '{text}': {error}"));
        let from = read(from)?;
        if let Some(why) = crate::trap::never(from) {
            return Err(format!("{from} is never passed on: {why}"));
        }
        let to = match to {
            "" => None,
            name => Some(read(name)?),
        };
        match self.0.insert(from.number(), to) {
            Some(before) if before != to => Err(format!("{from} is mapped twice")),
            _ => Ok(()),
        }
    }

    /// Sets what one is passed on as.
    ///
    /// ```
    /// use wigwag::Signal;
    /// let mut map = wigwag_run::Map::default();
    /// map.set(Signal::TERM, Some(Signal::INT));
    /// assert_eq!(map.of(Signal::TERM), Some(Signal::INT));
    /// ```
    pub fn set(&mut self, from: Signal, to: Option<Signal>) {
        self.0.insert(from.number(), to);
    }

    /// What one is passed on as.
    ///
    /// ```
    /// use wigwag::Signal;
    /// assert_eq!(wigwag_run::Map::default().of(Signal::USR1), Some(Signal::USR1));
    /// ```
    #[must_use]
    pub fn of(&self, signal: Signal) -> Option<Signal> {
        self.0
            .get(&signal.number())
            .copied()
            .unwrap_or(Some(signal))
    }
}

/// What is known of this process, to tell what reached the command by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own {
    pub(crate) pid: i32,
    /// The command is in this process's group, so that what the terminal sends reaches both.
    pub(crate) shares_group: bool,
    /// A hang-up is told to the session's leader alone.
    pub(crate) leads_session: bool,
    /// It stops itself on the signals of job control, which are passed on.
    pub(crate) stops_itself: bool,
}

/// What becomes of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A child has news.
    Collect,
    /// Passed on.
    Forward,
    /// The command has got it, too: traps run for it, but it is not passed on.
    Reached,
    /// It is about this process, and no concern of the command.
    Own,
}

pub(crate) fn fate(info: &SignalInfo, own: Own) -> Fate {
    let by_kernel = matches!(info.cause, Cause::Kernel) || info.code > 0;
    match info.signal {
        Signal::CHLD => Fate::Collect,
        Signal::TTIN | Signal::TTOU if own.stops_itself => match by_kernel && own.shares_group {
            true => Fate::Reached,
            false => Fate::Forward,
        },
        Signal::TTIN | Signal::TTOU => Fate::Own,
        // Of a write or a limit of this process itself.
        Signal::PIPE if info.pid() == Some(own.pid) => Fate::Own,
        Signal::XCPU | Signal::XFSZ if by_kernel => Fate::Own,
        Signal::INT | Signal::QUIT | Signal::TSTP | Signal::WINCH
            if by_kernel && own.shares_group =>
        {
            Fate::Reached
        }
        Signal::HUP if by_kernel && own.shares_group && !own.leads_session => Fate::Reached,
        _ => Fate::Forward,
    }
}
