//! What is remembered of each thread, for a child made by fork.

use std::cell::Cell;
use std::sync::atomic::Ordering;

use super::HUB;
use crate::receive::{capture, shared};
use crate::sys;

thread_local! {
    /// The thread id, in the parent, of the thread that forks.
    static FORKER: Cell<i32> = const { Cell::new(0) };
    /// The calling thread's id, once it has been asked for.
    static ID: Cell<i32> = const { Cell::new(0) };
    /// Whether the library has blocked [`KICK`](shared::KICK) in the calling thread.
    static DEAF: Cell<bool> = const { Cell::new(false) };
    /// Whether this is a thread of the library's, which blocks every signal.
    static OURS: Cell<bool> = const { Cell::new(false) };
}

/// Notes that the calling thread is one of the library's.
pub(crate) fn is_ours() {
    OURS.with(|ours| ours.set(true));
}

/// Notes that the library has blocked [`KICK`](shared::KICK) in the calling thread.
pub(crate) fn blocks_kick() {
    DEAF.with(|deaf| deaf.set(true));
}

/// The id of the calling thread.
pub(crate) fn thread_id() -> i32 {
    ID.with(|id| {
        if id.get() == 0 {
            id.set(sys::send::gettid());
        }
        id.get()
    })
}

/// Before a fork, in the thread that forks.
pub(super) extern "C" fn before_fork() {
    FORKER.with(|tid| tid.set(sys::send::gettid()));
}

/// In a child made by fork: masks and dispositions as before the library. Runs in the child's only thread.
pub(super) extern "C" fn in_child() {
    let captured = shared::CAPTURED.load(Ordering::Relaxed) & !capture::before();
    let held = FORKER.with(|tid| shared::release(tid.get()));
    sys::handler::uninstall_in_child();
    if shared::CHILDREN_STAY.load(Ordering::Relaxed) {
        let _ = sys::handler::no_more_have_children_stay();
    }
    shared::forget();
    HUB.store(std::ptr::null_mut(), Ordering::Release);
    let deaf = DEAF.with(|deaf| deaf.replace(false));
    let kick = if deaf { shared::bit(shared::KICK) } else { 0 };
    // From a callback: the thread that was forked blocks everything.
    let _ = match OURS.with(Cell::get) {
        true => sys::mask::change(libc::SIG_SETMASK, sys::before::mask()),
        false => sys::mask::change(libc::SIG_UNBLOCK, captured | held | kick),
    };
    OURS.with(|ours| ours.set(false));
    ID.with(|id| id.set(0));
}
