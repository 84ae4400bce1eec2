//! The terminal: stopping with the command, and handing it the foreground.

use std::fs::File;
use std::time::{Duration, Instant};

use wigwag::{Signal, mask, send};

use crate::sys;

/// The controlling terminal, for a command that has a process group of its own.
#[derive(Debug)]
pub(crate) struct Terminal(File);

impl Terminal {
    /// `None` where there is none.
    pub(crate) fn open() -> Option<Terminal> {
        let file = File::options().read(true).write(true).open("/dev/tty");
        file.ok().map(Terminal)
    }

    /// Whether this process's group is in the foreground.
    pub(crate) fn is_ours(&self) -> bool {
        sys::foreground(&self.0) == Some(sys::group())
    }

    /// Gives the foreground to a group. TTOU is blocked, so that it works from the background, too.
    pub(crate) fn give(&self, group: i32) {
        sys::set_foreground(&self.0, group);
    }

    /// Takes it back, where that group has it.
    pub(crate) fn take_back(&self, group: i32) {
        if sys::foreground(&self.0) == Some(group) {
            sys::set_foreground(&self.0, sys::group());
        }
    }
}

/// Stops this process by a signal of job control, as the command was, and returns when it goes on: how long it was stopped. Where the
/// process is told to ignore the signal, or nobody could have it go on (an orphaned process group), the kernel lets it go on at once.
pub(crate) fn stop_by(signal: Signal) -> Duration {
    let begun = Instant::now();
    if send::send(send::process_id(), signal).is_ok() {
        drop(mask::unblock(signal));
    }
    begun.elapsed()
}

/// Whether a stop is one of job control, in which this process takes part: a key on the terminal, or a use of it from the background.
pub(crate) fn is_job_control(signal: Signal) -> bool {
    [Signal::TSTP, Signal::TTIN, Signal::TTOU].contains(&signal)
}
