//! Starting the command, and the shell commands of traps.

use std::io;
use std::path::Path;
use std::process::{Child, Command};

use rustix::process::{Pid, getpid, setpgid};
use wigwag::exec::{CommandSignals, ExecSignals};
use wigwag::{PidFd, Signal};

use crate::limits::Limits;
use crate::terminal::Terminal;
use crate::{Error, Run, To, sys};

/// The command, started.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) pid: i32,
    pub(crate) pidfd: PidFd,
}

/// The masks and dispositions that this process was started with.
pub(crate) fn as_before() -> ExecSignals {
    let signals = ExecSignals::new();
    match sys::pipe_was_ignored() {
        true => signals.ignore(Signal::PIPE),
        false => signals,
    }
}

/// What the command is to start with.
pub(crate) fn signals(run: &Run, before: &ExecSignals) -> ExecSignals {
    let blocked = (before.blocked() | run.block) - run.unblock;
    before
        .clone()
        .ignore(run.ignore)
        .default_action(run.default)
        .mask(blocked)
}

pub(crate) fn command(
    run: &Run,
    before: &ExecSignals,
    temp: Option<&Path>,
    terminal: Option<&Terminal>,
) -> Result<Started, Error> {
    let (program, words) = run.command.split_first().ok_or(Error::Empty)?;
    let mut command = Command::new(program);
    command.args(words);
    if let (Some(name), Some(path)) = (&run.temp_dir, temp) {
        command.env(name, path);
    }
    let own_group = run.to == To::Group;
    let terminal = terminal
        .filter(|terminal| terminal.is_ours())
        .and_then(Terminal::try_clone);
    let limits = Limits::of(run);
    let parent_death = run.parent_death;
    let parent = getpid();
    sys::before_exec(&mut command, move || {
        if own_group {
            setpgid(None, None)?;
            if let Some(terminal) = &terminal {
                terminal.give(getpid().as_raw_nonzero().get());
            }
        }
        if let Some(signal) = parent_death {
            sys::signal_at_parents_end(signal)?;
            // It may have ended before.
            if rustix::process::getppid() != Some(parent) {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
        }
        limits.set()
    });
    command.signals(&signals(run, before));
    let child = command
        .spawn()
        .map_err(|error| refused(program.to_string_lossy().into_owned(), error))?;
    let pid = child.id() as i32;
    if own_group {
        // The child does the same: whoever comes first, it is done when both go on.
        let _ = setpgid(Pid::from_raw(pid), Pid::from_raw(pid));
    }
    let pidfd = PidFd::open(pid)?;
    Ok(Started { pid, pidfd })
}

fn refused(program: String, error: io::Error) -> Error {
    match error.raw_os_error() {
        Some(libc::ENOENT) => Error::NotFound { program, error },
        Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE | libc::ESRCH) => {
            Error::System {
                what: format!("start {program}"),
                error,
            }
        }
        _ => Error::NotExecutable { program, error },
    }
}

/// `sh -c` with a trap's text, as the command was started.
pub(crate) fn shell(
    run: &Run,
    before: &ExecSignals,
    temp: Option<&Path>,
    text: &str,
    signal: Option<Signal>,
    pid: i32,
) -> io::Result<Child> {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(text);
    if let (Some(name), Some(path)) = (&run.temp_dir, temp) {
        command.env(name, path);
    }
    command
        .env(
            "WIGWAG_SIGNAL",
            signal.map_or("EXIT".into(), |signal| signal.to_string()),
        )
        .env("WIGWAG_PID", pid.to_string())
        .signals(before)
        .spawn()
}
