//! signalfd.

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::siginfo::{self, RawInfo};
use super::{MASK_SIZE, check, kernel_set};
use crate::Errno;

/// How many signals one read takes at most.
pub(crate) const BATCH: usize = 128;

/// signalfd4(2): a new descriptor, close-on-exec.
pub(crate) fn create(bits: u64, nonblocking: bool) -> Result<OwnedFd, Errno> {
    let bits = kernel_set(bits);
    let flags = libc::SFD_CLOEXEC | if nonblocking { libc::SFD_NONBLOCK } else { 0 };
    // SAFETY: the kernel reads 8 bytes at the pointer.
    let fd = check(unsafe {
        libc::syscall(libc::SYS_signalfd4, -1, &raw const bits, MASK_SIZE, flags)
    })?;
    // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// signalfd4(2) on an existing one: other signals from now on.
pub(crate) fn change(fd: BorrowedFd<'_>, bits: u64) -> Result<(), Errno> {
    let bits = kernel_set(bits);
    // SAFETY: the kernel reads 8 bytes at the pointer.
    check(unsafe {
        libc::syscall(
            libc::SYS_signalfd4,
            fd.as_raw_fd(),
            &raw const bits,
            MASK_SIZE,
            0,
        )
    })
    .map(drop)
}

/// read(2): hands up to `limit` (at most [`BATCH`]) signals to `take`, and gives their number.
pub(crate) fn read(
    fd: BorrowedFd<'_>,
    limit: usize,
    mut take: impl FnMut(&RawInfo),
) -> Result<usize, Errno> {
    const ONE: usize = size_of::<libc::signalfd_siginfo>();
    let mut infos = [const { MaybeUninit::<libc::signalfd_siginfo>::uninit() }; BATCH];
    let size = limit.min(BATCH) * ONE;
    // SAFETY: at most `size` bytes are written, which the array has.
    let bytes = check(
        unsafe { libc::read(fd.as_raw_fd(), infos.as_mut_ptr().cast(), size) } as libc::c_long,
    )?;
    let count = bytes as usize / ONE;
    for info in &infos[..count] {
        // SAFETY: the kernel has written this one in full.
        take(&siginfo::of_signalfd(unsafe { info.assume_init_ref() }));
    }
    Ok(count)
}
