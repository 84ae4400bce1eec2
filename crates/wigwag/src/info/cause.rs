//! The cause of a signal: its code, and what comes with that.

use super::codes::{
    ArithmeticCode, BusCode, ChildCode, EmulationCode, IllegalCode, PollCode, SegmentCode,
    SyscallCode, TrapCode,
};
use super::value::Value;
use crate::Signal;
use crate::sys::siginfo::RawInfo;

/// The cause of a signal: every `si_code` of Linux, with the fields that the kernel fills for it.
///
/// A pid of 0 is a sender outside this pid namespace. `User` with pid 0 and user 0 is also what is left of a standard signal
/// whose cause found the queue full.
///
/// The kernel vouches for `User`, `Thread`, `Kernel` and all that has a positive code: a fault, a child, a descriptor,
/// seccomp. (A process may send any of them to itself.) The codes below 0, `Timer` among them, and the pid, user and value
/// in them may be claimed by whoever may signal this process, with rt_sigqueueinfo(2).
///
/// With the feature `serde` it is in every case a map with one key, the name of the variant in snake_case, and in that a map of the
/// fields (`{"kernel":{}}`). It needs a format that describes itself, such as JSON.
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
        #[cfg_attr(feature = "serde", serde(flatten))]
        value: Value,
    },
    /// `SI_MESGQ`: a message came to an empty queue, mq_notify(3).
    MessageQueue {
        /// Who sent the message.
        pid: i32,
        /// Its real user.
        uid: u32,
        /// The value given to mq_notify.
        #[cfg_attr(feature = "serde", serde(flatten))]
        value: Value,
    },
    /// `SI_ASYNCIO`: an asynchronous read or write is done, aio(7).
    AsyncIo {
        /// The process that asked for it.
        pid: i32,
        /// Its real user.
        uid: u32,
        /// The value asked for.
        #[cfg_attr(feature = "serde", serde(flatten))]
        value: Value,
    },
    /// `SI_ASYNCNL`: a name was looked up, getaddrinfo_a(3).
    NameLookup {
        /// The process that asked for it.
        pid: i32,
        /// Its real user.
        uid: u32,
        /// The value asked for.
        #[cfg_attr(feature = "serde", serde(flatten))]
        value: Value,
    },
    /// `SI_DETHREAD`: a thread is to end because another one calls exec; no program sees it.
    #[cfg_attr(feature = "serde", serde(with = "no_fields"))]
    Dethread,
    /// `SI_TIMER`: a timer of timer_create(2) ran out.
    Timer {
        /// The kernel's number of the timer.
        timer: i32,
        /// How many more times it ran out meanwhile.
        overrun: i32,
        /// The value given to timer_create.
        #[cfg_attr(feature = "serde", serde(flatten))]
        value: Value,
    },
    /// `SI_KERNEL`: the kernel, with nothing more to tell: a terminal's key or hang-up, alarm(2), a limit, a bad address.
    #[cfg_attr(feature = "serde", serde(with = "no_fields"))]
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
        /// `TRAP_PERF`: the event. A signalfd does not tell it.
        perf: Option<PerfEvent>,
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
    /// A code that has no name here. Below 0 a program made it up, and what comes with it is what that program says; a
    /// positive one is of a kernel newer than this crate, and what comes with it cannot be read.
    Other {
        /// The sender, for a code below 0.
        pid: Option<i32>,
        /// Its real user, for a code below 0.
        uid: Option<u32>,
        /// The value, for a code below 0.
        #[cfg_attr(feature = "serde", serde(flatten))]
        value: Option<Value>,
    },
}

/// The form of a variant without fields: an empty map, so that all have the same.
#[cfg(feature = "serde")]
mod no_fields {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Empty {}

    pub(super) fn serialize<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
        Empty {}.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
        Empty::deserialize(deserializer).map(|Empty {}| ())
    }
}

/// The event of perf_event_open(2), with `sigtrap`, that a `TRAP_PERF` tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PerfEvent {
    /// The `sig_data` that the event was opened with.
    pub data: u64,
    /// The `type` that it was opened with: `PERF_TYPE_...`.
    pub kind: u32,
    /// The signal was blocked when the event happened, so that the program went on before it came
    /// (`TRAP_PERF_FLAG_ASYNC`).
    pub late: bool,
}

impl Cause {
    /// Which fields mean something follows from the code and, for codes from 1 up, the signal, as the kernel's
    /// `siginfo_layout` has it.
    pub(super) fn of(signal: Signal, raw: &RawInfo) -> Cause {
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
                bounds: raw.bounds.filter(|_| what == SegmentCode::Bounds),
                protection_key: raw
                    .protection_key
                    .filter(|_| what == SegmentCode::ProtectionKey),
            }),
            Signal::BUS => BusCode::from_code(code).map(|what| Cause::Bus {
                what,
                address,
                damaged: matches!(what, BusCode::MemoryNow | BusCode::MemoryLater)
                    .then(|| 1_u64.checked_shl(raw.address_lsb.into()).unwrap_or(0)),
            }),
            Signal::TRAP => TrapCode::from_code(code).map(|what| Cause::Trap {
                what,
                address,
                perf: raw
                    .perf
                    .filter(|_| what == TrapCode::Perf)
                    .map(|(data, kind, flags)| PerfEvent {
                        data,
                        kind,
                        late: flags & 1 != 0,
                    }),
            }),
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
        // The kernel's layout for codes below 0; what a newer kernel puts there for another one is not known.
        let told = code < 0;
        of_signal.unwrap_or(Cause::Other {
            pid: told.then_some(pid),
            uid: told.then_some(uid),
            value: told.then_some(value),
        })
    }
}
