//! alarm, setitimer, getitimer.

use std::time::Duration;

use super::check;
use crate::Errno;

/// What a timer still has to run, and its interval.
pub(crate) type Spec = (Duration, Duration);

/// alarm(2).
pub(crate) fn alarm(seconds: u32) -> u32 {
    // SAFETY: takes a number and cannot fail.
    unsafe { libc::alarm(seconds) }
}

/// getitimer(2).
pub(crate) fn get(which: i32) -> Result<Spec, Errno> {
    let mut now = ZERO;
    // SAFETY: the call writes one itimerval.
    check(unsafe { libc::syscall(libc::SYS_getitimer, which, &raw mut now) })?;
    Ok(read(&now))
}

/// setitimer(2); gives what was set before.
pub(crate) fn set(which: i32, (first, interval): Spec) -> Result<Spec, Errno> {
    let new = libc::itimerval {
        it_value: timeval(first),
        it_interval: timeval(interval),
    };
    let mut before = ZERO;
    // SAFETY: the call reads one itimerval and writes one.
    check(unsafe { libc::syscall(libc::SYS_setitimer, which, &raw const new, &raw mut before) })?;
    Ok(read(&before))
}

const ZERO: libc::itimerval = libc::itimerval {
    it_value: libc::timeval {
        tv_sec: 0,
        tv_usec: 0,
    },
    it_interval: libc::timeval {
        tv_sec: 0,
        tv_usec: 0,
    },
};

fn read(timer: &libc::itimerval) -> Spec {
    let duration = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec.try_into().unwrap_or(0))
            + Duration::from_micros(time.tv_usec.try_into().unwrap_or(0))
    };
    (duration(timer.it_value), duration(timer.it_interval))
}

/// Half of the nanoseconds that the kernel's 64 bits hold, 146 years: to the time of a timer of CPU time it adds what was
/// used already, and the sum of more than this can overflow, which makes the timer run out at once.
pub(crate) const LONGEST: Duration = Duration::from_secs(i64::MAX as u64 / 1_000_000_000 / 2);

/// Rounded up to whole microseconds: a very short time must not become 0, which would disarm.
fn timeval(duration: Duration) -> libc::timeval {
    let duration = duration
        .saturating_add(Duration::from_nanos(999))
        .min(LONGEST);
    libc::timeval {
        tv_sec: duration.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_usec: duration.subsec_micros() as _,
    }
}
