//! `wigwag stop` and `wigwag wait` on real processes.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::process::Stdio;

use common::{TERM, command, line, untouched};
use wigwag_testkit::{Deadline, Event, Puppet, Recipe, kill};

fn stubborn() -> Puppet {
    Puppet::spawn(&Recipe {
        name: Some("stubborn".into()),
        ignore: vec![TERM],
        ..Recipe::default()
    })
}

#[test]
fn who_ends_when_asked_is_not_killed() {
    let mut puppet = Puppet::spawn(&Recipe::default());
    line(&format!("stop {}", puppet.pid()))
        .ended(0)
        .says("killed by TERM");
    assert_eq!(puppet.status(Deadline::usual()), Some(TERM));
}

#[test]
fn who_does_not_is_killed_at_last() {
    let (mut one, two) = (stubborn(), Puppet::spawn(&Recipe::default()));
    let ran = line(&format!(
        "stop {} {} --ladder TERM:100ms,KILL",
        one.pid(),
        two.pid()
    ));
    ran.ended(0)
        .says(&format!("{} stubborn killed by KILL\n", one.pid()))
        .says(&format!("{} ", two.pid()));
    assert!(ran.out.contains("killed by TERM"), "{ran:?}");
    assert_eq!(one.status(Deadline::usual()), Some(9));
}

#[test]
fn a_ladder_without_kill_leaves_them_there() {
    let mut puppet = stubborn();
    line(&format!("stop {} --ladder TERM:100ms", puppet.pid()))
        .ended(4)
        .says("still there");
    untouched(&mut puppet);
}

#[test]
fn ctrl_c_ends_the_waiting_and_the_report_is_printed() {
    let mut puppet = Puppet::spawn(&Recipe {
        catch: vec![TERM],
        ..Recipe::default()
    });
    let child = command()
        .args([
            "stop",
            "--ladder",
            "TERM:600s,KILL",
            &puppet.pid().to_string(),
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(puppet.wait_event(&Event::Handler(TERM), Deadline::usual()));
    kill(i32::try_from(child.id()).unwrap(), 2).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(4));
    let (out, err) = (
        String::from_utf8(ended.stdout).unwrap(),
        String::from_utf8(ended.stderr).unwrap(),
    );
    assert!(out.starts_with(&puppet.pid().to_string()), "{out}{err}");
    assert!(err.contains("interrupted"), "{out}{err}");
    assert!(puppet.ping());
}

#[test]
fn waiting_ends_with_the_processes() {
    let (mut one, two) = (
        Puppet::spawn(&Recipe::default()),
        Puppet::spawn(&Recipe::default()),
    );
    line(&format!("wait {} --timeout 50ms", one.pid()))
        .ended(4)
        .says("still there");
    let words = [
        "wait".to_owned(),
        one.pid().to_string(),
        two.pid().to_string(),
        "--any".to_owned(),
    ];
    let child = command()
        .args(&words)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let watching = |link: std::path::PathBuf| link.to_string_lossy().contains("eventpoll");
    Deadline::usual().wait_for("it to watch", || {
        let fds = std::fs::read_dir(format!("/proc/{}/fd", child.id())).ok()?;
        fds.flatten()
            .any(|fd| std::fs::read_link(fd.path()).is_ok_and(watching))
            .then_some(())
    });
    one.end();
    let ended = child.wait_with_output().unwrap();
    let out = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(ended.status.code(), Some(0), "{out}");
    assert!(
        out.contains("killed by KILL") || out.contains("ended"),
        "{out}"
    );
    line(&format!("wait {}", one.pid()))
        .ended(1)
        .complains("no process");
}
