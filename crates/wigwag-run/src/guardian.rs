//! The guardian: a small process that cleans up where this one cannot, because it has been killed.
//!
//! ```text
//! runner (P) ── forks ──> guardian (G), in a session of its own ── forks ──> the command (C), in P's session and group
//! ```
//!
//! C is G's child, so that G, a subreaper, is the parent of every orphan of C's tree, and can end the tree when P is gone. P learns from G
//! what happens to C, by messages; it passes signals on through a pidfd of its own.
//!
//! The order in which it comes about: G is forked; it forks C, which waits at a gate (a pipe); G leaves P's session, closes all that is the
//! caller's, holds P by pidfd and says that it is armed; P makes the folder and opens the gate; C executes. If P ends before the gate is
//! opened, C finds the pipe closed and ends.
//!
//! Whoever cleans takes the *token* first, the one byte in a pipe, so that it is begun once at most. The cleaner is a process of its own, in a
//! session of its own; at its end it writes a byte to another pipe, *done*. So G can tell, where P and not the cleaner is gone, whether that
//! is at work (it waits), has finished, or has itself been ended before (it says so).
//!
//! If G is killed, C becomes P's child (P is a subreaper, too), and P forks another guardian. That one is nobody's ancestor: it finds C by
//! pidfd, those below C by their parents, and the rest by a variable in their environment.
//!
//! What no process can promise: that all goes well when P and G are killed at once, when the control group or the namespace of both is
//! ended as a whole, or the machine is.

mod keeper;
mod message;

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::pipe::{PipeFlags, pipe_with};

use wigwag_process::order::Ladder;

use crate::OnLoss;
use crate::children::Cleaning;
use crate::sys;

pub(crate) use message::{News, Socket};

/// The variable by which those of a run know each other.
pub(crate) const MARK: &str = "WIGWAG_RUN";

/// What says who cleans, and that it is done.
#[derive(Debug)]
pub(crate) struct Token {
    token: (OwnedFd, OwnedFd),
    done: (OwnedFd, Option<OwnedFd>),
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(pipe_with(PipeFlags::CLOEXEC)?)
}

impl Token {
    pub(crate) fn new() -> io::Result<Token> {
        let token = pipe()?;
        rustix::fs::fcntl_setfl(&token.0, OFlags::NONBLOCK)?;
        rustix::io::write(&token.1, b"t")?;
        let (read, write) = pipe()?;
        Ok(Token {
            token,
            done: (read, Some(write)),
        })
    }

    /// Takes it. False where somebody has it already.
    pub(crate) fn take(&self) -> bool {
        matches!(rustix::io::read(&self.token.0, &mut [0; 1]), Ok(1))
    }

    /// Whether nobody has taken it yet.
    fn is_there(&self) -> bool {
        let mut fds = [PollFd::new(&self.token.0, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready == 1)
    }

    /// Says that the clean-up has been done.
    pub(crate) fn finish(&self) {
        if let Some(done) = &self.done.1 {
            let _ = rustix::io::write(done, b"d");
        }
    }

    /// This process will not say so: where nobody else can, the other end sees that.
    fn will_not_finish(&mut self) {
        self.done.1 = None;
    }

    /// Waits until whoever has taken it has finished, or is gone. Whether he has finished.
    fn wait(&self) -> bool {
        loop {
            match rustix::io::read(&self.done.0, &mut [0; 1]) {
                Ok(count) => return count == 1,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return false,
            }
        }
    }

    fn descriptors(&self) -> Vec<&OwnedFd> {
        let both = [&self.token.0, &self.token.1, &self.done.0];
        both.into_iter().chain(&self.done.1).collect()
    }
}

/// What the guardian is to know.
#[derive(Clone, Debug)]
pub(crate) struct Charge {
    pub(crate) cleaning: Cleaning,
    pub(crate) on_loss: OnLoss,
    /// How the tree is ended.
    pub(crate) ladder: Ladder,
    /// The value of [`MARK`].
    pub(crate) mark: String,
    /// A file or terminal that standard error is, for what it has to say.
    pub(crate) errors: Option<PathBuf>,
}

/// Where standard error goes, if it can be opened again by name.
pub(crate) fn errors() -> Option<PathBuf> {
    let path = std::fs::read_link("/proc/self/fd/2").ok()?;
    let kind = std::fs::metadata(&path).ok()?.file_type();
    use std::os::unix::fs::FileTypeExt;
    (kind.is_file() || kind.is_char_device()).then_some(path)
}

/// The runner's side of it.
#[derive(Debug)]
pub(crate) struct Guardian {
    pub(crate) pid: i32,
    socket: Socket,
    /// Whether the command is its child.
    pub(crate) is_parent: bool,
}

impl Guardian {
    /// Forks one that forks the command, which waits for `gate`; both are ready when this returns. The command's pid.
    pub(crate) fn arm(
        charge: &Charge,
        token: &mut Token,
        own_group: bool,
        command: impl FnOnce() -> i32,
        gate: [&OwnedFd; 2],
    ) -> io::Result<(Guardian, i32)> {
        let (here, there) = Socket::pair()?;
        let parent = rustix::process::getpid();
        let pid = sys::fork(|| {
            sys::close(&here);
            keeper::keep(
                charge,
                token,
                &there,
                parent,
                keeper::Of::Started {
                    command,
                    own_group,
                    gate,
                },
            )
        })?;
        drop(there);
        let guardian = Guardian {
            pid,
            socket: here,
            is_parent: true,
        };
        match guardian.socket.wait()? {
            Some(News::Armed(command)) => Ok((guardian, command)),
            news => {
                sys::wait_for(pid);
                Err(io::Error::from_raw_os_error(match news {
                    Some(News::Failed(errno)) => errno,
                    _ => libc::ECHILD,
                }))
            }
        }
    }

    /// Another one, for a command that runs already.
    pub(crate) fn replace(
        charge: &Charge,
        token: &mut Token,
        command: i32,
    ) -> io::Result<Guardian> {
        let (here, there) = Socket::pair()?;
        let parent = rustix::process::getpid();
        let pid = sys::fork(|| {
            sys::close(&here);
            keeper::keep::<fn() -> i32>(charge, token, &there, parent, keeper::Of::Running(command))
        })?;
        drop(there);
        let guardian = Guardian {
            pid,
            socket: here,
            is_parent: false,
        };
        match guardian.socket.wait()? {
            Some(News::Armed(_)) => Ok(guardian),
            _ => {
                sys::wait_for(pid);
                Err(io::Error::from_raw_os_error(libc::ECHILD))
            }
        }
    }

    /// The command is held, and may be collected.
    pub(crate) fn acknowledge(&self) -> io::Result<()> {
        self.socket.acknowledge()
    }

    /// The next message, if there is one.
    pub(crate) fn news(&self) -> Option<News> {
        self.socket.next()
    }

    pub(crate) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// All is done: it ends, and is waited for.
    pub(crate) fn leave(self) {
        self.socket.leave();
        sys::wait_for(self.pid);
    }
}
