//! alarm, the three interval timers, and POSIX timers, which send a signal when they run out.
//!
//! A process has one each of the first, and exec keeps them running; [`alarm`] and [`Timer::Real`] are the same one. Of
//! [`PosixTimer`]s it makes as many as it wants, and exec deletes them. A child made by fork has none running.

mod clock;
mod notify;
mod posix;

use std::time::Duration;

pub use clock::Clock;
pub use notify::Notify;
pub use posix::PosixTimer;

use crate::{Error, Result, Signal, sys};

/// Sends ALRM to this process after so many seconds; 0 cancels. Gives the seconds that an earlier one had left, rounded to the
/// nearest but never to 0: alarm(2). Cannot fail.
///
/// The signal is for the process: any thread that does not block it may take it.
///
/// ```
/// use wigwag::timer::alarm;
/// assert_eq!(alarm(60), None);
/// assert_eq!(alarm(0), Some(60));
/// ```
pub fn alarm(seconds: u32) -> Option<u32> {
    Some(sys::timer::alarm(seconds)).filter(|left| *left > 0)
}

/// An interval timer of the process: what it measures, and so the signal it sends.
///
/// ```
/// use std::time::Duration;
/// use wigwag::timer::Timer;
/// let minute = Duration::from_secs(60);
/// Timer::Real.set(minute, Some(Duration::from_secs(5)))?;
/// let setting = Timer::Real.get()?;
/// assert!(setting.remaining.is_some_and(|left| left <= minute && left > minute / 2));
/// assert_eq!(setting.interval, Some(Duration::from_secs(5)));
/// Timer::Real.disarm()?;
/// assert_eq!(Timer::Real.get()?.remaining, None);
/// # Ok::<(), wigwag::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Time as on the wall (`ITIMER_REAL`): sends ALRM.
    Real,
    /// CPU time that the process itself uses (`ITIMER_VIRTUAL`): sends VTALRM.
    Virtual,
    /// CPU time of the process and of the kernel on its behalf (`ITIMER_PROF`): sends PROF.
    Prof,
}

/// How a timer is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// The time until the next signal; `None` when it does not run.
    pub remaining: Option<Duration>,
    /// The time from one signal to the next; `None` when there is only one.
    pub interval: Option<Duration>,
}

impl Timer {
    /// The signal that it sends.
    ///
    /// ```
    /// use wigwag::{Signal, timer::Timer};
    /// assert_eq!(Timer::Prof.signal(), Signal::PROF);
    /// ```
    #[must_use]
    pub const fn signal(self) -> Signal {
        match self {
            Timer::Real => Signal::ALRM,
            Timer::Virtual => Signal::VTALRM,
            Timer::Prof => Signal::PROF,
        }
    }

    /// Starts it: the first signal after `first`, the next ones with `interval` between. Times are rounded up to whole
    /// microseconds; a first time of zero stops it. Gives how it was set before: setitimer(2).
    ///
    /// The signal is for the process, and does not queue: one that is still pending when the next is due stands for both. A
    /// program started by exec keeps the timer running; a child made by fork has none.
    ///
    /// # Errors
    /// None is known: all times that a [`Duration`] holds are taken, those above 146 years as so many.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wigwag::{Signal, mask, timer::Timer, wait};
    /// let guard = mask::block(Signal::ALRM);
    /// Timer::Real.set(Duration::from_millis(1), None)?;
    /// assert_eq!(wait::wait(Signal::ALRM)?, Signal::ALRM);
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    pub fn set(self, first: Duration, interval: Option<Duration>) -> Result<Setting> {
        sys::timer::set(self.number(), (first, interval.unwrap_or_default()))
            .map(setting)
            .map_err(|errno| Error::new(format!("set the timer of {}", self.signal()), errno))
    }

    /// Stops it, and gives how it was set: setitimer(2). A signal that it has sent already stays pending.
    ///
    /// # Errors
    /// None is known.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wigwag::timer::Timer;
    /// Timer::Virtual.set(Duration::from_secs(60), None)?;
    /// assert!(Timer::Virtual.disarm()?.remaining.is_some());
    /// assert_eq!(Timer::Virtual.get()?.remaining, None);
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    pub fn disarm(self) -> Result<Setting> {
        self.set(Duration::ZERO, None)
    }

    /// How it is set now: getitimer(2).
    ///
    /// # Errors
    /// None is known.
    ///
    /// ```
    /// use wigwag::timer::{Setting, Timer};
    /// assert_eq!(Timer::Prof.get()?, Setting::default());
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    pub fn get(self) -> Result<Setting> {
        sys::timer::get(self.number())
            .map(setting)
            .map_err(|errno| Error::new(format!("read the timer of {}", self.signal()), errno))
    }

    const fn number(self) -> i32 {
        match self {
            Timer::Real => 0,
            Timer::Virtual => 1,
            Timer::Prof => 2,
        }
    }
}

fn setting((remaining, interval): sys::timer::Spec) -> Setting {
    let some = |time: Duration| Some(time).filter(|time| !time.is_zero());
    Setting {
        remaining: some(remaining),
        interval: some(interval),
    }
}
