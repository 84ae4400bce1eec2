//! `wigwag explain` as a user sees it, in a pipe.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Exit status, standard output, standard error.
fn wigwag(args: &[&str]) -> (i32, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_wigwag"))
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        out.status.code().unwrap(),
        text(out.stdout),
        text(out.stderr),
    )
}

fn explain(words: &[&str]) -> String {
    let (status, out, err) = wigwag(&[&["explain"], words].concat());
    assert_eq!((status, err.as_str()), (0, ""), "{words:?}");
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
    out
}

#[test]
fn every_signal_is_explained_within_80_columns() {
    let (_, list, _) = wigwag(&["list"]);
    for line in list.lines() {
        let (number, name) = line.split_once(' ').unwrap();
        let text = explain(&[name]);
        assert!(
            text.starts_with(&format!("SIG{name}, signal {number}: ")),
            "{text}"
        );
        assert!(
            text.contains("What causes it") && text.contains("What to do"),
            "{text}"
        );
    }
}

#[test]
fn statuses_and_words_are_read_as_their_signal() {
    for (words, signal, says) in [
        (&["137"][..], "SIGKILL", "128 + 9"),
        (&["143"], "SIGTERM", "128 + 15"),
        (&["139"], "SIGSEGV", "128 + 11"),
        (&["0x8b"], "SIGSEGV", "dumped core"),
        (&["300"], "SIGRTMIN+10", "256 + 44: so ksh93"),
        (&["-11"], "SIGSEGV", "Python"),
        (&["Killed"], "SIGKILL", "oom-kill"),
        (
            &["Segmentation fault (core dumped)"],
            "SIGSEGV",
            "dumped core",
        ),
        (&["exit 137"], "SIGKILL", "memory limit"),
        (&["exit", "137"], "SIGKILL", "128 + 9"),
        (&["Bus", "error"], "SIGBUS", "shorter than the mapping"),
        (&["0x137f"], "SIGSTOP", "stopped the process"),
        (&["SIGSYS"], "SIGSYS", "seccomp"),
        (&["VTALRM"], "SIGVTALRM", "ITIMER_VIRTUAL"),
        (&["QUIT"], "SIGQUIT", "end-of-file"),
    ] {
        let text = explain(words);
        let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            text.starts_with(signal) && plain.contains(says),
            "{words:?}: {text}"
        );
    }
}

#[test]
fn several_are_explained_in_order() {
    let text = explain(&["TERM", "137", "KILL"]);
    let heads: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("SIG"))
        .collect();
    assert_eq!(
        heads,
        [
            "SIGTERM, signal 15: Terminated",
            "SIGKILL, signal 9: Killed",
            "SIGKILL, signal 9: Killed"
        ]
    );
}

#[test]
fn exit_statuses_without_a_signal() {
    assert!(explain(&["127"]).contains("did not find the command"));
    assert!(explain(&["exit 1"]).contains("no signal ended it"));
    assert!(explain(&["0x0200"]).starts_with("Exit status 2"));
}

#[test]
fn a_signal_of_other_systems_says_where() {
    let text = explain(&["EMT"]);
    assert!(
        text.contains("has no such signal") && text.contains("7 on alpha, mips"),
        "{text}"
    );
    assert!(explain(&["USR1"]).contains("30 on"));
}

#[test]
fn json_holds_the_same() {
    let (status, out, _) = wigwag(&["explain", "--json", "0x8b", "exit 1"]);
    assert_eq!(status, 0);
    let all: Value = serde_json::from_str(&out).unwrap();
    let all = &all["explanations"];
    assert_eq!(all[0]["signal"]["name"], "SEGV");
    assert_eq!(all[0]["reading"]["kind"], "wait_status");
    assert_eq!(all[0]["reading"]["core_dumped"], true);
    assert!(
        all[0]["causes"]
            .as_array()
            .is_some_and(|causes| !causes.is_empty())
    );
    assert_eq!(all[1]["reading"]["exit"], 1);
    assert!(all[1]["signal"].is_null());
}

#[test]
fn statuses_that_no_signal_stands_behind_are_explained() {
    for (word, says) in [
        ("65", "EX_DATAERR"),
        ("100", "the program's own"),
        ("127", "did not find the command"),
        ("200", "the program's own"),
    ] {
        let (status, out, _) = wigwag(&["explain", word]);
        assert_eq!(status, 0, "{word}");
        assert!(out.contains(says), "{word}: {out}");
    }
}

#[test]
fn nonsense_is_refused() {
    for (word, says) in [
        ("TREM", "did you mean TERM?"),
        ("0", "no signal"),
        ("32", "C library"),
        ("99999999999", "too large"),
        ("", "empty"),
        ("no such words", "no signal"),
        ("0x7f", "stopped (0x7f), by no signal"),
        ("0x80", "no signal"),
        ("0x12c", "signal 44 and exit status 1 at once"),
        ("400", "at once"),
        ("0x13ff", "no kernel gives"),
        ("0x857f", "only a tracer"),
        ("0x10000", "16 bits"),
    ] {
        let (status, out, err) = wigwag(&["explain", word]);
        assert_eq!((status, out.as_str()), (2, ""), "{word}");
        assert!(err.contains(says), "{word}: {err}");
    }
    let (status, _, err) = wigwag(&["explain", "SEGV", "TREM"]);
    assert_eq!(status, 2);
    assert!(err.contains("did you mean TERM?"), "{err}");
    let (status, ..) = wigwag(&["explain"]);
    assert_eq!(status, 2);
    let bytes = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    let out = Command::new(env!("CARGO_BIN_EXE_wigwag"))
        .arg("explain")
        .arg(bytes)
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(2));
}
