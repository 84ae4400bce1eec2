//! Whether the library's thread sleeps, so that only then a system call is made to wake it.
//!
//! Whoever has put something into the ring looks here afterwards; the thread says that it is about to sleep before it looks into the
//! ring for the last time. One of the two sees the other.

#[cfg(loom)]
use loom::sync::atomic::{AtomicI32, Ordering, fence};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicI32, Ordering, fence};

/// 0 while it does not sleep, else how it does.
pub(crate) struct Sleeper(AtomicI32);

impl Sleeper {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Sleeper {
        Sleeper(AtomicI32::new(0))
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Sleeper {
        Sleeper(AtomicI32::new(0))
    }

    /// The word, to sleep on.
    #[cfg(not(loom))]
    pub(crate) fn word(&self) -> &AtomicI32 {
        &self.0
    }

    /// After something has been done that it is to see: how it sleeps, if it does and nobody else wakes it. Signal context.
    pub(crate) fn to_wake(&self) -> Option<i32> {
        fence(Ordering::SeqCst);
        if self.0.load(Ordering::Relaxed) == 0 {
            return None;
        }
        Some(self.0.swap(0, Ordering::AcqRel)).filter(|how| *how != 0)
    }

    /// Says how it is going to sleep. Afterwards it looks whether there is something to do, and sleeps if not.
    pub(crate) fn about_to_sleep(&self, how: i32) {
        // An exchange, so that what others have written here before comes before it for loom, too, which does not order a store
        // after an exchange by what that one has read.
        self.0.swap(how, Ordering::AcqRel);
        fence(Ordering::SeqCst);
    }

    /// It does not sleep any more.
    pub(crate) fn awake(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}
