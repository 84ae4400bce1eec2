//! How it ends: what is left of the tree, the clean-up, the guardian.

use wigwag::{Signal, WaitStatus};
use wigwag_process::order::Ladder;

use super::{Phase, ROUNDS, Runner};
use crate::children::{self, Cleaning, Helper};
use crate::ended::CleanUp;
use crate::guardian::Token;
use crate::sys::{self, Whose};

impl Runner<'_> {
    pub(super) fn time_is_over(&mut self) {
        if self.ended.is_none() {
            self.timed_out = true;
            let ladder = self.run.ladder.clone();
            self.stop(&ladder);
        }
    }

    /// Ends all that are left, in the background. Whether there is anybody to end.
    pub(super) fn stop(&mut self, ladder: &Ladder) -> bool {
        let roots = self.roots();
        if roots.is_empty() {
            return false;
        }
        match children::stopper(roots, ladder) {
            Ok(pid) => {
                self.helpers.add(pid, Helper::Stopper);
                true
            }
            Err(_) => {
                // Without room for one more process the command at least ends: it is held.
                let _ = self
                    .pidfd
                    .as_ref()
                    .map(|command| command.send(Signal::KILL));
                false
            }
        }
    }

    /// To the next phase, when this one is done.
    pub(super) fn advance(&mut self, cleaning: &Cleaning) {
        if self.phase == Phase::Running {
            let at_work = |helper: &Helper| matches!(helper, Helper::Trap { .. } | Helper::Stopper);
            if self.ended.is_none() || self.helpers.any(at_work) {
                return;
            }
            self.phase = Phase::Sweeping;
        }
        if self.phase == Phase::Sweeping {
            if self.helpers.any(|helper| matches!(helper, Helper::Stopper)) {
                return;
            }
            let ladder = match (&self.run.linger, self.timed_out) {
                (Some(ladder), _) => Some(ladder.clone()),
                (None, true) => Some(self.run.ladder.clone()),
                (None, false) => None,
            };
            if let Some(ladder) = ladder {
                self.rounds += 1;
                self.collect_orphans();
                if self.rounds <= ROUNDS && self.stop(&ladder) {
                    return;
                }
            }
            self.phase = Phase::Cleaning;
            self.clean(cleaning);
        }
    }

    /// Orphans that have ended, of a subreaper that is no init.
    pub(super) fn collect_orphans(&mut self) {
        if self.parent().is_none() {
            for pid in self.roots() {
                let _ = sys::news(Whose::Child(pid));
            }
        }
    }

    pub(super) fn clean(&mut self, cleaning: &Cleaning) {
        if cleaning.is_empty() {
            self.phase = Phase::Over;
            return;
        }
        let started = match &self.guard {
            Some(guard) => cleaning.start(self.command, &guard.token),
            None => Token::new().and_then(|token| cleaning.start(self.command, &token)),
        };
        match started {
            Ok(pid) => self.helpers.add(pid, Helper::Cleaner),
            Err(_) => {
                // Without room for one more process.
                self.clean_up = CleanUp::Failed(WaitStatus::Exited(1));
                self.phase = Phase::Over;
            }
        }
    }

    /// The command could not be executed: the folder goes again, the child that could not is collected.
    pub(super) fn give_up(&mut self, cleaning: &Cleaning) {
        if let Some(terminal) = &self.terminal {
            terminal.take_back(self.command);
        }
        self.clean(cleaning);
        if self.phase != Phase::Over {
            for pid in self.helpers.pids() {
                if matches!(self.helpers.take(pid), Some(Helper::Cleaner)) {
                    sys::wait_for(pid);
                }
            }
        }
        let is_parent = self.parent().is_some();
        self.dismiss();
        if !is_parent {
            sys::wait_for(self.command);
        }
    }

    /// The guardian is not needed any more.
    pub(super) fn dismiss(&mut self) {
        if let Some(guardian) = self.guard.as_mut().and_then(|guard| guard.guardian.take()) {
            guardian.leave();
        }
    }
}
