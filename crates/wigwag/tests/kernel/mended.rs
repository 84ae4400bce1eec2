//! Defects that were found by reading, so that they do not come back.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use wigwag::disposition::{self, Flags, Handler};
use wigwag::receive::{self, Signals};
use wigwag::{Signal, SignalSet, WaitStatus, mask, send};

use crate::Case;
use crate::tools::{collect, fork};

pub const CASES: &[Case] = &[
    ("mended::closed_signals_let_the_others_go_on", closed),
    (
        "mended::a_full_one_that_is_closed_holds_nobody_up",
        closed_full,
    ),
    ("mended::callbacks_run_on_the_librarys_thread_only", orphans),
    (
        "mended::a_child_forked_from_a_callback_has_the_mask_from_before",
        forked,
    ),
    ("mended::a_handler_from_before_keeps_its_stack", stack),
    ("mended::a_callback_may_need_room", room),
    (
        "mended::urgent_ones_pass_through_the_wait_for_others",
        urgent,
    ),
    #[cfg(feature = "tokio")]
    (
        "mended::a_childs_drop_does_not_make_its_parent_deaf",
        asynchronous::deaf,
    ),
    #[cfg(feature = "tokio")]
    (
        "mended::a_flood_leaves_other_tasks_their_turn",
        asynchronous::flood,
    ),
];

const SOON: Duration = Duration::from_secs(10);

fn closed() {
    receive::block_everywhere([Signal::USR1, Signal::HUP]).unwrap();
    let two = [
        Signals::new(Signal::USR1).unwrap(),
        Signals::new(Signal::USR1).unwrap(),
    ];
    let (tell, told) = mpsc::channel();
    let _hup = receive::on(Signal::HUP, move |_| tell.send(()).unwrap()).unwrap();
    two.iter().for_each(Signals::close);
    send::send(send::process_id(), Signal::USR1).unwrap();
    send::send(send::process_id(), Signal::HUP).unwrap();
    told.recv_timeout(SOON).unwrap();
    assert!(receive::drain(SOON));
    assert!(two.iter().all(|signals| signals.next().is_none()));
}

fn closed_full() {
    receive::block_everywhere(Signal::rtmin()).unwrap();
    let full = Signals::new(Signal::rtmin()).unwrap();
    let (tell, told) = mpsc::channel();
    let _other = receive::on(Signal::rtmin(), move |received| {
        tell.send(received.value()).unwrap();
    })
    .unwrap();
    for value in 0..1_500 {
        send::queue(send::process_id(), Signal::rtmin(), value).unwrap();
    }
    // It is full when the other has got as many.
    for value in 0..1_024 {
        assert_eq!(told.recv_timeout(SOON), Ok(Some(value)));
    }
    full.close();
    for value in 1_024..1_500 {
        assert_eq!(told.recv_timeout(SOON), Ok(Some(value)));
    }
}

fn orphans() {
    receive::block_everywhere(Signal::USR1).unwrap();
    let signals = Signals::new(Signal::USR1).unwrap();
    let other = receive::on(Signal::USR1, |_| ()).unwrap();
    // It lies in the queue of the first, and nobody takes it there.
    receive::raise_signal(Signal::USR1).unwrap();
    drop(other);
    drop(signals);
    let (tell, told) = mpsc::channel();
    let _registration = receive::on(Signal::USR1, move |_| {
        tell.send(std::thread::current().id()).unwrap();
    })
    .unwrap();
    send::send(send::process_id(), Signal::USR1).unwrap();
    let by = told.recv_timeout(SOON).unwrap();
    assert_ne!(by, std::thread::current().id());
}

fn forked() {
    let (tell, told) = mpsc::channel();
    let _registration = receive::on(Signal::USR1, move |_| {
        let child = fork(|| {
            assert_eq!(mask::current(), SignalSet::EMPTY);
            let seen = Arc::new(AtomicU32::new(0));
            let count = Arc::clone(&seen);
            let own = receive::on(Signal::USR2, move |_| {
                count.fetch_add(1, Ordering::SeqCst);
            })
            .unwrap();
            receive::raise_signal(Signal::USR2).unwrap();
            drop(own);
            seen.load(Ordering::SeqCst) as i32
        });
        tell.send(child).unwrap();
    })
    .unwrap();
    receive::raise_signal(Signal::USR1).unwrap();
    assert_eq!(
        collect(told.recv_timeout(SOON).unwrap()),
        WaitStatus::Exited(1)
    );
}

fn urgent() {
    receive::block_everywhere(Signal::USR1).unwrap();
    let signals = Signals::new(Signal::USR1).unwrap();
    let (tell, told) = mpsc::channel();
    let _registration = receive::on(Signal::URG, move |received| {
        tell.send(received.pid()).unwrap();
    })
    .unwrap();
    let own = send::process_id();
    let sender = std::thread::spawn(move || {
        for _ in 0..200 {
            send::send(own, Signal::URG).unwrap();
            assert_eq!(told.recv_timeout(SOON).unwrap(), Some(own));
        }
        send::send(own, Signal::USR1).unwrap();
    });
    assert_eq!(signals.next().unwrap().signal, Signal::USR1);
    sender.join().unwrap();
}

static DEEP: AtomicBool = AtomicBool::new(false);

/// More than an alternate stack has.
extern "C" fn deep(_: i32) {
    let room = [1_u8; 64 << 10];
    DEEP.store(
        std::hint::black_box(&room).iter().all(|byte| *byte == 1),
        Ordering::SeqCst,
    );
}

fn stack() {
    // SAFETY: the handler only writes to its stack and to an atomic.
    let _before = unsafe {
        disposition::sigaction(
            Signal::USR1,
            Handler::Function(deep),
            SignalSet::EMPTY,
            Flags::empty(),
        )
    }
    .unwrap();
    let _registration = receive::on(Signal::USR1, |_| ()).unwrap();
    send::raise(Signal::USR1).unwrap();
    assert!(DEEP.load(Ordering::SeqCst));
}

fn room() {
    let (tell, told) = mpsc::channel();
    let _registration = receive::on(Signal::USR1, move |_| {
        let room = [1_u8; 1 << 20];
        tell.send(std::hint::black_box(&room)[7]).unwrap();
    })
    .unwrap();
    receive::raise_signal(Signal::USR1).unwrap();
    assert_eq!(told.recv_timeout(SOON), Ok(1));
}

#[cfg(feature = "tokio")]
mod asynchronous {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::{Duration, Instant};

    use tokio::runtime::Builder;
    use tokio::time::timeout;
    use wigwag::receive::{self, Shutdown, Told};
    use wigwag::{Signal, WaitStatus, send};

    use super::SOON;
    use crate::tools::{collect, fork};

    pub fn deaf() {
        receive::block_everywhere(Signal::USR1).unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut stream = receive::stream(Signal::USR1).unwrap();
            let inherited = std::ptr::from_mut(&mut stream);
            let child = fork(|| {
                // SAFETY: the child's copy, which is read once and not used again: the child ends without returning.
                drop(unsafe { inherited.read() });
                0
            });
            assert_eq!(collect(child), WaitStatus::Exited(0));
            let sender = std::thread::spawn(|| {
                std::thread::sleep(Duration::from_millis(50));
                send::send(send::process_id(), Signal::USR1).unwrap();
            });
            // Without a timer of the runtime's, which would have it look again.
            let begun = Instant::now();
            assert!(stream.recv().await.is_some());
            assert!(begun.elapsed() < SOON);
            sender.join().unwrap();
        });
    }

    /// As many signals as are taken: the others run all the same. And futures that are dropped leave nothing behind.
    pub fn flood() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut stream = receive::stream(Signal::rtmin()).unwrap();
            let turns = Arc::new(AtomicU32::new(0));
            let counted = Arc::clone(&turns);
            let other = tokio::spawn(async move {
                loop {
                    counted.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                }
            });
            for value in 0..2_000 {
                send::queue(send::process_id(), Signal::rtmin(), value).unwrap();
                assert_eq!(stream.recv().await.unwrap().value(), Some(value));
            }
            assert!(turns.load(Ordering::SeqCst) >= 10);
            other.abort();

            let shutdown = Shutdown::new().unwrap();
            for _ in 0..1_000 {
                let waited = timeout(Duration::ZERO, shutdown.told()).await;
                assert!(waited.is_err());
            }
            let asked = shutdown.clone();
            let server = tokio::spawn(async move { asked.asked().await.signal });
            tokio::task::yield_now().await;
            send::raise(Signal::HUP).unwrap();
            assert!(matches!(
                timeout(SOON, shutdown.told()).await,
                Ok(Told::Reload(_))
            ));
            send::raise(Signal::TERM).unwrap();
            assert_eq!(timeout(SOON, server).await.unwrap().unwrap(), Signal::TERM);
        });
    }
}
