//! Storms while all else changes: fork, vfork and exec, threads that start and end, registrations that come and go. Nothing hangs,
//! nothing is lost.

use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wigwag::disposition::{self, Handling};
use wigwag::receive::{self, Options, Signals};
use wigwag::{Errno, Signal, SignalSet, WaitStatus, mask, send};

use crate::Case;
use crate::coexisting::until;
use crate::storms::Tally;
use crate::tools::{collect, fork, touch_pre_exec};

pub const CASES: &[Case] = &[
    ("churn::storm_caught", || churn(false)),
    ("churn::storm_captured", || churn(true)),
    ("churn_sender", sender),
];

/// How long each storm is.
pub fn time() -> Duration {
    let asked = std::env::var("WIGWAG_STORM_SECONDS").ok();
    Duration::from_secs(asked.and_then(|n| n.parse().ok()).unwrap_or(3))
}

/// One whose receiver stays, and one that has others besides, which come and go.
fn winds() -> [Signal; 2] {
    [0, 1].map(|n| Signal::new(Signal::rtmin().number() + n).unwrap())
}

/// A sender waits once for so many. The kernel finds a signal in a long queue slowly.
const PACE: u64 = 128;
/// How many of them it may be ahead.
const AHEAD: usize = 4;

/// Queues both until the time is over, and WINCH, which does nothing where nobody receives it; says how many there were.
fn sender() {
    let Some(pid) = std::env::var("SEND_TO").ok() else {
        return;
    };
    let pid = pid.parse().unwrap();
    // Without a buffer, which would take what is for the other one.
    let mut pace = File::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    let end = Instant::now() + time();
    let mut sent = 0;
    while Instant::now() < end {
        for wind in winds() {
            while let Err(error) = send::queue(pid, wind, sent) {
                assert_eq!(error.errno(), Errno::AGAIN, "{error}");
                std::thread::yield_now();
            }
        }
        send::send(pid, Signal::WINCH).unwrap();
        sent += 1;
        if (sent as u64).is_multiple_of(PACE) {
            pace.read_exact(&mut [0]).unwrap();
        }
    }
    print!("{sent}");
}

fn start_sender(pace: &PipeReader) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--case", "churn_sender"])
        .env("SEND_TO", std::process::id().to_string())
        .stdin(pace.try_clone().unwrap())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn sent_by(mut sender: Child) -> u64 {
    let mut said = String::new();
    sender
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert!(sender.wait().unwrap().success());
    said.parse().unwrap()
}

/// What a child has made by fork: everything as before the library.
fn forks(captured: bool) -> u64 {
    let child = fork(|| {
        let default = |signal| disposition::get(signal).unwrap().handling == Handling::Default;
        let winds = winds();
        let blocked = mask::current() & (SignalSet::from(winds[0]) | winds[1].into());
        i32::from(!winds.into_iter().all(default)) + 2 * i32::from(!blocked.is_empty())
    });
    assert_eq!(
        collect(child),
        WaitStatus::Exited(0),
        "captured: {captured}"
    );
    1
}

fn executes(by_fork: bool) -> u64 {
    let mut command = Command::new("true");
    if by_fork {
        touch_pre_exec(&mut command);
    }
    assert!(command.status().unwrap().success());
    1
}

fn starts_threads() -> u64 {
    let start = || {
        std::thread::spawn(|| {
            for _ in 0..1_000 {
                std::hint::spin_loop();
            }
        })
    };
    let threads: Vec<_> = (0..4).map(|_| start()).collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    4
}

fn registers() -> u64 {
    let both = SignalSet::from(winds()[1]) | Signal::WINCH.into();
    let first = receive::on(both, |_| ()).unwrap();
    let second = Options::new().own_thread().on(both, |_| ()).unwrap();
    let third = Options::new().once().on(winds()[1], |_| ()).unwrap();
    let signals = Signals::new(both).unwrap();
    let _ = signals.next_timeout(Duration::from_millis(1));
    let flag = receive::flag(Signal::WINCH, Arc::default()).unwrap();
    drop((first, signals, third));
    let eventfd = receive::eventfd(both).unwrap();
    drop((second, flag, eventfd));
    7
}

/// Does it over and over until told to end.
fn over_and_over(
    name: &str,
    over: &Arc<AtomicBool>,
    mut work: impl FnMut() -> u64 + Send + 'static,
) -> std::thread::JoinHandle<u64> {
    let over = Arc::clone(over);
    let thread = std::thread::Builder::new().name(name.into());
    let run = move || {
        let mut done = 0;
        while !over.load(Ordering::Relaxed) {
            done += work();
        }
        done
    };
    thread.spawn(run).unwrap()
}

fn churn(captured: bool) {
    crate::tools::no_core();
    if captured {
        receive::block_everywhere(
            winds()
                .into_iter()
                .chain([Signal::WINCH])
                .collect::<SignalSet>(),
        )
        .unwrap();
    }
    let tallies: [Arc<Mutex<Tally>>; 2] = Default::default();
    let counts: [Arc<AtomicU64>; 2] = Default::default();
    let mut registrations = Vec::new();
    let (pace, go) = std::io::pipe().unwrap();
    (&go).write_all(&[0; 2 * AHEAD]).unwrap();
    let mut go = Some(go);
    for ((wind, tally), count) in winds().into_iter().zip(&tallies).zip(&counts) {
        let (tally, count) = (Arc::clone(tally), Arc::clone(count));
        // Of the second one, which the kernel hands out last.
        let go = go.take_if(|_| wind == winds()[1]);
        registrations.push(receive::on(wind, move |received| {
            // Caught ones are in order only where one thread catches them.
            if captured {
                tally.lock().unwrap().add(received);
            }
            let seen = count.fetch_add(1, Ordering::SeqCst) + 1;
            if let Some(mut go) = go.as_ref()
                && seen % PACE == 0
            {
                go.write_all(&[0]).unwrap();
            }
        }));
    }
    let over = Arc::new(AtomicBool::new(false));
    let workers = [
        over_and_over("forks", &over, move || forks(captured)),
        over_and_over("spawns", &over, || executes(false)),
        over_and_over("forks, executes", &over, || executes(true)),
        over_and_over("threads", &over, starts_threads),
        over_and_over("registers", &over, registers),
    ];
    let senders = [start_sender(&pace), start_sender(&pace)];
    let sent: u64 = senders.into_iter().map(sent_by).sum();
    over.store(true, Ordering::Relaxed);
    let done = workers.map(|worker| worker.join().unwrap());
    assert!(done.iter().all(|done| *done > 0), "{done:?}");
    until("all are seen", || {
        receive::drain(Duration::from_secs(5));
        counts
            .iter()
            .all(|count| count.load(Ordering::SeqCst) >= sent)
    });
    let seen = counts.map(|count| count.load(Ordering::SeqCst));
    let lost = winds().map(receive::lost);
    assert_eq!((seen, lost, receive::panics()), ([sent; 2], [0; 2], 0));
    println!(
        "{sent} of each signal; forks, spawns, forks with exec, threads, registrations: {done:?}"
    );
}
