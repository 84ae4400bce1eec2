//! What came of an order: one receipt a target.

use std::fmt;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use wigwag::{Signal, WaitStatus};

use crate::identity::Who;
use crate::order::Order;
use crate::plan::Refusal;
use crate::prediction::Prediction;
use crate::selector::Target;

/// The answer to an [`Order`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The version of this form, [`FORMAT`](crate::order::FORMAT).
    pub wigwag: u32,
    /// What was ordered.
    pub order: Order,
    /// One a process (or thread), in the order in which they were signalled.
    pub receipts: Vec<Receipt>,
    /// The targets that selected nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<NoMatch>,
    /// How many processes could not be read far enough to say whether they are selected.
    #[serde(default)]
    pub unreadable: usize,
    /// The watching was ended (Ctrl-C) before the order's time was over.
    #[serde(default)]
    pub interrupted: bool,
    /// Some that were meant may be left: they could not be looked for again, not be shown to be meant, or were more than `--max`. The
    /// notes say which.
    #[serde(default)]
    pub incomplete: bool,
    /// What the reader should know: fallbacks taken, resolution of identities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// From the first look to the last.
    pub took: SignedDuration,
}

/// A target that selected nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoMatch {
    /// The target, `None` when it is the filters together that select nothing.
    pub target: Option<Target>,
    /// Why, in words.
    pub why: String,
}

/// What was done to one process and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Who it was.
    pub who: Who,
    /// What was expected before anything was sent.
    pub predicted: Prediction,
    /// What was sent, in order.
    pub sent: Vec<Sent>,
    /// What it did.
    pub effect: Effect,
    /// How far that is known.
    pub evidence: Evidence,
    /// How it is known, in words.
    pub how: String,
    /// From the first signal (or the first look) to the effect.
    pub took: SignedDuration,
}

/// One signal that was handed to the kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sent {
    /// Which; `None` for a probe.
    pub signal: Option<Signal>,
    /// When, counted from the first look of the order.
    pub at: SignedDuration,
    /// By which door.
    pub through: Through,
}

/// The system call that carried a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Through {
    /// `pidfd_send_signal(2)` on the descriptor that was held since before the decision.
    Pidfd,
    /// The same for one thread (`PIDFD_SIGNAL_THREAD`, Linux 6.9).
    PidfdThread,
    /// `tgkill(2)`: pid and thread id are numbers. The thread is seen alive just before, through the held directory.
    Tgkill,
    /// `rt_tgsigqueueinfo(2)`: the same with a value.
    Tgsigqueue,
    /// `pidfd_send_signal(2)` to the group of the held leader (`PIDFD_SIGNAL_PROCESS_GROUP`, Linux 6.9): one atomic call.
    PidfdGroup,
    /// `kill(2)` of one's own group or of everyone: one atomic call for all of them. Of one process only with signal 0.
    Kill,
    /// The cgroup freezer.
    Freezer,
}

impl fmt::Display for Through {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Through::Pidfd => "pidfd_send_signal",
            Through::PidfdThread => "pidfd_send_signal (thread)",
            Through::Tgkill => "tgkill (by number)",
            Through::Tgsigqueue => "rt_tgsigqueueinfo (by number)",
            Through::PidfdGroup => "pidfd_send_signal (group)",
            Through::Kill => "kill",
            Through::Freezer => "cgroup freezer",
        })
    }
}

/// How far an effect is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The kernel showed it.
    Seen,
    /// It follows from what the kernel showed: gone from pending, as predicted.
    Inferred,
    /// Neither.
    Unknown,
}

/// What a process did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Effect {
    /// It ended. `status` is `None` where the kernel does not tell it to us.
    Ended {
        /// How it ended.
        status: Option<WaitStatus>,
    },
    /// Every thread has stopped.
    Stopped,
    /// It runs again.
    Resumed,
    /// It ran its handler.
    Handled,
    /// A thread that waits for the signal, or the reader of a signalfd, took it.
    Taken,
    /// It was ignored or discarded.
    Ignored,
    /// It is still pending.
    Pending,
    /// It fell together with one of the same number that was pending already.
    Coalesced,
    /// It had ended before anything was sent.
    GoneBefore,
    /// The kernel refused it.
    Denied {
        /// `EPERM`, `EAGAIN`, ...
        errno: String,
        /// Whose process it is, whose limit.
        why: String,
    },
    /// A guard refused it; nothing was sent.
    Refused {
        /// Which guard.
        why: Refusal,
    },
    /// It exists and may be signalled (the answer to a probe).
    Exists,
    /// It is still there when the time is over.
    StillThere,
    /// Nothing was sent: the order was interrupted before.
    NotSent,
    /// The signal was handed over; what came of it cannot be said.
    Unknown,
}

impl Effect {
    /// Whether it ended.
    pub fn has_ended(&self) -> bool {
        matches!(self, Effect::Ended { .. } | Effect::GoneBefore)
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::Ended {
                status: Some(status),
            } => write!(f, "{status}"),
            Effect::Ended { status: None } => f.write_str("ended, status unknown"),
            Effect::Stopped => f.write_str("stopped"),
            Effect::Resumed => f.write_str("resumed"),
            Effect::Handled => f.write_str("handled"),
            Effect::Taken => f.write_str("taken by a waiter"),
            Effect::Ignored => f.write_str("ignored"),
            Effect::Pending => f.write_str("still pending"),
            Effect::Coalesced => f.write_str("coalesced with one already pending"),
            Effect::GoneBefore => f.write_str("gone before"),
            Effect::Denied { errno, why } => write!(f, "denied: {errno}, {why}"),
            Effect::Refused { why } => write!(f, "refused: {why}"),
            Effect::Exists => f.write_str("exists, may be signalled"),
            Effect::StillThere => f.write_str("still there"),
            Effect::NotSent => f.write_str("nothing sent"),
            Effect::Unknown => f.write_str("unknown"),
        }
    }
}

/// The outcome of a whole report, which is also the exit status of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// All did as asked: 0.
    AsAsked,
    /// No target: 1.
    NoTarget,
    /// Some did not do as asked in time: 4.
    NotInTime,
    /// Some were refused or denied: 3.
    Refused,
}

impl Verdict {
    /// The exit status.
    pub fn code(self) -> u8 {
        match self {
            Verdict::AsAsked => 0,
            Verdict::NoTarget => 1,
            Verdict::Refused => 3,
            Verdict::NotInTime => 4,
        }
    }
}

impl Report {
    /// The outcome of the whole.
    pub fn verdict(&self) -> Verdict {
        let each = self
            .receipts
            .iter()
            .map(|receipt| receipt.verdict(&self.order))
            .max();
        match each {
            None => Verdict::NoTarget,
            Some(_) if self.is_any_satisfied() => Verdict::AsAsked,
            Some(Verdict::AsAsked) if self.incomplete => Verdict::NotInTime,
            Some(verdict) => verdict,
        }
    }

    fn is_any_satisfied(&self) -> bool {
        matches!(self.order.action, crate::order::Action::Wait { any: true })
            && self
                .receipts
                .iter()
                .any(|receipt| receipt.effect.has_ended())
    }
}

impl Receipt {
    /// Whether this one did as `order` asked.
    pub fn verdict(&self, order: &Order) -> Verdict {
        use crate::order::Action;
        match (&self.effect, &order.action) {
            (Effect::Denied { .. } | Effect::Refused { .. }, _) => Verdict::Refused,
            (Effect::GoneBefore, Action::Stop { .. } | Action::Wait { .. }) => Verdict::AsAsked,
            // It ended by something else before its signal's time had come.
            (
                Effect::Ended { .. },
                Action::Send {
                    signal: Some(_), ..
                },
            ) if self.sent.is_empty() => Verdict::NotInTime,
            // Of those that were chosen, not named, nothing that has ended runs on.
            (effect, Action::Freeze) if effect.has_ended() && !order.whom.names_one() => {
                Verdict::AsAsked
            }
            (Effect::GoneBefore, _) => Verdict::NotInTime,
            (effect, Action::Stop { .. } | Action::Wait { .. }) if !effect.has_ended() => {
                Verdict::NotInTime
            }
            (Effect::Stopped, Action::Freeze) => Verdict::AsAsked,
            (_, Action::Freeze) => Verdict::NotInTime,
            (Effect::Stopped, Action::Thaw) => Verdict::NotInTime,
            (Effect::StillThere | Effect::NotSent, _) => Verdict::NotInTime,
            (Effect::Pending | Effect::Coalesced | Effect::Unknown, Action::Send { .. })
                if order.watch.is_some() =>
            {
                Verdict::NotInTime
            }
            (effect, Action::Send { schedule, .. })
                if !effect.has_ended()
                    && schedule
                        .count
                        .is_some_and(|count| self.sent.len() < count as usize) =>
            {
                Verdict::NotInTime
            }
            (
                Effect::Ended { .. } | Effect::Pending | Effect::Coalesced | Effect::Unknown,
                Action::Reload { .. },
            ) => Verdict::NotInTime,
            _ => Verdict::AsAsked,
        }
    }
}
