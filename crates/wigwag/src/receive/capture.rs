//! Blocking signals in the whole program, so that whoever waits takes them.

use std::sync::atomic::{AtomicU64, Ordering};

use super::shared;
use crate::{Errno, Error, Result, Signal, SignalSet, mask, sys};

/// What the first thread blocked before.
static BEFORE: AtomicU64 = AtomicU64::new(0);

pub(crate) fn before() -> u64 {
    BEFORE.load(Ordering::Relaxed)
}

/// What is never captured: a fault that happens while its signal is blocked ends the process; ABRT is how a program ends itself;
/// and the stop signals of the terminal would do nothing any more.
const NEVER: SignalSet = SignalSet::of(&[
    Signal::KILL,
    Signal::STOP,
    Signal::ABRT,
    Signal::TSTP,
    Signal::TTIN,
    Signal::TTOU,
]);

/// Blocks these signals in every thread of this program from now on: they are *captured*. The first thing in `main`.
///
/// Captured signals interrupt nothing: they wait in the kernel, in order, until whoever receives them takes them. Left out are
/// those that must never be blocked: KILL, STOP, the faults ([`SignalSet::FAULTS`]), ABRT, and the terminal's stop signals. What
/// is captured is given back.
///
/// Threads made from now on inherit the mask, and so do children: a program started by exec has these signals blocked unless its
/// [`Command`](std::process::Command) is told [`signals_as_before`](crate::exec::CommandSignals::signals_as_before). A child made by
/// fork(2) has the mask from before this call.
///
/// # Errors
/// EBUSY: the program has other threads already, which would not block them and be ended by them. EEXIST: another copy of this
/// crate in the process has captured signals; a signal has one taker.
///
/// ```
/// use wigwag::{Signal, mask, receive};
/// let captured = receive::block_everywhere([Signal::INT, Signal::TERM, Signal::HUP])?;
/// assert!(mask::current().is_superset(captured));
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn block_everywhere(set: impl Into<SignalSet>) -> Result<SignalSet> {
    let set = set.into().without_reserved() - NEVER - SignalSet::FAULTS;
    let failed = |errno| Error::new(format!("block {set} in the whole program"), errno);
    if sys::handler::is_single_threaded() == Some(false) {
        return Err(failed(Errno::BUSY)
            .with_note("other threads run already, and do not block them: call it first in main"));
    }
    let hub = super::hub::hub()?;
    if !sys::marker::claim(super::hub::address(hub)) {
        return Err(failed(Errno::EXIST)
            .with_note("another copy of wigwag in this process has captured signals"));
    }
    let before = mask::block(set);
    let first = shared::CAPTURED.fetch_or(set.bits(), Ordering::AcqRel) == 0;
    if first {
        BEFORE.store(before.before().bits(), Ordering::Relaxed);
    }
    before.keep();
    Ok(set)
}
