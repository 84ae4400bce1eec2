//! The init of a pid namespace, from outside and from inside.

use std::process::Command;

use wigwag::Signal;
use wigwag_process::procfs::Proc;
use wigwag_testkit::{Puppet, Recipe, namespace};

use crate::cells::{cells, usual};
use crate::tally::{Tally, predicted, prediction_in, try_cell};

#[test]
fn the_init_of_a_namespace_below() {
    namespace!();
    let (proc, mut tally) = (Proc::open().unwrap(), Tally::default());
    for (cell, signal, recipe) in cells(&Recipe {
        namespace_init: true,
        ..usual()
    }) {
        try_cell(
            &mut tally,
            &proc,
            &cell,
            signal,
            &mut Puppet::spawn(&recipe),
            false,
        );
    }
    tally.judge("init, from outside");
}

/// The variable that tells `the_sender_inside` which signal to send to pid 1 of its namespace.
const INSIDE: &str = "WIGWAG_SENDS_TO_INIT";

#[test]
fn the_init_of_ones_own_namespace() {
    namespace!();
    let mut tally = Tally::default();
    for (cell, signal, recipe) in cells(&Recipe {
        namespace_init: true,
        ..usual()
    }) {
        let mut puppet = Puppet::spawn(&recipe);
        let output = Command::new("nsenter")
            .args([
                "--target",
                &puppet.pid().to_string(),
                "--pid",
                "--mount",
                "--",
            ])
            .arg(std::env::current_exe().unwrap())
            .args([
                "inits::the_sender_inside",
                "--exact",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(INSIDE, signal.number().to_string())
            .output()
            .unwrap();
        let prediction = prediction_in(&output);
        let seen = puppet.observe(signal.number());
        tally.compare(&cell, &prediction, false, &seen);
    }
    tally.judge("init, from inside");
}

/// The part of the test above that runs inside; without its variable there is nothing to do.
#[test]
fn the_sender_inside() {
    let Some(signal) = std::env::var(INSIDE)
        .ok()
        .map(|number| number.parse::<Signal>().unwrap())
    else {
        return;
    };
    assert!(std::process::id() != 1, "a process beside the init");
    let prediction = predicted(&Proc::open().unwrap(), 1, signal);
    wigwag_testkit::kill(1, signal.number()).unwrap();
    println!("prediction {}", serde_json::to_string(&prediction).unwrap());
}
