//! The clocks that a POSIX timer can go by.

use std::fmt;
use std::time::Duration;

use crate::{Errno, Error, Result, sys};

/// What a [`PosixTimer`](super::PosixTimer) measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Clock {
    /// Time since 1970, as on the wall (`CLOCK_REALTIME`). A timer set to a time of it keeps to that time when the clock is
    /// set; one set to run for a while is not disturbed.
    Realtime,
    /// Time that nobody sets, and that stands still while the machine sleeps (`CLOCK_MONOTONIC`).
    Monotonic,
    /// Time since the machine was started, its sleep included (`CLOCK_BOOTTIME`). It wakes no machine.
    Boottime,
    /// CPU time of this process, all threads together, the kernel's on its behalf included (`CLOCK_PROCESS_CPUTIME_ID`).
    ProcessCpu,
    /// CPU time of the thread that makes the timer, or asks for the time (`CLOCK_THREAD_CPUTIME_ID`).
    ThreadCpu,
    /// As `Realtime`, and wakes a machine that sleeps (`CLOCK_REALTIME_ALARM`).
    RealtimeAlarm,
    /// As `Boottime`, and wakes a machine that sleeps (`CLOCK_BOOTTIME_ALARM`).
    BoottimeAlarm,
}

impl Clock {
    /// All of them.
    pub const ALL: [Clock; 7] = [
        Clock::Realtime,
        Clock::Monotonic,
        Clock::Boottime,
        Clock::ProcessCpu,
        Clock::ThreadCpu,
        Clock::RealtimeAlarm,
        Clock::BoottimeAlarm,
    ];

    /// Its time, from its own beginning on: clock_gettime(2). What [`PosixTimer::set_at`](super::PosixTimer::set_at) counts by.
    ///
    /// # Errors
    /// EINVAL: an alarm clock, and this machine has no clock that could wake it.
    ///
    /// ```
    /// use wigwag::timer::Clock;
    /// let before = Clock::Monotonic.now()?;
    /// assert!(Clock::Monotonic.now()? >= before);
    /// assert!(Clock::ThreadCpu.now()? <= Clock::ProcessCpu.now()?);
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    pub fn now(self) -> Result<Duration> {
        sys::posix_timer::now(self.number()).map_err(|errno| {
            let error = Error::new(format!("read {self}"), errno);
            if errno == Errno::INVAL && self.is_alarm() {
                error.with_note(NO_ALARM)
            } else {
                error
            }
        })
    }

    /// Whether it wakes a machine that sleeps, which takes the capability `CAP_WAKE_ALARM`.
    ///
    /// ```
    /// use wigwag::timer::Clock;
    /// assert!(Clock::BoottimeAlarm.is_alarm() && !Clock::Boottime.is_alarm());
    /// ```
    #[must_use]
    pub const fn is_alarm(self) -> bool {
        matches!(self, Clock::RealtimeAlarm | Clock::BoottimeAlarm)
    }

    /// The name, as in clock_gettime(2).
    ///
    /// ```
    /// assert_eq!(wigwag::timer::Clock::Boottime.name(), "CLOCK_BOOTTIME");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Clock::Realtime => "CLOCK_REALTIME",
            Clock::Monotonic => "CLOCK_MONOTONIC",
            Clock::Boottime => "CLOCK_BOOTTIME",
            Clock::ProcessCpu => "CLOCK_PROCESS_CPUTIME_ID",
            Clock::ThreadCpu => "CLOCK_THREAD_CPUTIME_ID",
            Clock::RealtimeAlarm => "CLOCK_REALTIME_ALARM",
            Clock::BoottimeAlarm => "CLOCK_BOOTTIME_ALARM",
        }
    }

    pub(super) const fn number(self) -> i32 {
        match self {
            Clock::Realtime => libc::CLOCK_REALTIME,
            Clock::Monotonic => libc::CLOCK_MONOTONIC,
            Clock::Boottime => libc::CLOCK_BOOTTIME,
            Clock::ProcessCpu => libc::CLOCK_PROCESS_CPUTIME_ID,
            Clock::ThreadCpu => libc::CLOCK_THREAD_CPUTIME_ID,
            Clock::RealtimeAlarm => libc::CLOCK_REALTIME_ALARM,
            Clock::BoottimeAlarm => libc::CLOCK_BOOTTIME_ALARM,
        }
    }
}

pub(super) const NO_ALARM: &str =
    "this machine has no clock that wakes it (/sys/class/rtc): use the clock without an alarm";

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
