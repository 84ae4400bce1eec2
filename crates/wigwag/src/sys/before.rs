//! The mask and the ignored signals from before this crate first changed any: what a program that is started is to have.
//!
//! Atomics and system calls only, so that whatever changes something may remember first, in signal context too.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::{action, mask, reserved_bits};

/// Says that the mask has been read: the bit of KILL, which cannot be blocked.
const READ: u64 = 1 << (libc::SIGKILL - 1);

static MASK: AtomicU64 = AtomicU64::new(0);

/// Of each signal, by its number: 0 not read yet, 1 not ignored, 2 ignored.
static IGNORED: [AtomicU8; 65] = [const { AtomicU8::new(0) }; 65];

/// The mask of the thread that first changed its own by this crate; where none has, the caller's now. Of two threads that come
/// at the same time, the one whose word is kept has read before either changes anything.
pub(crate) fn mask() -> u64 {
    let mut before = MASK.load(Ordering::Acquire);
    if before == 0 {
        let now = mask::change(libc::SIG_BLOCK, 0).unwrap_or(0) | READ;
        let kept = MASK.compare_exchange(0, now, Ordering::AcqRel, Ordering::Acquire);
        before = kept.map_or_else(|kept| kept, |_| now);
    }
    before & !READ
}

/// Whether a signal was ignored before the crate first changed it, or, where it has not, is now.
pub(crate) fn was_ignored(number: i32) -> bool {
    let word = usize::try_from(number).ok().and_then(|n| IGNORED.get(n));
    // No such number: nothing is ever changed.
    let Some(word) = word else { return false };
    let mut before = word.load(Ordering::Acquire);
    if before == 0 {
        let now = 1 + u8::from(is_ignored(number));
        let kept = word.compare_exchange(0, now, Ordering::AcqRel, Ordering::Acquire);
        before = kept.map_or_else(|kept| kept, |_| now);
    }
    before == 2
}

fn is_ignored(number: i32) -> bool {
    action::get(number).is_ok_and(|action| action.handler() == libc::SIG_IGN)
}

/// What the process ignored.
pub(crate) fn ignored() -> u64 {
    bits(was_ignored)
}

/// What the process ignores.
pub(crate) fn ignored_now() -> u64 {
    bits(is_ignored)
}

fn bits(which: fn(i32) -> bool) -> u64 {
    changeable()
        .filter(|number| which(*number))
        .fold(0, |bits, number| bits | 1 << (number - 1))
}

/// The signals whose disposition can be changed.
pub(crate) fn changeable() -> impl Iterator<Item = i32> {
    let never = 1 << (libc::SIGKILL - 1) | 1 << (libc::SIGSTOP - 1) | reserved_bits();
    (1..=64).filter(move |number| never & 1 << (number - 1) == 0)
}
