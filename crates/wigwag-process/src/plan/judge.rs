//! Judging one process: holding it, reading it, predicting, and asking the guards.

use std::io;

use wigwag::Signal;

use super::{Entry, Held, Refusal};
use crate::dispositions::{JobControl, SignalView};
use crate::identity::{Process, Who};
use crate::order::{Action, Guards, Order};
use crate::prediction::{Effect, Prediction, To, predict};
use crate::procfs::{Namespace, Proc, ProcDir, Status, known_user_name};
use crate::selector::Target;

/// What is the same for every process of an order.
pub(crate) struct Judge<'a> {
    proc: &'a Proc,
    jobs: JobControl<'a>,
    guards: &'a Guards,
    action: &'a Action,
    own: i32,
    own_session: i32,
    ancestors: Vec<i32>,
    /// The words that mean oneself and one's ancestors by definition.
    lifted: bool,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(proc: &'a Proc, order: &'a Order) -> Judge<'a> {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let stat = proc.own().and_then(|dir| dir.stat()).ok();
        Judge {
            proc,
            jobs: JobControl::new(proc),
            guards: &order.guards,
            action: &order.action,
            own,
            own_session: stat.as_ref().map_or(0, |stat| stat.session),
            ancestors: if harmless(&order.action) {
                Vec::new()
            } else {
                ancestors(proc, stat.map_or(0, |stat| stat.ppid))
            },
            lifted: order
                .whom
                .targets
                .iter()
                .any(|t| matches!(t, Target::OwnGroup | Target::Everyone)),
        }
    }

    pub(crate) fn hold(&self, dir: ProcDir, thread: Option<i32>) -> io::Result<Held> {
        self.hold_process(Process::from_dir(dir)?, thread)
    }

    pub(super) fn hold_process(&self, process: Process, thread: Option<i32>) -> io::Result<Held> {
        let status = process.dir().status()?;
        let who = Who {
            thread,
            ..process.who(self.proc, Some(&status))
        };
        let predicted = self.predicted(&process, &status, thread)?;
        let refused = self.refusal(&process, &predicted, thread);
        let status_readable = process.dir().namespace(Namespace::Pid).is_ok();
        Ok(Held {
            process: Some(process),
            entry: Entry {
                who,
                predicted,
                refused,
            },
            status_readable,
        })
    }

    fn predicted(
        &self,
        process: &Process,
        status: &Status,
        thread: Option<i32>,
    ) -> io::Result<Prediction> {
        let signal = self.action.first_signal();
        if matches!(self.action, Action::Wait { .. }) {
            return Ok(Prediction::of(Effect::Nothing, "nothing is sent"));
        }
        if let Err(error) = process.send(None, None) {
            if !error.is_denied() {
                return Err(io::Error::from(error));
            }
            // CONT may be sent to anybody in one's own session (kill(2)).
            let in_session =
                signal == Some(Signal::CONT) && process.stat().session == self.own_session;
            if !in_session {
                return Ok(Prediction::of(Effect::Denied, why_denied(status)));
            }
        }
        let Some(signal) = signal else {
            return Ok(Prediction::of(
                Effect::Nothing,
                "signal 0 only asks whether it exists and may be signalled",
            ));
        };
        let with_value = matches!(self.action, Action::Send { value: Some(_), .. });
        let view = SignalView::read_for(&self.jobs, process.dir(), process.stat(), status, signal)?;
        Ok(predict(
            &view,
            signal,
            thread.map_or(To::Process, To::Thread),
            with_value,
        ))
    }

    pub(super) fn is_protected(&self, pid: i32) -> bool {
        self.protection(pid).is_some()
    }

    fn protection(&self, pid: i32) -> Option<Refusal> {
        if pid == self.own && !(self.guards.allow_self || self.lifted) {
            Some(Refusal::Oneself)
        } else if pid == 1 && !self.guards.allow_init {
            Some(Refusal::Init)
        } else if self.ancestors.contains(&pid)
            && pid != 1
            && !(self.guards.allow_ancestors || self.lifted)
        {
            Some(Refusal::Ancestor)
        } else {
            None
        }
    }

    /// Oneself and one's ancestors, as far as a guard protects them: where they are chosen by what they are and not by number,
    /// they are not meant. Process 1 is not among them.
    pub(crate) fn spared(&self) -> Vec<i32> {
        if harmless(self.action) {
            return Vec::new();
        }
        let all = self.ancestors.iter().copied().chain([self.own]);
        all.filter(|pid| *pid != 1 && self.is_protected(*pid))
            .collect()
    }

    fn refusal(
        &self,
        process: &Process,
        predicted: &Prediction,
        thread: Option<i32>,
    ) -> Option<Refusal> {
        if harmless(self.action) {
            return None;
        }
        if process.stat().is_kernel_thread() {
            return Some(Refusal::KernelThread);
        }
        if thread.is_some() && !matches!(self.action, Action::Send { .. }) {
            return Some(Refusal::ThreadAlone);
        }
        if let Some(refusal) = self.protection(process.pid()) {
            return Some(refusal);
        }
        let needs_handler = self.guards.if_handled || matches!(self.action, Action::Reload { .. });
        let denied = predicted.has(Effect::Denied);
        (needs_handler && !denied && !predicted.handled).then(|| Refusal::NotHandled {
            would: format!("{predicted} ({})", predicted.reason),
        })
    }
}

/// Whose process it is, and who asks.
pub(crate) fn why_denied(status: &Status) -> String {
    let own = rustix::process::geteuid().as_raw();
    format!(
        "it belongs to {}, and you are {}",
        user(status.uids[0]),
        user(own)
    )
}

/// A user as people say it, as far as that is known without asking a server.
pub(crate) fn user(uid: u32) -> String {
    known_user_name(uid).unwrap_or_else(|| format!("uid {uid}"))
}

/// Looking and waiting harm nobody: no guard is asked.
fn harmless(action: &Action) -> bool {
    matches!(
        action,
        Action::Wait { .. } | Action::Send { signal: None, .. }
    )
}

/// The parent, its parent and so on, up to process 1.
fn ancestors(proc: &Proc, mut pid: i32) -> Vec<i32> {
    let mut found = Vec::new();
    while pid > 0 && !found.contains(&pid) {
        found.push(pid);
        pid = proc
            .dir(pid)
            .and_then(|dir| dir.stat())
            .map_or(0, |stat| stat.ppid);
    }
    found
}
