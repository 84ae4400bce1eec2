//! Signals with any code, and system calls that a filter stops.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::sync::Mutex;

use wigwag::{Errno, Signal, mask, send};

/// A siginfo as the kernel takes it: 128 bytes, aligned as its pointers are.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub struct Forged([u8; 128]);

/// Where what depends on the code begins.
const UNION: usize = if size_of::<usize>() == 8 { 16 } else { 12 };

impl Forged {
    /// One with this code, and these bytes at their distances from the beginning of what depends on it.
    pub fn new(signal: Signal, code: i32, fields: &[(usize, &[u8])]) -> Forged {
        let mut bytes = [0; 128];
        bytes[..4].copy_from_slice(&signal.number().to_ne_bytes());
        bytes[8..12].copy_from_slice(&code.to_ne_bytes());
        for (at, field) in fields {
            bytes[UNION + at..UNION + at + field.len()].copy_from_slice(field);
        }
        Forged(bytes)
    }

    fn signal(&self) -> i32 {
        i32::from_ne_bytes([self.0[0], self.0[1], self.0[2], self.0[3]])
    }

    /// Sends it with rt_sigqueueinfo(2): any code to oneself, to others those below 0 but for `SI_TKILL`.
    pub fn send(&self, pid: i32) -> Result<(), Errno> {
        // SAFETY: the kernel reads 128 bytes.
        let result = unsafe {
            libc::syscall(
                libc::SYS_rt_sigqueueinfo,
                pid,
                self.signal(),
                std::ptr::from_ref(self),
            )
        };
        if result == 0 {
            Ok(())
        } else {
            Err(Errno::new(
                std::io::Error::last_os_error().raw_os_error().unwrap(),
            ))
        }
    }
}

/// What [`keep`] was given.
static KEPT: Mutex<Option<Forged>> = Mutex::new(None);

extern "C" fn keep(_: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel gives a whole siginfo.
    let info = unsafe { info.cast::<Forged>().read() };
    if let Ok(mut kept) = KEPT.try_lock() {
        *kept = Some(info);
    }
}

/// Runs what causes a signal, and gives the siginfo that a handler got for it. Such a signal is forced on the thread, so
/// that it cannot be waited for; sent to oneself as it was, it can.
pub fn caught(signal: Signal, cause: impl FnOnce()) -> Forged {
    let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = keep;
    // SAFETY: zero is valid for every field, and the handler uses only a lock that it does not wait for.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        let result = libc::sigaction(signal.number(), &raw const action, std::ptr::null_mut());
        assert_eq!(result, 0);
    }
    cause();
    let kept = KEPT.lock().unwrap().take();
    kept.expect("the handler has run")
}

/// The system call that [`trap_getppid`] stops. Nothing else here makes it.
pub const TRAPPED: i64 = libc::SYS_getppid;

pub fn getppid() {
    // SAFETY: takes nothing.
    unsafe { libc::syscall(TRAPPED) };
}

/// Has seccomp(2) send SYS for getppid(2), with this number as `si_errno`. It cannot be undone.
pub fn trap_getppid(data: u16) {
    let number = u32::try_from(TRAPPED).unwrap();
    let trap = libc::SECCOMP_RET_TRAP | u32::from(data);
    // SAFETY: these only put numbers into a struct.
    let mut program = unsafe {
        [
            // The number is the first field of what the filter sees.
            libc::BPF_STMT((libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, 0),
            libc::BPF_JUMP(
                (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16,
                number,
                0,
                1,
            ),
            libc::BPF_STMT((libc::BPF_RET | libc::BPF_K) as u16, trap),
            libc::BPF_STMT(
                (libc::BPF_RET | libc::BPF_K) as u16,
                libc::SECCOMP_RET_ALLOW,
            ),
        ]
    };
    let program = libc::sock_fprog {
        len: program.len() as u16,
        filter: program.as_mut_ptr(),
    };
    // SAFETY: the first takes numbers; the second reads the program, which lives until it is over.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        assert_eq!(
            libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program),
            0
        );
    }
}

/// Has a new timer of timer_create(2) send the signal with this value once, in a millisecond.
pub fn start_timer(signal: Signal, value: usize) {
    let mut timer = MaybeUninit::<libc::timer_t>::uninit();
    // SAFETY: zero is valid for every field of these structs, and each call reads or writes what it is given.
    unsafe {
        let mut event: libc::sigevent = std::mem::zeroed();
        event.sigev_notify = libc::SIGEV_SIGNAL;
        event.sigev_signo = signal.number();
        event.sigev_value = libc::sigval {
            sival_ptr: std::ptr::without_provenance_mut(value),
        };
        let clock = libc::CLOCK_MONOTONIC;
        assert_eq!(
            libc::timer_create(clock, &raw mut event, timer.as_mut_ptr()),
            0
        );
        let mut time: libc::itimerspec = std::mem::zeroed();
        time.it_value.tv_nsec = 1_000_000;
        let result = libc::timer_settime(
            timer.assume_init(),
            0,
            &raw const time,
            std::ptr::null_mut(),
        );
        assert_eq!(result, 0);
    }
}

/// Has the descriptor send this process the signal when it becomes ready.
pub fn send_when_ready(fd: i32, signal: Signal) {
    /// Of `asm-generic/fcntl.h`; the C library's binding has it for some machines only.
    const F_SETSIG: i32 = 10;
    // SAFETY: these take numbers.
    unsafe {
        assert_eq!(libc::fcntl(fd, F_SETSIG, signal.number()), 0);
        assert_eq!(libc::fcntl(fd, libc::F_SETOWN, send::process_id()), 0);
        assert_eq!(libc::fcntl(fd, libc::F_SETFL, libc::O_ASYNC), 0);
    }
}

/// Blocks a signal that the C library keeps for itself, as a program that does not go through it can.
pub fn block_reserved(signal: Signal) {
    let bits = 1_u64 << (signal.number() - 1);
    // SAFETY: the kernel reads 8 bytes.
    let result = unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_BLOCK,
            &raw const bits,
            std::ptr::null_mut::<u64>(),
            size_of::<u64>(),
        )
    };
    assert_eq!(result, 0);
    assert!(mask::current().contains(signal));
}

/// Children of this process begin a pid namespace of their own; needs root.
pub fn leave_pid_namespace() {
    // SAFETY: takes a number.
    let result = unsafe { libc::unshare(libc::CLONE_NEWPID) };
    assert_eq!(result, 0, "unshare failed");
}
