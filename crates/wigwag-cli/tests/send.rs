//! `wigwag send` and `wigwag reload` on real processes.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use common::{HUP, TERM, USR1, command, finish, line, untouched, wigwag};
use wigwag_testkit::{Blocking, Deadline, Event, Puppet, Recipe, change_user, namespace};

fn catcher() -> Puppet {
    Puppet::spawn(&Recipe {
        catch: vec![HUP, USR1],
        ..Recipe::default()
    })
}

#[test]
fn term_is_what_is_sent_and_the_end_is_seen() {
    let mut puppet = Puppet::spawn(&Recipe::named("victim"));
    let ran = line(&format!("send {} --wait", puppet.pid()));
    assert_eq!(
        ran.ended(0).out,
        format!("{} victim killed by TERM\n", puppet.pid())
    );
    assert_eq!(puppet.status(Deadline::usual()), Some(TERM));
}

#[test]
fn what_a_handler_does_is_inferred_and_said_so() {
    let mut puppet = catcher();
    line(&format!("send USR1 {} --wait", puppet.pid()))
        .ended(0)
        .says("handled (inferred)");
    assert!(puppet.wait_event(&Event::Handler(USR1), Deadline::usual()));
    let json = line(&format!("send USR1 {} --wait --json", puppet.pid())).json();
    assert_eq!(json["wigwag"], 1);
    assert_eq!(json["receipts"][0]["effect"]["is"], "handled");
    assert_eq!(json["receipts"][0]["evidence"], "inferred");
    assert_eq!(
        json["receipts"][0]["predicted"]["effects"][0],
        "runs_handler"
    );
    assert_eq!(
        json["receipts"][0]["pid"]
            .as_i64()
            .or(json["receipts"][0]["who"]["pid"].as_i64()),
        Some(i64::from(puppet.pid()))
    );
}

#[test]
fn signal_0_asks_and_sends_nothing() {
    let mut puppet = Puppet::spawn(&Recipe::default());
    line(&format!("send -s 0 {}", puppet.pid()))
        .ended(0)
        .says("exists");
    line(&format!("send -0 {}", puppet.pid())).ended(0);
    line(&format!("send -s 0 {} --value 3", puppet.pid()))
        .ended(2)
        .complains("no value");
    untouched(&mut puppet);
    puppet.end();
    line(&format!("send -s 0 {}", puppet.pid()))
        .ended(1)
        .complains("no process");
}

#[test]
fn a_dry_run_and_a_guard_send_nothing() {
    let mut puppet = Puppet::spawn(&Recipe::named("bystander"));
    let pid = puppet.pid();
    line(&format!("send {pid} --dry-run"))
        .ended(0)
        .says(&format!("{pid} bystander kills: "));
    line(&format!("send USR1 {pid} --if-handled"))
        .ended(3)
        .says("refused: it does not handle");
    line(&format!("reload {pid}")).ended(3).says("refused");
    line(&format!("reload {pid} --quiet"))
        .ended(3)
        .complains("refused");
    line(&format!("reload {pid} --dry-run"))
        .ended(3)
        .says("refused");
    untouched(&mut puppet);
}

#[test]
fn reload_is_for_those_that_handle_it() {
    let mut puppet = catcher();
    line(&format!("reload {} --wait", puppet.pid()))
        .ended(0)
        .says("handled");
    assert!(puppet.wait_event(&Event::Handler(HUP), Deadline::usual()));
    line(&format!("reload USR1 {}", puppet.pid())).ended(0);
    assert!(puppet.wait_event(&Event::Handler(USR1), Deadline::usual()));
}

#[test]
fn one_that_is_missing_stops_the_whole_order() {
    let mut puppet = catcher();
    let mut gone = Puppet::spawn(&Recipe::default());
    gone.end();
    let (pid, gone) = (puppet.pid(), gone.pid());
    line(&format!("send USR1 {pid} {gone}"))
        .ended(1)
        .complains(&format!("no process {gone}"));
    untouched(&mut puppet);
    line(&format!("send USR1 {pid} {gone} --ignore-missing"))
        .ended(0)
        .complains("no process");
    assert!(puppet.wait_event(&Event::Handler(USR1), Deadline::usual()));
}

#[test]
fn more_than_max_are_refused_where_nobody_can_be_asked() {
    let (mut one, mut two) = (catcher(), catcher());
    line(&format!("send USR1 {} {} --max 1", one.pid(), two.pid()))
        .ended(3)
        .complains("--max 2");
    untouched(&mut one);
    untouched(&mut two);
    line(&format!("send USR1 {} {} --max 2", one.pid(), two.pid())).ended(0);
    assert!(two.wait_event(&Event::Handler(USR1), Deadline::usual()));
}

#[test]
fn a_value_and_a_repetition_arrive() {
    let mut puppet = Puppet::spawn(&Recipe {
        sigwait: vec![40],
        catch: vec![USR1],
        ..Recipe::default()
    });
    let pid = puppet.pid();
    line(&format!("send 40 {pid}")).ended(2);
    line(&format!("send -40 {pid} --value -17 --wait"))
        .ended(0)
        .says("taken");
    assert!(puppet.wait_event(&Event::SigWait(40), Deadline::usual()));
    line(&format!(
        "send USR1 {pid} --every 20ms --count 3 --after 10ms"
    ))
    .ended(0);
    for _ in 0..3 {
        assert!(puppet.wait_event(&Event::Handler(USR1), Deadline::usual()));
    }
    let rest = puppet.events();
    assert!(rest.is_empty(), "{rest:?}");
    line(&format!("send USR1 {pid} --every 0"))
        .ended(2)
        .complains("--every");
}

#[test]
fn one_thread_may_be_meant() {
    let puppet = Puppet::spawn(&Recipe {
        workers: 1,
        block: vec![USR1],
        blocking: Blocking::WorkersOnly,
        catch: vec![USR1],
        ..Recipe::default()
    });
    let worker = wigwag_testkit::proc::threads(puppet.pid())
        .iter()
        .map(|t| t.tid)
        .find(|tid| *tid != puppet.pid())
        .unwrap();
    line(&format!("send USR1 --thread {worker}"))
        .ended(0)
        .says(&format!("{}/{worker} ", puppet.pid()))
        .says("still pending");
    line(&format!("send USR1 tid:{worker}"))
        .ended(0)
        .says("coalesced");
    line(&format!("send USR1 {worker}"))
        .ended(1)
        .complains("is a thread of process");
    line(&format!("stop tid:{worker}")).ended(3).says("refused");
}

#[test]
fn oneself_and_ones_ancestors_are_spared() {
    line(&format!("send TERM {}", std::process::id()))
        .ended(3)
        .says("--allow ancestors");
    line("send TERM pid:1").ended(3);
}

#[test]
fn names_reach_all_that_have_them() {
    namespace!();
    let recipe = Recipe {
        name: Some("choir".into()),
        catch: vec![USR1],
        ..Recipe::default()
    };
    let mut all = [
        Puppet::spawn(&recipe),
        Puppet::spawn(&recipe),
        Puppet::spawn(&recipe),
    ];
    let mut other = Puppet::spawn(&Recipe::named("soloist"));
    let ran = line("send USR1 choir");
    assert_eq!(ran.ended(0).out.lines().count(), 3, "{ran:?}");
    for puppet in &mut all {
        assert!(puppet.wait_event(&Event::Handler(USR1), Deadline::usual()));
    }
    line("send --name ^cho --regex USR1").ended(0);
    assert!(all[0].wait_event(&Event::Handler(USR1), Deadline::usual()));
    line("send USR1 --newest choir").ended(0);
    line("send USR1 chior")
        .ended(1)
        .complains("did you mean choir?");
    line("send TERM choir --handles HUP")
        .ended(1)
        .complains("choir");
    line("send USR1 choir chior").ended(1);
    line("send HPU choir")
        .ended(1)
        .complains("did you mean HUP?");
    untouched(&mut other);
}

#[test]
fn a_stranger_is_told_whose_process_it_is() {
    let mut puppet = Puppet::spawn(&Recipe::default());
    if !puppet_is_roots(&puppet) {
        println!("skipped: needs root, to become somebody else");
        return;
    }
    let mut command = command();
    command.args(["send", "TERM", &puppet.pid().to_string()]);
    change_user(&mut command, 65534);
    finish(&mut command)
        .ended(3)
        .says("denied: EPERM, it belongs to root");
    untouched(&mut puppet);
}

fn puppet_is_roots(puppet: &Puppet) -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(format!("/proc/{}", puppet.pid()))
        .unwrap()
        .uid()
        == 0
}

#[test]
fn a_zombie_is_told_from_a_living_process() {
    let mut puppet = Puppet::spawn(&Recipe::default());
    puppet.become_zombie();
    line(&format!("send TERM {} --dry-run", puppet.pid()))
        .ended(4)
        .says("nothing: it has ended");
    let ran = wigwag(&["send", "TERM", &puppet.pid().to_string()]);
    assert!(!ran.out.contains("killed"), "{ran:?}");
}

/// `--own-group` reaches wigwag too: what it did is printed before that.
#[test]
fn ones_own_group_is_reported_before_it_takes_effect() {
    // A shell that leads a session of its own, so that the group has nobody else in it. It blocks everything for a moment before it
    // waits for its child, and what it ignores is pending then: the child sends once it waits.
    let waits = "until [ \"$(awk '/^State:/ { s = $2 } /^SigBlk:/ { b = $2 } END { print s b }' /proc/$PPID/status)\" \
        = S0000000000000000 ]; do :; done";
    let script = format!(
        "trap '' TERM; sh -c '{}; exec {} send TERM --own-group'; echo $?",
        waits.replace('\'', "'\\''"),
        env!("CARGO_BIN_EXE_wigwag")
    );
    let done = std::process::Command::new("setsid")
        .args(["--wait", "sh", "-c", &script])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&done.stdout);
    assert!(text.contains(" sh ignored"), "{text}");
    let script = format!(
        "trap ':' TERM; {} send TERM --own-group; echo status $?",
        env!("CARGO_BIN_EXE_wigwag")
    );
    let done = std::process::Command::new("setsid")
        .args(["--wait", "sh", "-c", &script])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&done.stdout);
    assert!(
        text.contains(" sh ") && text.contains(" wigwag still pending"),
        "{text}"
    );
    assert!(text.contains("status 143"), "{text}");
}
