//! Killing a tree as a whole.
//!
//! A child whose parent has ended is nobody's any more. So the root gets KILL first and is seen to have ended, lest the end of a child
//! have it start another; then those below it are looked for once more, and get it, parents before children: whoever has got KILL forks
//! no more. In the session of a member that leads it everybody is of the tree, whoever his parent is, since no process joins a session
//! but by birth.
//!
//! Nobody is stopped before. It would keep them from forking, but others are told of it and answer: sudo(8) stops the whole group that
//! it was started in, a shell takes the command for done, and where a group with a stopped process in it loses its last tie to its
//! session the kernel sends HUP and CONT to all of the group (POSIX, _Exit()), who need not be of the tree.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use wigwag::Signal;

use super::{Course, Engine};
use crate::identity::Process;
use crate::selector::Target;

/// How long the end of the roots is waited for: one in uninterruptible sleep ends when it leaves that.
const ROOTS: Duration = Duration::from_millis(500);

impl Engine<'_, '_> {
    /// KILL to a tree: its roots, then all below them.
    pub(super) fn kill_tree(&mut self) {
        self.signal = Some(Signal::KILL);
        let roots: HashSet<i32> = self.order.whom.targets.iter().filter_map(root).collect();
        self.kill_those(&|course| roots.contains(&course.held.entry.who.identity.pid));
        self.await_end_of(&roots);
        self.add_newcomers();
        self.kill_those(&|_| true);
    }

    /// KILL to those of them that have not got it, the oldest first: parents are older than their children. Oneself comes last.
    fn kill_those(&mut self, which: &dyn Fn(&Course) -> bool) {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let open = self.courses.iter().enumerate().filter(|(_, course)| {
            course.is_open() && course.last_signal() != Some(Signal::KILL) && which(course)
        });
        let mut order: Vec<(bool, u64, usize)> = open
            .map(|(index, course)| {
                let identity = &course.held.entry.who.identity;
                (identity.pid == own, identity.start_ticks, index)
            })
            .collect();
        order.sort_unstable();
        for (.., index) in order {
            self.send_one(index, Some(Signal::KILL), None);
        }
    }

    fn await_end_of(&self, roots: &HashSet<i32>) {
        let until = Instant::now() + ROOTS;
        let lives = |process: &Process| {
            roots.contains(&process.pid()) && matches!(process.has_ended(self.proc), Ok(false))
        };
        let open = self.courses.iter().filter(|course| course.is_open());
        let held: Vec<&Process> = open
            .filter_map(|course| course.held.process.as_ref())
            .collect();
        while held.iter().any(|process| lives(process)) && Instant::now() < until {
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// The sessions that members of the tree lead: who is in one of them is of the tree.
    pub(super) fn owned_sessions(&self) -> Vec<Target> {
        let leads = |course: &Course| {
            let process = course.held.process.as_ref()?;
            let stat = process.dir().stat();
            let session = stat.map_or(process.stat().session, |stat| stat.session);
            (session == process.pid()).then_some(Target::Session(session))
        };
        self.courses.iter().filter_map(leads).collect()
    }
}

fn root(target: &Target) -> Option<i32> {
    match target {
        Target::Tree(root) => Some(*root),
        _ => None,
    }
}
