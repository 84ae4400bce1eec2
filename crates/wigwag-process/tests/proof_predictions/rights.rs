//! Who may not read everything is never certain of what would be fatal.

use std::process::Command;

use wigwag::Signal;
use wigwag_process::procfs::Proc;
use wigwag_testkit::{Puppet, Recipe, namespace};

use crate::cells::usual;
use crate::tally::{expected, predicted, prediction_in};

/// The variable that tells `the_looker_without_rights` whom to look at.
const LOOKS_AT: &str = "WIGWAG_LOOKS_AT";

/// Whoever may not read a thread's system call cannot know whether it waits for a signal: never certain that it is fatal.
#[test]
fn without_rights_nothing_fatal_is_certain() {
    namespace!();
    if !namespace::has_nobody() {
        return;
    }
    let term = Signal::TERM.number();
    let recipes = [
        (Recipe::default(), false),
        (
            Recipe {
                sigwait: vec![term],
                ..usual()
            },
            false,
        ),
        (
            Recipe {
                ignore: vec![term],
                ..usual()
            },
            true,
        ),
        (
            Recipe {
                catch: vec![term],
                ..usual()
            },
            true,
        ),
    ];
    let mut results = Vec::new();
    for (recipe, certain) in recipes {
        let mut puppet = Puppet::spawn(&recipe);
        // By this name the binary is started without its folder being searched, which nobody may not.
        let mut command = Command::new("/proc/self/exe");
        command
            .args([
                "rights::the_looker_without_rights",
                "--exact",
                "--nocapture",
                "--test-threads=1",
            ])
            .current_dir("/");
        wigwag_testkit::change_user(command.env(LOOKS_AT, puppet.pid().to_string()), 65534);
        let prediction = prediction_in(&command.output().unwrap());
        puppet.kill(term).unwrap();
        let seen = puppet.observe(term);
        results.push((recipe, certain, prediction, seen));
    }
    for (recipe, certain, prediction, seen) in results {
        assert_eq!(prediction.certain, certain, "{prediction:?} of {recipe:?}");
        assert!(
            !certain || expected(&prediction, false).contains(&seen),
            "{prediction:?}, seen {seen:?}"
        );
    }
}

/// The part of the test above that runs as nobody.
#[test]
fn the_looker_without_rights() {
    let Some(pid) = std::env::var(LOOKS_AT).ok() else {
        return;
    };
    let (proc, pid) = (Proc::open().unwrap(), pid.parse().unwrap());
    // What cannot be waited for is fatal for certain.
    for signal in [Signal::KILL, Signal::STOP] {
        assert!(predicted(&proc, pid, signal).certain, "{signal}");
    }
    let prediction = predicted(&proc, pid, Signal::TERM);
    println!("prediction {}", serde_json::to_string(&prediction).unwrap());
}
