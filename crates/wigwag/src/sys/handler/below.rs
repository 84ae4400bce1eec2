//! What our handler was installed over.
//!
//! Where somebody else's handler was put over ours, and ours is installed once more on top of that, there are several: his may call
//! ours, as a handler does with the one before it. So they are kept in order, the last on top.

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use crate::receive::shared;
use crate::sys::action::Action;

/// How many are kept; one more takes the place of the last. Few, since each may be a call on a small alternate stack.
const MOST: usize = 4;

struct Below {
    depth: AtomicUsize,
    before: [AtomicPtr<Before>; MOST],
}

static BELOW: [Below; 65] = [const {
    Below {
        depth: AtomicUsize::new(0),
        before: [const { AtomicPtr::new(ptr::null_mut()) }; MOST],
    }
}; 65];

/// What has been found, which never changes and is never freed: a handler that reads it sees an address with the flags that belong to
/// it, whatever is installed meanwhile. What is found once more is not kept twice.
struct Before {
    action: Action,
    next: *mut Before,
}

/// The last one that was found.
static FOUND: AtomicPtr<Before> = AtomicPtr::new(ptr::null_mut());

fn found(pointer: *mut Before) -> Option<&'static Before> {
    // SAFETY: null, or one that `keep` has leaked; nobody writes to it.
    unsafe { pointer.as_ref() }
}

/// One with this action.
fn keep(action: &Action) -> *mut Before {
    let mut head = FOUND.load(Ordering::Acquire);
    let mut at = head;
    while let Some(before) = found(at) {
        if before.action.is_same(action) {
            return at;
        }
        at = before.next;
    }
    let new = Box::into_raw(Box::new(Before {
        action: *action,
        next: head,
    }));
    // Two at once may keep the same one twice.
    while let Err(now) = FOUND.compare_exchange(head, new, Ordering::AcqRel, Ordering::Acquire) {
        head = now;
        // SAFETY: nobody else has it yet.
        unsafe { (*new).next = head };
    }
    new
}

/// The signals that ours has been installed for, at any time.
static ANY: AtomicU64 = AtomicU64::new(0);

/// What [`ANY`] says.
pub(super) fn any() -> u64 {
    ANY.load(Ordering::Relaxed)
}

/// Tells this copy of the crate from another.
pub(super) fn key() -> usize {
    (&raw const BELOW).addr()
}

fn of(signo: i32) -> Option<&'static Below> {
    usize::try_from(signo).ok().and_then(|n| BELOW.get(n))
}

/// The one that is called at this depth: `None` for the default.
pub(super) fn at(signo: i32, depth: usize) -> Option<&'static Action> {
    let before = of(signo)?.before.get(depth.checked_sub(1)?)?;
    Some(&found(before.load(Ordering::Acquire))?.action)
}

/// Ours is about to be installed over this.
pub(super) fn push(signo: i32, action: &Action) {
    let Some(below) = of(signo) else { return };
    ANY.fetch_or(shared::bit(signo), Ordering::Relaxed);
    // What is not a handler calls nobody, and what was below it has had its day.
    let plain = [libc::SIG_DFL, libc::SIG_IGN].contains(&action.handler());
    let depth = match below.depth.load(Ordering::Relaxed) {
        _ if plain => 0,
        // Put over ours once more, as two copies of the crate do that take turns: it is here already, and what is below it, too.
        depth if depth > 1 && handler(signo, depth) == action.handler() => depth - 1,
        depth => depth.min(MOST - 1),
    };
    below.before[depth].store(keep(action), Ordering::Release);
    below.depth.store(depth + 1, Ordering::Release);
}

/// What is on top has been put back.
pub(super) fn pop(signo: i32) {
    if let Some(below) = of(signo) {
        let depth = below.depth.load(Ordering::Relaxed);
        below
            .depth
            .store(depth.saturating_sub(1), Ordering::Release);
    }
}

/// What ours was installed over the last time.
pub(super) fn top(signo: i32) -> Option<Action> {
    at(signo, depth(signo)).copied()
}

/// The same, also where that has just been put back.
pub(super) fn last(signo: i32) -> Action {
    match at(signo, depth(signo).max(1)) {
        Some(before) => *before,
        None => Action::plain(libc::SIG_DFL, 0),
    }
}

/// How many there are.
pub(super) fn depth(signo: i32) -> usize {
    of(signo).map_or(0, |below| below.depth.load(Ordering::Acquire))
}

/// The handler at this depth.
pub(super) fn handler(signo: i32, depth: usize) -> usize {
    at(signo, depth).map_or(libc::SIG_DFL, Action::handler)
}
