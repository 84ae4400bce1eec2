//! `wigwag send` to process groups.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use common::{USR1, line};
use wigwag_testkit::{Deadline, Event, Puppet, Recipe};

#[test]
fn a_group_gets_it_at_once() {
    let mut puppet = Puppet::spawn(&Recipe {
        orphaned: true,
        catch: vec![USR1],
        ..Recipe::default()
    });
    line(&format!("send USR1 -{}", puppet.pid())).ended(0);
    assert!(puppet.wait_event(&Event::Handler(USR1), Deadline::usual()));
    line(&format!("send USR1 group:{}", puppet.pid())).ended(0);
    assert!(puppet.wait_event(&Event::Handler(USR1), Deadline::usual()));
}

/// kill(-PGID) could reach another group of that number: each is signalled through its own descriptor, and that is said.
#[test]
fn a_group_without_a_leader_gets_it_one_by_one() {
    let mut leader = Puppet::spawn(&Recipe::default());
    let group = leader.pid();
    let member = Recipe {
        group: Some(group),
        catch: vec![USR1],
        ..Recipe::default()
    };
    let mut members = [Puppet::spawn(&member), Puppet::spawn(&member)];
    let ran = line(&format!("send USR1 group:{group} --json"));
    assert_eq!(
        ran.ended(0).json()["receipts"][1]["sent"][0]["through"],
        "pidfd_group"
    );
    // The leader has ended by it; collected, it is no more in the group.
    leader.end();
    for puppet in &mut members {
        assert!(puppet.wait_event(&Event::Handler(USR1), Deadline::usual()));
    }
    let plan = line(&format!("send USR1 group:{group} --dry-run --json"));
    let note = plan.ended(0).json()["notes"][0].to_string();
    assert!(note.contains("one process after the other"), "{note}");
    let ran = line(&format!("send USR1 group:{group} --json"));
    let report = ran.ended(0).json();
    assert_eq!(report["receipts"].as_array().unwrap().len(), 2);
    assert_eq!(report["receipts"][0]["sent"][0]["through"], "pidfd");
    for puppet in &mut members {
        assert!(puppet.wait_event(&Event::Handler(USR1), Deadline::usual()));
    }
}
