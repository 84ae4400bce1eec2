//! Those who wait for the end of a child, and how the library's thread finds the children that have ended.
//!
//! CHLD is a hint. Of those that come while one is pending the kernel keeps none, so that a signal names one child of several. The
//! child that it names is looked at at once; and a *sweep* is owed, a look at every child that is registered, which finds those that
//! no signal has named, and those that somebody else has collected. It asks for each by its pid, so that children of others, which
//! may lie at the head of the kernel's list for good, neither hide one nor cost anything. So that many children cost what they are,
//! and not their square, a sweep that took a time of the processor is not followed by another for [`REST`] times as long: sweeps
//! have a tenth of one processor at most, and nothing that ended is left out for longer than that.
//!
//! A child is collected under the lock of the registry, by which a registration is dropped too: one that is dropped has either
//! been told, or has left its child to others. The callback runs under no lock.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Entry, Hub, Sink, is_current, way_of};
use crate::receive::child::{ChildEnd, end_of};
use crate::receive::received::Received;
use crate::receive::{Options, Way, shared};
use crate::sys::child::{Look, look};
use crate::{Cause, Error, Result, Signal, sys};

/// How many times as long as a sweep took the next one is put off.
const REST: u32 = 9;
/// How many children are looked at before signals have their turn.
const SLICE: usize = 256;

/// What is called.
pub(crate) enum Call {
    Once(Box<dyn FnOnce(Result<ChildEnd>) + Send>),
    Every(Box<dyn FnMut(ChildEnd) + Send>),
}

/// A registration.
pub(crate) struct Waiter {
    /// `None` for all children.
    pub(crate) pid: Option<i32>,
    /// `None` while it runs, and once it is over.
    call: Mutex<Option<Call>>,
    /// It is told nothing more.
    pub(crate) over: AtomicBool,
}

#[derive(Default)]
struct Registry {
    by_pid: BTreeMap<i32, Vec<Arc<Waiter>>>,
    all: Vec<Arc<Waiter>>,
    /// To be looked at, without a sweep.
    named: Vec<i32>,
    /// A sweep is owed.
    swept: bool,
    /// Those who are told of a child that has been collected.
    telling: Vec<Arc<Waiter>>,
}

impl Registry {
    fn is_empty(&self) -> bool {
        self.by_pid.is_empty() && self.all.is_empty()
    }

    fn remove(&mut self, waiter: &Arc<Waiter>) {
        let others = |other: &Arc<Waiter>| !Arc::ptr_eq(other, waiter);
        match waiter.pid {
            None => self.all.retain(others),
            Some(pid) => {
                if let Some(waiters) = self.by_pid.get_mut(&pid) {
                    waiters.retain(others);
                    if waiters.is_empty() {
                        self.by_pid.remove(&pid);
                    }
                }
            }
        }
    }

    fn is_telling(&self, waiter: &Arc<Waiter>) -> bool {
        self.telling.iter().any(|other| Arc::ptr_eq(other, waiter))
    }
}

/// The children of this process that somebody waits for.
#[derive(Default)]
pub(crate) struct Children {
    /// The subscription of CHLD, while anybody waits. Locked before the registry.
    subscription: Mutex<Option<Arc<Entry>>>,
    registry: Mutex<Registry>,
    /// Nobody is told any more.
    told: Condvar,
    /// The registry has something for the library's thread.
    news: AtomicBool,
}

impl Children {
    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far the library's thread is.
#[derive(Default)]
pub(super) struct Sweep {
    owed: bool,
    at: Stage,
    /// Of the processor, without callbacks.
    took: Duration,
    /// Not before.
    next: Option<Instant>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    #[default]
    None,
    /// Collects whatever has ended, for those who want all.
    All,
    /// Looks at the registered ones after this pid.
    After(i32),
}

impl Sweep {
    /// How long the library's thread may sleep.
    pub(super) fn due(&self) -> Option<Duration> {
        match (self.at, self.owed) {
            (Stage::None, false) => None,
            (Stage::None, true) => {
                let left = |next: Instant| next.saturating_duration_since(Instant::now());
                Some(self.next.map_or(Duration::ZERO, left))
            }
            _ => Some(Duration::ZERO),
        }
    }
}

/// The time of the processor that the calling thread has had.
fn processor_time() -> Duration {
    // By the call itself: valgrind has no vDSO.
    crate::sys::posix_timer::now(libc::CLOCK_THREAD_CPUTIME_ID).unwrap_or_default()
}

impl Hub {
    /// Registers, for a child or for all.
    pub(crate) fn wait_for_child(
        &'static self,
        pid: Option<i32>,
        call: Call,
    ) -> Result<Arc<Waiter>> {
        let children = &self.children;
        let waiter = Arc::new(Waiter {
            pid,
            call: Mutex::new(Some(call)),
            over: AtomicBool::new(false),
        });
        // Held until somebody is registered, so that the subscription is not ended.
        let mut subscription = children
            .subscription
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if subscription.is_none() {
            if way_of(Signal::CHLD) == Way::Captured {
                let changed = sys::handler::have_children_stay()
                    .map_err(|errno| Error::new("have children leave a status", errno))?;
                shared::CHILDREN_STAY.store(changed, Ordering::Release);
            }
            let options = Options::new().even_ignored();
            let subscribed = self.subscribe(Signal::CHLD.into(), &options, Sink::Children);
            if subscribed.is_err() {
                ignore_again();
            }
            *subscription = Some(subscribed?);
        }
        let mut registry = children.lock();
        match pid {
            None => {
                registry.all.push(Arc::clone(&waiter));
                registry.swept = true;
            }
            Some(pid) => {
                let waiters = registry.by_pid.entry(pid).or_default();
                waiters.push(Arc::clone(&waiter));
                // It may have ended already.
                registry.named.push(pid);
            }
        }
        children.news.store(true, Ordering::Release);
        drop(registry);
        drop(subscription);
        self.changed();
        Ok(waiter)
    }

    /// Ends a registration. Returns when its callback does not run; from within a callback of the library's thread at once.
    pub(crate) fn forget_child(&'static self, waiter: &Arc<Waiter>) {
        if !is_current(self) {
            return;
        }
        let is_worker = self.is_worker();
        let mut registry = self.children.lock();
        waiter.over.store(true, Ordering::Release);
        registry.remove(waiter);
        while !is_worker && registry.is_telling(waiter) {
            let told = self.children.told.wait(registry);
            registry = told.unwrap_or_else(PoisonError::into_inner);
        }
        drop(registry);
        // What the callback owns is dropped here, under no lock.
        let call = waiter
            .call
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(call);
        self.end_if_nobody_waits();
    }

    fn end_if_nobody_waits(&'static self) {
        let children = &self.children;
        if !children.lock().is_empty() {
            return;
        }
        let mut subscription = children
            .subscription
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if children.lock().is_empty()
            && let Some(entry) = subscription.take()
        {
            self.unsubscribe(&entry);
            ignore_again();
        }
    }

    /// A CHLD has come.
    pub(super) fn hint(&self, received: &Received) {
        let mut registry = self.children.lock();
        if let Cause::Child { pid, .. } = received.cause
            && (!registry.all.is_empty() || registry.by_pid.contains_key(&pid))
        {
            registry.named.push(pid);
        }
        registry.swept = true;
        self.children.news.store(true, Ordering::Release);
    }

    pub(super) fn has_news(&self) -> bool {
        self.children.news.load(Ordering::Acquire)
    }

    /// Looks at the children that there is reason to look at: those that are named, and a part of a sweep that is due. With `all`
    /// everything that is owed, now.
    pub(super) fn look(&'static self, sweep: &mut Sweep, all: bool) {
        // Read first, since it is asked for every signal.
        if self.has_news() && self.children.news.swap(false, Ordering::AcqRel) {
            let mut registry = self.children.lock();
            sweep.owed |= std::mem::take(&mut registry.swept);
            let named = std::mem::take(&mut registry.named);
            drop(registry);
            for pid in named {
                self.look_at(pid);
            }
        }
        while sweep.at != Stage::None || sweep.owed {
            if sweep.at == Stage::None {
                let rests = sweep.next.is_some_and(|next| Instant::now() < next);
                if rests && !all {
                    return;
                }
                sweep.owed = false;
                sweep.at = Stage::All;
                sweep.took = Duration::ZERO;
            }
            self.sweep(sweep);
            if sweep.at == Stage::None {
                sweep.next = Instant::now().checked_add(sweep.took * REST);
            }
            if !all {
                return;
            }
        }
    }

    /// A part of a sweep.
    fn sweep(&'static self, sweep: &mut Sweep) {
        let mut begun = processor_time();
        for _ in 0..SLICE {
            let next = match sweep.at {
                Stage::None => break,
                Stage::All if self.children.lock().all.is_empty() => None,
                Stage::All => match look(None) {
                    Ok(Look::Ended(pid)) => Some(pid),
                    // A tracer's child that is stopped hides those behind it from this; the signals that name them do not.
                    Ok(Look::Running | Look::Traced) | Err(_) => None,
                },
                Stage::After(pid) => {
                    let registry = self.children.lock();
                    let after = (Bound::Excluded(pid), Bound::Unbounded);
                    registry.by_pid.range(after).next().map(|(pid, _)| *pid)
                }
            };
            sweep.at = match (sweep.at, next) {
                (Stage::All, Some(_)) => Stage::All,
                (Stage::All, None) => Stage::After(0),
                (_, Some(pid)) => Stage::After(pid),
                (_, None) => Stage::None,
            };
            if let Some(pid) = next
                && let Some((waiters, end)) = self.collect(pid)
            {
                sweep.took += processor_time().saturating_sub(begun);
                self.tell(&waiters, &end);
                begun = processor_time();
            }
        }
        sweep.took += processor_time().saturating_sub(begun);
    }

    fn look_at(&'static self, pid: i32) {
        if let Some((waiters, end)) = self.collect(pid) {
            self.tell(&waiters, &end);
        }
    }

    /// Collects a child that has ended, if anybody waits for it: who is to be told, and what. With an error where it is not there.
    fn collect(&self, pid: i32) -> Option<(Vec<Arc<Waiter>>, Result<ChildEnd>)> {
        let mut registry = self.children.lock();
        if registry.all.is_empty() && !registry.by_pid.contains_key(&pid) {
            return None;
        }
        // First a look: wait4 would also take a stop that is for a tracer.
        let collected = match look(Some(pid)) {
            Ok(Look::Running | Look::Traced) => return None,
            Ok(Look::Ended(_)) => sys::child::collect(pid).transpose()?,
            Err(errno) => Err(errno),
        };
        let mut waiters = registry.by_pid.remove(&pid).unwrap_or_default();
        if collected.is_ok() {
            waiters.extend(registry.all.iter().map(Arc::clone));
        }
        registry.telling.clone_from(&waiters);
        Some((waiters, end_of(pid, collected)))
    }

    fn tell(&'static self, waiters: &[Arc<Waiter>], end: &Result<ChildEnd>) {
        for waiter in waiters {
            let slot = || waiter.call.lock().unwrap_or_else(PoisonError::into_inner);
            let call = slot().take();
            match (call, end) {
                (Some(Call::Once(callback)), end) => {
                    waiter.over.store(true, Ordering::Release);
                    let end = end.clone();
                    self.guard(|| callback(end));
                }
                (Some(Call::Every(mut callback)), Ok(end)) => {
                    self.guard(|| callback(*end));
                    if waiter.over.load(Ordering::Acquire) {
                        self.guard(|| drop(callback));
                    } else {
                        *slot() = Some(Call::Every(callback));
                    }
                }
                // Dropped meanwhile, by a callback.
                (None | Some(Call::Every(_)), _) => {}
            }
        }
        let mut registry = self.children.lock();
        registry.telling.clear();
        let nobody = registry.is_empty();
        drop(registry);
        self.children.told.notify_all();
        if nobody {
            self.end_if_nobody_waits();
        }
    }
}

/// Has CHLD as it was before [`Hub::wait_for_child`].
fn ignore_again() {
    if shared::CHILDREN_STAY.swap(false, Ordering::AcqRel) {
        let _ = sys::handler::no_more_have_children_stay();
    }
}
