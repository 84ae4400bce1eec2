//! What a signal would do to a process: a set of effects with the reason in a sentence.
//!
//! [`predict`] is a pure function of a [`SignalView`]; it follows the kernel's own order of questions (kernel/signal.c:
//! prepare_signal, sig_ignored, legacy_queue, complete_signal, get_signal). The set has more than one effect where several things
//! happen (`CONT` resumes *and* runs a handler) or where the kernel chooses a thread; [`Prediction::certain`] is false where
//! something that would decide cannot be read.

mod action;
mod delivery;
mod effect;
mod generation;
mod resuming;

use std::fmt;

use serde::{Deserialize, Serialize};
use wigwag::Signal;

use crate::dispositions::SignalView;
pub use effect::Effect;
use generation::Question;

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

    /// Whether it is certain that no code of the process runs any more.
    pub(crate) fn halts(&self) -> bool {
        use Effect::{DumpsCore, Kills, Nothing, Stops};
        let halts = |effect: &Effect| matches!(effect, Kills | DumpsCore | Stops | Nothing);
        self.certain && self.effects.iter().all(halts)
    }

    /// Whether the process cannot but end.
    pub(crate) fn ends(&self) -> bool {
        use Effect::{Continues, DumpsCore, Kills};
        let ends = |effect: &Effect| matches!(effect, Kills | DumpsCore | Continues);
        self.certain && self.is_fatal() && self.effects.iter().all(ends)
    }

    /// Whether it is certain that somebody takes the signal at once, and nothing of it stays pending.
    pub(crate) fn is_taken(&self) -> bool {
        use Effect::{Continues, DumpsCore, Kills, RunsHandler, Waited};
        let taken = |effect: &Effect| {
            matches!(effect, Kills | DumpsCore | RunsHandler | Waited | Continues)
        };
        self.certain && self.effects.iter().all(taken)
    }

    /// Whether the process would end.
    pub fn is_fatal(&self) -> bool {
        self.has(Effect::Kills) || self.has(Effect::DumpsCore)
    }
}

impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // CONT resumes, and does one of the others besides.
        let (resumes, others): (Vec<&Effect>, Vec<&Effect>) = self
            .effects
            .iter()
            .partition(|effect| **effect == Effect::Continues);
        let mut joint = "";
        for effect in resumes {
            write!(f, "{effect}")?;
            joint = ", ";
        }
        for effect in others {
            write!(f, "{joint}{effect}")?;
            joint = " or ";
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
