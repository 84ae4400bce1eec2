//! Stopping by steps, and those that are started meanwhile.
//!
//! Who is told to end may start others before it does, and a tree, a group or a session means those too. They are looked for
//! after each signal and then, ever more rarely, while a step waits. What a program starts as an answer is often how it cleans
//! up: whoever was started after the signal is given the step's time, and gets the next step. Whoever was started before it
//! (another one forked it between the look and the signal), or comes when the signal leaves no time to answer, gets it at once.
//!
//! Names, ports and the like are not followed: whoever has the name next may have been started by somebody who means it.

use std::time::{Duration, Instant};

use wigwag::Signal;

use super::watch::{Goal, Waker};
use super::{Engine, after};
use crate::order::{Ladder, Step};
use crate::selector::Target;

/// How long until the second look; each waits twice as long as the one before.
const SECOND_LOOK: Duration = Duration::from_millis(10);
/// The longest time between two looks.
const RARELY: Duration = Duration::from_millis(500);
/// How long those are followed who start others faster than they are killed.
pub(super) const CHASE: Duration = Duration::from_secs(5);
/// How much longer than a look the pause after it is.
const REST: u32 = 20;

impl Engine<'_, '_> {
    pub(super) fn stop(&mut self, ladder: &Ladder) {
        let by_tree = self.is_by_tree() && !self.resumed;
        for step in &ladder.0 {
            if self.open() == 0 || self.interrupted {
                break;
            }
            self.name_newcomers();
            // By this clock /proc says when a process was started.
            let sent = self.proc.uptime_ticks();
            if step.signal == Signal::KILL && by_tree {
                self.kill_tree();
            } else {
                self.send_all(Some(step.signal), None);
                self.resume_stopped(step.signal);
            }
            self.await_step(step, sent);
        }
    }

    /// Waits until all have ended or the time of the step is over, and looks for newcomers where they are meant.
    fn await_step(&mut self, step: &Step, sent: u64) {
        let wait = Duration::try_from(step.wait).unwrap_or_default();
        let until = after(wait);
        if !self.follows() {
            return self.watch(&Goal::Ended, until, Waker::All);
        }
        let chase = after(CHASE);
        let mut pause = SECOND_LOOK;
        self.step_over = until;
        loop {
            let looked = Instant::now();
            let chased = chase.is_some_and(|chase| looked < chase);
            let came = self.take_on_newcomers(step.signal, sent, chased);
            let now = Instant::now();
            let over = until.is_some_and(|until| now >= until);
            if self.interrupted || self.open() == 0 || over && !came {
                break;
            }
            // A look at very many processes costs, and may take no more than a small part of the time.
            let rest = pause.max((now - looked) * REST);
            let next = now.checked_add(rest);
            let slice = [until, next].into_iter().flatten().min();
            self.watch(&Goal::Ended, slice, Waker::All);
            pause = (pause * 2).min(RARELY);
        }
        self.step_over = None;
    }

    /// Takes on those that have come since the last look. Whether any got the signal.
    fn take_on_newcomers(&mut self, signal: Signal, sent: u64, chased: bool) -> bool {
        // Who came and went by itself is nobody the order is about.
        self.courses.retain(|course| !course.has_passed_by());
        let fresh = self.newcomers();
        self.add(fresh, true);
        let mut came = false;
        for index in 0..self.courses.len() {
            let course = &self.courses[index];
            if !(course.late && course.sent.is_empty() && course.is_open()) {
                continue;
            }
            let before = course.held.entry.who.identity.start_ticks < sent;
            let cannot_answer = !signal.can_be_caught() && chased;
            if before || cannot_answer {
                self.send_one(index, Some(signal), None);
                came = true;
            }
        }
        if came {
            self.resume_stopped(signal);
        }
        came
    }

    /// Reads again who those are that have got nothing yet: right after the fork they were still called like their parents.
    fn name_newcomers(&mut self) {
        for course in self
            .courses
            .iter_mut()
            .filter(|course| course.late && course.sent.is_empty())
        {
            if let Some(process) = &course.held.process {
                course.held.entry.who.name_again(process.dir());
            }
        }
    }

    /// Whether the order means whoever will be there, and not only who was: what it names is a tree, a group or a session, which
    /// those that are held vouch for. Trees and others in one order are not followed: whose child is meant could not be told.
    fn follows(&self) -> bool {
        let targets = &self.order.whom.targets;
        let tied = |target: &Target| {
            matches!(
                target,
                Target::Group(_) | Target::OwnGroup | Target::Session(_)
            ) || target.is_number()
        };
        // Where no target is named, a filter chooses.
        let numbers = targets.iter().all(Target::is_number);
        !self.resumed && (self.is_by_tree() || targets.iter().all(tied) && !numbers)
    }

    /// A stopped process takes nothing but KILL: who is asked to end gets CONT after it, as a shell's kill does for its jobs.
    fn resume_stopped(&mut self, asked: Signal) {
        if !asked.can_be_caught() {
            return;
        }
        for index in 0..self.courses.len() {
            let course = &self.courses[index];
            let stopped = course.held.process.as_ref().is_some_and(|process| {
                let stat = process.dir().stat();
                stat.is_ok_and(|stat| stat.state == 'T')
            });
            if course.is_open() && !course.sent.is_empty() && stopped {
                self.send_one(index, Some(Signal::CONT), None);
            }
        }
    }
}
