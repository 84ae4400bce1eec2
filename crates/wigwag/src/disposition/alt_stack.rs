//! A stack for handlers: sigaltstack(2).

use std::fmt;
use std::ops::Range;

use crate::{Error, Result, sys};

/// An alternate stack for the calling thread, on which its handlers with [`Flags::ONSTACK`](super::Flags::ONSTACK) run: what a
/// handler for SEGV needs to run at all where the ordinary stack is full. Dropping it puts back what the thread had before.
///
/// It is memory of its own, with a page below it that may not be touched, so that a handler that needs more ends the process
/// instead of writing elsewhere. Rust's standard library gives the first thread, and each that it makes, one already, of the
/// least size, unless the program was started with handlers for SEGV and BUS; this is for more room, and for threads that
/// others made.
///
/// A stack is its thread's: a new thread has none but the standard library's, a child made by fork has a copy, exec takes it
/// away. It cannot go to another thread:
///
/// ```compile_fail,E0277
/// let stack = wigwag::disposition::AltStack::install(65536).unwrap();
/// std::thread::spawn(move || drop(stack));
/// ```
///
/// Several are to be dropped in the reverse order. One that is dropped while it is not the thread's stack, or from a handler
/// that runs on it, changes nothing, and its memory stays mapped for good.
#[doc(alias = "sigaltstack")]
#[must_use = "the stack is taken away when it is dropped"]
pub struct AltStack(sys::alt_stack::Stack);

impl AltStack {
    /// Maps one of at least so many bytes, and makes it the calling thread's: sigaltstack(2). A size that is too small for any
    /// handler is raised to what the processor needs and 8 KiB, or so.
    ///
    /// # Errors
    /// ENOMEM: there is not so much memory. EPERM: a handler runs on the alternate stack that the thread has now.
    ///
    /// ```
    /// use wigwag::disposition::AltStack;
    /// let stack = AltStack::install(65536)?;
    /// assert!(stack.bounds().len() >= 65536);
    /// assert_eq!(AltStack::install(usize::MAX).unwrap_err().errno().name(), Some("ENOMEM"));
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    pub fn install(size: usize) -> Result<AltStack> {
        sys::alt_stack::Stack::install(size)
            .map(AltStack)
            .map_err(|errno| {
                let error = Error::new(
                    format!("install an alternate stack of {size} bytes for signals"),
                    errno,
                );
                match errno.number() {
                    libc::EPERM => error.with_note("a handler runs on the one that is in force"),
                    _ => error,
                }
            })
    }

    /// The addresses that it has, the lowest first.
    ///
    /// ```
    /// use wigwag::disposition::AltStack;
    /// let stack = AltStack::install(0)?;
    /// assert!(!stack.bounds().contains(&(&raw const stack).addr()), "nothing runs on it now");
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[must_use]
    pub fn bounds(&self) -> Range<usize> {
        self.0.bounds()
    }
}

impl fmt::Debug for AltStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { start, end } = self.bounds();
        write!(f, "AltStack({start:#x}..{end:#x})")
    }
}
