//! What has waited for CONT: pending signals that a stopped process takes once it runs.

use std::collections::BTreeSet;

use wigwag::{Signal, SignalSet};

use super::generation::Question;
use super::{Prediction, To};
use crate::dispositions::SignalView;

/// What ends a stopped process when CONT has come: a signal that has been pending. The stop signals are not among them, CONT
/// discards those.
pub(super) fn ended_by_pending(view: &SignalView) -> Option<Prediction> {
    let alone = view
        .threads
        .iter()
        .map(|thread| (To::Thread(thread.tid), thread.pending));
    let waiting: Vec<(To, SignalSet)> = std::iter::once((To::Process, view.pending))
        .chain(alone)
        .collect();
    if waiting.iter().all(|(_, pending)| pending.is_empty()) {
        return None;
    }
    let mut running = view.clone();
    for thread in running
        .threads
        .iter_mut()
        .filter(|thread| thread.state == 'T')
    {
        thread.state = 'S';
    }
    let mut effects = BTreeSet::new();
    let (mut certain, mut reasons) = (true, Vec::new());
    for (to, pending) in waiting {
        for signal in pending {
            let stops = [Signal::STOP, Signal::TSTP, Signal::TTIN, Signal::TTOU];
            if stops.contains(&signal) {
                continue;
            }
            let taken = Question {
                view: &running,
                signal,
                to,
            }
            .delivery();
            if !taken.is_fatal() {
                continue;
            }
            effects.extend(taken.effects);
            certain &= taken.certain;
            reasons.push(format!("{signal} is pending: {}", taken.reason));
        }
    }
    (!effects.is_empty()).then(|| Prediction {
        effects: effects.into_iter().collect(),
        certain,
        handled: false,
        reason: reasons.join("; "),
    })
}

impl Prediction {
    /// CONT, and what it lets happen besides.
    pub(super) fn with(mut self, besides: Prediction) -> Prediction {
        self.effects.extend(besides.effects);
        self.effects.sort_unstable();
        self.effects.dedup();
        self.certain &= besides.certain;
        self.reason = format!("{}; {}", self.reason, besides.reason);
        self
    }
}
