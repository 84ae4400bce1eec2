//! The rules of receiving, one by one.

mod children;
mod takers;

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use wigwag::disposition::{self, Handling};
use wigwag::receive::{self, Options, Registration, Signals};
use wigwag::{Cause, Errno, Signal, SignalSet, mask, send};

use crate::Case;
use crate::tools::{COUNT, handle, handler_address};

pub const CASES: &[Case] = &[
    (
        "receiving::who_and_what_come_with_it",
        who_and_what_come_with_it,
    ),
    (
        "receiving::what_cannot_be_received_is_refused",
        what_cannot_be_received_is_refused,
    ),
    (
        "receiving::every_subscription_sees_every_signal",
        every_subscription_sees_every_signal,
    ),
    (
        "receiving::raise_signal_returns_when_callbacks_have_run",
        || raised(false),
    ),
    (
        "receiving::raise_signal_returns_when_callbacks_have_run_captured",
        || raised(true),
    ),
    (
        "receiving::a_callback_may_raise_register_and_drop",
        a_callback_may_raise_register_and_drop,
    ),
    (
        "receiving::dropping_waits_for_the_callback",
        dropping_waits_for_the_callback,
    ),
    ("receiving::once_is_once", once_is_once),
    (
        "receiving::a_panic_is_counted_and_no_end",
        a_panic_is_counted_and_no_end,
    ),
    ("receiving::ignored_stays_ignored", ignored_stays_ignored),
    (
        "receiving::the_handler_before_is_called_and_put_back",
        the_handler_before_is_called_and_put_back,
    ),
    (
        "receiving::another_handler_displaces_and_stays",
        another_handler_displaces_and_stays,
    ),
    (
        "receiving::a_forked_child_is_as_before",
        children::a_forked_child_is_as_before,
    ),
    (
        "receiving::a_forked_child_is_as_before_captured",
        children::a_forked_child_is_as_before_captured,
    ),
    (
        "receiving::a_forked_child_may_begin_anew",
        children::a_forked_child_may_begin_anew,
    ),
    (
        "receiving::a_program_is_started_as_the_library_says",
        children::a_program_is_started,
    ),
    (
        "receiving::capturing_needs_to_come_first",
        takers::capturing_needs_to_come_first,
    ),
    (
        "receiving::capturing_leaves_out_what_must_not_be_blocked",
        takers::capturing_leaves_out,
    ),
    (
        "receiving::signals_close_and_time_out",
        takers::signals_close_and_time_out,
    ),
    (
        "receiving::a_second_subscriber_takes_nothing_away",
        takers::a_second_subscriber_takes_nothing_away,
    ),
    (
        "receiving::nothing_is_left_when_subscribers_change",
        takers::nothing_is_left_when_subscribers_change,
    ),
    ("receiving::flags_and_descriptors", flags_and_descriptors),
    (
        "receiving::flags_are_those_of_all_who_receive",
        flags_are_those_of_all_who_receive,
    ),
    (
        "receiving::system_calls_are_restarted_or_not",
        system_calls_are_restarted_or_not,
    ),
    (
        "receiving::drain_waits_for_own_threads",
        drain_waits_for_own_threads,
    ),
    (
        "receiving::children_that_stop_are_told_or_not",
        children::children_that_stop_are_told_or_not,
    ),
];

const SOON: Duration = Duration::from_secs(10);

/// A subscription whose signals come out of a channel.
fn heard(signals: impl Into<SignalSet>) -> (Registration, mpsc::Receiver<receive::Received>) {
    let (tell, hear) = mpsc::channel();
    let registration = receive::on(signals, move |received| {
        let _ = tell.send(*received);
    });
    (registration.unwrap(), hear)
}

fn me() -> i32 {
    send::process_id()
}

fn who_and_what_come_with_it() {
    let begun = Instant::now();
    let (_registration, heard) = heard([Signal::USR1, Signal::rtmin()]);
    send::send(me(), Signal::USR1).unwrap();
    let received = heard.recv_timeout(SOON).unwrap();
    assert!(matches!(received.cause, Cause::User { pid, .. } if pid == me()));
    assert!(received.at >= begun && received.at <= Instant::now());
    send::queue(me(), Signal::rtmin(), -7).unwrap();
    let received = heard.recv_timeout(SOON).unwrap();
    assert_eq!(
        (received.signal, received.value()),
        (Signal::rtmin(), Some(-7))
    );
    let status = Command::new("sh")
        .args(["-c", &format!("kill -USR1 {}", me())])
        .status();
    assert!(status.unwrap().success());
    let received = heard.recv_timeout(SOON).unwrap();
    assert!(received.pid().unwrap() != me() && received.lost == 0);
}

fn what_cannot_be_received_is_refused() {
    for signal in [
        Signal::KILL,
        Signal::STOP,
        Signal::SEGV,
        Signal::BUS,
        Signal::FPE,
        Signal::ILL,
    ] {
        let error = receive::on(signal, |_| ()).unwrap_err();
        assert_eq!(error.errno(), Errno::INVAL, "{signal}");
        assert!(error.to_string().contains(&signal.to_string()), "{error}");
        // Nothing of a set with one such is received.
        let both = receive::on(SignalSet::from([signal, Signal::HUP]), |_| ());
        assert_eq!(both.unwrap_err().errno(), Errno::INVAL);
    }
    assert_eq!(
        receive::on(SignalSet::EMPTY, |_| ()).unwrap_err().errno(),
        Errno::INVAL
    );
    assert_eq!(
        disposition::get(Signal::HUP).unwrap().handling,
        Handling::Default
    );
}

fn every_subscription_sees_every_signal() {
    let all: Vec<_> = (0..4).map(|_| heard(Signal::rtmin())).collect();
    let signals = Signals::new(Signal::rtmin()).unwrap();
    for value in 0..500 {
        send::queue(me(), Signal::rtmin(), value).unwrap();
    }
    for value in 0..500 {
        for (_, heard) in &all {
            assert_eq!(heard.recv_timeout(SOON).unwrap().value(), Some(value));
        }
        assert_eq!(signals.next_timeout(SOON).unwrap().value(), Some(value));
    }
}

fn raised(captured: bool) {
    if captured {
        receive::block_everywhere([Signal::USR1, Signal::rtmin()]).unwrap();
    }
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    let _registration = receive::on([Signal::USR1, Signal::rtmin()], move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
    })
    .unwrap();
    for round in 0..2_000 {
        receive::raise_signal(Signal::USR1).unwrap();
        receive::raise_signal(Signal::rtmin()).unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 2 * round + 2);
    }
}

fn a_callback_may_raise_register_and_drop() {
    let inner: Arc<Mutex<Option<Registration>>> = Arc::default();
    let (tell, hear) = mpsc::channel();
    let slot = Arc::clone(&inner);
    let mut calls = 0;
    let registration = receive::on(Signal::USR1, move |_| {
        calls += 1;
        if calls == 1 {
            let tell = tell.clone();
            let made = receive::on(Signal::USR2, move |received| {
                tell.send(received.signal).unwrap();
                receive::raise_signal(Signal::USR1).unwrap();
            });
            *slot.lock().unwrap() = Some(made.unwrap());
            // Received after this callback.
            receive::raise_signal(Signal::USR2).unwrap();
        } else {
            drop(slot.lock().unwrap().take());
            tell.send(Signal::USR1).unwrap();
        }
    })
    .unwrap();
    receive::raise_signal(Signal::USR1).unwrap();
    let mut heard = [
        hear.recv_timeout(SOON).unwrap(),
        hear.recv_timeout(SOON).unwrap(),
    ];
    heard.sort_unstable();
    assert_eq!(heard, [Signal::USR1, Signal::USR2]);
    assert_eq!(
        disposition::get(Signal::USR2).unwrap().handling,
        Handling::Default
    );
    drop(registration);
    assert_eq!(
        disposition::get(Signal::USR1).unwrap().handling,
        Handling::Default
    );
    // One that drops itself.
    let itself: Arc<Mutex<Option<Registration>>> = Arc::default();
    let slot = Arc::clone(&itself);
    let once = receive::on(Signal::USR1, move |_| drop(slot.lock().unwrap().take())).unwrap();
    *itself.lock().unwrap() = Some(once);
    receive::raise_signal(Signal::USR1).unwrap();
    assert!(itself.lock().unwrap().is_none());
    assert_eq!(
        disposition::get(Signal::USR1).unwrap().handling,
        Handling::Default
    );
}

fn dropping_waits_for_the_callback() {
    for own_thread in [false, true] {
        let (tell, begun) = mpsc::channel();
        let done = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&done);
        let options = match own_thread {
            true => Options::new().own_thread(),
            false => Options::new(),
        };
        let registration = options
            .on(Signal::USR1, move |_| {
                tell.send(()).unwrap();
                let until = Instant::now() + Duration::from_millis(50);
                while Instant::now() < until {
                    std::thread::yield_now();
                }
                over.store(true, Ordering::SeqCst);
            })
            .unwrap();
        send::send(me(), Signal::USR1).unwrap();
        begun.recv_timeout(SOON).unwrap();
        drop(registration);
        assert!(done.load(Ordering::SeqCst), "own thread: {own_thread}");
        assert!(begun.recv().is_err(), "the closure is gone");
    }
}

fn once_is_once() {
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    let registration = Options::new()
        .once()
        .on(Signal::USR1, move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
        })
        .unwrap();
    assert!(!registration.is_over());
    receive::raise_signal(Signal::USR1).unwrap();
    assert!(registration.is_over());
    assert_eq!(
        disposition::get(Signal::USR1).unwrap().handling,
        Handling::Default
    );
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

fn a_panic_is_counted_and_no_end() {
    std::panic::set_hook(Box::new(|_| ()));
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    let _first = receive::on(Signal::USR1, |_| panic!("not the library's end")).unwrap();
    let _second = receive::on(Signal::USR1, move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
    })
    .unwrap();
    for round in 1..=3 {
        receive::raise_signal(Signal::USR1).unwrap();
        assert_eq!(
            (count.load(Ordering::SeqCst), receive::panics()),
            (round, u64::from(round))
        );
    }
}

fn ignored_stays_ignored() {
    disposition::ignore(Signal::HUP).unwrap();
    let (registration, hear) = heard([Signal::HUP, Signal::USR1]);
    assert_eq!(registration.signals(), SignalSet::from(Signal::USR1));
    send::raise(Signal::HUP).unwrap();
    receive::raise_signal(Signal::USR1).unwrap();
    assert_eq!(
        hear.try_iter().map(|r| r.signal).collect::<Vec<_>>(),
        [Signal::USR1]
    );
    let only = receive::on(Signal::HUP, |_| ()).unwrap();
    assert!(only.is_ignored());
    let (tell, hear) = mpsc::channel();
    let even = Options::new()
        .even_ignored()
        .on(Signal::HUP, move |_| tell.send(()).unwrap())
        .unwrap();
    send::raise(Signal::HUP).unwrap();
    hear.recv_timeout(SOON).unwrap();
    drop(even);
    assert_eq!(
        disposition::get(Signal::HUP).unwrap().handling,
        Handling::Ignore
    );
}

fn the_handler_before_is_called_and_put_back() {
    handle(Signal::USR1, libc::SA_RESTART);
    let (registration, hear) = heard(Signal::USR1);
    assert_ne!(
        disposition::get(Signal::USR1).unwrap().handling,
        Handling::Caught(handler_address())
    );
    for round in 1..=3 {
        send::raise(Signal::USR1).unwrap();
        assert_eq!(COUNT.load(Ordering::SeqCst), round);
        hear.recv_timeout(SOON).unwrap();
    }
    drop(registration);
    let back = disposition::get(Signal::USR1).unwrap();
    assert_eq!(back.handling, Handling::Caught(handler_address()));
    assert_eq!(back.flags, disposition::Flags::RESTART);
    send::raise(Signal::USR1).unwrap();
    assert_eq!(COUNT.load(Ordering::SeqCst), 4);
}

fn another_handler_displaces_and_stays() {
    let (registration, hear) = heard(Signal::USR1);
    assert!(!registration.is_displaced());
    handle(Signal::USR1, 0);
    assert!(registration.is_displaced());
    send::raise(Signal::USR1).unwrap();
    assert_eq!(COUNT.load(Ordering::SeqCst), 1);
    drop(registration);
    assert_eq!(
        disposition::get(Signal::USR1).unwrap().handling,
        Handling::Caught(handler_address())
    );
    assert!(hear.recv().is_err());
}

fn flags_and_descriptors() {
    let flag = Arc::new(AtomicBool::new(false));
    let _flag = receive::flag([Signal::USR1, Signal::USR2], Arc::clone(&flag)).unwrap();
    let (_counted, fd) = receive::eventfd(Signal::USR1).unwrap();
    receive::raise_signal(Signal::USR1).unwrap();
    assert!(flag.swap(false, Ordering::SeqCst));
    receive::raise_signal(Signal::USR1).unwrap();
    let mut count = [0; 8];
    assert_eq!(rustix::io::read(&fd, &mut count), Ok(8));
    assert_eq!(u64::from_ne_bytes(count), 2);
    assert_eq!(
        rustix::io::read(&fd, &mut count),
        Err(rustix::io::Errno::AGAIN)
    );
    receive::raise_signal(Signal::USR2).unwrap();
    assert!(flag.load(Ordering::SeqCst));
}

fn system_calls_are_restarted_or_not() {
    for restart in [true, false] {
        let options = match restart {
            true => Options::new(),
            false => Options::new().no_restart(),
        };
        let _registration = options.on(Signal::ALRM, |_| ()).unwrap();
        let (reader, writer) = std::io::pipe().unwrap();
        let timer = wigwag::timer::Timer::Real;
        timer.set(Duration::from_millis(20), None).unwrap();
        let helper = std::thread::spawn(move || {
            let _blocked = mask::block(SignalSet::ALL);
            while timer.get().unwrap().remaining.is_some() {
                std::thread::yield_now();
            }
            let until = Instant::now() + Duration::from_millis(100);
            while Instant::now() < until {
                std::thread::yield_now();
            }
            rustix::io::write(&writer, b"x").unwrap();
        });
        let read = rustix::io::read(&reader, &mut [0_u8; 1][..]);
        match restart {
            true => assert_eq!(read, Ok(1)),
            false => assert_eq!(read, Err(rustix::io::Errno::INTR)),
        }
        helper.join().unwrap();
    }
}

fn flags_are_those_of_all_who_receive() {
    use wigwag::disposition::Flags;
    let flags = |signal| disposition::get(signal).unwrap().flags;
    let one = receive::on(Signal::ALRM, |_| ()).unwrap();
    assert!(flags(Signal::ALRM).contains(Flags::RESTART));
    let two = Options::new()
        .no_restart()
        .on(Signal::ALRM, |_| ())
        .unwrap();
    assert!(!flags(Signal::ALRM).contains(Flags::RESTART));
    let three = receive::on(Signal::ALRM, |_| ()).unwrap();
    drop(one);
    assert!(!flags(Signal::ALRM).contains(Flags::RESTART));
    drop(two);
    assert!(flags(Signal::ALRM).contains(Flags::RESTART));
    drop(three);

    let stops = Options::new()
        .no_child_stop()
        .on(Signal::CHLD, |_| ())
        .unwrap();
    assert!(flags(Signal::CHLD).contains(Flags::NOCLDSTOP));
    let all = receive::on(Signal::CHLD, |_| ()).unwrap();
    assert!(!flags(Signal::CHLD).contains(Flags::NOCLDSTOP));
    drop(all);
    assert!(flags(Signal::CHLD).contains(Flags::NOCLDSTOP));
    // What somebody has installed over it stays.
    disposition::ignore(Signal::CHLD).unwrap();
    let later = Options::new()
        .even_ignored()
        .on(Signal::CHLD, |_| ())
        .unwrap();
    assert!(later.is_displaced() && stops.is_displaced());
}

fn drain_waits_for_own_threads() {
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    let _registration = Options::new()
        .own_thread()
        .on(Signal::rtmin(), move |_| {
            std::thread::yield_now();
            counted.fetch_add(1, Ordering::SeqCst);
        })
        .unwrap();
    for round in 1..=50 {
        for value in 0..20 {
            send::queue(me(), Signal::rtmin(), value).unwrap();
        }
        assert!(receive::drain(SOON));
        assert_eq!(count.load(Ordering::SeqCst), round * 20);
    }
    // A time that is too short is said to be.
    let (go, stand) = mpsc::channel::<()>();
    let _slow = receive::on(Signal::USR1, move |_| {
        let _ = stand.recv();
    })
    .unwrap();
    send::send(me(), Signal::USR1).unwrap();
    assert!(!receive::drain(Duration::from_millis(20)));
    drop(go);
    assert!(receive::drain(SOON));
}
