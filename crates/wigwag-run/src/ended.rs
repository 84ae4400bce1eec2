//! How a command ended, and what happened meanwhile.

use std::time::Duration;

use serde::Serialize;
use wigwag::{Cause, Signal, WaitStatus};

/// What a process and those that it has collected have used: getrusage(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// CPU time in the program.
    pub user: Duration,
    /// CPU time in the kernel for it.
    pub system: Duration,
    /// The most memory that it had in use, in bytes (`ru_maxrss`).
    pub peak_memory: u64,
}

/// A signal that came for the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Passed {
    /// As it came.
    pub signal: Signal,
    /// As it was passed on; `None` where it was not.
    pub to: Option<Signal>,
    /// Who sent it, and how.
    pub cause: Cause,
    /// How long after the start.
    pub after: Duration,
}

/// What became of the clean-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CleanUp {
    /// There was none to do.
    None,
    /// It was done.
    Done,
    /// It ended with this status.
    Failed(WaitStatus),
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ended {
    /// The command's own end.
    pub status: WaitStatus,
    /// It took longer than it was given.
    pub timed_out: bool,
    /// How long it took.
    pub took: Duration,
    /// What it used.
    pub usage: Usage,
    /// The signals that came, the last 1,000 of them.
    pub passed: Vec<Passed>,
    /// What became of the clean-up.
    pub clean_up: CleanUp,
}

impl Ended {
    /// The exit status that says the same: the command's, 128 and the signal's number where one killed it, 124 where the time was over.
    ///
    /// ```
    /// use wigwag_run::Run;
    /// assert_eq!(Run::new(["sh", "-c", "kill -TERM $$"]).run()?.code(), 128 + 15);
    /// # Ok::<(), wigwag_run::Error>(())
    /// ```
    #[must_use]
    pub fn code(&self) -> u8 {
        if self.timed_out {
            return 124;
        }
        let code = self.status.shell_code();
        code.and_then(|code| u8::try_from(code).ok()).unwrap_or(255)
    }
}
