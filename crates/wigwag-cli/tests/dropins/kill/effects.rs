//! The forms that send, beside procps: status, output and what the signal did.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use wigwag_testkit::{Puppet, Recipe, namespace};

use super::on_puppet;
use crate::compare::{Said, finish, ours, real};

/// Words, and the signal that they send. procps and ours do the same.
const ALIKE: &[(&str, i32)] = &[
    ("PID", 15),
    ("-- PID", 15),
    ("-TERM PID", 15),
    ("-SIGTERM PID", 15),
    ("-15 PID", 15),
    ("-term PID", 15),
    ("-TERM -- PID", 15),
    ("-s TERM PID", 15),
    ("-s SIGTERM PID", 15),
    ("-s term PID", 15),
    ("-s 15 PID", 15),
    ("-s TERM -- PID", 15),
    ("-sTERM PID", 15),
    ("-s15 PID", 15),
    ("--signal TERM PID", 15),
    ("--signal=TERM PID", 15),
    ("--signal=15 PID", 15),
    ("--sig TERM PID", 15),
    ("--si=15 PID", 15),
    ("-HUP PID", 1),
    ("-1 PID", 1),
    ("-s 1 PID", 1),
    ("-INT PID", 2),
    ("-QUIT PID", 3),
    ("-9 PID", 9),
    ("-KILL PID", 9),
    ("-IOT PID", 6),
    ("-CLD PID", 17),
    ("-POLL PID", 29),
    ("-IO PID", 29),
    ("-STOP PID", 19),
    ("-TSTP PID", 20),
    ("-CONT PID", 18),
    ("-WINCH PID", 28),
    ("-RTMIN PID", 34),
    ("-RTMIN+3 PID", 37),
    ("-64 PID", 64),
    ("-34 PID", 34),
    ("-USR1 -q 42 PID", 10),
    ("-q 42 -USR1 PID", 10),
    ("-USR1 --queue 42 PID", 10),
    ("-USR1 --queue=42 PID", 10),
    ("-USR1 -q42 PID", 10),
    ("-0 PID", 15),
    ("-s 0 PID", 15),
    ("-s EXIT PID", 15),
    ("+PID", 15),
];

#[test]
fn what_is_sent_and_what_it_does() {
    if real("kill").is_none() {
        return;
    }
    for &(words, signal) in ALIKE {
        let handled = Recipe {
            catch: vec![1, 2, 10, 15, 28, 34, 37],
            ..Recipe::named("handled")
        };
        let deaf = Recipe {
            ignore: vec![1, 15],
            block: vec![2, 10, 34],
            ..Recipe::named("deaf")
        };
        for recipe in [Recipe::named("plain"), handled, deaf] {
            let theirs = on_puppet(real("kill").unwrap(), words, &recipe, signal);
            let said = on_puppet(ours("kill"), words, &recipe, signal);
            assert_eq!(
                said, theirs,
                "kill {words} of {recipe:?}: ours is on the left"
            );
        }
    }
}

/// What a process that waits for a signal with `wigwag catch` says of it, without the time and who sent it.
fn caught(mut tool: Command, words: &str) -> String {
    let mut catcher = Command::new(env!("CARGO_BIN_EXE_wigwag"));
    catcher.args([
        "catch",
        "USR1",
        "RTMIN+1",
        "--count",
        "1",
        "--timeout",
        "20s",
    ]);
    let mut catcher = catcher
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Its first line comes once it waits.
    let mut first = String::new();
    let mut lines = std::io::BufReader::new(catcher.stderr.take().unwrap());
    std::io::BufRead::read_line(&mut lines, &mut first).unwrap();
    let pid = catcher.id().to_string();
    let said = finish(tool.args(words.replace("PID", &pid).split_whitespace()));
    assert_eq!(
        (said.status, said.out + &said.err),
        (0, String::new()),
        "{words}"
    );
    let done = catcher.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let (signal, rest) = text.split_once(" from pid ").expect(&text);
    let how = rest.split_once(" by ").expect(&text).1;
    let how = how.split(['[', '\n']).next().unwrap();
    format!(
        "{} {}",
        signal.split_whitespace().next_back().unwrap(),
        how.trim()
    )
}

#[test]
fn values_arrive() {
    for words in [
        "-USR1 PID",
        "-USR1 -q 42 PID",
        "-q -2147483648 -s USR1 PID",
        "--queue=2147483647 -RTMIN+1 PID",
    ] {
        let said = caught(ours("kill"), words);
        if let Some(real) = real("kill") {
            assert_eq!(
                said,
                caught(real, words),
                "kill {words}: ours is on the left"
            );
        }
    }
    assert_eq!(
        caught(ours("kill"), "-USR1 -q 42 PID"),
        "USR1 sigqueue, value 42"
    );
    // util-linux sends the value 1 here, whatever was asked for: its manual says that the two can be combined.
    let words = "-USR1 -q 42 --timeout 1 USR1 PID";
    assert_eq!(caught(ours("kill"), words), "USR1 sigqueue, value 42");
}

/// The words to a group, and to everyone: what they do to two in the group and one outside it.
#[test]
fn groups_and_everyone() {
    namespace!();
    let Some(_) = real("kill") else { return };
    // Where procps reads the number as a signal, or loses it, it gets words that mean to it what ours mean by POSIX.
    let cases = [
        ("-TERM -- -GROUP", None),
        ("-s TERM -- -GROUP", None),
        ("-15 -- -GROUP", None),
        ("-- -GROUP", None),
        ("-s TERM -GROUP", Some("-s TERM -- -GROUP")),
        ("-TERM -GROUP", Some("-TERM -- -GROUP")),
        ("-15 -GROUP", Some("-15 -- -GROUP")),
        ("-0 -- -GROUP", None),
        ("-s 0 -- -GROUP", None),
        ("-TERM -- -99999", None),
        ("-TERM -- -1", None),
        ("-- -1", Some("-TERM -- -1")),
        ("-s TERM -- -1", Some("-TERM -- -1")),
        ("-s TERM -1", Some("-TERM -- -1")),
        ("-0 -- -1", None),
        ("-0 -1", Some("-0 -- -1")),
        ("-s 0 0", None),
        ("-- 0", None),
        ("-TERM 0", None),
    ];
    for (words, theirs) in cases {
        let run = |mut tool: Command, words: &str| {
            // procps reads the number of a group below 94 as a signal.
            let mut leader = Puppet::spawn_as(300, &Recipe::named("leader"));
            let group = Some(leader.pid());
            let mut member = Puppet::spawn(&Recipe {
                group,
                ..Recipe::named("member")
            });
            let mut other = Puppet::spawn(&Recipe::named("other"));
            // kill is in that group too, so that 0 means it; -1 must not reach the test.
            let words = words.replace("GROUP", &leader.pid().to_string());
            let everyone = words.ends_with(" -1") && !words.contains('0');
            let Said { status, out, .. } = match everyone {
                true => spared(&mut tool, &words),
                false => {
                    tool.process_group(leader.pid());
                    finish(tool.args(words.split_whitespace()))
                }
            };
            let seen = [&mut leader, &mut member, &mut other].map(|puppet| puppet.observe(15));
            (status, out, seen)
        };
        let said = run(ours("kill"), words);
        let theirs = run(real("kill").unwrap(), theirs.unwrap_or(words));
        assert_eq!(said, theirs, "kill {words}: ours is on the left");
    }
}

/// The same where this test must survive it: TERM is ignored here meanwhile, which the tool inherits, and process 1 is spared anyway.
fn spared(tool: &mut Command, words: &str) -> Said {
    wigwag::disposition::ignore(wigwag::Signal::TERM).unwrap();
    let said = finish(tool.args(words.split_whitespace()));
    wigwag::disposition::default(wigwag::Signal::TERM).unwrap();
    said
}
