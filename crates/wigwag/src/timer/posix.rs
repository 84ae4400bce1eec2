//! POSIX timers: as many as wanted, by any clock, each with a signal, a value and a receiver of its own.
//!
//! The signal's cause is [`Cause::Timer`](crate::Cause::Timer), with the timer's [id](PosixTimer::id), its value, and how often
//! it ran out besides while the signal was waiting to be taken: a timer has at most one signal pending, which so stands for all.
//!
//! A timer is its process's, not a thread's. A child made by fork has none of them, and what it does with its parent's fails; exec
//! deletes them, whether or not they have run out; a signal that is pending already stays.

use std::time::Duration;

use super::clock::NO_ALARM;
use super::{Clock, Notify, Setting, setting};
use crate::sys::posix_timer as sys;
use crate::{Errno, Error, Result, Signal};

/// A timer of timer_create(2), which is deleted when this is dropped.
///
/// ```
/// use std::time::Duration;
/// use wigwag::timer::{Clock, Notify, PosixTimer};
/// use wigwag::{Cause, Signal, mask, wait};
/// let signal = Signal::rtmin();
/// let guard = mask::block(signal);
/// let timer = PosixTimer::new(Clock::Monotonic, Notify::Process { signal, value: 42 })?;
/// timer.set(Duration::from_millis(1), None)?;
/// let info = wait::wait_info(signal)?;
/// assert!(matches!(info.cause, Cause::Timer { timer: id, .. } if id == timer.id()));
/// assert_eq!(info.value(), Some(42));
/// # Ok::<(), wigwag::Error>(())
/// ```
///
/// As a callback:
///
/// ```
/// use std::time::Duration;
/// use wigwag::timer::{Clock, Notify, PosixTimer};
/// use wigwag::{Signal, receive};
/// let (sender, taken) = std::sync::mpsc::channel();
/// let registration = receive::on(Signal::USR1, move |received| {
///     let _ = sender.send(received.value());
/// })?;
/// let timer = PosixTimer::new(Clock::Monotonic, Notify::Process { signal: Signal::USR1, value: 7 })?;
/// timer.set(Duration::from_millis(1), Some(Duration::from_millis(1)))?;
/// assert_eq!((taken.recv()?, taken.recv()?), (Some(7), Some(7)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "timer_create")]
#[derive(Debug)]
pub struct PosixTimer {
    id: i32,
    clock: Clock,
    notify: Notify,
    /// Whose it is: a child made by fork may have another timer of the same id.
    generation: u64,
}

impl PosixTimer {
    /// Makes one that does not run yet: timer_create(2).
    ///
    /// # Errors
    /// EAGAIN: the limit of queued signals is reached (`RLIMIT_SIGPENDING`, which each timer counts against from the
    /// start), or the kernel has no memory for it. EINVAL: the C library reserves the signal, or this process has no such
    /// thread. EPERM: an alarm clock, without the capability `CAP_WAKE_ALARM`. EOPNOTSUPP: an alarm clock, and the machine has none
    /// that could wake it. ENOMEM: forks cannot be watched.
    ///
    /// ```
    /// use wigwag::timer::{Clock, Notify, PosixTimer};
    /// use wigwag::{Errno, Signal, send};
    /// let notify = |thread| Notify::Thread { signal: Signal::USR1, value: 0, thread };
    /// let mine = PosixTimer::new(Clock::ThreadCpu, notify(send::thread_id()))?;
    /// assert_eq!(PosixTimer::new(Clock::ThreadCpu, notify(1 << 30)).unwrap_err().errno(), Errno::INVAL);
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    pub fn new(clock: Clock, notify: Notify) -> Result<PosixTimer> {
        let failed = |errno| Error::new(format!("make a timer of {clock} with {notify}"), errno);
        let (signal, thread) = (notify.signal(), notify.thread());
        if signal.is_some_and(Signal::is_reserved) {
            return Err(failed(Errno::INVAL).with_note("the C library keeps the signal for itself"));
        }
        // The kernel would take 0 as the calling thread.
        if let Some(thread) = thread.filter(|thread| *thread <= 0) {
            return Err(failed(Errno::INVAL)
                .with_note(format!("the id of a thread is above 0, not {thread}")));
        }
        let generation = sys::generation().map_err(|errno| Error::new("watch for forks", errno))?;
        let told = signal.map(|signal| (signal.number(), notify.value()));
        match sys::create(clock.number(), told, thread) {
            Ok(id) => Ok(PosixTimer {
                id,
                clock,
                notify,
                generation,
            }),
            Err(errno) => {
                let error = failed(errno);
                Err(match (errno.number(), thread) {
                    (libc::EAGAIN, _) => {
                        error.with_note("each timer counts as a queued signal: RLIMIT_SIGPENDING")
                    }
                    (libc::EINVAL, Some(thread)) => {
                        error.with_note(format!("this process has no thread {thread}"))
                    }
                    (libc::EPERM, _) if clock.is_alarm() => {
                        error.with_note("to wake the machine takes the capability CAP_WAKE_ALARM")
                    }
                    (libc::EOPNOTSUPP, _) if clock.is_alarm() => error.with_note(NO_ALARM),
                    _ => error,
                })
            }
        }
    }

    /// The kernel's number of it, as it comes with its signals: `timer` of [`Cause::Timer`](crate::Cause::Timer). It is given out
    /// again once the timer is dropped.
    ///
    /// ```
    /// use wigwag::timer::{Clock, Notify, PosixTimer};
    /// let [one, other] = [(); 2].map(|()| PosixTimer::new(Clock::Monotonic, Notify::Nothing));
    /// assert_ne!(one?.id(), other?.id());
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[must_use]
    pub fn id(&self) -> i32 {
        self.id
    }

    /// What it goes by.
    ///
    /// ```
    /// use wigwag::timer::{Clock, Notify, PosixTimer};
    /// assert_eq!(PosixTimer::new(Clock::Boottime, Notify::Nothing)?.clock(), Clock::Boottime);
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// How it tells that it ran out.
    ///
    /// ```
    /// use wigwag::timer::{Clock, Notify, PosixTimer};
    /// assert_eq!(PosixTimer::new(Clock::Boottime, Notify::Nothing)?.notify(), Notify::Nothing);
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[must_use]
    pub fn notify(&self) -> Notify {
        self.notify
    }

    /// Starts it, or starts it anew: it runs out after `first`, and then each `interval`. A first time of zero stops it. Gives how
    /// it was set before: timer_settime(2).
    ///
    /// Times are nanoseconds; the kernel may be late, never early. A signal of the earlier setting that is still pending is thrown
    /// away when it would be taken; before Linux 6.13 it still comes.
    ///
    /// # Errors
    /// EOVERFLOW: a time above 146 years, or one that does not fit the machine's words (68 years on 32 bits). EINVAL: the
    /// timer is a parent's, from before a fork. ESRCH: a timer of a thread's CPU time, and that thread has ended.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wigwag::Errno;
    /// use wigwag::timer::{Clock, Notify, PosixTimer};
    /// let timer = PosixTimer::new(Clock::Monotonic, Notify::Nothing)?;
    /// let minute = Duration::from_secs(60);
    /// assert_eq!(timer.set(minute, None)?.remaining, None);
    /// assert!(timer.set(minute, Some(minute))?.remaining.is_some_and(|left| left <= minute));
    /// assert_eq!(timer.set(Duration::MAX, None).unwrap_err().errno(), Errno::new(75)); // EOVERFLOW
    /// assert!(timer.get()?.remaining.is_some(), "and nothing has changed");
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[doc(alias = "timer_settime")]
    pub fn set(&self, first: Duration, interval: Option<Duration>) -> Result<Setting> {
        self.put(false, first, interval)
    }

    /// Starts it to run out at this time of its clock, and then each `interval`: timer_settime(2) with `TIMER_ABSTIME`. A time that
    /// has passed already, zero too, is at once. Gives how it was set before.
    ///
    /// Of intervals that have passed already, the first signal's overrun tells.
    ///
    /// # Errors
    /// EOVERFLOW: a time above 292 years, an interval above 146, or one that does not fit the machine's words (68 years on 32
    /// bits). EINVAL, ESRCH: as [`set`](PosixTimer::set).
    ///
    /// ```
    /// use std::time::Duration;
    /// use wigwag::timer::{Clock, Notify, PosixTimer};
    /// use wigwag::{Signal, mask, wait};
    /// let signal = Signal::rtmin();
    /// let guard = mask::block(signal);
    /// let timer = PosixTimer::new(Clock::Monotonic, Notify::Process { signal, value: 1 })?;
    /// let deadline = Clock::Monotonic.now()? + Duration::from_millis(2);
    /// timer.set_at(deadline, None)?;
    /// wait::wait(signal)?;
    /// assert!(Clock::Monotonic.now()? >= deadline);
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[doc(alias = "TIMER_ABSTIME")]
    pub fn set_at(&self, time: Duration, interval: Option<Duration>) -> Result<Setting> {
        // The kernel takes zero as an order to stop.
        self.put(true, time.max(Duration::from_nanos(1)), interval)
    }

    fn put(&self, absolute: bool, first: Duration, interval: Option<Duration>) -> Result<Setting> {
        let interval = interval.unwrap_or_default();
        let attempt = || {
            let when = if absolute { "at" } else { "in" };
            format!("set {} to run out {when} {first:?}", self.name())
        };
        let failed = |errno: Errno| {
            let error = Error::new(attempt(), errno);
            match errno.number() {
                libc::EOVERFLOW => error.with_note(TOO_LONG),
                libc::ESRCH => error.with_note("the thread whose CPU time it measures has ended"),
                _ => error,
            }
        };
        let longest = if absolute { LATEST } else { LONGEST };
        if first > longest || interval > LONGEST {
            return Err(failed(Errno::new(libc::EOVERFLOW)));
        }
        self.own(attempt)?;
        let stops = first.is_zero() && self.notify == Notify::Nothing;
        let (absolute, times) = match stops {
            // The kernel goes on to tell the time that such a one had left. One that has run out long ago does nothing either.
            true => (true, (Duration::from_nanos(1), Duration::ZERO)),
            false => (absolute, (first, interval)),
        };
        sys::set(self.id, absolute, times)
            .map(setting)
            .map_err(failed)
    }

    /// Stops it, and gives how it was set: timer_settime(2). What [`set`](PosixTimer::set) says of a pending signal holds here too.
    ///
    /// # Errors
    /// EINVAL, ESRCH: as [`set`](PosixTimer::set).
    ///
    /// ```
    /// use std::time::Duration;
    /// use wigwag::timer::{Clock, Notify, PosixTimer, Setting};
    /// let timer = PosixTimer::new(Clock::Realtime, Notify::Nothing)?;
    /// timer.set(Duration::from_secs(60), None)?;
    /// assert!(timer.disarm()?.remaining.is_some());
    /// assert_eq!(timer.get()?, Setting::default());
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    pub fn disarm(&self) -> Result<Setting> {
        self.put(false, Duration::ZERO, None)
    }

    /// How it is set now; the time that is left is relative also where it was set to a time of the clock: timer_gettime(2).
    ///
    /// # Errors
    /// EINVAL: the timer is a parent's, from before a fork.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wigwag::timer::{Clock, Notify, PosixTimer};
    /// let timer = PosixTimer::new(Clock::Monotonic, Notify::Nothing)?;
    /// timer.set(Duration::from_secs(60), Some(Duration::from_secs(5)))?;
    /// let setting = timer.get()?;
    /// assert!(setting.remaining.is_some_and(|left| left <= Duration::from_secs(60)));
    /// assert_eq!(setting.interval, Some(Duration::from_secs(5)));
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[doc(alias = "timer_gettime")]
    pub fn get(&self) -> Result<Setting> {
        let attempt = || format!("read {}", self.name());
        self.own(attempt)?;
        sys::get(self.id)
            .map(setting)
            .map_err(|errno| Error::new(attempt(), errno))
    }

    /// How often it ran out besides before its last signal was taken: timer_getoverrun(2). At most `i32::MAX`. The signal itself
    /// brings the same number, which, unlike this one, no later signal changes.
    ///
    /// # Errors
    /// EINVAL: the timer is a parent's, from before a fork.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wigwag::timer::{Clock, Notify, PosixTimer};
    /// use wigwag::{Signal, mask, wait};
    /// let signal = Signal::rtmin();
    /// let guard = mask::block(signal);
    /// let timer = PosixTimer::new(Clock::Monotonic, Notify::Process { signal, value: 0 })?;
    /// let begun = Clock::Monotonic.now()?;
    /// timer.set_at(begun, Some(Duration::from_millis(1)))?;
    /// while Clock::Monotonic.now()? < begun + Duration::from_millis(5) {}
    /// wait::wait(signal)?;
    /// assert!(timer.overrun()? >= 5);
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[doc(alias = "timer_getoverrun")]
    pub fn overrun(&self) -> Result<u32> {
        let attempt = || format!("read the overrun of {}", self.name());
        self.own(attempt)?;
        sys::overrun(self.id).map_err(|errno| Error::new(attempt(), errno))
    }

    /// Fails in a child made by fork, where the id is nobody's, or another timer's.
    fn own(&self, attempt: impl FnOnce() -> String) -> Result<()> {
        if self.is_own() {
            return Ok(());
        }
        Err(Error::new(attempt(), Errno::INVAL).with_note(
            "it was made before a fork, and a child has no timers of its parent: make a new one",
        ))
    }

    fn is_own(&self) -> bool {
        sys::generation() == Ok(self.generation)
    }

    fn name(&self) -> String {
        format!("timer {} of {}", self.id, self.clock)
    }
}

/// Half of the nanoseconds that the kernel's 64 bits hold: see [`sys::timer`](crate::sys::timer).
const LONGEST: Duration = crate::sys::timer::LONGEST;

/// The last time that the kernel's 64 bits hold, in nanoseconds; it would take a later one as this.
const LATEST: Duration = Duration::from_nanos(i64::MAX as u64);

const TOO_LONG: &str = "the kernel counts nanoseconds in 64 bits: at most 146 years ahead or between, and 292 years of a clock";

impl Drop for PosixTimer {
    /// timer_delete(2). In a child made by fork there is nothing to delete.
    fn drop(&mut self) {
        if self.is_own() {
            let _ = sys::delete(self.id);
        }
    }
}
