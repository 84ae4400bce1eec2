//! Words that mean something else than they seem to, words that mean nothing, and what the command says about itself.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use common::{USR1, line, untouched, wigwag};
use wigwag_testkit::{Deadline, Event, Puppet, Recipe};

const VERBS: [&str; 13] = [
    "send",
    "stop",
    "reload",
    "freeze",
    "thaw",
    "apply",
    "show",
    "wait",
    "list",
    "explain",
    "keys",
    "completions",
    "man",
];

#[test]
fn the_overview_names_every_verb() {
    let alone = wigwag::<&str>(&[]);
    let help = line("--help");
    help.ended(0);
    alone.ended(2);
    assert_eq!(alone.out, help.out);
    for verb in VERBS {
        help.says(&format!("\n  {verb} "));
    }
    line("--version").ended(0).says("wigwag ");
}

#[test]
fn every_verb_has_help_with_examples() {
    for verb in VERBS {
        let help = line(&format!("{verb} --help"));
        help.ended(0).says("Examples:").says("Usage: wigwag ");
        assert!(!help.out.contains('\x1b'), "colours in a pipe: {help:?}");
        assert_eq!(help.out, line(&format!("help {verb}")).out);
    }
}

#[test]
fn a_mistyped_verb_or_option_is_guessed() {
    line("sned 1").ended(2).complains("did you mean send?");
    line("xyzzy").ended(2).complains("`wigwag` lists them");
    line("-9 4242").ended(2).complains("no verb -9");
    line("send --dry-rum 4242").ended(2).complains("--dry-run");
}

#[test]
fn bad_signals_are_refused_and_nobody_is_signalled() {
    let mut puppet = Puppet::spawn(&Recipe::default());
    let pid = puppet.pid().to_string();
    for (signal, says) in [
        ("TREM", "did you mean TERM?"),
        ("SIGHPU", "did you mean HUP?"),
        ("32", "reserved by the C library"),
        ("33", "reserved by the C library"),
        ("65", "no signal"),
        ("-5", "-5"),
        ("99999999999", "no signal"),
        ("", "empty"),
        ("RTMIN+31", "real-time"),
        ("RTMAX+1", "RTMAX+1"),
    ] {
        wigwag(&["send", "-s", signal, &pid])
            .ended(2)
            .complains(says);
        wigwag(&["send", &format!("--signal={signal}"), &pid])
            .ended(2)
            .complains(says);
    }
    wigwag(&["send", "-TREM", &pid])
        .ended(2)
        .complains("did you mean TERM?");
    wigwag(&["send", "-32", &pid])
        .ended(2)
        .complains("reserved");
    wigwag(&["reload", "-s", "0", &pid])
        .ended(2)
        .complains("signal 0");
    wigwag(&["stop", "--ladder", "TREM:1s,KILL", &pid])
        .ended(2)
        .complains("did you mean TERM?");
    wigwag(&["stop", "--ladder", "TERM,KILL", &pid])
        .ended(2)
        .complains("TERM:10s");
    wigwag(&["stop", "-9", &pid])
        .ended(2)
        .complains("--ladder KILL");
    wigwag(&["send", "-s", "TERM", "-KILL", &pid])
        .ended(2)
        .complains("two signals");
    untouched(&mut puppet);
}

#[test]
fn a_mistyped_signal_never_becomes_a_term() {
    let mut puppet = Puppet::spawn(&Recipe::default());
    let pid = puppet.pid().to_string();
    wigwag(&["send", "HPU", &pid])
        .ended(1)
        .complains("did you mean HUP?");
    wigwag(&["send", "KILLL", &pid])
        .ended(1)
        .complains("did you mean KILL?");
    untouched(&mut puppet);
}

#[test]
fn a_bare_number_that_could_be_a_signal_is_asked_about() {
    let mut puppet = Puppet::spawn(&Recipe::default());
    let pid = puppet.pid().to_string();
    for number in ["9", "15", "64"] {
        wigwag(&["send", number, &pid])
            .ended(2)
            .complains(&format!("-s {number}"))
            .complains(&format!("pid:{number}"));
    }
    wigwag(&["send", "0", &pid]).ended(2).complains("-s 0");
    wigwag(&["stop", "9", &pid]).ended(2).complains("pid:9");
    untouched(&mut puppet);
}

#[test]
fn everybody_and_ones_own_group_must_be_asked_for_by_name() {
    for words in [
        "send 0",
        "send TERM 0",
        "send -s TERM pid:0",
        "stop 0",
        "freeze group:0",
    ] {
        line(words).ended(2).complains("--own-group");
    }
    for words in ["send -9 -1", "send TERM -- -1", "send -s TERM 4242 -1"] {
        line(words).ended(2).complains("--everyone");
    }
    // -1 first is HUP by number, and then somebody must follow.
    line("send -1").ended(2).complains("whom?");
}

#[test]
fn targets_that_are_none_are_refused() {
    for (word, says) in [
        ("", "empty target"),
        ("99999999999", "out of range"),
        ("pid:x", "no number"),
        ("port:0", "no port"),
        ("port:70000", "no port"),
        ("name:", "empty target"),
    ] {
        wigwag(&["send", "TERM", word]).ended(2).complains(says);
    }
    wigwag(&["send", "TERM"]).ended(2).complains("name:TERM");
    wigwag(&["send", "--name", "(", "--regex"])
        .ended(2)
        .complains("no regular expression");
    wigwag(&["send", "--user", "nobody-has-this-name"])
        .ended(2)
        .complains("no user");
    wigwag(&["send", "--state", "Q"])
        .ended(2)
        .complains("--state");
    wigwag(&["send", "--older", "soon"])
        .ended(2)
        .complains("no time");
    wigwag(&["send", "4242", "--count", "3"])
        .ended(2)
        .complains("--every");
}

#[test]
fn words_that_are_not_utf8_are_named() {
    let bad = OsStr::from_bytes(b"\xff\xfe");
    for words in [
        [OsStr::new("send"), bad],
        [bad, OsStr::new("4242")],
        [OsStr::new("show"), bad],
    ] {
        wigwag(&words).ended(2).complains("not UTF-8");
    }
    wigwag(&[
        OsStr::new("send"),
        OsStr::new("-s"),
        bad,
        OsStr::new("4242"),
    ])
    .ended(2)
    .complains("UTF-8");
    let option = OsStr::from_bytes(b"-\xff");
    wigwag(&[OsStr::new("send"), option, OsStr::new("4242")])
        .ended(2)
        .complains("UTF-8");
}

#[test]
fn every_way_to_write_a_signal_sends_it() {
    let mut puppet = Puppet::spawn(&Recipe {
        catch: vec![USR1],
        ..Recipe::default()
    });
    let pid = puppet.pid().to_string();
    for words in [
        vec!["send", "USR1", &pid],
        vec!["send", "sigusr1", &pid],
        vec!["send", "-s", "10", &pid],
        vec!["send", "-10", &pid],
        vec!["send", "-USR1", &pid],
        vec!["send", "-SIGUSR1", "--", &pid],
        vec!["send", &pid, "--signal=USR1"],
        vec!["--quiet", "send", "USR1", &format!("pid:{pid}")],
    ] {
        wigwag(&words).ended(0);
        assert!(
            puppet.wait_event(&Event::Handler(USR1), Deadline::usual()),
            "{words:?}"
        );
    }
}

#[test]
fn completions_and_pages_come_from_the_same_descriptions() {
    for shell in ["bash", "zsh", "fish"] {
        line(&format!("completions {shell}"))
            .ended(0)
            .says(&format!("completions {shell} --"));
    }
    line("completions tcsh").ended(2).complains("bash");
}

#[test]
fn the_manual_is_complete_and_clean() {
    line("man").ended(0).says(".TH WIGWAG 1").says("freeze");
    line("man send")
        .ended(0)
        .says(".TH WIGWAG-SEND 1")
        .says("\\-\\-ignore\\-missing")
        .says(".SH EXAMPLES\n.nf\nwigwag send 4242");
    line("man sned").ended(2).complains("did you mean send?");
    let dir = std::env::temp_dir().join(format!("wigwag-man-{}", std::process::id()));
    let man = || wigwag(&[OsStr::new("man"), OsStr::new("--dir"), dir.as_os_str()]);
    man().ended(5).complains("is no directory");
    assert!(!dir.exists(), "a mistyped directory was made");
    std::fs::create_dir(&dir).unwrap();
    man().ended(0);
    let pages = VERBS.iter().map(|verb| format!("wigwag-{verb}.1"));
    for page in pages.chain(["wigwag.1".to_owned()]) {
        let path = dir.join(&page);
        assert!(path.is_file(), "{page}");
        let lint = std::process::Command::new("mandoc")
            .args(["-T", "lint"])
            .arg(path)
            .output();
        match lint {
            Ok(lint) => assert!(lint.stdout.is_empty(), "{lint:?}"),
            Err(_) => eprintln!("not checked: there is no mandoc"),
        }
    }
    std::fs::remove_dir_all(dir).unwrap();
}
