//! Starting the command, and the shell commands of traps.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command};

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{getpid, setpgid, setsid};
use wigwag::Signal;
use wigwag::exec::{CommandSignals, ExecSignals, as_started};

use crate::guardian::MARK;
use crate::limits::Limits;
use crate::terminal::{self, Terminal};
use crate::{Error, Observer, Place, Run, sys};

/// The masks and dispositions that this process was started with.
pub(crate) fn as_before() -> ExecSignals {
    let signals = ExecSignals::new();
    match as_started().pipe_ignored {
        true => signals.ignore(Signal::PIPE),
        false => signals,
    }
}

/// What the command is to start with.
fn signals(run: &Run, before: &ExecSignals) -> ExecSignals {
    let blocked = (before.blocked() | run.block) - run.unblock;
    before
        .ignore(run.ignore)
        .default_action(run.default)
        .mask(blocked)
}

/// Two pipes: through one a process that has been forked is told to go on, through the other it tells why it could not execute.
#[derive(Debug)]
pub(crate) struct Gate {
    go: (OwnedFd, OwnedFd),
    refused: (OwnedFd, OwnedFd),
}

impl Gate {
    pub(crate) fn new() -> io::Result<Gate> {
        Ok(Gate {
            go: pipe_with(PipeFlags::CLOEXEC)?,
            refused: pipe_with(PipeFlags::CLOEXEC)?,
        })
    }

    /// The ends that the parent alone may hold, so that the child sees its end.
    pub(crate) fn parents(&self) -> [&OwnedFd; 2] {
        [&self.go.1, &self.refused.0]
    }

    /// In the child: waits. False where the parent is gone.
    fn wait(&self) -> bool {
        self.parents().into_iter().for_each(sys::close);
        loop {
            match rustix::io::read(&self.go.0, &mut [0; 1]) {
                Ok(count) => return count == 1,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return false,
            }
        }
    }

    /// In the parent: lets it execute; why it could not.
    pub(crate) fn open(self) -> Option<io::Error> {
        let (mut refused, there) = (std::fs::File::from(self.refused.0), self.refused.1);
        drop(there);
        let mut go = std::fs::File::from(self.go.1);
        let _ = go.write_all(b"g");
        let mut errno = [0; 4];
        refused.read_exact(&mut errno).ok()?;
        Some(io::Error::from_raw_os_error(i32::from_ne_bytes(errno)))
    }
}

/// The child's side: executes the command, or tells why not. Its exit status.
pub(crate) fn execute(
    run: &Run,
    shell: &Shell,
    terminal: Option<&Terminal>,
    gate: Option<&Gate>,
    guarded: bool,
    observer: &mut dyn Observer,
) -> i32 {
    let place = run.placed();
    let parent = rustix::process::getppid();
    // As long as the group is the parent's.
    let is_ours = terminal.is_some_and(Terminal::is_ours);
    let prepared = match place {
        Place::Group => setpgid(None, None).map_err(io::Error::from),
        Place::Session => setsid().map(drop).map_err(io::Error::from),
        Place::Shared => Ok(()),
    };
    if gate.is_some_and(|gate| !gate.wait()) {
        return 125;
    }
    let error = prepared.and_then(|()| {
        let given = match (place, terminal) {
            (Place::Session, _) => terminal::take(),
            (Place::Group, Some(terminal)) if is_ours => {
                terminal.give(getpid().as_raw_nonzero().get());
                Ok(())
            }
            (Place::Group, None) => Err(io::Error::from_raw_os_error(libc::ENOTTY)),
            _ => Ok(()),
        };
        observer.placed(given);
        // Guarded, it ends with this process all the same.
        if let Some(signal) = run.parent_death.filter(|_| !guarded) {
            sys::signal_at_parents_end(signal)?;
            // It may have ended before.
            if rustix::process::getppid() != parent {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
        }
        Limits::of(run).set()
    });
    let (program, words) = match run.command.split_first() {
        Some(both) => both,
        None => return 125,
    };
    let error = match error {
        Ok(()) => {
            let mut command = Command::new(program);
            command.args(words);
            shell.environment(&mut command);
            if let Some(name) = &run.pid_variable {
                command.env(name, getpid().as_raw_nonzero().to_string());
            }
            command.signals(&signals(run, &shell.before));
            command.exec()
        }
        Err(error) => error,
    };
    match (gate, run.refused) {
        (Some(gate), _) => {
            let errno = error.raw_os_error().unwrap_or(libc::EIO);
            let _ = rustix::io::write(&gate.refused.1, &errno.to_ne_bytes());
            127
        }
        (None, Some(refused)) => refused(program, &error).into(),
        (None, None) => 127,
    }
}

/// What execve(2) says, in words.
pub(crate) fn refused(command: &[OsString], error: io::Error) -> Error {
    let program = command
        .first()
        .map(|program| program.to_string_lossy().into_owned());
    let program = program.unwrap_or_default();
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

/// With what the shell commands of traps, and the command, are started.
#[derive(Clone, Debug)]
pub(crate) struct Shell {
    /// The folder's variable and path.
    pub(crate) folder: Option<(String, PathBuf)>,
    /// The signals from before.
    pub(crate) before: ExecSignals,
    /// By which those of this run can be found.
    pub(crate) mark: Option<String>,
}

impl Shell {
    fn environment(&self, command: &mut Command) {
        if let Some((name, path)) = &self.folder {
            command.env(name, path);
        }
        if let Some(mark) = &self.mark {
            command.env(MARK, mark);
        }
    }

    /// `sh -c` with a trap's text.
    pub(crate) fn start(&self, text: &str, signal: Option<Signal>, pid: i32) -> io::Result<Child> {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(text);
        self.environment(&mut command);
        if signal.is_none() {
            // A clean-up is not of the tree: it runs when that has ended.
            command.env_remove(MARK);
        }
        command
            .env(
                "WIGWAG_SIGNAL",
                signal.map_or("EXIT".into(), |signal| signal.to_string()),
            )
            .env("WIGWAG_PID", pid.to_string())
            .signals(&self.before)
            .spawn()
    }
}
