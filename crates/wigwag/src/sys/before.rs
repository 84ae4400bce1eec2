//! The mask and the ignored signals from before this crate first changed any: what a program that is started is to have.
//!
//! Atomics and system calls only, so that whatever changes something may remember first, in signal context too.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{action, mask, reserved_bits};

/// Says that a word has been written: the bit of KILL, which can be neither blocked nor ignored.
const WRITTEN: u64 = 1 << (libc::SIGKILL - 1);

static MASK: AtomicU64 = AtomicU64::new(0);
static IGNORED: AtomicU64 = AtomicU64::new(0);

/// What it was before, or, where nothing has been changed, is now. Of two threads that come at the same time, the one whose word is
/// kept has read before either changes anything.
fn remembered(word: &AtomicU64, now: impl FnOnce() -> u64) -> u64 {
    let mut before = word.load(Ordering::Acquire);
    if before == 0 {
        let new = now() | WRITTEN;
        let kept = word.compare_exchange(0, new, Ordering::AcqRel, Ordering::Acquire);
        before = kept.map_or_else(|kept| kept, |_| new);
    }
    before & !WRITTEN
}

/// The mask of the thread that first changed its own by this crate.
pub(crate) fn mask() -> u64 {
    remembered(&MASK, || mask::change(libc::SIG_BLOCK, 0).unwrap_or(0))
}

/// What the process ignored.
pub(crate) fn ignored() -> u64 {
    remembered(&IGNORED, ignored_now)
}

/// What the process ignores.
pub(crate) fn ignored_now() -> u64 {
    changeable()
        .filter(|number| action::get(*number).is_ok_and(|action| action.handler() == libc::SIG_IGN))
        .fold(0, |bits, number| bits | 1 << (number - 1))
}

/// The signals whose disposition can be changed.
pub(crate) fn changeable() -> impl Iterator<Item = i32> {
    let never = 1 << (libc::SIGKILL - 1) | 1 << (libc::SIGSTOP - 1) | reserved_bits();
    (1..=64).filter(move |number| never & 1 << (number - 1) == 0)
}
