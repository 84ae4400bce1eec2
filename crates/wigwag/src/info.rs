//! Who sent a signal, how, and what came with it.

mod codes;

pub use codes::{
    ArithmeticCode, BusCode, ChildCode, EmulationCode, IllegalCode, PollCode, SegmentCode,
    SyscallCode, TrapCode,
};

use std::fmt;

use crate::sys::siginfo::RawInfo;
use crate::{Errno, Signal, WaitStatus};

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

/// The cause of a signal: every `si_code` of Linux, with the fields that the kernel fills for it.
///
/// A pid of 0 is a sender outside this pid namespace. Whoever sends with rt_sigqueueinfo(2) may claim any pid and user;
/// the kernel vouches for those of `User` and `Thread`, and for everything from a fault, a child, a timer or seccomp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Cause {
    /// `SI_USER`: kill(2).
    User {
        /// The sender.
        pid: i32,
        /// Its real user.
        uid: u32,
    },
    /// `SI_TKILL`: tgkill(2), pthread_kill(3), raise(3).
    Thread {
        /// The sender.
        pid: i32,
        /// Its real user.
        uid: u32,
    },
    /// `SI_QUEUE`: sigqueue(3), with a value.
    Queue {
        /// The sender.
        pid: i32,
        /// Its real user.
        uid: u32,
        /// The value.
        value: Value,
    },
    /// `SI_MESGQ`: a message came to an empty queue, mq_notify(3).
    MessageQueue {
        /// Who sent the message.
        pid: i32,
        /// Its real user.
        uid: u32,
        /// The value given to mq_notify.
        value: Value,
    },
    /// `SI_ASYNCIO`: an asynchronous read or write is done, aio(7).
    AsyncIo {
        /// The process that asked for it.
        pid: i32,
        /// Its real user.
        uid: u32,
        /// The value asked for.
        value: Value,
    },
    /// `SI_ASYNCNL`: a name was looked up, getaddrinfo_a(3).
    NameLookup {
        /// The process that asked for it.
        pid: i32,
        /// Its real user.
        uid: u32,
        /// The value asked for.
        value: Value,
    },
    /// `SI_DETHREAD`: a thread is to end because another one calls exec; no program sees it.
    Dethread,
    /// `SI_TIMER`: a timer of timer_create(2) ran out.
    Timer {
        /// The kernel's number of the timer.
        timer: i32,
        /// How many more times it ran out meanwhile.
        overrun: i32,
        /// The value given to timer_create.
        value: Value,
    },
    /// `SI_KERNEL`: the kernel, with nothing more to tell: a terminal's key or hang-up, alarm(2), a limit, a bad address.
    Kernel,
    /// `ILL_...`: an instruction.
    Illegal {
        /// What is wrong with it.
        what: IllegalCode,
        /// Its address.
        address: u64,
    },
    /// `FPE_...`: a calculation.
    Arithmetic {
        /// What is wrong with it.
        what: ArithmeticCode,
        /// The instruction's address.
        address: u64,
    },
    /// `SEGV_...`: a use of memory.
    Segment {
        /// What is wrong with it.
        what: SegmentCode,
        /// The memory's address.
        address: u64,
        /// `SEGV_BNDERR`: the bounds that were left. A signalfd does not tell them.
        bounds: Option<(u64, u64)>,
        /// `SEGV_PKUERR`: the memory's protection key. A signalfd does not tell it.
        protection_key: Option<u32>,
    },
    /// `BUS_...`: memory that is not to be had.
    Bus {
        /// What is wrong with it.
        what: BusCode,
        /// The memory's address.
        address: u64,
        /// `BUS_MCEERR_...`: how many bytes are damaged, as a power of two.
        damaged: Option<u64>,
    },
    /// `TRAP_...`: a stop on the way.
    Trap {
        /// Why.
        what: TrapCode,
        /// Where.
        address: u64,
    },
    /// `EMT_...`: an instruction that is to be emulated (SPARC).
    Emulation {
        /// Why.
        what: EmulationCode,
        /// Where.
        address: u64,
    },
    /// `CLD_...`: a child.
    Child {
        /// What happened to it.
        what: ChildCode,
        /// The child.
        pid: i32,
        /// Its real user.
        uid: u32,
        /// Its exit status, or the number of the signal.
        status: i32,
        /// Its CPU time of its own, in clock ticks (`sysconf(_SC_CLK_TCK)`).
        user_ticks: i64,
        /// The kernel's CPU time on its behalf, in clock ticks.
        system_ticks: i64,
    },
    /// `POLL_...` and `SI_SIGIO`: a descriptor with `F_SETSIG` or `O_ASYNC`.
    Poll {
        /// What happened; `None` for `SI_SIGIO`, which does not say.
        what: Option<PollCode>,
        /// The same as a set of poll(2) events.
        events: i64,
        /// The descriptor.
        fd: i32,
    },
    /// `SYS_...`: a system call.
    Syscall {
        /// Who stopped it.
        what: SyscallCode,
        /// The number of the system call.
        number: i32,
        /// The architecture by whose table the number counts (`AUDIT_ARCH_...`).
        arch: u32,
        /// The address of the instruction.
        address: u64,
    },
    /// A code that Linux gives no name, sent by a program (below 0) or a kernel newer than this crate.
    Other {
        /// The sender, as far as it is told.
        pid: i32,
        /// Its real user.
        uid: u32,
        /// The value, as far as it is one.
        value: Value,
    },
}

/// The value that comes with a signal: a number of 32 bits or a pointer, as the sender meant it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(transparent)
)]
pub struct Value(u64);

impl Value {
    /// As a number (`sival_int`).
    #[must_use]
    pub const fn int(self) -> i32 {
        // The number is at the beginning of the union, so on a big machine in the upper half of the word.
        let [a, b, c, d, ..] = self.0.to_ne_bytes();
        i32::from_ne_bytes([a, b, c, d])
    }

    /// As the address that a sender put there (`sival_ptr`).
    #[must_use]
    pub const fn pointer(self) -> u64 {
        self.0
    }
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

    /// The sender, or for CHLD the child, where the cause has one. A pid of 0 is outside this pid namespace.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        self.pid_and_uid().map(|(pid, _)| pid)
    }

    /// The sender's or child's real user.
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
            _ => None,
        }
    }

    /// The number that came with it, for the causes that bring one.
    #[must_use]
    pub fn value(&self) -> Option<i32> {
        match self.cause {
            Cause::Queue { value, .. }
            | Cause::MessageQueue { value, .. }
            | Cause::AsyncIo { value, .. }
            | Cause::NameLookup { value, .. }
            | Cause::Timer { value, .. } => Some(value.int()),
            _ => None,
        }
    }

    /// What CHLD tells of the child, as wait(2) would: how it ended, was stopped, or goes on.
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

impl Cause {
    /// Which fields mean something follows from the code and, for codes from 1 up, the signal, as the kernel's
    /// `siginfo_layout` has it.
    fn of(signal: Signal, raw: &RawInfo) -> Cause {
        let RawInfo {
            code,
            pid,
            uid,
            address,
            ..
        } = *raw;
        let value = Value(raw.value);
        match code {
            0 => return Cause::User { pid, uid },
            0x80 => return Cause::Kernel,
            -1 => return Cause::Queue { pid, uid, value },
            -2 => {
                return Cause::Timer {
                    timer: raw.timer,
                    overrun: raw.overrun,
                    value,
                };
            }
            -3 => return Cause::MessageQueue { pid, uid, value },
            -4 => return Cause::AsyncIo { pid, uid, value },
            -5 => {
                return Cause::Poll {
                    what: None,
                    events: raw.band,
                    fd: raw.fd,
                };
            }
            -6 => return Cause::Thread { pid, uid },
            -7 => return Cause::Dethread,
            -60 => return Cause::NameLookup { pid, uid, value },
            _ => {}
        }
        let of_signal = match signal {
            Signal::ILL => {
                IllegalCode::from_code(code).map(|what| Cause::Illegal { what, address })
            }
            Signal::FPE => {
                ArithmeticCode::from_code(code).map(|what| Cause::Arithmetic { what, address })
            }
            Signal::SEGV => SegmentCode::from_code(code).map(|what| Cause::Segment {
                what,
                address,
                bounds: (what == SegmentCode::Bounds && raw.bounds != (0, 0)).then_some(raw.bounds),
                protection_key: (what == SegmentCode::ProtectionKey && raw.protection_key != 0)
                    .then_some(raw.protection_key),
            }),
            Signal::BUS => BusCode::from_code(code).map(|what| Cause::Bus {
                what,
                address,
                damaged: matches!(what, BusCode::MemoryNow | BusCode::MemoryLater)
                    .then(|| 1_u64.checked_shl(raw.address_lsb.into()).unwrap_or(0)),
            }),
            Signal::TRAP => TrapCode::from_code(code).map(|what| Cause::Trap { what, address }),
            Signal::CHLD => ChildCode::from_code(code).map(|what| Cause::Child {
                what,
                pid,
                uid,
                status: raw.status,
                user_ticks: raw.utime,
                system_ticks: raw.stime,
            }),
            Signal::SYS => SyscallCode::from_code(code).map(|what| Cause::Syscall {
                what,
                number: raw.syscall,
                arch: raw.arch,
                address: raw.call_address,
            }),
            // IO, and whichever signal F_SETSIG chose.
            _ => PollCode::from_code(code).map(|what| Cause::Poll {
                what: Some(what),
                events: raw.band,
                fd: raw.fd,
            }),
        };
        of_signal.unwrap_or(Cause::Other { pid, uid, value })
    }
}

impl fmt::Display for SignalInfo {
    /// One line: "TERM from pid 42 (user 0) by kill", "SEGV: address not mapped, at 0x0".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.signal)?;
        match self.cause {
            Cause::User { pid, uid } => write!(f, " from pid {pid} (user {uid}) by kill"),
            Cause::Thread { pid, uid } => write!(f, " from pid {pid} (user {uid}) by tgkill"),
            Cause::Queue { pid, uid, value } => {
                write!(
                    f,
                    " from pid {pid} (user {uid}) by sigqueue, value {}",
                    value.int()
                )
            }
            Cause::MessageQueue { pid, value, .. } => {
                write!(f, ": message from pid {pid}, value {}", value.int())
            }
            Cause::AsyncIo { value, .. } => {
                write!(f, ": asynchronous I/O done, value {}", value.int())
            }
            Cause::NameLookup { value, .. } => write!(f, ": name looked up, value {}", value.int()),
            Cause::Dethread => f.write_str(": another thread calls exec"),
            Cause::Timer {
                timer,
                overrun,
                value,
            } => {
                write!(
                    f,
                    " from timer {timer}, value {}, {overrun} more missed",
                    value.int()
                )
            }
            Cause::Kernel => f.write_str(" from the kernel"),
            Cause::Illegal { what, address } => write!(f, ": {what}, at {address:#x}"),
            Cause::Arithmetic { what, address } => write!(f, ": {what}, at {address:#x}"),
            Cause::Segment { what, address, .. } => write!(f, ": {what}, at {address:#x}"),
            Cause::Bus { what, address, .. } => write!(f, ": {what}, at {address:#x}"),
            Cause::Trap { what, address } => write!(f, ": {what}, at {address:#x}"),
            Cause::Emulation { what, address } => write!(f, ": {what}, at {address:#x}"),
            Cause::Child {
                what: ChildCode::Exited,
                pid,
                status,
                ..
            } => {
                write!(f, ": child {pid} exited with status {status}")
            }
            Cause::Child {
                what, pid, status, ..
            } => match Signal::from_kernel(status) {
                Some(signal) => write!(f, ": {what} {pid}, by {signal}"),
                None => write!(f, ": {what} {pid}"),
            },
            Cause::Poll {
                what: Some(what),
                fd,
                ..
            } => write!(f, ": {what}, descriptor {fd}"),
            Cause::Poll { what: None, fd, .. } => write!(f, ": descriptor {fd}"),
            Cause::Syscall { what, number, .. } => write!(f, ": {what}, number {number}"),
            Cause::Other { .. } => write!(f, " with code {}", self.code),
        }?;
        if self.errno == 0 {
            Ok(())
        } else {
            write!(f, ", {}", Errno::new(self.errno))
        }
    }
}

#[cfg(test)]
mod tests;
