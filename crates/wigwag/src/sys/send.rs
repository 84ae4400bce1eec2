//! kill, tgkill and the two that take a siginfo.

use std::os::fd::{AsRawFd, BorrowedFd};

use super::check;
use crate::Errno;

/// The beginning of the kernel's siginfo as a sender with a value fills it, and the rest of its 128 bytes.
#[repr(C)]
struct QueueInfo {
    signo: i32,
    errno: i32,
    code: i32,
    /// The union after it holds pointers, and is aligned as they are.
    #[cfg(target_pointer_width = "64")]
    padding: i32,
    pid: i32,
    uid: u32,
    value: i32,
    #[cfg(target_pointer_width = "64")]
    rest: [u8; 100],
    #[cfg(target_pointer_width = "32")]
    rest: [u8; 104],
}

const _: () = assert!(size_of::<QueueInfo>() == 128);

impl QueueInfo {
    fn new(signal: i32, value: i32) -> QueueInfo {
        QueueInfo {
            signo: signal,
            errno: 0,
            code: libc::SI_QUEUE,
            #[cfg(target_pointer_width = "64")]
            padding: 0,
            pid: getpid(),
            uid: getuid(),
            value,
            #[cfg(target_pointer_width = "64")]
            rest: [0; 100],
            #[cfg(target_pointer_width = "32")]
            rest: [0; 104],
        }
    }
}

pub(crate) fn getpid() -> i32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::getpid() }
}

pub(crate) fn gettid() -> i32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::syscall(libc::SYS_gettid) as i32 }
}

fn getuid() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::getuid() }
}

/// kill(2); the pid may be one of its special numbers.
pub(crate) fn kill(pid: i32, signal: i32) -> Result<(), Errno> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::kill(pid, signal) }.into()).map(drop)
}

/// tgkill(2).
pub(crate) fn tgkill(tgid: i32, tid: i32, signal: i32) -> Result<(), Errno> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::syscall(libc::SYS_tgkill, tgid, tid, signal) }).map(drop)
}

/// rt_sigqueueinfo(2).
pub(crate) fn sigqueueinfo(pid: i32, signal: i32, value: i32) -> Result<(), Errno> {
    let info = QueueInfo::new(signal, value);
    // SAFETY: the kernel reads 128 bytes, which `info` has.
    check(unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, pid, signal, &raw const info) })
        .map(drop)
}

/// rt_tgsigqueueinfo(2).
pub(crate) fn tgsigqueueinfo(tgid: i32, tid: i32, signal: i32, value: i32) -> Result<(), Errno> {
    let info = QueueInfo::new(signal, value);
    // SAFETY: the kernel reads 128 bytes, which `info` has.
    check(unsafe {
        libc::syscall(
            libc::SYS_rt_tgsigqueueinfo,
            tgid,
            tid,
            signal,
            &raw const info,
        )
    })
    .map(drop)
}

/// pidfd_send_signal(2).
pub(crate) fn pidfd_send_signal(
    fd: BorrowedFd<'_>,
    signal: i32,
    value: Option<i32>,
    flags: u32,
) -> Result<(), Errno> {
    let info = value.map(|value| QueueInfo::new(signal, value));
    let pointer = info.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the pointer is null or that of 128 bytes, which the kernel reads.
    check(unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            fd.as_raw_fd(),
            signal,
            pointer,
            flags,
        )
    })
    .map(drop)
}
