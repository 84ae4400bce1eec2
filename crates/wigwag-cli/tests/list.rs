//! `wigwag list` as a user sees it, in a pipe.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

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

fn stdout(args: &[&str]) -> String {
    let (status, out, err) = wigwag(args);
    assert_eq!((status, err.as_str()), (0, ""), "{args:?}");
    out
}

fn refused(args: &[&str]) -> String {
    let (status, out, err) = wigwag(args);
    assert_eq!((status, out.as_str()), (2, ""), "{args:?}: {err}");
    err
}

#[test]
fn one_signal_a_line_in_a_pipe() {
    let out = stdout(&["list"]);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 62);
    assert!(
        lines.contains(&"15 TERM") && lines.contains(&"34 RTMIN") && lines.contains(&"64 RTMAX")
    );
    assert!(!lines.iter().any(|line| line.starts_with("32 ")));
}

#[test]
fn names_numbers_and_statuses_are_converted() {
    let out = stdout(&[
        "list", "TERM", "15", "sigkill", "143", "137", "0x8b", "RTMIN+3", "37", "IOT",
    ]);
    assert_eq!(
        out.lines().collect::<Vec<_>>(),
        [
            "15", "TERM", "9", "TERM", "KILL", "SEGV", "37", "RTMIN+3", "6"
        ]
    );
}

#[test]
fn every_signal_converts_there_and_back() {
    for line in stdout(&["list"]).lines() {
        let (number, name) = line.split_once(' ').unwrap();
        assert_eq!(
            stdout(&["list", number, name]),
            format!("{name}\n{number}\n")
        );
    }
}

#[test]
fn other_systems() {
    assert_eq!(stdout(&["list", "--os", "macos"]).lines().count(), 31);
    assert_eq!(
        stdout(&["list", "--os", "bsd"]).lines().last(),
        Some("31 USR2")
    );
    assert!(
        stdout(&["list", "--arch", "mips"])
            .lines()
            .any(|line| line == "16 USR1")
    );
    assert_eq!(
        stdout(&["list", "--os", "macos", "30"]),
        "30 is USR1 on macOS; here USR1 is 10\n"
    );
    assert!(stdout(&["list", "--os", "macos", "29"]).contains("there is none here"));
    assert!(stdout(&["list", "--os", "freebsd", "TERM"]).contains("the same here"));
}

#[test]
fn long_lines_have_every_fact() {
    let out = stdout(&["list", "--long"]);
    let kill: Vec<&str> = out
        .lines()
        .find(|line| line.starts_with("9\t"))
        .unwrap()
        .split('\t')
        .collect();
    assert_eq!(
        kill,
        [
            "9",
            "KILL",
            "-",
            "terminate",
            "Killed",
            "no",
            "POSIX.1-1990",
            "-"
        ]
    );
    // Of some signals, the same lines in the order that was asked for.
    let lines = |words: &[&str]| -> Vec<String> {
        let out = stdout(&[&["list", "--long"], words].concat());
        out.lines().map(str::to_owned).collect()
    };
    let some = lines(&["137", "HUP"]);
    assert_eq!(some[0], kill.join("\t"));
    assert!(
        some[1].starts_with("1\tHUP\t") && some.len() == 2,
        "{some:?}"
    );
    let interrupt = out.lines().find(|line| line.starts_with("2\t")).unwrap();
    assert!(interrupt.contains("core dump") || interrupt.ends_with("Ctrl-C (VINTR)"));
}

#[test]
fn json_holds_the_same() {
    let all: Value = serde_json::from_str(&stdout(&["list", "--json"])).unwrap();
    let signals = all["signals"].as_array().unwrap();
    assert_eq!(signals.len(), 62);
    let term = signals.iter().find(|s| s["name"] == "TERM").unwrap();
    assert_eq!(
        (&term["number"], &term["default_action"]),
        (&Value::from(15), &Value::from("terminate"))
    );
    let one: Value =
        serde_json::from_str(&stdout(&["list", "--os", "macos", "--json", "30"])).unwrap();
    assert_eq!(one["conversions"][0]["reading"]["name"], "USR1");
    assert_eq!(one["conversions"][0]["here"]["number"], 10);
}

#[test]
fn what_is_no_signal_is_refused() {
    for (word, says) in [
        ("TREM", "did you mean TERM?"),
        ("0", "no signal"),
        ("32", "C library"),
        ("33", "C library"),
        ("65", "no signal"),
        ("-5", "no sign"),
        ("99999999999", "too large"),
        ("", "empty"),
        ("0x7f", "by no signal"),
        ("0x109", "at once"),
        ("EMT", "7 on"),
        ("exit 1", "stands for no signal"),
    ] {
        let err = refused(&["list", "TERM", word]);
        assert!(err.contains(says), "{word}: {err}");
    }
    assert!(refused(&["list", "--os", "plan9"]).contains("freebsd"));
    assert!(refused(&["list", "--arch", "z80"]).contains("mips"));
}

/// What a terminal has no room for is named, and no line is wider.
#[test]
fn what_a_narrow_terminal_leaves_out_is_said() {
    for (columns, left_out) in [(80, Some("KEY")), (40, Some("DESCRIPTION")), (200, None)] {
        let program = env!("CARGO_BIN_EXE_wigwag");
        let script = format!("stty cols {columns} rows 24; {program} list -l TERM INT");
        let Ok(out) = Command::new("script")
            .args(["-qec", &script, "/dev/null"])
            .stdin(Stdio::null())
            .output()
        else {
            return;
        };
        let text = String::from_utf8(out.stdout).unwrap();
        assert!(
            text.lines().all(|line| line.trim_end().len() <= columns),
            "{text}"
        );
        let said = text.contains("No room for");
        assert_eq!(said, left_out.is_some(), "{text}");
        assert!(text.contains(left_out.unwrap_or("Ctrl-C")), "{text}");
    }
}

/// On a terminal of 80 columns the table is in columns and no line is wider; on one of 30 there are fewer.
#[test]
fn columns_fit_the_terminal() {
    for (columns, lines) in [(80, 11), (30, 31), (200, 5)] {
        let program = env!("CARGO_BIN_EXE_wigwag");
        let Ok(out) = Command::new("script")
            .args([
                "-qec",
                &format!("stty cols {columns} rows 24; {program} list"),
                "/dev/null",
            ])
            .stdin(Stdio::null())
            .env_remove("COLUMNS")
            .output()
        else {
            return;
        };
        let text = String::from_utf8(out.stdout).unwrap();
        assert!(
            text.lines().all(|line| line.trim_end().len() <= columns),
            "{text}"
        );
        assert_eq!(text.lines().count(), lines, "{text}");
    }
}

#[test]
fn help_has_examples() {
    for verb in ["list", "explain", "keys"] {
        assert!(stdout(&[verb, "--help"]).contains("Examples:"), "{verb}");
    }
}
