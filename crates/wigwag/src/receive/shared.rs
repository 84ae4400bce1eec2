//! What signal context and ordinary code share: atomics and nothing else.
//!
//! The handler ([`sys::handler`](crate::sys::handler)) calls [`record`], [`wake`] and [`hold`] in signal context; the library's
//! thread reads. Everything here is for the process that [`OWNER`] names: a child made by fork, and one made by vfork, whose
//! memory is ours, touch none of it.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering, fence};

pub(crate) use super::holding::Held;
use super::holding::{Answer, Holding};
use super::ring::{Ring, Words};
use super::sleeper::Sleeper;
use crate::sys;

/// How many signals that were caught can wait for the library's thread.
pub(crate) const SLOTS: usize = 1024;
/// From here on a thread that catches one more leaves the next ones in the kernel.
pub(crate) const HIGH_WATER: usize = SLOTS / 4 * 3;
/// How many threads can have signals held back at once.
const HOLDERS: usize = 256;

/// The signal that only wakes a thread: ignored by default, so that one that comes too late does nothing.
pub(crate) const KICK: i32 = libc::SIGURG;

/// The process whose signals these are; 0 for none.
pub(crate) static OWNER: AtomicI32 = AtomicI32::new(0);
/// The signals that every thread blocks since `block_everywhere`.
pub(crate) static CAPTURED: AtomicU64 = AtomicU64::new(0);
/// The signals that our handler is installed for.
pub(crate) static CAUGHT: AtomicU64 = AtomicU64::new(0);
/// The signals with a subscriber that has no room: they are left in the kernel.
pub(crate) static FULL: AtomicU64 = AtomicU64::new(0);
/// Whether CHLD, captured, was ignored before, and is not now for the sake of children that are waited for.
pub(crate) static CHILDREN_STAY: AtomicBool = AtomicBool::new(false);
/// Those that threads leave in the kernel for want of room and that other handlers in this process see, too: they wait until their threads take them again.
static SHARED: AtomicU64 = AtomicU64::new(0);
/// What has been caught.
pub(crate) static RING: Ring<SLOTS> = Ring::new();

/// How many subscribers of a signal have no room.
static CROWDED: [AtomicU32; 65] = [const { AtomicU32::new(0) }; 65];
/// How many of a signal were caught and found no room at all.
static LOST: [AtomicU64; 65] = [const { AtomicU64::new(0) }; 65];
/// How the library's thread sleeps: [`ON_FUTEX`], or, where it waits for signals, its thread id.
static SLEEPER: Sleeper = Sleeper::new();
const ON_FUTEX: i32 = -1;

/// The threads that leave signals in the kernel for want of room, and which.
static HOLDING: Holding<HOLDERS> = Holding::new();

/// For each signal that is caught for one stream alone, the eventfd that wakes its task; else 0.
///
/// Such a descriptor is never closed ([`watch`](super::watch) keeps those that are not used): a handler that has read its number just
/// before it was taken away from here may still write to it.
static DIRECT: [AtomicI32; 65] = [const { AtomicI32::new(0) }; 65];
/// From here on the library's thread is woken all the same, and has others' signals go on.
const MANY: usize = SLOTS / 4;

/// Has the handler of this signal wake a stream's task by its eventfd, or with 0 the library's thread.
pub(crate) fn direct(signo: i32, eventfd: i32) {
    if let Some(direct) = usize::try_from(signo).ok().and_then(|n| DIRECT.get(n)) {
        direct.store(eventfd, Ordering::SeqCst);
    }
}

/// The bit of a signal in a set.
pub(crate) fn bit(signo: i32) -> u64 {
    1 << ((signo - 1) & 63)
}

fn of(table: &'static [AtomicU64; 65], signo: i32) -> Option<&'static AtomicU64> {
    usize::try_from(signo).ok().and_then(|n| table.get(n))
}

/// Whether somebody receives a signal by our handler. Signal context.
pub(crate) fn is_caught(signo: i32) -> bool {
    CAUGHT.load(Ordering::SeqCst) & bit(signo) != 0
}

/// What became of a signal that was caught.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// It is one of few in the ring.
    Few,
    /// It is one of many, or not the last, so that the library's thread is to look.
    Many,
    /// The interrupted thread is to hold the next ones back.
    Hold,
}

/// Puts a signal into the ring. Signal context.
pub(crate) fn record(signo: i32, words: &Words) -> Recorded {
    let full = || FULL.load(Ordering::Relaxed) & bit(signo) != 0;
    let lose = || {
        if let Some(lost) = of(&LOST, signo) {
            lost.fetch_add(1, Ordering::Relaxed);
        }
    };
    // By it a thread is asked to open: one that held it back would never be. And it takes no room from those that are.
    let kick = signo == KICK;
    if kick && (full() || RING.waiting() >= HIGH_WATER) {
        lose();
        return Recorded::Many;
    }
    match RING.push(words) {
        Some((waiting, _)) if !kick && (waiting >= HIGH_WATER || full()) => Recorded::Hold,
        // One that was claimed after it may be there already, and its reader have gone to sleep before this one.
        Some((waiting, last)) if waiting >= MANY || !last => Recorded::Many,
        Some(_) => Recorded::Few,
        None => {
            lose();
            if kick { Recorded::Many } else { Recorded::Hold }
        }
    }
}

/// Wakes whoever takes what has been recorded: the task of a stream, if this signal is for that alone, else the library's thread.
/// Signal context.
pub(crate) fn tell(signo: i32, recorded: Recorded) {
    // After the record, before the look: whoever changes who is woken looks at the ring afterwards.
    fence(Ordering::SeqCst);
    let direct = usize::try_from(signo).ok().and_then(|n| DIRECT.get(n));
    match direct.map_or(0, |direct| direct.load(Ordering::SeqCst)) {
        eventfd if eventfd > 0 && recorded == Recorded::Few => sys::handler::ring(eventfd),
        _ => wake(),
    }
}

/// Wakes the library's thread if it sleeps. Signal context.
pub(crate) fn wake() {
    match SLEEPER.to_wake() {
        None => {}
        Some(ON_FUTEX) => sys::handler::futex_wake(SLEEPER.word()),
        Some(tid) => kick(tid),
    }
}

/// Wakes one thread of this process out of a wait, or keeps it from its next one.
pub(crate) fn kick(tid: i32) {
    // The thread may have ended: then nobody waits.
    let _ = sys::send::tgkill(sys::send::getpid(), tid, KICK);
}

/// Has the library's thread sleep until it is woken, or, where it waits for signals, for one of them; not at all where something is
/// in the ring, or `changed` says that something else is to be done. `wait` waits for signals, or for a [`KICK`].
pub(crate) fn sleep<T>(
    tid: i32,
    changed: impl Fn() -> bool,
    wait: Option<impl FnOnce() -> T>,
) -> Option<T> {
    let how = if wait.is_some() { tid } else { ON_FUTEX };
    SLEEPER.about_to_sleep(how);
    let mut taken = None;
    if RING.is_empty() && !changed() {
        match wait {
            Some(wait) => taken = Some(wait()),
            None => sys::handler::futex_wait(SLEEPER.word(), ON_FUTEX),
        }
    }
    SLEEPER.awake();
    taken
}

/// Notes whether other handlers see this signal, too. Signal context.
pub(crate) fn share(signo: i32, others: bool) {
    match others {
        true => SHARED.fetch_or(bit(signo), Ordering::AcqRel),
        false => SHARED.fetch_and(!bit(signo), Ordering::AcqRel),
    };
}

/// Notes that the calling thread holds a signal back. False where no place is left: then it must not. Signal context.
pub(crate) fn hold(tid: i32, signo: i32) -> bool {
    HOLDING.hold(tid, bit(signo))
}

/// What the calling thread holds back, which it opens now. Not while the library's thread runs: in a child made by fork.
pub(crate) fn release(tid: i32) -> u64 {
    HOLDING.release(tid)
}

/// What the calling thread holds back and is to open, if it has been asked to. Signal context.
pub(crate) fn release_if_asked(tid: i32) -> u64 {
    HOLDING.release_if_asked(tid, FULL.load(Ordering::Acquire))
}

/// What threads hold back now. For the library's thread, as the two that follow.
pub(crate) fn held() -> Held {
    HOLDING.held(SHARED.load(Ordering::Acquire))
}

/// Asks every thread that holds back others than the signals `full` to open those again. Whether there is one that has been asked.
pub(crate) fn ask(full: u64) -> bool {
    let (pid, value) = (sys::send::getpid(), sys::handler::open_again_value());
    HOLDING.ask(full, |tid| {
        match sys::send::tgsigqueueinfo(pid, tid, KICK, value) {
            Ok(()) => Answer::Sent,
            Err(crate::Errno::SRCH) => Answer::Gone,
            Err(_) => Answer::NotNow,
        }
    })
}

/// Takes every request back that has not been answered.
pub(crate) fn withdraw() {
    HOLDING.withdraw();
}

/// One more subscriber of this signal has no room, or one less. Whether that changed what is taken.
pub(crate) fn crowd(signo: i32, more: bool) -> bool {
    let Some(count) = usize::try_from(signo).ok().and_then(|n| CROWDED.get(n)) else {
        return false;
    };
    if more {
        let first = count.fetch_add(1, Ordering::AcqRel) == 0;
        if first {
            FULL.fetch_or(bit(signo), Ordering::AcqRel);
        }
        first
    } else {
        let last = count.fetch_sub(1, Ordering::AcqRel) == 1;
        if last {
            FULL.fetch_and(!bit(signo), Ordering::AcqRel);
        }
        last
    }
}

/// How many of a signal were caught and lost since the process began.
pub(crate) fn lost(signo: i32) -> u64 {
    of(&LOST, signo).map_or(0, |lost| lost.load(Ordering::Relaxed))
}

/// A child made by fork begins with nothing.
pub(crate) fn forget() {
    OWNER.store(0, Ordering::Relaxed);
    SLEEPER.awake();
    CAPTURED.store(0, Ordering::Relaxed);
    CAUGHT.store(0, Ordering::Relaxed);
    FULL.store(0, Ordering::Relaxed);
    SHARED.store(0, Ordering::Relaxed);
    CHILDREN_STAY.store(false, Ordering::Relaxed);
    for crowded in &CROWDED {
        crowded.store(0, Ordering::Relaxed);
    }
    for lost in &LOST {
        lost.store(0, Ordering::Relaxed);
    }
    for direct in &DIRECT {
        direct.store(0, Ordering::Relaxed);
    }
    HOLDING.forget();
    RING.renew();
}
