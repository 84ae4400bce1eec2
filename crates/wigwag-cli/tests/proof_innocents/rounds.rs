//! Rounds of a command that is held at one system call after another while victims are swapped for innocents.

use std::collections::BTreeSet;
use std::process::Command;

use wigwag_testkit::{Deadline, Puppet, Ran, Recipe, Swapper, proc};

const WIGWAG: &str = env!("CARGO_BIN_EXE_wigwag");
pub const PID: i32 = 300;
pub const VICTIM: &str = "wigwag-victim";
pub const INNOCENT: &str = "innocent";

/// At least so many rounds with a swap for each form.
const ROUNDS: usize = 200;

/// A default process by the victims' name, or one that reports every signal that can be caught; the others end or stop it,
/// which is seen too.
pub fn recipe(name: &str) -> Recipe {
    let catches = |signal: &i32| name == INNOCENT && ![9, 19, 32, 33].contains(signal);
    Recipe {
        catch: (1..=64).filter(catches).collect(),
        ..Recipe::named(name)
    }
}

/// Those who are on stage together: puppets, and the children that one of them has.
pub struct Troupe {
    pub puppets: Vec<Puppet>,
    pub brood: Vec<i32>,
    /// Only the brood ends when they are swapped; its parent stays.
    pub parent_stays: bool,
}

impl Troupe {
    pub fn one(name: &str) -> Troupe {
        Troupe {
            puppets: vec![Puppet::spawn_as(PID, &recipe(name))],
            brood: Vec::new(),
            parent_stays: false,
        }
    }

    /// Frees the numbers that the others are to have.
    pub fn make_room(&mut self) {
        if !self.parent_stays {
            return self.end();
        }
        // The others of the brood die with the first.
        let kill = format!("kill -KILL {} 2>/dev/null", self.brood[0]);
        let _ = Command::new("sh").args(["-c", &kill]).status();
        self.wait_for_the_brood();
    }

    fn wait_for_the_brood(&self) {
        for pid in &self.brood {
            Deadline::usual().wait_for("the brood to be gone", || {
                proc::state(*pid).is_none().then_some(())
            });
        }
    }

    /// Ends them all; their numbers are free then.
    pub fn end(&mut self) {
        self.puppets.iter_mut().for_each(Puppet::end);
        if !self.parent_stays {
            self.wait_for_the_brood();
        }
    }

    /// The numbers of those whom any signal has reached; a brood's handlers report through its parent.
    pub fn touched(&mut self) -> Vec<i32> {
        let mut touched = Vec::new();
        for pid in &self.brood {
            // Their state is settled when they sleep, have stopped or are gone.
            let state = Deadline::usual().wait_for("rest", || {
                let state = proc::state(*pid);
                matches!(state, None | Some('S' | 'T' | 'Z')).then_some(state)
            });
            if state != Some('S') || proc::anything_pending(*pid) {
                touched.push(*pid);
            }
        }
        touched.extend(
            self.puppets
                .iter_mut()
                .filter_map(|puppet| puppet.was_touched().then_some(puppet.pid())),
        );
        touched
    }
}

impl Drop for Troupe {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whom a round is about.
pub struct Cast {
    pub victims: fn() -> Troupe,
    pub innocents: fn() -> Troupe,
    /// Whether the command says that it is the innocents whom it has found and none else, since they had the number already when
    /// it first looked. A name is never theirs.
    pub meant: fn(&Ran) -> bool,
}

/// One process, chosen by name.
pub const BY_NAME: Cast = Cast {
    victims: || Troupe::one(VICTIM),
    innocents: || Troupe::one(INNOCENT),
    meant: |_| false,
};

/// What a row of rounds came to.
#[derive(Default)]
pub struct Row {
    pub swaps: usize,
    /// Rounds in which innocents were signalled.
    pub hits: usize,
    /// Rounds in which the number was the innocents' before the command first looked.
    pub meant: usize,
    /// The system calls at which there was a swap, and those where it cost innocents.
    pub calls: BTreeSet<u64>,
    pub hit_at: BTreeSet<(usize, u64)>,
}

/// How often to go through everything, from `cargo xtask soak`.
pub fn laps() -> usize {
    let times = std::env::var("WIGWAG_SOAK").ok();
    times.and_then(|times| times.parse().ok()).unwrap_or(1)
}

/// Goes through all system calls of a command, beginning with the `from`-th, lap after lap, until there were enough swaps.
pub fn go_through(
    rounds: usize,
    from: usize,
    cast: &Cast,
    mut command: impl FnMut() -> Command,
    mut check: impl FnMut(&Ran),
) -> Row {
    let mut row = Row::default();
    let (mut at, mut calls_of_lap, mut found) = (from, 0, false);
    while row.swaps < rounds || calls_of_lap > 0 {
        let mut victims = (cast.victims)();
        let command = command();
        let mut newcomers = None;
        let ran = Swapper::run(command, at, || {
            victims.make_room();
            newcomers = Some((cast.innocents)());
        });
        check(&ran);
        match ran.swapped_at {
            Some(call) => {
                row.swaps += 1;
                row.calls.insert(call);
                let touched = newcomers.unwrap().touched();
                // Once it has found the victims, a swap at any later call is too late to be meant.
                let meant = !found && (cast.meant)(&ran);
                found |= !meant && (!touched.is_empty() || says_who(&ran));
                row.meant += usize::from(meant);
                if !touched.is_empty() && !meant {
                    row.hits += 1;
                    row.hit_at.insert((at, call));
                    if std::env::var_os("WIGWAG_SHOW_HITS").is_some() {
                        println!("hit at call {at} ({call}): {touched:?}, {ran:?}");
                    }
                }
                (at, calls_of_lap) = (at + 1, calls_of_lap + 1);
            }
            None => {
                assert!(calls_of_lap > 0, "a command without system calls: {ran:?}");
                (at, calls_of_lap, found) = (from, 0, false);
            }
        }
    }
    row
}

/// Whether there is a report.
fn says_who(ran: &Ran) -> bool {
    !ran.stdout.is_empty()
}

pub fn wigwag(words: &[&str]) -> Command {
    let mut command = Command::new(WIGWAG);
    command.args(words);
    command
}

/// Ended by itself, with a documented status: never a panic (101 or ABRT), never a usage error (2).
pub fn ended_well(ran: &Ran) {
    let code = exit_code(ran.status);
    assert!(matches!(code, Some(0 | 1 | 3 | 4)), "{ran:?}");
}

pub fn exit_code(status: i32) -> Option<i32> {
    (status & 0x7f == 0).then_some(status >> 8 & 0xff)
}

/// No innocent is signalled, at whatever system call the swap is.
pub fn prove(form: &str, cast: &Cast, command: impl FnMut() -> Command) {
    let row = go_through(ROUNDS * laps(), 0, cast, command, ended_well);
    let meant = match row.meant {
        0 => String::new(),
        n => format!("; in {n} of them the number was theirs before the first look"),
    };
    println!(
        "{form}: {} innocents signalled in {} rounds, at {} different system calls{meant}",
        row.hits,
        row.swaps,
        row.calls.len()
    );
    assert_eq!(row.hits, 0, "{form}: at {:?}", row.hit_at);
    assert!(
        row.swaps >= ROUNDS && row.meant < row.swaps / 2,
        "{form}: too few rounds prove anything"
    );
}
