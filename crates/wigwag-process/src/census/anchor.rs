//! What is named by the number of a process, and may be another's a moment later: groups, sessions, trees, parents.
//!
//! A number cannot be given out again while one that has it is there. So whoever is found in group 300 is of the group that was found
//! first if one of those found before him is still in it afterwards; and whoever has the parent 300 is a child of the process
//! that was opened as 300 if that one can still be read afterwards. The leader of a group, or session, vouches for it also when it has
//! ended: through its descriptor the kernel tells whether a group of that number still has a member.

use std::io;
use std::os::fd::AsFd;

use wigwag::{Scope, pidfd_send};

use super::SelectError;
use super::held::Held;
use super::rules::Rules;
use crate::procfs::{Proc, ProcDir, Stat, is_gone};
use crate::selector::{Selector, Target};

/// A process whose number stands in the selector, open since before anything was compared with it.
pub(super) enum Anchor {
    /// It is held.
    Held(ProcDir),
    /// This `/proc` does not show it: its number is all there is.
    Unseen,
    /// The number was another process's when the selector was first carried out.
    Lost,
}

impl Anchor {
    /// Opens process `pid`; where some are `known`, it must be one of these.
    pub(super) fn open(proc: &Proc, pid: i32, known: Option<&[&ProcDir]>) -> io::Result<Anchor> {
        let dir = match proc.dir(pid) {
            Ok(dir) => dir,
            Err(error) if is_gone(&error) && known.is_none() => return Ok(Anchor::Unseen),
            Err(error) if is_gone(&error) => return Ok(Anchor::Lost),
            Err(error) => return Err(error),
        };
        // One that is known and can still be read has had its number all the time, so what was opened is the same.
        let same = known.is_none_or(|known| {
            known
                .iter()
                .any(|known| known.pid() == pid && is_there(known))
        });
        Ok(if same {
            Anchor::Held(dir)
        } else {
            Anchor::Lost
        })
    }

    /// Whether the number has been this process's until now.
    pub(super) fn holds(&self) -> bool {
        match self {
            Anchor::Held(dir) => is_there(dir),
            Anchor::Unseen => true,
            Anchor::Lost => false,
        }
    }

    /// The directory, where there is one.
    pub(super) fn into_dir(self) -> Option<ProcDir> {
        match self {
            Anchor::Held(dir) => Some(dir),
            _ => None,
        }
    }
}

/// Whether the process can still be read, and so has had its number until now.
pub(super) fn is_there(dir: &ProcDir) -> bool {
    !matches!(dir.stat(), Err(error) if is_gone(&error))
}

/// Whether the number of this process, which may have ended and been collected, is that of a group with somebody in it (Linux
/// 6.9). While it is, nobody else is given the number. A refusal says nothing: it may be a seccomp filter's.
fn is_of_a_group(dir: &ProcDir) -> bool {
    pidfd_send(dir.as_fd(), None, None, Scope::Group).is_ok()
}

/// What those that a target has taken have in common.
pub(super) struct Ties<'a> {
    targets: &'a [Target],
    rules: &'a Rules,
    /// Processes that are held already, where the selector is carried out again.
    known: Option<&'a [&'a ProcDir]>,
    /// Whether only one is looked for, the newest or the oldest: then nothing can be mixed.
    one: bool,
    /// For each target that is a group or a session the process of its number, where there is one, open since before the scan.
    leaders: Vec<Option<ProcDir>>,
    /// For each target the places of those that it took.
    taken: Vec<Vec<usize>>,
}

impl<'a> Ties<'a> {
    pub(super) fn new(
        proc: &Proc,
        selector: &'a Selector,
        rules: &'a Rules,
        known: Option<&'a [&'a ProcDir]>,
    ) -> Ties<'a> {
        let leader = |target: &Target| match target {
            Target::Group(id) | Target::Session(id) if known.is_none() => proc.dir(*id).ok(),
            _ => None,
        };
        Ties {
            leaders: selector.targets.iter().map(leader).collect(),
            targets: &selector.targets,
            rules,
            known,
            one: selector.filter.newest || selector.filter.oldest,
            taken: vec![Vec::new(); selector.targets.len()],
        }
    }

    /// Whether a process that has just been read is of the group, session or tree that the target has meant from the beginning.
    pub(super) fn are_with(&self, index: usize, held: &Held) -> bool {
        let is_in: &dyn Fn(&Stat) -> bool = match &self.targets[index] {
            Target::Group(group) => &|stat| stat.pgrp == *group,
            Target::Session(session) => &|stat| stat.session == *session,
            _ => return self.rules.targets[index].anchor_holds(),
        };
        let taken = &self.taken[index];
        if self.one || taken.is_empty() && self.known.is_none() {
            return true;
        }
        let known = self.known.unwrap_or_default().iter().copied();
        let taken = taken.iter().rev().map(|&at| held.dir(at));
        let mut witnesses = taken.chain(known).chain(&self.leaders[index]);
        let leads = |dir: &ProcDir| match &self.targets[index] {
            Target::Group(id) | Target::Session(id) => dir.pid() == *id && is_of_a_group(dir),
            _ => false,
        };
        witnesses.any(|dir| dir.stat().is_ok_and(|stat| is_in(&stat)) || leads(dir))
    }

    /// Notes where one is kept that these targets took.
    pub(super) fn add(&mut self, targets: &[usize], at: Option<usize>) {
        for &index in targets {
            self.taken[index].extend(at);
        }
    }
}

/// The processes by whose numbers others are named; they are kept for a later census.
pub(super) fn into_anchors(rules: Rules) -> Vec<ProcDir> {
    rules
        .into_anchors()
        .into_iter()
        .filter_map(Anchor::into_dir)
        .collect()
}

/// Finds those that are meant by now and were not before. What is named by numbers must be what it was: a group with one of
/// `known` in it, a tree below one of them. Processes and threads given by number are none of these, and the `spared` are left out
/// as by [`super::census_sparing`].
pub(crate) fn census_again(
    proc: &Proc,
    selector: &Selector,
    known: &[&ProcDir],
    spared: &[i32],
) -> Result<super::Census, SelectError> {
    super::search(proc, selector, Some(known), None, spared)
}

/// As [`census_again`], and all below the `known`, as far as they pass the filters. A selector without targets means only these.
pub(crate) fn census_below(
    proc: &Proc,
    selector: &Selector,
    known: &[&ProcDir],
    spared: &[i32],
) -> Result<super::Census, SelectError> {
    super::search(proc, selector, Some(known), Some(known), spared)
}
