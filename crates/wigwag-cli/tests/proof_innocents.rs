//! Proof: no innocents. A process is chosen by name; before a chosen system call of the command it is killed and reaped, and
//! an innocent is born with its pid. The innocent must never get a signal.
//!
//! Every system call of the command is tried in its turn, with the swap made while ptrace holds the command at that call's
//! entry; a sample is tried with a delay injected by strace. The same runs with pkill hit innocents: the test can fail.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use wigwag_testkit::{Puppet, Ran, Recipe, Swapper, delay, namespace};

const WIGWAG: &str = env!("CARGO_BIN_EXE_wigwag");
const PID: i32 = 300;
const VICTIM: &str = "wigwag-victim";

/// At least so many rounds with a swap for each form: three forms make more than 200.
const ROUNDS: usize = 80;

fn victim() -> Puppet {
    Puppet::spawn_as(PID, &Recipe::named(VICTIM))
}

/// Reports every signal that can be caught; the others end or stop it, which is seen too.
fn innocent() -> Puppet {
    let catch = (1..=64)
        .filter(|signal| ![9, 19, 32, 33].contains(signal))
        .collect();
    Puppet::spawn_as(
        PID,
        &Recipe {
            catch,
            ..Recipe::named("innocent")
        },
    )
}

/// What a row of rounds came to.
#[derive(Default)]
struct Row {
    swaps: usize,
    hits: usize,
    calls: BTreeSet<u64>,
}

/// How often to go through everything, from `cargo xtask soak`.
fn laps() -> usize {
    std::env::var("WIGWAG_SOAK")
        .ok()
        .and_then(|times| times.parse().ok())
        .unwrap_or(1)
}

/// Goes through all system calls of a command, beginning with the `from`-th, lap after lap, until there were enough swaps.
fn go_through(
    rounds: usize,
    from: usize,
    mut command: impl FnMut() -> Command,
    mut check: impl FnMut(&Ran),
) -> Row {
    let mut row = Row::default();
    let (mut at, mut calls_of_lap) = (from, 0);
    while row.swaps < rounds || calls_of_lap > 0 {
        let mut target = victim();
        let command = command();
        let mut newcomer = None;
        let ran = Swapper::run(command, at, || {
            target.end();
            newcomer = Some(innocent());
        });
        check(&ran);
        match ran.swapped_at {
            Some(call) => {
                row.swaps += 1;
                row.hits += usize::from(newcomer.unwrap().was_touched());
                row.calls.insert(call);
                (at, calls_of_lap) = (at + 1, calls_of_lap + 1);
            }
            None => {
                assert!(calls_of_lap > 0, "a command without system calls: {ran:?}");
                (at, calls_of_lap) = (from, 0);
            }
        }
    }
    row
}

fn wigwag(words: &[&str]) -> Command {
    let mut command = Command::new(WIGWAG);
    command.args(words);
    command
}

/// Ended by itself, with a documented status: never a panic (101 or ABRT), never a usage error (2).
fn ended_well(ran: &Ran) {
    let code = libc_exit_code(ran.status);
    assert!(matches!(code, Some(0 | 1 | 3 | 4)), "{ran:?}");
}

fn libc_exit_code(status: i32) -> Option<i32> {
    (status & 0x7f == 0).then_some(status >> 8 & 0xff)
}

fn prove(form: &str, command: impl FnMut() -> Command) {
    let row = go_through(ROUNDS * laps(), 0, command, ended_well);
    println!(
        "{form}: {} innocents signalled in {} rounds, at {} different system calls",
        row.hits,
        row.swaps,
        row.calls.len()
    );
    assert_eq!(row.hits, 0, "{form}");
    assert!(row.swaps >= ROUNDS);
}

#[test]
fn send_by_name() {
    namespace!();
    sanity(&["send", "TERM", "--name", VICTIM]);
    prove("send --name", || {
        wigwag(&["send", "TERM", "--name", VICTIM])
    });
}

#[test]
fn stop_by_name() {
    namespace!();
    sanity(&["stop", "--name", VICTIM]);
    prove("stop --name", || wigwag(&["stop", "--name", VICTIM]));
}

#[test]
fn apply_of_a_saved_plan() {
    namespace!();
    let plan = plan_file("apply");
    prove("apply", || {
        save_plan(&plan);
        wigwag(&["apply", plan.to_str().unwrap()])
    });
    // The plan is of a process that is gone before `apply` starts: the whole command meets the innocent alone.
    for _ in 0..20 * laps() {
        let mut target = victim();
        save_plan(&plan);
        target.end();
        let mut newcomer = innocent();
        let output = wigwag(&["apply", plan.to_str().unwrap()]).output().unwrap();
        assert!(!newcomer.was_touched(), "{output:?}");
        assert!(
            !output.status.success() && output.status.code() != Some(101),
            "{output:?}"
        );
    }
    std::fs::remove_file(plan).unwrap();
}

/// Without a swap the command does its work: the rounds above run something that signals.
fn sanity(words: &[&str]) {
    let mut target = victim();
    let ran = Swapper::count(wigwag(words));
    assert_eq!(libc_exit_code(ran.status), Some(0), "{ran:?}");
    assert_eq!(
        target.status(wigwag_testkit::Deadline::usual()),
        Some(15),
        "ended by TERM: {ran:?}"
    );
}

fn plan_file(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("wigwag-plan-{name}-{}.json", std::process::id()))
}

/// Saves a plan for the victim that lives now.
fn save_plan(path: &Path) {
    let output = wigwag(&["send", "TERM", "--name", VICTIM, "--dry-run", "--json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    std::fs::write(path, output.stdout).unwrap();
}

/// The calls that the delays are injected before: those between reading and sending.
const DELAYED: [&str; 8] = [
    "openat",
    "read",
    "getdents64",
    "pread64",
    "close",
    "pidfd_open",
    "pidfd_send_signal",
    "fstat",
];

#[test]
fn delays_injected_by_strace() {
    namespace!();
    if !Command::new("strace")
        .arg("-V")
        .output()
        .is_ok_and(|output| output.status.success())
    {
        assert!(std::env::var_os("CI").is_none(), "CI must have strace");
        println!("skipped: no strace");
        return;
    }
    let plan = plan_file("strace");
    let file = plan.to_str().unwrap().to_owned();
    let forms: [&[&str]; 3] = [
        &["send", "TERM", "--name", VICTIM],
        &["stop", "--name", VICTIM],
        &["apply", &file],
    ];
    let mut swaps = 0;
    for words in forms {
        let mut before_sending = false;
        for call in DELAYED {
            let mut target = victim();
            if words[0] == "apply" {
                save_plan(&plan);
            }
            let mut newcomer = None;
            let output =
                delay::swap_within(WIGWAG, words, call, Duration::from_millis(200), || {
                    target.end();
                    newcomer = Some(innocent());
                });
            let Some(output) = output else { continue };
            swaps += 1;
            before_sending |= call == "pidfd_send_signal";
            assert!(
                !newcomer.unwrap().was_touched(),
                "{words:?} with a delay before {call}: {output:?}"
            );
        }
        assert!(
            before_sending,
            "{words:?}: no swap in the delay before pidfd_send_signal"
        );
    }
    println!("delays injected by strace: 0 innocents signalled in {swaps} rounds");
    let _ = std::fs::remove_file(plan);
}

#[test]
fn pkill_hits_innocents() {
    namespace!();
    let command = || {
        let mut command = Command::new("pkill");
        command.args(["-TERM", "-x", VICTIM]);
        command
    };
    // It reads every process before it signals one: only the last calls matter.
    let target = victim();
    let calls = Swapper::count(command()).calls;
    drop(target);
    let row = go_through(1, calls.saturating_sub(60), command, |_| ());
    println!(
        "pkill: {} innocents signalled in {} rounds",
        row.hits, row.swaps
    );
    assert!(
        row.hits > 0,
        "a swap between pkill's reading and its kill must hit: this test could not fail"
    );
}
