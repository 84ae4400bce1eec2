//! `wigwag freeze` and `wigwag thaw` on real processes.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use common::line;
use wigwag_testkit::{Puppet, Recipe, namespace, proc};

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
