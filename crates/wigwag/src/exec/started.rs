//! What this program was started with, before Rust's own start changed it.

use crate::sys::started;

/// What a Rust program cannot see any more in `main`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Started {
    /// PIPE was ignored already. In `main` it is, whatever it was.
    pub pipe_ignored: bool,
    /// Standard input, output, error was closed. In `main` each is open, on `/dev/null` where it was closed.
    pub closed: [bool; 3],
}

/// What this program was started with: for one that starts another in its place, which is to find what whoever started this one
/// had meant for it.
///
/// With the feature `started`, and only with it, two system calls (rt_sigaction, poll) are made before `main`, since Rust's start
/// ignores PIPE and opens `/dev/null` for what is closed of the three. In a library that is loaded while a program
/// runs (dlopen(3)), it is what was when it was loaded.
///
/// ```
/// use wigwag::{Signal, disposition, exec};
/// let started = exec::as_started();
/// if !started.pipe_ignored {
///     disposition::default(Signal::PIPE)?; // as it was
/// }
/// let is_open = !started.closed[1];
/// # Ok::<(), wigwag::Error>(())
/// ```
#[must_use]
pub fn as_started() -> Started {
    let (pipe_ignored, closed) = started::seen();
    Started {
        pipe_ignored,
        closed,
    }
}
