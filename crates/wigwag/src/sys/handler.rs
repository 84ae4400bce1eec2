//! The one signal handler of the crate, and installing it.
//!
//! In signal context it uses atomics, getpid, gettid, clock_gettime, tgkill and sigaction, all of which signal-safety(7) allows or
//! are system calls without state; it allocates nothing, takes no lock, touches no thread-local variable but errno, which it puts
//! back, and cannot panic. Every signal is blocked while it runs.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering};

use super::action::Action;
use super::siginfo::{self, RawInfo};
use super::{check, send};
use crate::Errno;
use crate::receive::ring::{WORDS, Words};
use crate::receive::shared::{self, Recorded};

/// The value that asks a thread to open again what it holds back.
pub(crate) const OPEN_AGAIN: i32 = 0x7769_6777;

/// The bytes of a siginfo that mean something: its head, and the longest of the union's forms.
const MEANT: usize = 48;

const _: () = assert!(MEANT == (WORDS - 1) * 8);

/// What was installed before ours.
struct Before {
    handler: AtomicUsize,
    flags: AtomicI32,
    mask: AtomicU64,
}

static BEFORE: [Before; 65] = [const {
    Before {
        handler: AtomicUsize::new(libc::SIG_DFL),
        flags: AtomicI32::new(0),
        mask: AtomicU64::new(0),
    }
}; 65];

fn before(signo: i32) -> Option<&'static Before> {
    usize::try_from(signo).ok().and_then(|n| BEFORE.get(n))
}

fn remember(signo: i32, action: &Action) {
    if let Some(before) = before(signo) {
        before.mask.store(action.mask(), Ordering::Relaxed);
        before.flags.store(action.flags(), Ordering::Relaxed);
        before.handler.store(action.handler(), Ordering::Release);
    }
}

/// The flags that our handler always has.
const OURS: i32 = libc::SA_SIGINFO | libc::SA_ONSTACK;

/// Installs the handler, with these flags besides. What was there before is called after ours.
pub(crate) fn install(signo: i32, flags: i32) -> Result<(), Errno> {
    let current = super::action::get(signo)?;
    let action = Action::with_handler(address(), OURS | flags);
    if current.handler() != address() {
        // Before ours can run: it looks there.
        remember(signo, &current);
    }
    let replaced = super::action::set(signo, &action)?;
    if replaced.handler() != address() && replaced.handler() != current.handler() {
        remember(signo, &replaced);
    }
    Ok(())
}

/// Gives our handler other flags, where it is the one that is installed: what somebody has put over it may call it, and is left.
pub(crate) fn set_flags(signo: i32, flags: i32) -> Result<(), Errno> {
    let current = super::action::get(signo)?;
    if current.handler() != address() || current.flags() & CHANGED == flags {
        return Ok(());
    }
    let replaced = super::action::set(signo, &Action::with_handler(address(), OURS | flags))?;
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
    if let Some(before) = before(signo) {
        let action = Action::with_mask(
            before.handler.load(Ordering::Acquire),
            before.flags.load(Ordering::Relaxed),
            before.mask.load(Ordering::Relaxed),
        );
        super::action::set(signo, &action)?;
    }
    Ok(true)
}

/// Has children leave a status, where CHLD is ignored or `SA_NOCLDWAIT` says that they leave none. Whether that was so. Only for a
/// CHLD that is captured: it remembers what was in the place where [`install`] does, which takes the same effect.
pub(crate) fn have_children_stay() -> Result<bool, Errno> {
    let current = super::action::get(libc::SIGCHLD)?;
    let (ignored, flags) = (current.handler() == libc::SIG_IGN, current.flags());
    if !ignored && flags & libc::SA_NOCLDWAIT == 0 {
        return Ok(false);
    }
    remember(libc::SIGCHLD, &current);
    let action = match ignored {
        true => Action::plain(libc::SIG_DFL, 0),
        false => current.with_flags(flags & !libc::SA_NOCLDWAIT),
    };
    super::action::set(libc::SIGCHLD, &action)?;
    Ok(true)
}

/// Undoes [`have_children_stay`], unless something else has been set since.
pub(crate) fn no_more_have_children_stay() -> Result<(), Errno> {
    let Some(before) = before(libc::SIGCHLD) else {
        return Ok(());
    };
    let (handler, flags) = (
        before.handler.load(Ordering::Acquire),
        before.flags.load(Ordering::Relaxed),
    );
    let ours = match handler {
        libc::SIG_IGN => libc::SIG_DFL,
        other => other,
    };
    let current = super::action::get(libc::SIGCHLD)?;
    if current.handler() == ours && current.flags() & libc::SA_NOCLDWAIT == 0 {
        let mask = before.mask.load(Ordering::Relaxed);
        super::action::set(libc::SIGCHLD, &Action::with_mask(handler, flags, mask))?;
    }
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
    // The kernel's answer, not a remembered one: a child made by fork has this handler, too.
    if send::getpid() == shared::OWNER.load(Ordering::Relaxed) {
        if is_request(signo, info) {
            open_again(context);
        } else {
            take(signo, info, context);
            chain(signo, info, context);
        }
    } else {
        as_before(signo, info, context);
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
    if recorded == Recorded::Hold && shared::hold(send::gettid(), signo) {
        change_mask(context, shared::bit(signo), true);
    }
    // Last: who is woken sees what is held back.
    shared::tell(signo, recorded);
}

/// Whether it is the library's own request to open what is held back.
fn is_request(signo: i32, info: *const libc::siginfo_t) -> bool {
    // SAFETY: as in `take`; the fields are read as the code says.
    signo == shared::KICK
        && unsafe {
            (*info).si_code == libc::SI_QUEUE
                && (*info).si_pid() == send::getpid()
                && (*info).si_value().sival_ptr as usize as u32 == OPEN_AGAIN as u32
        }
}

fn open_again(context: *mut libc::c_void) {
    let bits = shared::release(send::gettid());
    change_mask(context, bits, false);
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
fn chain(signo: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let Some(before) = before(signo) else { return };
    let handler = before.handler.load(Ordering::Acquire);
    if handler == libc::SIG_DFL || handler == libc::SIG_IGN {
        return;
    }
    // SAFETY: the address and the flags were installed together as this signal's handler by code that vouched for them, and are
    // called as the kernel would have done.
    unsafe {
        if before.flags.load(Ordering::Relaxed) & libc::SA_SIGINFO != 0 {
            let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) =
                std::mem::transmute(handler);
            handler(signo, info, context);
        } else {
            let handler: extern "C" fn(i32) = std::mem::transmute(handler);
            handler(signo);
        }
    }
}

/// In a child that has our handler without being us: does what was done before ours, and writes nothing, since after vfork(2) the
/// memory is the parent's.
fn as_before(signo: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let Some(before) = before(signo) else { return };
    if before.handler.load(Ordering::Acquire) == libc::SIG_DFL {
        // The table of handlers is the child's own. It is delivered when this handler returns.
        let _ = super::action::set(signo, &Action::plain(libc::SIG_DFL, 0));
        let _ = send::tgkill(send::getpid(), send::gettid(), signo);
    } else {
        chain(signo, info, context);
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
