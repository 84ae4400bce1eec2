//! What must not be signalled, and orders that are refused before anything is sent.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::ffi::OsStringExt;
use std::process::Command;

use common::{NOBODY, TERM, USR1, can_be_nobody, line, line_as_nobody, untouched, wigwag};
use wigwag_testkit::{Deadline, Event, Puppet, Recipe, namespace, namespace::unique, proc};

fn catcher() -> Puppet {
    Puppet::spawn(&Recipe {
        catch: vec![USR1],
        ..Recipe::named("catcher")
    })
}

/// One call to everyone would reach those that a guard refuses.
#[test]
fn everyone_means_those_that_handle_it_where_that_is_asked() {
    namespace!();
    let (mut with, mut without) = (catcher(), Puppet::spawn(&Recipe::named("bystander")));
    let plan = line("send USR1 --everyone --if-handled --dry-run");
    plan.ended(3)
        .says(&format!("{} bystander refused", without.pid()));
    let ran = line("send USR1 --everyone --if-handled --wait");
    ran.ended(3)
        .says(&format!("{} bystander refused: it does not", without.pid()))
        .says(&format!("{} catcher handled", with.pid()));
    assert!(with.wait_event(&Event::Handler(USR1), Deadline::usual()));
    untouched(&mut without);
}

#[test]
fn everyone_is_asked_one_by_one_whether_he_may_be_signalled() {
    namespace!();
    if !can_be_nobody() {
        return;
    }
    let mut roots = Puppet::spawn(&Recipe::named("roots"));
    let mut nobodys = Puppet::spawn(&Recipe {
        user: Some(NOBODY),
        ..Recipe::named("nobodys")
    });
    line_as_nobody("send -s 0 --everyone")
        .ended(3)
        .says(&format!("{} roots denied: EPERM", roots.pid()))
        .says(&format!("{} nobodys exists", nobodys.pid()));
    untouched(&mut roots);
    untouched(&mut nobodys);
}

#[test]
fn a_thread_is_meant_alone() {
    let mut puppet = Puppet::spawn(&Recipe {
        workers: 1,
        ..Recipe::default()
    });
    let pid = puppet.pid();
    let worker = proc::threads(pid)
        .iter()
        .find_map(|thread| (thread.tid != pid).then_some(thread.tid))
        .unwrap();
    for words in [
        format!("send TERM {pid} --thread {worker}"),
        format!("send TERM --thread {worker} {pid}"),
        format!("send TERM --thread {worker} tid:{worker}"),
    ] {
        line(&words).ended(2).complains("--thread says whom");
    }
    untouched(&mut puppet);
}

#[test]
fn a_word_that_could_be_a_time_or_a_signal_is_asked_about() {
    let mut puppet = catcher();
    let pid = puppet.pid();
    for words in [
        format!("send USR1 {pid} --wait 30"),
        format!("send USR1 --wait 30 {pid}"),
        format!("reload USR1 {pid} --wait 2s"),
    ] {
        line(&words).ended(2).complains("--wait=");
    }
    line(&format!("send -65 {pid}"))
        .ended(2)
        .complains("group:65");
    untouched(&mut puppet);
    line(&format!("send USR1 {pid} --wait=30"))
        .ended(0)
        .says("handled");
    assert!(puppet.wait_event(&Event::Handler(USR1), Deadline::usual()));
}

#[test]
fn a_plan_of_too_many_is_shown_with_a_remark() {
    let (mut one, mut two) = (catcher(), catcher());
    let words = format!("send TERM {} {} --max 1", one.pid(), two.pid());
    for dry in ["-n", "--dry-run"] {
        let ran = line(&format!("{words} {dry}"));
        ran.ended(3)
            .complains("more than --max 1")
            .complains("--max 2");
        assert_eq!(ran.out.matches("runs its handler").count(), 0, "{ran:?}");
        assert_eq!(ran.out.matches("catcher kills").count(), 2, "{ran:?}");
    }
    let plan = line(&format!("{words} -n --json")).ended(3).json();
    assert_eq!(plan["entries"].as_array().unwrap().len(), 2);
    untouched(&mut one);
    untouched(&mut two);
}

/// Removed when dropped.
struct Path(OsString);

impl Drop for Path {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// JSON has no word for a path that is not UTF-8. That is said before the signal, not after it.
#[test]
fn what_cannot_be_reported_is_not_done() {
    namespace!();
    let mut path = std::env::temp_dir().into_os_string().into_vec();
    path.extend(format!("/{}-", unique("guards")).bytes());
    path.push(0xff);
    let path = Path(OsString::from_vec(path));
    File::create(&path.0).unwrap();
    // It dies with the namespace at the latest.
    let mut reader = Command::new("env")
        .args(["--block-signal=TERM", "sleep", "600"])
        .stdin(File::open(&path.0).unwrap())
        .spawn()
        .unwrap();
    let pid = i32::try_from(reader.id()).unwrap();
    Deadline::usual().wait_for("sleep to run", || {
        (proc::name(pid)? == "sleep").then_some(())
    });
    let mut target = OsString::from("file:");
    target.push(&path.0);
    for more in ["--json", "--json --dry-run", "--dry-run"] {
        let mut words: Vec<OsString> = vec!["send".into(), "TERM".into(), target.clone()];
        words.extend(more.split(' ').map(OsString::from));
        let ran = wigwag(&words);
        if more.contains("json") {
            ran.ended(2).complains("not UTF-8");
        } else {
            ran.ended(0).says(&format!("{pid} sleep stays pending"));
        }
    }
    assert!(!proc::pending(pid, TERM));
    reader.kill().unwrap();
    reader.wait().unwrap();
}

/// One in it is protected, so that it is left alone as a whole by every verb.
#[test]
fn a_group_with_a_protected_one_is_left_alone() {
    namespace!();
    // A shell in a group of its own, with a process beside it: it starts the command, and is protected.
    for verb in ["send TERM", "stop", "freeze", "thaw"] {
        let script = format!(
            "sleep 1000 >/dev/null 2>&1 & {} {verb} group:$$; echo $? $!",
            env!("CARGO_BIN_EXE_wigwag")
        );
        let out = Command::new("setsid")
            .args(["--wait", "sh", "-c", &script])
            .output()
            .unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        let (code, pid) = text.lines().last().unwrap().split_once(' ').unwrap();
        assert_eq!(code, "3", "{verb}: {text}");
        // The child may not be `sleep` by name yet.
        let refused = |line: &str| {
            line.starts_with(&format!("{pid} "))
                && line.contains("refused: its group is signalled as one")
        };
        assert!(text.lines().any(refused), "{verb}: {text}");
        let pid: i32 = pid.parse().unwrap();
        Deadline::usual().wait_for("sleep", || (proc::state(pid) == Some('S')).then_some(()));
        line(&format!("stop {pid} --ladder KILL")).ended(0);
    }
}

/// The guard of a saved plan is the one that was asked for.
#[test]
fn a_saved_plan_of_too_many_is_refused() {
    let (mut one, mut two) = (catcher(), catcher());
    let plan = line(&format!(
        "send USR1 {} {} --max 1 -n --json",
        one.pid(),
        two.pid()
    ));
    assert_eq!(plan.json()["order"]["guards"]["max"], 1);
    let apply = |more: &[&str]| common::apply(&plan.out, more);
    apply(&[]).ended(3).complains("more than --max 1");
    apply(&["--dry-run"]).ended(3).says("runs its handler");
    untouched(&mut one);
    untouched(&mut two);
    apply(&["--max", "2"]).ended(0);
    for puppet in [&mut one, &mut two] {
        assert!(puppet.wait_event(&Event::Handler(USR1), Deadline::usual()));
    }
}

/// Nothing can be done to a zombie that only its name has chosen, and nothing was left undone.
#[test]
fn zombies_that_a_name_chooses_are_left_out() {
    namespace!();
    let mut dead = catcher();
    let mut alive = catcher();
    dead.become_zombie();
    let ran = line("send USR1 catcher --wait");
    ran.ended(0).complains("left out: 1 zombie");
    assert_eq!(ran.out.lines().count(), 1, "{ran:?}");
    assert!(alive.wait_event(&Event::Handler(USR1), Deadline::usual()));
    line(&format!("send USR1 {}", dead.pid()))
        .ended(4)
        .says("gone before");
    line("send USR1 catcher --state Z")
        .ended(4)
        .says("gone before");
}

#[test]
fn an_empty_name_and_a_target_beside_everyone_choose_nobody() {
    namespace!();
    let mut puppet = catcher();
    let pid = puppet.pid().to_string();
    for words in [
        &["send", "USR1", "--full", "--name", ""][..],
        &["send", "USR1", "--regex", "--name", ""],
        &["send", "USR1", "--everyone", &pid],
        &["send", "USR1", "--own-group", &pid],
    ] {
        wigwag(words).ended(2);
    }
    untouched(&mut puppet);
}
