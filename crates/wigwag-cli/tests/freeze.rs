//! `wigwag freeze` and `wigwag thaw` on real processes.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use common::{TERM, command, line};
use wigwag_testkit::{Deadline, Puppet, Recipe, Swapper, namespace, proc};

const CONT: i32 = 18;

fn states(pid: i32) -> Vec<char> {
    proc::threads(pid)
        .iter()
        .map(|thread| thread.state)
        .collect()
}

#[test]
fn every_thread_stops_and_runs_again() {
    let mut puppet = Puppet::spawn(&Recipe {
        workers: 3,
        ..Recipe::default()
    });
    line(&format!("freeze {}", puppet.pid()))
        .ended(0)
        .says("stopped");
    let stopped = states(puppet.pid());
    assert!(
        stopped.len() > 3 && stopped.iter().all(|state| *state == 'T'),
        "{stopped:?}"
    );
    line(&format!("freeze {}", puppet.pid()))
        .ended(0)
        .says("stopped");
    line(&format!("show {} --signal TERM", puppet.pid()))
        .ended(0)
        .says("stays pending");
    line(&format!("thaw {}", puppet.pid()))
        .ended(0)
        .says("resumed");
    assert!(states(puppet.pid()).iter().all(|state| *state != 'T'));
    assert!(puppet.ping());
}

#[test]
fn what_has_waited_for_the_thaw_is_foretold() {
    let (mut one, mut two) = (
        Puppet::spawn(&Recipe::default()),
        Puppet::spawn(&Recipe {
            catch: vec![TERM],
            ..Recipe::default()
        }),
    );
    let (a, b) = (one.pid(), two.pid());
    line(&format!("freeze {a} {b}")).ended(0);
    line(&format!("send TERM {a} {b}")).ended(0).says("pending");
    line(&format!("thaw --dry-run {a}"))
        .ended(0)
        .says("continues, kills");
    let thawed = line(&format!("thaw {a} {b}"));
    thawed.ended(0).says("killed by TERM").says("resumed");
    assert_eq!(one.status(Deadline::usual()), Some(TERM));
    assert!(two.ping());
}

#[test]
fn a_whole_tree_stops() {
    namespace!();
    let mut puppet = Puppet::spawn(&Recipe {
        brood: 3,
        ..Recipe::default()
    });
    let ran = line(&format!("freeze tree:{}", puppet.pid()));
    assert_eq!(ran.ended(0).out.matches("stopped").count(), 4, "{ran:?}");
    let pids = ran
        .out
        .lines()
        .map(|line| line.split(' ').next().unwrap().parse::<i32>().unwrap());
    for pid in pids {
        assert_eq!(proc::state(pid), Some('T'));
    }
    line(&format!("thaw tree:{}", puppet.pid())).ended(0);
    assert!(puppet.ping());
}

fn stopped(puppets: &[Puppet]) -> usize {
    let is_stopped = |puppet: &&Puppet| proc::state(puppet.pid()) == Some('T');
    puppets.iter().filter(is_stopped).count()
}

/// The newest was chosen once: that it is stopped now does not make the next one the newest.
#[test]
fn the_newest_is_one() {
    namespace!();
    let foos: Vec<Puppet> = (0..3)
        .map(|_| Puppet::spawn(&Recipe::named("foo")))
        .collect();
    for choice in [
        "--newest",
        "--oldest",
        "--state S --newest",
        "--younger 1h --oldest",
    ] {
        let ran = line(&format!("freeze --name foo {choice}"));
        assert_eq!(ran.ended(0).out.lines().count(), 1, "{choice}: {ran:?}");
        assert_eq!(stopped(&foos), 1, "{choice}");
        line("thaw foo").ended(0);
        assert_eq!(stopped(&foos), 0);
    }
}

/// Whoever comes while the others are stopped is stopped, too, but no more than are allowed.
#[test]
fn max_holds_for_newcomers() {
    namespace!();
    let freeze = |max: u32| {
        let mut command = command();
        command.args(["freeze", "foo", "--max", &max.to_string()]);
        command
    };
    let one = Puppet::spawn(&Recipe::named("foo"));
    let calls = Swapper::count(freeze(1)).calls;
    let mut late = [0, 0];
    for (n, max) in [1, 2].into_iter().enumerate() {
        for at in (0..calls).step_by(5) {
            line("thaw foo").ended(0);
            let mut new = None;
            let ran = Swapper::run(freeze(max), at, || {
                new = Some(Puppet::spawn(&Recipe::named("foo")));
            });
            // How many calls it takes varies by a few.
            let Some(new) = new else { continue };
            let is_stopped = |puppet: &Puppet| proc::state(puppet.pid()) == Some('T');
            let both = is_stopped(&one) && is_stopped(&new);
            assert!(!both || max == 2, "at {at}: {ran:?}");
            if ran.stderr.contains("more came meanwhile") {
                assert!(is_stopped(&one) && !is_stopped(&new), "at {at}: {ran:?}");
                late[n] += 1;
            } else if max == 2 && both {
                late[n] += 1;
            }
        }
    }
    assert!(late.iter().all(|count| *count > 0), "{late:?} of {calls}");
}

#[test]
fn a_process_whose_leader_has_exited_stops() {
    let puppet = Puppet::spawn(&Recipe {
        workers: 2,
        leader_exits: true,
        ..Recipe::default()
    });
    line(&format!("freeze {}", puppet.pid()))
        .ended(0)
        .says("stopped");
    let states = states(puppet.pid());
    assert!(
        states.iter().filter(|state| **state == 'T').count() >= 3,
        "{states:?}"
    );
    line(&format!("thaw {}", puppet.pid()))
        .ended(0)
        .says("resumed");
}

#[test]
fn who_catches_and_blocks_cont_runs_again() {
    let mut puppet = Puppet::spawn(&Recipe {
        catch: vec![CONT],
        block: vec![CONT],
        ..Recipe::default()
    });
    puppet.stop();
    line(&format!("thaw {}", puppet.pid()))
        .ended(0)
        .says("resumed");
    assert!(proc::pending(puppet.pid(), CONT));
    assert!(puppet.ping());
}

/// The stop is not TSTP's, which a stopped process cannot take.
#[test]
fn who_is_stopped_already_is_not_stopped_by_what_it_catches() {
    for (signal, number) in [("TSTP", 20), ("TTIN", 21), ("TTOU", 22)] {
        let mut puppet = Puppet::spawn(&Recipe {
            catch: vec![number],
            ..Recipe::default()
        });
        puppet.stop();
        line(&format!("send {signal} {} --wait=50ms", puppet.pid()))
            .ended(4)
            .says("still pending");
        assert!(proc::pending(puppet.pid(), number));
        // CONT drops it (signal(7)).
        line(&format!("thaw {}", puppet.pid())).ended(0);
        assert!(!proc::pending(puppet.pid(), number) && puppet.ping());
    }
}
