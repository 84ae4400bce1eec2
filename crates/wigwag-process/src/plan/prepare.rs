//! From an order to what is ready: who it is, how the signals travel, and which guard refuses.

use std::os::fd::AsFd;

use wigwag::send::probe_group;
use wigwag::{Scope, Signal, pidfd_send};

use super::{Delivery, Entry, Held, Judge, PlanError, Prepared, Refusal};
use crate::census::{Census, Why, census_sparing, processes};
use crate::freezer::FreezerGroup;
use crate::identity::{Identity, Who};
use crate::order::{Action, Order, Schedule};
use crate::prediction::{Effect, Prediction};
use crate::procfs::{Proc, ProcDir, is_gone};
use crate::receipt::NoMatch;
use crate::selector::Target;

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
    let max = order.guards.max;
    find(proc, order, max.unwrap_or(usize::MAX))
}

/// The same to look at, however many are selected: [`Guards::max`](crate::order::Guards::max) is asked when the plan is carried out.
///
/// # Errors
/// [`PlanError`], but [`PlanError::TooMany`].
///
/// ```
/// use wigwag_process::order::{Action, Guards, Order, Schedule};
/// use wigwag_process::{plan::preview, procfs::Proc, selector::Target};
/// let proc = Proc::open()?;
/// let me = Target::Pid(std::process::id() as i32);
/// let order = Order {
///     whom: me.into(),
///     action: Action::Send { signal: None, value: None, schedule: Schedule::NOW },
///     guards: Guards { max: Some(0), ..Guards::default() },
///     watch: None,
/// };
/// let plan = preview(&proc, order)?.plan();
/// assert_eq!((plan.entries.len(), plan.order.guards.max), (1, Some(0)));
/// assert!(plan.resume(&proc).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn preview(proc: &Proc, order: Order) -> Result<Prepared<'_>, PlanError> {
    find(proc, order, usize::MAX)
}

fn find(proc: &Proc, order: Order, max: usize) -> Result<Prepared<'_>, PlanError> {
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
    let one_by_one = order.whom.targets.iter().all(Target::is_number);
    if !one_by_one || order.whom.targets.len() > 100 || order.whom.targets.is_empty() {
        crate::limits::raise_open_files();
    }
    let by_number = one_by_one && !order.whom.targets.is_empty();
    let spared = match by_number || order.guards.as_kill {
        true => Vec::new(),
        false => Judge::new(proc, &order, &Delivery::Each).spared(),
    };
    let begun = proc.uptime_ticks();
    let mut seen = census_sparing(proc, &order.whom, &spared)?;
    if order.guards.as_kill {
        stand_for_processes(proc, &mut seen);
    }
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
        begun,
        resumed: false,
    };
    if !prepared.missing.is_empty() && !prepared.order.guards.ignore_missing {
        return Err(PlanError::Missing(prepared.missing));
    }
    let unreadable = (seen.unreadable > 0).then(|| {
        let files: Vec<_> = seen.unreadable_files.iter().copied().collect();
        format!(
            "{} may not be read ({}) and are not considered",
            processes(seen.unreadable),
            files.join(", ")
        )
    });
    prepared.notes.extend(unreadable.clone());
    let judge = Judge::new(proc, &prepared.order, &prepared.delivery);
    let candidates = seen.found.len() + seen.threads.len();
    if candidates > max {
        let untouched = |dir: &&ProcDir| {
            let kernel = || dir.stat().is_ok_and(|stat| stat.is_kernel_thread());
            judge.is_protected(dir.pid()) || kernel()
        };
        let found = candidates - seen.found.iter().filter(untouched).count();
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
            // Who was found, and not named, has passed away like others during the scan.
            Err(error) if is_gone(&error) => {
                if prepared.order.whom.names_one() {
                    prepared.held.push(gone(proc, pid, tid));
                }
            }
            Err(source) => return Err(PlanError::Read { pid, source }),
        }
    }
    if prepared.held.is_empty() && !prepared.order.guards.ignore_missing {
        let why = match candidates {
            0 if !prepared.left_out.is_empty() => {
                "no process is selected but wigwag itself or what has started it (--allow self, --allow ancestors)".to_string()
            }
            0 => {
                let none = "no process is selected: none passes all the conditions";
                let unread = unreadable.map(|what| format!("; {what}"));
                format!("{none}{}", unread.unwrap_or_default())
            }
            _ => "the processes that were selected have all ended meanwhile".to_string(),
        };
        return Err(PlanError::Missing(vec![NoMatch { target: None, why }]));
    }
    prepared.leave_out_zombies();
    prepared.leave_out_protected();
    prepared.settle_group();
    prepared.guard_group();
    Ok(prepared)
}

/// A signal that is sent through the directory of a thread goes to the whole process, as kill(2) has it with a thread's number.
fn stand_for_processes(proc: &Proc, seen: &mut Census) {
    let found = &mut seen.found;
    seen.missing.retain(|missing| {
        let dir = match (&missing.target, &missing.why) {
            (Target::Pid(tid), Why::Thread { .. }) => proc.dir(*tid).ok(),
            _ => None,
        };
        let gone = dir.is_none();
        found.extend(dir);
        gone
    });
}

/// `wigwag itself`, `2 ancestors`.
fn left_out(pids: &[i32]) -> Vec<String> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let ancestors = match pids.iter().filter(|pid| **pid != own).count() {
        0 => None,
        1 => Some("1 ancestor (--allow ancestors)".to_owned()),
        n => Some(format!("{n} ancestors (--allow ancestors)")),
    };
    let oneself = pids
        .contains(&own)
        .then(|| "wigwag itself (--allow self)".to_owned());
    oneself.into_iter().chain(ancestors).collect()
}

/// One that ended between being found and being held: nothing of it can be read any more.
pub(super) fn gone(proc: &Proc, pid: i32, thread: Option<i32>) -> Held {
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
    // One call reaches whoever is there at that moment, unjudged: only where nothing is asked of them, only once, and no call to
    // many carries a value.
    let at_once = |signal: &Option<Signal>, value: &Option<i32>, schedule: &Schedule| {
        signal.is_some() && value.is_none() && schedule.is_now() && !order.guards.if_handled
    };
    match (&order.action, target) {
        (
            Action::Send {
                signal,
                value,
                schedule,
            },
            Target::Group(_) | Target::OwnGroup | Target::Everyone,
        ) => match target {
            Target::Group(group) if at_once(signal, value, schedule) => Delivery::Group(*group),
            Target::OwnGroup if at_once(signal, value, schedule) => Delivery::OwnGroup,
            Target::Everyone if at_once(signal, value, schedule) => Delivery::Everyone,
            Target::Group(_) if signal.is_some() => Delivery::Members,
            _ => Delivery::Each,
        },
        _ => Delivery::Each,
    }
}

impl Prepared<'_> {
    /// A group is signalled in one call only where that call cannot reach another group: through the descriptor of its leader.
    fn settle_group(&mut self) {
        if let (Action::Send { value: Some(_), .. }, Delivery::Members) =
            (&self.order.action, &self.delivery)
        {
            self.notes.push(
                "the group is signalled one process after the other, not at once: no call to a group carries a value"
                    .to_owned(),
            );
        }
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

    /// Zombies that no number names, and no `--state Z`, were not meant: nothing can be done to them.
    fn leave_out_zombies(&mut self) {
        let meant = self.order.whom.filter.state.contains(&'Z') || self.order.whom.names_one();
        if meant || self.order.guards.as_kill || self.order.action.first_signal().is_none() {
            return;
        }
        let before = self.held.len();
        let ended = |held: &Held| {
            let process = held.process.as_ref();
            process.is_some_and(|p| p.stat().is_zombie() && p.has_ended(self.proc).unwrap_or(false))
        };
        if self.held.iter().all(ended) {
            return;
        }
        self.held.retain(|held| !ended(held));
        let left = before - self.held.len();
        if left > 0 {
            self.notes.push(match left {
                1 => "left out: 1 zombie, which has ended and has not been collected by its parent".to_owned(),
                n => format!("left out: {n} zombies, which have ended and have not been collected by their parents"),
            });
        }
    }

    /// Process 1 and kernel threads that no number names were not meant; nor were, by `--everyone`, those that may not be signalled.
    fn leave_out_protected(&mut self) {
        let targets = &self.order.whom.targets;
        if targets.iter().any(Target::is_numbered) {
            return;
        }
        // Who asks whom he may signal is told.
        let everyone =
            targets.contains(&Target::Everyone) && self.order.action.first_signal().is_some();
        let kind = |held: &Held| match &held.entry.refused {
            Some(Refusal::Init) => Some(0),
            Some(Refusal::KernelThread) => Some(1),
            None if everyone && held.entry.predicted.has(Effect::Denied) => Some(2),
            _ => None,
        };
        if self.held.iter().all(|held| kind(held).is_some()) {
            return;
        }
        let mut counts = [0; 3];
        self.held.retain(|held| {
            let kind = kind(held);
            kind.into_iter().for_each(|kind: usize| counts[kind] += 1);
            kind.is_none()
        });
        let many = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            n => format!("{n} {what}s"),
        };
        let words = [
            "process 1 (--allow init)".to_owned(),
            many(counts[1], "kernel thread"),
            format!("{} that may not be signalled", processes(counts[2])),
        ];
        let said = words
            .into_iter()
            .zip(counts)
            .filter(|(_, count)| *count > 0);
        self.left_out.extend(said.map(|(words, _)| words));
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
        // With `--if-handled`, and by reload, each is asked and signalled for himself.
        let for_himself =
            self.order.guards.if_handled || matches!(self.order.action, Action::Reload { .. });
        let as_one = match self.order.whom.targets.as_slice() {
            _ if matches!(self.delivery, Delivery::Freezer(_)) => true,
            [Target::Group(_) | Target::OwnGroup] => {
                self.order.whom.filter.is_empty() && !for_himself
            }
            _ => false,
        };
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
