//! docs/json.md holds what the commands print.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use common::{HUP, USR1, line};
use serde_json::Value;
use wigwag_testkit::{Puppet, Recipe};

const DOCUMENT: &str = include_str!("../../../docs/json.md");

/// The names that the text has between backquotes.
fn documented() -> BTreeSet<&'static str> {
    let (text, _) = DOCUMENT.split_once("## A report").unwrap();
    text.split('`')
        .skip(1)
        .step_by(2)
        .flat_map(|code| code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
        .collect()
}

/// Every key in `value`; of members whose values are fixed words, those too.
fn words(value: &Value, found: &mut BTreeSet<String>) {
    const FIXED: [&str; 12] = [
        "is",
        "evidence",
        "through",
        "guard",
        "do",
        "effects",
        "disposition",
        "kind",
        "waiting",
        "init",
        "frozen",
        "default_action",
    ];
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                found.insert(key.clone());
                let values = value
                    .as_array()
                    .map_or(std::slice::from_ref(value), Vec::as_slice);
                let fixed = values.iter().filter_map(Value::as_str);
                found.extend(
                    fixed
                        .filter(|_| FIXED.contains(&key.as_str()))
                        .map(str::to_owned),
                );
                words(value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| words(value, found)),
        _ => {}
    }
}

#[track_caller]
fn check(document: &Value, line: &str) {
    assert_eq!(document["wigwag"], 1, "{line}");
    let mut found = BTreeSet::new();
    words(document, &mut found);
    let documented = documented();
    let missing: Vec<_> = found
        .iter()
        .filter(|w| !documented.contains(w.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/json.md lacks {missing:?} of `wigwag {line}`"
    );
}

#[test]
fn every_field_is_documented() {
    let spawn = || {
        Puppet::spawn(&Recipe {
            catch: vec![USR1],
            block: vec![12],
            ignore: vec![HUP],
            unread_signalfd: vec![12],
            sigwait: vec![34],
            ..Recipe::default()
        })
    };
    let (one, other, last) = (spawn(), spawn(), spawn());
    let (pid, gone, third) = (one.pid(), other.pid(), last.pid());
    for line_of in [
        format!("show {pid}"),
        format!("show tid:{pid}"),
        "list".to_owned(),
        "list --os macos 30 TERM".to_owned(),
        "explain TERM 137 0x8b -9 127 EMT Killed".to_owned(),
        format!("send -n TERM {pid}"),
        format!(
            "send -n --value 3 USR2 {pid} --after 1s --every 1s --count 2 --user 0 --env A=b --ns {pid}:net --state S --ignore-missing name:nobody-is-named-so"
        ),
        format!("send -n HUP {pid} --if-handled"),
        format!("send -n TERM {}", std::process::id()),
        format!("send USR1 {pid} --wait"),
        format!("send USR2 {pid}"),
        format!("send HUP {pid} --if-handled"),
        format!("send -0 {pid}"),
        format!("send USR1 tid:{pid}"),
        format!("stop -n {pid}"),
        format!("reload -n {pid}"),
        format!("wait {pid} --any --timeout 10ms"),
        format!("freeze {gone}"),
        format!("thaw {gone}"),
        format!("send TERM {gone} --wait"),
        format!("stop {third} --ladder HUP:10ms,KILL"),
    ] {
        let ran = line(&format!("{line_of} --json"));
        assert!(!ran.out.is_empty(), "{line_of}: {ran:?}");
        check(&ran.json(), &line_of);
    }
}

#[test]
fn the_keys_are_documented() {
    let script = format!("{} keys --json", env!("CARGO_BIN_EXE_wigwag"));
    let out = Command::new("script")
        .args(["-qec", &script, "/dev/null"])
        .stdin(Stdio::null())
        .output();
    if let Ok(out) = out {
        check(&serde_json::from_slice(&out.stdout).unwrap(), "keys");
    }
}

/// Those that no command here can be made to print.
#[test]
fn every_fixed_word_is_documented() {
    let documented = documented();
    for word in [
        "denied",
        "queue_full",
        "kills",
        "dumps_core",
        "stops",
        "continues",
        "runs_handler",
        "waited",
        "signal_fd",
        "stays_pending",
        "coalesces",
        "ignored",
        "discarded",
        "tracer_decides",
        "nothing",
        "oneself",
        "ancestor",
        "init",
        "kernel_thread",
        "not_handled",
        "in_group_with",
        "thread_alone",
        "pidfd",
        "pidfd_thread",
        "tgkill",
        "tgsigqueue",
        "pidfd_group",
        "kill",
        "freezer",
        "ended",
        "stopped",
        "resumed",
        "handled",
        "taken",
        "pending",
        "coalesced",
        "gone_before",
        "refused",
        "exists",
        "still_there",
        "unknown",
        "seen",
        "inferred",
    ] {
        assert!(documented.contains(word), "{word}");
    }
}

/// The report that the document shows is one that is still read.
#[test]
fn the_example_is_a_report() {
    let (_, example) = DOCUMENT.split_once("## A report").unwrap();
    let report: wigwag_process::receipt::Report = serde_json::from_str(example).unwrap();
    assert_eq!(report.receipts.len(), 1);
}
