//! Signals to traps, and to the command.

use std::io;
use std::os::fd::AsFd;

use wigwag::{Cause, PidFd, Scope, Signal, SignalInfo, pidfd_send, send};
use wigwag_process::execute::NoObserver;
use wigwag_process::order::{Action, Order, Schedule};
use wigwag_process::plan::prepare;
use wigwag_process::procfs::Proc;

use super::{REMEMBERED, Runner};
use crate::To;
use crate::children::{self, Helper};
use crate::ended::Passed;
use crate::sys;

impl Runner<'_> {
    pub(super) fn trap_or_pass(&mut self, info: SignalInfo, pass: bool) {
        let of = |trap: &&crate::Trap| trap.when.signals.contains(info.signal);
        let Some(trap) = self.run.traps.iter().find(of) else {
            if pass {
                self.pass(info);
            }
            return;
        };
        if self.ended.is_some() {
            return;
        }
        let same =
            |helper: &Helper| matches!(helper, Helper::Trap { of, .. } if of.signal == info.signal);
        if self.helpers.any(same) {
            self.waiting.push_back(info);
            return;
        }
        let then = (pass && !self.run.swallow).then_some(info);
        let shell = self
            .shell
            .start(&trap.text, Some(info.signal), self.command);
        self.note(info, then.and_then(|info| self.run.map.of(info.signal)));
        match shell {
            Ok(child) => self
                .helpers
                .add(child.id() as i32, Helper::Trap { then, of: info }),
            // Without a shell the command at least gets what was meant for it.
            Err(_) => then.into_iter().for_each(|info| self.send(info)),
        }
    }

    pub(super) fn note(&mut self, info: SignalInfo, to: Option<Signal>) {
        if self.passed.len() == REMEMBERED {
            self.passed.pop_front();
        }
        self.passed.push_back(Passed {
            signal: info.signal,
            to,
            cause: info.cause,
            after: self.begun.elapsed(),
        });
    }

    /// Passes one on, as what it is mapped to.
    pub(super) fn pass(&mut self, info: SignalInfo) {
        if self.ended.is_none() {
            let to = self.run.map.of(info.signal);
            self.note(info, to);
            self.send(info);
            self.observer.passed(info.signal, to);
        }
    }

    pub(super) fn send(&mut self, info: SignalInfo) {
        if self.ended.is_some() {
            return;
        }
        let Some(signal) = self.run.map.of(info.signal) else {
            return;
        };
        if !self.backlog.is_empty() || !self.try_send(signal, &info) {
            self.backlog.push_back(info);
        }
    }

    /// False where the queue of the command's user is full.
    pub(super) fn try_send(&self, signal: Signal, info: &SignalInfo) -> bool {
        let value = match info.cause {
            Cause::Queue { value, .. }
            | Cause::MessageQueue { value, .. }
            | Cause::Timer { value, .. } => Some(value),
            _ => None,
        };
        let Some(pidfd) = &self.pidfd else {
            return true;
        };
        let sent = match (self.run.to, value) {
            (To::Tree, value) => {
                self.send_to_tree(signal, value.map(wigwag::info::Value::int));
                return true;
            }
            (To::Child, Some(value)) => sys::queue(pidfd, signal, value.pointer()),
            (To::Child, None) => pidfd.send(signal).map_err(io::Error::from),
            (To::Group, value) => {
                self.send_to_group(pidfd, signal, value.map(wigwag::info::Value::int))
            }
        };
        !matches!(sent, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// The command's group, which cannot be another's as long as the command has not been collected.
    pub(super) fn send_to_group(
        &self,
        pidfd: &PidFd,
        signal: Signal,
        value: Option<i32>,
    ) -> io::Result<()> {
        let sent = pidfd_send(pidfd.as_fd(), Some(signal), value, Scope::Group);
        match sent {
            Err(error) if error.is_unsupported() => Ok(send::send_group(self.command, signal)?),
            sent => Ok(sent?),
        }
    }

    pub(super) fn send_to_tree(&self, signal: Signal, value: Option<i32>) {
        let Ok(proc) = Proc::open() else {
            let _ = self.pidfd.as_ref().map(|command| command.send(signal));
            return;
        };
        let order = Order {
            whom: children::trees(self.roots()),
            action: Action::Send {
                signal: Some(signal),
                value,
                schedule: Schedule::NOW,
            },
            guards: children::guards(),
            watch: None,
        };
        if let Ok(prepared) = prepare(&proc, order) {
            prepared.execute(&mut NoObserver);
        }
    }

    pub(super) fn send_backlog(&mut self) {
        while let Some(info) = self.backlog.front().copied() {
            let signal = self.run.map.of(info.signal);
            if self.ended.is_none() && !signal.is_none_or(|signal| self.try_send(signal, &info)) {
                return;
            }
            self.backlog.pop_front();
        }
    }
}
