//! Numbers of system calls, which rustix does not name.

/// `rt_sigtimedwait(2)`, which sigwait, sigwaitinfo and sigtimedwait are made of.
pub(crate) const RT_SIGTIMEDWAIT: i64 = libc::SYS_rt_sigtimedwait;
