//! `wigwag show` on real processes.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use common::{HUP, TERM, USR1, finish, line, untouched};
use wigwag_testkit::{Blocking, Puppet, Recipe};

#[test]
fn in_a_pipe_every_signal_is_a_line() {
    let mut puppet = Puppet::spawn(&Recipe {
        name: Some("a b".into()),
        catch: vec![HUP],
        ignore: vec![TERM],
        block: vec![USR1],
        ..Recipe::default()
    });
    let pid = puppet.pid();
    let ran = line(&format!("show {pid}"));
    assert_eq!(ran.ended(0).out.lines().count(), 62);
    for expected in [
        format!("{pid} a\\x20b HUP caught - - runs its handler\n"),
        format!("{pid} a\\x20b TERM ignored - - ignored\n"),
        format!("{pid} a\\x20b USR1 default blocked - stays pending\n"),
        format!("{pid} a\\x20b KILL default - - kills\n"),
    ] {
        ran.says(&expected);
    }
    untouched(&mut puppet);
    puppet.kill(USR1).unwrap();
    line(&format!("show {pid} -s USR1"))
        .ended(0)
        .says("USR1 default blocked pending coalesces");
    assert_eq!(
        line(&format!("show -USR1 {pid}"))
            .ended(0)
            .out
            .lines()
            .count(),
        1
    );
}

#[test]
fn threads_that_differ_are_told_apart() {
    let puppet = Puppet::spawn(&Recipe {
        workers: 2,
        block: vec![USR1],
        blocking: Blocking::WorkersOnly,
        ..Recipe::default()
    });
    let json = line(&format!("show {} --json --signal USR1", puppet.pid())).json();
    let one = &json["processes"][0];
    let row = &one["signals"][0];
    let (blocked, threads) = (
        row["blocked_in"].as_i64().unwrap(),
        row["threads"].as_i64().unwrap(),
    );
    assert!(blocked >= 2 && blocked < threads, "{row}");
    assert_eq!(row["predicted"]["effects"][0], "kills");
    assert_eq!(
        one["view"]["threads"].as_array().unwrap().len() as i64,
        threads
    );
    assert!(one["open_files"].as_i64().unwrap() > 1, "{one}");
    line(&format!("show {} -s USR1", puppet.pid()))
        .ended(0)
        .says(&format!(" {blocked}/{threads} "));
}

#[test]
fn who_is_missing_is_said_and_the_others_are_shown() {
    let puppet = Puppet::spawn(&Recipe::default());
    let mut gone = Puppet::spawn(&Recipe::default());
    gone.end();
    line(&format!("show {} {}", puppet.pid(), gone.pid()))
        .ended(1)
        .says("TERM")
        .complains("no process");
    for (words, says) in [("HUP", "-s HUP"), ("term", "-s TERM")] {
        for verb in ["show", "send -0"] {
            line(&format!("{verb} {} {words}", puppet.pid()))
                .ended(1)
                .complains(says);
        }
    }
    line("show -s 0 1").ended(2).complains("signal 0");
    line("show").ended(2).complains("whom?");
}

/// Each process that is looked at costs a descriptor; the soft limit is raised, as the verbs that signal do.
#[test]
fn the_soft_limit_of_open_files_is_raised() {
    let puppets: Vec<Puppet> = (0..40).map(|_| Puppet::spawn(&Recipe::default())).collect();
    let pids: Vec<String> = puppets.iter().map(|p| p.pid().to_string()).collect();
    let script = format!(
        "ulimit -Sn 30; exec {} show -s TERM {}",
        env!("CARGO_BIN_EXE_wigwag"),
        pids.join(" ")
    );
    let ran = finish(std::process::Command::new("sh").args(["-c", &script]));
    assert_eq!(ran.ended(0).out.lines().count(), puppets.len());
}
