//! timer_create, timer_settime, timer_gettime, timer_getoverrun, timer_delete, clock_gettime.
//!
//! The system calls themselves, not the C library's functions: theirs give a timer a name of their own, which is not the number
//! that comes with its signals.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::check;
use super::timer::Spec;
use crate::Errno;

/// A time as these calls have it: two words of the machine.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Time {
    seconds: libc::c_long,
    nanoseconds: libc::c_long,
}

/// The kernel's itimerspec.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Times {
    interval: Time,
    first: Time,
}

impl Time {
    /// `None` where a word cannot hold it.
    fn of(duration: Duration) -> Option<Time> {
        Some(Time {
            seconds: duration.as_secs().try_into().ok()?,
            nanoseconds: duration.subsec_nanos() as libc::c_long,
        })
    }

    /// The kernel gives none below 0.
    fn duration(self) -> Duration {
        Duration::from_secs(self.seconds.try_into().unwrap_or(0))
            + Duration::from_nanos(self.nanoseconds.try_into().unwrap_or(0))
    }
}

impl Times {
    fn spec(self) -> Spec {
        (self.first.duration(), self.interval.duration())
    }
}

/// timer_create(2): with a signal and its value to the process or to one thread, or with none. Gives the kernel's number.
pub(crate) fn create(
    clock: i32,
    signal: Option<(i32, i32)>,
    thread: Option<i32>,
) -> Result<i32, Errno> {
    // SAFETY: all fields of a sigevent are numbers or a pointer: zero is valid for each.
    let mut event = unsafe { std::mem::zeroed::<libc::sigevent>() };
    let how = match (signal, thread) {
        (None, _) => libc::SIGEV_NONE,
        (Some(_), None) => libc::SIGEV_SIGNAL,
        (Some(_), Some(tid)) => {
            event.sigev_notify_thread_id = tid;
            libc::SIGEV_THREAD_ID
        }
    };
    let (signo, value) = signal.unwrap_or_default();
    event.sigev_notify = how;
    event.sigev_signo = signo;
    // SAFETY: a sigval is a union of a number and a pointer; the number is at its beginning, and it has room for it.
    unsafe { (&raw mut event.sigev_value).cast::<i32>().write(value) };
    let mut timer = 0_i32;
    // SAFETY: the kernel reads one sigevent, of whose form the C library's is, and writes one number of 32 bits.
    check(unsafe {
        libc::syscall(
            libc::SYS_timer_create,
            clock,
            &raw mut event,
            &raw mut timer,
        )
    })?;
    Ok(timer)
}

/// timer_settime(2); gives what was set before. EOVERFLOW where a word of the machine cannot hold the times.
pub(crate) fn set(
    timer: i32,
    absolute: bool,
    (first, interval): (Duration, Duration),
) -> Result<Spec, Errno> {
    let (Some(first), Some(interval)) = (Time::of(first), Time::of(interval)) else {
        return Err(Errno::new(libc::EOVERFLOW));
    };
    let flags = if absolute { libc::TIMER_ABSTIME } else { 0 };
    let new = Times { interval, first };
    let mut before = Times::default();
    // SAFETY: the kernel reads one itimerspec and writes one.
    check(unsafe {
        libc::syscall(
            libc::SYS_timer_settime,
            timer,
            flags,
            &raw const new,
            &raw mut before,
        )
    })?;
    Ok(before.spec())
}

/// timer_gettime(2).
pub(crate) fn get(timer: i32) -> Result<Spec, Errno> {
    let mut now = Times::default();
    // SAFETY: the kernel writes one itimerspec.
    check(unsafe { libc::syscall(libc::SYS_timer_gettime, timer, &raw mut now) })?;
    Ok(now.spec())
}

/// timer_getoverrun(2).
pub(crate) fn overrun(timer: i32) -> Result<u32, Errno> {
    // SAFETY: takes a number.
    check(unsafe { libc::syscall(libc::SYS_timer_getoverrun, timer) })
        .map(|count| u32::try_from(count).unwrap_or(0))
}

/// timer_delete(2).
pub(crate) fn delete(timer: i32) -> Result<(), Errno> {
    // SAFETY: takes a number.
    check(unsafe { libc::syscall(libc::SYS_timer_delete, timer) }).map(|_| ())
}

/// clock_gettime(2).
pub(crate) fn now(clock: i32) -> Result<Duration, Errno> {
    let mut time = Time::default();
    // SAFETY: the kernel writes two words.
    check(unsafe { libc::syscall(libc::SYS_clock_gettime, clock, &raw mut time) })?;
    Ok(time.duration())
}

/// How many forks lie between the program's start and this process.
static FORKS: AtomicU64 = AtomicU64::new(0);

extern "C" fn before_fork() {}

extern "C" fn in_child() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// Tells this process from one that it was forked from: a pid does not where the child begins a pid namespace.
pub(crate) fn generation() -> Result<u64, Errno> {
    static WATCHED: AtomicBool = AtomicBool::new(false);
    if !WATCHED.swap(true, Ordering::AcqRel) {
        super::handler::around_fork(before_fork, in_child)
            .inspect_err(|_| WATCHED.store(false, Ordering::Release))?;
    }
    Ok(FORKS.load(Ordering::Relaxed))
}
