//! The library's thread: takes, and gives each signal to its subscribers.

use std::panic::{AssertUnwindSafe, catch_unwind};
#[cfg(feature = "tokio")]
use std::sync::TryLockError;
use std::sync::atomic::Ordering;
#[cfg(feature = "tokio")]
use std::sync::atomic::fence;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::children::Sweep;
use super::opening::{Opening, Step};
use super::{Entry, Hub, Sink, Table, way_of};
use crate::receive::Way;
use crate::receive::queue::Queue;
use crate::receive::received::Received;
use crate::receive::shared::{self, RING};
use crate::receive::take::{Batch, Taken, wait_for};
use crate::receive::watch;
use crate::{Errno, Error, Result, SignalSet, sys};

/// How long it sleeps where a record that has been claimed is waited for: its writer may wake the task of a stream alone.
const WRITES: Duration = Duration::from_millis(1);

/// What the library's thread knows of the subscriptions.
struct Known {
    table: Arc<Table>,
    /// Of which generation it is.
    seen: u64,
    /// In which one it was last decided who takes what.
    settled: u64,
}

impl Hub {
    /// Gives one to one subscription. Whether it was still there to take it.
    pub(super) fn give(&'static self, entry: &Arc<Entry>, received: &Received) -> bool {
        if entry.over.load(Ordering::Acquire) {
            return false;
        }
        let given = match &entry.sink {
            Sink::Callback(callback) => {
                let mut callback = callback.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(call) = callback.as_mut() else {
                    return false;
                };
                self.call(call, received);
                if entry.over.load(Ordering::Acquire) {
                    // Dropped within its own call.
                    let call = callback.take();
                    drop(callback);
                    self.guard(|| drop(call));
                }
                true
            }
            Sink::Queue(queue) => queue.push(*received),
            Sink::Flag(flag) => {
                flag.store(true, Ordering::SeqCst);
                true
            }
            Sink::Descriptor(fd) => {
                watch::ring(fd);
                true
            }
            Sink::Children => {
                self.hint(received);
                true
            }
        };
        if given && entry.once {
            self.guard(|| self.end(entry, false));
        }
        given
    }

    /// Runs a callback; a panic ends no more than the call.
    pub(crate) fn call(&self, callback: &mut dyn FnMut(&Received), received: &Received) {
        self.guard(|| callback(received));
    }

    /// Runs what may panic: what is the user's, also where it is only dropped.
    pub(super) fn guard(&self, run: impl FnOnce()) {
        if let Err(thrown) = catch_unwind(AssertUnwindSafe(run)) {
            self.panics.fetch_add(1, Ordering::Relaxed);
            // It is the user's, too, and what it throws once more.
            if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(thrown))) {
                std::mem::forget(again);
            }
        }
    }

    fn dispatch(&'static self, table: &Table, received: &Received) {
        let number = received.signal.number() as usize;
        let mut given = false;
        for entry in &table.by_signal[number] {
            given |= self.give(entry, received);
        }
        if given || way_of(received.signal) == Way::Caught {
            return;
        }
        // All whom it was for have gone since the table was read: those that have come, or the next, get it.
        while !given {
            let now = {
                let mut state = self.lock();
                if state.table.by_signal[number].is_empty() {
                    return state.orphans.push(*received);
                }
                Arc::clone(&state.table)
            };
            for entry in &now.by_signal[number] {
                given |= self.give(entry, received);
            }
        }
    }

    /// Starts the library's thread, with every signal blocked.
    pub(super) fn start(&'static self) -> Result<i32> {
        let (send, receive) = std::sync::mpsc::sync_channel(1);
        let guard = crate::mask::block(SignalSet::ALL);
        let started = thread::Builder::new().name("wigwag".into()).spawn(move || {
            super::is_ours();
            let _ = send.send(sys::send::gettid());
            self.work();
        });
        drop(guard);
        let failed = |errno: Option<i32>| {
            Error::new(
                "start the thread that runs callbacks",
                Errno::new(errno.unwrap_or(libc::EAGAIN)),
            )
        };
        started.map_err(|error| failed(error.raw_os_error()))?;
        receive.recv().map_err(|_| failed(None))
    }

    /// The library's thread.
    fn work(&'static self) {
        let tid = sys::send::gettid();
        let mut known = Known {
            table: Arc::clone(&self.lock().table),
            seen: u64::MAX,
            settled: u64::MAX,
        };
        let mut batch = Batch::default();
        let mut passed = 0;
        // What has to be taken for the last barrier that was asked for.
        let (mut noticed, mut goal) = (0, 0);
        let mut sweep = Sweep::default();
        let mut opening = Opening::default();
        loop {
            let asked = self.asked.load(Ordering::Acquire);
            if asked != noticed {
                (noticed, goal) = (asked, RING.claimed());
            }
            // What was caught came before what is left in the kernel.
            while self.work_off_one(&mut known) {
                // Also where the ring never is empty.
                self.look(&mut sweep, false);
            }
            self.look(&mut sweep, asked != passed);
            self.refresh(&mut known, true);
            let full = shared::FULL.load(Ordering::Acquire);
            let held = shared::held();
            if held.bits != 0 && !RING.is_empty() {
                // What its thread has caught before it began to hold back.
                continue;
            }
            // A thread has been interrupted as it wrote: what it and others have caught comes first. To open now would fill the ring.
            let behind = held.bits != 0 && !RING.is_clear();
            let mut taken = known.table.taken;
            if !behind {
                batch.busy |= opening.news(held);
                taken |= held.taken;
            }
            let bits = taken & !full;
            if (batch.busy || asked != passed) && bits != 0 {
                let infos = batch.read(bits);
                let at = Instant::now();
                for info in &infos {
                    self.refresh(&mut known, false);
                    self.dispatch(&known.table, &Received::at(*info, at));
                }
                if !infos.is_empty() {
                    continue;
                }
            }
            let wait = behind || !RING.has_taken(goal);
            if asked != passed && held.wanted != 0 && !wait {
                // Those who ask for all that has arrived do not wait for a thread's answer.
                shared::withdraw();
                continue;
            }
            if asked != passed && !wait {
                passed = asked;
                self.lock().passed = asked;
                self.told.notify_all();
                continue;
            }
            let soon = if behind || asked != passed {
                Some(WRITES)
            } else {
                match opening.step(self, held, full) {
                    Step::Again => continue,
                    Step::Sleep(soon) => soon,
                }
            };
            let limit = [sweep.due(), soon].into_iter().flatten().min();
            // A futex is faster; but only a wait for signals can take them, or end by itself.
            let wait = (bits != 0 || limit.is_some()).then_some(|| wait_for(bits, limit));
            let changed = || {
                self.generation.load(Ordering::Acquire) != known.seen
                    || self.has_news()
                    || self.asked.load(Ordering::Acquire) != asked
            };
            match shared::sleep(tid, changed, wait) {
                Some(Taken::Signal(info)) => {
                    batch.one(true);
                    self.refresh(&mut known, false);
                    self.dispatch(&known.table, &Received::now(info));
                }
                Some(Taken::Other(info)) => pass(&Received::now(info)),
                Some(Taken::Kick | Taken::Nothing) | None => {}
            }
        }
    }

    /// Gives the oldest that has been caught. Whether there was one.
    fn work_off_one(&'static self, known: &mut Known) -> bool {
        // Until it has been given: what a stream takes itself comes after it.
        let _reader = self.reader();
        let Some(words) = RING.pop() else {
            return false;
        };
        // What was caught is never left to a queue, which the next ones could reach before it.
        self.refresh(known, true);
        if let Some(received) = Received::from_words(&words) {
            self.dispatch(&known.table, &received);
        }
        true
    }

    fn reader(&self) -> MutexGuard<'_, ()> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The oldest that has been caught, where it is for this stream alone, on the thread of its task: the library's thread need not
    /// be woken for it. `None` also where that thread is at work: it gives what is there.
    #[cfg(feature = "tokio")]
    pub(crate) fn take_caught(&self, entry: &Arc<Entry>) -> Option<Received> {
        let queue = entry.direct_queue()?;
        let try_lock = || match self.reader.try_lock() {
            Ok(reader) => Some(reader),
            Err(TryLockError::Poisoned(reader)) => Some(reader.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        let reader = try_lock().or_else(|| {
            // Whoever has it sees this when he has let it go, unless that was before.
            self.missed.store(true, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            try_lock()
        })?;
        let mut others = false;
        let words = {
            // A subscription that has been made sees what comes from now on.
            let state = self.lock();
            RING.pop_if(|words| {
                let of = state.table.by_signal.get(Received::signo(words));
                let alone =
                    matches!(of.map(Vec::as_slice), Some([only]) if Arc::ptr_eq(only, entry));
                // What is for one signal only ends with it, by the library's thread.
                let mine = alone && !entry.once;
                others = !mine;
                // What has been given before comes first.
                mine && queue.is_empty()
            })
        };
        drop(reader);
        fence(Ordering::SeqCst);
        if self.missed.swap(false, Ordering::SeqCst) || others {
            shared::wake();
        }
        Received::from_words(&words?)
    }

    /// Decides whom the handlers of these signals wake: where a stream alone receives one, its task.
    #[cfg(feature = "tokio")]
    pub(crate) fn route(&self, signals: SignalSet) {
        self.route_in(&self.lock(), signals);
        // What was recorded while the library's thread was not woken for it.
        self.changed();
    }

    /// Takes over a changed table. With `hand_over`, which is where the library's thread has no captured signal that it has not given,
    /// what is for one queue alone is left to that from now on: it would take the next ones before.
    fn refresh(&'static self, known: &mut Known, hand_over: bool) {
        let now = self.generation.load(Ordering::Acquire);
        if now == known.seen && (now == known.settled || !hand_over) {
            return;
        }
        let (table, owed) = {
            let mut state = self.lock();
            if hand_over {
                self.settle(&mut state);
                known.settled = now;
            }
            (Arc::clone(&state.table), std::mem::take(&mut state.owed))
        };
        // The last of who has gone may go with it: not under the lock.
        known.table = table;
        known.seen = now;
        for (entry, signals) in &owed {
            for received in signals {
                // Gone again meanwhile: it is for whoever is there, or comes next.
                if !self.give(entry, received) {
                    self.dispatch(&known.table, received);
                }
            }
        }
    }

    /// Waits until all that had arrived before the call has been given to its subscribers. Whether it has, by then. From within a
    /// callback it does not wait.
    pub(crate) fn barrier(&self, until: Option<Instant>) -> bool {
        if self.worker().is_none() || self.is_worker() {
            return true;
        }
        let mine = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        self.changed();
        let mut state = self.lock();
        while state.passed < mine {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            state = match left {
                None => self
                    .told
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => return false,
                Some(left) => {
                    let waited = self.told.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        true
    }

    /// As [`barrier`](Hub::barrier), and until the callbacks with threads of their own have worked off what they have.
    pub(crate) fn drain(&self, until: Option<Instant>) -> bool {
        if !self.barrier(until) {
            return false;
        }
        let table = Arc::clone(&self.lock().table);
        let mut queues: Vec<&Queue> = table
            .by_signal
            .iter()
            .flatten()
            .filter_map(|entry| entry.direct_queue())
            .collect();
        queues.retain(|queue| queue.is_attended());
        queues.iter().all(|queue| queue.wait_empty(until))
    }
}

/// Gives one that a thread has taken whose wait was not for it: URG, in which all waits have their kicks. Where nobody receives it,
/// it is as if ignored, which is its default.
pub(crate) fn pass(received: &Received) {
    let Some(hub) = super::existing() else { return };
    let by_thread = hub.worker().is_some();
    let entries = {
        let mut state = hub.lock();
        let entries = state.table.by_signal[received.signal.number() as usize].clone();
        if by_thread {
            let owed = entries
                .iter()
                .map(|entry| (Arc::clone(entry), vec![*received]));
            state.owed.extend(owed);
        }
        entries
    };
    match by_thread {
        true => hub.changed(),
        false => entries.iter().for_each(|entry| {
            hub.give(entry, received);
        }),
    }
}
