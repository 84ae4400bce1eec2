//! The end of one's own children, told to ordinary code.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::hub::children::{Call, Waiter};
use super::hub::{self, Hub};
use super::{Way, way};
use crate::sys::child::Usage;
use crate::{Errno, Error, Result, Signal, WaitStatus, sys};

/// How a child ended, and what it has used: what wait4(2) gives.
///
/// ```
/// use std::process::Command;
/// use wigwag::{WaitStatus, receive};
/// let (tell, told) = std::sync::mpsc::channel();
/// let child = Command::new("sh").args(["-c", "exit 3"]).spawn()?;
/// let registration = receive::on_child(child.id() as i32, move |end| { let _ = tell.send(end); })?;
/// let end = told.recv()??;
/// assert_eq!((end.pid, end.status), (child.id() as i32, WaitStatus::Exited(3)));
/// assert!(end.max_rss > 0);
/// println!("{:?} of the processor, {} bytes", end.user_time + end.system_time, end.max_rss);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildEnd {
    /// Its pid, which from now on may be given to another process.
    pub pid: i32,
    /// `Exited` or `Killed`.
    pub status: WaitStatus,
    /// The time that the processor was in it, and in those of its children that it has waited for.
    pub user_time: Duration,
    /// The time that the processor was in the kernel for them.
    pub system_time: Duration,
    /// The most memory that it, or one of these children, had at any time (resident set size), in bytes.
    pub max_rss: u64,
}

/// What the kernel has said, in words.
pub(super) fn end_of(pid: i32, collected: Result<(i32, Usage), Errno>) -> Result<ChildEnd> {
    match collected {
        Ok((raw, usage)) => Ok(ChildEnd {
            pid,
            // Of what has ended the kernel makes no others than these.
            status: WaitStatus::from_raw(raw).unwrap_or(WaitStatus::Exited(raw >> 8 & 0xff)),
            user_time: Duration::from_micros(usage.user),
            system_time: Duration::from_micros(usage.system),
            max_rss: usage.max_rss.saturating_mul(1024),
        }),
        Err(errno) => {
            let error = Error::new(format!("collect child {pid}"), errno);
            Err(match errno.number() {
                libc::ECHILD => error.with_note(
                    "it is no child of this process, or no more: somebody else has collected it, or CHLD is ignored",
                ),
                _ => error,
            })
        }
    }
}

/// Runs a callback once, on the library's thread, when one's own child has ended. The child is collected (wait4(2)), and no other.
///
/// One that had ended before the call is told too. So a child is owned by who registers it: whoever else waits for it (a
/// [`Child::wait`](std::process::Child::wait), waitpid(2) with -1) takes its status away, or finds it gone; all other children are
/// left to their owners. Several registrations of one child are all told. Children of every thread count. Those that clone(2) made
/// to send another signal than CHLD at their end do not, and are ECHILD: nothing would tell of them. Stops and continuations are
/// not told ([`on`](super::on) with CHLD does).
///
/// The callback gets an error where the status cannot be had. ECHILD: the process is no child of this one, or somebody else has
/// collected it, or the kernel itself, which keeps no status while CHLD is ignored or has `SA_NOCLDWAIT`. While a child is
/// registered CHLD is received, also where the process was told to ignore it, so that children leave their status (all children do then,
/// and those that nobody collects stay zombies); but one that ended before the first registration has left none then. A program that may be started with CHLD ignored calls
/// [`disposition::default`](crate::disposition::default) before it makes children.
///
/// A callback that panics is counted ([`panics`](super::panics)). It may register other children. It runs with every signal
/// blocked, which a child that it starts inherits ([`exec`](crate::exec)).
///
/// The number is the child's as long as nobody else collects it. Where somebody does, a new child of this process may get the
/// same number before that is noticed: the callback is then told of that one. And once the callback runs the number may be
/// anybody's: nothing is to be sent to it any more, by [`Child::kill`](std::process::Child::kill) neither.
///
/// CHLD only hints: those that come while one is pending are lost. The child that a signal names is told at once; for others all
/// that are registered are looked at, which takes a tenth of a processor's time at most, so that these may be told later: by some
/// milliseconds with hundreds of children, by up to a tenth of a second with 10,000 (before Linux 5.13, where each look walks along
/// all children, by seconds). [`drain`](super::drain) has all of them told. A CHLD that others take (sigwaitinfo(2), signalfd(2))
/// tells nothing here.
///
/// # Errors
/// EINVAL: the pid is not above 0. EAGAIN, ENOMEM: no thread can be made.
///
/// ```
/// use std::process::Command;
/// use wigwag::{Errno, receive};
/// let (tell, told) = std::sync::mpsc::channel();
/// let mine = Command::new("true").spawn()?;
/// let mut others = Command::new("true").spawn()?;
/// let registration = receive::on_child(mine.id() as i32, move |end| { let _ = tell.send(end); })?;
/// assert!(told.recv()??.status.is_success());
/// assert!(registration.is_over());
/// assert!(others.wait()?.success()); // not collected by anybody else
///
/// // A process that is no child of this one.
/// let (tell, told) = std::sync::mpsc::channel();
/// let parent = std::os::unix::process::parent_id() as i32;
/// let registration = receive::on_child(parent, move |end| { let _ = tell.send(end); })?;
/// assert_eq!(told.recv()?.unwrap_err().errno().name(), Some("ECHILD"));
/// assert_eq!(receive::on_child(-1, |_| ()).unwrap_err().errno(), Errno::INVAL);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn on_child(
    pid: i32,
    callback: impl FnOnce(Result<ChildEnd>) + Send + 'static,
) -> Result<ChildRegistration> {
    if pid <= 0 {
        let error = Error::new(format!("wait for child {pid}"), Errno::INVAL);
        return Err(error.with_note("a pid is a number above 0"));
    }
    register(Some(pid), Call::Once(Box::new(callback)))
}

/// Runs a callback on the library's thread for every child that ends, and collects them all, until the registration is dropped.
///
/// For a program that is the init of a container, say. It takes the status from everybody else in the process: from then on
/// [`Child::wait`](std::process::Child::wait) and [`Command::status`](std::process::Command::status) fail with ECHILD, or get the status
/// where they come first, and then the callback does not. Children that had ended before are told. Those of [`on_child`] are
/// told to both. What is left out is what waitpid(2) with -1 leaves out: children that clone(2) made to send another signal
/// than CHLD. In a program that traces its children (ptrace(2)), one whose stop has not been collected hides others, which are
/// told when a signal names them, or later.
///
/// # Errors
/// EAGAIN, ENOMEM: no thread can be made.
///
/// ```
/// use std::process::Command;
/// use wigwag::receive;
/// let (tell, told) = std::sync::mpsc::channel();
/// let registration = receive::on_any_child(move |end| { let _ = tell.send(end.pid); })?;
/// let mut child = Command::new("true").spawn()?;
/// assert_eq!(told.recv()?, child.id() as i32);
/// assert!(child.wait().is_err(), "it has been collected");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn on_any_child(callback: impl FnMut(ChildEnd) + Send + 'static) -> Result<ChildRegistration> {
    register(None, Call::Every(Box::new(callback)))
}

fn register(pid: Option<i32>, call: Call) -> Result<ChildRegistration> {
    let hub = hub::hub()?;
    let waiter = hub.wait_for_child(pid, call)?;
    Ok(ChildRegistration { hub, waiter })
}

/// The wait for a child, which ends when this is dropped.
///
/// Dropping returns when the callback does not run, and it will not run afterwards; within a callback of the library's thread it
/// returns at once. Either the callback has run, or the child is left for others to collect; only where it is dropped by another
/// callback that is told of the same child, neither. In a child made by fork(2) it is over.
///
/// ```
/// use std::process::Command;
/// use wigwag::{Signal, receive, send};
/// let mut child = Command::new("sleep").arg("60").spawn()?;
/// let registration = receive::on_child(child.id() as i32, |_| unreachable!())?;
/// drop(registration);
/// send::send(child.id() as i32, Signal::TERM)?;
/// assert!(!child.wait()?.success());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the registration ends when it is dropped"]
pub struct ChildRegistration {
    hub: &'static Hub,
    waiter: Arc<Waiter>,
}

impl ChildRegistration {
    /// The child; `None` where it is for all.
    ///
    /// ```
    /// use wigwag::receive;
    /// let child = std::process::Command::new("true").spawn()?;
    /// let registration = receive::on_child(child.id() as i32, |_| ())?;
    /// assert_eq!(registration.pid(), Some(child.id() as i32));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        self.waiter.pid
    }

    /// Whether nothing more is told: the callback has been called, or this is a child made by fork(2).
    ///
    /// ```
    /// use wigwag::receive;
    /// let registration = receive::on_any_child(|_| ())?;
    /// assert!(!registration.is_over());
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.waiter.over.load(Ordering::Acquire) || !hub::is_current(self.hub)
    }

    /// Whether something else has been installed over the library's handler of CHLD, or CHLD is ignored, so that nothing may be
    /// told. A captured CHLD is displaced, too, where the calling thread does not block it.
    ///
    /// ```
    /// use wigwag::{Signal, disposition, receive};
    /// let registration = receive::on_any_child(|_| ())?;
    /// assert!(!registration.is_displaced());
    /// disposition::ignore(Signal::CHLD)?;
    /// assert!(registration.is_displaced());
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[must_use]
    pub fn is_displaced(&self) -> bool {
        match way(Signal::CHLD) {
            Way::Caught => !sys::handler::is_installed(libc::SIGCHLD).unwrap_or(false),
            Way::Captured => {
                let ignored = sys::action::get(libc::SIGCHLD)
                    .is_ok_and(|action| action.handler() == libc::SIG_IGN);
                ignored || !crate::mask::current().contains(Signal::CHLD)
            }
        }
    }

    /// Leaves it as it is: the callback runs when the child ends, whatever becomes of this.
    ///
    /// ```
    /// let (tell, told) = std::sync::mpsc::channel();
    /// let child = std::process::Command::new("true").spawn()?;
    /// wigwag::receive::on_child(child.id() as i32, move |end| { let _ = tell.send(end); })?.keep();
    /// assert!(told.recv()??.status.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn keep(self) {
        std::mem::forget(self);
    }
}

impl fmt::Debug for ChildRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildRegistration")
            .field("pid", &self.waiter.pid)
            .field("over", &self.is_over())
            .finish_non_exhaustive()
    }
}

impl Drop for ChildRegistration {
    fn drop(&mut self) {
        self.hub.forget_child(&self.waiter);
    }
}
