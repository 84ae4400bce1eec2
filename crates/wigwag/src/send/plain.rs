//! The calls that take numbers: kill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo.

use super::{failed, signal_number};
use crate::{Errno, Error, Result, Signal, sys};

/// Sends a signal to a process, with kill(2).
///
/// It is sent to whoever has this pid now; see [`PidFd`](super::PidFd) for one that cannot change.
///
/// # Errors
/// ESRCH: no such process. EPERM: it may not be signalled. EINVAL: the pid is not positive (the kernel would take it
/// as a group or as everyone; [`send_group`] and [`send_everyone`] say so by name).
///
/// ```
/// use wigwag::{Errno, Signal, send};
/// let mut child = std::process::Command::new("sleep").arg("60").spawn()?;
/// send::send(child.id() as i32, Signal::TERM)?;
/// assert_eq!(wigwag::WaitStatus::try_from(child.wait()?).unwrap().to_string(), "killed by TERM");
/// assert_eq!(send::send(0, Signal::TERM).unwrap_err().errno(), Errno::INVAL);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn send(pid: i32, signal: Signal) -> Result<()> {
    to_process(pid, Some(signal))
}

/// Asks whether a signal could be sent to a process: kill(2) with signal 0. A zombie counts as there.
///
/// # Errors
/// ESRCH: no such process. EPERM: it exists, and may not be signalled. EINVAL: the pid is not positive.
///
/// ```
/// wigwag::send::probe(std::process::id() as i32)?;
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn probe(pid: i32) -> Result<()> {
    to_process(pid, None)
}

fn to_process(pid: i32, signal: Option<Signal>) -> Result<()> {
    let target = || format!("pid {pid}");
    if pid <= 0 {
        return Err(failed(signal, None, &target(), Errno::INVAL).with_note(POSITIVE));
    }
    sys::send::kill(pid, signal_number(signal))
        .map_err(|errno| failed(signal, None, &target(), errno))
}

const POSITIVE: &str = "a pid is a number above 0";

/// Sends a signal to every process of a process group that may be signalled, in one atomic kill(2).
///
/// # Errors
/// ESRCH: no such group. EPERM: there is one, and none of its processes may be signalled. EINVAL: the number is not
/// above 1 (the kernel would take group 1 as everyone).
///
/// ```
/// use std::os::unix::process::CommandExt;
/// use wigwag::{Signal, send};
/// let mut child = std::process::Command::new("sleep").arg("60").process_group(0).spawn()?;
/// send::send_group(child.id() as i32, Signal::HUP)?;
/// assert_eq!(wigwag::WaitStatus::try_from(child.wait()?).unwrap().signal(), Some(Signal::HUP));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn send_group(group: i32, signal: Signal) -> Result<()> {
    to_group(group, Some(signal))
}

/// Asks whether a signal could be sent to any process of a group, and sends none: kill(2) with signal 0.
///
/// # Errors
/// ESRCH: no such group. EPERM: there is one, and none of its processes may be signalled. EINVAL: the number is not above 1.
///
/// ```
/// use std::os::unix::process::CommandExt;
/// use wigwag::send;
/// let mut leader = std::process::Command::new("sleep").arg("60").process_group(0).spawn()?;
/// let group = leader.id() as i32;
/// send::probe_group(group)?;
/// leader.kill()?;
/// leader.wait()?;
/// assert!(send::probe_group(group).unwrap_err().is_gone());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn probe_group(group: i32) -> Result<()> {
    to_group(group, None)
}

fn to_group(group: i32, signal: Option<Signal>) -> Result<()> {
    let target = || format!("process group {group}");
    if group <= 1 {
        return Err(failed(signal, None, &target(), Errno::INVAL)
            .with_note("a process group is a number above 1: kill(2) takes 1 as everyone"));
    }
    sys::send::kill(-group, signal_number(signal))
        .map_err(|errno| failed(signal, None, &target(), errno))
}

/// Sends a signal to every process of one's own process group, oneself included: kill(2) with pid 0.
///
/// # Errors
/// None is known: the caller is in its group and may signal itself.
///
/// ```no_run
/// // It would signal whatever runs this example, too.
/// wigwag::send::send_own_group(wigwag::Signal::WINCH)?;
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn send_own_group(signal: Signal) -> Result<()> {
    sys::send::kill(0, signal.number())
        .map_err(|errno| failed(Some(signal), None, "the own process group", errno))
}

/// Sends a signal to every process that may be signalled, except oneself and pid 1 of this pid namespace: kill(2) with
/// pid -1. Those that may not be signalled are passed over.
///
/// # Errors
/// ESRCH: there is no other process. It is no error that none may be signalled, whatever manual pages say: Linux gives
/// no EPERM here.
///
/// ```no_run
/// wigwag::send::send_everyone(wigwag::Signal::TERM)?;
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn send_everyone(signal: Signal) -> Result<()> {
    sys::send::kill(-1, signal.number())
        .map_err(|errno| failed(Some(signal), None, "every process", errno))
}

/// Asks whether [`send_everyone`] would find anybody, and sends nothing: kill(2) with pid -1 and signal 0.
///
/// # Errors
/// ESRCH: there is no process but oneself and pid 1.
///
/// ```
/// # let mut child = std::process::Command::new("sleep").arg("60").spawn()?;
/// wigwag::send::probe_everyone()?;
/// # child.kill()?;
/// # child.wait()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn probe_everyone() -> Result<()> {
    sys::send::kill(-1, 0).map_err(|errno| failed(None, None, "every process", errno))
}

/// Sends a signal to one thread of a process, with tgkill(2). Only that thread can take it.
///
/// # Errors
/// ESRCH: that process has no such thread. EPERM: it may not be signalled. EINVAL: a number is not positive. EAGAIN: the
/// signal is a real-time one and the queue is full.
///
/// ```
/// use wigwag::{Signal, mask, send, wait};
/// let guard = mask::block(Signal::USR1);
/// send::send_thread(send::process_id(), send::thread_id(), Signal::USR1)?;
/// assert_eq!(wait::wait(Signal::USR1)?, Signal::USR1);
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn send_thread(process: i32, thread: i32, signal: Signal) -> Result<()> {
    to_thread(process, thread, Some(signal))
}

/// Asks whether a signal could be sent to a thread, and sends none: tgkill(2) with signal 0.
///
/// # Errors
/// ESRCH: that process has no such thread. EPERM: it may not be signalled. EINVAL: a number is not positive.
///
/// ```
/// use wigwag::send;
/// send::probe_thread(send::process_id(), send::thread_id())?;
/// assert!(send::probe_thread(send::process_id(), i32::MAX).unwrap_err().is_gone());
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn probe_thread(process: i32, thread: i32) -> Result<()> {
    to_thread(process, thread, None)
}

fn to_thread(process: i32, thread: i32, signal: Option<Signal>) -> Result<()> {
    let target = || format!("thread {thread} of pid {process}");
    if process <= 0 || thread <= 0 {
        return Err(failed(signal, None, &target(), Errno::INVAL)
            .with_note("the ids of a thread are numbers above 0"));
    }
    sys::send::tgkill(process, thread, signal_number(signal))
        .map_err(|errno| failed(signal, None, &target(), errno))
}

/// Sends a signal to the calling thread, with tgkill(2): when this returns, its handler has run, unless the thread
/// blocks the signal.
///
/// # Errors
/// EAGAIN: the signal is a real-time one and the queue is full.
///
/// ```
/// wigwag::send::raise(wigwag::Signal::WINCH)?; // ignored by default
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn raise(signal: Signal) -> Result<()> {
    sys::send::tgkill(sys::send::getpid(), sys::send::gettid(), signal.number())
        .map_err(|errno| failed(Some(signal), None, "this thread", errno))
}

/// Sends a signal with a value to a process, with rt_sigqueueinfo(2), as sigqueue(3) does. The receiver's siginfo has
/// the code `SI_QUEUE`, the value, and this process's pid and real user.
///
/// Each real-time signal sent so is queued; of a standard signal only the first is, until it is taken. Where the queue is
/// full a standard signal is sent all the same, and loses its value and sender: it comes as `SI_USER` from pid 0.
///
/// # Errors
/// EAGAIN: the signal is a real-time one and the limit of queued signals is reached (the target's `RLIMIT_SIGPENDING`, counted
/// for its real user). ESRCH: no such process. EPERM: it may not be signalled. EINVAL: the pid is not positive.
///
/// ```
/// use wigwag::{Signal, mask, send, wait};
/// let signal = Signal::rtmin();
/// let guard = mask::block(signal);
/// send::queue(send::process_id(), signal, 42)?;
/// send::queue(send::process_id(), signal, 43)?;
/// assert_eq!(wait::wait_info(signal)?.value(), Some(42));
/// assert_eq!(wait::wait_info(signal)?.value(), Some(43));
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn queue(pid: i32, signal: Signal, value: i32) -> Result<()> {
    let error = |errno| failed(Some(signal), Some(value), &format!("pid {pid}"), errno);
    if pid <= 0 {
        return Err(error(Errno::INVAL).with_note(POSITIVE));
    }
    sys::send::sigqueueinfo(pid, signal.number(), value).map_err(error)
}

/// Sends a signal with a value to one thread of a process, with rt_tgsigqueueinfo(2). Only that thread can take it. What
/// [`queue`] says of the queue holds here too.
///
/// # Errors
/// EAGAIN: as [`queue`]. ESRCH: that process has no such thread. EPERM: it may not be signalled. EINVAL: a number is not
/// positive.
///
/// ```
/// use wigwag::{Signal, mask, send, wait};
/// let signal = Signal::rtmin();
/// let guard = mask::block(signal);
/// send::queue_thread(send::process_id(), send::thread_id(), signal, 42)?;
/// assert_eq!(wait::wait_info(signal)?.value(), Some(42));
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn queue_thread(process: i32, thread: i32, signal: Signal, value: i32) -> Result<()> {
    let error = |errno| -> Error {
        failed(
            Some(signal),
            Some(value),
            &format!("thread {thread} of pid {process}"),
            errno,
        )
    };
    if process <= 0 || thread <= 0 {
        return Err(error(Errno::INVAL).with_note("the ids of a thread are numbers above 0"));
    }
    sys::send::tgsigqueueinfo(process, thread, signal.number(), value).map_err(error)
}

/// The pid of this process, as its pid namespace numbers it; right after a fork too: getpid(2).
///
/// ```
/// assert_eq!(wigwag::send::process_id(), std::process::id() as i32);
/// ```
#[must_use]
pub fn process_id() -> i32 {
    sys::send::getpid()
}

/// The id of the calling thread, as [`send_thread`] takes it: gettid(2). The first thread's is the pid.
///
/// ```
/// use wigwag::send::thread_id;
/// assert_ne!(thread_id(), std::thread::spawn(thread_id).join().unwrap());
/// ```
#[must_use]
pub fn thread_id() -> i32 {
    sys::send::gettid()
}
