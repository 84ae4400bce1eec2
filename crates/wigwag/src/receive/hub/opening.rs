//! How threads that hold signals back come to take them again.
//!
//! Once nothing of them is left in the kernel, the library's thread asks, by a [`KICK`] with a value, and takes none of them itself
//! until the thread has answered. One that blocks the request, or does not run, answers late or never: then it is withdrawn, and made
//! again later.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Hub, way_of};
use crate::receive::Way;
use crate::receive::shared::{self, Held, KICK};
use crate::{Signal, sys};

/// How long an answer is waited for.
const ANSWER: Duration = Duration::from_millis(5);
/// The longest time between two requests.
const LONGEST: Duration = Duration::from_secs(1);

/// What the library's thread does next.
pub(super) enum Step {
    /// Looks again at what is held back.
    Again,
    /// Sleeps, no longer than this.
    Sleep(Option<Duration>),
}

/// What the library's thread knows of it.
#[derive(Default)]
pub(super) struct Opening {
    /// What was held back when it was last looked.
    held: u64,
    /// Until when an answer is waited for.
    answer: Option<Instant>,
    /// Not to be asked before.
    next: Option<Instant>,
    pause: Duration,
}

impl Opening {
    /// Whether something is held back that was not before: there is probably more of it in the kernel.
    pub(super) fn news(&mut self, held: Held) -> bool {
        let before = std::mem::replace(&mut self.held, held.taken);
        held.taken & !before != 0
    }

    /// Asks or withdraws, where it is time.
    pub(super) fn step(&mut self, hub: &Hub, held: Held, full: u64) -> Step {
        if held.asked == 0 && self.answer.is_some() {
            // Answered.
            (self.answer, self.next, self.pause) = (None, None, Duration::ZERO);
        }
        if held.bits & !full == 0 && held.asked == 0 {
            if held.bits == 0 {
                hub.install_for_opening(false);
            }
            return Step::Sleep(None);
        }
        let now = Instant::now();
        if held.asked != 0 && self.answer.is_some_and(|answer| answer <= now) {
            shared::withdraw();
            self.answer = None;
            self.pause = (self.pause * 2).clamp(ANSWER, LONGEST);
            // Where the library's thread can take them meanwhile, there is time; else it is asked again, for longer.
            self.next = (held.wanted != 0).then_some(now + self.pause);
            return Step::Again;
        }
        // Others have answered while one does not, and hold back once more: theirs does not wait for that one.
        let again = self.answer.is_some() && held.asked != 0 && held.taken == 0;
        if again && held.bits & !full != 0 && shared::ask(full) {
            return Step::Again;
        }
        if held.bits & !full != 0 && self.next.is_none_or(|next| next <= now) {
            hub.install_for_opening(true);
            let answer = if held.taken != 0 {
                ANSWER
            } else {
                self.pause.max(ANSWER)
            };
            self.next = Some(now + answer);
            self.answer = shared::ask(full).then_some(now + answer);
            return Step::Again;
        }
        let times = [self.answer.filter(|_| held.asked != 0), self.next];
        let soonest = times.into_iter().flatten().filter(|time| *time > now).min();
        Step::Sleep(soonest.map(|time| time.saturating_duration_since(now)))
    }
}

impl Hub {
    /// Threads that are asked need our handler for [`KICK`] meanwhile, and only then.
    fn install_for_opening(&self, open: bool) {
        if self.opening.load(Ordering::Relaxed) == open {
            return;
        }
        let state = self.lock();
        self.opening.store(open, Ordering::Relaxed);
        let received = !state.table.by_signal[KICK as usize].is_empty();
        if received || way_of(Signal::URG) == Way::Captured {
            return;
        }
        // Neither can fail for a signal that can be caught.
        if open {
            shared::CAUGHT.fetch_or(shared::bit(KICK), Ordering::SeqCst);
            let _ = sys::handler::install(KICK, libc::SA_RESTART);
        } else {
            shared::CAUGHT.fetch_and(!shared::bit(KICK), Ordering::SeqCst);
            let _ = sys::handler::uninstall(KICK);
        }
    }
}
