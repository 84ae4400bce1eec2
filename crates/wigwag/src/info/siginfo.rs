//! What a handler of [`sigaction`](crate::disposition::sigaction) gets.

use std::ffi::c_void;
use std::fmt;

use super::SignalInfo;
use crate::sys::siginfo;

/// The kernel's `siginfo_t`, as it is given to a handler: the type of the reference in
/// [`Handler::WithInfo`](crate::disposition::Handler::WithInfo), which is a `siginfo_t *` of C. Nothing else makes one.
#[repr(transparent)]
pub struct Siginfo(libc::siginfo_t);

impl Siginfo {
    /// What it says. Async-signal-safe: it allocates nothing and calls nobody. `None` for a number that is no signal, which the
    /// kernel never gives.
    ///
    /// ```
    /// use std::ffi::{c_int, c_void};
    /// use std::sync::atomic::{AtomicI32, Ordering};
    /// use wigwag::disposition::{self, Flags, Handler};
    /// use wigwag::info::Siginfo;
    /// use wigwag::{Signal, SignalSet, send};
    /// static VALUE: AtomicI32 = AtomicI32::new(0);
    /// extern "C" fn keep(_: c_int, info: &Siginfo, _: *mut c_void) {
    ///     if let Some(value) = info.decode().and_then(|info| info.value()) {
    ///         VALUE.store(value, Ordering::Relaxed);
    ///     }
    /// }
    /// // SAFETY: `keep` uses an atomic and `decode`, and is there as long as the program.
    /// unsafe { disposition::sigaction(Signal::USR1, Handler::WithInfo(keep), SignalSet::EMPTY, Flags::RESTART)? };
    /// send::queue_thread(send::process_id(), send::thread_id(), Signal::USR1, 42)?;
    /// assert_eq!(VALUE.load(Ordering::Relaxed), 42);
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[must_use]
    pub fn decode(&self) -> Option<SignalInfo> {
        SignalInfo::from_raw(&siginfo::of_siginfo(&self.0))
    }

    /// Where it lies, for code that has a `siginfo_t` of its own: 128 bytes, until the handler returns.
    ///
    /// ```
    /// # use wigwag::info::Siginfo;
    /// extern "C" fn handler(_: std::ffi::c_int, info: &Siginfo, _: *mut std::ffi::c_void) {
    ///     assert!(!info.as_ptr().is_null());
    /// }
    /// ```
    #[must_use]
    pub fn as_ptr(&self) -> *const c_void {
        std::ptr::from_ref(self).cast()
    }
}

impl fmt::Debug for Siginfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Siginfo").field(&self.decode()).finish()
    }
}
