//! `wigwag reload` where the signal is blocked, or was pending before.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use common::{HUP, Running, line};
use wigwag_testkit::{Deadline, Event, Puppet, Recipe, proc};

fn busy() -> Puppet {
    Puppet::spawn(&Recipe {
        catch: vec![HUP],
        block: vec![HUP],
        ..Recipe::default()
    })
}

#[test]
fn what_is_pending_before_and_after_was_not_taken() {
    let puppet = busy();
    let words = format!("reload {} --wait=50ms", puppet.pid());
    line(&words).ended(4).says("still pending");
    line(&words)
        .ended(4)
        .says("coalesced with one already pending");
    assert!(proc::pending(puppet.pid(), HUP));
}

#[test]
fn what_is_taken_during_the_watch_was_taken() {
    for pending_before in [false, true] {
        let mut puppet = busy();
        if pending_before {
            puppet.kill(HUP).unwrap();
        }
        let running = Running::start(&format!("reload {} --wait=600s", puppet.pid())).watching();
        puppet.unblock(HUP);
        running.finish().ended(0).says("handled (inferred)");
        assert!(puppet.wait_event(&Event::Handler(HUP), Deadline::usual()));
    }
}

/// Without `--wait` it is watched for two seconds.
#[test]
fn a_reload_is_watched_by_itself() {
    let mut puppet = busy();
    let running = Running::start(&format!("reload {}", puppet.pid())).watching();
    let ran = running.interrupt();
    ran.ended(4).says("still pending").complains("interrupted");
    puppet.unblock(HUP);
    assert!(puppet.wait_event(&Event::Handler(HUP), Deadline::usual()));
}
