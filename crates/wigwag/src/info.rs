//! Who sent a signal, how, and what came with it.

mod cause;
mod codes;
mod display;
mod siginfo;
mod value;

pub use cause::{Cause, PerfEvent};
pub use codes::{
    ArithmeticCode, BusCode, ChildCode, EmulationCode, IllegalCode, PollCode, SegmentCode,
    SyscallCode, TrapCode,
};
pub use siginfo::Siginfo;
pub use value::Value;

use crate::sys::siginfo::RawInfo;
use crate::{Signal, WaitStatus};

/// A signal that was taken, with what the kernel tells about it.
///
/// ```
/// use wigwag::{Cause, Signal, mask, send, wait};
/// let guard = mask::block(Signal::USR1);
/// send::send(send::process_id(), Signal::USR1)?;
/// let info = wait::wait_info(Signal::USR1)?;
/// assert_eq!((info.signal, info.code_name()), (Signal::USR1, Some("SI_USER")));
/// assert_eq!(info.pid(), Some(send::process_id()));
/// # Ok::<(), wigwag::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SignalInfo {
    /// The signal.
    pub signal: Signal,
    /// The `si_errno`; almost always 0. A seccomp filter may put a number of its own here.
    pub errno: i32,
    /// The `si_code` as it is.
    pub code: i32,
    /// What the code says, with what comes with it.
    pub cause: Cause,
}

/// The names of the codes that any signal can have.
const GENERAL: [(i32, &str); 10] = [
    (0, "SI_USER"),
    (0x80, "SI_KERNEL"),
    (-1, "SI_QUEUE"),
    (-2, "SI_TIMER"),
    (-3, "SI_MESGQ"),
    (-4, "SI_ASYNCIO"),
    (-5, "SI_SIGIO"),
    (-6, "SI_TKILL"),
    (-7, "SI_DETHREAD"),
    (-60, "SI_ASYNCNL"),
];

impl SignalInfo {
    /// The code's name as in sigaction(2): `SI_USER`, `SEGV_MAPERR`, `CLD_EXITED`; `None` where Linux has none for it.
    ///
    /// ```
    /// use wigwag::{Signal, mask, send, wait};
    /// let guard = mask::block(Signal::USR1);
    /// send::raise(Signal::USR1)?;
    /// assert_eq!(wait::wait_info(Signal::USR1)?.code_name(), Some("SI_TKILL"));
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[must_use]
    pub fn code_name(&self) -> Option<&'static str> {
        match self.cause {
            Cause::Illegal { what, .. } => Some(what.name()),
            Cause::Arithmetic { what, .. } => Some(what.name()),
            Cause::Segment { what, .. } => Some(what.name()),
            Cause::Bus { what, .. } => Some(what.name()),
            Cause::Trap { what, .. } => Some(what.name()),
            Cause::Emulation { what, .. } => Some(what.name()),
            Cause::Child { what, .. } => Some(what.name()),
            Cause::Poll {
                what: Some(what), ..
            } => Some(what.name()),
            Cause::Syscall { what, .. } => Some(what.name()),
            _ => GENERAL
                .iter()
                .find(|(code, _)| *code == self.code)
                .map(|(_, name)| *name),
        }
    }

    /// The sender, or for CHLD the child, where the cause has one. A pid of 0 is outside this pid namespace, or was lost: see
    /// [`Cause`].
    ///
    /// ```
    /// use wigwag::{Signal, mask, send, wait};
    /// let guard = mask::block(Signal::USR1);
    /// send::send(send::process_id(), Signal::USR1)?;
    /// assert_eq!(wait::wait_info(Signal::USR1)?.pid(), Some(send::process_id()));
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        self.pid_and_uid().map(|(pid, _)| pid)
    }

    /// The sender's or child's real user, as this user namespace numbers it.
    ///
    /// ```
    /// use wigwag::{Signal, mask, send, wait};
    /// let guard = mask::block(Signal::USR1);
    /// send::raise(Signal::USR1)?;
    /// let me = rustix::process::getuid().as_raw();
    /// assert_eq!(wait::wait_info(Signal::USR1)?.uid(), Some(me));
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[must_use]
    pub fn uid(&self) -> Option<u32> {
        self.pid_and_uid().map(|(_, uid)| uid)
    }

    fn pid_and_uid(&self) -> Option<(i32, u32)> {
        match self.cause {
            Cause::User { pid, uid }
            | Cause::Thread { pid, uid }
            | Cause::Queue { pid, uid, .. }
            | Cause::MessageQueue { pid, uid, .. }
            | Cause::AsyncIo { pid, uid, .. }
            | Cause::NameLookup { pid, uid, .. }
            | Cause::Child { pid, uid, .. } => Some((pid, uid)),
            Cause::Other {
                pid: Some(pid),
                uid: Some(uid),
                ..
            } => Some((pid, uid)),
            _ => None,
        }
    }

    /// The number that came with it, for the causes that bring one.
    ///
    /// ```
    /// use wigwag::{Signal, mask, send, wait};
    /// let guard = mask::block(Signal::rtmin());
    /// send::queue(send::process_id(), Signal::rtmin(), -3)?;
    /// assert_eq!(wait::wait_info(Signal::rtmin())?.value(), Some(-3));
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[must_use]
    pub fn value(&self) -> Option<i32> {
        match self.cause {
            Cause::Queue { value, .. }
            | Cause::MessageQueue { value, .. }
            | Cause::AsyncIo { value, .. }
            | Cause::NameLookup { value, .. }
            | Cause::Timer { value, .. }
            | Cause::Other {
                value: Some(value), ..
            } => Some(value.int()),
            _ => None,
        }
    }

    /// What CHLD tells of the child, as wait(2) would: how it ended, was stopped, or goes on. It does not collect the child.
    ///
    /// CHLD is a standard signal: of several children that end at a time it may tell of one only.
    ///
    /// ```
    /// use wigwag::{Signal, WaitStatus, mask, wait};
    /// let guard = mask::block(Signal::CHLD);
    /// let mut child = std::process::Command::new("false").spawn()?;
    /// let info = wait::wait_info(Signal::CHLD)?;
    /// assert_eq!(info.child_status(), Some(WaitStatus::Exited(1)));
    /// assert_eq!(info.pid(), Some(child.id() as i32));
    /// child.wait()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn child_status(&self) -> Option<WaitStatus> {
        let Cause::Child { what, status, .. } = self.cause else {
            return None;
        };
        let signal = Signal::from_kernel(status);
        match what {
            ChildCode::Exited => Some(WaitStatus::Exited(status)),
            ChildCode::Killed => signal.map(|signal| WaitStatus::Killed {
                signal,
                core_dumped: false,
            }),
            ChildCode::Dumped => signal.map(|signal| WaitStatus::Killed {
                signal,
                core_dumped: true,
            }),
            ChildCode::Trapped | ChildCode::Stopped => signal.map(WaitStatus::Stopped),
            ChildCode::Continued => Some(WaitStatus::Continued),
        }
    }

    /// `None` for a number that is no signal, which the kernel never gives.
    pub(crate) fn from_raw(raw: &RawInfo) -> Option<SignalInfo> {
        let signal = Signal::from_kernel(raw.signo)?;
        let cause = Cause::of(signal, raw);
        Some(SignalInfo {
            signal,
            errno: raw.errno,
            code: raw.code,
            cause,
        })
    }
}

#[cfg(test)]
mod tests;
