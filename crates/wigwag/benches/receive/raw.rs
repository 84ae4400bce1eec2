//! Plain system calls, and receivers made of them alone.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use wigwag::{Signal, SignalFd, SignalSet, mask, wait};

use crate::receivers::User;

/// CLOCK_MONOTONIC in nanoseconds: the same in all processes.
pub fn now() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Keeps the calling thread, and those that it makes, on one processor.
pub fn pin(processor: usize) {
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(processor, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set);
    }
}

/// Writes a number to standard output, in one system call.
pub fn say(number: u64) {
    let bytes = number.to_ne_bytes();
    unsafe { libc::write(1, bytes.as_ptr().cast(), 8) };
}

pub fn sigwaitinfo(signal: Signal, user: User) {
    mask::block(signal).keep();
    user.ready();
    loop {
        let info = wait::wait_info(signal).unwrap();
        user.got(info.value());
    }
}

pub fn signalfd(signal: Signal, user: User) {
    mask::block(signal).keep();
    let fd = SignalFd::blocking(SignalSet::from(signal)).unwrap();
    user.ready();
    let mut infos = Vec::with_capacity(128);
    loop {
        infos.clear();
        fd.read_batch(&mut infos).unwrap();
        for info in &infos {
            user.got(info.value());
        }
    }
}

const SLOTS: usize = 1 << 19;
static RING: [AtomicU64; SLOTS] = [const { AtomicU64::new(0) }; SLOTS];
static HEAD: AtomicU64 = AtomicU64::new(0);
static AWAKE: AtomicU32 = AtomicU32::new(1);

extern "C" fn write_ring(_: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    let value = unsafe { (*info).si_value().sival_ptr } as u64;
    let number = HEAD.fetch_add(1, Ordering::AcqRel) as usize;
    RING[number % SLOTS].store(value << 1 | 1, Ordering::SeqCst);
    if AWAKE.swap(1, Ordering::SeqCst) == 0 {
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                AWAKE.as_ptr(),
                libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
                1,
            )
        };
    }
}

/// A handler that writes to a ring that is never full, and a thread that reads it.
pub fn handler(signal: Signal, user: User) {
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction =
            write_ring as extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        libc::sigaction(signal.number(), &raw const action, std::ptr::null_mut());
    }
    std::thread::spawn(move || {
        mask::block(SignalSet::ALL).keep();
        user.ready();
        let mut number = 0;
        loop {
            let value = RING[number % SLOTS].swap(0, Ordering::SeqCst);
            if value != 0 {
                number += 1;
                user.got(Some((value >> 1) as i32));
                continue;
            }
            AWAKE.store(0, Ordering::SeqCst);
            if RING[number % SLOTS].load(Ordering::SeqCst) == 0 {
                unsafe {
                    libc::syscall(
                        libc::SYS_futex,
                        AWAKE.as_ptr(),
                        libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
                        0,
                        std::ptr::null::<libc::timespec>(),
                    )
                };
            }
            AWAKE.store(1, Ordering::SeqCst);
        }
    });
    loop {
        unsafe { libc::pause() };
    }
}
