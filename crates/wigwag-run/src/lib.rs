//! A command whose signals we own: what reaches it, what runs instead, how long it may take, and that what it leaves is cleaned up.
//!
//! [`Run`] says what is to be done, as plain data; [`Run::run`] does it and returns when the command has ended, and with it everything that
//! was asked for. It needs no thread: while it runs, every signal that can be blocked is, and taken from the kernel one by one.
//!
//! ```no_run
//! use wigwag_run::Run;
//! let ended = Run::new(["sleep", "60"]).run()?;
//! println!("{}", ended.status);
//! # Ok::<(), wigwag_run::Error>(())
//! ```
#![warn(missing_docs)]

mod bounded;
mod children;
mod ended;
mod error;
mod forward;
mod guardian;
mod limits;
mod observer;
mod runner;
mod start;
mod sys;
mod temp;
mod terminal;
mod trap;

use std::ffi::{OsStr, OsString};
use std::io;

use jiff::SignedDuration;
use wigwag::{Signal, SignalSet};
use wigwag_process::order::Ladder;

pub use bounded::{Bounded, BoundedEnd, end_alike};
pub use ended::{CleanUp, Ended, Passed, Usage};
pub use error::Error;
pub use forward::Map;
pub use observer::Observer;
pub use trap::{Trap, TrapError, When};

/// What is to be run, and how.
///
/// ```
/// use wigwag_run::Run;
/// let ended = Run::new(["sh", "-c", "exit 3"]).run()?;
/// assert_eq!(ended.code(), 3);
/// # Ok::<(), wigwag_run::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Run {
    /// The program, looked for in PATH, and its words.
    pub command: Vec<OsString>,
    /// What runs when a signal comes, or at the end.
    pub traps: Vec<Trap>,
    /// Signals that a trap takes are not passed on.
    pub swallow: bool,
    /// What the command is started with ignored, besides what was.
    pub ignore: SignalSet,
    /// What it is started with at its default action, whatever was before.
    pub default: SignalSet,
    /// What it is started with blocked, besides what was.
    pub block: SignalSet,
    /// What it is started with unblocked.
    pub unblock: SignalSet,
    /// What is passed on as something else, or not at all.
    pub map: Map,
    /// To whom signals are passed on.
    pub to: To,
    /// A directory is made for the command, and removed at the end; the name of the variable that has its path.
    pub temp_dir: Option<String>,
    /// What the guardian does with the command where this process is gone before it. There is one where there is something to clean up.
    pub on_loss: OnLoss,
    /// Collects every child that ends, also those whose parents have ended before: as process 1, or as a child subreaper
    /// (PR_SET_CHILD_SUBREAPER of prctl(2)). As process 1 always so.
    pub init: bool,
    /// What is left of the command's tree when it has ended is ended by this ladder.
    pub linger: Option<Ladder>,
    /// How long the command may take, not counting the time that it is stopped by job control.
    pub timeout: Option<SignedDuration>,
    /// How it, and all of its tree, is ended then.
    pub ladder: Ladder,
    /// CPU time, soft and hard, in seconds (RLIMIT_CPU): XCPU at the first, KILL at the second.
    pub cpu: Option<(u64, u64)>,
    /// The size of a file that it writes, in bytes (RLIMIT_FSIZE): XFSZ beyond it.
    pub file_size: Option<u64>,
    /// Sent to the command when this process ends, and to this process, which passes it on, when its parent does
    /// (PR_SET_PDEATHSIG of prctl(2)).
    pub parent_death: Option<Signal>,
    /// The process group and the session of the command; `None`: as [`to`](Run::to) needs it.
    pub place: Option<Place>,
    /// What this process does about stops.
    pub stops: Stops,
    /// All children of this process are collected, also those that it had before it became this program. (With `init`, and as process 1,
    /// they are anyway.)
    pub collect: bool,
    /// Signals that are not taken: they act on this process as on any other. By default those of faults, of which one that is really a
    /// fault always does.
    pub leave: SignalSet,
    /// When the command has ended, this is sent to what is left of its group, as what the map says. Where signals go to the command alone
    /// nobody is left.
    pub at_end: Option<Signal>,
    /// What this process lets go of when the command has started.
    pub release: Release,
    /// Where the command cannot be executed, its own process calls this, which says why, and ends with that status: the run goes on as
    /// for a command that has ended so. `None`: [`Run::run`] fails. With a clean-up it always does.
    pub refused: Option<Refused>,
    /// There is no command: this process collects children until one of these signals comes.
    pub pause: Option<SignalSet>,
    /// A variable of the command's environment that has its process id, as `LISTEN_PID` of sd_listen_fds(3).
    pub pid_variable: Option<String>,
}

/// Says why a program cannot be executed, and gives the exit status.
pub type Refused = fn(&OsStr, &io::Error) -> u8;

/// The process group and the session of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Those of this process.
    Shared,
    /// A group of its own, which becomes the foreground group of the terminal if this process's is.
    Group,
    /// A session of its own, which takes over the controlling terminal that is standard input.
    Session,
}

/// What this process does about stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stops {
    /// It stops when job control has stopped the command, and goes on with it: what a shell expects of a job.
    #[default]
    WithCommand,
    /// It stops itself on TSTP, TTIN and TTOU, after passing them on.
    Itself,
    /// It never stops.
    Never,
}

/// What this process lets go of when the command has started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Release {
    /// Nothing.
    #[default]
    Nothing,
    /// Its working directory, so that the file system of that can be unmounted: it goes to `/`.
    Directory,
    /// Also all descriptors but standard input, output and error, and the run's own. Only for a program that has nothing else open.
    All,
}

/// To whom signals are passed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum To {
    /// The command alone. It stays in this process's group, as without `run`: a key on the terminal reaches it by itself.
    #[default]
    Child,
    /// The command's process group, which is its own. On a terminal it becomes the foreground group.
    Group,
    /// Everybody below the command, in whatever group and session.
    Tree,
}

/// What the guardian does with the command and its tree where the process that runs it has been killed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnLoss {
    /// Ends them by the ladder.
    #[default]
    Stop,
    /// Lets the command finish.
    Wait,
}

impl Run {
    /// Runs this command, with its signals passed on to it, and nothing more.
    ///
    /// ```
    /// use wigwag_run::Run;
    /// let run = Run::new(["true"]);
    /// assert_eq!(run.run()?.code(), 0);
    /// # Ok::<(), wigwag_run::Error>(())
    /// ```
    pub fn new<W: Into<OsString>>(command: impl IntoIterator<Item = W>) -> Run {
        Run {
            command: command.into_iter().map(Into::into).collect(),
            traps: Vec::new(),
            swallow: false,
            ignore: SignalSet::EMPTY,
            default: SignalSet::EMPTY,
            block: SignalSet::EMPTY,
            unblock: SignalSet::EMPTY,
            map: Map::default(),
            to: To::default(),
            temp_dir: None,
            on_loss: OnLoss::default(),
            init: false,
            linger: None,
            timeout: None,
            ladder: Ladder::default(),
            cpu: None,
            file_size: None,
            parent_death: None,
            place: None,
            stops: Stops::default(),
            collect: false,
            leave: SignalSet::FAULTS,
            at_end: None,
            release: Release::default(),
            refused: None,
            pause: None,
            pid_variable: None,
        }
    }

    /// Runs it to its end. The calling process is its own for that time: all signals but faults are blocked in the calling thread, and,
    /// with `init`, all children of the process are collected.
    ///
    /// # Errors
    /// [`Error::Empty`]: no command. [`Error::Conflict`]: what is asked for cannot be so. [`Error::NotFound`] (ENOENT) and
    /// [`Error::NotExecutable`] (EACCES, ENOEXEC and others of execve(2)): nothing was run, nothing is left. [`Error::System`]: a call
    /// failed, EAGAIN and ENOMEM of fork(2), EMFILE and ENFILE of signalfd(2).
    ///
    /// ```
    /// use wigwag_run::{Error, Run};
    /// let error = Run::new(["/no/such/program"]).run().unwrap_err();
    /// assert!(matches!(error, Error::NotFound { .. }));
    /// assert_eq!(error.code(), 127);
    /// ```
    pub fn run(&self) -> Result<Ended, Error> {
        runner::run(self, &mut observer::Nobody)
    }

    /// The same, and tells what happens while it does.
    ///
    /// # Errors
    /// As for [`run`](Run::run).
    ///
    /// ```
    /// use wigwag_run::{Observer, Run};
    /// struct Started;
    /// impl Observer for Started {
    ///     fn started(&mut self, pid: i32) {
    ///         println!("process {pid}");
    ///     }
    /// }
    /// assert_eq!(Run::new(["true"]).run_observed(&mut Started)?.code(), 0);
    /// # Ok::<(), wigwag_run::Error>(())
    /// ```
    pub fn run_observed(&self, observer: &mut dyn Observer) -> Result<Ended, Error> {
        runner::run(self, observer)
    }

    /// Where the command is.
    pub(crate) fn placed(&self) -> Place {
        self.place.unwrap_or(match self.to {
            To::Group => Place::Group,
            To::Child | To::Tree => Place::Shared,
        })
    }
}
