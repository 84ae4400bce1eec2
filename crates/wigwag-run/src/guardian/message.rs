//! What the guardian tells the runner.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair,
};
use wigwag::WaitStatus;

use crate::ended::Usage;

/// A message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum News {
    /// It holds the runner, and this is the command.
    Armed(i32),
    /// It could not be armed.
    Failed(i32),
    /// The command has ended, stopped or gone on.
    Command(WaitStatus, Usage),
}

/// A pair of sockets that keep messages apart (`SOCK_SEQPACKET`).
#[derive(Debug)]
pub(crate) struct Socket(OwnedFd);

const SIZE: usize = 40;

impl Socket {
    pub(crate) fn pair() -> io::Result<(Socket, Socket)> {
        let (one, other) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        Ok((Socket(one), Socket(other)))
    }

    /// Tells the runner. Where it is gone, nobody.
    pub(super) fn tell(&self, news: News) {
        let words: [i64; 5] = match news {
            News::Armed(pid) => [0, i64::from(pid), 0, 0, 0],
            News::Failed(errno) => [1, i64::from(errno), 0, 0, 0],
            News::Command(status, usage) => [
                2,
                i64::from(status.to_raw()),
                usage.user.as_micros() as i64,
                usage.system.as_micros() as i64,
                usage.peak_memory as i64,
            ],
        };
        let mut bytes = [0; SIZE];
        for (eight, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *eight = word.to_ne_bytes();
        }
        let _ = send(&self.0, &bytes, SendFlags::NOSIGNAL);
    }

    fn read(&self, flags: RecvFlags) -> rustix::io::Result<Option<News>> {
        let mut bytes = [0; SIZE];
        let (count, _) = recv(&self.0, &mut bytes, flags)?;
        if count != SIZE {
            return Ok(None);
        }
        let mut words = [0_i64; 5];
        for (word, eight) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = i64::from_ne_bytes(*eight);
        }
        let [kind, number, user, system, memory] = words;
        let micros = |micros: i64| Duration::from_micros(micros as u64);
        Ok(match kind {
            0 => Some(News::Armed(number as i32)),
            1 => Some(News::Failed(number as i32)),
            _ => WaitStatus::from_raw(number as i32).map(|status| {
                let usage = Usage {
                    user: micros(user),
                    system: micros(system),
                    peak_memory: memory as u64,
                };
                News::Command(status, usage)
            }),
        })
    }

    /// The next one, if it is there.
    pub(super) fn next(&self) -> Option<News> {
        self.read(RecvFlags::DONTWAIT).ok().flatten()
    }

    /// Waits for the next one; `None` where the other end is gone.
    pub(super) fn wait(&self) -> io::Result<Option<News>> {
        loop {
            match self.read(RecvFlags::empty()) {
                Err(rustix::io::Errno::INTR) => {}
                news => return Ok(news?),
            }
        }
    }

    /// Tells the guardian that the command is held, and may be collected.
    pub(super) fn acknowledge(&self) -> io::Result<()> {
        send(&self.0, b"a", SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// Tells it to end.
    pub(super) fn leave(&self) {
        let _ = send(&self.0, b"l", SendFlags::NOSIGNAL);
    }

    /// What the runner says: `a`, `l`, or `None` where it is gone or says nothing.
    pub(super) fn word(&self) -> Option<u8> {
        let mut byte = [0; 1];
        match recv(&self.0, &mut byte, RecvFlags::DONTWAIT) {
            Ok((1, _)) => Some(byte[0]),
            _ => None,
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
