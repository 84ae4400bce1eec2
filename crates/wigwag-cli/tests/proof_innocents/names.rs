//! Processes chosen by name, and plans of them carried out later.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use wigwag_testkit::{Deadline, Swapper, delay, namespace};

use crate::rounds::{
    BY_NAME, INNOCENT, Troupe, VICTIM, exit_code, go_through, laps, prove, wigwag,
};

fn victim() -> Troupe {
    Troupe::one(VICTIM)
}

fn innocent() -> Troupe {
    Troupe::one(INNOCENT)
}

#[test]
fn send_by_name() {
    namespace!();
    sanity(&["send", "TERM", "--name", VICTIM]);
    prove("send --name", &BY_NAME, || {
        wigwag(&["send", "TERM", "--name", VICTIM])
    });
}

#[test]
fn stop_by_name() {
    namespace!();
    sanity(&["stop", "--name", VICTIM]);
    prove("stop --name", &BY_NAME, || {
        wigwag(&["stop", "--name", VICTIM])
    });
}

/// The old name: the same program, called by another.
fn killall(words: &[&str]) -> Command {
    let mut command = wigwag(words);
    command.arg0("killall");
    command
}

#[test]
fn killall_by_name() {
    namespace!();
    for words in [&["-v", VICTIM][..], &["-g", VICTIM], &["-w", "-9", VICTIM]] {
        let mut target = victim();
        let ran = Swapper::count(killall(words));
        assert_eq!(exit_code(ran.status), Some(0), "{ran:?}");
        let ended = target.puppets[0].status(Deadline::usual());
        assert!(matches!(ended, Some(9 | 15)), "{ran:?}");
        target.end();
        let form = format!("killall {}", words.join(" "));
        prove(&form, &BY_NAME, || killall(words));
    }
}

#[test]
fn apply_of_a_saved_plan() {
    namespace!();
    let plan = plan_file("apply");
    prove("apply", &BY_NAME, || {
        save_plan(&plan, &SEND);
        wigwag(&["apply", plan.to_str().unwrap()])
    });
    // The plan is of a process that is gone before `apply` starts: the whole command meets the innocent alone.
    for _ in 0..20 * laps() {
        let mut target = victim();
        save_plan(&plan, &SEND);
        target.end();
        let mut newcomer = innocent();
        let output = wigwag(&["apply", plan.to_str().unwrap()]).output().unwrap();
        assert!(newcomer.touched().is_empty(), "{output:?}");
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
    assert_eq!(exit_code(ran.status), Some(0), "{ran:?}");
    assert_eq!(
        target.puppets[0].status(Deadline::usual()),
        Some(15),
        "ended by TERM: {ran:?}"
    );
}

pub fn plan_file(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("{}.json", wigwag_testkit::namespace::unique(name)))
}

const SEND: [&str; 4] = ["send", "TERM", "--name", VICTIM];

/// Saves a plan of the order, for the victims that live now.
pub fn save_plan(path: &Path, order: &[&str]) {
    let output = wigwag(&[order, &["--dry-run", "--json"]].concat())
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
                save_plan(&plan, &SEND);
            }
            let mut newcomer = None;
            let output = delay::swap_within(
                env!("CARGO_BIN_EXE_wigwag"),
                words,
                call,
                Duration::from_millis(200),
                || {
                    target.end();
                    newcomer = Some(innocent());
                },
            );
            let Some(output) = output else { continue };
            swaps += 1;
            before_sending |= call == "pidfd_send_signal";
            assert!(
                newcomer.unwrap().touched().is_empty(),
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
    let row = go_through(1, calls.saturating_sub(60), &BY_NAME, command, |_| ());
    println!(
        "pkill: {} innocents signalled in {} rounds",
        row.hits, row.swaps
    );
    assert!(
        row.hits > 0,
        "a swap between pkill's reading and its kill must hit: this test could not fail"
    );
}

/// The same by an old name.
fn pkill(words: &[&str]) -> Command {
    let mut command = wigwag(words);
    command.arg0("pkill");
    command
}

#[test]
fn pkill_by_name() {
    namespace!();
    for words in [
        &["-e", "-x", VICTIM][..],
        &["-9", "-f", "-e", VICTIM],
        &["-n", "-e", VICTIM],
    ] {
        let mut target = victim();
        let ran = Swapper::count(pkill(words));
        assert_eq!(exit_code(ran.status), Some(0), "{ran:?}");
        assert!(
            target.puppets[0].status(Deadline::usual()).is_some(),
            "ended: {ran:?}"
        );
        drop(target);
        prove(&format!("pkill {}", words.join(" ")), &BY_NAME, || {
            pkill(words)
        });
    }
}
