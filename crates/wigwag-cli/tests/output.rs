//! Where the answer goes: pipes that are closed, disks that are full, terminals that are narrow.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::fs::OpenOptions;
use std::process::{Command, Stdio};

use common::{USR1, command, finish, line, untouched};
use wigwag_testkit::{Deadline, Event, Puppet, Recipe};

fn catcher() -> Puppet {
    Puppet::spawn(&Recipe {
        catch: vec![USR1],
        ..Recipe::default()
    })
}

#[test]
fn a_full_disk_is_an_error_after_the_work_is_done() {
    let mut puppet = catcher();
    let full = || Stdio::from(OpenOptions::new().write(true).open("/dev/full").unwrap());
    let pid = puppet.pid().to_string();
    finish(command().args(["send", "USR1", &pid]).stdout(full()))
        .ended(5)
        .complains("No space left on device");
    assert!(puppet.wait_event(&Event::Handler(USR1), Deadline::usual()));
    finish(command().args(["list"]).stdout(full()))
        .ended(5)
        .complains("No space left");
    finish(
        command()
            .args(["send", "USR1", &pid, "--quiet"])
            .stdout(full()),
    )
    .ended(0);
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let mut puppet = catcher();
    let pid = puppet.pid().to_string();
    for (words, code) in [
        (vec!["send", "USR1", &pid], 0),
        (vec!["send", "HUP", &pid, "--if-handled"], 3),
        (vec!["list", "--long"], 0),
        (vec!["send", "--help"], 0),
        (vec!["show", &pid, "--json"], 0),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran = finish(command().args(&words).stdout(writer));
        assert_eq!((ran.code, ran.err.as_str()), (code, ""), "{words:?}");
    }
    assert!(puppet.wait_event(&Event::Handler(USR1), Deadline::usual()));
}

#[test]
fn quiet_says_nothing_and_json_says_one_document() {
    let puppet = catcher();
    let pid = puppet.pid();
    for words in [
        format!("send USR1 {pid} -q"),
        format!("-q send USR1 {pid}"),
        format!("send -0 {pid} --quiet"),
    ] {
        let ran = line(&words);
        assert_eq!(
            (ran.code, ran.out.as_str(), ran.err.as_str()),
            (0, "", ""),
            "{words}"
        );
    }
    for words in [
        format!("send USR1 {pid}"),
        format!("show {pid}"),
        format!("stop {pid} -n"),
        "list".into(),
        "explain 137".into(),
    ] {
        line(&format!("{words} --json")).ended(0).json();
        line(&format!("--json {words}")).ended(0).json();
    }
}

/// Standard output on a terminal of 80 columns, by script(1) of util-linux.
fn on_a_terminal(words: &str, before: &str) -> String {
    on_one_of(80, words, before)
}

fn on_one_of(columns: usize, words: &str, before: &str) -> String {
    let wigwag = env!("CARGO_BIN_EXE_wigwag");
    let line = format!("stty cols {columns} rows 24; {before} {wigwag} {words}");
    let out = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .stdin(Stdio::null())
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .output()
        .unwrap();
    String::from_utf8(out.stdout).unwrap().replace("\r\n", "\n")
}

#[test]
fn a_terminal_gets_tables_that_fit() {
    let mut puppet = Puppet::spawn(&Recipe {
        name: Some("wide\x1b[2Jname".into()),
        workers: 2,
        catch: vec![USR1],
        block: vec![12, 40],
        ..Recipe::default()
    });
    let pid = puppet.pid();
    for words in [
        String::new(),
        "--help".into(),
        "send --help".into(),
        format!("show {pid}"),
        format!("show {pid} --all"),
        format!("show {pid} --signal USR2"),
        format!("send USR1 {pid} --wait"),
        format!("stop {pid} --dry-run"),
        "tour".into(),
    ] {
        let plain = on_a_terminal(&words, "NO_COLOR=1");
        assert!(!plain.contains('\x1b'), "{words}: {plain:?}");
        for line in plain.lines() {
            assert!(
                line.chars().count() <= 80,
                "{words}: {line:?} is wider than the terminal"
            );
        }
        assert!(plain.lines().count() > 1, "{words}: {plain}");
    }
    let coloured = on_a_terminal(&format!("show {pid}"), "");
    assert!(
        coloured.contains("\x1b[1m") && !coloured.contains("\x1b[2J"),
        "{coloured:?}"
    );
    assert!(puppet.ping());
}

#[test]
fn progress_names_who_is_still_there() {
    let puppet = Puppet::spawn(&Recipe {
        name: Some("stubborn".into()),
        ignore: vec![15],
        ..Recipe::default()
    });
    let shown = on_a_terminal(
        &format!("stop {} --ladder TERM:900ms,KILL", puppet.pid()),
        "",
    );
    assert!(shown.contains("1 of 1 still there after"), "{shown:?}");
    assert!(shown.contains("TERM sent, KILL in"), "{shown:?}");
    assert!(
        shown.contains("stubborn") && shown.contains("killed by KILL"),
        "{shown:?}"
    );
}

#[test]
fn too_many_are_asked_about_on_a_terminal() {
    let (mut one, mut two) = (catcher(), catcher());
    let words = format!("send USR1 {} {} --max 1", one.pid(), two.pid());
    // script(1) gives end-of-file where nobody answers.
    let shown = on_a_terminal(&words, "");
    assert!(
        shown.contains("more than --max 1") && shown.contains("[y/N]"),
        "{shown:?}"
    );
    untouched(&mut one);
    untouched(&mut two);
}

#[test]
fn a_narrow_terminal_breaks_no_word() {
    let puppet = Puppet::spawn(&Recipe {
        catch: vec![USR1],
        block: vec![12],
        ..Recipe::named("narrow")
    });
    let pid = puppet.pid();
    for columns in [40, 60] {
        for words in [
            format!("show {pid}"),
            format!("show {pid} -s USR1"),
            format!("send -n USR1 {pid}"),
            format!("send USR1 {pid} --wait"),
        ] {
            let shown = on_one_of(columns, &words, "NO_COLOR=1");
            for line in shown.lines() {
                assert!(line.chars().count() <= columns, "{words}: {line:?}");
            }
            let broken = ["BLOCKE\n", "handle\n", "defaul\n", "EFFEC\n", " r\n"];
            assert!(!broken.iter().any(|part| shown.contains(part)), "{shown}");
            let whole = shown
                .split_whitespace()
                .any(|word| word == "handler" || word == "handled");
            assert!(whole, "{shown}");
        }
    }
}

#[test]
fn help_in_a_pipe_has_80_columns() {
    let verbs = [
        "send",
        "stop",
        "reload",
        "freeze",
        "thaw",
        "apply",
        "show",
        "wait",
        "catch",
        "list",
        "explain",
        "keys",
        "tour",
        "completions",
        "man",
    ];
    for verb in verbs {
        let ran = line(&format!("{verb} --help"));
        ran.ended(0).says("Usage:").says("Examples:");
        for text in ran.out.lines() {
            assert!(text.chars().count() <= 80, "{verb}: {text}");
        }
    }
    let overview = line("--help");
    assert!(verbs.iter().all(|verb| overview.out.contains(verb)));
    assert!(overview.out.lines().all(|text| text.chars().count() <= 80));
}
