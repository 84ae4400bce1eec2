//! A command with a bound on its time, and nothing else of its signals changed: as timeout(1) has it.
//!
//! This is no [`Run`](crate::Run): of the signals that come to this process only those that end programs are taken, all others have the effect
//! that they have on any process, and at the end of the time one process group is signalled, not a tree. There is nothing to pass between
//! this process and the command, and nothing to look up in `/proc`, so that it costs little more than a fork.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use wigwag::{Signal, SignalSet, WaitStatus, disposition, mask, send, wait};

use crate::{Error, start, sys};

/// Who asks this process to end asks the command.
const ENDING: [Signal; 4] = [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM];
/// Of the terminal, for groups in the background.
const BACKGROUND: [Signal; 2] = [Signal::TTIN, Signal::TTOU];

/// What reads a file that the kernel does not know how to start.
const SHELL: &CStr = c"/bin/sh";

/// A command, how long it may take, and what is sent to it then.
///
/// ```
/// use std::time::Duration;
/// use wigwag_run::Bounded;
/// let bounded = Bounded { foreground: true, ..Bounded::new(["sleep", "60"], Some(Duration::from_millis(10))) };
/// let end = bounded.run(|_| ())?;
/// assert!(end.timed_out);
/// assert_eq!((end.code(false), end.code(true)), (124, 128 + 15));
/// # Ok::<(), wigwag_run::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Bounded {
    /// The program, looked for in PATH, and its words.
    pub command: Vec<OsString>,
    /// How long it may take, by the monotonic clock, from its start. `None`: for ever.
    pub limit: Option<Duration>,
    /// What is sent when that is over, or when ALRM comes. `None` only asks whether they are there (0 of kill(2)).
    pub signal: Option<Signal>,
    /// KILL follows so long after the first signal that was sent, whatever sent it.
    pub kill_after: Option<Duration>,
    /// This process stays in its group, and only the command is signalled. Else it makes a group of its own (setpgid(2); where it
    /// leads its session it has one) in which the command is, and all of that are signalled, with CONT to follow.
    pub foreground: bool,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundedEnd {
    /// The command's own end.
    pub status: WaitStatus,
    /// The time was over first.
    pub timed_out: bool,
}

impl BoundedEnd {
    /// The exit status: 124 where the time was over, unless KILL has ended the command or its own status is to be kept.
    ///
    /// ```
    /// use wigwag::{Signal, WaitStatus};
    /// use wigwag_run::BoundedEnd;
    /// let by = |signal| BoundedEnd { status: WaitStatus::Killed { signal, core_dumped: false }, timed_out: true };
    /// assert_eq!(by(Signal::TERM).code(false), 124);
    /// assert_eq!(by(Signal::KILL).code(false), 137);
    /// ```
    #[must_use]
    pub fn code(&self, preserve: bool) -> u8 {
        if self.timed_out && !preserve && self.status.signal() != Some(Signal::KILL) {
            return 124;
        }
        let code = self.status.shell_code();
        code.and_then(|code| u8::try_from(code).ok()).unwrap_or(255)
    }
}

/// Ends this process by the signal that has ended the command, so that whoever waits sees it; without a second core dump
/// (PR_SET_DUMPABLE of prctl(2)). Returns only where that cannot be had.
///
/// ```no_run
/// wigwag_run::end_alike(wigwag::Signal::SEGV);
/// ```
pub fn end_alike(signal: Signal) {
    if sys::dump_no_core().is_ok() {
        send::end_by(signal);
    }
}

impl Bounded {
    /// TERM at the end of that time, to a group of its own.
    ///
    /// ```
    /// assert!(!wigwag_run::Bounded::new(["true"], None).foreground);
    /// ```
    pub fn new<W: Into<OsString>>(
        command: impl IntoIterator<Item = W>,
        limit: Option<Duration>,
    ) -> Bounded {
        Bounded {
            command: command.into_iter().map(Into::into).collect(),
            limit,
            signal: Some(Signal::TERM),
            kill_after: None,
            foreground: false,
        }
    }

    /// Runs it to its end. `sending` is called before each signal that is sent. For a process that does nothing else: its dispositions and
    /// mask, and its group, stay as they are made for this.
    ///
    /// HUP, INT, QUIT, TERM and the signal of the limit, where they come to this process and are not blocked, are sent on, with a kill_after
    /// of their own; ALRM is the end of the time. The command has their default actions, and that of TTIN, TTOU and CHLD, even where they were ignored; and the mask
    /// that was, without CHLD.
    ///
    /// # Errors
    /// [`Error::Empty`]: no command. [`Error::NotFound`] (ENOENT) and [`Error::NotExecutable`] (EACCES and others of execve(2)): nothing
    /// was run. [`Error::System`]: no process could be made, EAGAIN or ENOMEM; or the command was collected by somebody else, ECHILD.
    ///
    /// ```
    /// use wigwag_run::Bounded;
    /// let bounded = Bounded { foreground: true, ..Bounded::new(["/no/such/program"], None) };
    /// assert_eq!(bounded.run(|_| ()).unwrap_err().code(), 127);
    /// ```
    pub fn run(&self, sending: impl FnMut(Option<Signal>)) -> Result<BoundedEnd, Error> {
        let words = self.command.iter().cloned().map(OsString::into_vec);
        let words: Vec<CString> =
            words
                .map(CString::new)
                .collect::<Result<_, _>>()
                .map_err(|error| {
                    Error::Conflict(format!("a word with a NUL cannot be handed on: {error}"))
                })?;
        if words.is_empty() {
            return Err(Error::Empty);
        }
        if !self.foreground {
            // EPERM: it leads a session, and so has a group of its own.
            let _ = rustix::process::setpgid(None, None);
        }
        let own = SignalSet::of(&[Signal::ALRM, Signal::CHLD]);
        let taken = own | ENDING.into_iter().chain(self.signal).collect();
        // Blocked before the fork: what comes early is for the command, too.
        let guard = mask::block(taken);
        let before = guard.before() - Signal::CHLD.into();
        guard.keep();
        // Ignored, they would not come, and CHLD would have the status thrown away. KILL and STOP are always at theirs.
        for signal in taken {
            let _ = disposition::default(signal);
        }
        for signal in BACKGROUND {
            // Of the whole group, which the command is to wait in, not this process.
            let _ = disposition::ignore(signal);
        }
        let deadline = self.limit.and_then(from_now);
        let command = match sys::spawn(&words, before, &BACKGROUND) {
            // Those that only execvp(3) starts: a script without a first line that names its reader.
            Err(error) if error.raw_os_error() == Some(libc::ENOEXEC) => {
                let mut words = words;
                words[0] = found(&self.command[0]).unwrap_or_else(|| words[0].clone());
                words.insert(0, SHELL.into());
                sys::spawn(&words, before, &BACKGROUND)
            }
            started => started,
        };
        let command = command.map_err(|error| start::refused(&self.command, error))?;
        let mut watch = Watch {
            command,
            awaited: (taken - before) | own,
            signal: self.signal,
            kill_after: self.kill_after,
            foreground: self.foreground,
            deadlines: [deadline, None],
            timed_out: false,
            sending,
        };
        watch.until_end()
    }
}

/// Where a program that the kernel does not know how to start is: with a slash as it is named, else the first of PATH.
fn found(program: &OsStr) -> Option<CString> {
    if program.as_bytes().contains(&b'/') {
        return None;
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
    let mut candidates = std::env::split_paths(&path).map(|folder| folder.join(program));
    let is_it = |path: &PathBuf| {
        path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
    };
    let path = candidates.find(is_it)?;
    CString::new(path.into_os_string().into_vec()).ok()
}

/// `None` where no clock goes so far.
fn from_now(time: Duration) -> Option<Instant> {
    Instant::now().checked_add(time)
}

struct Watch<S> {
    command: i32,
    awaited: SignalSet,
    signal: Option<Signal>,
    kill_after: Option<Duration>,
    foreground: bool,
    /// Of the limit, and of KILL after the first signal.
    deadlines: [Option<Instant>; 2],
    timed_out: bool,
    sending: S,
}

impl<S: FnMut(Option<Signal>)> Watch<S> {
    fn until_end(&mut self) -> Result<BoundedEnd, Error> {
        loop {
            let ended = sys::end_if_over(self.command).map_err(Error::system("wait for it"))?;
            if let Some(status) = ended {
                let timed_out = self.timed_out;
                return Ok(BoundedEnd { status, timed_out });
            }
            match self.next()? {
                Some(Signal::CHLD) => {}
                Some(Signal::ALRM) | None => {
                    self.timed_out = true;
                    self.send(self.signal);
                }
                other => self.send(other),
            }
        }
    }

    /// The next signal, or `None` where a time is over.
    fn next(&mut self) -> Result<Option<Signal>, Error> {
        let Some(first) = self.deadlines.iter().flatten().min().copied() else {
            return Ok(Some(wait::wait(self.awaited)?));
        };
        let left = first.saturating_duration_since(Instant::now());
        let info = wait::wait_timeout(self.awaited, left)?;
        if info.is_none() {
            for deadline in &mut self.deadlines {
                deadline.take_if(|deadline| *deadline <= first);
            }
        }
        Ok(info.map(|info| info.signal))
    }

    fn send(&mut self, signal: Option<Signal>) {
        if let Some(time) = self.kill_after.take() {
            self.signal = Some(Signal::KILL);
            self.deadlines[1] = from_now(time);
        }
        (self.sending)(signal);
        self.send_to_command(signal);
        if self.foreground {
            return;
        }
        self.send_to_group(signal);
        if signal != Some(Signal::KILL) && signal != Some(Signal::CONT) {
            // One that is stopped would not take it.
            self.send_to_command(Some(Signal::CONT));
            self.send_to_group(Some(Signal::CONT));
        }
    }

    /// It has not been collected, so that its number cannot be another's.
    fn send_to_command(&self, signal: Option<Signal>) {
        let _ = match signal {
            Some(signal) => send::send(self.command, signal),
            None => send::probe(self.command),
        };
    }

    /// This process gets it, too, and will not take it for another's from now on.
    fn send_to_group(&mut self, signal: Option<Signal>) {
        let Some(signal) = signal else { return };
        if signal != Signal::CHLD {
            self.awaited.remove(signal);
        }
        let _ = send::send_own_group(signal);
    }
}
