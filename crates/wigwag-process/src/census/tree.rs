//! A process and all below it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::kin;
use crate::procfs::{PidName, Proc, Stat, is_gone, read_at};

/// Who is whose child, at the time of one pass over all processes.
pub(super) struct Families {
    /// Of each process its parent and its start.
    all: BTreeMap<i32, (i32, u64)>,
}

impl Families {
    pub(super) fn read(proc: &Proc) -> io::Result<Families> {
        let mut all = BTreeMap::new();
        let mut text = Vec::with_capacity(4096);
        for pid in proc.pids()? {
            match read_at(proc, PidName::with(pid, c"stat").as_c_str(), &mut text) {
                Ok(()) => {}
                Err(error) if is_gone(&error) || crate::procfs::is_refused(&error) => continue,
                Err(error) => return Err(error),
            }
            if let Some(stat) = Stat::parse(&text) {
                all.insert(pid, kin(&stat));
            }
        }
        Ok(Families { all })
    }

    pub(super) fn below(&self, root: i32) -> Tree {
        let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        for (&pid, &(parent, _)) in &self.all {
            children.entry(parent).or_default().push(pid);
        }
        let mut members = BTreeMap::new();
        let mut next = vec![root];
        while let Some(pid) = next.pop() {
            let Some(&(_, start)) = self.all.get(&pid) else {
                continue;
            };
            if members.insert(pid, start).is_none() {
                next.extend(children.get(&pid).into_iter().flatten());
            }
        }
        let parents = members
            .keys()
            .filter_map(|pid| Some((*pid, self.all.get(pid)?.0)))
            .collect();
        Tree {
            root,
            members,
            parents,
        }
    }
}

/// The processes of one tree, by number, with the start of each.
pub(super) struct Tree {
    root: i32,
    members: BTreeMap<i32, u64>,
    parents: BTreeSet<(i32, i32)>,
}

impl Tree {
    /// Whether the number was one of the tree's.
    pub(super) fn may_have(&self, pid: i32) -> bool {
        self.members.contains_key(&pid)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether the process that has this number now is the one that was in the tree: it has the same start (to the clock
    /// tick), and a parent in the tree, or the one that it had, or it has been handed on since its parent ended.
    pub(super) fn has(&self, stat: &Stat, alive: impl Fn(i32) -> bool) -> bool {
        let (parent, start) = kin(stat);
        let same = self.members.get(&stat.pid) == Some(&start);
        if !same || stat.pid == self.root || self.members.contains_key(&parent) {
            return same;
        }
        let before = self
            .parents
            .range((stat.pid, 0)..=(stat.pid, i32::MAX))
            .next();
        before.is_some_and(|&(_, old)| old == parent || !alive(old))
    }
}
