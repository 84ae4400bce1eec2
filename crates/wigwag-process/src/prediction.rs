//! What a signal would do to a process: a set of effects with the reason in a sentence.
//!
//! [`predict`] is a pure function of a [`SignalView`]; it follows the kernel's own order of questions (kernel/signal.c:
//! prepare_signal, sig_ignored, legacy_queue, complete_signal, get_signal). The set has more than one effect where several things
//! happen (`CONT` resumes *and* runs a handler) or where the kernel chooses a thread; [`Prediction::certain`] is false where
//! something that would decide cannot be read.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use wigwag::{DefaultAction, Signal};

use crate::dispositions::{Freezer, Init, SignalView, ThreadView, Waiting};

/// One thing that a signal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Not permitted (EPERM).
    Denied,
    /// The queue of the process's user is full (EAGAIN).
    QueueFull,
    /// The process ends.
    Kills,
    /// The process ends and writes a core file.
    DumpsCore,
    /// Every thread stops.
    Stops,
    /// A stopped process runs again.
    Continues,
    /// Its handler runs.
    RunsHandler,
    /// A thread that waits (sigwait, sigwaitinfo, sigtimedwait) takes it.
    Waited,
    /// It stays pending where a signalfd shows it to a reader.
    SignalFd,
    /// It stays pending.
    StaysPending,
    /// One of the same number is pending already: this one vanishes in it.
    Coalesces,
    /// It is ignored.
    Ignored,
    /// It is taken off the queue and dropped (job control in an orphaned process group).
    Discarded,
    /// The tracer is told and decides.
    TracerDecides,
    /// Nothing: there is nobody left, or it is a probe.
    Nothing,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Effect::Denied => "denied",
            Effect::QueueFull => "queue full",
            Effect::Kills => "kills",
            Effect::DumpsCore => "kills, dumps core",
            Effect::Stops => "stops",
            Effect::Continues => "continues",
            Effect::RunsHandler => "runs its handler",
            Effect::Waited => "taken by a waiting thread",
            Effect::SignalFd => "read through a signalfd",
            Effect::StaysPending => "stays pending",
            Effect::Coalesces => "coalesces",
            Effect::Ignored => "ignored",
            Effect::Discarded => "discarded",
            Effect::TracerDecides => "its tracer decides",
            Effect::Nothing => "nothing",
        })
    }
}

/// What is expected, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prediction {
    /// The effects, each once, in the order of [`Effect`].
    pub effects: Vec<Effect>,
    /// Whether everything that decides could be read.
    pub certain: bool,
    /// Whether the process has an answer of its own to the signal, and nothing worse can happen: it catches it (now, or once it
    /// unblocks it), a thread waits for it, or a signalfd shows it.
    #[serde(default)]
    pub handled: bool,
    /// The reason, in a sentence.
    pub reason: String,
}

impl Prediction {
    /// A certain prediction of one effect.
    pub fn of(effect: Effect, reason: impl Into<String>) -> Prediction {
        Prediction {
            effects: vec![effect],
            certain: true,
            handled: false,
            reason: reason.into(),
        }
    }

    /// Whether `effect` is among those expected.
    pub fn has(&self, effect: Effect) -> bool {
        self.effects.contains(&effect)
    }

    /// Whether the process would end.
    pub fn is_fatal(&self) -> bool {
        self.has(Effect::Kills) || self.has(Effect::DumpsCore)
    }
}

impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joint = if self.has(Effect::Continues) {
            ", "
        } else {
            " or "
        };
        for (n, effect) in self.effects.iter().enumerate() {
            if n > 0 {
                f.write_str(joint)?;
            }
            write!(f, "{effect}")?;
        }
        if !self.certain {
            f.write_str(" (not certain)")?;
        }
        Ok(())
    }
}

/// Whom within a process a signal is directed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// The process: any thread may take it.
    Process,
    /// One thread.
    Thread(i32),
}

/// Predicts what `signal` would do to the process of `view`; `with_value` when it is queued with a value (only then can the queue be
/// full). Permission is not part of it: ask the kernel with a probe.
///
/// ```
/// use wigwag::Signal;
/// use wigwag_process::dispositions::SignalView;
/// use wigwag_process::prediction::{Effect, To, predict};
/// use wigwag_process::procfs::Proc;
/// let proc = Proc::open()?;
/// let me = SignalView::read(&proc, &proc.own()?)?;
/// assert_eq!(predict(&me, Signal::URG, To::Process, false).effects, [Effect::Ignored]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn predict(view: &SignalView, signal: Signal, to: To, with_value: bool) -> Prediction {
    let question = Question { view, signal, to };
    let prediction = question.answer(with_value);
    Prediction {
        handled: question.is_handled(&prediction),
        ..prediction
    }
}

/// One signal to one process.
struct Question<'a> {
    view: &'a SignalView,
    signal: Signal,
    to: To,
}

/// What the process has set for the signal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Disposition {
    Default,
    Ignored,
    Caught,
}

impl Question<'_> {
    fn answer(&self, with_value: bool) -> Prediction {
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
            prediction.reason = format!(
                "CONT resumes a stopped process whatever it set; {}",
                prediction.reason
            );
        }
        prediction
    }

    fn is_handled(&self, prediction: &Prediction) -> bool {
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

    fn disposition(&self) -> Disposition {
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
    fn init_is_safe(&self) -> bool {
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

    fn delivery(&self) -> Prediction {
        let (view, signal) = (self.view, self.signal);
        let reachable: Vec<&ThreadView> = match self.to {
            To::Process => view.threads.iter().collect(),
            To::Thread(tid) => view
                .threads
                .iter()
                .filter(|thread| thread.tid == tid)
                .collect(),
        };
        if view.tracer != 0
            && signal != Signal::KILL
            && reachable.iter().any(|t| !t.blocked.contains(signal))
        {
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
            // KILL and STOP cannot be waited for.
            let hidden = !matches!(signal, Signal::KILL | Signal::STOP)
                && chosen
                    .iter()
                    .any(|thread| thread.waiting == Waiting::Unknown);
            if hidden && matches!(effect, Effect::Kills | Effect::DumpsCore | Effect::Stops) {
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

    /// What happens in the thread that takes it.
    fn action(&self) -> (Effect, String) {
        let signal = self.signal;
        if self.init_is_safe() {
            return (
                Effect::Ignored,
                "it is init of its pid namespace and does not handle it".into(),
            );
        }
        match (self.disposition(), signal.default_action()) {
            (Disposition::Caught, _) => (Effect::RunsHandler, format!("it catches {signal}")),
            (Disposition::Ignored, _) => (Effect::Ignored, "it ignores it".into()),
            (_, DefaultAction::Ignore) => {
                (Effect::Ignored, "the default action is to ignore it".into())
            }
            (_, DefaultAction::Continue) => (
                Effect::Ignored,
                "CONT does nothing more once it runs".into(),
            ),
            (_, DefaultAction::Terminate) => (
                Effect::Kills,
                format!("the default action of {signal} is to end it"),
            ),
            (_, DefaultAction::CoreDump)
                if !self.view.core_piped && self.view.core_limit == Some(0) =>
            {
                (
                    Effect::Kills,
                    format!(
                        "the default action of {signal} is to dump core; RLIMIT_CORE is 0, so it only ends"
                    ),
                )
            }
            (_, DefaultAction::CoreDump) => (
                Effect::DumpsCore,
                format!("the default action of {signal} is to end it with a core file"),
            ),
            (_, DefaultAction::Stop)
                if signal != Signal::STOP && self.view.orphaned == Some(true) =>
            {
                (
                    Effect::Discarded,
                    "its process group is orphaned: nobody could resume it, so the kernel drops it"
                        .into(),
                )
            }
            (_, DefaultAction::Stop) => (
                Effect::Stops,
                format!("the default action of {signal} is to stop it"),
            ),
        }
    }
}
