//! The matrix: every signal, with every disposition and every way to block or take it.

use wigwag::Signal;
use wigwag_testkit::{Blocking, Recipe};

/// A way to have a signal blocked or taken, by name, and what it makes of a recipe.
pub type Way = (&'static str, fn(&mut Recipe, i32));

pub const DISPOSITIONS: [Way; 3] = [
    ("default", |_, _| ()),
    ("ignored", |recipe, signal| recipe.ignore = vec![signal]),
    ("caught", |recipe, signal| recipe.catch = vec![signal]),
];

pub const MASKS: [Way; 6] = [
    ("unblocked", |_, _| ()),
    ("blocked in all", |recipe, signal| {
        recipe.block = vec![signal]
    }),
    ("blocked in the leader", |recipe, signal| {
        (recipe.block, recipe.blocking) = (vec![signal], Blocking::LeaderOnly);
    }),
    ("blocked in the others", |recipe, signal| {
        (recipe.block, recipe.blocking) = (vec![signal], Blocking::WorkersOnly);
    }),
    ("signalfd", |recipe, signal| recipe.signalfd = vec![signal]),
    ("sigwait", |recipe, signal| recipe.sigwait = vec![signal]),
];

/// All cells of the matrix that can be made, with a name for each.
pub fn cells(base: &Recipe) -> Vec<(String, Signal, Recipe)> {
    let mut cells = Vec::new();
    for signal in Signal::all() {
        for (disposition, dispose) in DISPOSITIONS {
            for (mask, block) in MASKS {
                let plain = disposition == "default" && mask == "unblocked";
                if !signal.can_be_caught() && !plain {
                    continue;
                }
                let mut recipe = base.clone();
                dispose(&mut recipe, signal.number());
                block(&mut recipe, signal.number());
                cells.push((format!("{signal} {disposition}, {mask}"), signal, recipe));
            }
        }
    }
    cells
}

pub fn usual() -> Recipe {
    Recipe {
        workers: 2,
        ..Recipe::default()
    }
}
