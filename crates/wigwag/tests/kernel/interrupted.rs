//! What a handler must leave as it was: errno, in code that is interrupted by a storm.
#![allow(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use wigwag::{Signal, mask, receive};

use crate::Case;
use crate::storms::{count, ends, start_sender};

pub const CASES: &[Case] = &[
    ("interrupted::errno_is_as_it_was", || errno(false)),
    ("interrupted::errno_is_as_it_was_beside_others", || {
        errno(true)
    }),
    ("interrupted::the_check_of_errno_can_fail", can_fail),
];

/// How often errno is set and looked at, at least.
const CHECKS: u64 = 1_000_000;

fn location() -> *mut i32 {
    // SAFETY: takes nothing, and gives the calling thread's own.
    unsafe { libc::__errno_location() }
}

/// Sets errno and reads it a little later, again and again; how often it was another.
fn check(over: &AtomicBool) -> u64 {
    let (mut wrong, mut checks, mut value) = (0, 0, 1);
    while checks < CHECKS || !over.load(Ordering::Relaxed) {
        // SAFETY: the calling thread's errno.
        unsafe { location().write_volatile(value) };
        for _ in 0..20 {
            std::hint::spin_loop();
        }
        // SAFETY: as above.
        wrong += u64::from(unsafe { location().read_volatile() } != value);
        value = value % 4_000 + 1;
        checks += 1;
    }
    wrong
}

/// Only this thread takes them: what it is about to do is interrupted each time.
fn storm(signal: Signal) -> u64 {
    let over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&over);
    let waits = {
        let _blocked = mask::block(wigwag::SignalSet::ALL);
        std::thread::spawn(move || {
            ends(vec![
                start_sender(signal, count()),
                start_sender(signal, count()),
            ]);
            told.store(true, Ordering::Relaxed);
        })
    };
    let wrong = check(&over);
    waits.join().unwrap();
    wrong
}

/// The handler calls into the kernel, and some of the calls fail: at the tightest limit, with nobody asleep to be woken, and with
/// threads that hold signals back.
fn errno(others: bool) {
    let wind = Signal::rtmin();
    if others {
        crate::tools::handle(wind, 0);
    }
    let seen = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&seen);
    let registration = receive::on(wind, move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
    });
    let registration = registration.unwrap();
    assert_eq!(storm(wind), 0);
    crate::coexisting::until("all are seen", || {
        receive::drain(std::time::Duration::from_secs(5));
        seen.load(Ordering::SeqCst) == 2 * count()
    });
    assert_eq!((receive::lost(wind), receive::panics()), (0, 0));
    drop(registration);
}

extern "C" fn careless(_: i32) {
    // SAFETY: the calling thread's errno; what a handler does whose system call has failed.
    unsafe { location().write_volatile(libc::EBADMSG) };
}

fn can_fail() {
    let handler: extern "C" fn(i32) = careless;
    // SAFETY: zero is valid for every field; the handler writes a number.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        let wind = Signal::rtmin().number();
        assert_eq!(
            libc::sigaction(wind, &raw const action, std::ptr::null_mut()),
            0
        );
    }
    assert_ne!(storm(Signal::rtmin()), 0);
}
