//! pidfd_open, waiting for the end, and what the kernel says about a pidfd.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::check;
use crate::Errno;

/// `PIDFD_THREAD`.
pub(crate) const THREAD: u32 = libc::O_EXCL as u32;

/// `PIDFD_GET_INFO`: `_IOWR(0xff, 11, struct pidfd_info)` in its first size of 64 bytes.
const GET_INFO: libc::c_ulong = 0xc040_ff0b;

/// The first version of `struct pidfd_info`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Info {
    pub(crate) mask: u64,
    pub(crate) cgroup: u64,
    pub(crate) pid: u32,
    pub(crate) tgid: u32,
    pub(crate) ppid: u32,
    pub(crate) ruid: u32,
    pub(crate) rgid: u32,
    pub(crate) euid: u32,
    pub(crate) egid: u32,
    pub(crate) suid: u32,
    pub(crate) sgid: u32,
    pub(crate) fsuid: u32,
    pub(crate) fsgid: u32,
    pub(crate) exit_code: i32,
}

const _: () = assert!(size_of::<Info>() == 64);

/// pidfd_open(2).
pub(crate) fn open(pid: i32, flags: u32) -> Result<OwnedFd, Errno> {
    // SAFETY: takes numbers only.
    let fd = check(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, flags) })?;
    // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// The ioctl `PIDFD_GET_INFO`, asked for the fields in `mask`.
pub(crate) fn info(fd: BorrowedFd<'_>, mask: u64) -> Result<Info, Errno> {
    let mut info = Info {
        mask,
        ..Info::default()
    };
    // SAFETY: the number says 64 bytes, which `info` has; a descriptor of another kind refuses the number.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), GET_INFO as _, &raw mut info) }.into())?;
    Ok(info)
}

/// process_mrelease(2).
pub(crate) fn release_memory(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::syscall(libc::SYS_process_mrelease, fd.as_raw_fd(), 0) })?;
    Ok(())
}
