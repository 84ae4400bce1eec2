//! What a signal can do.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing that a signal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Not permitted (EPERM).
    Denied,
    /// The queue of the process's user is full (EAGAIN).
    QueueFull,
    /// The process ends.
    Kills,
    /// The process ends and writes a core file.
    DumpsCore,
    /// Every thread stops.
    Stops,
    /// A stopped process runs again.
    Continues,
    /// Its handler runs.
    RunsHandler,
    /// A thread that waits (sigwait, sigwaitinfo, sigtimedwait) takes it.
    Waited,
    /// It stays pending where a signalfd shows it to a reader.
    SignalFd,
    /// It stays pending.
    StaysPending,
    /// One of the same number is pending already: this one vanishes in it.
    Coalesces,
    /// It is ignored.
    Ignored,
    /// It is taken off the queue and dropped (job control in an orphaned process group).
    Discarded,
    /// The tracer is told and decides.
    TracerDecides,
    /// Nothing: there is nobody left, or it is a probe.
    Nothing,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Effect::Denied => "denied",
            Effect::QueueFull => "queue full",
            Effect::Kills => "kills",
            Effect::DumpsCore => "kills, dumps core",
            Effect::Stops => "stops",
            Effect::Continues => "continues",
            Effect::RunsHandler => "runs its handler",
            Effect::Waited => "taken by a waiting thread",
            Effect::SignalFd => "read through a signalfd",
            Effect::StaysPending => "stays pending",
            Effect::Coalesces => "coalesces",
            Effect::Ignored => "ignored",
            Effect::Discarded => "discarded",
            Effect::TracerDecides => "its tracer decides",
            Effect::Nothing => "nothing",
        })
    }
}
