//! The kinds of handlers that [`sigaction`](super::sigaction) installs.

use std::ffi::{c_int, c_void};

use crate::info::Siginfo;

/// What is to happen when a signal is delivered.
#[derive(Clone, Copy, Debug)]
pub enum Handler {
    /// Its [default action](crate::Signal::default_action) (`SIG_DFL`). [`default_with`](super::default_with) does the same,
    /// and is safe.
    Default,
    /// Nothing (`SIG_IGN`). [`ignore`](super::ignore) does the same, and is safe.
    Ignore,
    /// A function of C that gets the number.
    Function(unsafe extern "C" fn(c_int)),
    /// A function of C that gets the number, who sent it and how, and where the thread was interrupted (`ucontext_t *` of
    /// getcontext(3)): [`Flags::SIGINFO`](super::Flags::SIGINFO).
    WithInfo(unsafe extern "C" fn(c_int, &Siginfo, *mut c_void)),
}

impl Handler {
    /// As the kernel has it, and whether it gets a siginfo.
    pub(crate) fn address(self) -> (usize, bool) {
        match self {
            Handler::Default => (libc::SIG_DFL, false),
            Handler::Ignore => (libc::SIG_IGN, false),
            Handler::Function(function) => (function as usize, false),
            Handler::WithInfo(function) => (function as usize, true),
        }
    }
}
