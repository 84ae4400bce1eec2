//! What a signal really did.

use std::collections::BTreeSet;

use crate::deadline::Deadline;
use crate::proc;
use crate::puppet::{Event, Puppet};

/// One thing that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Observed {
    /// Killed by the signal, no core dumped.
    Killed,
    /// Killed by the signal, core dumped.
    DumpedCore,
    /// Stopped by the signal.
    Stopped,
    /// Was stopped and goes on.
    Continued,
    /// A handler ran.
    RanHandler,
    /// A signalfd's reader took it.
    SignalFd,
    /// A thread in sigwaitinfo took it.
    SigWait,
    /// It is pending.
    StaysPending,
    /// The tracer holds the process in a stop for it.
    TracerStopped,
}

/// All that was seen; an empty set when the signal left no trace: ignored, discarded, or nobody there.
pub type Observation = BTreeSet<Observed>;

impl Puppet {
    /// What became of `signal`, sent just before: waits until it has ended or no thread has anything left to do.
    ///
    /// The kernel makes a signal pending, or discards it, before the sender's call returns, and wakes the thread that
    /// is to take it at the same moment; so when all threads sleep again, all has happened that will.
    pub fn observe(&mut self, signal: i32) -> Observation {
        let mut seen = Observation::new();
        if self.is_zombie() {
            return seen;
        }
        let lives = self.settle(Deadline::usual());
        for status in self.changes() {
            if libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == signal {
                seen.insert(if libc::WCOREDUMP(status) {
                    Observed::DumpedCore
                } else {
                    Observed::Killed
                });
            } else if libc::WIFSTOPPED(status) && libc::WSTOPSIG(status) == signal {
                seen.insert(Observed::Stopped);
            } else if libc::WIFCONTINUED(status) {
                seen.insert(Observed::Continued);
            }
        }
        for event in self.events() {
            match event {
                Event::Handler(number) if number == signal => seen.insert(Observed::RanHandler),
                Event::SignalFd(number) if number == signal => seen.insert(Observed::SignalFd),
                Event::SigWait(number) if number == signal => seen.insert(Observed::SigWait),
                _ => continue,
            };
        }
        if lives
            && proc::threads(self.pid())
                .iter()
                .any(|thread| thread.state == 't')
        {
            seen.insert(Observed::TracerStopped);
        }
        if lives && proc::pending(self.pid(), signal) {
            seen.insert(Observed::StaysPending);
        }
        seen
    }

    /// Whether any signal at all has reached it since it was ready: for those who must not be touched.
    pub fn was_touched(&mut self) -> bool {
        let lives = self.settle(Deadline::usual());
        let events = self.events();
        !lives
            || !events.is_empty()
            || !self.changes().is_empty()
            || proc::anything_pending(self.pid())
    }
}
