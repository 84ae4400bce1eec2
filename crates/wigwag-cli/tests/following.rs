//! `wigwag stop` and those that are started while it works.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::io::{BufRead, BufReader};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use common::{line, untouched};
use wigwag_testkit::{Deadline, Puppet, Recipe, namespace};

/// A shell with a script, a group and session of its own, that has said `ready`.
fn shell(script: &str) -> (Child, BufReader<ChildStdout>) {
    shell_called("sh", script)
}

fn shell_called(shell: &str, script: &str) -> (Child, BufReader<ChildStdout>) {
    let started = begin(Command::new("setsid").args([shell, "-c", script]));
    // Who is forked in the same 10 ms as the signal is sent may be an answer to it.
    if script.starts_with("trap") {
        let asleep = || (!alive("sleep").is_empty()).then_some(());
        Deadline::usual().wait_for("its first child", asleep);
    }
    started
}

fn begin(command: &mut Command) -> (Child, BufReader<ChildStdout>) {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    assert_eq!(next(&mut out), "ready");
    (child, out)
}

fn next(out: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// The processes of this name in this namespace that have not ended.
fn alive(name: &str) -> Vec<i32> {
    let pids = std::fs::read_dir("/proc").unwrap();
    let pids = pids.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.contains(&format!("({name}) ")) && !stat.contains(") Z")
    })
    .collect()
}

/// Starts another one when it is told to end, and stays.
const ANSWERS: &str =
    r#"trap 'sleep 301 & echo started' TERM; echo ready; while :; do sleep 300 & wait $!; done"#;

#[test]
fn whoever_is_started_in_answer_gets_the_next_step() {
    namespace!();
    for target in ["tree:", "-- -", "session:"] {
        let (mut child, mut out) = shell(ANSWERS);
        line(&format!(
            "stop --ladder TERM:500ms,KILL {target}{}",
            child.id()
        ))
        .ended(0);
        assert_eq!(next(&mut out), "started");
        assert_eq!(alive("sleep"), [0; 0], "{target}");
        child.wait().unwrap();
    }
}

#[test]
fn a_clean_up_is_left_its_time() {
    namespace!();
    let script = "trap 'sleep 0.3; echo cleaned; exit 0' TERM; echo ready; while :; do sleep 300 & wait $!; done";
    let (mut child, mut out) = shell(script);
    let ran = line(&format!("stop tree:{}", child.id()))
        .ended(0)
        .out
        .clone();
    assert_eq!(next(&mut out), "cleaned");
    assert!(!ran.contains("KILL"), "{ran}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// The leader of the group has ended and been collected by the time that its late child is to be found. A tree that has its group to
/// itself is followed in the group, too.
#[test]
fn who_is_left_by_his_parent_is_found_in_the_group() {
    namespace!();
    let script =
        "trap 'sleep 300 & exit 0' TERM; echo ready; while :; do sleep 300 & wait $!; done";
    for target in ["-- -", "session:", "tree:"] {
        let (mut child, _out) = shell(script);
        let number = child.id();
        std::thread::scope(|scope| {
            scope.spawn(|| child.wait().unwrap());
            line(&format!("stop --ladder TERM:500ms,KILL {target}{number}"))
                .ended(0)
                .says("sleep killed by KILL");
        });
        assert_eq!(alive("sleep"), [0; 0], "{target}");
    }
}

/// Where others are in the group, whose child he is cannot be told, and he is left alone.
#[test]
fn a_group_that_others_are_in_is_not_taken_for_the_trees() {
    namespace!();
    // Two shells in one group: the second is no child of the first.
    let script =
        "trap 'sleep 301 & exit 0' TERM; echo ready; while :; do sleep 300 & wait $!; done";
    let mut command = Command::new("sh");
    let (mut leader, _out) = begin(command.args(["-c", script]).process_group(0));
    let other = Puppet::spawn(&Recipe {
        group: Some(leader.id() as i32),
        ..Recipe::default()
    });
    let tree = format!("tree:{}", leader.id());
    line(&format!("stop --ladder TERM:500ms,KILL {tree}")).ended(0);
    leader.wait().unwrap();
    let (mut other, left) = (other, alive("sleep"));
    untouched(&mut other);
    for pid in left {
        line(&format!("stop {pid}")).ended(0);
    }
}

#[test]
fn without_a_next_step_it_is_still_there() {
    namespace!();
    let (mut child, mut out) = shell(ANSWERS);
    let tree = format!("tree:{}", child.id());
    line(&format!("stop --ladder TERM:500ms {tree} --json"))
        .ended(4)
        .says("it was started after the last signal");
    assert_eq!(next(&mut out), "started");
    line(&format!("stop --ladder KILL {tree}")).ended(0);
    assert_eq!(alive("sleep"), [0; 0]);
    child.wait().unwrap();
}

/// KILL leaves no time to answer: who is forked between a look and the signal gets it, too.
#[test]
fn who_forks_on_is_killed_with_all_that_it_has_forked() {
    namespace!();
    for _ in 0..10 {
        let script = "echo ready; i=0; while [ $i -lt 400 ]; do i=$((i+1)); sleep 300 & done; wait";
        let (mut child, _out) = shell(script);
        line(&format!(
            "stop --max 1000 --ladder KILL tree:{}",
            child.id()
        ))
        .ended(0);
        assert_eq!(alive("sleep"), [0; 0]);
        child.wait().unwrap();
    }
}

/// Whoever has a name next may have been started by somebody who means it.
#[test]
fn names_are_not_followed() {
    namespace!();
    for (target, shell) in [("bash", "bash"), ("--name dash", "dash")] {
        let (mut child, mut out) = shell_called(shell, ANSWERS);
        line(&format!("stop --ladder TERM:500ms,KILL {target}")).ended(0);
        assert_eq!(next(&mut out), "started");
        // What it has started is called `sleep`, or still as it was called itself.
        let left = || (!alive("sleep").is_empty()).then_some(());
        Deadline::usual().wait_for("what is left alone", left);
        line("stop --ladder KILL sleep").ended(0);
        child.wait().unwrap();
    }
}

/// A job's process that has lost its parent is in the job's group and not in the tree. Were somebody of the group still stopped, and had
/// not got KILL, when the root ends, the kernel would send HUP and CONT to the whole group.
#[test]
fn whoever_is_in_the_group_beside_the_tree_gets_no_hup() {
    namespace!();
    const JOB: &str = "set -m; sh -c '(tail -f /dev/null &); sleep 300 & sleep 300 & sleep 300 & echo ready; echo $$; wait' & wait";
    for _ in 0..20 {
        let (mut child, mut out) = shell_called("bash", JOB);
        let root = next(&mut out);
        let all = || (alive("tail").len() == 1 && alive("sleep").len() == 3).then_some(());
        Deadline::usual().wait_for("the job", all);
        line(&format!("stop --ladder KILL tree:{root}")).ended(0);
        assert_eq!(alive("sleep"), [0; 0]);
        let tail = alive("tail");
        assert_eq!(tail.len(), 1, "the other one has ended");
        line(&format!("stop --ladder KILL {}", tail[0])).ended(0);
        child.wait().unwrap();
    }
}

/// Whoever is stopped himself can send KILL to nobody.
#[test]
fn wigwag_in_the_tree_does_not_stop_itself() {
    namespace!();
    let command = env!("CARGO_BIN_EXE_wigwag");
    let script = format!(
        "sleep 300 & sleep 300 & echo ready; {command} stop --ladder KILL --allow self --allow ancestors tree:$$"
    );
    let (mut child, _out) = shell(&script);
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(9), "{status}");
    let none = || alive("sleep").is_empty().then_some(());
    Deadline::usual().wait_for("the end of all", none);
}

/// More than may be signalled is not all: that is no success.
#[test]
fn max_is_no_way_to_be_missed() {
    namespace!();
    let (mut child, _out) = shell(ANSWERS);
    let tree = format!("tree:{}", child.id());
    line(&format!("stop --max 2 --ladder TERM:300ms {tree}"))
        .ended(4)
        .complains("--max 2");
    line(&format!("stop --ladder KILL {tree}")).ended(0);
    child.wait().unwrap();
}

/// The time that a look takes grows with the tree, not with how deep it is.
#[test]
fn a_deep_tree_is_stopped_in_time() {
    namespace!();
    let script = r#"trap '' TERM; n() { if [ $1 -gt 0 ]; then (n $(($1 - 1))) & wait; else echo ready; sleep 300; fi; }; n 300"#;
    let (mut child, _out) = shell_called("sh", script);
    let begun = Instant::now();
    line(&format!(
        "stop --max 1000 --ladder TERM:1s,KILL tree:{}",
        child.id()
    ))
    .ended(0);
    assert_eq!(alive("sh"), [1], "pid 1 here");
    child.wait().unwrap();
    println!("{:?}", begun.elapsed());
}
