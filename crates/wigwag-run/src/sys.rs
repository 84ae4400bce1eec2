//! The system calls, and all the `unsafe` of this crate.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wigwag::{Signal, WaitStatus};

use crate::ended::Usage;

/// Whether PIPE was ignored before the Rust runtime ignored it.
static PIPE: AtomicBool = AtomicBool::new(false);

extern "C" fn look() {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: writes one struct sigaction, which is all zeroes before, a valid one.
    let got = unsafe { libc::sigaction(libc::SIGPIPE, std::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: zeroed, and perhaps written by the kernel: initialised either way.
    let ignored = unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN;
    PIPE.store(got == 0 && ignored, Ordering::Relaxed);
}

// SAFETY: the linker's table of functions that are called before main, with arguments that this one does not look at; it only makes a
// system call and stores to an atomic.
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

/// Whether the process was started with PIPE ignored. The Rust runtime ignores it in every program, before main.
pub(crate) fn pipe_was_ignored() -> bool {
    // Read, so that the linker keeps it.
    std::hint::black_box(&LOOK);
    PIPE.load(Ordering::Relaxed)
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

/// Whose news is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whose {
    Anybody,
    Child(i32),
}

/// wait4(2) without waiting: a child that has ended (it is collected), stopped or gone on. `None`: there is no news, or no such child.
pub(crate) fn news(whose: Whose) -> Option<(i32, WaitStatus, Usage)> {
    let pid = match whose {
        Whose::Anybody => -1,
        Whose::Child(pid) => pid,
    };
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    let options = libc::WNOHANG | libc::WUNTRACED | libc::WCONTINUED;
    // SAFETY: writes an int and a struct rusage.
    let got = unsafe { libc::wait4(pid, &raw mut status, options, usage.as_mut_ptr()) };
    if got <= 0 {
        return None;
    }
    // SAFETY: zeroed, and written by the kernel.
    let usage = unsafe { usage.assume_init() };
    let time = |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1_000);
    let usage = Usage {
        user: time(usage.ru_utime),
        system: time(usage.ru_stime),
        peak_memory: usage.ru_maxrss as u64 * 1024,
    };
    Some((got, WaitStatus::from_raw(status)?, usage))
}

/// PR_SET_CHILD_SUBREAPER of prctl(2): orphans among the descendants become children of this process.
pub(crate) fn become_subreaper() -> io::Result<()> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }).map(drop)
}

/// PR_SET_PDEATHSIG of prctl(2).
pub(crate) fn signal_at_parents_end(signal: Signal) -> io::Result<()> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal.number(), 0, 0, 0) }).map(drop)
}

/// setrlimit(2).
pub(crate) fn set_limit(
    resource: libc::__rlimit_resource_t,
    soft: u64,
    hard: u64,
) -> io::Result<()> {
    let limit = libc::rlimit {
        rlim_cur: soft,
        rlim_max: hard,
    };
    // SAFETY: reads one struct rlimit.
    check(unsafe { libc::setrlimit(resource, &raw const limit) }).map(drop)
}

/// Has something done in the child, between fork and exec.
///
/// What is done may allocate nothing and take no lock: system calls and numbers only. All that is given here is written in this crate.
pub(crate) fn before_exec(
    command: &mut Command,
    work: impl FnMut() -> io::Result<()> + Send + Sync + 'static,
) {
    // SAFETY: as said above; the callers are in `start`, and make system calls only.
    unsafe { command.pre_exec(work) };
}

/// fork(2): the child does this, and ends with that status.
///
/// The child has the calling thread alone. The C library's allocator works there; locks that other threads held stay held.
pub(crate) fn fork(work: impl FnOnce() -> i32) -> io::Result<i32> {
    // SAFETY: the child runs `work` and ends. This crate holds no lock while it forks.
    match check(unsafe { libc::fork() })? {
        0 => {
            let work = std::panic::AssertUnwindSafe(work);
            let status = std::panic::catch_unwind(work).unwrap_or(101);
            // SAFETY: ends the process, without the handlers of exit(3) that are the parent's.
            unsafe { libc::_exit(status) }
        }
        child => Ok(child),
    }
}

/// pidfd_send_signal(2) with a siginfo: a signal with its value, in full.
pub(crate) fn queue(pidfd: impl AsFd, signal: Signal, value: u64) -> io::Result<()> {
    #[repr(C)]
    struct Info {
        signo: i32,
        errno: i32,
        code: i32,
        #[cfg(target_pointer_width = "64")]
        pad: i32,
        pid: i32,
        uid: u32,
        value: usize,
        rest: [u8; 128 - 24 - size_of::<usize>()],
    }
    #[cfg(target_pointer_width = "64")]
    const {
        assert!(size_of::<Info>() == 128)
    };
    // SAFETY: all zeroes are a valid one.
    let mut info: Info = unsafe { MaybeUninit::zeroed().assume_init() };
    info.signo = signal.number();
    info.code = libc::SI_QUEUE;
    info.pid = rustix::process::getpid().as_raw_nonzero().get();
    info.uid = rustix::process::getuid().as_raw();
    info.value = value as usize;
    // SAFETY: reads 128 bytes at the pointer, which are there.
    let done = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_fd().as_raw_fd(),
            signal.number(),
            &raw const info,
            0,
        )
    };
    check(done as libc::c_int).map(drop)
}

/// mkdtemp(3): a new folder for the owner alone, whose name begins like this.
pub(crate) fn make_folder(beginning: &Path) -> io::Result<PathBuf> {
    let mut template = beginning.as_os_str().as_bytes().to_vec();
    template.extend_from_slice(b"XXXXXX");
    let template = CString::new(template)?.into_raw();
    // SAFETY: a string that ends with a zero and may be written.
    let made = unsafe { libc::mkdtemp(template) };
    let error = io::Error::last_os_error();
    // SAFETY: from `into_raw` above; mkdtemp has changed letters only.
    let name = unsafe { CString::from_raw(template) };
    if made.is_null() {
        return Err(error);
    }
    Ok(PathBuf::from(std::ffi::OsString::from_vec(
        name.into_bytes(),
    )))
}
