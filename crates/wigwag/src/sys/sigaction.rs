//! The one public function of this crate that is unsafe: whose handler runs in signal context is for its caller to answer for.

use super::action::Action;
use crate::disposition::{self, Flags, Handler, Previous};
use crate::{Result, Signal, SignalSet};

/// Installs a handler of one's own in signal context, with a mask and flags: sigaction(2). Gives what was there before, which
/// [`Previous::restore`] puts back.
///
/// This is for what ordinary code cannot do: faults (SEGV, BUS, FPE, ILL), which are for the very thread that they interrupt,
/// and programs that want a handler and nothing else. [`receive`](mod@crate::receive) runs callbacks as ordinary code, in
/// which everything is allowed.
///
/// `mask` is blocked while the handler runs, and the signal itself without [`Flags::NODEFER`]; KILL, STOP and the signals that the
/// C library reserves are left out. [`Flags::SIGINFO`] follows from the handler, whatever the flags say.
///
/// The disposition is for all threads. A child made by fork has it too; in a program started by exec a signal with a handler
/// has its default action again.
///
/// # With `wigwag::receive`
/// Installed over a registration, the handler takes the registration's place: it gets nothing any more, nothing is called in
/// turn, and [`Registration::is_displaced`](crate::receive::Registration::is_displaced) says so. Restoring what was before
/// brings it back; dropping the registration meanwhile leaves this handler where it is (and what is restored then receives
/// for nobody). Installed *before* the first registration, it is called after the library's handler, with every signal
/// blocked instead of `mask`, and is put back by the last one that is dropped. A captured signal is blocked, so that its
/// handler does not run.
///
/// # Safety
/// A handler runs between any two instructions of any thread that does not block the signal, in the middle of an allocation or
/// with a lock held. Whoever installs one answers for this:
///
/// - It calls only what is async-signal-safe: the functions that signal-safety(7) lists, atomics that are lock-free, and of
///   this crate [`Siginfo::decode`](crate::info::Siginfo::decode), [`mask::current`](crate::mask::current),
///   [`send::raise`](crate::send::raise) and the like where they do not fail: an error allocates. It does not allocate or
///   free, take a lock, print, use thread-local variables that are made at first use, or wait for another thread.
/// - It shares with other code only atomics, and data that no thread changes at the same time: one that the handler may
///   interrupt counts as another thread. With [`Flags::NODEFER`], or for several signals, or in several threads, it runs more
///   than once at a time.
/// - It leaves errno as it found it, and does not unwind: a panic in an `extern "C"` function ends the program.
/// - For a fault that an instruction made, returning runs the instruction again; unless the handler changed the cause, for
///   ever. It must not return where the program would go on from what is undefined. Over SEGV and BUS it replaces the
///   standard library's, which tells of a stack overflow; at such a one it has no stack to run on without [`Flags::ONSTACK`]
///   and a stack for it ([`AltStack`](crate::disposition::AltStack)).
/// - It stays valid, for this signal, for as long as it can be called: while it is installed, while a [`Previous`] that names
///   it can be restored, and while a handler that was installed later may call it, as the library's does. A function of the
///   program itself always is; one of a shared library not once that is unloaded.
/// - In a child made by vfork(2), its memory is the parent's.
///
/// With [`Handler::Default`] and [`Handler::Ignore`] none of this is asked for.
///
/// # Errors
/// EINVAL: the signal is KILL or STOP, or one that the C library reserves.
///
/// ```
/// use std::ffi::c_int;
/// use std::sync::atomic::{AtomicI32, Ordering};
/// use wigwag::disposition::{self, Flags, Handler, Handling};
/// use wigwag::{Signal, send};
/// static LAST: AtomicI32 = AtomicI32::new(0);
/// extern "C" fn note(signal: c_int) {
///     LAST.store(signal, Ordering::Relaxed);
/// }
/// // SAFETY: `note` only stores to an atomic, and is there as long as the program.
/// let before = unsafe {
///     disposition::sigaction(Signal::FPE, Handler::Function(note), [Signal::TERM], Flags::RESTART)?
/// };
/// send::raise(Signal::FPE)?;
/// assert_eq!(LAST.load(Ordering::Relaxed), Signal::FPE.number());
/// let ours = before.restore()?;
/// assert!(matches!(ours.disposition().handling, Handling::Caught(_)));
/// assert!(ours.disposition().mask.contains(Signal::TERM));
/// # Ok::<(), wigwag::Error>(())
/// ```
#[doc(alias = "signal")]
pub unsafe fn sigaction(
    signal: Signal,
    handler: Handler,
    mask: impl Into<SignalSet>,
    flags: Flags,
) -> Result<Previous> {
    let (address, with_info) = handler.address();
    // Not `from_bits_retain`'s: SA_RESTORER, say, is the C library's.
    let mut flags = flags & Flags::all();
    flags.set(Flags::SIGINFO, with_info);
    let action = Action::with_mask(address, flags.bits(), mask.into().bits());
    disposition::put(signal, &action)
}
