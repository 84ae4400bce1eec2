//! What waits for one subscriber that has a thread of its own: a [`Signals`](super::Signals), or a callback with its own thread.
//!
//! A queue has two sources. Its signals come from the library's thread, which puts them here; or, where it is a captured signal's
//! only subscriber, whoever waits here takes them from the kernel himself (*direct*), with no thread between. In both cases he
//! sleeps in one place, rt_sigtimedwait(2) of the direct signals and of [`KICK`], so that one wake-up serves for everything. A
//! loop that polls has a [`Watch`] instead.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use super::received::Received;
use super::shared::{self, KICK};
use super::take::{Batch, Taken, wait_for};
use super::watch::Watch;
use crate::{Result, SignalSet, sys};

/// How a wait ended.
pub(crate) enum Next {
    Signal(Received),
    /// The time is over, or there is nothing now.
    Nothing,
    /// It is closed, and nothing is left.
    Closed,
}

impl Next {
    pub(crate) fn signal(self) -> Option<Received> {
        match self {
            Next::Signal(received) => Some(received),
            Next::Nothing | Next::Closed => None,
        }
    }
}

/// A thread in the kernel's wait.
struct Waiter {
    tid: i32,
    /// Of which [`State::era`] its set is.
    era: u64,
    /// It has been woken for what lies here, and may take a signal from the kernel all the same until it looks.
    told: bool,
}

impl State {
    /// Another one to wake for what lies here.
    fn wake_one(&mut self) -> Option<i32> {
        let waiter = self.waiters.iter_mut().rfind(|waiter| !waiter.told)?;
        waiter.told = true;
        Some(waiter.tid)
    }

    /// Whether somebody waits whom nobody has woken.
    fn has_sleeper(&self) -> bool {
        self.waiters.iter().any(|waiter| !waiter.told)
    }
}

#[derive(Default)]
struct State {
    items: VecDeque<Received>,
    waiters: Vec<Waiter>,
    /// Grows when the direct signals change.
    era: u64,
    /// The signals whose takers have been told that there is no room here.
    crowding: u64,
    /// Reads many at once, where many come.
    batch: Batch,
    closed: bool,
    /// What the watch says: that something lies here.
    shown: bool,
    /// The last one is being worked on by the library's thread for it, until that asks for the next.
    working: bool,
}

/// The queue.
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Told when a waiter has left the kernel, and when nothing is left.
    left: Condvar,
    /// The signals that are taken here, by whoever waits.
    direct: AtomicU64,
    /// Made when somebody asks for it.
    watch: OnceLock<Arc<Watch>>,
    /// Of a stream's watch, which a handler may write to; else 0.
    eventfd: AtomicI32,
    bound: usize,
    /// A thread of the library's works it off.
    attended: bool,
}

impl Queue {
    pub(crate) fn new(bound: usize, attended: bool) -> Queue {
        Queue {
            attended,
            state: Mutex::default(),
            left: Condvar::new(),
            direct: AtomicU64::new(0),
            watch: OnceLock::new(),
            eventfd: AtomicI32::new(0),
            bound,
        }
    }

    /// Descriptors that are readable while something is to be had here.
    pub(crate) fn watch(&self) -> Result<&Arc<Watch>> {
        // Under the lock: what changes meanwhile is shown afterwards.
        let mut state = self.lock();
        if let Some(watch) = self.watch.get() {
            return Ok(watch);
        }
        let new = Arc::new(Watch::new(self.direct())?);
        let watch = self.watch.get_or_init(|| new);
        self.show(&mut state);
        Ok(watch)
    }

    /// The same for a stream: its task is woken by each write, and the descriptor is never closed.
    #[cfg(feature = "tokio")]
    pub(crate) fn watch_by_task(&self) -> Result<&Arc<Watch>> {
        let mut state = self.lock();
        let new = Arc::new(Watch::for_task(self.direct())?);
        let watch = self.watch.get_or_init(|| new);
        self.eventfd.store(watch.eventfd(), Ordering::Release);
        self.show(&mut state);
        Ok(watch)
    }

    /// What a handler writes to, so that the stream's task is woken; 0 where this is no stream's.
    pub(crate) fn eventfd(&self) -> i32 {
        self.eventfd.load(Ordering::Acquire)
    }

    /// Whether nothing lies here.
    #[cfg(feature = "tokio")]
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().items.is_empty()
    }

    /// Has the watch say what is so.
    fn show(&self, state: &mut State) {
        let something = !state.items.is_empty() || state.closed;
        if let Some(watch) = self.watch.get()
            && state.shown != something
        {
            state.shown = something;
            watch.show(something);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts one in; false where nobody will take it. The library's thread.
    pub(crate) fn push(&self, received: Received) -> bool {
        let signo = received.signal.number();
        let mut state = self.lock();
        if state.closed {
            return false;
        }
        state.items.push_back(received);
        if state.items.len() >= self.bound && state.crowding & shared::bit(signo) == 0 {
            state.crowding |= shared::bit(signo);
            shared::crowd(signo, true);
        }
        let waiter = state.wake_one();
        self.show(&mut state);
        drop(state);
        if let Some(tid) = waiter {
            shared::kick(tid);
        }
        true
    }

    /// Kicks all who wait: those who have been kicked may not have seen it. Once more than needed does no harm.
    pub(crate) fn kick_again(&self) {
        for waiter in &self.lock().waiters {
            shared::kick(waiter.tid);
        }
    }

    /// Makes these the signals that are taken here, and returns when nobody waits for others any more.
    pub(crate) fn set_direct(&self, direct: u64) {
        let before = self.direct.swap(direct, Ordering::AcqRel);
        if before == direct {
            return;
        }
        let mut state = self.lock();
        state.era += 1;
        let era = state.era;
        if let Some(watch) = self.watch.get() {
            watch.set_direct(self.direct());
        }
        for waiter in &state.waiters {
            shared::kick(waiter.tid);
        }
        while state.waiters.iter().any(|waiter| waiter.era < era) {
            state = self
                .left
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(crate) fn direct(&self) -> u64 {
        self.direct.load(Ordering::Acquire)
    }

    /// Has the calling thread be as one that is right before its wait.
    #[cfg(test)]
    pub(crate) fn is_about_to_wait(&self) {
        let _ = sys::mask::change(libc::SIG_BLOCK, shared::bit(KICK));
        let (tid, told) = (super::hub::thread_id(), false);
        let mut state = self.lock();
        let era = state.era;
        state.waiters.push(Waiter { tid, era, told });
    }

    /// The next one; waits until `until`, for ever where that is `None` and `wait` is set.
    pub(crate) fn next(&self, wait: bool, until: Option<Instant>) -> Next {
        let (next, mut state) = self.next_of(self.lock(), wait, until);
        self.show(&mut state);
        next
    }

    fn next_of<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        wait: bool,
        until: Option<Instant>,
    ) -> (Next, MutexGuard<'a, State>) {
        loop {
            if let Some(received) = self.take(&mut state) {
                return (Next::Signal(received), state);
            }
            if state.closed {
                return (Next::Closed, state);
            }
            let direct = self.direct();
            if direct != 0 && (state.batch.busy || !wait) && self.take_many(&mut state, direct) {
                continue;
            }
            if !wait {
                return (Next::Nothing, state);
            }
            let timeout = until.map(|until| until.saturating_duration_since(Instant::now()));
            let tid = super::hub::thread_id();
            let era = state.era;
            // Before it can be kicked: a kick that is neither blocked nor waited for is thrown away.
            let before = sys::mask::change(libc::SIG_BLOCK, shared::bit(KICK));
            if before.is_ok_and(|before| before & shared::bit(KICK) == 0) {
                super::hub::blocks_kick();
            }
            let told = false;
            state.waiters.push(Waiter { tid, era, told });
            drop(state);
            let taken = wait_for(direct, timeout);
            state = self.lock();
            state.waiters.retain(|waiter| waiter.tid != tid);
            if state.era != era {
                self.left.notify_all();
            }
            match taken {
                Taken::Signal(info) => {
                    let alone = !state.has_sleeper();
                    state.batch.one(alone);
                    // Whoever was woken for what lies here was perhaps this thread, which has something else now.
                    if !state.items.is_empty()
                        && let Some(other) = state.wake_one()
                    {
                        shared::kick(other);
                    }
                    return (Next::Signal(Received::now(info)), state);
                }
                Taken::Other(info) => {
                    // Without the lock: whoever has the library's waits for this thread to leave its wait, which it has.
                    drop(state);
                    super::hub::pass(&Received::now(info));
                    state = self.lock();
                }
                Taken::Kick => {}
                Taken::Nothing => {
                    let next = self.take(&mut state).map_or(Next::Nothing, Next::Signal);
                    return (next, state);
                }
            }
        }
    }

    fn take(&self, state: &mut State) -> Option<Received> {
        let received = state.items.pop_front();
        state.working = self.attended && received.is_some();
        if state.crowding != 0 && state.items.len() <= self.bound / 2 {
            let crowding = std::mem::take(&mut state.crowding);
            for signal in SignalSet::from_bits(crowding) {
                if shared::crowd(signal.number(), false) {
                    super::hub::recheck();
                }
            }
        }
        if state.items.is_empty() && received.is_none() && !state.working {
            self.left.notify_all();
        }
        received
    }

    /// Takes what is there with one system call; not while another thread waits, which would wait beside what lies here.
    fn take_many(&self, state: &mut State, direct: u64) -> bool {
        if state.has_sleeper() {
            state.batch.busy = false;
            return false;
        }
        let infos = state.batch.read(direct);
        let at = Instant::now();
        state
            .items
            .extend(infos.into_iter().map(|info| Received::at(info, at)));
        state.batch.busy
    }

    /// Ends every wait; what is in it can still be taken.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        // It holds nobody up any more.
        for signal in SignalSet::from_bits(std::mem::take(&mut state.crowding)) {
            if shared::crowd(signal.number(), false) {
                super::hub::recheck();
            }
        }
        self.show(&mut state);
        for waiter in &state.waiters {
            shared::kick(waiter.tid);
        }
        self.left.notify_all();
    }

    /// What nobody took, when nobody will.
    pub(crate) fn leave(&self) -> Vec<Received> {
        let mut state = self.lock();
        state.closed = true;
        let items = std::mem::take(&mut state.items);
        self.show(&mut state);
        for signal in SignalSet::from_bits(std::mem::take(&mut state.crowding)) {
            shared::crowd(signal.number(), false);
        }
        items.into()
    }

    pub(crate) fn is_attended(&self) -> bool {
        self.attended
    }

    /// Waits until everything has been taken and worked on. Whether it was, by then.
    pub(crate) fn wait_empty(&self, until: Option<Instant>) -> bool {
        let mut state = self.lock();
        loop {
            if (state.items.is_empty() && !state.working) || state.closed {
                return true;
            }
            state = match until {
                None => self
                    .left
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    let waited = self.left.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}
