//! Signals for loops that poll, and as streams.

use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use wigwag::receive::{self, Signals};
use wigwag::{Errno, Signal, WaitStatus, send};

use crate::Case;
use crate::tools::{collect, fork};

pub const CASES: &[Case] = &[
    ("streams::a_descriptor_tells_captured", || tells(true)),
    ("streams::a_descriptor_tells_caught", || tells(false)),
    ("streams::a_descriptor_follows_the_taker", follows),
    ("streams::a_forked_child_takes_nothing_away", || {
        a_child(false);
    }),
    (
        "streams::a_forked_child_takes_nothing_away_captured",
        || a_child(true),
    ),
    #[cfg(feature = "tokio")]
    ("streams::a_stream_needs_a_runtime", tokio::needs_a_runtime),
    #[cfg(feature = "tokio")]
    ("streams::a_stream_ends", tokio::ends),
    #[cfg(feature = "tokio")]
    ("streams::nothing_is_lost_to_select", tokio::select),
    #[cfg(feature = "tokio")]
    ("streams::a_stream_wakes_its_task_last_polled", tokio::moves),
    #[cfg(feature = "tokio")]
    ("storm_caught_streams_beside_others", tokio::beside_others),
    #[cfg(feature = "tokio")]
    ("storm_a_caught_stream_comes_and_goes", tokio::come_and_go),
    #[cfg(feature = "tokio")]
    ("storm_captured_stream", || tokio::storm(true, 1)),
    #[cfg(feature = "tokio")]
    ("storm_captured_streams", || tokio::storm(true, 3)),
    #[cfg(feature = "tokio")]
    ("storm_caught_stream", || tokio::storm(false, 1)),
];

const SOON: Duration = Duration::from_secs(10);

/// Whether it is readable within the time.
fn readable(fd: impl AsFd, time: Duration) -> bool {
    let time = Timespec::try_from(time).unwrap();
    loop {
        match poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&time)) {
            Err(rustix::io::Errno::INTR) => {}
            answer => return answer.unwrap() > 0,
        }
    }
}

fn tells(captured: bool) {
    let (one, two) = (Signal::USR1, Signal::rtmin());
    if captured {
        receive::block_everywhere([one, two]).unwrap();
    }
    let signals = Signals::new([one, two]).unwrap();
    send::send(send::process_id(), one).unwrap();
    // What came before it was made, it tells too.
    let fd = signals.descriptor().unwrap();
    assert!(readable(fd, SOON));
    assert_eq!(signals.try_next().unwrap().signal, one);
    assert!(!readable(fd, Duration::ZERO));
    for round in 0..100 {
        for value in 0..3 {
            send::queue(send::process_id(), two, value).unwrap();
        }
        for value in 0..3 {
            assert!(readable(fd, SOON), "{round}");
            assert_eq!(signals.next().unwrap().value(), Some(value));
        }
        assert!(!readable(fd, Duration::ZERO), "{round}");
        assert_eq!(signals.try_next(), None);
    }
    signals.close();
    assert!(readable(fd, SOON));
    assert_eq!(signals.try_next(), None);
    assert!(readable(fd, Duration::ZERO), "closed is something to take");
}

/// Whether the subscriber takes it from the kernel, or the library's thread does since there is another one.
fn follows() {
    receive::block_everywhere(Signal::rtmin()).unwrap();
    let signals = Signals::new(Signal::rtmin()).unwrap();
    let fd = signals.descriptor().unwrap();
    for value in 0..200 {
        let other = (value % 2 == 1).then(|| receive::on(Signal::rtmin(), |_| ()).unwrap());
        send::queue(send::process_id(), Signal::rtmin(), value).unwrap();
        if value % 4 == 3 {
            drop(other);
        }
        assert!(readable(fd, SOON), "{value}");
        assert_eq!(signals.try_next().unwrap().value(), Some(value));
    }
}

/// A child shares the descriptors with its parent, and whatever it does with what it has inherited is no concern of that.
fn a_child(captured: bool) {
    if captured {
        receive::block_everywhere(Signal::rtmin()).unwrap();
    }
    let signals = Signals::new(Signal::rtmin()).unwrap();
    let fd = signals.descriptor().unwrap();
    for value in 0..2 {
        send::queue(send::process_id(), Signal::rtmin(), value).unwrap();
    }
    assert_eq!(signals.next().unwrap().value(), Some(0));
    assert!(readable(fd, SOON), "one more lies there, or in the kernel");
    let child = fork(|| {
        assert_eq!(signals.try_next(), None);
        assert_eq!(signals.next_timeout(SOON), None);
        assert_eq!(signals.next(), None);
        assert_eq!(signals.descriptor().unwrap_err().errno(), Errno::INVAL);
        signals.close();
        0
    });
    assert_eq!(collect(child), WaitStatus::Exited(0));
    assert!(readable(fd, SOON));
    assert_eq!(signals.try_next().unwrap().value(), Some(1));
    assert!(!readable(fd, Duration::ZERO));
    assert_eq!(signals.try_next(), None);
}

#[cfg(feature = "tokio")]
mod tokio {
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake, Waker};
    use std::time::Duration;

    use ::tokio::runtime::{Builder, Runtime};
    use ::tokio::time::timeout;
    use wigwag::receive::{self, Options, SignalStream};
    use wigwag::{Errno, Signal, send};

    use super::SOON;
    use crate::storms::{Tally, count, start_sender};

    fn runtime() -> Runtime {
        Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
    }

    pub fn needs_a_runtime() {
        let error = receive::stream(Signal::USR1).unwrap_err();
        assert_eq!(error.errno(), Errno::new(libc::EOPNOTSUPP));
        assert!(error.to_string().contains("runtime"), "{error}");
    }

    pub fn ends() {
        runtime().block_on(async {
            let mut stream = SignalStream::with(Signal::USR1, &Options::new().once()).unwrap();
            send::raise(Signal::USR1).unwrap();
            let first = timeout(SOON, stream.recv()).await.unwrap();
            assert_eq!(first.unwrap().signal, Signal::USR1);
            assert!(timeout(SOON, stream.recv()).await.unwrap().is_none());
        });
    }

    /// A future that is dropped takes nothing with it.
    pub fn select() {
        receive::block_everywhere(Signal::rtmin()).unwrap();
        runtime().block_on(async {
            let mut stream = receive::stream(Signal::rtmin()).unwrap();
            let sender = ::tokio::spawn(async {
                for value in 0..2_000 {
                    while send::queue(send::process_id(), Signal::rtmin(), value).is_err() {
                        ::tokio::task::yield_now().await;
                    }
                    if value % 7 == 0 {
                        ::tokio::task::yield_now().await;
                    }
                }
            });
            let mut next = 0;
            while next < 2_000 {
                ::tokio::select! {
                    biased;
                    () = ::tokio::task::yield_now() => {}
                    received = stream.recv() => {
                        assert_eq!(received.unwrap().value(), Some(next));
                        next += 1;
                    }
                }
            }
            sender.await.unwrap();
        });
    }

    struct Told(std::sync::mpsc::Sender<u8>, u8);

    impl Wake for Told {
        fn wake(self: Arc<Self>) {
            let _ = self.0.send(self.1);
        }
    }

    pub fn moves() {
        receive::block_everywhere(Signal::HUP).unwrap();
        let runtime = runtime();
        let _inside = runtime.enter();
        let mut stream = receive::stream(Signal::HUP).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        for name in [1, 2] {
            let waker = Waker::from(Arc::new(Told(tell.clone(), name)));
            let polled = stream.poll_recv(&mut Context::from_waker(&waker));
            assert!(polled.is_pending());
        }
        send::send(send::process_id(), Signal::HUP).unwrap();
        assert_eq!(told.recv_timeout(SOON), Ok(2));
        let polled = stream.poll_recv(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(Some(_))));
    }

    pub fn storm(captured: bool, streams: usize) {
        if captured {
            receive::block_everywhere(Signal::rtmin()).unwrap();
        }
        let count = count();
        runtime().block_on(async {
            let tasks: Vec<_> = (0..streams)
                .map(|_| {
                    let mut stream = receive::stream(Signal::rtmin()).unwrap();
                    ::tokio::spawn(async move {
                        let mut tally = Tally::default();
                        let mut seen = vec![false; count as usize];
                        while tally.all < count {
                            let received = stream.recv().await.unwrap();
                            if captured {
                                tally.add(&received);
                                continue;
                            }
                            // Two threads of the runtime may catch at once: each value once, in any order.
                            let value = received.value().unwrap() as usize;
                            assert!(!std::mem::replace(&mut seen[value], true));
                            tally.all += 1;
                        }
                        let more = timeout(Duration::from_millis(1), stream.recv()).await;
                        assert!(more.is_err());
                    })
                })
                .collect();
            let mut sender = start_sender(Signal::rtmin(), count);
            for task in tasks {
                task.await.unwrap();
            }
            assert!(sender.wait().unwrap().success());
            if captured && streams == 1 {
                let threads = std::fs::read_dir("/proc/self/task").unwrap();
                let names =
                    threads.map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")));
                assert!(
                    names.flatten().all(|name| name.trim() != "wigwag"),
                    "no thread is made"
                );
            }
        });
    }

    /// Each caught by a handler that wakes the task alone, in one ring with signals for the library's thread.
    pub fn beside_others() {
        let count = count().min(20_000);
        let signals = [0, 1, 2].map(|n| format!("RTMIN+{n}").parse::<Signal>().unwrap());
        runtime().block_on(async {
            let (tell, told) = std::sync::mpsc::channel();
            let mut left = count;
            let _closure = receive::on(signals[2], move |_| {
                left -= 1;
                if left == 0 {
                    tell.send(()).unwrap();
                }
            })
            .unwrap();
            let tasks = [signals[0], signals[1]].map(|signal| {
                let mut stream = receive::stream(signal).unwrap();
                ::tokio::spawn(async move {
                    for _ in 0..count {
                        let received = timeout(SOON, stream.recv())
                            .await
                            .expect("no wake-up is lost");
                        assert_eq!(received.unwrap().signal, signal);
                    }
                })
            });
            let senders = signals.map(|signal| start_sender(signal, count));
            for task in tasks {
                task.await.unwrap();
            }
            told.recv_timeout(SOON).unwrap();
            for mut sender in senders {
                assert!(sender.wait().unwrap().success());
            }
        });
        assert_eq!(signals.map(receive::lost), [0; 3]);
    }

    /// While a storm goes on a stream gets a second subscriber, and loses it; streams are made and dropped. One subscription stays
    /// to the end, and sees every signal.
    pub fn come_and_go() {
        let count = count().min(50_000);
        let signal = Signal::rtmin();
        runtime().block_on(async {
            let mut stream = receive::stream(signal).unwrap();
            let mut sender = start_sender(signal, count);
            let mut seen = vec![false; count as usize];
            let mut other = None;
            for round in 0..count {
                let received = timeout(SOON, stream.recv())
                    .await
                    .expect("no wake-up is lost");
                let value = received.unwrap().value().unwrap() as usize;
                assert!(!std::mem::replace(&mut seen[value], true), "{value} twice");
                match round % 64 {
                    0 => drop(other.replace(receive::on(signal, |_| ()).unwrap())),
                    20 => drop(other.take()),
                    40 => drop(receive::stream(signal).unwrap()),
                    _ => {}
                }
            }
            assert!(sender.wait().unwrap().success());
        });
        assert_eq!(receive::lost(signal), 0);
    }
}
