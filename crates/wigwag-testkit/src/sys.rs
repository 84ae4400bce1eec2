//! The system calls of this crate, and its entry before `main`.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

/// Runs before `main` and before Rust's own start, which would change dispositions: a process that is to be a puppet
/// becomes one here and never returns.
extern "C" fn enter() {
    if let Some(recipe) = std::env::var_os(crate::role::VARIABLE) {
        crate::role::become_puppet(&recipe)
    }
}

#[used]
// SAFETY: the C library calls each entry of this section once, in order, with the process single-threaded.
#[unsafe(link_section = ".init_array")]
static ENTER: extern "C" fn() = enter;

/// Keeps the entry in every binary that can spawn a puppet.
pub fn keep_entry() {
    std::hint::black_box(&ENTER);
}

fn checked(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// kill(2), by number: only for processes that the test started.
///
/// # Errors
/// As kill(2): ESRCH, EPERM, EINVAL.
pub fn kill(pid: i32, signal: i32) -> io::Result<()> {
    assert!(pid > 0, "never a group or everyone");
    // SAFETY: takes two numbers.
    checked(libc::c_long::from(unsafe { libc::kill(pid, signal) })).map(drop)
}

/// tgkill(2): to one thread of a process that the test started.
///
/// # Errors
/// As tgkill(2): ESRCH, EPERM, EINVAL.
pub fn kill_thread(pid: i32, thread: i32, signal: i32) -> io::Result<()> {
    // SAFETY: takes three numbers.
    checked(unsafe { libc::syscall(libc::SYS_tgkill, pid, thread, signal) }).map(drop)
}

/// Whether a signal could be sent: kill(2) with 0.
#[must_use]
pub fn signal_probe(pid: i32) -> bool {
    kill(pid, 0).is_ok()
}

/// Waits for the end of one's child and takes its raw status.
pub fn reap(pid: i32) -> Option<i32> {
    wait(pid, 0)
}

/// One change of one's child: `(pid, raw status)` of waitpid(2), without waiting.
pub fn change(pid: i32) -> Option<i32> {
    wait(pid, libc::WNOHANG | libc::WUNTRACED | libc::WCONTINUED)
}

/// waitpid(2) with flags.
fn wait(pid: i32, flags: i32) -> Option<i32> {
    wait_any(pid, flags).map(|(_, status)| status)
}

/// waitpid(2) for one child (positive) or a group (negative), with its flags.
pub fn wait_any(pid: i32, flags: i32) -> Option<(i32, i32)> {
    let mut status = 0;
    loop {
        // SAFETY: the status is written to a live i32.
        let got = unsafe { libc::waitpid(pid, &raw mut status, flags) };
        if got > 0 {
            return Some((got, status));
        }
        if got == 0 || io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
            return None;
        }
    }
}

/// Waits until the descriptor is readable or has no writer; false when the time is over.
pub fn readable(fd: BorrowedFd<'_>, time: Duration) -> bool {
    let mut entry = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    let milliseconds = i32::try_from(time.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
    // SAFETY: one live entry.
    unsafe { libc::poll(&raw mut entry, 1, milliseconds) > 0 }
}

/// An anonymous file in memory.
pub fn memory_file() -> io::Result<std::fs::File> {
    // SAFETY: the name is a C string; the descriptor returned is new and ours.
    unsafe {
        let fd = checked(libc::c_long::from(libc::memfd_create(
            c"output".as_ptr(),
            libc::MFD_CLOEXEC,
        )))?;
        Ok(std::fs::File::from(OwnedFd::from_raw_fd(
            i32::try_from(fd).unwrap(),
        )))
    }
}

/// Has a command traced by the calling thread from its exec on, in a process group of its own.
pub fn trace_me(command: &mut Command) {
    command.process_group(0);
    // SAFETY: ptrace(2) is async-signal-safe and changes only the child.
    unsafe {
        command.pre_exec(|| checked(libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0)).map(drop));
    }
}

/// Has a command started by another user, with that user's group only.
pub fn change_user(command: &mut Command, user: u32) {
    command.uid(user).gid(user);
}

/// PTRACE_SETOPTIONS of a stopped tracee: system calls are told from traps, threads and children are traced too.
pub fn trace_options(pid: i32) -> io::Result<()> {
    let options = libc::PTRACE_O_TRACESYSGOOD
        | libc::PTRACE_O_EXITKILL
        | libc::PTRACE_O_TRACECLONE
        | libc::PTRACE_O_TRACEFORK
        | libc::PTRACE_O_TRACEVFORK;
    // SAFETY: takes numbers.
    checked(unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, pid, 0, options) }).map(drop)
}

/// PTRACE_SYSCALL: on to the next entry or exit of a system call, delivering a signal.
pub fn trace_on(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: takes numbers.
    checked(unsafe { libc::ptrace(libc::PTRACE_SYSCALL, pid, 0, signal) }).map(drop)
}

/// Has a command run under a seccomp filter from before its exec on.
pub fn filter_calls(command: &mut Command, mut program: Vec<libc::sock_filter>) {
    // SAFETY: prctl(2) and seccomp(2) are async-signal-safe system calls that change only the child; the program is owned by the
    // closure, and the kernel copies it.
    unsafe {
        command.pre_exec(move || {
            let program = libc::sock_fprog {
                len: u16::try_from(program.len()).map_err(io::Error::other)?,
                filter: program.as_mut_ptr(),
            };
            checked(libc::c_long::from(libc::prctl(
                libc::PR_SET_NO_NEW_PRIVS,
                1,
                0,
                0,
                0,
            )))?;
            checked(libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_SET_MODE_FILTER,
                0,
                &raw const program,
            ))
            .map(drop)
        });
    }
}

/// What a tracee that is stopped at a system call is about to ask, or has been answered.
#[derive(Clone, Copy, Debug)]
pub enum CallStop {
    /// The number and the arguments.
    Entry(u64, [u64; 6]),
    /// The result; an errno is negative.
    Exit(i64),
}

/// At which side of a system call the tracee is stopped, or None at anything else.
pub fn call_stop(pid: i32) -> Option<CallStop> {
    // SAFETY: all zero is a valid value of this plain structure; the kernel writes at most the size given, and says by `op` which
    // part of the union it has filled.
    unsafe {
        let mut info: libc::ptrace_syscall_info = std::mem::zeroed();
        let size = size_of::<libc::ptrace_syscall_info>();
        checked(libc::ptrace(
            libc::PTRACE_GET_SYSCALL_INFO,
            pid,
            size,
            &raw mut info,
        ))
        .ok()?;
        match info.op {
            libc::PTRACE_SYSCALL_INFO_ENTRY => {
                Some(CallStop::Entry(info.u.entry.nr, info.u.entry.args))
            }
            libc::PTRACE_SYSCALL_INFO_EXIT => Some(CallStop::Exit(info.u.exit.sval)),
            _ => None,
        }
    }
}

/// PTRACE_SEIZE.
pub fn seize(pid: i32) -> io::Result<()> {
    // SAFETY: takes numbers.
    checked(unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, 0) }).map(drop)
}

/// PTRACE_ATTACH, and on from the stop that it makes.
pub fn attach(pid: i32) -> io::Result<()> {
    // SAFETY: takes numbers.
    checked(unsafe { libc::ptrace(libc::PTRACE_ATTACH, pid, 0, 0) })?;
    wait_any(pid, libc::__WALL);
    // SAFETY: takes numbers.
    checked(unsafe { libc::ptrace(libc::PTRACE_CONT, pid, 0, 0) }).map(drop)
}

/// Has the kernel refuse a command's signals to a group through a descriptor (PIDFD_SIGNAL_PROCESS_GROUP), with EINVAL as one
/// before Linux 6.9 does.
pub fn refuse_group_signals(command: &mut Command) {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    const GROUP_FLAG: u32 = 4;
    let step = |code, k, jf| libc::sock_filter { code, jt: 0, jf, k };
    // In `struct seccomp_data` the call's number is at 0, the low half of its fourth argument at 40.
    let low = if cfg!(target_endian = "big") { 44 } else { 40 };
    let mut program = [
        step(LOAD, 0, 0),
        step(EQUAL, libc::SYS_pidfd_send_signal as u32, 3),
        step(LOAD, low, 0),
        step(EQUAL, GROUP_FLAG, 1),
        step(RETURN, libc::SECCOMP_RET_ERRNO | libc::EINVAL as u32, 0),
        step(RETURN, libc::SECCOMP_RET_ALLOW, 0),
    ];
    let install = move || {
        let filter = libc::sock_fprog {
            len: program.len() as u16,
            filter: program.as_mut_ptr(),
        };
        // SAFETY: both are async-signal-safe and change only the child; the program lives through the call.
        unsafe {
            checked(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0).into())?;
            let mode = libc::SECCOMP_MODE_FILTER;
            checked(libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const filter).into()).map(drop)
        }
    };
    // SAFETY: `install` makes system calls only.
    unsafe { command.pre_exec(install) };
}

/// What the C library's `struct sigaction` cannot say for reserved numbers: rt_sigaction(2) is called through it.
pub fn set_handler(signal: i32, handler: usize) -> io::Result<()> {
    // SAFETY: all zero is a valid sigaction; the handler is SIG_IGN, SIG_DFL or `report`, which is async-signal-safe.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = libc::SA_RESTART;
        checked(libc::c_long::from(libc::sigaction(
            signal,
            &raw const action,
            std::ptr::null_mut(),
        )))
        .map(drop)
    }
}

/// Ignores a signal.
pub fn ignore(signal: i32) -> io::Result<()> {
    set_handler(signal, libc::SIG_IGN)
}

/// Catches a signal with a handler that writes `handler N` to standard output.
pub fn catch(signal: i32) -> io::Result<()> {
    set_handler(signal, report as extern "C" fn(i32) as usize)
}

extern "C" fn report(signal: i32) {
    // Digits by hand: nothing here may allocate.
    let mut line = *b"handler 00\n";
    line[8] += u8::try_from(signal / 10 % 10).unwrap_or(0);
    line[9] += u8::try_from(signal % 10).unwrap_or(0);
    // SAFETY: writes a live buffer; errno is put back for whoever was interrupted.
    unsafe {
        let errno = *libc::__errno_location();
        libc::write(1, line.as_ptr().cast(), line.len());
        *libc::__errno_location() = errno;
    }
}

fn set_of(signals: &[i32]) -> libc::sigset_t {
    // SAFETY: sigemptyset makes the set valid; the numbers are checked by sigaddset.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for &signal in signals {
            libc::sigaddset(&raw mut set, signal);
        }
        set
    }
}

/// Blocks signals in the calling thread.
pub fn block(signals: &[i32]) {
    let set = set_of(signals);
    // SAFETY: a live set.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
}

/// Unblocks signals in the calling thread.
pub fn unblock(signals: &[i32]) {
    let set = set_of(signals);
    // SAFETY: a live set.
    unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut()) };
}

/// sigwaitinfo(2): the number taken.
pub fn sigwait(signals: &[i32]) -> Option<i32> {
    let set = set_of(signals);
    // SAFETY: a live set; no siginfo asked for.
    let signal = unsafe { libc::sigwaitinfo(&raw const set, std::ptr::null_mut()) };
    (signal > 0).then_some(signal)
}

/// signalfd(2), blocking.
pub fn signalfd(signals: &[i32]) -> io::Result<OwnedFd> {
    let set = set_of(signals);
    // SAFETY: a live set; the descriptor returned is new and ours.
    unsafe {
        let fd = checked(libc::c_long::from(libc::signalfd(
            -1,
            &raw const set,
            libc::SFD_CLOEXEC,
        )))?;
        Ok(OwnedFd::from_raw_fd(i32::try_from(fd).unwrap()))
    }
}

/// gettid(2).
pub fn thread_id() -> i32 {
    // SAFETY: takes nothing.
    unsafe { libc::gettid() }
}

/// Sleeps until a signal's handler has run: pause(2).
pub fn pause() {
    // SAFETY: takes nothing.
    unsafe { libc::pause() };
}

/// Ends the calling thread alone, without the C library's knowledge: how a leader exits while its threads live.
pub fn exit_thread() -> ! {
    // SAFETY: the thread owns nothing that another uses.
    unsafe {
        libc::syscall(libc::SYS_exit, 0);
        libc::abort()
    }
}

/// write(2) to standard output, past every buffer.
pub fn write_out(bytes: &[u8]) {
    // SAFETY: a live buffer.
    unsafe { libc::write(1, bytes.as_ptr().cast(), bytes.len()) };
}

/// Ends the process at once.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: never returns.
    unsafe { libc::_exit(code) }
}

/// fork(2), in a process that has one thread: 0 in the child.
pub fn fork() -> io::Result<i32> {
    // SAFETY: the caller is single-threaded, so the child may do anything.
    checked(libc::c_long::from(unsafe { libc::fork() })).map(|pid| i32::try_from(pid).unwrap())
}

/// Has a forked child in a new pid namespace say something of itself. The caller's later children are of that namespace too.
pub fn ask_in_new_namespace(question: impl FnOnce() -> bool) -> io::Result<bool> {
    // SAFETY: no memory is touched.
    checked(libc::c_long::from(unsafe {
        libc::unshare(libc::CLONE_NEWPID)
    }))?;
    // SAFETY: the child uses the allocator, which glibc keeps usable, and no lock of the caller's, and ends without returning.
    let pid = checked(libc::c_long::from(unsafe { libc::fork() }))?;
    if pid == 0 {
        exit_now(i32::from(question()));
    }
    let status = reap(i32::try_from(pid).unwrap()).ok_or_else(io::Error::last_os_error)?;
    Ok(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 1)
}

/// A child in a new pid and mount namespace whose parent is the caller's parent: 0 in the child.
pub fn fork_init() -> io::Result<i32> {
    let flags = libc::CLONE_NEWPID | libc::CLONE_NEWNS | libc::SIGCHLD;
    // CLONE_PARENT may not be combined with CLONE_NEWPID by every kernel that is single-threaded; it may since 3.13.
    // SAFETY: no new stack, so this is a fork of a single-threaded process.
    checked(unsafe { libc::syscall(libc::SYS_clone, flags | libc::CLONE_PARENT, 0, 0, 0, 0) })
        .map(|pid| i32::try_from(pid).unwrap())
}

/// Mounts a /proc of the caller's pid namespace over /proc, privately.
pub fn mount_proc() -> io::Result<()> {
    // SAFETY: C strings that live through the calls.
    unsafe {
        let private = libc::MS_REC | libc::MS_PRIVATE;
        checked(libc::c_long::from(libc::mount(
            c"none".as_ptr(),
            c"/".as_ptr(),
            std::ptr::null(),
            private,
            std::ptr::null(),
        )))?;
        checked(libc::c_long::from(libc::mount(
            c"proc".as_ptr(),
            c"/proc".as_ptr(),
            c"proc".as_ptr(),
            0,
            std::ptr::null(),
        )))
        .map(drop)
    }
}

/// prctl(2) PR_SET_NAME.
pub fn set_name(name: &str) {
    let name = CString::new(name).unwrap();
    // SAFETY: a C string; the kernel copies at most 16 bytes.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}

/// Dies with its parent: prctl(2) PR_SET_PDEATHSIG KILL. Nothing is left behind by a test that fails.
pub fn die_with_parent() {
    // SAFETY: takes numbers.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
}

/// setsid(2) or setpgid(0, 0).
pub fn own_group(session: bool) {
    // SAFETY: take numbers.
    unsafe {
        if session {
            libc::setsid()
        } else {
            libc::setpgid(0, 0)
        };
    }
}

/// setpgid(2): into a group of one's session.
pub fn join_group(group: i32) -> io::Result<()> {
    // SAFETY: takes numbers.
    checked(libc::c_long::from(unsafe { libc::setpgid(0, group) })).map(drop)
}

/// setrlimit(2) of RLIMIT_CORE, both limits.
pub fn limit_core(limit: u64) -> io::Result<()> {
    let limit = libc::rlimit {
        rlim_cur: limit,
        rlim_max: limit,
    };
    // SAFETY: a live structure.
    checked(libc::c_long::from(unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &raw const limit)
    }))
    .map(drop)
}

/// setgid(2) and setuid(2), then dumpable again, as after an exec.
pub fn become_user(user: u32) -> io::Result<()> {
    // SAFETY: take numbers.
    unsafe {
        checked(libc::c_long::from(libc::setgid(user)))?;
        checked(libc::c_long::from(libc::setuid(user)))?;
        checked(libc::c_long::from(libc::prctl(libc::PR_SET_DUMPABLE, 1))).map(drop)
    }
}
