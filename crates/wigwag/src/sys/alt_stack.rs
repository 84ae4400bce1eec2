//! sigaltstack, and memory for it.

use std::ffi::c_void;
use std::ops::Range;
use std::ptr::null_mut;

use super::check;
use crate::Errno;

/// A mapping whose first page may not be touched: stacks grow towards it.
struct Mapping {
    start: *mut c_void,
    length: usize,
    guard: usize,
}

impl Mapping {
    fn new(size: usize) -> Result<Mapping, Errno> {
        let too_much = Errno::new(libc::ENOMEM);
        // SAFETY: takes a number; the page size is always known.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let size = size.checked_next_multiple_of(page).ok_or(too_much)?;
        let length = size.checked_add(page).ok_or(too_much)?;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
        // SAFETY: a new mapping where the kernel finds room, which touches no other.
        let start = unsafe { libc::mmap(null_mut(), length, libc::PROT_NONE, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        let mapping = Mapping {
            start,
            length,
            guard: page,
        };
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the pages from the second to the last of the new mapping, which nobody else knows.
        check(unsafe { libc::mprotect(mapping.bottom(), size, access) }.into())?;
        Ok(mapping)
    }

    fn bottom(&self) -> *mut c_void {
        self.start.wrapping_byte_add(self.guard)
    }

    fn size(&self) -> usize {
        self.length - self.guard
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`. Before it is installed nobody uses it; a `Stack` drops it only once the kernel has let go of it.
        unsafe { libc::munmap(self.start, self.length) };
    }
}

/// The calling thread's alternate stack while this lives. Neither `Send` nor `Sync`, as it has pointers.
pub(crate) struct Stack {
    /// `None` once it must stay for good.
    mapping: Option<Mapping>,
    before: libc::stack_t,
}

impl Stack {
    /// With room for so many bytes, and at least as many as a signal needs.
    pub(crate) fn install(size: usize) -> Result<Stack, Errno> {
        let mapping = Mapping::new(size.max(least()))?;
        let new = libc::stack_t {
            ss_sp: mapping.bottom(),
            ss_flags: 0,
            ss_size: mapping.size(),
        };
        let mut before = NONE;
        // SAFETY: reads one stack_t and writes one. The memory is the new mapping's, which nobody else uses and which stays until
        // the kernel has been given another stack for this thread: see `drop`.
        check(unsafe { libc::sigaltstack(&raw const new, &raw mut before) }.into())?;
        Ok(Stack {
            mapping: Some(mapping),
            before,
        })
    }

    pub(crate) fn bounds(&self) -> Range<usize> {
        self.mapping.as_ref().map_or(0..0, |mapping| {
            let bottom = mapping.bottom().addr();
            bottom..bottom + mapping.size()
        })
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let Some(mapping) = self.mapping.take() else {
            return;
        };
        let mut now = NONE;
        // SAFETY: a null pointer changes nothing; writes one stack_t.
        let asked = check(unsafe { libc::sigaltstack(std::ptr::null(), &raw mut now) }.into());
        let ours =
            asked.is_ok() && now.ss_sp == mapping.bottom() && now.ss_flags & libc::SS_DISABLE == 0;
        // SAFETY: reads one stack_t: what was this thread's stack before, by the care of whoever installed it. A `Stack` that
        // was installed before this one and dropped first was not the thread's stack then, and so has left its memory mapped;
        // the standard library, when it frees its own at a thread's end, sets none whatever there is, so that this one is not
        // ours any more. The kernel refuses (EPERM) while a handler runs on the one that is in force.
        let put_back =
            ours && unsafe { libc::sigaltstack(&raw const self.before, null_mut()) } == 0;
        if !put_back {
            // Somebody may still come back to it.
            std::mem::forget(mapping);
        }
    }
}

const NONE: libc::stack_t = libc::stack_t {
    ss_sp: null_mut(),
    ss_flags: libc::SS_DISABLE,
    ss_size: 0,
};

/// What the kernel writes for one signal, which depends on the processor, and some room for the handler.
fn least() -> usize {
    /// Of `asm/auxvec.h`; the C library's binding has no name for it.
    const AT_MINSIGSTKSZ: libc::c_ulong = 51;
    // SAFETY: takes a number, and gives 0 for one that the kernel did not set.
    let frame = unsafe { libc::getauxval(AT_MINSIGSTKSZ) } as usize;
    frame.max(libc::MINSIGSTKSZ) + libc::SIGSTKSZ
}
