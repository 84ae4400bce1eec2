//! A marker that all copies of this crate in one process see, and no child has.

use std::ptr;

/// Where it lies: an address that nothing else is put at, named by what it spells.
#[cfg(target_pointer_width = "64")]
const PLACE: usize = 0x5769_6777_0000;
#[cfg(target_pointer_width = "32")]
const PLACE: usize = 0x5769_6000;

const PAGE: usize = 4096;
const MAGIC: u64 = u64::from_ne_bytes(*b"wigwag/1");

/// Marks the process as `owner`'s. False where another has marked it. Where the place is taken by something else, there is no
/// marker, and nothing is found.
pub(crate) fn claim(owner: usize) -> bool {
    // SAFETY: a new mapping at a place that is free, or none at all (MAP_FIXED_NOREPLACE).
    let page = unsafe {
        libc::mmap(
            ptr::with_exposed_provenance_mut(PLACE),
            PAGE,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE,
            -1,
            0,
        )
    };
    let mine = [MAGIC, owner as u64];
    if page != libc::MAP_FAILED && page.addr() == PLACE {
        // SAFETY: the page was just mapped, writable, and is ours; a child made by fork does not get it.
        unsafe {
            libc::madvise(page, PAGE, libc::MADV_DONTFORK);
            page.cast::<[u64; 2]>().write(mine);
        }
        return true;
    }
    read().is_none_or(|found| found[0] != MAGIC || found == mine)
}

/// What lies there, read by the kernel, since it may not be readable.
fn read() -> Option<[u64; 2]> {
    let mut found = [0_u64; 2];
    let size = size_of_val(&found);
    let local = libc::iovec {
        iov_base: found.as_mut_ptr().cast(),
        iov_len: size,
    };
    let remote = libc::iovec {
        iov_base: ptr::with_exposed_provenance_mut(PLACE),
        iov_len: size,
    };
    // SAFETY: reads at most `size` bytes of this process into `found`; an address that cannot be read is an error.
    let read = unsafe { libc::process_vm_readv(super::send::getpid(), &local, 1, &remote, 1, 0) };
    (read == size as isize).then_some(found)
}
