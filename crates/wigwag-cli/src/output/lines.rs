//! Lines that come one after the other for as long as somebody reads them, and do not hold up the rest where he is slow.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::SendFlags;

/// Standard output, written to without waiting for its reader.
#[derive(Debug)]
pub struct Lines {
    way: Way,
    waiting: VecDeque<Vec<u8>>,
    /// How much of the first has been written: a terminal takes a part.
    begun: usize,
    stuck: Option<Instant>,
}

/// How it is written to.
#[derive(Debug)]
enum Way {
    /// Nothing is wanted.
    Quiet,
    /// A description of our own, which does not wait: `O_NONBLOCK` on the one we were given would be there for everybody who has it.
    Own(OwnedFd),
    /// A socket, which can be asked each time.
    Socket,
    /// A file, or what cannot be opened again: asked beforehand whether there is room. A pipe has room for `PIPE_BUF` bytes then.
    Asked,
}

/// Whether there is somebody to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// There is, as far as is known.
    There,
    /// There is not, and will not be.
    Gone,
}

impl Lines {
    /// Standard output; nothing where `quiet`.
    pub fn new(quiet: bool) -> Lines {
        let way = match quiet {
            true => Way::Quiet,
            false => Way::of(rustix::stdio::stdout()),
        };
        Lines {
            way,
            waiting: VecDeque::new(),
            begun: 0,
            stuck: None,
        }
    }

    /// How many wait for the reader.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Since when the reader has taken nothing of what waits.
    pub fn stuck_since(&self) -> Option<Instant> {
        self.stuck
    }

    /// One more, and what can be written is.
    ///
    /// # Errors
    /// As [`Lines::write`].
    pub fn push(&mut self, line: Vec<u8>) -> anyhow::Result<Reader> {
        if !matches!(self.way, Way::Quiet) {
            self.waiting.push_back(line);
        }
        self.write()
    }

    /// Writes what can be written without waiting.
    ///
    /// # Errors
    /// Where it cannot be written (ENOSPC, EIO).
    pub fn write(&mut self) -> anyhow::Result<Reader> {
        while let Some(line) = self.waiting.front() {
            match self.way.write(line.get(self.begun..).unwrap_or_default()) {
                Ok(written) => {
                    self.stuck = None;
                    self.begun += written;
                    if self.begun >= line.len() {
                        self.waiting.pop_front();
                        self.begun = 0;
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    self.stuck.get_or_insert_with(Instant::now);
                    break;
                }
                Err(Errno::PIPE) => return Ok(Reader::Gone),
                Err(error) => {
                    let error = io::Error::from(error);
                    return Err(anyhow::anyhow!("cannot write to standard output: {error}"));
                }
            }
        }
        Ok(Reader::There)
    }

    /// Waits until `other` is readable (where it is given), there is room for what waits, the reader has gone away, or the time is
    /// over.
    ///
    /// # Errors
    /// Where poll(2) fails (ENOMEM).
    pub fn wait(
        &self,
        other: Option<BorrowedFd<'_>>,
        until: Option<Instant>,
    ) -> anyhow::Result<Reader> {
        let room = match self.waiting.is_empty() {
            true => PollFlags::empty(),
            false => PollFlags::OUT,
        };
        let stdout = rustix::stdio::stdout();
        let ours = match &self.way {
            Way::Quiet => None,
            Way::Own(own) => Some(own.as_fd()),
            Way::Socket | Way::Asked => Some(stdout),
        };
        let mut fds: Vec<PollFd<'_>> = ours
            .iter()
            .map(|fd| PollFd::new(fd, room))
            .chain(other.iter().map(|fd| PollFd::new(fd, PollFlags::IN)))
            .collect();
        let time = until.and_then(|until| {
            Timespec::try_from(until.saturating_duration_since(Instant::now())).ok()
        });
        match poll(&mut fds, time.as_ref()) {
            Ok(_) => {}
            // A handler of the library's has run: the signal is there.
            Err(Errno::INTR) => return Ok(Reader::There),
            Err(error) => return Err(anyhow::anyhow!("cannot wait: {}", io::Error::from(error))),
        }
        let gone = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
        let is_gone = ours.is_some() && fds[0].revents().intersects(gone);
        Ok(if is_gone { Reader::Gone } else { Reader::There })
    }
}

impl Way {
    fn of(stdout: BorrowedFd<'_>) -> Way {
        let kind = rustix::fs::fstat(stdout).map(|stat| FileType::from_raw_mode(stat.st_mode));
        match kind {
            Ok(FileType::Socket) => return Way::Socket,
            Ok(FileType::Fifo) => {}
            Ok(FileType::CharacterDevice) if rustix::termios::isatty(stdout) => {}
            _ => return Way::Asked,
        }
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        match rustix::fs::open("/proc/self/fd/1", flags, Mode::empty()) {
            Ok(own) => Way::Own(own),
            Err(_) => Way::Asked,
        }
    }

    /// EAGAIN: there is no room.
    fn write(&self, bytes: &[u8]) -> rustix::io::Result<usize> {
        let stdout = rustix::stdio::stdout();
        match self {
            Way::Quiet => Ok(bytes.len()),
            Way::Own(own) => rustix::io::write(own, bytes),
            Way::Socket => {
                rustix::net::send(stdout, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)
            }
            Way::Asked => {
                let mut fds = [PollFd::new(&stdout, PollFlags::OUT)];
                let none = Timespec {
                    tv_sec: 0,
                    tv_nsec: 0,
                };
                match poll(&mut fds, Some(&none))? {
                    0 => Err(Errno::AGAIN),
                    _ => rustix::io::write(stdout, bytes),
                }
            }
        }
    }
}
