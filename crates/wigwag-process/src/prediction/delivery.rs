//! Who takes the signal from the queue, if anybody does.

use std::collections::BTreeSet;

use wigwag::{DefaultAction, Signal};

use super::generation::{Disposition, Question};
use super::{Effect, Prediction, To};
use crate::dispositions::{Freezer, ThreadView, Waiting};

impl Question<'_> {
    /// Whether the kernel would give the signal to this thread now.
    fn wants(&self, thread: &ThreadView) -> bool {
        if matches!(thread.state, 'Z' | 'X') {
            return false;
        }
        if self.signal == Signal::KILL {
            return true;
        }
        let halted = match thread.state {
            'T' => self.signal != Signal::CONT,
            't' => true,
            _ => false,
        };
        !halted && (self.waits(thread) || !thread.blocked.contains(self.signal))
    }

    fn waits(&self, thread: &ThreadView) -> bool {
        matches!(thread.waiting, Waiting::For(set) if set.contains(self.signal))
    }

    pub(super) fn delivery(&self) -> Prediction {
        let (view, signal) = (self.view, self.signal);
        let reachable: Vec<&ThreadView> = match self.to {
            To::Process => view.threads.iter().collect(),
            To::Thread(tid) => view
                .threads
                .iter()
                .filter(|thread| thread.tid == tid)
                .collect(),
        };
        let open = reachable.iter().any(|t| !t.blocked.contains(signal));
        if view.tracer != 0 && signal == Signal::CONT {
            return Prediction {
                effects: vec![Effect::StaysPending, Effect::TracerDecides],
                certain: true,
                handled: false,
                reason: format!(
                    "process {} traces it: if by PTRACE_SEIZE it is told of CONT at once, with CONT pending meanwhile, else {}",
                    view.tracer,
                    if open {
                        "when it is taken"
                    } else {
                        "when it is unblocked"
                    }
                ),
            };
        }
        if view.tracer != 0 && signal != Signal::KILL && open {
            return Prediction::of(
                Effect::TracerDecides,
                format!("process {} traces it and is told first", view.tracer),
            );
        }
        let takers: Vec<&ThreadView> = reachable
            .iter()
            .copied()
            .filter(|thread| self.wants(thread))
            .collect();
        if takers.is_empty() {
            return self.nobody_takes(&reachable);
        }
        if let Some(frozen) = self.held_by_freezer() {
            return frozen;
        }
        // The leader is asked first; only when it does not want the signal do the others come, in an order that cannot be read.
        let leads = takers[0].tid == view.pid || takers.len() == 1;
        let chosen = if leads { &takers[..1] } else { &takers[..] };
        let waiters = chosen.iter().filter(|thread| self.waits(thread)).count();
        let mut effects = BTreeSet::new();
        let mut reasons = Vec::new();
        let mut certain = true;
        if reachable.len() > 1 && takers.len() < reachable.len() {
            reasons.push(format!(
                "blocked in {} of {} threads",
                reachable.len() - takers.len(),
                reachable.len()
            ));
        }
        if waiters > 0 {
            effects.insert(Effect::Waited);
            let tid = chosen
                .iter()
                .find(|thread| self.waits(thread))
                .map_or(0, |thread| thread.tid);
            reasons.push(format!(
                "thread {tid} waits for it in rt_sigtimedwait: it will take it"
            ));
        }
        if waiters < chosen.len() {
            let (effect, reason) = self.action();
            effects.insert(effect);
            reasons.push(reason);
            let hidden = chosen
                .iter()
                .any(|thread| thread.waiting == Waiting::Unknown);
            let ends = matches!(effect, Effect::Kills | Effect::DumpsCore | Effect::Stops);
            // KILL and STOP cannot be waited for.
            if hidden && ends && signal.can_be_caught() {
                certain = false;
                reasons
                    .push("unless a thread waits for it: its system calls may not be read".into());
            }
            if chosen.iter().any(|thread| thread.state == 'D') {
                reasons.push("once it leaves its uninterruptible sleep".into());
            }
        }
        Prediction {
            effects: effects.into_iter().collect(),
            certain,
            handled: false,
            reason: reasons.join("; "),
        }
    }

    fn nobody_takes(&self, reachable: &[&ThreadView]) -> Prediction {
        let signal = self.signal;
        let open = reachable
            .iter()
            .any(|t| !t.blocked.contains(signal) && !matches!(t.state, 'Z' | 'X'));
        if open {
            let reason = match signal {
                Signal::STOP | Signal::TSTP | Signal::TTIN | Signal::TTOU => {
                    "it is stopped already; CONT will discard it".to_string()
                }
                _ => "it is stopped: what it does with the signal it does after CONT".to_string(),
            };
            return Prediction::of(Effect::StaysPending, reason);
        }
        let where_ = match reachable.len() {
            1 => "it blocks it".to_string(),
            n => format!("blocked in all {n} threads"),
        };
        let where_ = match self.disposition() {
            Disposition::Caught => format!("{where_} now; its handler runs when it unblocks it"),
            _ => where_,
        };
        if self.to != To::Process {
            return Prediction::of(Effect::StaysPending, "the thread blocks it".to_string());
        }
        if signal == Signal::CONT
            && let Some(taken) = self.waits_again(reachable, &where_)
        {
            return taken;
        }
        match &self.view.signalfds {
            None => Prediction {
                effects: vec![Effect::SignalFd, Effect::StaysPending],
                certain: false,
                handled: false,
                reason: format!("{where_}; whether a signalfd takes it may not be read"),
            },
            Some(fds) => match fds.iter().find(|fd| fd.mask.contains(signal)) {
                Some(fd) => Prediction::of(
                    Effect::SignalFd,
                    format!("{where_}; signalfd {} shows it to its reader", fd.fd),
                ),
                None => Prediction::of(Effect::StaysPending, where_),
            },
        }
    }

    /// CONT for a process that a thread of it waited for when it was stopped: the wait is not restarted but fails with EINTR.
    fn waits_again(&self, reachable: &[&ThreadView], where_: &str) -> Option<Prediction> {
        let waited = reachable.iter().find(|thread| match thread.waiting {
            Waiting::Interrupted(set) => set.contains(self.signal),
            // Not stopped: what it waits for is known otherwise, or it is not what keeps CONT back.
            Waiting::Unknown => thread.state == 'T',
            Waiting::No | Waiting::For(_) => false,
        })?;
        let certain = waited.waiting != Waiting::Unknown;
        let thread = if certain {
            format!("thread {} waited for it in rt_sigtimedwait", waited.tid)
        } else {
            "whether a thread waited for it may not be read".into()
        };
        Some(Prediction {
            effects: vec![Effect::Waited, Effect::StaysPending],
            certain,
            handled: false,
            reason: format!(
                "{where_}; {thread}: one that did gets EINTR, and takes it if it waits again"
            ),
        })
    }

    /// A frozen process takes nothing before the thaw; only under cgroups v2 does what ends it get through.
    fn held_by_freezer(&self) -> Option<Prediction> {
        let ends_at_once = self.action().0 == Effect::Kills
            && (self.signal == Signal::KILL
                || self.signal.default_action() == DefaultAction::Terminate);
        match self.view.frozen? {
            Freezer::V2 if ends_at_once => None,
            _ => Some(Prediction::of(
                Effect::StaysPending,
                "its cgroup is frozen: it stays pending until the thaw",
            )),
        }
    }
}
