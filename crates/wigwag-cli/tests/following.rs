//! `wigwag stop` and those that are started while it works.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};

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
    let (mut child, mut out) = shell_called("bash", ANSWERS);
    line("stop --ladder TERM:500ms,KILL bash").ended(0);
    assert_eq!(next(&mut out), "started");
    assert!(!alive("sleep").is_empty());
    line("stop --ladder KILL sleep").ended(0);
    child.wait().unwrap();
}
