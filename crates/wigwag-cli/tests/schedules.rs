//! `wigwag send` later and again and again, and what is told where that is interrupted.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use common::{Running, USR1, line, untouched};
use wigwag_testkit::{Deadline, Event, Puppet, Recipe, namespace};

fn catcher() -> Puppet {
    Puppet::spawn(&Recipe {
        catch: vec![USR1],
        ..Recipe::default()
    })
}

#[test]
fn what_was_interrupted_before_it_was_sent_is_not_sent() {
    let mut puppet = Puppet::spawn(&Recipe::default());
    let pid = puppet.pid();
    let ran = Running::start(&format!("send KILL {pid} --after 600s"))
        .watching()
        .interrupt();
    ran.ended(4).says("nothing sent").complains("interrupted");
    let ran = Running::start(&format!("send KILL {pid} --after 600s --wait=1s --json"))
        .watching()
        .interrupt();
    let report = ran.ended(4).json();
    assert_eq!(report["interrupted"], true);
    assert_eq!(report["receipts"][0]["effect"]["is"], "not_sent");
    assert_eq!(report["receipts"][0]["sent"], serde_json::json!([]));
    untouched(&mut puppet);
}

#[test]
fn a_repetition_that_is_interrupted_was_not_done_as_asked() {
    let mut puppet = catcher();
    let pid = puppet.pid();
    let running = Running::start(&format!("send USR1 {pid} --every 600s --count 5"));
    assert!(puppet.wait_event(&Event::Handler(USR1), Deadline::usual()));
    let ran = running.watching().interrupt();
    ran.ended(4).complains("interrupted");
    // One that is to go on for ever ends like this, and in no other way.
    let running = Running::start(&format!("send USR1 {pid} --every 600s --json"));
    assert!(puppet.wait_event(&Event::Handler(USR1), Deadline::usual()));
    let report = running.watching().interrupt().ended(0).json();
    assert_eq!(report["interrupted"], true);
    assert_eq!(report["receipts"][0]["sent"].as_array().unwrap().len(), 1);
    assert!(puppet.ping());
}

#[test]
fn who_ends_early_is_sent_no_more() {
    let mut puppet = Puppet::spawn(&Recipe::default());
    let ran = line(&format!(
        "send TERM {} --every 10ms --count 600",
        puppet.pid()
    ));
    ran.ended(0).says("killed by TERM");
    puppet.end();
}

/// Whoever comes into a group between two signals is judged before the next.
#[test]
fn who_joins_a_group_later_is_asked_whether_he_handles_it() {
    namespace!();
    let mut leader = catcher();
    let group = leader.pid();
    let running = Running::start(&format!(
        "send USR1 --if-handled --every 200ms --json -{group}"
    ));
    assert!(leader.wait_event(&Event::Handler(USR1), Deadline::usual()));
    let mut late = Puppet::spawn(&Recipe {
        group: Some(group),
        ..Recipe::named("late")
    });
    let mut able = Puppet::spawn(&Recipe {
        group: Some(group),
        catch: vec![USR1],
        ..Recipe::named("able")
    });
    // The group is looked at before each signal.
    leader.events();
    for _ in 0..3 {
        assert!(leader.wait_event(&Event::Handler(USR1), Deadline::usual()));
    }
    assert!(able.wait_event(&Event::Handler(USR1), Deadline::usual()));
    untouched(&mut late);
    let report = running.interrupt().ended(3).json();
    let of = |pid: i32| {
        let receipts = report["receipts"].as_array().unwrap();
        let found = receipts.iter().find(|one| one["who"]["pid"] == pid);
        found.unwrap_or_else(|| panic!("no receipt of {pid}: {report}"))
    };
    assert_eq!(of(late.pid())["effect"]["is"], "refused");
    assert_eq!(of(late.pid())["effect"]["why"]["guard"], "not_handled");
    assert_eq!(of(late.pid())["sent"], serde_json::json!([]));
    assert!(of(able.pid())["sent"].as_array().unwrap().len() >= 2);
    assert!(of(group)["sent"].as_array().unwrap().len() >= 4);
    untouched(&mut late);
}
