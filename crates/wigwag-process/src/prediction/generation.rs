//! Before anybody takes it: whether the signal is dropped, merged, refused or put in the queue.

use wigwag::{DefaultAction, Signal};

use super::resuming::ended_by_pending;
use super::{Effect, Prediction, To};
use crate::dispositions::{Init, SignalView, ThreadView};

/// One signal to one process.
pub(super) struct Question<'a> {
    pub(super) view: &'a SignalView,
    pub(super) signal: Signal,
    pub(super) to: To,
}

/// What the process has set for the signal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Disposition {
    Default,
    Ignored,
    Caught,
}

impl Question<'_> {
    pub(super) fn answer(&self, with_value: bool) -> Prediction {
        let (view, signal) = (self.view, self.signal);
        if view
            .threads
            .iter()
            .all(|thread| matches!(thread.state, 'Z' | 'X'))
        {
            return Prediction::of(
                Effect::Nothing,
                "it has ended and waits for its parent to collect it",
            );
        }
        if view.kernel_thread {
            return Prediction::of(Effect::Ignored, "a kernel thread ignores every signal");
        }
        let resumes = signal == Signal::CONT && self.is_stopped();
        let mut prediction = self.after_generation(with_value);
        if resumes && !prediction.has(Effect::Continues) {
            prediction
                .effects
                .retain(|effect| *effect != Effect::Ignored);
            prediction.effects.push(Effect::Continues);
            prediction.effects.sort_unstable();
            prediction.reason = match self.disposition() {
                Disposition::Default if prediction.effects == [Effect::Continues] => {
                    "CONT resumes a stopped process".into()
                }
                _ => format!(
                    "CONT resumes a stopped process whatever it set; {}",
                    prediction.reason
                ),
            };
        }
        match resumes.then(|| ended_by_pending(view)).flatten() {
            Some(end) => prediction.with(end),
            None => prediction,
        }
    }

    pub(super) fn is_handled(&self, prediction: &Prediction) -> bool {
        let caught = self.disposition() == Disposition::Caught;
        let own = |effect: &Effect| match effect {
            Effect::RunsHandler | Effect::Waited | Effect::SignalFd => true,
            Effect::StaysPending | Effect::Coalesces | Effect::Continues => caught,
            _ => false,
        };
        prediction.certain && prediction.effects.iter().all(own)
    }

    fn after_generation(&self, with_value: bool) -> Prediction {
        let (view, signal) = (self.view, self.signal);
        // The kernel asks the mask of the thread that the number names: the leader for kill(2), the thread for tgkill(2).
        let Some(named) = self.named() else {
            return Prediction::of(Effect::Nothing, "the thread has ended");
        };
        let blocked_there = named.blocked.contains(signal);
        let traced = view.tracer != 0 && signal != Signal::KILL;
        if !blocked_there
            && !traced
            && let Some(reason) = self.ignored_at_once()
        {
            return Prediction::of(Effect::Ignored, reason);
        }
        let pending = match self.to {
            To::Process => view.pending,
            To::Thread(_) => named.pending,
        };
        if signal.is_standard() && pending.contains(signal) {
            return Prediction::of(
                Effect::Coalesces,
                format!("{signal} is pending already, and standard signals do not queue"),
            );
        }
        if with_value && signal.is_realtime() && view.queue.0 >= view.queue.1 {
            return Prediction::of(
                Effect::QueueFull,
                format!(
                    "its user has {} signals queued, the limit (RLIMIT_SIGPENDING) is {}",
                    view.queue.0, view.queue.1
                ),
            );
        }
        self.delivery()
    }

    /// The thread whose mask decides whether an ignored signal is dropped at once.
    fn named(&self) -> Option<&ThreadView> {
        match self.to {
            To::Process => self.view.threads.first(),
            To::Thread(tid) => self.view.threads.iter().find(|thread| thread.tid == tid),
        }
    }

    pub(super) fn disposition(&self) -> Disposition {
        if self.view.caught.contains(self.signal) {
            Disposition::Caught
        } else if self.view.ignored.contains(self.signal) {
            Disposition::Ignored
        } else {
            Disposition::Default
        }
    }

    fn is_stopped(&self) -> bool {
        self.view.threads.iter().any(|thread| thread.state == 'T')
    }

    /// Init of a namespace takes only what it handles; from outside KILL and STOP as well.
    pub(super) fn init_is_safe(&self) -> bool {
        let forced = matches!(self.signal, Signal::KILL | Signal::STOP);
        self.disposition() == Disposition::Default
            && match self.view.init {
                Init::No => false,
                Init::Inside => true,
                Init::Outside => !forced,
            }
    }

    fn ignored_at_once(&self) -> Option<String> {
        if self.init_is_safe() {
            return Some(match self.view.init {
                Init::Inside => "it is init of this pid namespace: a signal that it does not handle does not reach it".into(),
                _ => "it is init of its pid namespace: from outside only KILL and STOP reach it unhandled".into(),
            });
        }
        match (self.disposition(), self.signal.default_action()) {
            (Disposition::Ignored, _) => Some("it ignores it".into()),
            (Disposition::Default, DefaultAction::Ignore) => {
                Some("the default action is to ignore it".into())
            }
            (Disposition::Default, DefaultAction::Continue) => {
                Some("it is not stopped, and CONT does nothing else".into())
            }
            _ => None,
        }
    }
}
