//! Who has subscribed to what, and the library's one thread.
//!
//! At any moment a signal has one taker: our handler (*caught*), the library's thread, or the [`Queue`] of its only subscriber
//! (*direct*, where it is captured). A subscription that comes or goes changes the taker in an order that loses nothing: from a
//! queue to the thread, the queue's waiters have left the kernel before the subscription is said to be made; from the thread to a
//! queue, the thread itself hands over, between two signals.

pub(crate) mod children;
mod forks;
mod opening;
mod worker;

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError, Weak};

use super::queue::Queue;
use super::received::Received;
use super::shared;
use super::take::refuses;
use super::{Options, Way};
use crate::{Errno, Error, Result, Signal, SignalSet, sys};
use children::Children;
use forks::{before_fork, in_child};
pub(crate) use forks::{blocks_kick, is_ours, thread_id};
pub(crate) use worker::pass;

/// A callback.
pub(crate) type Callback = Box<dyn FnMut(&Received) + Send>;

/// Where a subscription's signals go.
pub(crate) enum Sink {
    /// Called by the library's thread. `None` once it has been dropped.
    Callback(Mutex<Option<Callback>>),
    Queue(Arc<Queue>),
    Flag(Arc<AtomicBool>),
    Descriptor(std::os::fd::OwnedFd),
    /// CHLD, for those who wait for the end of a child.
    Children,
}

/// One subscription.
pub(crate) struct Entry {
    pub(crate) signals: SignalSet,
    pub(crate) sink: Sink,
    pub(crate) once: bool,
    /// What it asks of the handler: `SA_NOCLDSTOP`, `SA_NOCLDWAIT`.
    flags: i32,
    /// It asks for `EINTR`.
    no_restart: bool,
    /// It gets nothing more.
    pub(crate) over: AtomicBool,
}

/// The flags of the handler of a signal that these receive. Interrupted system calls end for all if one asks for it; but CHLD is
/// left out, and are statuses, only where nobody wants them.
fn flags_for(entries: &[Arc<Entry>]) -> i32 {
    let restart = entries.iter().all(|entry| !entry.no_restart);
    let common = entries
        .iter()
        .map(|entry| entry.flags)
        .reduce(|all, one| all & one);
    common.unwrap_or(0) | if restart { libc::SA_RESTART } else { 0 }
}

impl Entry {
    fn direct_queue(&self) -> Option<&Queue> {
        match &self.sink {
            Sink::Queue(queue) => Some(queue),
            _ => None,
        }
    }
}

/// The subscriptions of each signal. Replaced as a whole, so that the thread reads it without a lock.
#[derive(Clone)]
struct Table {
    by_signal: [Vec<Arc<Entry>>; 65],
    /// What the library's thread takes from the kernel.
    taken: u64,
}

#[derive(Default)]
struct State {
    table: Arc<Table>,
    /// Taken with nobody to give it to: for the next subscriber.
    orphans: Vec<Received>,
    /// What the library's thread is to give to new subscribers.
    owed: Vec<(Arc<Entry>, Vec<Received>)>,
    /// Barriers passed.
    passed: u64,
    /// Those in which threads may wait.
    queues: Vec<Weak<Queue>>,
}

impl Default for Table {
    fn default() -> Table {
        Table {
            by_signal: [const { Vec::new() }; 65],
            taken: 0,
        }
    }
}

/// The library in this process.
pub(crate) struct Hub {
    state: Mutex<State>,
    told: Condvar,
    /// Grows with every change of the table.
    generation: AtomicU64,
    /// The library's thread, once it runs; else 0.
    worker: AtomicI32,
    /// Barriers asked for.
    asked: AtomicU64,
    panics: AtomicU64,
    /// Our handler is there for [`KICK`](shared::KICK), also where nobody receives that: changed under the lock of the state.
    opening: AtomicBool,
    children: Children,
    /// Whoever reads the ring holds it.
    reader: Mutex<()>,
    /// Somebody else wanted to.
    #[cfg(feature = "tokio")]
    missed: AtomicBool,
}

/// Null before the first use, and in a child made by fork until it uses the library.
static HUB: AtomicPtr<Hub> = AtomicPtr::new(std::ptr::null_mut());

/// The library in this process, made at the first use.
pub(crate) fn hub() -> Result<&'static Hub> {
    if let Some(hub) = sys::leaked(&HUB) {
        return Ok(hub);
    }
    static FORKS: AtomicBool = AtomicBool::new(false);
    if !FORKS.swap(true, Ordering::AcqRel) {
        sys::handler::around_fork(before_fork, in_child).map_err(|errno| {
            FORKS.store(false, Ordering::Release);
            Error::new("watch for forks", errno)
        })?;
    }
    shared::OWNER.store(sys::send::getpid(), Ordering::Release);
    Ok(sys::leak(
        &HUB,
        Hub {
            state: Mutex::default(),
            told: Condvar::new(),
            generation: AtomicU64::new(0),
            worker: AtomicI32::new(0),
            asked: AtomicU64::new(0),
            panics: AtomicU64::new(0),
            opening: AtomicBool::new(false),
            children: Children::default(),
            reader: Mutex::default(),
            #[cfg(feature = "tokio")]
            missed: AtomicBool::new(false),
        },
    ))
}

fn existing() -> Option<&'static Hub> {
    sys::leaked(&HUB)
}

/// Whether this is still the library of this process: not in a child made by fork.
pub(crate) fn is_current(hub: &'static Hub) -> bool {
    existing().is_some_and(|now| std::ptr::eq(now, hub))
}

/// Has the library's thread look again at what it is to take.
pub(crate) fn recheck() {
    if let Some(hub) = existing() {
        hub.changed();
    }
}

/// Which way a signal would be received.
pub(crate) fn way_of(signal: Signal) -> Way {
    match shared::CAPTURED.load(Ordering::Acquire) & shared::bit(signal.number()) {
        0 => Way::Caught,
        _ => Way::Captured,
    }
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the library's thread look again. Without a lock: queues call it under theirs.
    fn changed(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        shared::wake();
    }

    fn worker(&self) -> Option<i32> {
        Some(self.worker.load(Ordering::Acquire)).filter(|tid| *tid != 0)
    }

    /// Whether the calling thread is the library's.
    fn is_worker(&self) -> bool {
        self.worker() == Some(sys::send::gettid())
    }

    pub(crate) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// Makes a subscription. Those of its signals that the process was told to ignore stay so and are left out, unless the options
    /// say otherwise; what is left is given back.
    pub(crate) fn subscribe(
        &'static self,
        signals: SignalSet,
        options: &Options,
        sink: Sink,
    ) -> Result<Arc<Entry>> {
        let what = || format!("receive {signals}");
        if signals.is_empty() {
            return Err(
                Error::new("receive no signal", Errno::INVAL).with_note("name at least one")
            );
        }
        for signal in signals {
            if let Some(why) = refuses(signal) {
                return Err(Error::new(format!("receive {signal}"), Errno::INVAL).with_note(why));
            }
            if signal.is_reserved() {
                return Err(Error::new(format!("receive {signal}"), Errno::INVAL)
                    .with_note("the C library keeps it for itself"));
            }
        }
        let mut state = self.lock();
        state.know(&sink);
        let mut kept = SignalSet::EMPTY;
        for signal in signals {
            let first = state.table.by_signal[signal.number() as usize].is_empty();
            let ignored = first && {
                let action = sys::action::get(signal.number());
                action.map_err(|errno| Error::new(what(), errno))?.handler() == libc::SIG_IGN
            };
            if !ignored || options.even_ignored {
                kept |= signal.into();
            }
        }
        let entry = Arc::new(Entry {
            signals: kept,
            sink,
            once: options.once,
            flags: options.flags(),
            no_restart: options.no_restart,
            over: AtomicBool::new(false),
        });
        let mut table = Table::clone(&state.table);
        for signal in kept {
            table.by_signal[signal.number() as usize].push(Arc::clone(&entry));
        }
        let needs_worker = kept.iter().any(|signal| {
            let entries = &table.by_signal[signal.number() as usize];
            let direct = entry.direct_queue().is_some() && !entry.once && entries.len() == 1;
            way_of(signal) == Way::Caught || !direct
        });
        if needs_worker && self.worker().is_none() {
            self.worker.store(self.start()?, Ordering::Release);
        }
        // The queues that were a signal's only subscriber leave it to the thread, and wait for it no more.
        for signal in kept {
            for other in &table.by_signal[signal.number() as usize] {
                if let Some(queue) = other.direct_queue().filter(|_| !Arc::ptr_eq(other, &entry)) {
                    queue.set_direct(queue.direct() & !shared::bit(signal.number()));
                }
            }
        }
        let kept_orphans = |received: &Received| kept.contains(received.signal);
        let (mine, others): (Vec<Received>, _) = std::mem::take(&mut state.orphans)
            .into_iter()
            .partition(kept_orphans);
        state.orphans = others;
        // Before anybody sees the table: before what came later. Callbacks run on the library's thread; a queue may be filled by anybody.
        match entry.direct_queue() {
            Some(queue) if !entry.once => {
                for received in mine {
                    queue.push(received);
                }
            }
            _ if mine.is_empty() => {}
            _ => state.owed.push((Arc::clone(&entry), mine)),
        }
        state.table = Arc::new(table);
        if self.worker().is_none() {
            self.settle(&mut state);
        }
        self.route_in(&state, kept);
        self.changed();
        // Installed when the table is in force: from the first one on, each has its subscriber.
        for signal in kept {
            let caught = way_of(signal) == Way::Caught;
            let bit = shared::bit(signal.number());
            if !caught {
                continue;
            }
            let flags = flags_for(&state.table.by_signal[signal.number() as usize]);
            let first = shared::CAUGHT.fetch_or(bit, Ordering::SeqCst) & bit == 0;
            let installed = match first {
                true => sys::handler::install(signal.number(), flags),
                false => sys::handler::set_flags(signal.number(), flags),
            };
            if let Err(errno) = installed {
                drop(state);
                self.unsubscribe(&entry);
                return Err(Error::new(what(), errno));
            }
        }
        Ok(entry)
    }

    /// Ends a subscription. Returns when nothing of it runs or will run; from within its own callback at once.
    pub(crate) fn unsubscribe(&'static self, entry: &Arc<Entry>) {
        self.end(entry, true);
    }

    /// The same, but what lies in its queue can still be taken.
    pub(crate) fn close(&'static self, entry: &Arc<Entry>) {
        self.end(entry, false);
    }

    /// With `discard`, what its queue still has is for others; else it can still be taken.
    fn end(&'static self, entry: &Arc<Entry>, discard: bool) {
        if !is_current(self) {
            return entry.over.store(true, Ordering::Release);
        }
        let mut state = self.lock();
        // Under the lock: who finds it over finds it gone from the table, too.
        entry.over.store(true, Ordering::Release);
        let mut table = Table::clone(&state.table);
        let mut ours = false;
        for signal in entry.signals {
            let entries = &mut table.by_signal[signal.number() as usize];
            let before = entries.len();
            entries.retain(|other| !Arc::ptr_eq(other, entry));
            ours |= entries.len() < before;
            let bit = shared::bit(signal.number());
            if shared::CAUGHT.load(Ordering::Acquire) & bit == 0 {
                continue;
            }
            // Of the kinds of failure that there are, none can befall a signal that has been caught.
            if entries.is_empty() {
                if signal.number() == shared::KICK && self.opening.load(Ordering::Relaxed) {
                    continue;
                }
                shared::CAUGHT.fetch_and(!bit, Ordering::SeqCst);
                self.uninstall(&state, signal.number());
            } else if entries.len() < before {
                let _ = sys::handler::set_flags(signal.number(), flags_for(entries));
            }
        }
        // Also what it had when it was closed, unless a thread of the library's works that off.
        let queue = entry.direct_queue();
        if let Some(queue) = queue.filter(|queue| ours || !queue.is_attended()) {
            queue.set_direct(0);
            let left = match discard {
                true => queue.leave(),
                false => {
                    queue.close();
                    Vec::new()
                }
            };
            let alone = |received: &Received| {
                table.by_signal[received.signal.number() as usize].is_empty()
                    && way_of(received.signal) == Way::Captured
            };
            state.orphans.extend(left.into_iter().filter(alone));
        }
        if !ours {
            return;
        }
        state.table = Arc::new(table);
        if self.worker().is_none() {
            self.settle(&mut state);
        }
        self.route_in(&state, entry.signals);
        self.changed();
        drop(state);
        if let Sink::Callback(callback) = &entry.sink {
            let call = match self.is_worker() {
                // Waits while it runs.
                false => Some(callback.lock().unwrap_or_else(PoisonError::into_inner)),
                // Not within its own call, which drops it afterwards.
                true => match callback.try_lock() {
                    Ok(callback) => Some(callback),
                    Err(TryLockError::Poisoned(callback)) => Some(callback.into_inner()),
                    Err(TryLockError::WouldBlock) => None,
                },
            };
            let call = call.and_then(|mut callback| callback.take());
            // What it owns may end other subscriptions: here no lock is held.
            drop(call);
        }
    }

    /// Decides who takes what, from the table. Called by the library's thread between two signals, or before it exists.
    fn settle(&self, state: &mut State) {
        let captured = shared::CAPTURED.load(Ordering::Acquire);
        let mut taken = 0;
        let mut directs: Vec<(Arc<Entry>, u64)> = Vec::new();
        for (number, entries) in state.table.by_signal.iter().enumerate().skip(1) {
            let bit = shared::bit(number as i32);
            if captured & bit == 0 {
                continue;
            }
            match entries.as_slice() {
                [] => {}
                [only] if only.direct_queue().is_some() && !only.once => {
                    match directs
                        .iter_mut()
                        .find(|(entry, _)| Arc::ptr_eq(entry, only))
                    {
                        Some((_, bits)) => *bits |= bit,
                        None => directs.push((Arc::clone(only), bit)),
                    }
                }
                _ => taken |= bit,
            }
        }
        if state.table.taken != taken {
            Arc::make_mut(&mut state.table).taken = taken;
        }
        for (entry, bits) in directs {
            if let Some(queue) = entry.direct_queue() {
                queue.set_direct(bits);
            }
        }
    }

    /// Decides whom the handlers of these signals wake: where a stream alone receives one, its task; else the library's thread.
    /// [`changed`](Hub::changed) comes after it: what is recorded before a handler sees the change, that thread finds.
    fn route_in(&self, state: &State, signals: SignalSet) {
        for signal in signals {
            let eventfd = match state.table.by_signal[signal.number() as usize].as_slice() {
                [only] if !only.once && way_of(signal) == Way::Caught => {
                    only.direct_queue().map_or(0, Queue::eventfd)
                }
                _ => 0,
            };
            shared::direct(signal.number(), eventfd);
        }
    }

    /// Whether somebody receives this signal.
    pub(crate) fn receives(&self, signal: Signal) -> bool {
        !self.lock().table.by_signal[signal.number() as usize].is_empty()
    }
}

/// Where the library of this process lies: what tells it from another copy.
pub(crate) fn address(hub: &'static Hub) -> usize {
    std::ptr::from_ref(hub).addr()
}
