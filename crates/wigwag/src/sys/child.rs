//! waitid and wait4: how children ended.

use std::mem::MaybeUninit;

use super::check;
use crate::Errno;

/// The kernel's rusage of a child: times in microseconds, the size in KiB.
pub(crate) struct Usage {
    pub(crate) user: u64,
    pub(crate) system: u64,
    pub(crate) max_rss: u64,
}

/// What a look at one's children says. Nothing is collected by it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// None has ended.
    Running,
    /// This one has, and can be collected.
    Ended(i32),
    /// This one has stopped for its tracer, which is this process.
    Traced,
}

/// Looks at one child, or, without a pid, for any that has ended. ECHILD: there is none such.
pub(crate) fn look(pid: Option<i32>) -> Result<Look, Errno> {
    let (which, id) = match pid {
        None => (libc::P_ALL, 0),
        Some(pid) => (libc::P_PID, pid.cast_unsigned()),
    };
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    loop {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: writes one siginfo.
        match check(unsafe { libc::waitid(which, id, info.as_mut_ptr(), options) }.into()) {
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
            Ok(_) => {
                // SAFETY: zeroed before, and written by the call: all its fields are numbers.
                let (pid, code) = unsafe {
                    let info = info.assume_init_ref();
                    (info.si_pid(), info.si_code)
                };
                return Ok(match code {
                    _ if pid == 0 => Look::Running,
                    libc::CLD_EXITED | libc::CLD_KILLED | libc::CLD_DUMPED => Look::Ended(pid),
                    _ => Look::Traced,
                });
            }
        }
    }
}

/// Collects one child that has ended: its wait status and what it used. `None` where it has not ended. ECHILD: there is none such.
pub(crate) fn collect(pid: i32) -> Result<Option<(i32, Usage)>, Errno> {
    loop {
        let mut status = 0;
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: writes one number and one rusage.
        let result =
            unsafe { libc::wait4(pid, &raw mut status, libc::WNOHANG, usage.as_mut_ptr()) };
        match check(result.into()) {
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
            Ok(0) => return Ok(None),
            Ok(_) => {
                // SAFETY: zeroed before, and written by the call: all its fields are numbers.
                let usage = unsafe { usage.assume_init() };
                let microseconds = |time: libc::timeval| {
                    (time.tv_sec as u64)
                        .saturating_mul(1_000_000)
                        .saturating_add(time.tv_usec as u64)
                };
                let used = Usage {
                    user: microseconds(usage.ru_utime),
                    system: microseconds(usage.ru_stime),
                    max_rss: usage.ru_maxrss as u64,
                };
                return Ok(Some((status, used)));
            }
        }
    }
}
