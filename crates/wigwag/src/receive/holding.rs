//! The threads that hold signals back, which the library's thread takes from the kernel meanwhile, and asks them to open again.
//!
//! A signal has one taker, or there would be no order: while a thread holds it back, the library's thread; from the moment the thread
//! is asked, nobody, until it opens, or the request is withdrawn. Which of the two happens is decided by one exchange.

#[cfg(loom)]
use loom::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};

/// A thread that has signals held back.
struct Holder {
    /// Its id, 0 for a free place.
    tid: AtomicI32,
    bits: AtomicU64,
    /// [`HOLDS`], [`ASKED`] or [`OPENS`].
    state: AtomicU32,
}

/// It holds back: the library's thread takes what others do not see.
const HOLDS: u32 = 0;
/// It has been asked to open again, which may happen at any time.
const ASKED: u32 = 1;
/// It opens: it is too late to withdraw the request, and what it held back may come to it before this is changed again.
const OPENS: u32 = 2;

/// How sending a request went.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Sent,
    /// The thread has ended.
    Gone,
    NotNow,
}

/// What threads hold back. For the library's thread.
#[derive(Clone, Copy, Default)]
pub(crate) struct Held {
    /// What the library's thread takes from the kernel.
    pub(crate) taken: u64,
    /// All, but for what has been asked for.
    pub(crate) bits: u64,
    /// What threads have been asked for, and have not answered.
    pub(crate) asked: u64,
    /// What of that the library's thread could take if the request were withdrawn.
    pub(crate) wanted: u64,
}

/// At most `MOST` threads that hold signals back.
pub(crate) struct Holding<const MOST: usize> {
    holders: [Holder; MOST],
    /// What some thread holds back, or more.
    any: AtomicU64,
}

impl Holder {
    #[cfg(not(loom))]
    const fn new() -> Holder {
        Holder {
            tid: AtomicI32::new(0),
            bits: AtomicU64::new(0),
            state: AtomicU32::new(HOLDS),
        }
    }

    #[cfg(loom)]
    fn new() -> Holder {
        Holder {
            tid: AtomicI32::new(0),
            bits: AtomicU64::new(0),
            state: AtomicU32::new(HOLDS),
        }
    }

    fn free(&self) -> u64 {
        let bits = self.bits.swap(0, Ordering::AcqRel);
        self.tid.store(0, Ordering::Release);
        bits
    }

    fn change(&self, from: u32, to: u32) -> bool {
        let changed = self
            .state
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed);
        changed.is_ok()
    }
}

impl<const MOST: usize> Holding<MOST> {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Holding<MOST> {
        Holding {
            holders: [const { Holder::new() }; MOST],
            any: AtomicU64::new(0),
        }
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Holding<MOST> {
        Holding {
            holders: std::array::from_fn(|_| Holder::new()),
            any: AtomicU64::new(0),
        }
    }

    fn of(&self, tid: i32) -> Option<&Holder> {
        let mine = |holder: &&Holder| holder.tid.load(Ordering::Relaxed) == tid;
        self.holders.iter().find(mine)
    }

    /// Notes that the calling thread holds these back. False where no place is left: then it must not. Signal context.
    pub(crate) fn hold(&self, tid: i32, bits: u64) -> bool {
        let claim = |holder: &&Holder| {
            let claimed = holder
                .tid
                .compare_exchange(0, tid, Ordering::AcqRel, Ordering::Relaxed);
            claimed.is_ok()
        };
        let holder = self.of(tid).or_else(|| self.holders.iter().find(claim));
        let Some(holder) = holder else { return false };
        holder.bits.fetch_or(bits, Ordering::AcqRel);
        // A request that has been made before is void.
        holder.state.store(HOLDS, Ordering::Release);
        self.any.fetch_or(bits, Ordering::AcqRel);
        true
    }

    /// What the calling thread holds back, which it opens now. Not while the library's thread runs.
    pub(crate) fn release(&self, tid: i32) -> u64 {
        self.of(tid).map_or(0, Holder::free)
    }

    /// What the calling thread holds back and is to open, if it has been asked to: all but `full`. Signal context, or with all
    /// signals blocked.
    pub(crate) fn release_if_asked(&self, tid: i32, full: u64) -> u64 {
        let Some(holder) = self.of(tid).filter(|holder| holder.change(ASKED, OPENS)) else {
            return 0;
        };
        // Nobody else changes them while the thread lives.
        let bits = holder.bits.fetch_and(full, Ordering::AcqRel);
        holder.state.store(HOLDS, Ordering::Release);
        if bits & full == 0 {
            holder.tid.store(0, Ordering::Release);
        }
        bits & !full
    }

    /// What is held back; `shared` is seen by others, too. The library's thread.
    pub(crate) fn held(&self, shared: u64) -> Held {
        let mut held = Held::default();
        // Cleared before looking: a thread notes its signal first, and then sets the bit.
        if self.any.swap(0, Ordering::AcqRel) == 0 {
            return held;
        }
        for holder in &self.holders {
            let tid = holder.tid.load(Ordering::Acquire);
            // Before the bits: one that opens changes its state first, and back when its bits are gone.
            let state = holder.state.load(Ordering::Acquire);
            let bits = holder.bits.load(Ordering::Acquire);
            match state {
                _ if tid == 0 => {}
                HOLDS => held.bits |= bits,
                _ => held.asked |= bits,
            }
        }
        self.any.fetch_or(held.bits | held.asked, Ordering::AcqRel);
        held.taken = held.bits & !shared;
        held.wanted = held.asked & !shared;
        held
    }

    /// Asks every thread that holds back others than `full` to open those again. Threads that have ended are forgotten. Whether
    /// there is one that has been asked. The library's thread.
    pub(crate) fn ask(&self, full: u64, send: impl Fn(i32) -> Answer) -> bool {
        let mut any = false;
        for holder in &self.holders {
            let tid = holder.tid.load(Ordering::Acquire);
            let bits = holder.bits.load(Ordering::Acquire);
            if tid == 0 || bits & !full == 0 || !holder.change(HOLDS, ASKED) {
                continue;
            }
            match send(tid) {
                Answer::Sent => any = true,
                Answer::NotNow => drop(holder.change(ASKED, HOLDS)),
                Answer::Gone => {
                    holder.change(ASKED, HOLDS);
                    holder.free();
                }
            }
        }
        any
    }

    /// Takes every request back that has not been answered. The library's thread.
    pub(crate) fn withdraw(&self) {
        for holder in &self.holders {
            holder.change(ASKED, HOLDS);
        }
    }

    /// Nobody holds anything back.
    pub(crate) fn forget(&self) {
        self.any.store(0, Ordering::Relaxed);
        for holder in &self.holders {
            holder.free();
            holder.state.store(HOLDS, Ordering::Relaxed);
        }
    }
}
