//! `wigwag apply`: plans that were saved.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use common::{TERM, USR1, apply, line, untouched};
use wigwag_testkit::{Deadline, Event, Puppet, Recipe, namespace};

#[test]
fn a_plan_is_carried_out_later() {
    let mut puppet = Puppet::spawn(&Recipe {
        catch: vec![USR1],
        ..Recipe::default()
    });
    let plan = line(&format!("send USR1 {} --dry-run --json", puppet.pid()));
    assert_eq!(
        plan.ended(0).json()["entries"][0]["predicted"]["effects"][0],
        "runs_handler"
    );
    untouched(&mut puppet);
    apply(&plan.out, &["--dry-run"])
        .ended(0)
        .says("runs its handler");
    untouched(&mut puppet);
    apply(&plan.out, &[]).ended(0);
    assert!(puppet.wait_event(&Event::Handler(USR1), Deadline::usual()));
    let stop = line(&format!("stop {} -n --json", puppet.pid()));
    apply(&stop.out, &[]).ended(0).says("killed by TERM");
    assert_eq!(puppet.status(Deadline::usual()), Some(TERM));
    puppet.end();
    apply(&plan.out, &[]).ended(4).says("gone before");
}

#[test]
fn who_has_the_number_now_gets_nothing() {
    namespace!();
    let mut old = Puppet::spawn(&Recipe::default());
    let plan = line(&format!("send {} --dry-run --json", old.pid()));
    plan.ended(0);
    old.end();
    let mut new = Puppet::spawn_as(old.pid(), &Recipe::default());
    apply(&plan.out, &[]).ended(4).says("gone before");
    untouched(&mut new);
}

#[test]
fn what_is_no_plan_is_refused() {
    apply("", &[]).ended(2).complains("no plan");
    apply("{}", &[]).ended(2).complains("no plan");
    apply("not json", &[]).ended(2).complains("no plan");
    line("apply /nonexistent/plan.json")
        .ended(2)
        .complains("/nonexistent/plan.json");
    let mut puppet = Puppet::spawn(&Recipe::default());
    let plan = line(&format!("send {} -n --json", puppet.pid()));
    let later = plan.out.replacen("\"wigwag\": 1", "\"wigwag\": 99", 1);
    apply(&later, &[]).ended(2).complains("form 99");
    untouched(&mut puppet);
}
