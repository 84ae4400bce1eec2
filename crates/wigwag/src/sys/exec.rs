//! Masks and ignored signals for a program that exec is about to start.

use std::io;
use std::marker::PhantomData;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::action::{self, Action};
use super::{before, mask};
use crate::{Errno, SignalSet};

/// What it starts with: bit `n - 1` is signal `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) ignored: u64,
    pub(crate) mask: u64,
}

impl Start {
    /// Puts both in force in this process and this thread, and gives what was changed. Async-signal-safe: system calls only.
    /// Handlers stay until exec takes them away, which no signal comes between.
    pub(crate) fn put(&self) -> Result<Changed, Errno> {
        let mut changed = Changed {
            actions: [None; 64],
            mask: None,
            thread: PhantomData,
        };
        for (number, place) in before::changeable().zip(&mut changed.actions) {
            let now = action::get(number)?;
            let is_ignored = now.handler() == libc::SIG_IGN;
            let handler = match (self.ignored & 1 << (number - 1) != 0, is_ignored) {
                (true, false) => libc::SIG_IGN,
                (false, true) => libc::SIG_DFL,
                // The standard library's exec gives PIPE its default itself.
                _ if number == libc::SIGPIPE => now.handler(),
                _ => continue,
            };
            // Before it is changed: where that fails, what was changed so far is put back.
            *place = Some((number, now));
            if handler != now.handler() {
                action::set(number, &Action::plain(handler, 0))?;
            }
        }
        changed.mask = Some(mask::change(libc::SIG_SETMASK, self.mask)?);
        Ok(changed)
    }
}

/// What [`Start::put`] changed: put back when it is dropped.
pub(crate) struct Changed {
    actions: [Option<(i32, Action)>; 64],
    mask: Option<u64>,
    /// A mask is its thread's: neither `Send` nor `Sync`.
    thread: PhantomData<*const ()>,
}

impl Changed {
    /// Those whose disposition it puts back.
    pub(crate) fn signals(&self) -> SignalSet {
        let bits = |bits, (number, _): &(i32, Action)| bits | 1 << (number - 1);
        SignalSet::from_bits(self.actions.iter().flatten().fold(0, bits))
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        if let Some(bits) = self.mask {
            let _ = mask::change(libc::SIG_SETMASK, bits);
        }
        for (number, before) in self.actions.iter().flatten() {
            let _ = action::set(*number, before);
        }
    }
}

/// Has the command's child do it right before exec.
pub(crate) fn in_child(command: &mut Command, start: Start) {
    let put = move || match start.put() {
        Ok(changed) => {
            // For the program.
            std::mem::forget(changed);
            Ok(())
        }
        Err(errno) => Err(io::Error::from_raw_os_error(errno.number())),
    };
    // SAFETY: between fork and exec the closure makes only the system calls of `Start::put` and works on its own copy of two
    // numbers; it neither allocates nor locks, and an `io::Error` of a number owns no memory.
    unsafe { command.pre_exec(put) };
}
