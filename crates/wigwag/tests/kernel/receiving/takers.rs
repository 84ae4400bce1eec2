//! Captured signals, and who takes them.

use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use wigwag::receive::{self, Signals, Way};
use wigwag::{Errno, Signal, SignalSet, mask, send};

use super::{SOON, heard, me};

pub(super) fn capturing_needs_to_come_first() {
    let (go, wait_here) = mpsc::channel::<()>();
    let other = std::thread::spawn(move || wait_here.recv());
    let error = receive::block_everywhere(Signal::USR1).unwrap_err();
    assert_eq!(error.errno(), Errno::BUSY);
    assert!(!mask::current().contains(Signal::USR1));
    drop(go);
    let _ = other.join();
}

pub(super) fn capturing_leaves_out() {
    let captured = receive::block_everywhere(SignalSet::ALL).unwrap();
    for left_out in [
        Signal::KILL,
        Signal::STOP,
        Signal::SEGV,
        Signal::BUS,
        Signal::FPE,
        Signal::ILL,
        Signal::TRAP,
        Signal::SYS,
        Signal::ABRT,
        Signal::TSTP,
        Signal::TTIN,
        Signal::TTOU,
    ] {
        assert!(!captured.contains(left_out), "{left_out}");
        assert!(!mask::current().contains(left_out), "{left_out}");
        assert_eq!(receive::way(left_out), Way::Caught);
    }
    assert!(captured.contains(Signal::TERM) && captured.contains(Signal::rtmax()));
    let inherited = std::thread::spawn(mask::current).join().unwrap();
    assert!(inherited.is_superset(captured));
}

pub(super) fn signals_close_and_time_out() {
    receive::block_everywhere(Signal::USR1).unwrap();
    for signal in [Signal::USR1, Signal::USR2] {
        let signals = Arc::new(Signals::new(signal).unwrap());
        let begun = Instant::now();
        assert_eq!(signals.next_timeout(Duration::from_millis(30)), None);
        assert!(begun.elapsed() >= Duration::from_millis(30));
        let waiters: Vec<_> = (0..2)
            .map(|_| {
                let signals = Arc::clone(&signals);
                std::thread::spawn(move || signals.next())
            })
            .collect();
        send::send(me(), signal).unwrap();
        signals.close();
        let ended: Vec<_> = waiters.into_iter().map(|w| w.join().unwrap()).collect();
        let last = signals.next();
        let got = ended.iter().flatten().count() + usize::from(last.is_some());
        // Closing does not wait for what is on its way.
        assert!(got <= 1, "{ended:?} {last:?}");
        assert_eq!(signals.next(), None);
    }
}

pub(super) fn a_second_subscriber_takes_nothing_away() {
    receive::block_everywhere(Signal::rtmin()).unwrap();
    let signals = Arc::new(Signals::new(Signal::rtmin()).unwrap());
    let taker = Arc::clone(&signals);
    let taken = std::thread::spawn(move || {
        (0..3_000)
            .map(|_| taker.next().unwrap().value().unwrap())
            .collect::<Vec<_>>()
    });
    let mut heard_last = Vec::new();
    for value in 0..3_000 {
        if value % 100 == 50 {
            let (registration, hear) = heard(Signal::rtmin());
            send::queue(me(), Signal::rtmin(), value).unwrap();
            // Those that were sent before and lay in the kernel are seen, too, and in order.
            let first = hear.recv_timeout(SOON).unwrap().value().unwrap();
            for next in first + 1..=value {
                assert_eq!(hear.recv_timeout(SOON).unwrap().value(), Some(next));
            }
            drop(registration);
            heard_last.push(value);
        } else {
            send::queue(me(), Signal::rtmin(), value).unwrap();
        }
    }
    let taken = taken.join().unwrap();
    assert!(taken.iter().copied().eq(0..3_000), "in order, every one");
    assert_eq!(heard_last.len(), 30);
}

/// Subscribers of a captured signal come and go while it is sent: each is seen by one of them, or waits for the next.
pub(super) fn nothing_is_left_when_subscribers_change() {
    receive::block_everywhere(Signal::rtmin()).unwrap();
    let mut seen = Vec::new();
    let mut value = 0;
    for round in 0..200 {
        if round % 2 == 0 {
            let signals = Signals::new(Signal::rtmin()).unwrap();
            for _ in 0..5 {
                send::queue(me(), Signal::rtmin(), value).unwrap();
                value += 1;
            }
            while let Some(received) = signals.try_next() {
                seen.push(received.value().unwrap());
                if seen.len() % 7 == 0 {
                    break;
                }
            }
        } else {
            let all: Arc<Mutex<Vec<i32>>> = Arc::default();
            let into = Arc::clone(&all);
            let registration = receive::on(Signal::rtmin(), move |received| {
                into.lock().unwrap().push(received.value().unwrap());
            });
            for _ in 0..5 {
                send::queue(me(), Signal::rtmin(), value).unwrap();
                value += 1;
            }
            drop(registration);
            seen.append(&mut all.lock().unwrap());
        }
    }
    let signals = Signals::new(Signal::rtmin()).unwrap();
    while (seen.len() as i32) < value {
        seen.push(
            signals
                .next_timeout(SOON)
                .expect("all are somewhere")
                .value()
                .unwrap(),
        );
    }
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..value));
}
