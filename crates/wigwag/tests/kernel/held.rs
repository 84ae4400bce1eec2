//! Threads that hold signals back since there is no room.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::Instant;

use wigwag::receive::{self, Registration};
use wigwag::{Signal, mask, send};

use crate::Case;
use crate::coexisting::until;
use crate::tools::{self, handle};

pub const CASES: &[Case] = &[
    ("held::urg_is_never_held_back", urgent),
    ("held::one_that_does_not_answer_holds_up_no_other", silent),
];

/// A callback that waits until the first is dropped, and how many it has seen. It has one in hand.
fn gated(signal: Signal) -> (mpsc::Sender<()>, Arc<AtomicU64>, Registration) {
    let (go, stand) = mpsc::channel::<()>();
    let (stand, seen) = (Mutex::new(stand), Arc::new(AtomicU64::new(0)));
    let (count, busy) = (Arc::clone(&seen), Arc::new(AtomicBool::new(false)));
    let begun = Arc::clone(&busy);
    let registration = receive::on(signal, move |_| {
        begun.store(true, Ordering::SeqCst);
        let _ = stand.lock().unwrap().recv();
        count.fetch_add(1, Ordering::SeqCst);
    });
    send::raise(signal).unwrap();
    // From now on nothing leaves the ring.
    until("the first is in hand", || busy.load(Ordering::SeqCst));
    (go, seen, registration.unwrap())
}

/// Sends them to the calling thread until it holds them back: how many.
fn fill(signal: Signal) -> u64 {
    let mut sent = 0;
    while !mask::current().contains(signal) {
        send::raise(signal).unwrap();
        sent += 1;
    }
    sent
}

/// By it a thread is asked to open.
fn urgent() {
    let wind = Signal::rtmin();
    let urgent = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&urgent);
    let _urgent = receive::on(Signal::URG, move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let (go, seen, _registration) = gated(wind);
    let sent = 1 + fill(wind);
    for _ in 0..300 {
        send::raise(Signal::URG).unwrap();
    }
    assert!(!mask::current().contains(Signal::URG));
    assert_eq!((receive::lost(Signal::URG), receive::lost(wind)), (300, 0));
    drop(go);
    until("it is taken again", || !mask::current().contains(wind));
    receive::raise_signal(Signal::URG).unwrap();
    assert_eq!(urgent.load(Ordering::SeqCst), 1);
    until("all are seen", || seen.load(Ordering::SeqCst) == sent);
}

/// Another handler sees them, too, so that the library takes none of them from the kernel.
fn silent() {
    let wind = Signal::rtmin();
    handle(wind, 0);
    let (go, seen, registration) = gated(wind);
    let (filled, over) = (Barrier::new(2), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let sent = fill(wind);
            mask::block(Signal::URG).keep();
            filled.wait();
            until("the others are done", || over.load(Ordering::SeqCst));
            // Now it answers.
            mask::unblock(Signal::URG).keep();
            until("it is taken again", || !mask::current().contains(wind));
            sent
        });
        filled.wait();
        let mut sent = 1 + fill(wind);
        drop(go);
        let began = Instant::now();
        for _ in 0..25 {
            until("it is taken again", || !mask::current().contains(wind));
            sent += fill(wind);
        }
        let took = began.elapsed();
        over.store(true, Ordering::SeqCst);
        sent += other.join().unwrap();
        until("all are seen", || seen.load(Ordering::SeqCst) == sent);
        assert_eq!(tools::COUNT.load(Ordering::SeqCst) as u64, sent);
        assert!(took.as_secs() < 8, "{took:?}");
    });
    assert_eq!(receive::lost(wind), 0);
    drop(registration);
}
