//! What receiving costs, beside raw system calls and other libraries: `cargo bench -p wigwag --all-features --bench receive`.
//!
//! Every receiver is a process of its own, and all take their turn in each of the rounds (`-- 9` for nine; the usual is 5). Ratios are
//! medians of the rounds' ratios. `latency`: from kill(2) to the user's code, sender and receiver on one processor. `storm`: 200,000
//! real-time signals from another processor, until the last has reached the user's code. `closure`: what one more closure on
//! the same signal costs, of a thousand. `made`: made and dropped; `used`: one signal is received between.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::undocumented_unsafe_blocks,
    missing_docs,
    unsafe_code
)]

mod inside;
mod raw;
mod receivers;

use std::io::{BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use receivers::{RECEIVERS, Receiver};
use wigwag::{Errno, Signal, send};

/// Signals of a latency round.
const PINGS: usize = 4_000;
/// Signals of a storm.
pub const STORM: u64 = 200_000;

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    match words
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["--receive", name, what] => receivers::serve(name, what),
        ["--inside", what, name] => inside::run(what, name),
        ["--memory", name] => inside::memory(name),
        words => compare(words.first().and_then(|n| n.parse().ok()).unwrap_or(5)),
    }
}

fn compare(rounds: usize) {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    println!("kernel {}, {rounds} rounds", kernel.trim());
    let latency = each_round(rounds, |_| true, latency);
    table(
        "latency, one processor",
        "us",
        &latency,
        &[
            "raw sigwaitinfo",
            "raw handler, ring, thread",
            "tokio::signal",
        ],
    );
    let storm = each_round(rounds, |receiver| receiver.all, storm);
    table(
        "storm of 200,000, two processors",
        "ns a signal",
        &storm,
        &["raw signalfd (128)"],
    );
    let closure = rounds_of(rounds, &["closure, captured", "closure, caught"], |name| {
        inside("closure", name)
    });
    table("one more closure", "ns a signal", &closure, &[]);
    for (title, what) in [
        ("made and dropped", "made"),
        ("made, used once, dropped", "used"),
    ] {
        let names = ["Signals, captured", "Signals, caught", "signal-hook"];
        let made = rounds_of(rounds, &names, |name| inside(what, name));
        table(title, "ns", &made, &["signal-hook"]);
    }
    println!(
        "\n## threads and private memory\n\n| receiver | threads more | private KiB more |\n|---|---|---|"
    );
    for receiver in RECEIVERS {
        let (threads, memory) = memory(receiver.name);
        println!("| {} | {threads} | {memory} |", receiver.name);
    }
}

type Row = (&'static str, Vec<f64>);

/// One value of each receiver in each round, in an order that moves on.
fn each_round(
    rounds: usize,
    which: fn(&Receiver) -> bool,
    measure: impl Fn(&Receiver) -> f64,
) -> Vec<Row> {
    let names: Vec<&'static str> = RECEIVERS
        .iter()
        .filter(|r| which(r))
        .map(|r| r.name)
        .collect();
    rounds_of(rounds, &names, |name| {
        measure(
            RECEIVERS
                .iter()
                .find(|receiver| receiver.name == name)
                .unwrap(),
        )
    })
}

fn rounds_of(
    rounds: usize,
    names: &[&'static str],
    measure: impl Fn(&'static str) -> f64,
) -> Vec<Row> {
    let mut rows: Vec<Row> = names.iter().map(|name| (*name, Vec::new())).collect();
    for round in 0..rounds {
        for turn in 0..rows.len() {
            let index = (round + turn) % rows.len();
            let value = measure(rows[index].0);
            rows[index].1.push(value);
        }
    }
    rows
}

fn table(title: &str, unit: &str, rows: &[Row], beside: &[&str]) {
    println!("\n## {title}\n");
    let heads: String = beside.iter().map(|name| format!(" / {name} |")).collect();
    println!(
        "| receiver | {unit} |{heads}\n|---|---|{}",
        "---|".repeat(beside.len())
    );
    for (name, values) in rows {
        let ratios: String = beside
            .iter()
            .map(|other| {
                let base = &rows.iter().find(|(name, _)| name == other).unwrap().1;
                let ratios = values.iter().zip(base).map(|(a, b)| a / b).collect();
                format!(" {:.2} |", median(ratios))
            })
            .collect();
        println!("| {name} | {:.2} |{ratios}", median(values.clone()));
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A receiver that has said that it is ready.
struct Started {
    child: Child,
    out: BufReader<ChildStdout>,
}

fn start(words: &[&str]) -> Started {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    Started { child, out }
}

impl Started {
    fn number(&mut self) -> u64 {
        let mut eight = [0; 8];
        self.out.read_exact(&mut eight).unwrap();
        u64::from_ne_bytes(eight)
    }

    fn pid(&self) -> i32 {
        self.child.id() as i32
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The median of a round, in microseconds.
fn latency(receiver: &Receiver) -> f64 {
    raw::pin(0);
    let mut started = start(&["--receive", receiver.name, "latency"]);
    started.number();
    let mut values = Vec::with_capacity(PINGS);
    for _ in 0..PINGS {
        let sent = raw::now();
        send::send(started.pid(), Signal::USR1).unwrap();
        values.push((started.number() - sent) as f64 / 1e3);
    }
    median(values)
}

/// Nanoseconds a signal.
fn storm(receiver: &Receiver) -> f64 {
    raw::pin(0);
    let mut started = start(&["--receive", receiver.name, "storm"]);
    started.number();
    let begun = Instant::now();
    for value in 0..STORM {
        while let Err(error) = send::queue(started.pid(), Signal::rtmin(), value as i32) {
            assert_eq!(error.errno(), Errno::AGAIN);
            std::thread::yield_now();
        }
    }
    assert_eq!(started.number(), STORM, "{}", receiver.name);
    begun.elapsed().as_nanos() as f64 / STORM as f64
}

fn inside(what: &str, name: &str) -> f64 {
    raw::pin(1);
    f64::from_bits(start(&["--inside", what, name]).number())
}

fn memory(name: &str) -> (u64, u64) {
    let mut started = start(&["--memory", name]);
    (started.number(), started.number())
}
