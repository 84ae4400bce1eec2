//! The receivers that are compared.

use wigwag::receive::{self, Signals};
use wigwag::{Signal, SignalSet};

use crate::{STORM, raw};

/// What the user's code does.
#[derive(Clone, Copy)]
pub enum User {
    /// Says when it was called.
    Latency,
    /// Says so when it has been called for the whole storm.
    Storm,
    /// Nothing is sent.
    Memory,
}

static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

impl User {
    pub fn ready(self) {
        match self {
            User::Memory => crate::inside::say_memory(),
            _ => raw::say(0),
        }
    }

    pub fn got(self, _value: Option<i32>) {
        match self {
            User::Latency => raw::say(raw::now()),
            User::Storm => {
                // One thread counts.
                let count = COUNT.load(std::sync::atomic::Ordering::Relaxed) + 1;
                COUNT.store(count, std::sync::atomic::Ordering::Relaxed);
                if count == STORM {
                    raw::say(count);
                }
            }
            User::Memory => {}
        }
    }
}

pub struct Receiver {
    pub name: &'static str,
    /// Whether it gives every one of queued signals.
    pub all: bool,
    pub serve: fn(Signal, User),
}

pub const RECEIVERS: &[Receiver] = &[
    Receiver {
        name: "raw sigwaitinfo",
        all: true,
        serve: raw::sigwaitinfo,
    },
    Receiver {
        name: "raw signalfd (128)",
        all: true,
        serve: raw::signalfd,
    },
    Receiver {
        name: "raw handler, ring, thread",
        all: true,
        serve: raw::handler,
    },
    Receiver {
        name: "Signals, captured",
        all: true,
        serve: |signal, user| {
            capture(signal);
            signals(signal, user)
        },
    },
    Receiver {
        name: "Signals, caught",
        all: true,
        serve: signals,
    },
    Receiver {
        name: "closure, captured",
        all: true,
        serve: |signal, user| {
            capture(signal);
            closure(signal, user)
        },
    },
    Receiver {
        name: "closure, caught",
        all: true,
        serve: closure,
    },
    Receiver {
        name: "stream, captured",
        all: true,
        serve: |signal, user| {
            capture(signal);
            stream(signal, user)
        },
    },
    Receiver {
        name: "stream, caught",
        all: true,
        serve: stream,
    },
    Receiver {
        name: "signal-hook",
        all: false,
        serve: signal_hook,
    },
    Receiver {
        name: "tokio::signal",
        all: false,
        serve: tokio_signal,
    },
];

/// A receiver's process.
pub fn serve(name: &str, what: &str) {
    let receiver = RECEIVERS
        .iter()
        .find(|receiver| receiver.name == name)
        .unwrap();
    match what {
        "latency" => {
            raw::pin(0);
            (receiver.serve)(Signal::USR1, User::Latency);
        }
        _ => {
            raw::pin(1);
            (receiver.serve)(Signal::rtmin(), User::Storm);
        }
    }
}

pub fn capture(signal: Signal) {
    receive::block_everywhere(signal).unwrap();
}

fn signals(signal: Signal, user: User) {
    let signals = Signals::new(signal).unwrap();
    user.ready();
    for received in &signals {
        user.got(received.value());
    }
}

fn closure(signal: Signal, user: User) {
    let _registration = receive::on(signal, move |received| user.got(received.value())).unwrap();
    user.ready();
    loop {
        std::thread::park();
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn stream(signal: Signal, user: User) {
    runtime().block_on(async {
        let mut signals = receive::stream(SignalSet::from(signal)).unwrap();
        user.ready();
        while let Some(received) = signals.recv().await {
            user.got(received.value());
        }
    });
}

fn signal_hook(signal: Signal, user: User) {
    use signal_hook::iterator::SignalsInfo;
    use signal_hook::iterator::exfiltrator::raw::WithRawSiginfo;
    let mut signals = SignalsInfo::<WithRawSiginfo>::new([signal.number()]).unwrap();
    user.ready();
    for info in &mut signals {
        user.got(Some(unsafe { info.si_value().sival_ptr } as i32));
    }
}

fn tokio_signal(signal: Signal, user: User) {
    runtime().block_on(async {
        let kind = tokio::signal::unix::SignalKind::from_raw(signal.number());
        let mut signals = tokio::signal::unix::signal(kind).unwrap();
        user.ready();
        while signals.recv().await.is_some() {
            user.got(None);
        }
    });
}
