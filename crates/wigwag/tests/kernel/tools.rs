//! What a test needs that the library does not offer: fork, a handler, a limit, another user.
#![allow(unsafe_code)]

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicI32, Ordering};

use wigwag::{Signal, WaitStatus};

/// How often [`count`] has run, and for which signal last.
pub static COUNT: AtomicI32 = AtomicI32::new(0);
pub static LAST: AtomicI32 = AtomicI32::new(0);

extern "C" fn count(signal: i32) {
    COUNT.fetch_add(1, Ordering::SeqCst);
    LAST.store(signal, Ordering::SeqCst);
}

/// Installs a handler that counts, with these flags and no mask.
pub fn handle(signal: Signal, flags: i32) {
    let handler: extern "C" fn(i32) = count;
    // SAFETY: zero is valid for every field, and the handler only uses atomics.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = flags;
        assert_eq!(
            libc::sigaction(signal.number(), &raw const action, std::ptr::null_mut()),
            0
        );
    }
}

pub fn handler_address() -> usize {
    let handler: extern "C" fn(i32) = count;
    handler as *const () as usize
}

/// Whether this child has ended, and has not been collected.
pub fn has_zombie(child: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| rest.starts_with(" Z"))
}

/// Has the parent trace this process.
pub fn be_traced() {
    // SAFETY: takes numbers.
    let result = unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
    assert_eq!(result, 0);
}

/// Runs the function in a forked child, which exits with what it returns; gives the child's pid.
pub fn fork(child: impl FnOnce() -> i32) -> i32 {
    // SAFETY: this process has one thread, so that everything works in the child.
    match unsafe { libc::fork() } {
        0 => {
            let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child)).unwrap_or(101);
            // SAFETY: ends the child, without the parent's clean-up.
            unsafe { libc::_exit(code) }
        }
        pid => {
            assert!(pid > 0, "fork failed");
            pid
        }
    }
}

/// Waits for a child.
pub fn collect(pid: i32) -> WaitStatus {
    let mut raw = 0;
    // SAFETY: writes a number.
    let result = unsafe { libc::waitpid(pid, &raw mut raw, 0) };
    assert_eq!(result, pid);
    WaitStatus::try_from(ExitStatus::from_raw(raw)).unwrap()
}

/// Waits for a child to stop.
pub fn until_stopped(pid: i32) {
    let mut raw = 0;
    // SAFETY: writes a number.
    let result = unsafe { libc::waitpid(pid, &raw mut raw, libc::WUNTRACED) };
    assert_eq!(result, pid);
    assert!(
        matches!(WaitStatus::from_raw(raw), Some(WaitStatus::Stopped(_))),
        "{raw:#x}"
    );
}

pub fn limit_pending(limit: u64) {
    let limit = libc::rlimit {
        rlim_cur: limit,
        rlim_max: limit,
    };
    // SAFETY: reads one rlimit.
    let result = unsafe { libc::setrlimit(libc::RLIMIT_SIGPENDING, &raw const limit) };
    assert_eq!(result, 0);
}

pub fn become_user(uid: u32) {
    // SAFETY: takes a number.
    let result = unsafe { libc::setuid(uid) };
    assert_eq!(result, 0);
}

pub fn is_root() -> bool {
    // SAFETY: takes nothing.
    unsafe { libc::geteuid() == 0 }
}

/// Writes to a null pointer's page.
pub fn touch_nothing() {
    // SAFETY: not at all: the fault is what is wanted, in a child made for it.
    unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(1) };
}

/// Reads a page of a mapping whose file has none.
pub fn touch_beyond_the_file(file: &std::fs::File) {
    use std::os::fd::AsRawFd;
    // SAFETY: a new mapping of one page, chosen by the kernel.
    let page = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            4096,
            libc::PROT_READ,
            libc::MAP_SHARED,
            file.as_raw_fd(),
            0,
        )
    };
    assert_ne!(page, libc::MAP_FAILED);
    // SAFETY: not at all: the fault is what is wanted, in a child made for it.
    unsafe { page.cast::<u8>().read_volatile() };
}

/// pidfd_send_signal(2) with a pid in the descriptor's place; gives the errno.
pub fn send_by_pid_as_descriptor(pid: i32) -> wigwag::Errno {
    // SAFETY: takes numbers and a null pointer.
    let result = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pid,
            0,
            std::ptr::null::<u8>(),
            0,
        )
    };
    assert_eq!(result, -1);
    wigwag::Errno::new(std::io::Error::last_os_error().raw_os_error().unwrap())
}

/// Ends the process at once; async-signal-safe.
pub fn exit(code: i32) -> ! {
    // SAFETY: takes a number, and does not return.
    unsafe { libc::_exit(code) }
}

/// Calls itself until the thread's stack is full.
#[allow(unconditional_recursion)]
pub fn overflow_the_stack() {
    fn deeper(n: u64) -> u64 {
        let room = std::hint::black_box([n; 64]);
        deeper(n + 1) + room[0]
    }
    std::hint::black_box(deeper(0));
}

/// Children that end by a fault leave no core file.
pub fn no_core() {
    let none = rustix::process::Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    rustix::process::setrlimit(rustix::process::Resource::Core, none).unwrap();
}

/// Ignores a signal as whoever started this program could have: the library is not told.
pub fn ignore_behind_its_back(signal: Signal) {
    // SAFETY: no handler is installed.
    let before = unsafe { libc::signal(signal.number(), libc::SIG_IGN) };
    assert_ne!(before, libc::SIG_ERR);
}

/// Has the standard library make the child by fork and not by posix_spawn.
pub fn touch_pre_exec(command: &mut std::process::Command) -> &mut std::process::Command {
    use std::os::unix::process::CommandExt;
    // SAFETY: the closure does nothing.
    unsafe { command.pre_exec(|| Ok(())) }
}
