//! A command that is held at the entry of a chosen system call while the world changes under it.
//!
//! Stronger than a delay: the change has happened, wholly, before that call and after the one before.

use std::io::{Read, Seek};
use std::process::{Command, Stdio};

use crate::sys;

/// How a command ran.
#[derive(Debug)]
pub struct Ran {
    /// Its raw wait status.
    pub status: i32,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
    /// How many system calls it entered, all threads and children together.
    pub calls: usize,
    /// The number of the system call at whose entry the swap took place, if it came so far.
    pub swapped_at: Option<u64>,
}

/// Runs commands under ptrace, by the calling thread.
#[derive(Debug)]
pub struct Swapper;

impl Swapper {
    /// Runs `command` to its end; at the entry of its `at`-th system call (from 0, the first after its exec) calls
    /// `swap` while it is held there.
    ///
    /// Panics when it cannot be started or traced.
    pub fn run(mut command: Command, at: usize, swap: impl FnOnce()) -> Ran {
        let mut files = [sys::memory_file().unwrap(), sys::memory_file().unwrap()];
        command
            .stdin(Stdio::null())
            .stdout(files[0].try_clone().unwrap())
            .stderr(files[1].try_clone().unwrap());
        sys::trace_me(&mut command);
        let first = i32::try_from(command.spawn().expect("the command starts").id()).unwrap();
        let mut swap = Some(swap);
        let (mut calls, mut swapped_at, mut end) = (0, None, None);
        // It leads a group of its own: waiting for that group leaves the test's other children alone.
        let begun = sys::wait_any(first, 0).expect("a stop at exec");
        assert!(libc::WIFSTOPPED(begun.1), "{begun:?}");
        sys::trace_options(first).expect("options");
        sys::trace_on(first, 0).expect("on from exec");
        while let Some((pid, status)) = sys::wait_any(-first, libc::__WALL) {
            if !libc::WIFSTOPPED(status) {
                if pid == first {
                    end = Some(status);
                }
                continue;
            }
            let mut signal = 0;
            match libc::WSTOPSIG(status) {
                // A stop at a system call: marked by bit 7.
                number if number == libc::SIGTRAP | 0x80 => {
                    if let Some(call) = sys::entered_call(pid) {
                        if calls == at {
                            swapped_at = Some(call);
                            if let Some(swap) = swap.take() {
                                swap();
                            }
                        }
                        calls += 1;
                    }
                }
                // Events of ptrace itself, and the first stop of a new thread.
                libc::SIGTRAP | libc::SIGSTOP => {}
                number => signal = number,
            }
            // It may have been killed meanwhile.
            let _ = sys::trace_on(pid, signal);
        }
        let [stdout, stderr] = files.each_mut().map(|file| {
            let mut text = Vec::new();
            file.rewind().unwrap();
            file.read_to_end(&mut text).unwrap();
            String::from_utf8_lossy(&text).into_owned()
        });
        Ran {
            status: end.expect("an end"),
            stdout,
            stderr,
            calls,
            swapped_at,
        }
    }

    /// How many system calls a command enters, with nothing swapped.
    pub fn count(command: Command) -> Ran {
        Swapper::run(command, usize::MAX, || ())
    }
}
