//! What was before `main`: read in the only place that comes before Rust's own start.

use std::sync::atomic::{AtomicU8, Ordering};

use super::action;

/// It has been read.
const READ: u8 = 1 << 7;
/// PIPE was ignored.
const PIPE: u8 = 1 << 3;
/// Below: descriptor 0, 1, 2 was closed.
static SEEN: AtomicU8 = AtomicU8::new(0);

/// Runs before `main`, on the only thread: two system calls, nothing else.
extern "C" fn look() {
    let pipe = action::get(libc::SIGPIPE).is_ok_and(|action| action.handler() == libc::SIG_IGN);
    let mut polled = [0, 1, 2].map(|fd| libc::pollfd {
        fd,
        events: 0,
        revents: 0,
    });
    // SAFETY: three pollfds are given and counted; it waits for nothing.
    let answer = unsafe { libc::poll(polled.as_mut_ptr(), 3, 0) };
    let mut seen = READ | if pipe { PIPE } else { 0 };
    for (bit, one) in polled.iter().enumerate() {
        if answer >= 0 && one.revents & libc::POLLNVAL != 0 {
            seen |= 1 << bit;
        }
    }
    SEEN.store(seen, Ordering::Release);
}

#[used]
// SAFETY: the C library calls each entry of this section once, in order, with the process single-threaded.
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

/// Whether PIPE was ignored, and which of the standard descriptors were closed; as they are now, where nothing ran before `main`.
pub(crate) fn seen() -> (bool, [bool; 3]) {
    // Keeps the entry in every program that asks.
    let look = std::hint::black_box(LOOK);
    if SEEN.load(Ordering::Acquire) & READ == 0 {
        look();
    }
    let seen = SEEN.load(Ordering::Acquire);
    (seen & PIPE != 0, [0, 1, 2].map(|bit| seen & 1 << bit != 0))
}
