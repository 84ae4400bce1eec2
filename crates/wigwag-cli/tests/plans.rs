//! Saved plans: they mean the processes, and the threads, that are in them, and nobody else.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use common::{USR1, apply, line, untouched};
use wigwag_testkit::{Deadline, Event, Puppet, Recipe, namespace, proc, recycle};

#[test]
fn newcomers_are_not_in_a_saved_plan() {
    namespace!();
    let foo = || Puppet::spawn(&Recipe::named("foo"));
    let old = foo();
    let freeze = line("freeze foo --dry-run --json");
    let stop = line("stop foo --dry-run --json");
    let mut new = foo();
    let ran = apply(&freeze.ended(0).out, &[]);
    assert_eq!(ran.ended(0).out.lines().count(), 1, "{ran:?}");
    assert_eq!(proc::state(old.pid()), Some('T'));
    untouched(&mut new);
    let ran = apply(&stop.ended(0).out, &[]);
    assert_eq!(ran.ended(0).out.lines().count(), 1, "{ran:?}");
    untouched(&mut new);
}

#[test]
fn a_group_that_has_grown_gets_it_where_it_was() {
    namespace!();
    let recipe = Recipe {
        catch: vec![USR1],
        ..Recipe::default()
    };
    let mut leader = Puppet::spawn(&recipe);
    let group = leader.pid();
    let plan = line(&format!("send USR1 -{group} --dry-run --json"));
    let mut member = Puppet::spawn(&Recipe {
        group: Some(group),
        ..recipe
    });
    apply(&plan.ended(0).out, &[]).ended(0);
    assert!(leader.wait_event(&Event::Handler(USR1), Deadline::usual()));
    untouched(&mut member);
}

/// When a thread started, in clock ticks.
fn start(pid: i32, tid: i32) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/task/{tid}/stat")).unwrap();
    let fields = stat.rsplit_once(')').unwrap().1;
    fields.split_whitespace().nth(19).unwrap().to_owned()
}

#[test]
fn the_number_of_a_thread_that_ended_is_not_that_thread() {
    namespace!();
    let mut puppet = Puppet::spawn(&Recipe {
        catch: vec![USR1],
        ..Recipe::default()
    });
    let pid = puppet.pid();
    let tid = puppet.begin_thread();
    let plan = line(&format!("send USR1 tid:{tid} --dry-run --json"));
    let who = &plan.ended(0).json()["entries"][0]["who"];
    assert_eq!(who["thread"], tid);
    let old = start(pid, tid);
    assert_eq!(who["thread_start_ticks"].to_string(), old);
    apply(&plan.out, &["--dry-run"])
        .ended(0)
        .says(&format!("{pid}/{tid} "));
    // Another thread has the number, and began at another tick of the clock.
    let mut last = tid;
    Deadline::usual().wait_for("the number for a later thread", || {
        puppet.end_thread(last);
        recycle::next_pid(tid).unwrap();
        last = puppet.begin_thread();
        (last == tid && start(pid, tid) != old).then_some(())
    });
    apply(&plan.out, &["--dry-run"]).says("it has ended: nothing is sent");
    apply(&plan.out, &[]).ended(4).says("gone before");
    untouched(&mut puppet);
    // The thread alone is gone, too.
    puppet.end_thread(tid);
    apply(&plan.out, &[]).ended(4).says("gone before");
    untouched(&mut puppet);
}

#[test]
fn a_dry_run_of_a_saved_plan_says_who_has_ended() {
    let mut gone = Puppet::spawn(&Recipe::named("gone"));
    let mut there = Puppet::spawn(&Recipe::named("there"));
    let (one, two) = (gone.pid(), there.pid());
    let plan = line(&format!("send TERM {one} {two} --dry-run --json"));
    plan.ended(0).says("the default action of TERM");
    gone.end();
    apply(&plan.out, &["--dry-run"])
        .ended(4)
        .says(&format!("{one} gone nothing: it has ended"))
        .says(&format!("{two} there kills: "));
    untouched(&mut there);
}
