//! A signal and its cause in one line.

use std::fmt;

use super::{Cause, ChildCode, SignalInfo};
use crate::{Errno, Signal};

impl fmt::Display for SignalInfo {
    /// One line, which begins with the signal and a blank: "TERM from pid 42 (user 0) by kill", "SEGV address not mapped, at 0x0". A
    /// pid of 0 is written as "outside this pid namespace", and where it may have been lost, too (see [`Cause`]), "or unknown".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.signal)?;
        match self.cause {
            Cause::User { pid: 0, uid: 0 } => {
                f.write_str(" from outside this pid namespace or unknown (user 0) by kill")
            }
            Cause::User { pid, uid } => write!(f, " from {} (user {uid}) by kill", Sender(pid)),
            Cause::Thread { pid, uid } => write!(f, " from {} (user {uid}) by tgkill", Sender(pid)),
            Cause::Queue { pid, uid, value } => {
                write!(
                    f,
                    " from {} (user {uid}) by sigqueue, value {value}",
                    Sender(pid)
                )
            }
            Cause::MessageQueue { pid, value, .. } => {
                write!(f, " message from {}, value {value}", Sender(pid))
            }
            Cause::AsyncIo { value, .. } => {
                write!(f, " asynchronous I/O done, value {value}")
            }
            Cause::NameLookup { value, .. } => write!(f, " name looked up, value {value}"),
            Cause::Dethread => f.write_str(" another thread calls exec"),
            Cause::Timer {
                timer,
                overrun,
                value,
            } => {
                write!(
                    f,
                    " from timer {timer}, value {value}, {overrun} more missed"
                )
            }
            Cause::Kernel => f.write_str(" from the kernel"),
            Cause::Illegal { what, address } => write!(f, " {what}, at {address:#x}"),
            Cause::Arithmetic { what, address } => write!(f, " {what}, at {address:#x}"),
            Cause::Segment { what, address, .. } => write!(f, " {what}, at {address:#x}"),
            Cause::Bus { what, address, .. } => write!(f, " {what}, at {address:#x}"),
            Cause::Trap { what, address, .. } => write!(f, " {what}, at {address:#x}"),
            Cause::Emulation { what, address } => write!(f, " {what}, at {address:#x}"),
            Cause::Child {
                what: ChildCode::Exited,
                pid,
                status,
                ..
            } => {
                write!(f, " child {pid} exited with status {status}")
            }
            Cause::Child {
                what, pid, status, ..
            } => match Signal::from_kernel(status) {
                Some(signal) => write!(f, " {what} {pid}, by {signal}"),
                None => write!(f, " {what} {pid}"),
            },
            Cause::Poll {
                what: Some(what),
                fd,
                ..
            } => write!(f, " {what}, descriptor {fd}"),
            Cause::Poll { what: None, fd, .. } => write!(f, " descriptor {fd}"),
            Cause::Syscall { what, number, .. } => write!(f, " {what}, number {number}"),
            Cause::Other { .. } => write!(f, " with code {}", self.code),
        }?;
        if self.errno == 0 {
            Ok(())
        } else {
            write!(f, ", {}", Errno::new(self.errno))
        }
    }
}

struct Sender(i32);

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("outside this pid namespace"),
            pid => write!(f, "pid {pid}"),
        }
    }
}
