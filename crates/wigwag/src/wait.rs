//! Waiting for a signal as ordinary code: the sigwait family, pause, sigsuspend.
//!
//! What is waited for by [`wait`] and its relatives must be blocked first, in every thread (block it before the first
//! thread is made): a signal that nobody blocks has its effect at once when nobody happens to wait. It is then taken
//! from the pending ones: no handler runs, no default action happens. Of several pending ones the standard signal with
//! the lowest number comes first, then the real-time ones by number, and those of one number in the order of sending.
//! A signal that is ignored is thrown away on arrival, except where it is blocked.
//!
//! A handler of another signal that runs meanwhile does not end these calls, nor does a stop and continue (both give
//! EINTR in the C library's); [`interruptible`] tells of them. [`pause`] and [`suspend`] are the ones that wait for a
//! handler to run.

use std::time::{Duration, Instant};

use crate::{Errno, Error, Result, Signal, SignalInfo, SignalSet, sys};

/// Waits for one of these signals and takes it: sigwait(3).
///
/// # Errors
/// EINVAL: nothing in the set can ever come: it is empty, or has only KILL, STOP and what the C library reserves (the C
/// library would wait for ever).
///
/// ```
/// use wigwag::{Signal, mask, send, wait};
/// let guard = mask::block(Signal::HUP);
/// send::raise(Signal::HUP)?;
/// assert_eq!(wait::wait(Signal::HUP)?, Signal::HUP);
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn wait(set: impl Into<SignalSet>) -> Result<Signal> {
    wait_info(set).map(|info| info.signal)
}

/// Waits for one of these signals, takes it, and tells who sent it and how: sigwaitinfo(2).
///
/// # Errors
/// EINVAL: as [`wait`].
///
/// ```
/// use wigwag::{Cause, Signal, mask, send, wait};
/// let guard = mask::block(Signal::USR1);
/// send::raise(Signal::USR1)?;
/// let info = wait::wait_info(Signal::USR1)?;
/// assert!(matches!(info.cause, Cause::Thread { pid, .. } if pid == send::process_id()));
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn wait_info(set: impl Into<SignalSet>) -> Result<SignalInfo> {
    let set = set.into();
    loop {
        if let Some(info) = once(set, None)? {
            return Ok(info);
        }
    }
}

/// Waits at most so long: sigtimedwait(2). `None` when the time is over, which is no error. Time during which the machine
/// sleeps does not count.
///
/// # Errors
/// EINVAL: as [`wait`].
///
/// ```
/// use std::time::Duration;
/// use wigwag::{Signal, mask, wait};
/// let guard = mask::block(Signal::USR1);
/// assert_eq!(wait::wait_timeout(Signal::USR1, Duration::from_millis(1))?, None);
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn wait_timeout(set: impl Into<SignalSet>, timeout: Duration) -> Result<Option<SignalInfo>> {
    let set = set.into();
    let Some(deadline) = Instant::now().checked_add(timeout) else {
        return wait_info(set).map(Some);
    };
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match once(set, Some(left))? {
            None if Instant::now() < deadline => {}
            result => return Ok(result),
        }
    }
}

/// Takes one of these signals if one is pending, without waiting: sigtimedwait(2) with a time of zero.
///
/// # Errors
/// EINVAL: as [`wait`].
///
/// ```
/// use wigwag::{Signal, mask, send, wait};
/// let guard = mask::block(Signal::USR1);
/// assert_eq!(wait::try_wait(Signal::USR1)?, None);
/// send::raise(Signal::USR1)?;
/// assert!(wait::try_wait(Signal::USR1)?.is_some());
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn try_wait(set: impl Into<SignalSet>) -> Result<Option<SignalInfo>> {
    once(set.into(), Some(Duration::ZERO))
}

/// The kernel would leave these out of the set, and wait for ever.
const NOTHING: &str = "no signal of the set can be waited for: KILL, STOP and those that the C library keeps never can";

/// Waits once, as the system call does: sigtimedwait(2), or sigwaitinfo(2) where no time is given. `None` when the time is
/// over.
///
/// # Errors
/// EINTR: a handler of another signal has run, or the process was stopped and goes on. EINVAL: as [`wait`].
///
/// ```
/// use std::time::Duration;
/// use wigwag::{Signal, mask, send, wait};
/// let guard = mask::block(Signal::HUP);
/// assert_eq!(wait::interruptible(Signal::HUP, Some(Duration::ZERO))?, None);
/// send::raise(Signal::HUP)?;
/// assert!(wait::interruptible(Signal::HUP, None)?.is_some());
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn interruptible(
    set: impl Into<SignalSet>,
    timeout: Option<Duration>,
) -> Result<Option<SignalInfo>> {
    let set = set.into();
    let error = |errno| {
        Err(Error::new(
            format!(
                "wait for {}",
                if set.is_empty() {
                    "no signal".into()
                } else {
                    set.to_string()
                }
            ),
            errno,
        ))
    };
    let awaited = set.without_reserved() - SignalSet::of(&[Signal::KILL, Signal::STOP]);
    if awaited.is_empty() {
        return error(Errno::INVAL).map_err(|error| error.with_note(NOTHING));
    }
    match sys::mask::timedwait(awaited.bits(), timeout) {
        Ok(raw) => Ok(SignalInfo::from_raw(&raw)),
        Err(Errno::AGAIN) if timeout.is_some() => Ok(None),
        Err(errno) => error(errno),
    }
}

/// Waits once; an interruption looks like a time that is over.
fn once(set: SignalSet, timeout: Option<Duration>) -> Result<Option<SignalInfo>> {
    match interruptible(set, timeout) {
        Err(error) if error.errno() == Errno::INTR => Ok(None),
        result => result,
    }
}

/// Waits until a handler has run in this thread: pause(2). Signals that are ignored, blocked, or stop and continue the
/// process do not end it.
///
/// A handler that runs just before the call is missed; [`suspend`] has no such gap.
///
/// ```no_run
/// wigwag::wait::pause();
/// ```
pub fn pause() {
    sys::mask::pause();
}

/// Makes this set the thread's mask, waits until a handler has run, and puts the mask back, in one step:
/// sigsuspend(2). With the awaited signal blocked before, none can be missed.
///
/// ```no_run
/// use wigwag::{Signal, mask, wait};
/// let guard = mask::block(Signal::USR1);
/// // ... look whether there is work; if there is none:
/// wait::suspend(guard.before());
/// ```
pub fn suspend(mask: impl Into<SignalSet>) {
    sys::mask::suspend(crate::mask::with_reserved_as_now(mask.into()).bits());
}
