//! The pattern of every program: asked once, forced the second time, reloaded by HUP.

use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use wigwag::receive::{self, Shutdown, ShutdownOptions, Told};
use wigwag::{Errno, Signal, SignalSet, WaitStatus, disposition, send};

use crate::Case;
use crate::tools::{collect, fork};

pub const CASES: &[Case] = &[
    ("shutdown::is_told_captured", || is_told(true)),
    ("shutdown::is_told_caught", || is_told(false)),
    ("shutdown::the_second_forces_captured", || forces(true)),
    ("shutdown::the_second_forces_caught", || forces(false)),
    ("shutdown::force_may_be_something_else", other_force),
    ("shutdown::a_descriptor_tells", descriptor),
    ("shutdown::nohup_stays", nohup),
    ("shutdown::the_last_clone_gives_the_signals_back", clones),
    ("shutdown::a_forked_child_is_told_nothing", child),
    ("shutdown::one_signal_cannot_ask_and_reload", both),
    ("shutdown::a_process_ends_by_a_signal", ends_by),
    ("shutdown::async_code_of_any_runtime_waits", by_hand),
];

const SOON: Duration = Duration::from_secs(10);

fn signal_of(told: Option<Told>) -> (char, Signal) {
    match told.expect("told something in time") {
        Told::Reload(received) => ('r', received.signal),
        Told::End(received) => ('e', received.signal),
    }
}

fn is_told(captured: bool) {
    if captured {
        receive::block_everywhere([Signal::INT, Signal::TERM, Signal::HUP]).unwrap();
    }
    let shutdown = Shutdown::new().unwrap();
    assert_eq!(shutdown.try_next(), None);
    assert_eq!(shutdown.next_timeout(Duration::from_millis(5)), None);
    for _ in 0..100 {
        send::send(send::process_id(), Signal::HUP).unwrap();
        assert_eq!(signal_of(shutdown.next_timeout(SOON)), ('r', Signal::HUP));
    }
    // Several reloads that nobody has looked at are one.
    receive::raise_signal(Signal::HUP).unwrap();
    receive::raise_signal(Signal::HUP).unwrap();
    assert_eq!(signal_of(shutdown.try_next()), ('r', Signal::HUP));
    assert_eq!(shutdown.try_next(), None);
    assert!(!shutdown.is_asked());
    // Who is to end has no use for a configuration.
    receive::raise_signal(Signal::HUP).unwrap();
    receive::raise_signal(Signal::TERM).unwrap();
    assert!(shutdown.is_asked());
    for _ in 0..3 {
        assert_eq!(signal_of(Some(shutdown.next())), ('e', Signal::TERM));
    }
    let received = shutdown.asked_by().unwrap();
    assert_eq!(received.pid(), Some(send::process_id()));
}

fn forces(captured: bool) {
    let child = fork(|| {
        if captured {
            receive::block_everywhere([Signal::INT, Signal::TERM]).unwrap();
        }
        let shutdown = Shutdown::new().unwrap();
        send::send(send::process_id(), Signal::TERM).unwrap();
        assert_eq!(signal_of(shutdown.next_timeout(SOON)), ('e', Signal::TERM));
        send::send(send::process_id(), Signal::INT).unwrap();
        // It hangs in its clean-up.
        loop {
            std::thread::park();
        }
    });
    let by_int = WaitStatus::Killed {
        signal: Signal::INT,
        core_dumped: false,
    };
    assert_eq!(collect(child), by_int);
}

fn other_force() {
    let (sender, forced) = std::sync::mpsc::channel();
    let shutdown = ShutdownOptions::new()
        .ask(Signal::USR1)
        .reload(SignalSet::EMPTY)
        .force(move |received| sender.send(received.signal).unwrap())
        .install()
        .unwrap();
    for _ in 0..3 {
        receive::raise_signal(Signal::USR1).unwrap();
    }
    assert!(shutdown.is_asked());
    for _ in 0..2 {
        assert_eq!(forced.recv_timeout(SOON), Ok(Signal::USR1));
    }
    assert!(forced.try_recv().is_err());
    assert_eq!(
        disposition::get(Signal::HUP).unwrap().handling,
        disposition::Handling::Default
    );
}

fn descriptor() {
    let shutdown = Shutdown::new().unwrap();
    let readable = |time: Duration| {
        let (fd, time) = (
            shutdown.descriptor().unwrap(),
            Timespec::try_from(time).unwrap(),
        );
        loop {
            match poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&time)) {
                Err(rustix::io::Errno::INTR) => {}
                answer => return answer.unwrap() > 0,
            }
        }
    };
    receive::raise_signal(Signal::HUP).unwrap();
    // Also what came before it was made.
    assert!(readable(SOON));
    assert_eq!(signal_of(shutdown.try_next()), ('r', Signal::HUP));
    assert!(!readable(Duration::ZERO));
    for _ in 0..100 {
        send::send(send::process_id(), Signal::HUP).unwrap();
        assert!(readable(SOON));
        assert_eq!(signal_of(shutdown.try_next()), ('r', Signal::HUP));
        assert!(!readable(Duration::ZERO));
    }
    send::send(send::process_id(), Signal::INT).unwrap();
    assert!(readable(SOON));
    assert_eq!(signal_of(shutdown.try_next()), ('e', Signal::INT));
    assert!(readable(Duration::ZERO), "asked once, it is asked for ever");
}

fn nohup() {
    disposition::ignore(Signal::HUP).unwrap();
    let shutdown = Shutdown::new().unwrap();
    send::raise(Signal::HUP).unwrap();
    receive::raise_signal(Signal::TERM).unwrap();
    assert_eq!(signal_of(shutdown.try_next()), ('e', Signal::TERM));
    assert_eq!(
        disposition::get(Signal::HUP).unwrap().handling,
        disposition::Handling::Ignore
    );
}

fn clones() {
    let one = Shutdown::new().unwrap();
    let two = one.clone();
    drop(one);
    receive::raise_signal(Signal::TERM).unwrap();
    assert!(two.is_asked());
    drop(two);
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        assert_eq!(
            disposition::get(signal).unwrap().handling,
            disposition::Handling::Default
        );
    }
}

fn child() {
    let shutdown = Shutdown::new().unwrap();
    receive::raise_signal(Signal::TERM).unwrap();
    let inherited = shutdown.clone();
    let child = fork(move || {
        assert!(!inherited.is_asked());
        assert_eq!(inherited.next_timeout(Duration::from_millis(5)), None);
        assert_eq!(inherited.descriptor().unwrap_err().errno(), Errno::INVAL);
        let own = Shutdown::new().unwrap();
        receive::raise_signal(Signal::INT).unwrap();
        assert_eq!(signal_of(own.try_next()), ('e', Signal::INT));
        drop(inherited);
        std::process::exit(7);
    });
    assert_eq!(collect(child), WaitStatus::Exited(7));
    assert!(shutdown.is_asked());
}

fn both() {
    let error = ShutdownOptions::new()
        .reload([Signal::HUP, Signal::TERM])
        .install()
        .unwrap_err();
    assert_eq!(error.errno(), Errno::INVAL);
    assert!(
        error.to_string().contains("TERM is to reload, too"),
        "{error}"
    );
    // Nothing is left behind.
    assert_eq!(
        disposition::get(Signal::INT).unwrap().handling,
        disposition::Handling::Default
    );
}

fn ends_by() {
    for signal in [Signal::TERM, Signal::KILL, Signal::HUP, Signal::rtmin()] {
        for captured in [false, true] {
            let child = fork(move || {
                if captured {
                    receive::block_everywhere(signal).unwrap();
                }
                disposition::ignore(signal).ok();
                send::end_by(signal);
            });
            assert_eq!(
                collect(child),
                WaitStatus::Killed {
                    signal,
                    core_dumped: false
                }
            );
        }
    }
    // Its default action is to do nothing.
    let child = fork(|| send::end_by(Signal::URG));
    assert_eq!(
        collect(child),
        WaitStatus::Exited(128 + Signal::URG.number())
    );
}

/// A future without a runtime: a waker that unparks.
fn by_hand() {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake, Waker};

    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let shutdown = Shutdown::new().unwrap();
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    for signal in [Signal::HUP, Signal::HUP, Signal::INT] {
        let mut told = pin!(shutdown.told());
        let mut context = Context::from_waker(&waker);
        assert!(told.as_mut().poll(&mut context).is_pending());
        send::send(send::process_id(), signal).unwrap();
        let told = loop {
            match told.as_mut().poll(&mut context) {
                Poll::Ready(told) => break told,
                Poll::Pending => std::thread::park(),
            }
        };
        assert_eq!(signal_of(Some(told)).1, signal);
    }
}
