//! The terminal: stopping with the command, and handing it the foreground.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::{Duration, Instant};

use wigwag::{Signal, SignalSet, mask, send};

use crate::Observer;
use crate::sys;

/// The controlling terminal, for a command that has a process group of its own.
#[derive(Debug)]
pub(crate) struct Terminal(File);

impl AsRawFd for Terminal {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Terminal {
    /// `None` where there is none.
    pub(crate) fn open() -> Option<Terminal> {
        let file = File::options().read(true).write(true).open("/dev/tty");
        // In a root directory without devices standard input may be the terminal all the same.
        let input = || {
            let input = std::io::stdin();
            sys::foreground(&input)?;
            input.as_fd().try_clone_to_owned().ok().map(File::from)
        };
        file.ok().or_else(input).map(Terminal)
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

/// Gives up the terminal for a command with a session of its own. The signals that the kernel sends to this process for it, each once.
pub(crate) fn let_go(observer: &mut dyn Observer) -> SignalSet {
    let leads = sys::let_go_of_terminal().map(|()| sys::leads_session());
    let sent = match leads {
        Ok(true) => SignalSet::of(&[Signal::HUP, Signal::CONT]),
        _ => SignalSet::EMPTY,
    };
    observer.let_go(leads);
    sent
}

/// In the command's process, which leads its session.
pub(crate) fn take() -> io::Result<()> {
    sys::take_terminal()
}
