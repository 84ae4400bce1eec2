//! `wigwag send` to process groups.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use common::{NOBODY, USR1, can_be_nobody, line, line_as_nobody, untouched};
use wigwag_testkit::{Deadline, Event, Puppet, Recipe, namespace, proc};

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

/// No call to a group carries a value.
#[test]
fn a_value_goes_to_one_after_the_other() {
    let mut leader = Puppet::spawn(&Recipe {
        orphaned: true,
        catch: vec![USR1],
        ..Recipe::default()
    });
    let ran = line(&format!(
        "send USR1 --value 7 group:{} --json",
        leader.pid()
    ));
    let report = ran.ended(0).json();
    assert!(
        report["notes"][0].to_string().contains("carries a value"),
        "{report}"
    );
    assert_eq!(report["receipts"][0]["sent"][0]["through"], "pidfd");
    assert!(leader.wait_event(&Event::Handler(USR1), Deadline::usual()));
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

/// One call reaches those of a group that are ours; the others are told from them.
#[test]
fn who_in_a_group_is_not_ours_is_denied() {
    namespace!();
    if !can_be_nobody() {
        return;
    }
    let roots = Recipe {
        catch: vec![USR1],
        ..Recipe::named("roots")
    };
    let nobodys = Recipe {
        user: Some(NOBODY),
        catch: vec![USR1],
        ..Recipe::named("nobodys")
    };
    for (leader, member) in [(&roots, &nobodys), (&nobodys, &roots)] {
        let mut leader = Puppet::spawn(leader);
        let mut member = Puppet::spawn(&Recipe {
            group: Some(leader.pid()),
            ..member.clone()
        });
        let group = leader.pid();
        let (root, nobody) = match proc::name(leader.pid()).unwrap().as_str() {
            "roots" => (&mut leader, &mut member),
            _ => (&mut member, &mut leader),
        };
        for words in ["", "--wait=20ms", "--every 20ms --count 2"] {
            let ran = line_as_nobody(&format!("send USR1 {words} -{group}"));
            ran.ended(3).says(&format!(
                "{} roots denied: EPERM, it belongs to root",
                root.pid()
            ));
            let of_nobody = ran.out.lines().find(|line| line.contains(" nobodys "));
            assert!(
                of_nobody.is_some_and(|line| !line.contains("denied")),
                "{ran:?}"
            );
            assert!(nobody.wait_event(&Event::Handler(USR1), Deadline::usual()));
        }
        untouched(root);
    }
}
