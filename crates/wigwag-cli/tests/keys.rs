//! `wigwag keys` on a terminal made for it by script(1), and without one.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::process::{Command, Stdio};

use serde_json::Value;

/// What the shell commands print on a terminal of 80 columns; none where script(1) is missing.
fn on_a_terminal(commands: &str) -> Option<String> {
    let program = env!("CARGO_BIN_EXE_wigwag");
    let commands =
        format!("stty sane cols 80 rows 24; wigwag() {{ {program} \"$@\"; }}; {commands}");
    let out = Command::new("script")
        .args(["-qec", &commands, "/dev/null"])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    Some(String::from_utf8(out.stdout).unwrap())
}

#[test]
fn the_usual_keys_and_signals() {
    let Some(text) = on_a_terminal("wigwag keys") else {
        return;
    };
    let has = |start: &[&str]| {
        text.lines().any(|line| {
            line.split_whitespace()
                .zip(start)
                .filter(|(a, b)| a == *b)
                .count()
                == start.len()
        })
    };
    assert!(
        has(&["Ctrl-C", "INT", "intr"])
            && has(&["Ctrl-\\", "QUIT", "quit"])
            && has(&["Ctrl-Z", "TSTP", "susp"]),
        "{text}"
    );
    assert!(
        has(&["Ctrl-D", "-", "eof"]) && text.contains("sends no signal"),
        "{text}"
    );
    assert!(has(&["WINCH"]) && has(&["HUP"]), "{text}");
    assert!(
        text.lines()
            .all(|line| line.trim_end().chars().count() <= 80),
        "{text}"
    );
}

#[test]
fn changed_disabled_and_switched_off_keys() {
    let Some(text) = on_a_terminal("stty intr ^X quit undef; wigwag keys; stty -isig; wigwag keys")
    else {
        return;
    };
    assert!(
        text.contains("Ctrl-X") && text.contains("turned off"),
        "{text}"
    );
    assert!(text.contains("isig is off"), "{text}");
}

#[test]
fn plain_lines_in_a_pipe_and_json() {
    let Some(text) = on_a_terminal("wigwag keys | cat") else {
        return;
    };
    assert!(
        text.lines()
            .any(|line| line.trim_end() == "intr\tCtrl-C\tINT\ton" || line.contains("intr")),
        "{text}"
    );
    let Some(text) = on_a_terminal("wigwag keys --json | cat") else {
        return;
    };
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["terminal"]["keys"][0]["signal"], "INT");
    assert_eq!(json["terminal"]["size"], serde_json::json!([80, 24]));
}

/// Standard input is no terminal, but the session has one.
#[test]
fn the_controlling_terminal_is_read() {
    let Some(text) = on_a_terminal("wigwag keys </dev/null") else {
        return;
    };
    assert!(text.contains("Ctrl-C"), "{text}");
}

#[test]
fn without_a_terminal_it_says_so() {
    let out = Command::new("setsid")
        .args(["--wait", env!("CARGO_BIN_EXE_wigwag"), "keys"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(5));
    assert!(
        String::from_utf8(out.stderr)
            .unwrap()
            .contains("no terminal")
    );
}
