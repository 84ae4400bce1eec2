//! A command that is held at the entry of a chosen system call while the world changes under it.
//!
//! Stronger than a delay: the change has happened, wholly, before that call and after the one before.

use std::process::Command;

use crate::sys::CallStop;
use crate::tracee::trace;

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
    pub fn run(command: Command, at: usize, swap: impl FnOnce()) -> Ran {
        let mut swap = Some(swap);
        let (mut calls, mut swapped_at) = (0, None);
        let traced = trace(command, |_, stop| {
            let CallStop::Entry(call, _) = stop else {
                return;
            };
            if calls == at {
                swapped_at = Some(call);
                if let Some(swap) = swap.take() {
                    swap();
                }
            }
            calls += 1;
        });
        Ran {
            status: traced.status,
            stdout: traced.stdout,
            stderr: traced.stderr,
            calls,
            swapped_at,
        }
    }

    /// How many system calls a command enters, with nothing swapped.
    pub fn count(command: Command) -> Ran {
        Swapper::run(command, usize::MAX, || ())
    }
}
