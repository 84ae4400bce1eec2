//! Running a command under ptrace, told of every system call.

use std::io::{Read, Seek};
use std::process::{Command, Stdio};

use crate::sys::{self, CallStop};

/// How it ended, and what it wrote.
pub struct Traced {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a command to its end; it is held while `stop` is called, at the entry and the exit of each system call of all its
/// threads and children.
///
/// Panics when it cannot be started or traced.
pub fn trace(mut command: Command, mut stop: impl FnMut(i32, CallStop)) -> Traced {
    let mut files = [sys::memory_file().unwrap(), sys::memory_file().unwrap()];
    command
        .stdin(Stdio::null())
        .stdout(files[0].try_clone().unwrap())
        .stderr(files[1].try_clone().unwrap());
    sys::trace_me(&mut command);
    let first = i32::try_from(command.spawn().expect("the command starts").id()).unwrap();
    let mut end = None;
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
                if let Some(at) = sys::call_stop(pid) {
                    stop(pid, at);
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
    Traced {
        status: end.expect("an end"),
        stdout,
        stderr,
    }
}
