//! A command that runs beside the test.

use std::process::{Child, Stdio};

use wigwag_testkit::{Deadline, kill};

use super::{Ran, command};

/// A running `wigwag`; killed when dropped.
#[derive(Debug)]
pub struct Running(Option<Child>);

impl Running {
    /// Starts it with the words of a line, split at blanks.
    pub fn start(line: &str) -> Running {
        Running::of(command().args(line.split_whitespace()))
    }

    pub fn of(command: &mut std::process::Command) -> Running {
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Running(Some(child))
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.0.as_ref().unwrap().id()).unwrap()
    }

    pub fn is_over(&mut self) -> bool {
        let child = self.0.as_mut().unwrap();
        child.try_wait().unwrap().is_some()
    }

    /// Waits until it watches: it has an epoll open, and takes the signals that end the watching.
    #[must_use]
    pub fn watching(self) -> Running {
        let is_epoll = |fd: std::fs::DirEntry| {
            let link = std::fs::read_link(fd.path());
            link.is_ok_and(|link| link.to_string_lossy().contains("eventpoll"))
        };
        Deadline::usual().wait_for("it to watch", || {
            let fds = std::fs::read_dir(format!("/proc/{}/fd", self.pid())).ok()?;
            fds.flatten().any(is_epoll).then_some(())
        });
        self
    }

    /// Sends it INT, and tells how it ended.
    pub fn interrupt(self) -> Ran {
        self.signal(2)
    }

    /// Sends it a signal, and tells how it ended.
    pub fn signal(self, signal: i32) -> Ran {
        kill(self.pid(), signal).unwrap();
        self.finish()
    }

    /// Waits for its end. What it says is little enough for its pipes.
    pub fn finish(mut self) -> Ran {
        Deadline::usual().wait_for("the command to end", || self.is_over().then_some(()));
        let out = self.0.take().unwrap().wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran {
            code: out.status.code().expect("it is not killed"),
            out: text(out.stdout),
            err: text(out.stderr),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
