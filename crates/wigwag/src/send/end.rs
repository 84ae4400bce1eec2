//! Ending oneself by a signal.

use crate::{Signal, disposition, mask, sys};

/// Ends this process by a signal, as if it had never been caught or blocked: for a program that has cleaned up after it.
///
/// Whoever waits for the process sees what ended it, which an exit status of 128 and the number does not say: a shell stops its script
/// after a command that INT ended, and goes on after one that exited. The disposition is set to the default, the calling thread opens its mask for the
/// signal, and raises it. Nothing else runs any more: no destructors, no `atexit`; output that a program buffers itself is to be written
/// before. Signals with a core dump dump it.
///
/// Where the signal does not end a process (its default action is to do nothing; or this is the init of a pid namespace, whom only what it
/// handles reaches) it exits with status 128 and the number, as a shell would say it; after a stop signal when it is continued.
///
/// ```no_run
/// use wigwag::{Signal, receive::Signals, send};
/// let signals = Signals::new([Signal::INT, Signal::TERM])?;
/// if let Some(received) = signals.next() {
///     // remove what is temporary
///     send::end_by(received.signal);
/// }
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn end_by(signal: Signal) -> ! {
    // KILL has no other disposition, and what the C library keeps for itself cannot be set: then the exit below is left.
    let _ = disposition::default(signal);
    mask::unblock(signal).keep();
    let _ = sys::send::tgkill(sys::send::getpid(), sys::send::gettid(), signal.number());
    sys::exit_now(128 + signal.number())
}
