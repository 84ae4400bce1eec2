//! How threads that hold signals back come to take them again.
//!
//! Once nothing of them is left in the kernel, the library's thread asks, by a [`KICK`] with a value, and takes none of them itself
//! until the thread has answered. One that blocks the request, or does not run, answers late or never: then it is withdrawn, and made
//! again later.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::{Hub, Sink, State, thread_id, way_of};
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
            self.uninstall(&state, KICK);
        }
    }

    /// Puts back what was there before our handler. URG is ignored then, mostly, and with that the kernel throws away what is pending
    /// of it, also where a thread blocks it: so all who may have been kicked are kicked again.
    pub(super) fn uninstall(&self, state: &State, signo: i32) {
        // Where it fails ours stays, and is left out of those that are caught.
        let _ = sys::handler::uninstall(signo);
        if signo != KICK {
            return;
        }
        for queue in state.queues.iter().filter_map(Weak::upgrade) {
            queue.kick_again();
        }
        if let Some(worker) = self.worker().filter(|worker| *worker != thread_id()) {
            shared::kick(worker);
        }
    }
}

impl State {
    /// Notes the queue of a subscription that is made.
    pub(super) fn know(&mut self, sink: &Sink) {
        if let Sink::Queue(queue) = sink {
            self.queues.retain(|queue| queue.strong_count() > 0);
            self.queues.push(Arc::downgrade(queue));
        }
    }
}

#[cfg(all(test, not(miri)))]
mod tests {
    use std::process::Command;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI32, Ordering};
    use std::time::{Duration, Instant};

    use crate::receive::shared::{self, HIGH_WATER, RING};
    use crate::sys::action::Action;
    use crate::{Signal, mask, receive, send, sys};

    const COUNT: i32 = 2_000;

    /// In a process of its own, which has the harness's other thread, too.
    fn alone(name: &str, run: impl FnOnce()) {
        if std::env::var_os("WIGWAG_ALONE").is_some() {
            return run();
        }
        let status = Command::new(std::env::current_exe().unwrap())
            .args([&format!("receive::hub::opening::tests::{name}"), "--exact"])
            .args(["--nocapture", "--test-threads=1"])
            .env("WIGWAG_ALONE", "")
            .status();
        assert!(status.unwrap().success());
    }

    fn until(what: &str, is: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !is() {
            assert!(Instant::now() < deadline, "{what}");
            std::thread::yield_now();
        }
    }

    /// Another thread is interrupted between claiming a slot and writing it.
    fn behind_one_that_is_written(threads: usize, queue: impl Fn(Signal, i32)) {
        let wind = Signal::rtmin();
        let (seen, wrong) = (Arc::new(AtomicI32::new(0)), Arc::new(AtomicI32::new(0)));
        let (count, amiss) = (Arc::clone(&seen), Arc::clone(&wrong));
        let _registration = receive::on(wind, move |received| {
            let before = count.fetch_add(1, Ordering::SeqCst);
            amiss.fetch_add(
                i32::from(received.value() != Some(before)),
                Ordering::SeqCst,
            );
        })
        .unwrap();
        let claimed = RING.claim().unwrap();
        for value in 0..COUNT {
            queue(wind, value);
        }
        let now = || (seen.load(Ordering::SeqCst), receive::lost(wind));
        // Time enough to open a thread over and over.
        let enough = Instant::now() + Duration::from_millis(300);
        while Instant::now() < enough && now() == (0, 0) {
            std::thread::yield_now();
        }
        assert_eq!(now(), (0, 0), "seen and lost");
        assert!(!receive::drain(Duration::from_millis(50)));
        assert!(mask::current().contains(wind));
        let waiting = RING.waiting();
        assert!(
            (HIGH_WATER..HIGH_WATER + threads).contains(&waiting),
            "{waiting}"
        );
        RING.publish(claimed, &[0; 7]);
        shared::wake();
        until("all are seen", || seen.load(Ordering::SeqCst) == COUNT);
        until("it is taken again", || !mask::current().contains(wind));
        assert_eq!(receive::lost(wind), 0);
        // Of two threads that have it open one may be interrupted.
        assert!(threads > 1 || wrong.load(Ordering::SeqCst) == 0);
    }

    extern "C" fn nothing(_: i32) {}

    /// They wait for the thread to open, since another handler sees them, too.
    #[test]
    fn none_is_asked_to_open_while_a_record_is_written() {
        alone("none_is_asked_to_open_while_a_record_is_written", || {
            let before: extern "C" fn(i32) = nothing;
            let before = Action::with_handler(before as usize, 0);
            sys::action::set(Signal::rtmin().number(), &before).unwrap();
            behind_one_that_is_written(1, |signal, value| {
                let (pid, tid) = (send::process_id(), sys::send::gettid());
                sys::send::tgsigqueueinfo(pid, tid, signal.number(), value).unwrap();
            });
        });
    }

    /// The library's thread could take them.
    #[test]
    fn none_is_taken_before_what_was_caught_while_a_record_is_written() {
        alone(
            "none_is_taken_before_what_was_caught_while_a_record_is_written",
            || {
                behind_one_that_is_written(2, |signal, value| {
                    send::queue(send::process_id(), signal, value).unwrap();
                });
            },
        );
    }
}
