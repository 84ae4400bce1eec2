//! How a POSIX timer tells that it ran out.

use std::fmt;

use crate::Signal;

/// How a timer tells that it ran out: sigevent(3type).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Notify {
    /// Not at all (`SIGEV_NONE`): for one that is only looked at, by [`PosixTimer::get`](super::PosixTimer::get).
    Nothing,
    /// A signal with a value to the process: any thread that does not block it may take it (`SIGEV_SIGNAL`).
    Process {
        /// The signal. Several timers may have the same: each has its place in the queue, for a standard signal too.
        signal: Signal,
        /// What comes with it.
        value: i32,
    },
    /// A signal with a value to one thread of this process (`SIGEV_THREAD_ID`): nobody else can take it. Nothing comes any more
    /// once the thread has ended.
    Thread {
        /// The signal.
        signal: Signal,
        /// What comes with it.
        value: i32,
        /// The thread, as [`send::thread_id`](crate::send::thread_id) has it.
        thread: i32,
    },
}

impl Notify {
    /// The signal that it sends.
    ///
    /// ```
    /// use wigwag::{Signal, timer::Notify};
    /// let notify = Notify::Process { signal: Signal::USR1, value: 1 };
    /// assert_eq!((notify.signal(), Notify::Nothing.signal()), (Some(Signal::USR1), None));
    /// ```
    #[must_use]
    pub const fn signal(self) -> Option<Signal> {
        match self {
            Notify::Nothing => None,
            Notify::Process { signal, .. } | Notify::Thread { signal, .. } => Some(signal),
        }
    }

    pub(super) const fn thread(self) -> Option<i32> {
        match self {
            Notify::Thread { thread, .. } => Some(thread),
            _ => None,
        }
    }

    /// What comes with its signal.
    pub(super) const fn value(self) -> i32 {
        match self {
            Notify::Nothing => 0,
            Notify::Process { value, .. } | Notify::Thread { value, .. } => value,
        }
    }
}

impl fmt::Display for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notify::Nothing => f.write_str("no signal"),
            Notify::Process { signal, .. } => write!(f, "{signal}"),
            Notify::Thread { signal, thread, .. } => write!(f, "{signal} to thread {thread}"),
        }
    }
}
