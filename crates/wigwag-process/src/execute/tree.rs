//! Killing a tree as a whole.
//!
//! A child whose parent has ended is nobody's any more, so all below the root of a tree are stopped before they are killed: until nobody
//! new is there. For the same reason one that is forked in the last moment before its parent ends by itself is found only where it is in
//! a group that the tree has to itself, as a daemon's and a job's of a shell is: the leader's descriptor vouches for the group to its end.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use wigwag::{Signal, SignalSet};

use super::ladder::CHASE;
use super::look::all_stopped;
use super::{Course, Engine, after};
use crate::procfs::{PidName, Stat, read_at};
use crate::selector::Target;

/// How long they may take to stop.
const STOPPING: Duration = Duration::from_millis(100);

impl Engine<'_, '_> {
    /// KILL to a tree, below whose root all have been stopped so that they start nobody.
    ///
    /// The root is never stopped: its parent is not of the tree, would be told, and might answer. (sudo(8) stops itself with its command, a
    /// shell's `wait` ends.) So it gets KILL first: the end of a child might have it start another.
    ///
    /// But when a process ends that was the last to tie a group to its session, and somebody of that group is stopped, the kernel sends
    /// HUP and CONT to the whole group (POSIX, _Exit()). Where others than the tree are in such a group the root comes last, and the
    /// rest in an order in which nobody ends while another of his group is stopped: whoever has got KILL counts as stopped no more.
    pub(super) fn kill_tree(&mut self) {
        // Of all that could end this thread's process now and leave others stopped only KILL remains.
        let uninterrupted = wigwag::mask::block(SignalSet::ALL);
        self.signal = Some(Signal::KILL);
        self.hold_still();
        self.owned_groups = self.find_owned_groups();
        for index in self.kill_order() {
            self.send_one(index, Some(Signal::KILL), None);
        }
        drop(uninterrupted);
    }

    /// The numbers by which the trees are named.
    fn roots(&self) -> HashSet<i32> {
        let targets = self.order.whom.targets.iter();
        let root = |target: &Target| match target {
            Target::Tree(root) => Some(*root),
            _ => None,
        };
        targets.filter_map(root).collect()
    }

    /// Stops all below the roots, until nobody new is there.
    fn hold_still(&mut self) {
        let (own, roots) = (own_pid(), self.roots());
        let spared = |pid: i32| pid == own || roots.contains(&pid);
        let chase = after(CHASE);
        loop {
            for index in 0..self.courses.len() {
                let course = &self.courses[index];
                let pid = course.held.entry.who.identity.pid;
                if course.is_open() && !spared(pid) && course.last_signal() != Some(Signal::STOP) {
                    self.send_one(index, Some(Signal::STOP), None);
                }
            }
            self.await_stop(&spared);
            if !self.add_newcomers() {
                return;
            }
            if chase.is_some_and(|chase| Instant::now() >= chase) {
                self.incomplete("some forked on faster than they could be stopped".to_owned());
                return;
            }
        }
    }

    /// Waits a moment for all to be stopped. One in uninterruptible sleep is not, nor does it fork.
    fn await_stop(&self, spared: &dyn Fn(i32) -> bool) {
        let until = Instant::now() + STOPPING;
        let runs = |course: &Course| {
            let process = course.held.process.as_ref();
            let others = process.filter(|process| !spared(process.pid()));
            others.is_some_and(|p| matches!(all_stopped(p.dir()), Ok(false)))
        };
        let open = self.courses.iter().filter(|course| course.is_open());
        while open.clone().any(runs) && Instant::now() < until {
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// The order of [`Self::kill_tree`]. A group comes before the groups that its members' parents are in, and in a group those whose
    /// parents are in another come last. Oneself is the very last.
    fn kill_order(&self) -> Vec<usize> {
        let (own, roots) = (own_pid(), self.roots());
        let open = self
            .courses
            .iter()
            .enumerate()
            .filter(|(_, course)| course.is_open());
        let stats: Vec<(usize, Stat)> = open
            .filter_map(|(index, course)| {
                let process = course.held.process.as_ref()?;
                // Whoever cannot be read now gets it all the same.
                let stat = process.dir().stat();
                Some((index, stat.unwrap_or_else(|_| process.stat().clone())))
            })
            .collect();
        let by_pid: HashMap<i32, &Stat> = stats.iter().map(|(_, stat)| (stat.pid, stat)).collect();
        // How far below a root; who has lost his parent is below none.
        let depth = |stat: &Stat| {
            let (mut steps, mut pid) = (0_usize, stat.pid);
            while !roots.contains(&pid) && steps <= stats.len() {
                match by_pid.get(&pid) {
                    Some(stat) => (steps, pid) = (steps + 1, stat.ppid),
                    None => return usize::MAX,
                }
            }
            steps
        };
        let mut groups: HashMap<i32, usize> = HashMap::new();
        for (_, stat) in &stats {
            let depth = depth(stat);
            let least = groups.entry(stat.pgrp).or_insert(depth);
            *least = depth.min(*least);
        }
        let ties = |stat: &Stat| {
            by_pid
                .get(&stat.ppid)
                .is_none_or(|parent| parent.pgrp != stat.pgrp)
        };
        let group_of = |pid: i32| {
            self.proc
                .dir(pid)
                .and_then(|dir| dir.stat())
                .map(|stat| stat.pgrp)
        };
        let within = |root: &Stat| group_of(root.ppid).is_ok_and(|group| group == root.pgrp);
        let of_roots: Vec<&Stat> = roots
            .iter()
            .filter_map(|root| by_pid.get(root).copied())
            .collect();
        let is_safe = |group: &i32| {
            self.owned_groups.contains(group)
                || of_roots
                    .iter()
                    .all(|root| root.pgrp == *group && within(root))
        };
        let roots_first = groups.keys().all(is_safe);
        let mut order: Vec<_> = stats
            .iter()
            .map(|(index, stat)| {
                let first = roots_first && roots.contains(&stat.pid);
                let group = usize::MAX - groups[&stat.pgrp];
                (
                    (
                        stat.pid == own,
                        !first,
                        group,
                        ties(stat),
                        usize::MAX - depth(stat),
                    ),
                    *index,
                )
            })
            .collect();
        order.sort_unstable();
        order.into_iter().map(|(_, index)| index).collect()
    }

    /// The groups that a member of the tree leads and nobody else is in. Whoever is in one of them later was started by a member,
    /// also when that one has ended since and nobody's child is left: no other process joins a group that a shell has not just made.
    pub(super) fn find_owned_groups(&self) -> Vec<i32> {
        let stats = self.courses.iter().filter_map(|course| {
            let process = course.held.process.as_ref()?;
            Some(process.stat())
        });
        let held: HashMap<i32, &Stat> = stats.map(|stat| (stat.pid, stat)).collect();
        let leads = |stat: &&&Stat| stat.pgrp == stat.pid;
        let mut groups: BTreeSet<i32> = held.values().filter(leads).map(|stat| stat.pgrp).collect();
        if groups.is_empty() {
            return Vec::new();
        }
        let Ok(pids) = self.proc.pids() else {
            return Vec::new();
        };
        let mut text = Vec::with_capacity(4096);
        let mut others: HashMap<i32, Stat> = HashMap::new();
        for pid in pids.into_iter().filter(|pid| !held.contains_key(pid)) {
            let name = PidName::with(pid, c"stat");
            if read_at(self.proc, name.as_c_str(), &mut text).is_ok() {
                others.extend(Stat::parse(&text).map(|stat| (pid, stat)));
            }
        }
        for stat in others
            .values()
            .filter(|stat| groups.contains(&stat.pgrp))
            .collect::<Vec<_>>()
        {
            // Below somebody of the tree he is of it, and only not held yet.
            let (mut steps, mut parent) = (0, stat.ppid);
            while let Some(other) = others.get(&parent)
                && steps < others.len()
            {
                (steps, parent) = (steps + 1, other.ppid);
            }
            if !held.contains_key(&parent) {
                groups.remove(&stat.pgrp);
            }
        }
        groups.into_iter().collect()
    }
}

fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}
