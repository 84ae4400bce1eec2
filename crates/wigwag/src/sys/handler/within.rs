//! Whether our handler runs within a call that it has made itself: to a handler that calls ours in turn, of a signal that has been
//! taken already.
//!
//! Nothing of the thread's may be asked in signal context, but the handlers of one delivery pass on the context of the interrupted
//! code. Its `uc_link` means nothing in a signal's context: the kernel sets it to null, and does not read it. While another handler is
//! called, it points to a note on our stack. Each copy of the crate leaves its own, one linked to the next.

use std::ffi::c_void;
use std::ptr;

use super::below;

const MAGIC: u64 = u64::from_ne_bytes(*b"wigwag/w");

/// How many copies of the crate are looked through.
const MOST: usize = 32;

/// That a copy of the crate is calling another handler. Another version of the crate reads it, too.
#[repr(C)]
pub(super) struct Note {
    magic: u64,
    /// The copy.
    of: usize,
    /// What it is to call next, where it is called.
    depth: usize,
    outer: *mut c_void,
}

/// Where our handler, called within a call of its own for the same delivery, is to go on; `None` in the first one.
pub(super) fn depth(context: *mut c_void) -> Option<usize> {
    if context.is_null() {
        return None;
    }
    // SAFETY: the third argument of a handler is a ucontext.
    let mut link = unsafe { (*context.cast::<libc::ucontext_t>()).uc_link }.cast::<c_void>();
    for _ in 0..MOST {
        if link.is_null() {
            return None;
        }
        // SAFETY: a link leads to a note of a handler that has not returned, or, in a context that somebody made by hand, to
        // another context, which is larger than a note and aligned as well; either is only read.
        let note = unsafe { link.cast::<Note>().read() };
        if note.magic != MAGIC {
            return None;
        }
        if note.of == below::key() {
            return Some(note.depth);
        }
        link = note.outer;
    }
    None
}

impl Note {
    /// A note that says to go on at this depth.
    pub(super) fn new(depth: usize) -> Note {
        Note {
            magic: MAGIC,
            of: below::key(),
            depth,
            outer: ptr::null_mut(),
        }
    }

    /// Leaves it in the context, until [`take_back`](Note::take_back).
    ///
    /// # Safety
    /// The context is null or a ucontext, and the note stays where it is meanwhile.
    pub(super) unsafe fn leave(&mut self, context: *mut c_void) {
        if !context.is_null() {
            // SAFETY: the caller says so, and nobody else uses the context while the handler runs.
            let link = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_link };
            self.outer = link.cast();
            *link = ptr::from_mut(self).cast();
        }
    }

    /// Takes it out of the context.
    ///
    /// # Safety
    /// As for [`leave`](Note::leave), which has been called.
    pub(super) unsafe fn take_back(&mut self, context: *mut c_void) {
        if !context.is_null() {
            // SAFETY: the caller says so.
            unsafe { (*context.cast::<libc::ucontext_t>()).uc_link = self.outer.cast() };
        }
    }
}
