//! What an order would do: every process that it selects, held, with what is predicted and what the guards say.
//!
//! [`prepare`] takes the census, holds each process, reads it, predicts and asks the guards. The result can be printed
//! ([`Prepared::plan`]), written as JSON and carried out later ([`Plan::resume`]), or carried out at once
//! ([`Prepared::execute`]). Nothing is sent before `execute`.

mod judge;

use std::fmt;
use std::io;
use std::os::fd::AsFd;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wigwag::send::probe_group;
use wigwag::{Scope, Signal, pidfd_send};

use crate::census::{SelectError, census_sparing};
use crate::freezer::FreezerGroup;
use crate::identity::{Identity, Process, Who};
use crate::order::{Action, FORMAT, Order, Schedule};
use crate::prediction::{Effect, Prediction};
use crate::procfs::{Proc, ProcDir, is_gone};
use crate::receipt::NoMatch;
use crate::selector::Target;
pub(crate) use judge::{Judge, user, why_denied, why_not_by_number};

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
        "{found} processes are selected, more than --max {max}: choose fewer, or write --max {found}"
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
    pub(crate) left_out: Option<String>,
    pub(crate) delivery: Delivery,
    /// The processes by whose numbers the selector names others.
    pub(crate) anchors: Vec<ProcDir>,
    /// Whether it is a saved plan, which means the processes in it and no others.
    pub(crate) resumed: bool,
}

/// Finds, holds, reads and judges the processes of `order`.
///
/// Raises the soft limit of open files to the hard one when it scans: each process costs two descriptors.
///
/// # Errors
/// [`PlanError`]; nothing has been sent then.
///
/// ```
/// use wigwag_process::order::{Action, Guards, Order, Schedule};
/// use wigwag_process::{plan::prepare, procfs::Proc, selector::Target};
/// let proc = Proc::open()?;
/// let order = Order {
///     whom: Target::Pid(std::process::id() as i32).into(),
///     action: Action::Send { signal: None, value: None, schedule: Schedule::NOW },
///     guards: Guards { allow_self: true, ..Guards::default() },
///     watch: None,
/// };
/// assert_eq!(prepare(&proc, order)?.plan().entries.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn prepare(proc: &Proc, order: Order) -> Result<Prepared<'_>, PlanError> {
    if order.whom.is_empty() {
        return Err(PlanError::Nobody);
    }
    if !order.whom.says_whom() {
        return Err(PlanError::OnlyNarrowed);
    }
    if let Action::Send { schedule, .. } = &order.action
        && schedule.count.is_some_and(|count| count > 1)
        && schedule.every.is_none()
    {
        return Err(PlanError::CountWithoutEvery);
    }
    let one_by_one = order
        .whom
        .targets
        .iter()
        .all(|target| matches!(target, Target::Pid(_) | Target::Thread(_)));
    if !one_by_one || order.whom.targets.len() > 100 || order.whom.targets.is_empty() {
        crate::limits::raise_open_files();
    }
    let spared = match one_by_one && !order.whom.targets.is_empty() {
        true => Vec::new(),
        false => Judge::new(proc, &order, &Delivery::Each).spared(),
    };
    let mut seen = census_sparing(proc, &order.whom, &spared)?;
    let missing: Vec<NoMatch> = seen
        .missing
        .iter()
        .map(|missing| NoMatch {
            target: Some(missing.target.clone()),
            why: missing.to_string(),
        })
        .collect();
    let mut delivery = delivery(&order);
    let mut notes = Vec::new();
    if let Some(group) = freezer(proc, &order, &seen.found) {
        let before = seen.found.len();
        seen.found.retain(|dir| group.has(proc, dir));
        let others = before - seen.found.len();
        if others > 0 {
            notes.push(format!(
                "{others} more are in a group of that name, but of another hierarchy than the freezer's: they are left alone"
            ));
        }
        delivery = Delivery::Freezer(group);
    }
    let mut prepared = Prepared {
        proc,
        delivery,
        held: Vec::with_capacity(seen.found.len() + seen.threads.len()),
        missing,
        unreadable: seen.unreadable,
        notes,
        left_out: left_out(&seen.left_out),
        order,
        anchors: seen.anchors,
        resumed: false,
    };
    if !prepared.missing.is_empty() && !prepared.order.guards.ignore_missing {
        return Err(PlanError::Missing(prepared.missing));
    }
    if seen.unreadable > 0 {
        let files: Vec<_> = seen.unreadable_files.iter().copied().collect();
        prepared.notes.push(format!(
            "{} processes may not be read ({}) and are not considered",
            seen.unreadable,
            files.join(", ")
        ));
    }
    let max = prepared.order.guards.max.unwrap_or(usize::MAX);
    let judge = Judge::new(proc, &prepared.order, &prepared.delivery);
    let candidates = seen.found.len() + seen.threads.len();
    if candidates > max {
        let found = candidates
            - seen
                .found
                .iter()
                .filter(|dir| judge.is_protected(dir.pid()))
                .count();
        if found > max {
            return Err(PlanError::TooMany { found, max });
        }
    }
    let threads = seen
        .threads
        .into_iter()
        .map(|one| (one.process, Some(one.task)));
    for (dir, thread) in seen.found.into_iter().map(|dir| (dir, None)).chain(threads) {
        let pid = dir.pid();
        let tid = thread.as_ref().map(ProcDir::pid);
        match judge.hold(dir, thread) {
            Ok(held) => prepared.held.push(held),
            Err(error) if is_gone(&error) => prepared.held.push(gone(proc, pid, tid)),
            Err(source) => return Err(PlanError::Read { pid, source }),
        }
    }
    if prepared.held.is_empty() && !prepared.order.guards.ignore_missing {
        let why = match candidates {
            0 if prepared.left_out.is_some() => {
                "no process is selected but wigwag itself or what has started it (--allow self, --allow ancestors)".to_string()
            }
            0 => "no process is selected: none passes all the conditions".to_string(),
            _ => "the processes that were selected have all ended meanwhile".to_string(),
        };
        return Err(PlanError::Missing(vec![NoMatch { target: None, why }]));
    }
    prepared.settle_group();
    prepared.guard_group();
    Ok(prepared)
}

/// `left out: wigwag itself and 2 ancestors`.
fn left_out(pids: &[i32]) -> Option<String> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let ancestors = match pids.iter().filter(|pid| **pid != own).count() {
        0 => None,
        1 => Some("1 ancestor (--allow ancestors)".to_owned()),
        n => Some(format!("{n} ancestors (--allow ancestors)")),
    };
    let oneself = pids
        .contains(&own)
        .then(|| "wigwag itself (--allow self)".to_owned());
    let who: Vec<String> = oneself.into_iter().chain(ancestors).collect();
    (!who.is_empty()).then(|| format!("left out: {}", who.join(" and ")))
}

/// One that ended between being found and being held: nothing of it can be read any more.
fn gone(proc: &Proc, pid: i32, thread: Option<i32>) -> Held {
    let identity = Identity {
        pid,
        start_ticks: 0,
        boot_id: proc.boot_id().to_owned(),
        pid_namespace: proc.pid_namespace(),
        pidfd_inode: None,
    };
    let who = Who {
        identity,
        name: String::new(),
        command: Vec::new(),
        uid: u32::MAX,
        user: None,
        thread,
        thread_start_ticks: None,
    };
    let predicted = Prediction::of(Effect::Nothing, "it ended before it could be looked at");
    Held {
        process: None,
        task: None,
        entry: Entry {
            who,
            predicted,
            refused: None,
        },
    }
}

/// The leader of a group, where it is held: its descriptor names the group, which no number does.
pub(crate) fn leader<'h>(
    group: i32,
    mut held: impl Iterator<Item = &'h Held>,
) -> Option<&'h ProcDir> {
    held.find_map(|held| {
        let process = held.process.as_ref()?;
        let leads = process.pid() == group && process.stat().pgrp == group;
        leads.then(|| process.dir())
    })
}

/// The freezer of a cgroup that is frozen or thawed: the first that one of those found is in.
fn freezer(proc: &Proc, order: &Order, found: &[ProcDir]) -> Option<FreezerGroup> {
    let ([Target::Cgroup(path)], Action::Freeze | Action::Thaw) =
        (order.whom.targets.as_slice(), &order.action)
    else {
        return None;
    };
    if !order.whom.filter.is_empty() {
        return None;
    }
    FreezerGroup::named(proc, path)
        .into_iter()
        .find(|group| found.iter().any(|dir| group.has(proc, dir)))
}

fn delivery(order: &Order) -> Delivery {
    let [target] = order.whom.targets.as_slice() else {
        return Delivery::Each;
    };
    if !order.whom.filter.is_empty() {
        return Delivery::Each;
    }
    // One call reaches whoever is there at that moment, unjudged: only where nothing is asked of them, and only once.
    let at_once = |signal: &Option<Signal>, schedule: &Schedule| {
        signal.is_some() && schedule.is_now() && !order.guards.if_handled
    };
    match (&order.action, target) {
        (
            Action::Send {
                signal,
                value: None,
                schedule,
            },
            Target::Group(_) | Target::OwnGroup | Target::Everyone,
        ) => match target {
            Target::Group(group) if at_once(signal, schedule) => Delivery::Group(*group),
            Target::OwnGroup if at_once(signal, schedule) => Delivery::OwnGroup,
            Target::Everyone if at_once(signal, schedule) => Delivery::Everyone,
            Target::Group(_) if signal.is_some() => Delivery::Members,
            _ => Delivery::Each,
        },
        _ => Delivery::Each,
    }
}

impl Plan {
    /// Holds the processes of a plan again, those that are still the same, to carry it out. The others get a receipt that says
    /// so, and no signal, whoever has their number now.
    ///
    /// # Errors
    /// [`PlanError`] where the plan is of another form.
    pub fn resume(self, proc: &Proc) -> Result<Prepared<'_>, PlanError> {
        if self.wigwag != FORMAT {
            return Err(PlanError::Format { found: self.wigwag });
        }
        if self.entries.len() > 100 {
            crate::limits::raise_open_files();
        }
        let mut notes = self.notes;
        let judge = Judge::new(proc, &self.order, &Delivery::Each);
        let mut by_start_time = false;
        let mut held = Vec::with_capacity(self.entries.len());
        for entry in self.entries {
            let pid = entry.who.identity.pid;
            let held_again = hold_again(proc, &judge, &entry.who);
            if let Ok(now) = &held_again {
                let inodes = [&entry, &now.entry].map(|entry| entry.who.identity.pidfd_inode);
                by_start_time |= inodes.contains(&None);
            }
            held.push(match held_again {
                // What was refused when the plan was made stays refused.
                Ok(now) => Held {
                    entry: Entry {
                        refused: entry.refused.or(now.entry.refused),
                        ..now.entry
                    },
                    ..now
                },
                Err(error) if is_gone(&error) => Held {
                    process: None,
                    task: None,
                    entry,
                },
                Err(source) => return Err(PlanError::Read { pid, source }),
            });
        }
        if by_start_time {
            notes.push(
                "some processes are known by their start time only, which has a resolution of 10 ms: their pidfds have no inode of \
                 their own (before Linux 6.9), or cannot be opened"
                    .into(),
            );
        }
        Ok(Prepared {
            proc,
            order: self.order,
            held,
            missing: self.missing,
            unreadable: self.unreadable,
            notes,
            left_out: None,
            delivery: Delivery::Each,
            anchors: Vec::new(),
            resumed: true,
        })
    }
}

/// Holds the process of a plan, and the one thread that is meant, if they are still the same.
fn hold_again(proc: &Proc, judge: &Judge<'_>, who: &Who) -> io::Result<Held> {
    let gone = || io::Error::from(rustix::io::Errno::SRCH);
    let process = Process::open(proc, who.identity.pid)?;
    if !process.is(proc, &who.identity) {
        return Err(gone());
    }
    let task = who.thread.map(|tid| process.dir().task(tid)).transpose()?;
    let held = judge.hold_process(process, task)?;
    if held.entry.who.thread_start_ticks == who.thread_start_ticks {
        Ok(held)
    } else {
        Err(gone())
    }
}

impl Prepared<'_> {
    /// The plan as data.
    pub fn plan(&self) -> Plan {
        Plan {
            wigwag: FORMAT,
            made: Timestamp::now(),
            order: self.order.clone(),
            entries: self.held.iter().map(Held::entry_now).collect(),
            missing: self.missing.clone(),
            unreadable: self.unreadable,
            notes: self.notes.iter().chain(&self.left_out).cloned().collect(),
        }
    }

    /// A group is signalled in one call only where that call cannot reach another group: through the descriptor of its leader.
    fn settle_group(&mut self) {
        let Delivery::Group(group) = self.delivery else {
            return;
        };
        let probe = leader(group, self.held.iter())
            .map(|leader| pidfd_send(leader.as_fd(), None, None, Scope::Group));
        let why = match probe {
            Some(Err(error))
                if error.is_unsupported() || error.is_denied() && probe_group(group).is_ok() =>
            {
                "it cannot be signalled through its leader here (before Linux 6.9, or a seccomp filter refuses it)"
            }
            Some(_) => return,
            None => "its leader has ended",
        };
        self.delivery = Delivery::Members;
        self.notes.push(format!(
            "process group {group} is signalled one process after the other, not at once: {why}, and its number may become another's"
        ));
    }

    /// A group is signalled as one: if one in it is protected, none is signalled.
    fn guard_group(&mut self) {
        // kill(2) of everyone would reach those that a guard refuses; only process 1 and kernel threads it leaves out itself.
        let refuses = |held: &Held| {
            let by_kernel = |why: &Refusal| matches!(why, Refusal::Init | Refusal::KernelThread);
            held.entry
                .refused
                .as_ref()
                .is_some_and(|why| !by_kernel(why))
        };
        if matches!(self.delivery, Delivery::Everyone) && self.held.iter().any(refuses) {
            self.delivery = Delivery::Each;
        }
        let as_one = matches!(
            self.delivery,
            Delivery::Group(_) | Delivery::OwnGroup | Delivery::Freezer(_)
        ) || matches!(self.delivery, Delivery::Members)
            && !self.order.guards.if_handled;
        if !as_one {
            return;
        }
        let protected = self.held.iter().find_map(|held| {
            let why = held.entry.refused.clone()?;
            Some((held.entry.who.identity.pid, why))
        });
        let Some((pid, why)) = protected else { return };
        for held in &mut self.held {
            held.entry
                .refused
                .get_or_insert_with(|| Refusal::InGroupWith {
                    pid,
                    why: Box::new(why.clone()),
                });
        }
    }
}
