//! The calling thread's mask: which signals wait until they are unblocked.
//!
//! Every thread has a mask of its own. A new thread begins with its creator's, a child made by fork with that of the
//! forking thread, and a program started by exec keeps it. A blocked signal stays pending, for the thread if it was
//! sent to the thread, else for the process, and any thread that does not block it may take it then. A child made by
//! fork begins with nothing pending; exec keeps what is pending.
//!
//! KILL and STOP cannot be blocked, and the signals that the C library keeps for itself are left as they are: naming
//! them in a set changes nothing. A fault that happens while its signal is blocked ends the process all the same.
//!
//! ```
//! use wigwag::{Signal, SignalSet, mask, send, wait};
//! let guard = mask::block([Signal::USR1, Signal::USR2]);
//! send::raise(Signal::USR1)?;
//! assert_eq!(mask::pending(), SignalSet::from(Signal::USR1));
//! assert_eq!(wait::wait(Signal::USR1)?, Signal::USR1); // taken: nothing is pending any more
//! drop(guard);
//! assert!(!mask::current().contains(Signal::USR2));
//! # Ok::<(), wigwag::Error>(())
//! ```

use std::marker::PhantomData;

use crate::{SignalSet, sys};

/// Puts the thread's mask back to what it was when it was made, on being dropped.
///
/// Guards that overlap are to be dropped in the reverse order, as variables of a block are: each puts back the mask that it
/// found. One kept in a struct, or dropped by hand, can end too early; nothing checks that. It cannot go to another thread:
///
/// ```compile_fail,E0277
/// let guard = wigwag::mask::block(wigwag::Signal::HUP);
/// std::thread::spawn(move || drop(guard));
/// ```
#[derive(Debug)]
#[must_use = "the mask is put back as soon as the guard is dropped; `keep` leaves it"]
pub struct MaskGuard {
    before: SignalSet,
    /// A mask is its thread's: neither `Send` nor `Sync`.
    thread: PhantomData<*const ()>,
}

impl MaskGuard {
    /// The mask that will be put back: all of it, also a signal that the C library reserves.
    ///
    /// ```
    /// use wigwag::{Signal, mask};
    /// let before = mask::current();
    /// let guard = mask::block(Signal::HUP);
    /// assert_eq!(guard.before(), before);
    /// ```
    #[must_use]
    pub fn before(&self) -> SignalSet {
        self.before
    }

    /// Leaves the mask as it is now. For a program that blocks a signal once and for all, before its first thread is made.
    ///
    /// ```
    /// use wigwag::{Signal, mask};
    /// mask::block(Signal::TERM).keep();
    /// assert!(mask::current().contains(Signal::TERM));
    /// let inherited = std::thread::spawn(mask::current).join().unwrap();
    /// assert!(inherited.contains(Signal::TERM));
    /// ```
    pub fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for MaskGuard {
    fn drop(&mut self) {
        // All of it, also a reserved signal that whoever started this program had blocked.
        change(libc::SIG_SETMASK, self.before);
    }
}

/// Blocks these signals too, in the calling thread, until the guard is dropped: rt_sigprocmask(2) with `SIG_BLOCK`, which
/// is pthread_sigmask(3).
///
/// Other threads are not changed; those made while the guard lives begin with the signals blocked, as do children made by
/// fork and programs started by exec. KILL, STOP and the reserved signals are left out. Cannot fail.
///
/// ```
/// use wigwag::{Signal, mask, send};
/// let guard = mask::block(Signal::TERM);
/// send::raise(Signal::TERM)?; // would end the program
/// assert!(mask::pending().contains(Signal::TERM));
/// # wigwag::wait::wait(Signal::TERM)?;
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn block(set: impl Into<SignalSet>) -> MaskGuard {
    guarded(libc::SIG_BLOCK, set.into().without_reserved())
}

/// Unblocks these signals in the calling thread until the guard is dropped: rt_sigprocmask(2) with `SIG_UNBLOCK`. What was
/// pending of them is delivered before this returns. Cannot fail.
///
/// ```
/// use wigwag::{Signal, mask, send};
/// let blocked = mask::block(Signal::WINCH);
/// send::raise(Signal::WINCH)?;
/// assert!(mask::pending().contains(Signal::WINCH));
/// let open = mask::unblock(Signal::WINCH); // delivered, and ignored by default
/// assert!(mask::pending().is_empty());
/// drop(open);
/// assert!(mask::current().contains(Signal::WINCH));
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn unblock(set: impl Into<SignalSet>) -> MaskGuard {
    guarded(libc::SIG_UNBLOCK, set.into().without_reserved())
}

/// Makes this set the mask of the calling thread until the guard is dropped: rt_sigprocmask(2) with `SIG_SETMASK`. What was
/// pending and is not in the set is delivered before this returns. The reserved signals stay as they are. Cannot fail.
///
/// ```
/// use wigwag::{Signal, SignalSet, mask};
/// let outer = mask::block(Signal::HUP);
/// let inner = mask::set(SignalSet::ALL - SignalSet::FAULTS);
/// assert!(mask::current().contains(Signal::TERM) && !mask::current().contains(Signal::SEGV));
/// drop(inner);
/// assert!(mask::current().contains(Signal::HUP) && !mask::current().contains(Signal::TERM));
/// ```
pub fn set(set: impl Into<SignalSet>) -> MaskGuard {
    guarded(libc::SIG_SETMASK, with_reserved_as_now(set.into()))
}

/// The mask of the calling thread: rt_sigprocmask(2). Cannot fail.
///
/// ```
/// use wigwag::{Signal, mask};
/// let guard = mask::block(Signal::INT);
/// assert!(mask::current().contains(Signal::INT));
/// assert!(!mask::current().contains(Signal::KILL)); // can never be blocked
/// ```
#[must_use]
pub fn current() -> SignalSet {
    change(libc::SIG_BLOCK, SignalSet::EMPTY)
}

/// The signals that wait because they are blocked, sent to the calling thread or to the process: rt_sigpending(2). Those sent
/// to other threads are not among them. Cannot fail.
///
/// ```
/// use wigwag::{Signal, SignalSet, mask, send, wait};
/// let guard = mask::block([Signal::USR1, Signal::USR2]);
/// send::send(send::process_id(), Signal::USR2)?;
/// assert_eq!(mask::pending(), SignalSet::from(Signal::USR2));
/// wait::wait(Signal::USR2)?;
/// assert!(mask::pending().is_empty());
/// # Ok::<(), wigwag::Error>(())
/// ```
#[must_use]
pub fn pending() -> SignalSet {
    SignalSet::from_bits(sys::mask::pending().unwrap_or(0))
}

/// The set for a call that replaces the mask, so that it leaves the reserved signals as they are.
pub(crate) fn with_reserved_as_now(set: SignalSet) -> SignalSet {
    let now = current();
    set.without_reserved() | (now - now.without_reserved())
}

fn guarded(how: i32, set: SignalSet) -> MaskGuard {
    MaskGuard {
        before: change(how, set),
        thread: PhantomData,
    }
}

/// The kernel refuses only bad pointers and an unknown `how`, neither of which can be here.
fn change(how: i32, set: SignalSet) -> SignalSet {
    SignalSet::from_bits(sys::mask::change(how, set.bits()).unwrap_or(0))
}
