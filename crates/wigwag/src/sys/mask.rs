//! The calling thread's mask, pending signals, and the calls that wait for a signal.

use std::mem::MaybeUninit;
use std::time::Duration;

use super::siginfo::{self, RawInfo};
use super::{MASK_SIZE, check, kernel_set};
use crate::Errno;

/// rt_sigprocmask(2) with `SIG_BLOCK`, `SIG_UNBLOCK` or `SIG_SETMASK`; gives the mask before.
pub(crate) fn change(how: i32, bits: u64) -> Result<u64, Errno> {
    if how == libc::SIG_SETMASK || bits != 0 {
        // Remembered before the first change.
        super::before::mask();
    }
    let bits = kernel_set(bits);
    let mut before = 0_u64;
    // SAFETY: the kernel reads 8 bytes at the first pointer and writes 8 at the second.
    check(unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            how,
            &raw const bits,
            &raw mut before,
            MASK_SIZE,
        )
    })?;
    Ok(kernel_set(before))
}

/// rt_sigpending(2): pending for the thread or for the process, and blocked.
pub(crate) fn pending() -> Result<u64, Errno> {
    let mut bits = 0_u64;
    // SAFETY: the kernel writes 8 bytes at the pointer.
    check(unsafe { libc::syscall(libc::SYS_rt_sigpending, &raw mut bits, MASK_SIZE) })?;
    Ok(kernel_set(bits))
}

/// rt_sigtimedwait(2); no timeout waits without end.
pub(crate) fn timedwait(bits: u64, timeout: Option<Duration>) -> Result<RawInfo, Errno> {
    let bits = kernel_set(bits);
    let timeout = timeout.map(|timeout| libc::timespec {
        tv_sec: timeout.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: timeout.subsec_nanos() as _,
    });
    let limit = timeout
        .as_ref()
        .map_or(std::ptr::null(), std::ptr::from_ref);
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: the kernel reads 8 bytes of mask and, where it is not null, a timespec, and writes one siginfo.
    check(unsafe {
        libc::syscall(
            libc::SYS_rt_sigtimedwait,
            &raw const bits,
            info.as_mut_ptr(),
            limit,
            MASK_SIZE,
        )
    })?;
    // SAFETY: zeroed before, and written by the kernel since: every byte is initialised, and all values are valid.
    Ok(siginfo::of_siginfo(unsafe { info.assume_init_ref() }))
}

/// rt_sigsuspend(2): returns when a handler has run.
pub(crate) fn suspend(bits: u64) -> Errno {
    let bits = kernel_set(bits);
    // SAFETY: the kernel reads 8 bytes at the pointer.
    unsafe { libc::syscall(libc::SYS_rt_sigsuspend, &raw const bits, MASK_SIZE) };
    Errno::last()
}

/// pause(2): returns when a handler has run.
pub(crate) fn pause() -> Errno {
    // SAFETY: takes nothing.
    unsafe { libc::pause() };
    Errno::last()
}
