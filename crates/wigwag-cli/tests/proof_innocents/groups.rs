//! Groups and trees, which are named by a number that may be another's: a whole group ends, and innocents have its number.
//!
//! Until the command has found the first of the victims, nothing tells that the number was theirs: then it is the innocents who are
//! meant, and the report must say so. From that system call on, no innocent may be signalled.

use std::process::Command;

use serde_json::Value;
use wigwag_testkit::{Deadline, Puppet, Ran, Recipe, Swapper, proc, refuse_group_signals};

use crate::names::{plan_file, save_plan};
use crate::rounds::{Cast, INNOCENT, PID, Troupe, VICTIM, exit_code, prove, recipe, wigwag};

/// A leader and two more, all with numbers of the test's choice.
fn group(name: &str) -> Troupe {
    let member = Recipe {
        group: Some(PID),
        ..recipe(name)
    };
    let mut puppets = vec![Puppet::spawn_as(PID, &recipe(name))];
    puppets.extend((PID + 1..PID + 3).map(|pid| Puppet::spawn_as(pid, &member)));
    Troupe {
        puppets,
        brood: Vec::new(),
        parent_stays: false,
    }
}

/// The same, with the leader gone.
fn leaderless(name: &str) -> Troupe {
    let mut group = group(name);
    group.puppets[0].end();
    group
}

/// A process with two children.
fn tree(name: &str) -> Troupe {
    let recipe = Recipe {
        brood: 2,
        ..recipe(name)
    };
    let parent = Puppet::spawn_as(PID, &recipe);
    let brood = children(PID);
    assert_eq!(brood.len(), 2);
    with_brood(parent, brood)
}

/// A process with a child that has a child; these two end, and it stays.
fn line(name: &str) -> Troupe {
    let recipe = Recipe {
        brood: 2,
        deep: true,
        ..recipe(name)
    };
    let parent = Puppet::spawn_as(PID, &recipe);
    let child = children(PID)[0];
    let grandchild = Deadline::usual().wait_for("a grandchild", || children(child).pop());
    let mut line = with_brood(parent, vec![child, grandchild]);
    line.parent_stays = true;
    line
}

/// Others by the numbers of that child and its child.
fn branch(name: &str) -> Troupe {
    let recipe = Recipe {
        brood: 1,
        ..recipe(name)
    };
    for _ in 0..100 {
        let parent = Puppet::spawn_as(PID + 1, &recipe);
        let brood = children(PID + 1);
        if brood == [PID + 2] {
            return with_brood(parent, brood);
        }
        // The number was not free yet; it is when these have gone.
        let mut troupe = with_brood(parent, brood);
        troupe.make_room();
    }
    panic!("no child could be given the pid {}: is it in use?", PID + 2);
}

fn children(pid: i32) -> Vec<i32> {
    let children = format!("/proc/{pid}/task/{pid}/children");
    let children = std::fs::read_to_string(children).unwrap_or_default();
    let numbers = children.split_whitespace();
    numbers.map(|pid| pid.parse().unwrap()).collect()
}

fn with_brood(parent: Puppet, brood: Vec<i32>) -> Troupe {
    for pid in &brood {
        Deadline::usual().wait_for("the brood to sleep", || {
            (proc::state(*pid) == Some('S')).then_some(())
        });
    }
    Troupe {
        puppets: vec![parent],
        brood,
        parent_stays: false,
    }
}

const LED: Cast = Cast {
    victims: || group(VICTIM),
    innocents: || group(INNOCENT),
    meant: names_innocents_only,
};

const LEADERLESS: Cast = Cast {
    victims: || leaderless(VICTIM),
    ..LED
};

const TREE: Cast = Cast {
    victims: || tree(VICTIM),
    innocents: || tree(INNOCENT),
    ..LED
};

/// The root is still there, so nobody else is meant.
const LINE: Cast = Cast {
    victims: || line(VICTIM),
    innocents: || branch(INNOCENT),
    meant: |_| false,
};

fn names_innocents_only(ran: &Ran) -> bool {
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
    let receipts = report["receipts"].as_array();
    receipts.is_some_and(|receipts| {
        let innocent = |receipt: &Value| receipt["who"]["command"][0] == INNOCENT;
        !receipts.is_empty() && receipts.iter().all(innocent)
    })
}

/// The command does its work when nothing is swapped, so that the rounds run something that signals; then the rounds.
fn prove_all(
    form: &str,
    cast: &Cast,
    command: impl Fn() -> Command,
    done: fn(&mut Puppet) -> bool,
) {
    let mut victims = (cast.victims)();
    let ran = Swapper::count(command());
    // Children that die with their parent may have gone before their turn, which is told by 4.
    assert!(
        matches!(exit_code(ran.status), Some(0 | 4)),
        "{form}: {ran:?}"
    );
    for puppet in victims.puppets.iter_mut().rev() {
        assert!(done(puppet), "{form}: {puppet:?} after {ran:?}");
    }
    drop(victims);
    prove(form, cast, command);
}

/// Ended by TERM, or before.
fn is_ended(puppet: &mut Puppet) -> bool {
    matches!(puppet.status(Deadline::usual()), Some(9 | 15))
}

fn is_stopped(puppet: &mut Puppet) -> bool {
    matches!(proc::state(puppet.pid()), Some('T') | None)
}

const SEND: [&str; 4] = ["send", "TERM", "--json", "-300"];

#[test]
fn send_to_a_group_with_a_leader() {
    wigwag_testkit::namespace!();
    prove_all("send -PGID", &LED, || wigwag(&SEND), is_ended);
}

#[test]
fn send_to_a_group_without_a_leader() {
    wigwag_testkit::namespace!();
    prove_all(
        "send -PGID, no leader",
        &LEADERLESS,
        || wigwag(&SEND),
        is_ended,
    );
}

#[test]
fn send_to_a_group_before_linux_6_9() {
    wigwag_testkit::namespace!();
    let command = || {
        let mut command = wigwag(&SEND);
        refuse_group_signals(&mut command);
        command
    };
    prove_all("send -PGID, before Linux 6.9", &LED, command, is_ended);
}

#[test]
fn stop_of_a_group() {
    wigwag_testkit::namespace!();
    let words = [
        "stop",
        "--ladder",
        "TERM:100ms,KILL",
        "--json",
        "--",
        "-300",
    ];
    prove_all("stop -PGID", &LED, || wigwag(&words), is_ended);
    prove_all(
        "stop -PGID, no leader",
        &LEADERLESS,
        || wigwag(&words),
        is_ended,
    );
}

#[test]
fn freeze_of_a_group() {
    wigwag_testkit::namespace!();
    let words = ["freeze", "--json", "--", "-300"];
    prove_all("freeze -PGID", &LED, || wigwag(&words), is_stopped);
    prove_all(
        "freeze -PGID, no leader",
        &LEADERLESS,
        || wigwag(&words),
        is_stopped,
    );
}

#[test]
fn thaw_of_a_group() {
    wigwag_testkit::namespace!();
    let words = ["thaw", "--json", "--", "-300"];
    prove_all("thaw -PGID", &LED, || wigwag(&words), |_| true);
}

#[test]
fn freeze_of_a_tree() {
    wigwag_testkit::namespace!();
    prove_all(
        "freeze tree:PID",
        &TREE,
        || wigwag(&["freeze", "--json", "tree:300"]),
        is_stopped,
    );
}

#[test]
fn send_to_a_tree() {
    wigwag_testkit::namespace!();
    prove_all(
        "send tree:PID",
        &TREE,
        || wigwag(&["send", "TERM", "--json", "tree:300"]),
        is_ended,
    );
}

/// The root stays, its child and grandchild end, and innocents have their numbers: they are below one another, and not below it.
#[test]
fn orders_for_a_tree_whose_root_stays() {
    wigwag_testkit::namespace!();
    let send = || wigwag(&["send", "TERM", "--json", "tree:300"]);
    prove_all("send tree:PID, root stays", &LINE, send, is_ended);
    let words = ["stop", "--ladder", "TERM:100ms,KILL", "--json", "tree:300"];
    prove_all(
        "stop tree:PID, root stays",
        &LINE,
        || wigwag(&words),
        is_ended,
    );
    let freeze = || wigwag(&["freeze", "--json", "tree:300"]);
    prove_all("freeze tree:PID, root stays", &LINE, freeze, is_stopped);
}

#[test]
fn freeze_of_the_children_of_one() {
    wigwag_testkit::namespace!();
    let command = || wigwag(&["freeze", "--json", "--parent", "300"]);
    prove_all("freeze --parent PID", &TREE, command, |_| true);
}

/// A plan names processes; that its order names a group must not bring others in.
#[test]
fn apply_of_a_plan_to_freeze_a_group() {
    wigwag_testkit::namespace!();
    let plan = plan_file("group");
    let command = || {
        save_plan(&plan, &["freeze", "group:300"]);
        wigwag(&["apply", "--json", plan.to_str().unwrap()])
    };
    prove_all("apply, freeze -PGID", &LED, command, is_stopped);
    std::fs::remove_file(&plan).unwrap();
}

/// Without a leader the members are signalled one after the other. Whoever joins meanwhile is found by looking again: nobody is
/// missed who came before the last look, and that is after the last signal.
#[test]
fn who_joins_meanwhile_gets_it_too() {
    wigwag_testkit::namespace!();
    let newcomer = Recipe {
        group: Some(PID),
        ..recipe(VICTIM)
    };
    let send = || wigwag(&["send", "KILL", "-300"]);
    let victims = leaderless(VICTIM);
    // The first half of the calls is before anything is sent.
    let half = Swapper::count(send()).calls / 2;
    drop(victims);
    let (mut late, mut missed) = (0, None);
    for at in half.. {
        let mut victims = leaderless(VICTIM);
        let (mut joined, mut all_signalled) = (None, false);
        let ran = Swapper::run(send(), at, || {
            // Who is sent KILL is woken before the sender's call returns.
            let woken = |puppet: &Puppet| proc::state(puppet.pid()) != Some('S');
            all_signalled = victims.puppets.iter().all(woken);
            joined = Some(Puppet::spawn_as(PID + 50, &newcomer));
        });
        let Some(mut joined) = joined else { break };
        for puppet in &mut victims.puppets {
            assert_eq!(puppet.status(Deadline::usual()), Some(9), "{ran:?}");
        }
        match (joined.was_touched(), missed) {
            (true, None) => late += usize::from(all_signalled),
            (true, Some(earlier)) => {
                panic!("one who came at call {earlier} was missed, at {at} not")
            }
            (false, _) => {
                assert!(
                    all_signalled,
                    "missed at call {at}, before the last signal: {ran:?}"
                );
                missed.get_or_insert(at);
            }
        }
    }
    println!(
        "joined after the last signal and found: at {late} calls; too late from call {missed:?} on"
    );
    assert!(late > 0 && missed.is_some());
}
