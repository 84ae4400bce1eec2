//! Sending: to a process, a group, a thread, oneself, everyone; plainly, with a value, or through a descriptor.
//!
//! A pid names whoever has it at the moment of the call. What must hit a certain process and no other goes through a
//! [`PidFd`], which names one process for ever: once that is gone, a send gives ESRCH.

mod descriptor;
mod end;
mod pidfd;
mod plain;

pub use descriptor::{Scope, pidfd_send};
pub use end::end_by;
pub use pidfd::{PidFd, PidFdInfo};
pub use plain::{
    probe, probe_everyone, probe_group, probe_thread, process_id, queue, queue_thread, raise, send,
    send_everyone, send_group, send_own_group, send_thread, thread_id,
};

use crate::{Errno, Error, Signal};

/// "send TERM to ...", "send TERM with value 5 to ...", "probe ...".
fn attempt(signal: Option<Signal>, value: Option<i32>, target: &str) -> String {
    match (signal, value) {
        (None, _) => format!("probe {target}"),
        (Some(signal), None) => format!("send {signal} to {target}"),
        (Some(signal), Some(value)) => format!("send {signal} with value {value} to {target}"),
    }
}

/// The error of a send, with what is known about its reason.
fn failed(signal: Option<Signal>, value: Option<i32>, target: &str, errno: Errno) -> Error {
    let error = Error::new(attempt(signal, value, target), errno);
    match errno {
        Errno::AGAIN => error.with_note(QUEUE_FULL),
        _ => error,
    }
}

/// Whose limit EAGAIN speaks of: the kernel charges the user of the process that is signalled, against that process's
/// own limit (`__sigqueue_alloc` in kernel/signal.c, shown by a test here).
const QUEUE_FULL: &str = "as many signals are queued for the target's real user as the target's RLIMIT_SIGPENDING allows";

fn signal_number(signal: Option<Signal>) -> i32 {
    signal.map_or(0, Signal::number)
}
