//! What an order would do: every process that it selects, held, with what is predicted and what the guards say.
//!
//! [`prepare`] takes the census, holds each process, reads it, predicts and asks the guards. The result can be printed
//! ([`Prepared::plan`]), written as JSON and carried out later ([`Plan::resume`]), or carried out at once
//! ([`Prepared::execute`]). Nothing is sent before `execute`.

mod given;
mod judge;
mod prepare;
mod resume;

use std::fmt;
use std::io;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::census::SelectError;
use crate::freezer::FreezerGroup;
use crate::identity::{Process, Who};
use crate::order::{FORMAT, Order};
use crate::prediction::{Effect, Prediction};
use crate::procfs::{Proc, ProcDir};
use crate::receipt::NoMatch;
pub use given::prepare_held;
pub(crate) use judge::{Judge, user, why_denied, why_not_by_number};
pub(crate) use prepare::leader;
pub use prepare::{prepare, preview};

/// An order with the processes it was found to mean, plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The version of this form, [`FORMAT`].
    pub wigwag: u32,
    /// When it was made.
    pub made: Timestamp,
    /// What was ordered.
    pub order: Order,
    /// One a process (or thread).
    pub entries: Vec<Entry>,
    /// Targets that selected nothing (with `ignore_missing`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<NoMatch>,
    /// Processes that could not be read far enough to say whether they are selected.
    #[serde(default)]
    pub unreadable: usize,
    /// What the reader should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One process of a [`Plan`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Which.
    pub who: Who,
    /// What the first signal would do.
    pub predicted: Prediction,
    /// Which guard refuses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refusal>,
}

/// Why a guard refuses a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "guard", rename_all = "snake_case")]
pub enum Refusal {
    /// It is the sender.
    Oneself,
    /// It is the sender's parent, or the parent's parent, ...
    Ancestor,
    /// It is process 1.
    Init,
    /// It is a kernel thread.
    KernelThread,
    /// The signal would not run a handler of it.
    NotHandled {
        /// What it would do.
        would: String,
    },
    /// A group is signalled as one, and this one is in it, with one that another guard protects.
    InGroupWith {
        /// The protected one.
        pid: i32,
        /// Why it is protected.
        why: Box<Refusal>,
    },
    /// A thread cannot be stopped, frozen or waited for alone.
    ThreadAlone,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Oneself => f.write_str("it is wigwag itself (--allow self)"),
            Refusal::Ancestor => f.write_str("wigwag was started by it (--allow ancestors)"),
            Refusal::Init => f.write_str("it is process 1 (--allow init)"),
            Refusal::KernelThread => f.write_str("it is a kernel thread"),
            Refusal::NotHandled { would } => write!(f, "it does not handle the signal: {would}"),
            Refusal::InGroupWith { pid, why } => {
                write!(
                    f,
                    "its group is signalled as one, and {pid} is in it: {why}"
                )
            }
            Refusal::ThreadAlone => {
                f.write_str("this is done to a whole process, not to one thread")
            }
        }
    }
}

/// Why there is no plan, and nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The order does not say whom.
    #[error("no target: name a process, or choose with --name, --user, ...")]
    Nobody,
    /// The order only narrows a choice that it does not make ([`crate::selector::Selector::says_whom`]).
    #[error(
        "no target: --older, --younger, --state, --newest, --oldest and --ns only narrow a choice, of the whole machine here: \
         say whom by a target, --name, --user, --group-id, --parent, --tty, --env, --cgroup, --handles or --everyone"
    )]
    OnlyNarrowed,
    /// Some targets select nothing.
    #[error("{}", join(.0))]
    Missing(Vec<NoMatch>),
    /// More processes than the guard allows.
    #[error(
        "{} selected, more than --max {max}: choose fewer, or write --max {found}",
        if *.found == 1 { "1 process is".to_owned() } else { format!("{found} processes are") }
    )]
    TooMany {
        /// How many are selected.
        found: usize,
        /// How many may be.
        max: usize,
    },
    /// The selector cannot be carried out.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// A process cannot be read.
    #[error("cannot look at process {pid}: {source}")]
    Read {
        /// Which.
        pid: i32,
        /// Why.
        source: io::Error,
    },
    /// The plan is of a later form.
    #[error("this plan is of form {found}; this wigwag reads form {FORMAT}")]
    Format {
        /// The plan's form.
        found: u32,
    },
    /// A repetition that would never rest.
    #[error("--count needs --every: how long between one signal and the next")]
    CountWithoutEvery,
}

fn join(missing: &[NoMatch]) -> String {
    missing
        .iter()
        .map(|one| one.why.as_str())
        .collect::<Vec<_>>()
        .join("\n")
}

/// How the signals of an order travel.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// Through the descriptor of each process.
    Each,
    /// One call for a whole group, through its leader's descriptor.
    Group(i32),
    /// Through the descriptor of each process of a group, until nobody new is in it.
    Members,
    /// One call for one's own group.
    OwnGroup,
    /// One call for all that one may signal.
    Everyone,
    /// The cgroup freezer.
    Freezer(FreezerGroup),
}

/// A process of a prepared order.
#[derive(Debug)]
pub(crate) struct Held {
    /// The process, `None` when it had gone before it could be held (apply).
    pub(crate) process: Option<Process>,
    /// The directory of the one thread that is meant.
    pub(crate) task: Option<ProcDir>,
    pub(crate) entry: Entry,
}

impl Held {
    /// The entry, which says so where the process of a saved plan has gone meanwhile.
    fn entry_now(&self) -> Entry {
        let gone = self.process.is_none() && self.entry.refused.is_none();
        Entry {
            predicted: match gone {
                true => Prediction::of(
                    Effect::Nothing,
                    "it has ended: nothing is sent, whoever has its number now",
                ),
                false => self.entry.predicted.clone(),
            },
            ..self.entry.clone()
        }
    }
}

/// An order that is ready: its processes are held, nothing has been sent.
#[derive(Debug)]
pub struct Prepared<'a> {
    pub(crate) proc: &'a Proc,
    pub(crate) order: Order,
    pub(crate) held: Vec<Held>,
    pub(crate) missing: Vec<NoMatch>,
    pub(crate) unreadable: usize,
    pub(crate) notes: Vec<String>,
    /// Who was chosen and left out, for the plan: in a report it would be said again and again.
    pub(crate) left_out: Vec<String>,
    pub(crate) delivery: Delivery,
    /// The processes by whose numbers the selector names others.
    pub(crate) anchors: Vec<ProcDir>,
    /// When the processes were looked for, in the ticks in which `/proc` says when one was started.
    pub(crate) begun: u64,
    /// Whether it is a saved plan, which means the processes in it and no others.
    pub(crate) resumed: bool,
}

impl Prepared<'_> {
    /// The plan as data.
    pub fn plan(&self) -> Plan {
        let left_out =
            (!self.left_out.is_empty()).then(|| format!("left out: {}", self.left_out.join(", ")));
        Plan {
            wigwag: FORMAT,
            made: Timestamp::now(),
            order: self.order.clone(),
            entries: self.held.iter().map(Held::entry_now).collect(),
            missing: self.missing.clone(),
            unreadable: self.unreadable,
            notes: self.notes.iter().cloned().chain(left_out).collect(),
        }
    }
}
