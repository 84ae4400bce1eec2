//! The system calls, and all the `unsafe` of this crate.
//!
//! Functions here take and return plain numbers and give the errno on failure; the modules above put them into words.
//! Masks go to the kernel as its own 8 bytes, so that nothing depends on the C library's larger set.
#![allow(unsafe_code)]

pub(crate) mod action;
pub(crate) mod alt_stack;
pub(crate) mod before;
pub(crate) mod child;
pub(crate) mod exec;
pub(crate) mod execve;
pub(crate) mod handler;
pub(crate) mod marker;
pub(crate) mod mask;
pub(crate) mod pidfd;
pub(crate) mod posix_timer;
#[cfg(feature = "tokio")]
pub(crate) mod reactor;
pub(crate) mod send;
pub(crate) mod sigaction;
pub(crate) mod siginfo;
pub(crate) mod signalfd;
#[cfg(feature = "started")]
pub(crate) mod started;
pub(crate) mod timer;

use std::sync::atomic::{AtomicPtr, Ordering};

use crate::Errno;

/// The size of the kernel's signal set in bytes, which its calls want to be told.
pub(crate) const MASK_SIZE: usize = 8;

/// A set as the kernel's words hold it, and back: those with the lower signals come first, which on a 32-bit machine that
/// is big-endian is not how a number of 64 bits lies in memory.
pub(crate) const fn kernel_set(bits: u64) -> u64 {
    if cfg!(all(target_pointer_width = "32", target_endian = "big")) {
        bits.rotate_left(32)
    } else {
        bits
    }
}

/// What a pointer has been set to by [`leak`].
pub(crate) fn leaked<T: Sync>(pointer: &AtomicPtr<T>) -> Option<&'static T> {
    // SAFETY: it is null, or was set by `leak` to memory that is never freed and only shared.
    unsafe { pointer.load(Ordering::Acquire).as_ref() }
}

/// Sets a pointer for good, unless it is set already: what it is set to now.
pub(crate) fn leak<T: Sync>(pointer: &AtomicPtr<T>, value: T) -> &'static T {
    let new = Box::into_raw(Box::new(value));
    let set = pointer.compare_exchange(
        std::ptr::null_mut(),
        new,
        Ordering::AcqRel,
        Ordering::Acquire,
    );
    let old = match set {
        Ok(_) => new,
        Err(old) => {
            // SAFETY: made above, and nobody else has seen it.
            drop(unsafe { Box::from_raw(new) });
            old
        }
    };
    // SAFETY: not null, and never freed.
    unsafe { &*old }
}

/// The result of a call that gives -1 on failure.
pub(crate) fn check(result: libc::c_long) -> Result<libc::c_long, Errno> {
    if result < 0 {
        Err(Errno::last())
    } else {
        Ok(result)
    }
}

/// Ends the process without anything of the program's being run: no destructors, no `atexit`.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: ends the process, without anything of the program's being run.
    unsafe { libc::_exit(code) }
}

/// `SIGRTMIN` of the C library.
pub(crate) fn rtmin() -> i32 {
    libc::SIGRTMIN()
}

/// `SIGRTMAX` of the C library.
pub(crate) fn rtmax() -> i32 {
    libc::SIGRTMAX()
}

/// The bits of the signals that the C library keeps for itself: 32 up to `SIGRTMIN`.
pub(crate) fn reserved_bits() -> u64 {
    (32..rtmin()).fold(0, |bits, number| bits | 1 << (number - 1))
}

/// The C library's words for a signal.
#[cfg(test)]
pub(crate) fn strsignal(number: i32) -> String {
    // SAFETY: strsignal takes any number and returns a string that lives until this thread's next call.
    let text = unsafe { std::ffi::CStr::from_ptr(libc::strsignal(number)) };
    text.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The C library's set begins with the kernel's.
    #[test]
    fn sets_lie_in_memory_as_the_kernel_has_them() {
        for number in (1..32).chain(rtmin()..=rtmax()) {
            // SAFETY: zero is an empty set.
            let mut set = unsafe { std::mem::zeroed::<libc::sigset_t>() };
            // SAFETY: the set is a valid one, and the number one that the C library takes.
            assert_eq!(unsafe { libc::sigaddset(&raw mut set, number) }, 0);
            // SAFETY: the set has at least 8 bytes, all of them written.
            let bytes = unsafe { (&raw const set).cast::<[u8; MASK_SIZE]>().read() };
            assert_eq!(
                bytes,
                kernel_set(1 << (number - 1)).to_ne_bytes(),
                "{number}"
            );
        }
    }
}
