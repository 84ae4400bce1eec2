//! Freezing and thawing, and those that come meanwhile.

use std::collections::HashSet;
use std::time::Instant;

use wigwag::Signal;

use super::watch::{Goal, Waker};
use super::{Course, Engine, FREEZE_WATCH, SHORT_WATCH, after, errno_name};
use crate::census::{Why, census_again, census_below};
use crate::freezer::{self, FreezerGroup};
use crate::identity::Process;
use crate::plan::{Delivery, Held, Judge};
use crate::procfs::{ProcDir, is_gone};
use crate::receipt::{Effect, Evidence, Sent, Through};
use crate::selector::Target;

impl Engine<'_, '_> {
    pub(super) fn freeze(&mut self) {
        let until = self.watch_time(Some(FREEZE_WATCH));
        if let Delivery::Freezer(group) = &self.delivery {
            return self.set_freezer(group.clone(), true, until);
        }
        // A process that was running may have forked while the others were stopped: look again until nobody new is there.
        loop {
            self.send_all(Some(Signal::STOP), None);
            self.watch(&Goal::Stopped, until, Waker::All);
            if self.interrupted
                || until.is_some_and(|until| Instant::now() >= until)
                || !self.add_newcomers()
            {
                break;
            }
        }
    }

    /// Holds processes that the selector means by now and did not before. Whether there were any to be signalled.
    pub(super) fn add_newcomers(&mut self) -> bool {
        let fresh = self.newcomers();
        let some = fresh.iter().any(|held| held.entry.refused.is_none());
        self.add(fresh, true);
        some
    }

    /// Whether nothing but trees is named.
    pub(super) fn is_by_tree(&self) -> bool {
        let targets = &self.order.whom.targets;
        !targets.is_empty() && targets.iter().all(|t| matches!(t, Target::Tree(_)))
    }

    /// Processes that the selector means by now, and did not before.
    pub(super) fn newcomers(&mut self) -> Vec<Held> {
        let by_tree = self.is_by_tree();
        let mut whom = self.order.whom.clone();
        let numbers = whom.targets.iter().all(Target::is_number) && !whom.targets.is_empty();
        // A saved plan means those in it; the newest, the oldest and those in a state were chosen once.
        if self.resumed || numbers || whom.filter.is_of_the_moment() {
            return Vec::new();
        }
        let processes = self.courses.iter().filter_map(|c| c.held.process.as_ref());
        let held: Vec<&ProcDir> = processes
            .map(|process| process.dir())
            .chain(&self.anchors)
            .collect();
        let judge = Judge::new(self.proc, &self.order, &self.delivery);
        let spared = judge.spared();
        let seen = if by_tree {
            // A tree is all that is below those of it that are held, whose parents may have ended, and in the sessions that they lead.
            whom.targets = self.owned_sessions();
            census_below(self.proc, &whom, &held, &spared)
        } else {
            census_again(self.proc, &whom, &held, &spared)
        };
        let seen = match seen {
            Ok(seen) => seen,
            Err(error) => {
                self.incomplete(format!(
                    "those that came meanwhile could not be looked for: {error}"
                ));
                return Vec::new();
            }
        };
        let known: HashSet<(i32, u64)> = self
            .courses
            .iter()
            .map(|course| {
                let identity = &course.held.entry.who.identity;
                (identity.pid, identity.start_ticks)
            })
            .collect();
        let below: HashSet<i32> = known.iter().map(|(pid, _)| *pid).collect();
        let is_new = |process: &Process| {
            let stat = process.stat();
            // Who has ended already is nobody to signal. Who was in a session already, and below nobody of the tree, was not meant.
            let ended = stat.is_zombie() && stat.num_threads <= 1;
            let born = stat.start_ticks >= self.begun || !by_tree || below.contains(&stat.ppid);
            !ended && born && !known.contains(&(stat.pid, stat.start_ticks))
        };
        let (mut fresh, mut unread) = (Vec::new(), None);
        for dir in seen.found {
            let pid = dir.pid();
            let held = Process::from_dir(dir).and_then(|process| match is_new(&process) {
                true => judge.hold_process(process, None).map(Some),
                false => Ok(None),
            });
            match held {
                Ok(held) => fresh.extend(held),
                Err(error) if is_gone(&error) => {}
                Err(error) => {
                    unread = Some(format!("{pid} came meanwhile and cannot be read: {error}"))
                }
            }
        }
        if let Some(why) = unread {
            self.incomplete(why);
        }
        if !by_tree {
            for missing in seen.missing.iter().filter(|m| m.why == Why::Replaced) {
                self.incomplete(format!(
                    "{}: all who were found in it have ended; who is in it now may be of another with the same number, and is left alone",
                    missing.target
                ));
            }
        }
        // Whoever is in the freezer's group is frozen with it, asked or not; nobody else is.
        if let Delivery::Freezer(group) = &self.delivery {
            let is_in = |process: &Process| group.has(self.proc, process.dir());
            fresh.retain(|held| held.process.as_ref().is_some_and(is_in));
            return fresh;
        }
        let max = self.order.guards.max.unwrap_or(usize::MAX);
        let counts = |course: &&Course| course.is_open() || !course.sent.is_empty();
        let room = max.saturating_sub(self.courses.iter().filter(counts).count());
        if fresh.len() > room {
            fresh.truncate(room);
            self.incomplete(format!(
                "more came meanwhile than --max {max} allows: they are left alone"
            ));
        }
        fresh
    }

    pub(super) fn thaw(&mut self) {
        let until = self.watch_time(Some(FREEZE_WATCH));
        if let Delivery::Freezer(group) = &self.delivery {
            return self.set_freezer(group.clone(), false, until);
        }
        self.send_all(Some(Signal::CONT), None);
        let mut open = self.courses.iter().filter(|course| course.is_open());
        if open.any(|course| course.held.entry.predicted.ends()) {
            // What was pending ends it once it runs.
            self.watch(&Goal::Ended, after(SHORT_WATCH), Waker::All);
        }
        self.watch(&Goal::Resumed, until, Waker::All);
        let held_otherwise = |course: &&Course| {
            let process = course.held.process.as_ref();
            process.is_some_and(|p| freezer::state_of(self.proc, p.dir()).is_some())
        };
        let open = self.courses.iter().filter(|course| course.is_open());
        let held: Vec<String> = open
            .filter(held_otherwise)
            .map(|course| course.held.entry.who.to_string())
            .collect();
        if !held.is_empty() {
            self.note(format!(
                "frozen by a cgroup's freezer, which CONT does not undo; thaw cgroup:PATH does: {}",
                held.join(", ")
            ));
        }
    }

    fn set_freezer(&mut self, group: FreezerGroup, frozen: bool, until: Option<Instant>) {
        // The freezer asks no guard: where those have refused all, it is not touched.
        if self.open() == 0 {
            return;
        }
        let time = until.map_or(FREEZE_WATCH, |until| {
            until.saturating_duration_since(Instant::now())
        });
        let result = group.set(frozen, time);
        if frozen {
            self.add_newcomers();
        }
        let at = self.now();
        for course in self.courses.iter_mut().filter(|course| course.is_open()) {
            match &result {
                Ok(()) => {
                    let signal = Some(if frozen { Signal::STOP } else { Signal::CONT });
                    course.sent.push(Sent {
                        signal,
                        at,
                        through: Through::Freezer,
                    });
                    let process = course.held.process.as_ref();
                    let stopped =
                        process.is_some_and(|p| p.dir().stat().is_ok_and(|stat| stat.state == 'T'));
                    let (effect, how) = match (frozen, stopped) {
                        (true, _) => (Effect::Stopped, "its cgroup's freezer says so"),
                        (false, false) => (Effect::Resumed, "its cgroup's freezer says so"),
                        (false, true) => (
                            Effect::Stopped,
                            "its cgroup is thawed, but it was stopped by a signal, too: thaw the process",
                        ),
                    };
                    course.settle(effect, Evidence::Seen, how);
                }
                Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                    course.settle(
                        Effect::StillThere,
                        Evidence::Seen,
                        match frozen {
                            true => "the freezer was not done in time, and goes on; thaw undoes it",
                            false => "the freezer was not done in time",
                        },
                    );
                }
                Err(error) => course.settle(
                    Effect::Denied {
                        errno: errno_name(wigwag::Errno::new(error.raw_os_error().unwrap_or(0))),
                        why: "the cgroup's freezer may not be written".into(),
                    },
                    Evidence::Seen,
                    "write to the freezer",
                ),
            }
        }
    }
}
