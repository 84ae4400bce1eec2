//! Judging one process: holding it, reading it, predicting, and asking the guards.

use std::io;

use wigwag::Signal;

use super::{Delivery, Entry, Held, Refusal};
use crate::dispositions::{JobControl, SignalView};
use crate::identity::{Permission, Process, Who};
use crate::order::{Action, Guards, Order};
use crate::prediction::{Effect, Prediction, To, predict};
use crate::procfs::{Proc, ProcDir, Stat, Status, known_user_name};
use crate::selector::Target;

/// What is the same for every process of an order.
pub(crate) struct Judge<'a> {
    proc: &'a Proc,
    jobs: JobControl<'a>,
    guards: &'a Guards,
    action: &'a Action,
    own: i32,
    ancestors: Vec<i32>,
    /// The words that mean oneself and one's ancestors by definition.
    lifted: bool,
    /// Whether each process is signalled through its own descriptor.
    one_by_one: bool,
    /// Whether nobody looks at what becomes of it.
    unread: bool,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(proc: &'a Proc, order: &'a Order, delivery: &Delivery) -> Judge<'a> {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        Judge {
            proc,
            jobs: JobControl::new(proc),
            guards: &order.guards,
            action: &order.action,
            own,
            ancestors: if harmless(&order.action) || order.guards.as_kill {
                Vec::new()
            } else {
                ancestors(proc)
            },
            lifted: order
                .whom
                .targets
                .iter()
                .any(|t| matches!(t, Target::OwnGroup | Target::Everyone)),
            one_by_one: matches!(delivery, Delivery::Each),
            unread: order.is_unwatched(),
        }
    }

    pub(crate) fn hold(&self, dir: ProcDir, task: Option<ProcDir>) -> io::Result<Held> {
        self.hold_process(Process::from_dir(dir)?, task)
    }

    pub(crate) fn hold_process(&self, process: Process, task: Option<ProcDir>) -> io::Result<Held> {
        if self.guards.as_kill {
            return Ok(self.hold_unjudged(process, task));
        }
        let status = process.dir().status()?;
        let thread = task.as_ref().map(ProcDir::pid);
        let thread_start = task.as_ref().map(ProcDir::stat).transpose()?;
        let who = Who {
            thread,
            thread_start_ticks: thread_start.map(|stat| stat.start_ticks),
            ..process.who(self.proc, Some(&status))
        };
        let predicted = self.predicted(&process, &status, thread)?;
        let refused = self.refusal(&process, &predicted, thread);
        Ok(Held {
            process: Some(process),
            task,
            entry: Entry {
                who,
                predicted,
                refused,
            },
        })
    }

    /// Held, and nothing more asked of it than its number, its name and when it started.
    fn hold_unjudged(&self, process: Process, task: Option<ProcDir>) -> Held {
        let who = match self.unread {
            true => process.who_unread(),
            false => process.who(self.proc, process.dir().status().ok().as_ref()),
        };
        Held {
            entry: Entry {
                who: Who {
                    thread: task.as_ref().map(ProcDir::pid),
                    ..who
                },
                predicted: Prediction {
                    certain: false,
                    ..Prediction::of(Effect::Nothing, "it was not asked")
                },
                refused: None,
            },
            process: Some(process),
            task,
        }
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
        match process.permission()? {
            Permission::Granted => {}
            Permission::ByNumberOnly(error) => {
                if signal.is_some() && thread.is_none() && self.one_by_one {
                    return Ok(Prediction::of(Effect::Denied, why_not_by_number(&error)));
                }
            }
            Permission::Denied(_) => {
                // CONT may be sent to anybody in one's own session (kill(2)).
                let in_session = signal == Some(Signal::CONT)
                    && own_stat(self.proc).is_ok_and(|own| own.session == process.stat().session);
                if !in_session {
                    return Ok(Prediction::of(Effect::Denied, why_denied(status)));
                }
            }
        }
        let Some(signal) = signal else {
            return Ok(Prediction::of(
                Effect::Nothing,
                "signal 0 only asks whether it exists and may be signalled",
            ));
        };
        let with_value = matches!(self.action, Action::Send { value: Some(_), .. });
        let mut view =
            SignalView::read_for(&self.jobs, process.dir(), process.stat(), status, signal)?;
        let to = thread.map_or(To::Process, To::Thread);
        let resumes = matches!(self.action, Action::Stop { .. }) && resumed_to_end(&view, signal);
        if resumes {
            // As it will be when CONT has come.
            let stopped = view.threads.iter_mut().filter(|t| t.state == 'T');
            stopped.for_each(|thread| thread.state = 'S');
        }
        let mut predicted = predict(&view, signal, to, with_value);
        if resumes {
            predicted.reason = format!(
                "it is stopped, and gets CONT after it; {}",
                predicted.reason
            );
        }
        Ok(predicted)
    }

    pub(super) fn is_protected(&self, pid: i32) -> bool {
        self.protection(pid).is_some()
    }

    fn protection(&self, pid: i32) -> Option<Refusal> {
        if self.guards.as_kill {
            None
        } else if pid == self.own && !(self.guards.allow_self || self.lifted) {
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
        if process.stat().is_kernel_thread() && !self.guards.allow_kernel_threads {
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

/// Why a process that may be signalled is not: only its number is left, which says too little.
pub(crate) fn why_not_by_number(error: &wigwag::Error) -> String {
    let errno = error.errno();
    format!(
        "pidfd_send_signal is not to be had here ({errno}: an older kernel, or a seccomp filter), and by its number another \
         process could be hit"
    )
}

/// Whether a process is stopped, so that a signal that asks it to end would wait for CONT.
fn resumed_to_end(view: &SignalView, signal: Signal) -> bool {
    signal != Signal::KILL && view.threads.iter().any(|thread| thread.state == 'T')
}

/// Whose process it is, and who asks.
pub(crate) fn why_denied(status: &Status) -> String {
    let own = rustix::process::geteuid().as_raw();
    if [status.uids[0], status.uids[2]].contains(&own) {
        return format!(
            "it belongs to {} as you do: something else refuses it (a security module, a seccomp filter, another user namespace)",
            user(own)
        );
    }
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

fn own_stat(proc: &Proc) -> io::Result<Stat> {
    proc.own()?.stat()
}

/// The parent, its parent and so on, up to process 1.
fn ancestors(proc: &Proc) -> Vec<i32> {
    let mut pid = own_stat(proc).map_or(0, |stat| stat.ppid);
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
