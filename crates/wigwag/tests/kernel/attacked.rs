//! Defects that were found by an attack, so that they do not come back.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use wigwag::disposition::{self, Handling};
use wigwag::receive::{self, ChildRegistration, Options, Registration, Signals};
use wigwag::{Errno, PidFd, Signal, SignalSet, WaitStatus, mask, send};

use crate::Case;
use crate::coexisting::until;
use crate::tools::{collect, fork};

pub const CASES: &[Case] = &[
    ("attacked::a_child_made_in_a_storm_receives", forks),
    ("attacked::a_callback_drops_one_that_owns_another", owns),
    ("attacked::what_is_dropped_panics", bomb),
    ("attacked::what_is_thrown_panics", thrown),
    (
        "attacked::a_callback_of_children_panics_as_it_is_dropped",
        child_bomb,
    ),
    ("attacked::one_captured_signal_alone", once),
    ("attacked::a_woken_waiter_takes_nothing_from_others", woken),
    ("attacked::a_taker_takes_over_in_order", hand_over),
    ("attacked::what_was_left_comes_first", left),
    ("attacked::one_that_is_closed_leaves_what_it_had", closed),
    (
        "attacked::a_child_of_one_that_waits_has_the_mask_from_before",
        waits,
    ),
    ("attacked::a_child_ignores_what_was_ignored_before", ignores),
    ("attacked::a_child_drops_what_it_has_inherited", inherits),
];

const SOON: Duration = Duration::from_secs(10);
/// How long a race is run.
const LONG: Duration = Duration::from_secs(3);

/// Queues one to this process, once there is room: other processes of the same user have their part of it.
fn queue(signal: Signal, value: i32) {
    while let Err(error) = send::queue(send::process_id(), signal, value) {
        assert_eq!(error.errno(), Errno::AGAIN, "{error}");
        std::thread::yield_now();
    }
}

/// Other threads are within the handler as the process forks.
fn forks() {
    let _registration = receive::on(Signal::USR1, |_| ()).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let threads = [(); 2].map(|()| {
        let over = Arc::clone(&over);
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                send::raise(Signal::USR1).unwrap();
            }
        })
    });
    for round in 0..400 {
        let child = fork(|| {
            let seen = Arc::new(AtomicBool::new(false));
            let _flag = receive::flag(Signal::USR2, Arc::clone(&seen)).unwrap();
            send::raise(Signal::USR2).unwrap();
            let until = Instant::now() + SOON;
            while !seen.load(Ordering::SeqCst) && Instant::now() < until {
                std::thread::yield_now();
            }
            i32::from(!seen.load(Ordering::SeqCst))
        });
        assert_eq!(collect(child), WaitStatus::Exited(0), "{round}");
    }
    over.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().unwrap();
    }
}

fn owns() {
    let third = receive::on(Signal::HUP, |_| ()).unwrap();
    let second = receive::on(Signal::USR2, move |_| {
        let _third = &third;
    });
    let second = Mutex::new(Some(second.unwrap()));
    let (tell, told) = mpsc::channel();
    let _first = receive::on(Signal::USR1, move |_| {
        drop(second.lock().unwrap().take());
        tell.send(()).unwrap();
    })
    .unwrap();
    for _ in 0..2 {
        send::raise(Signal::USR1).unwrap();
        told.recv_timeout(SOON).unwrap();
    }
    let now = disposition::get(Signal::HUP).unwrap().handling;
    assert_eq!(
        now,
        Handling::Default,
        "the third is dropped with the second"
    );
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "dropped");
    }
}

/// Whether HUP is still received, and how many panics there were.
fn goes_on() -> u64 {
    let (tell, told) = mpsc::channel();
    let _other = receive::on(Signal::HUP, move |_| tell.send(()).unwrap()).unwrap();
    send::raise(Signal::HUP).unwrap();
    told.recv_timeout(SOON).unwrap();
    receive::panics()
}

fn bomb() {
    let slot: Arc<Mutex<Option<Registration>>> = Arc::default();
    let (own, bomb) = (Arc::clone(&slot), Bomb);
    let registration = receive::on(Signal::USR1, move |_| {
        let _bomb = &bomb;
        drop(own.lock().unwrap().take());
    });
    *slot.lock().unwrap() = Some(registration.unwrap());
    send::raise(Signal::USR1).unwrap();
    assert_eq!(goes_on(), 1);
    let bomb = Bomb;
    let once = Options::new().once().on(Signal::USR1, move |_| {
        let _bomb = &bomb;
    });
    send::raise(Signal::USR1).unwrap();
    assert_eq!(goes_on(), 2);
    assert!(once.unwrap().is_over());
}

fn thrown() {
    let _registration = receive::on(Signal::USR1, |_| std::panic::panic_any(Bomb)).unwrap();
    send::raise(Signal::USR1).unwrap();
    assert_eq!(goes_on(), 1);
}

fn child_bomb() {
    let slot: Arc<Mutex<Option<ChildRegistration>>> = Arc::default();
    let (own, bomb) = (Arc::clone(&slot), Bomb);
    let (tell, told) = mpsc::channel();
    let registration = receive::on_any_child(move |_| {
        let _bomb = &bomb;
        tell.send(()).unwrap();
        drop(own.lock().unwrap().take());
    });
    *slot.lock().unwrap() = Some(registration.unwrap());
    let mut child = std::process::Command::new("true").spawn().unwrap();
    told.recv_timeout(SOON).unwrap();
    assert!(child.wait().is_err(), "it has been collected");
    assert_eq!(goes_on(), 1);
}

/// With nobody else, for whom the library would have made its thread.
fn once() {
    receive::block_everywhere(Signal::USR1).unwrap();
    let signals = Signals::with(Signal::USR1, &Options::new().once()).unwrap();
    for _ in 0..2 {
        send::send(send::process_id(), Signal::USR1).unwrap();
    }
    assert!(signals.next_timeout(SOON).is_some());
    assert_eq!(signals.next(), None);
}

/// A thread that has been woken for one signal is still in its wait for the other when that gets a second subscriber.
fn woken() {
    let (ours, both) = (Signal::USR1, Signal::rtmin());
    receive::block_everywhere([ours, both]).unwrap();
    let signals = Signals::new([ours, both]).unwrap();
    let _other = receive::on(both, |_| ()).unwrap();
    let taken = AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while let Some(received) = signals.next() {
                taken.fetch_add(u64::from(received.signal == ours), Ordering::SeqCst);
            }
        });
        let end = Instant::now() + LONG;
        for round in 1.. {
            if Instant::now() > end {
                break;
            }
            queue(both, 0);
            for _ in 0..round % 50 * 20 {
                std::hint::spin_loop();
            }
            let seen: Arc<AtomicU64> = Arc::default();
            let count = Arc::clone(&seen);
            let second = receive::on(ours, move |_| {
                count.fetch_add(1, Ordering::SeqCst);
            });
            send::send(send::process_id(), ours).unwrap();
            until("the first sees it", || {
                taken.load(Ordering::SeqCst) == round
            });
            receive::drain(SOON);
            assert_eq!(seen.load(Ordering::SeqCst), 1, "{round}");
            drop(second);
        }
        signals.close();
    });
}

/// Whether one subscription receives a signal alone, or two do, those of one sender come in order.
fn hand_over() {
    let wind = Signal::rtmin();
    receive::block_everywhere(wind).unwrap();
    let signals = Signals::new(wind).unwrap();
    let next = AtomicI32::new(0);
    let over = AtomicBool::new(false);
    let wrong = std::thread::scope(|scope| {
        let receiver = scope.spawn(|| {
            let mut wrong = 0;
            while let Some(received) = signals.next() {
                let value = received.value().unwrap();
                wrong += i32::from(value != next.swap(value + 1, Ordering::SeqCst));
            }
            wrong
        });
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                let second = receive::on(wind, |_| ()).unwrap();
                std::thread::yield_now();
                drop(second);
            }
        });
        let end = Instant::now() + LONG;
        let mut sent = 0;
        while Instant::now() < end {
            for _ in 0..64 {
                queue(wind, sent);
                sent += 1;
            }
            until("they are seen", || next.load(Ordering::SeqCst) > sent - 256);
        }
        over.store(true, Ordering::SeqCst);
        until("all are seen", || next.load(Ordering::SeqCst) >= sent);
        signals.close();
        receiver.join().unwrap()
    });
    assert_eq!(wrong, 0);
}

/// What a subscription leaves, among it what the library's thread has in hand, is given to the next one in order.
fn left() {
    let wind = Signal::rtmin();
    receive::block_everywhere(wind).unwrap();
    for round in 0..4_000 {
        let last = Arc::new(AtomicI32::new(-1));
        let seen = Arc::clone(&last);
        let first = receive::on(wind, move |received| {
            seen.store(received.value().unwrap(), Ordering::SeqCst);
        });
        for value in 0..40 {
            queue(wind, value);
        }
        until("some are seen", || last.load(Ordering::SeqCst) > round % 30);
        drop(first);
        let signals = Signals::new(wind).unwrap();
        let left = last.load(Ordering::SeqCst) + 1..40;
        let got = left.clone().map(|_| {
            let received = signals.next_timeout(SOON).unwrap();
            received.value().unwrap()
        });
        assert!(got.eq(left.clone()), "{round}: {left:?}");
    }
}

fn closed() {
    let wind = Signal::rtmin();
    receive::block_everywhere(wind).unwrap();
    for value in 0..5 {
        queue(wind, value);
    }
    let signals = Signals::new(wind).unwrap();
    assert_eq!(signals.try_next().unwrap().value(), Some(0));
    signals.close();
    assert_eq!(signals.next().unwrap().value(), Some(1));
    drop(signals);
    let signals = Signals::new(wind).unwrap();
    for value in 2..5 {
        let received = signals.next_timeout(SOON).unwrap();
        assert_eq!(received.value(), Some(value));
    }
}

fn waits() {
    receive::block_everywhere(Signal::USR1).unwrap();
    let signals = Signals::new(Signal::USR1).unwrap();
    assert_eq!(signals.next_timeout(Duration::ZERO), None);
    let child = fork(|| i32::from(mask::current() != SignalSet::EMPTY));
    assert_eq!(collect(child), WaitStatus::Exited(0));
    // One that it blocked before stays so.
    mask::block(Signal::URG).keep();
    std::thread::spawn(move || {
        assert_eq!(signals.next_timeout(Duration::ZERO), None);
        let child = fork(|| i32::from(mask::current() != Signal::URG.into()));
        assert_eq!(collect(child), WaitStatus::Exited(0));
    })
    .join()
    .unwrap();
}

/// Another thread has the disposition from before put back, and ours again, as the process forks.
fn ignores() {
    disposition::ignore(Signal::USR1).unwrap();
    let over = AtomicBool::new(false);
    let wrong: i32 = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let even_ignored = Options::new().even_ignored();
                drop(even_ignored.on(Signal::USR1, |_| ()).unwrap());
            }
        });
        let is_wrong = || {
            let now = disposition::get(Signal::USR1).unwrap().handling;
            i32::from(now != Handling::Ignore)
        };
        let wrong = (0..400).map(|_| i32::from(collect(fork(is_wrong)) != WaitStatus::Exited(0)));
        let wrong = wrong.sum();
        over.store(true, Ordering::Relaxed);
        wrong
    });
    assert_eq!(wrong, 0);
}

/// Others are at work on what it drops as the process forks.
fn inherits() {
    let wind = Signal::rtmin();
    let registration = Options::new().own_thread().on(wind, |_| ()).unwrap();
    let registration = RefCell::new(Some(registration));
    let over = Arc::new(AtomicBool::new(false));
    let storm = {
        let over = Arc::clone(&over);
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                // EAGAIN where as many are queued as may be.
                let _ = send::raise(wind);
            }
        })
    };
    for round in 0..400 {
        let child = fork(|| {
            drop(registration.borrow_mut().take());
            0
        });
        let pidfd = PidFd::open(child).unwrap();
        let ended = pidfd.wait(Some(SOON)).unwrap();
        if !ended {
            pidfd.send(Signal::KILL).unwrap();
        }
        assert_eq!(collect(child), WaitStatus::Exited(0), "{round}");
    }
    over.store(true, Ordering::Relaxed);
    storm.join().unwrap();
}
