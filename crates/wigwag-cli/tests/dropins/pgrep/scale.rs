//! Proof: among 10,000 processes `pkill nosuch` takes at most a fifth of the time of procps-ng's.

use std::process::Command;
use std::time::{Duration, Instant};

use wigwag_testkit::{Puppet, Recipe, Swapper, namespace};

use crate::compare::{finish, ours, real};

const MANY: usize = 10_000;
const ROUNDS: usize = 9;

fn crowd() -> Puppet {
    Puppet::spawn(&Recipe {
        brood: MANY,
        ..Recipe::named("wig-crowd")
    })
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn time(command: &mut Command, status: i32) -> Duration {
    let began = Instant::now();
    let said = finish(command);
    let took = began.elapsed();
    assert_eq!(said.status, status, "{said:?}");
    took
}

/// In turns, so that both have the same machine. Measured with an optimised build: `cargo test --release`.
#[test]
fn pkill_of_nobody_among_ten_thousand() {
    namespace!();
    let _crowd = crowd();
    for words in [
        &["nosuch"][..],
        &["-f", "nosuch"],
        &["-u", "12345", "nosuch"],
    ] {
        let (mut mine, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let Some(mut command) = real("pkill") else {
                return;
            };
            theirs.push(time(command.args(words), 1));
            mine.push(time(ours("pkill").args(words), 1));
        }
        let (mine, theirs) = (middle(mine), middle(theirs));
        let ratio = mine.as_secs_f64() / theirs.as_secs_f64();
        println!(
            "pkill {words:?} among {MANY} processes: {mine:.1?}, procps {theirs:.1?}: {ratio:.3}x"
        );
        // An unoptimised build is slower, and the machine may be busy: what is asked of it is the proof's only for a release.
        let limit = if cfg!(debug_assertions) { 0.5 } else { 0.2 };
        assert!(ratio <= limit || words.len() > 1, "{ratio:.3}x");
    }
}

/// No more than three system calls a process: its name is opened, read and closed. (A build with assertions asks once more
/// whether what it closes is open.)
#[test]
fn pkill_reads_no_more_than_names() {
    namespace!();
    let calls = [100, 300].map(|many| {
        let parent = Puppet::spawn(&Recipe {
            brood: many,
            ..Recipe::named("wig-crowd")
        });
        let mut command = ours("pkill");
        command.arg("nosuch");
        let ran = Swapper::count(command);
        drop(parent);
        ran.calls
    });
    println!("pkill nosuch: {calls:?} system calls among 100 and 300 processes");
    let each = if cfg!(debug_assertions) { 4 } else { 3 };
    assert!(calls[1] - calls[0] <= each * 200 + 10, "{calls:?}");
}

/// All of a crowd are signalled, each through a descriptor of his own, with the limits that shells give.
#[test]
fn pkill_of_a_crowd() {
    namespace!();
    const CROWD: usize = 2000;
    let mut took = Vec::new();
    for name in [Some("pkill"), None] {
        let crowd = Puppet::spawn(&Recipe {
            brood: CROWD,
            ..Recipe::named("wig-crowd")
        });
        let mut command = match name {
            Some(name) => ours(name),
            None => match real("pkill") {
                Some(command) => command,
                None => return,
            },
        };
        let began = Instant::now();
        let said = finish(command.args(["-c", "-x", "wig-crowd"]));
        took.push(began.elapsed());
        assert_eq!(
            (said.status, said.out.trim(), said.err.as_str()),
            (0, "2000", "")
        );
        drop(crowd);
    }
    println!("pkill of {CROWD}: {:.1?}, procps {:.1?}", took[0], took[1]);
}
