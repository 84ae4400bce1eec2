//! `kill`: what is compared with the procps of Debian, what by the manuals of util-linux 2.41 (which Debian does not package), GNU and POSIX.

mod effects;
mod printed;
mod waiting;
mod whom;
mod words;

use std::collections::BTreeSet;
use std::process::Command;

use wigwag_testkit::{Observed, Puppet, Recipe};

use crate::compare::{Said, finish, ours};

/// Our kill with the words of a line.
fn line(line: &str) -> Said {
    finish(ours("kill").args(line.split_whitespace()))
}

/// What our kill must say and how it must end.
#[track_caller]
fn says(words: &str, status: i32, out: &str, err: &str) {
    let said = line(words);
    let expected = Said {
        status,
        out: out.to_owned(),
        err: err.to_owned(),
    };
    assert_eq!(said, expected, "kill {words}: ours is on the left");
}

/// What a tool says with the words of a line, `PID` being a new process, and what the signal did to it.
fn on_puppet(
    mut tool: Command,
    line: &str,
    recipe: &Recipe,
    signal: i32,
) -> (i32, String, BTreeSet<Observed>) {
    let mut puppet = Puppet::spawn(recipe);
    let pid = puppet.pid().to_string();
    let said = finish(tool.args(line.replace("PID", &pid).split_whitespace()));
    (
        said.status,
        said.out.replace(&pid, "PID"),
        puppet.observe(signal),
    )
}
