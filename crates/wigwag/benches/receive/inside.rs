//! What is measured within one process.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use wigwag::receive::{self, Registration, Signals};
use wigwag::{Signal, send};

use crate::raw::say;
use crate::receivers::{RECEIVERS, User, capture};

/// Says a number of nanoseconds.
pub fn run(what: &str, name: &str) {
    if name.ends_with("captured") {
        capture(Signal::USR1);
    }
    let value = match what {
        "closure" => (closures(1000) - closures(1)) / 999.0,
        "used" => made(name, true),
        _ => made(name, false),
    };
    say(value.to_bits());
}

/// A signal to oneself until its callbacks have run.
fn closures(count: usize) -> f64 {
    static CALLED: AtomicU64 = AtomicU64::new(0);
    const TIMES: u32 = 20_000;
    let registrations: Vec<Registration> = (0..count)
        .map(|_| {
            receive::on(Signal::USR1, |_| {
                CALLED.fetch_add(1, Ordering::Relaxed);
            })
            .unwrap()
        })
        .collect();
    let before = CALLED.load(Ordering::Relaxed);
    let begun = Instant::now();
    for _ in 0..TIMES {
        receive::raise_signal(Signal::USR1).unwrap();
    }
    let took = begun.elapsed().as_nanos() as f64 / f64::from(TIMES);
    assert_eq!(
        CALLED.load(Ordering::Relaxed) - before,
        u64::from(TIMES) * count as u64
    );
    drop(registrations);
    took
}

/// Made and dropped; with `used`, one signal is received between.
fn made(name: &str, used: bool) -> f64 {
    const TIMES: u32 = 2_000;
    let begun = Instant::now();
    for _ in 0..TIMES {
        if name == "signal-hook" {
            let mut signals = signal_hook::iterator::Signals::new([libc::SIGUSR1]).unwrap();
            if used {
                send::raise(Signal::USR1).unwrap();
                assert_eq!(signals.wait().next(), Some(libc::SIGUSR1));
            }
        } else {
            let signals = Signals::new(Signal::USR1).unwrap();
            if used {
                send::send(send::process_id(), Signal::USR1).unwrap();
                assert_eq!(signals.next().unwrap().signal, Signal::USR1);
            }
        }
    }
    begun.elapsed().as_nanos() as f64 / f64::from(TIMES)
}

static BEFORE: AtomicU64 = AtomicU64::new(0);

/// How much more of each there is once the receiver is ready.
pub fn memory(name: &str) {
    let receiver = RECEIVERS
        .iter()
        .find(|receiver| receiver.name == name)
        .unwrap();
    private();
    BEFORE.store(private(), Ordering::Relaxed);
    (receiver.serve)(Signal::USR1, User::Memory);
}

pub fn say_memory() {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().count() as u64;
    say(threads - 1);
    say(private().saturating_sub(BEFORE.load(Ordering::Relaxed)));
}

/// Private memory in KiB.
fn private() -> u64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let of = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    of("Private_Clean:") + of("Private_Dirty:")
}
