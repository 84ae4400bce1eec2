//! The one signal handler of the crate, and installing it.
//!
//! In signal context it uses atomics, getpid, gettid, clock_gettime, tgkill and sigaction, all of which signal-safety(7) allows or
//! are system calls without state; it allocates nothing, takes no lock, touches no thread-local variable but errno, which it puts
//! back, and cannot panic. Every signal is blocked while it runs.
//!
//! It shares a signal with handlers that others install, in any order: it calls the one that it was installed over, and may be
//! called by one that was installed over it (`within`). Left in another's hands when nobody receives the signal any more, it does
//! what was done before it.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicI32, Ordering};

use super::action::Action;
use super::siginfo::{self, RawInfo};
use super::{check, send};
use crate::receive::ring::{WORDS, Words};
use crate::receive::shared::{self, Recorded};
use crate::{Errno, SignalSet};

mod below;
mod within;

/// The value that asks a thread to open again what it holds back for this copy of the crate.
pub(crate) fn open_again_value() -> i32 {
    0x7769_6777 ^ below::key() as i32
}

/// The bytes of a siginfo that mean something: its head, and the longest of the union's forms.
const MEANT: usize = 48;

const _: () = assert!(MEANT == (WORDS - 1) * 8);

/// The flag that our handler always has.
const OURS: i32 = libc::SA_SIGINFO;

/// Installs the handler, with these flags besides. What was there before is called after ours.
pub(crate) fn install(signo: i32, flags: i32) -> Result<(), Errno> {
    let current = super::action::get(signo)?;
    // A handler that ours is to call may need more room than an alternate stack has.
    let stack = match current.handler() {
        libc::SIG_DFL | libc::SIG_IGN => libc::SA_ONSTACK,
        _ => current.flags() & libc::SA_ONSTACK,
    };
    let action = Action::with_handler(address(), OURS | stack | flags);
    if current.handler() != address() {
        // Before ours can run: it looks there.
        below::push(signo, &current);
    }
    let replaced = super::action::set(signo, &action)?;
    if replaced.handler() != address() && replaced.handler() != current.handler() {
        below::push(signo, &replaced);
    }
    Ok(())
}

/// Gives our handler other flags, where it is the one that is installed: what somebody has put over it may call it, and is left.
pub(crate) fn set_flags(signo: i32, flags: i32) -> Result<(), Errno> {
    let current = super::action::get(signo)?;
    if current.handler() != address() || current.flags() & CHANGED == flags {
        return Ok(());
    }
    let stack = current.flags() & libc::SA_ONSTACK;
    let action = Action::with_handler(address(), OURS | stack | flags);
    let replaced = super::action::set(signo, &action)?;
    if replaced.handler() != address() {
        super::action::set(signo, &replaced)?;
    }
    Ok(())
}

/// The flags that [`set_flags`] sets.
const CHANGED: i32 = libc::SA_RESTART | libc::SA_NOCLDSTOP | libc::SA_NOCLDWAIT;

/// Puts back what was there before, if ours is still installed. Whether it was.
pub(crate) fn uninstall(signo: i32) -> Result<bool, Errno> {
    if !is_installed(signo)? {
        return Ok(false);
    }
    if let Some(action) = below::top(signo) {
        super::action::set(signo, &action)?;
        below::pop(signo);
    }
    Ok(true)
}

/// Puts back what was there before, in a child made by fork. Dispositions are copied before the memory: what this says of them may be
/// of a moment later, when another thread had put back there what the child has not.
pub(crate) fn uninstall_in_child() {
    for signo in SignalSet::from_bits(below::any())
        .iter()
        .map(|signal| signal.number())
    {
        if is_installed(signo).unwrap_or(false) {
            let _ = super::action::set(signo, &below::last(signo));
            below::pop(signo);
        }
    }
}

/// Has children leave a status, where CHLD is ignored or `SA_NOCLDWAIT` says that they leave none. Whether that was so. Only for a
/// CHLD that is captured: it remembers what was in the place where [`install`] does, which takes the same effect.
pub(crate) fn have_children_stay() -> Result<bool, Errno> {
    let current = super::action::get(libc::SIGCHLD)?;
    let (ignored, flags) = (current.handler() == libc::SIG_IGN, current.flags());
    if !ignored && flags & libc::SA_NOCLDWAIT == 0 {
        return Ok(false);
    }
    below::push(libc::SIGCHLD, &current);
    let action = match ignored {
        true => Action::plain(libc::SIG_DFL, 0),
        false => current.with_flags(flags & !libc::SA_NOCLDWAIT),
    };
    super::action::set(libc::SIGCHLD, &action)?;
    Ok(true)
}

/// Undoes [`have_children_stay`], unless something else has been set since.
pub(crate) fn no_more_have_children_stay() -> Result<(), Errno> {
    let Some(before) = below::top(libc::SIGCHLD) else {
        return Ok(());
    };
    let ours = match before.handler() {
        libc::SIG_IGN => libc::SIG_DFL,
        other => other,
    };
    let current = super::action::get(libc::SIGCHLD)?;
    if current.handler() == ours && current.flags() & libc::SA_NOCLDWAIT == 0 {
        super::action::set(libc::SIGCHLD, &before)?;
    }
    below::pop(libc::SIGCHLD);
    Ok(())
}

/// Whether the handler of this signal is ours.
pub(crate) fn is_installed(signo: i32) -> Result<bool, Errno> {
    Ok(super::action::get(signo)?.handler() == address())
}

fn address() -> usize {
    let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = caught;
    handler as usize
}

/// The handler.
extern "C" fn caught(signo: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the location of errno is valid in every thread.
    let errno = unsafe { *libc::__errno_location() };
    // The kernel's answer, not a remembered one: a child made by fork has this handler, too. There, and after vfork(2), where the
    // memory is the parent's, nothing of the library's is written.
    let ours = send::getpid() == shared::OWNER.load(Ordering::Relaxed);
    // Also by a kick that does not say what it is: where the kernel's queue is full it passes on the number alone.
    if ours && signo == shared::KICK && !context.is_null() {
        open_again(context);
    }
    if !(ours && is_request(signo, info)) {
        let within = within::depth(context);
        let received = ours && shared::is_caught(signo);
        if received && within.is_none() {
            take(signo, info, context);
        }
        let depth = within.unwrap_or_else(|| below::depth(signo));
        let action = below::at(signo, depth);
        let before = action.map_or(libc::SIG_DFL, Action::handler);
        if let Some(action) = action.filter(|_| ![libc::SIG_DFL, libc::SIG_IGN].contains(&before)) {
            let mut note = within::Note::new(depth.saturating_sub(1));
            // SAFETY: with SA_SIGINFO the third argument is a ucontext; null where somebody calls the handler by hand.
            unsafe { note.leave(context) };
            chain(signo, info, context, action);
            // SAFETY: as above.
            unsafe { note.take_back(context) };
        } else if before == libc::SIG_DFL && !received && within.is_none() {
            by_default(signo, ours);
        }
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

fn take(signo: i32, info: *const libc::siginfo_t, context: *mut libc::c_void) {
    let mut words: Words = [0; WORDS];
    // SAFETY: with SA_SIGINFO the kernel passes a siginfo of 128 bytes, which is initialised as far as the form of its code goes;
    // the kernel zeroes the rest.
    let bytes = unsafe { &*info.cast::<[u8; MEANT]>() };
    for (word, eight) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_ne_bytes(*eight);
    }
    words[WORDS - 1] = now();
    let recorded = shared::record(signo, &words);
    if recorded == Recorded::Hold {
        shared::share(signo, has_others(signo));
        if !context.is_null() && shared::hold(send::gettid(), signo) {
            change_mask(context, shared::bit(signo), true);
        }
    }
    // Last: who is woken sees what is held back.
    shared::tell(signo, recorded);
}

/// Whether another handler sees this signal, too: one that ours was installed over, or one over ours that has called it.
fn has_others(signo: i32) -> bool {
    let before = below::handler(signo, below::depth(signo));
    let alone = [libc::SIG_DFL, libc::SIG_IGN].contains(&before);
    !alone || !is_installed(signo).unwrap_or(false)
}

/// Whether it is the library's own request to open what is held back.
fn is_request(signo: i32, info: *const libc::siginfo_t) -> bool {
    // SAFETY: as in `take`; the fields are read as the code says.
    signo == shared::KICK
        && unsafe {
            (*info).si_code == libc::SI_QUEUE
                && (*info).si_pid() == send::getpid()
                && (*info).si_value().sival_ptr.addr() as i32 == open_again_value()
        }
}

/// Opens what the interrupted thread holds back, if it has been asked to.
fn open_again(context: *mut libc::c_void) {
    let bits = shared::release_if_asked(send::gettid());
    if bits != 0 {
        change_mask(context, bits, false);
        shared::wake();
    }
}

/// Whether a signal that was waited for is that request, which is done then, or perhaps one for another copy of the crate, whose
/// handler gets it: where a handler has been put for it, but nobody here has asked for the signal.
pub(crate) fn opened(raw: &RawInfo, asked_for: bool) -> bool {
    if raw.signo != shared::KICK {
        return false;
    }
    let (value, tid, kick) = (raw.value as i32, send::gettid(), shared::bit(shared::KICK));
    // As in the handler: no other signal of this thread's may hold more back meanwhile.
    if let Ok(before) = super::mask::change(libc::SIG_BLOCK, u64::MAX) {
        let bits = shared::release_if_asked(tid);
        let _ = super::mask::change(libc::SIG_SETMASK, before & !bits);
        if bits != 0 {
            shared::wake();
        }
    }
    if raw.code != libc::SI_QUEUE || raw.pid != send::getpid() {
        return false;
    }
    if value == open_again_value() {
        return true;
    }
    if asked_for {
        return false;
    }
    let _ = send::tgsigqueueinfo(raw.pid, tid, shared::KICK, value);
    let _ = super::mask::change(libc::SIG_UNBLOCK, kick);
    let _ = super::mask::change(libc::SIG_BLOCK, kick);
    true
}

/// Changes the mask that the interrupted thread goes on with.
fn change_mask(context: *mut libc::c_void, bits: u64, block: bool) {
    let context = context.cast::<libc::ucontext_t>();
    for number in (1..=64).filter(|number| bits & shared::bit(*number) != 0) {
        // SAFETY: with SA_SIGINFO the third argument is the interrupted thread's ucontext, whose mask the return from the handler
        // puts in force; nobody else uses it meanwhile.
        unsafe {
            let mask = &raw mut (*context).uc_sigmask;
            if block {
                libc::sigaddset(mask, number);
            } else {
                libc::sigdelset(mask, number);
            }
        }
    }
}

/// Calls the handler that was there before ours.
fn chain(signo: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void, action: &Action) {
    let handler = action.handler();
    // SAFETY: the address and the flags were installed together as this signal's handler by code that vouched for them, and are
    // called as the kernel would have done.
    unsafe {
        if action.flags() & libc::SA_SIGINFO != 0 {
            let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) =
                std::mem::transmute(handler);
            handler(signo, info, context);
        } else {
            let handler: extern "C" fn(i32) = std::mem::transmute(handler);
            handler(signo);
        }
    }
}

/// Does what is done by default, where nobody receives the signal and ours is its handler all the same: in a child that has it
/// without being us, and where another's handler lay over ours when the last subscription ended, and has put ours back.
fn by_default(signo: i32, ours: bool) {
    if [libc::SIGCHLD, libc::SIGURG, libc::SIGWINCH, libc::SIGCONT].contains(&signo) {
        return;
    }
    let Ok(current) = super::action::get(signo) else {
        return;
    };
    if current.handler() != address() {
        return;
    }
    // The table of handlers is a child's own, also after vfork.
    let _ = super::action::set(signo, &Action::plain(libc::SIG_DFL, 0));
    if ours && shared::is_caught(signo) {
        // Somebody receives it from now on, and may have installed ours before it was taken away here.
        let _ = super::action::set(signo, &current);
    } else {
        // It is delivered when this handler returns.
        let _ = send::tgkill(send::getpid(), send::gettid(), signo);
    }
}

/// Adds 1 to an eventfd: write(2), async-signal-safe. One that is at its limit is readable already.
pub(crate) fn ring(eventfd: i32) {
    let one = 1_u64.to_ne_bytes();
    // SAFETY: eight bytes are read from a live array. The descriptor is one that the library never closes.
    unsafe { libc::write(eventfd, one.as_ptr().cast(), one.len()) };
}

/// Wakes whoever sleeps on the word. Async-signal-safe.
pub(crate) fn futex_wake(word: &AtomicI32) {
    let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the kernel uses the address only to find sleepers.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, 1) };
}

/// Sleeps while the word has this value; may wake for no reason.
pub(crate) fn futex_wait(word: &AtomicI32, value: i32) {
    let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    let forever = std::ptr::null::<libc::timespec>();
    // SAFETY: the kernel reads the word, which lives as long as the program, atomically.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, value, forever) };
}

/// CLOCK_MONOTONIC in nanoseconds.
pub(crate) fn now() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: writes one timespec; CLOCK_MONOTONIC is always there. Async-signal-safe.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    (time.tv_sec as u64)
        .wrapping_mul(1_000_000_000)
        .wrapping_add(time.tv_nsec as u64)
}

/// What a record of the ring says, and when it was caught.
pub(crate) fn decode(words: &Words) -> (RawInfo, u64) {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let bytes = info.as_mut_ptr().cast::<u8>();
    for (n, word) in words[..WORDS - 1].iter().enumerate() {
        let eight = word.to_ne_bytes();
        // SAFETY: MEANT bytes are written, of the 128 that a siginfo has.
        unsafe { std::ptr::copy_nonoverlapping(eight.as_ptr(), bytes.add(n * 8), 8) };
    }
    // SAFETY: zeroed, then written with numbers: every byte is initialised, and all values are valid.
    (
        siginfo::of_siginfo(unsafe { info.assume_init_ref() }),
        words[WORDS - 1],
    )
}

/// Calls `before` at every fork(3) in the thread that forks, and `child` in the child, before fork returns there.
pub(crate) fn around_fork(before: extern "C" fn(), child: extern "C" fn()) -> Result<(), Errno> {
    let (before, child): (unsafe extern "C" fn(), unsafe extern "C" fn()) = (before, child);
    // SAFETY: registers functions that live as long as the program and take nothing.
    match unsafe { libc::pthread_atfork(Some(before), None, Some(child)) } {
        0 => Ok(()),
        errno => Err(Errno::new(errno)),
    }
}

/// Whether this thread is the only one, as far as the kernel tells: unshare(2) of threads is allowed to one alone, and changes
/// nothing. `None` where a filter refuses the question.
pub(crate) fn is_single_threaded() -> Option<bool> {
    // SAFETY: takes a number; CLONE_THREAD only checks.
    match check(unsafe { libc::unshare(libc::CLONE_THREAD) }.into()) {
        Ok(_) => Some(true),
        Err(Errno::INVAL) => Some(false),
        Err(_) => None,
    }
}
