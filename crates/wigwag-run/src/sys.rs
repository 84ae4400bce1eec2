//! The system calls, and all the `unsafe` of this crate.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::Duration;

use wigwag::{Signal, SignalSet, WaitStatus};

use crate::ended::Usage;

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
    let usage = usage_of(&unsafe { usage.assume_init() });
    Some((got, WaitStatus::from_raw(status)?, usage))
}

fn usage_of(usage: &libc::rusage) -> Usage {
    let time = |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1_000);
    Usage {
        user: time(usage.ru_utime),
        system: time(usage.ru_stime),
        peak_memory: usage.ru_maxrss as u64 * 1024,
    }
}

/// waitid(2) without waiting, of one child.
fn waitid(pid: i32, options: i32) -> Option<(WaitStatus, Usage)> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: writes one siginfo and one struct rusage.
    let got = unsafe {
        libc::syscall(
            libc::SYS_waitid,
            libc::P_PID,
            pid,
            info.as_mut_ptr(),
            options | libc::WNOHANG,
            usage.as_mut_ptr(),
        )
    };
    if got < 0 {
        return None;
    }
    // SAFETY: zeroed, and written by the kernel where there was news.
    let (info, usage) = unsafe { (info.assume_init(), usage.assume_init()) };
    // SAFETY: the fields of a CHLD; zeroes where there is no news.
    let (whose, status) = unsafe { (info.si_pid(), info.si_status()) };
    if whose != pid {
        return None;
    }
    let signal = || Signal::new(status).ok();
    let status = match info.si_code {
        libc::CLD_EXITED => WaitStatus::Exited(status),
        libc::CLD_KILLED | libc::CLD_DUMPED => WaitStatus::Killed {
            signal: signal()?,
            core_dumped: info.si_code == libc::CLD_DUMPED,
        },
        libc::CLD_CONTINUED => WaitStatus::Continued,
        _ => WaitStatus::Stopped(signal()?),
    };
    Some((status, usage_of(&usage)))
}

/// How a child has ended; it is not collected.
pub(crate) fn end_of(pid: i32) -> Option<(WaitStatus, Usage)> {
    waitid(pid, libc::WEXITED | libc::WNOWAIT)
}

/// That a child has stopped or gone on.
pub(crate) fn stop_of(pid: i32) -> Option<WaitStatus> {
    waitid(pid, libc::WSTOPPED | libc::WCONTINUED).map(|(status, _)| status)
}

/// Waits until a child has ended, and collects it; `None` where there is no such child.
pub(crate) fn wait_for(pid: i32) -> Option<WaitStatus> {
    loop {
        let mut status = 0;
        // SAFETY: writes an int.
        let got = unsafe { libc::waitpid(pid, &raw mut status, 0) };
        if got == pid {
            return WaitStatus::from_raw(status);
        }
        if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return None;
        }
    }
}

/// waitpid(2) without waiting: how a child has ended, which is collected then; `None` where it has not.
pub(crate) fn end_if_over(pid: i32) -> io::Result<Option<WaitStatus>> {
    let mut status = 0;
    // SAFETY: writes an int.
    match check(unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) })? {
        0 => Ok(None),
        _ => Ok(WaitStatus::from_raw(status)),
    }
}

/// As the C library has it: its own functions leave the reserved ones out.
fn set_of(signals: SignalSet) -> libc::sigset_t {
    let bits = signals.bits();
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    let words = set.as_mut_ptr().cast::<libc::c_ulong>();
    let width = libc::c_ulong::BITS as usize;
    for word in 0..64 / width {
        // SAFETY: a set begins with the kernel's words, signal 1 in the lowest bit of the first; it is longer than 64 bits.
        unsafe {
            words
                .add(word)
                .write((bits >> (word * width)) as libc::c_ulong)
        };
    }
    // SAFETY: zeroed, and written.
    unsafe { set.assume_init() }
}

/// rt_sigaction(2) itself: the C library's function does not tell of the signals that it keeps.
fn is_ignored(signal: Signal) -> bool {
    let mut action = [0_usize; 16];
    let size = size_of::<u64>();
    // SAFETY: writes the kernel's struct sigaction, which is smaller, and begins with the handler.
    let got = unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            signal.number(),
            std::ptr::null::<libc::c_void>(),
            action.as_mut_ptr(),
            size,
        )
    };
    got == 0 && action[0] == libc::SIG_IGN
}

/// posix_spawnp(3): a child that shares this process's memory until it executes, which takes less than fork(2). It begins with this mask, and
/// with the default actions of these signals.
///
/// # Errors
/// ENOEXEC, too, where execvp(3) would have a shell read the file.
pub(crate) fn spawn(
    words: &[CString],
    blocked: SignalSet,
    default: &[Signal],
) -> io::Result<libc::pid_t> {
    unsafe extern "C" {
        static environ: *const *mut libc::c_char;
    }
    let mut pointers: Vec<*mut libc::c_char> =
        words.iter().map(|word| word.as_ptr().cast_mut()).collect();
    pointers.push(std::ptr::null_mut());
    let mut default: SignalSet = default.iter().copied().collect();
    // The C library would have the child ignore those that it keeps for itself.
    let kept = SignalSet::ALL.iter().filter(|signal| signal.is_reserved());
    default |= kept.filter(|signal| !is_ignored(*signal)).collect();
    let (mask, default) = (set_of(blocked), set_of(default));
    let flags = libc::POSIX_SPAWN_SETSIGMASK | libc::POSIX_SPAWN_SETSIGDEF;
    let mut pid = 0;
    let mut attributes = MaybeUninit::<libc::posix_spawnattr_t>::zeroed();
    // SAFETY: the attributes are initialised first and destroyed last; the words are strings that end with a zero, in an array that ends
    // with a null, and are not written to; the environment is the process's, which this thread alone could change.
    let result = unsafe {
        libc::posix_spawnattr_init(attributes.as_mut_ptr());
        libc::posix_spawnattr_setflags(attributes.as_mut_ptr(), flags as libc::c_short);
        libc::posix_spawnattr_setsigmask(attributes.as_mut_ptr(), &raw const mask);
        libc::posix_spawnattr_setsigdefault(attributes.as_mut_ptr(), &raw const default);
        let result = libc::posix_spawnp(
            &raw mut pid,
            pointers[0],
            std::ptr::null(),
            attributes.as_ptr(),
            pointers.as_ptr(),
            environ,
        );
        libc::posix_spawnattr_destroy(attributes.as_mut_ptr());
        result
    };
    match result {
        0 => Ok(pid),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

/// PR_SET_DUMPABLE of prctl(2): this process dumps no core.
pub(crate) fn dump_no_core() -> io::Result<()> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) }).map(drop)
}

/// The name that ps(1) shows (PR_SET_NAME).
pub(crate) fn set_name(name: &CStr) {
    // SAFETY: reads at most 16 bytes, up to a zero, which is there.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}

/// close(2) of a descriptor whose owner is in the memory of the parent's that this process, made by fork, will never use.
pub(crate) fn close(fd: impl AsFd) {
    // SAFETY: only called in a child made by `fork`, which ends without dropping what it has inherited.
    unsafe { libc::close(fd.as_fd().as_raw_fd()) };
}

/// Closes all but these, in a child made by `fork`; standard input, output and error become /dev/null.
pub(crate) fn close_all_but(kept: &mut [RawFd]) -> io::Result<()> {
    // SAFETY: a name that ends with a zero.
    let null = check(unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) });
    for fd in (0..3).filter(|fd| !kept.contains(fd)) {
        match null {
            // SAFETY: as in `close`: what is replaced has no owner that will be used.
            Ok(null) if null != fd => drop(check(unsafe { libc::dup2(null, fd) })?),
            Ok(_) => {}
            // SAFETY: as above. In a folder without /dev there is none.
            Err(_) => drop(unsafe { libc::close(fd) }),
        }
    }
    kept.sort_unstable();
    let mut from: libc::c_uint = 3;
    for fd in kept
        .iter()
        .filter(|fd| **fd >= 3)
        .map(|fd| *fd as libc::c_uint)
    {
        if fd > from {
            close_from_to(from, fd - 1)?;
        }
        from = fd + 1;
    }
    close_from_to(from, libc::c_uint::MAX)
}

fn close_from_to(first: libc::c_uint, last: libc::c_uint) -> io::Result<()> {
    // SAFETY: as in `close`.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    if done == 0 {
        return Ok(());
    }
    // Linux 5.8, or a filter.
    let fds: Vec<RawFd> = std::fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    for fd in fds {
        if (first..=last).contains(&(fd as libc::c_uint)) {
            // SAFETY: as in `close`.
            unsafe { libc::close(fd) };
        }
    }
    Ok(())
}

/// Makes this standard output and standard error.
pub(crate) fn become_output(file: impl AsFd) {
    for fd in 1..3 {
        // SAFETY: as in `close`: what is replaced is /dev/null, which nobody owns.
        unsafe { libc::dup2(file.as_fd().as_raw_fd(), fd) };
    }
}

/// Whether this process leads its session. (The number of one that began outside this pid namespace is 0.)
pub(crate) fn leads_session() -> bool {
    // SAFETY: takes nothing that could be wrong.
    unsafe { libc::getsid(0) == libc::getpid() }
}

/// The process group; 0 where it is one of outside this pid namespace.
pub(crate) fn group() -> i32 {
    // SAFETY: takes nothing.
    unsafe { libc::getpgrp() }
}

/// The foreground group of a terminal, where there is one; 0 as above.
pub(crate) fn foreground(terminal: impl AsFd) -> Option<i32> {
    // SAFETY: takes a descriptor that is open.
    check(unsafe { libc::tcgetpgrp(terminal.as_fd().as_raw_fd()) }).ok()
}

/// tcsetpgrp(3).
pub(crate) fn set_foreground(terminal: impl AsFd, group: i32) {
    // SAFETY: as above; another number is refused.
    unsafe { libc::tcsetpgrp(terminal.as_fd().as_raw_fd(), group) };
}

/// TIOCNOTTY of ioctl(2): gives up the controlling terminal, which is standard input. A session's leader takes it from all of the session,
/// and has HUP and CONT sent to the foreground group.
pub(crate) fn let_go_of_terminal() -> io::Result<()> {
    // SAFETY: takes no argument; standard input that is closed or no terminal is refused.
    check(unsafe { libc::ioctl(libc::STDIN_FILENO, libc::TIOCNOTTY) }).map(drop)
}

/// TIOCSCTTY of ioctl(2): standard input becomes the controlling terminal of the session that this process leads.
pub(crate) fn take_terminal() -> io::Result<()> {
    // SAFETY: takes a number; what cannot be is refused.
    check(unsafe { libc::ioctl(libc::STDIN_FILENO, libc::TIOCSCTTY, 0) }).map(drop)
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

/// The size of the stack that [`fork_sharing`] gives the child: execvp(3) has each path that it tries there.
const STACK: usize = 256 * 1024;

/// As [`fork`], for work that ends in exec(2): the child shares the memory of this process, which waits until then, as with vfork(2) and
/// posix_spawn(3). That spares the copy of the page tables, and of every page that either of them writes to.
///
/// What the work changes in memory stays changed, and what it has allocated stays allocated.
pub(crate) fn fork_sharing<W: FnOnce() -> i32>(work: W) -> io::Result<i32> {
    extern "C" fn child<W: FnOnce() -> i32>(work: *mut libc::c_void) -> libc::c_int {
        // SAFETY: the address of an `Option<W>` on the stack of `fork_sharing`, which waits, and uses it no more.
        let work = unsafe { &mut *work.cast::<Option<W>>() }.take();
        let work = std::panic::AssertUnwindSafe(|| work.map_or(101, |work| work()));
        let status = std::panic::catch_unwind(work).unwrap_or(101);
        // SAFETY: ends the process, without the handlers of exit(3) that are the parent's.
        unsafe { libc::_exit(status) }
    }
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK | libc::MAP_NORESERVE;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping, of which nobody else knows.
    let stack = unsafe { libc::mmap(std::ptr::null_mut(), STACK, access, flags, -1, 0) };
    if stack == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let mut work = Some(work);
    // SAFETY: the lowest page of the mapping, which a stack that is too small runs into; then a child on that stack, with the memory of
    // this process. Until it has executed another program or ended, this thread waits (CLONE_VFORK), so that the C library's and this
    // crate's data of the thread, which both use, are used by one at a time. Its dispositions and its mask are its own.
    let pid = unsafe {
        libc::mprotect(stack, 4096, libc::PROT_NONE);
        let top = stack.cast::<u8>().add(STACK).cast::<libc::c_void>();
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        libc::clone(child::<W>, top, flags, (&raw mut work).cast())
    };
    let pid = check(pid);
    // SAFETY: the mapping from above, whose user has executed another program or ended.
    unsafe { libc::munmap(stack, STACK) };
    pid
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
