//! sigaction.

use std::mem::MaybeUninit;

use super::check;
use crate::Errno;

/// What a process does with a signal, as the C library gives and takes it.
#[derive(Clone, Copy)]
pub(crate) struct Action(libc::sigaction);

impl Action {
    /// `SIG_DFL` or `SIG_IGN`, with these flags.
    pub(crate) fn plain(handler: usize, flags: i32) -> Action {
        // SAFETY: all fields of a sigaction are numbers, or an optional function: zero is valid for each.
        let mut action = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        Action(action)
    }

    /// A handler during which every signal is blocked.
    pub(crate) fn with_handler(handler: usize, flags: i32) -> Action {
        Action::with_mask(handler, flags, u64::MAX)
    }

    pub(crate) fn with_mask(handler: usize, flags: i32, mask: u64) -> Action {
        let mut action = Action::plain(handler, flags);
        for number in (1..=64).filter(|number| mask & 1 << (number - 1) != 0) {
            // SAFETY: the set was zeroed, which is a valid empty one; the C library leaves out the numbers that it keeps for
            // itself.
            unsafe { libc::sigaddset(&raw mut action.0.sa_mask, number) };
        }
        action
    }

    pub(crate) fn handler(&self) -> usize {
        self.0.sa_sigaction
    }

    pub(crate) fn flags(&self) -> i32 {
        self.0.sa_flags
    }

    pub(crate) fn with_flags(mut self, flags: i32) -> Action {
        self.0.sa_flags = flags;
        self
    }

    /// Whether both do the same.
    pub(crate) fn is_same(&self, other: &Action) -> bool {
        let of = |action: &Action| (action.handler(), action.flags(), action.mask());
        of(self) == of(other)
    }

    pub(crate) fn mask(&self) -> u64 {
        // SAFETY: the set is a valid one, and the numbers are from 1 to 64.
        (1..=64)
            .filter(|number| unsafe { libc::sigismember(&raw const self.0.sa_mask, *number) } == 1)
            .fold(0, |bits, number| bits | 1 << (number - 1))
    }
}

/// Reads the action for a signal.
pub(crate) fn get(signal: i32) -> Result<Action, Errno> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null pointer changes nothing; the current action is written to the other.
    check(unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) }.into())?;
    // SAFETY: written by the call, and zeroed before.
    Ok(Action(unsafe { action.assume_init() }))
}

/// Sets the action for a signal and gives the one before. An [`Action`] is `SIG_DFL`, `SIG_IGN`, the crate's own handler, one
/// that was read from this process, so that it was installed by code that vouched for it, or comes from
/// [`sigaction`](super::sigaction::sigaction), whose caller vouches for it.
pub(crate) fn set(signal: i32, new: &Action) -> Result<Action, Errno> {
    // Remembered before the first change. In signal context this is a load: what installed the handler has remembered it.
    super::before::was_ignored(signal);
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a valid action is read from the first pointer, and one is written to the second.
    check(unsafe { libc::sigaction(signal, &raw const new.0, action.as_mut_ptr()) }.into())?;
    // SAFETY: written by the call, and zeroed before.
    Ok(Action(unsafe { action.assume_init() }))
}
