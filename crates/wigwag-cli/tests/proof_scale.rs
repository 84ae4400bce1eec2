//! Proof: 2,000 processes that ignore TERM are stopped by `TERM:1s,KILL` within 3 s, with one correct receipt each.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::BTreeSet;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use wigwag_testkit::{Puppet, Recipe, Swapper, namespace, proc};

const WIGWAG: &str = env!("CARGO_BIN_EXE_wigwag");
const MANY: usize = 2000;
const NAME: &str = "wigwag-many";

fn brood() -> (Puppet, BTreeSet<i32>) {
    let puppet = Puppet::spawn(&Recipe {
        ignore: vec![15],
        brood: MANY,
        ..Recipe::named(NAME)
    });
    let pid = puppet.pid();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    let children: BTreeSet<i32> = children
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect();
    assert_eq!(children.len(), MANY);
    (puppet, children)
}

/// Runs the order with limits `SOFT:HARD` on open files.
fn stop(limit: &str) -> (Output, Duration) {
    let began = Instant::now();
    let output = Command::new("prlimit")
        .args([
            &format!("--nofile={limit}"),
            WIGWAG,
            "stop",
            "--max",
            &MANY.to_string(),
        ])
        .args(["--ladder", "TERM:1s,KILL", "--name", NAME, "--json"])
        .output()
        .expect("prlimit starts");
    (output, began.elapsed())
}

fn check_receipts(output: &Output, children: &BTreeSet<i32>) {
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let receipts = report["receipts"].as_array().unwrap();
    assert_eq!(receipts.len(), MANY);
    let pids: BTreeSet<i32> = receipts
        .iter()
        .map(|receipt| i32::try_from(receipt["who"]["pid"].as_i64().unwrap()).unwrap())
        .collect();
    assert_eq!(pids, *children, "one receipt each");
    for receipt in receipts {
        let sent: Vec<&str> = receipt["sent"]
            .as_array()
            .unwrap()
            .iter()
            .map(|sent| sent["signal"].as_str().unwrap())
            .collect();
        assert_eq!(sent, ["TERM", "KILL"], "{receipt}");
        assert_eq!(receipt["effect"]["is"], "ended", "{receipt}");
        assert_eq!(
            receipt["predicted"]["effects"],
            serde_json::json!(["ignored"]),
            "{receipt}"
        );
    }
    // The last words of the kernel, not of the receipts.
    assert!(
        children
            .iter()
            .all(|pid| matches!(proc::state(*pid), None | Some('Z')))
    );
}

#[test]
fn two_thousand_within_three_seconds() {
    namespace!();
    let (_parent, children) = brood();
    // The soft limit that most shells give; it may be raised.
    let (output, took) = stop("1024:20000");
    check_receipts(&output, &children);
    println!(
        "stop of {MANY} processes that ignore TERM, TERM:1s,KILL: {:.2} s",
        took.as_secs_f64()
    );
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn two_thousand_with_few_open_files() {
    namespace!();
    let (mut parent, children) = brood();
    let (output, took) = stop("256:256");
    println!(
        "the same with 256 open files: {:.2} s, {}",
        took.as_secs_f64(),
        output.status
    );
    if output.status.success() {
        check_receipts(&output, &children);
    } else {
        // It may say that the limit is too low; then it has signalled nobody.
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            said.contains("limit") || said.contains("RLIMIT_NOFILE") || said.contains("EMFILE"),
            "{said}"
        );
        assert!(
            children.iter().all(|pid| proc::state(*pid) == Some('S')),
            "{said}"
        );
        assert!(!parent.was_touched());
    }
}

/// Whether a group is orphaned is read from all processes: at once for all, and not for each again. Twice as many processes take about
/// twice as many system calls.
#[test]
fn stop_signals_cost_as_much_a_process_whatever_their_number() {
    namespace!();
    for words in [
        &["send", "TSTP", "--dry-run", "--max", "1000", "wigwag-many"][..],
        &["show", "wigwag-many"],
    ] {
        let calls = [100, 200].map(|many| {
            let parent = Puppet::spawn(&Recipe {
                brood: many,
                ..Recipe::named("wigwag-many")
            });
            let mut command = Command::new(env!("CARGO_BIN_EXE_wigwag"));
            command.args(words);
            let ran = Swapper::count(command);
            assert!(ran.stdout.lines().count() >= many, "{ran:?}");
            drop(parent);
            ran.calls
        });
        println!("{words:?}: {calls:?} system calls for 100 and 200 processes");
        assert!(calls[1] < calls[0] * 5 / 2, "{words:?}: {calls:?}");
    }
}
