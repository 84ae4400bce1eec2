//! What a run tells while it is under way.

use std::io;

use wigwag::{Signal, WaitStatus};

/// What a run tells while it is under way: for a log. What is not of interest need not be implemented.
///
/// ```
/// use wigwag::WaitStatus;
/// use wigwag_run::{Observer, Run};
/// #[derive(Default)]
/// struct Ends(Vec<i32>);
/// impl Observer for Ends {
///     fn collected(&mut self, pid: i32, _: WaitStatus, is_command: bool) {
///         assert!(is_command);
///         self.0.push(pid);
///     }
/// }
/// let mut ends = Ends::default();
/// Run::new(["true"]).run_observed(&mut ends)?;
/// assert_eq!(ends.0.len(), 1);
/// # Ok::<(), wigwag_run::Error>(())
/// ```
pub trait Observer {
    /// Before the start of a command that is to have a session of its own: this process has given up the controlling terminal that is its
    /// standard input (TIOCNOTTY), and whether it leads the session; or could not.
    fn let_go(&mut self, _leads_session: io::Result<bool>) {}

    /// In the command's own process, before it executes: it has its group or session, and, if so, the terminal.
    fn placed(&mut self, _terminal: io::Result<()>) {}

    /// The command's process is there.
    fn started(&mut self, _pid: i32) {}

    /// A signal has come; nothing has been done about it yet.
    fn came(&mut self, _signal: Signal) {}

    /// One that has come because the terminal was given up: it is not passed on.
    fn was_hand_off(&mut self, _signal: Signal) {}

    /// A signal was passed on as another one, or as itself; `None`: the map says not at all.
    fn passed(&mut self, _signal: Signal, _to: Option<Signal>) {}

    /// This process stops itself for a signal of job control ([`Stops::Itself`](crate::Stops::Itself)).
    fn stops(&mut self) {}

    /// A child has ended, and was collected.
    fn collected(&mut self, _pid: i32, _status: WaitStatus, _is_command: bool) {}

    /// All children that had ended have been collected.
    fn all_collected(&mut self) {}
}

/// One who is not interested.
pub(crate) struct Nobody;

impl Observer for Nobody {}
