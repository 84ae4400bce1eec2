//! `wigwag thaw`: let halted processes run on.

use clap::{ArgMatches, Command};
use wigwag_process::order::{Action, Guards, Order};

use super::flag;
use super::freeze::timeout;
use crate::output::Output;
use crate::target;
use crate::watching::carry_out;

const EXAMPLES: &str = "\
Examples:
  wigwag thaw 4242
  wigwag thaw tree:4242
  wigwag thaw --state T --user bob       whatever of bob's is stopped
  wigwag thaw cgroup:/user.slice/x       by the cgroup freezer

A signal that came while a process was halted takes effect now.
What a cgroup's freezer halts is thawed as cgroup:PATH only.
Exit status: 0 all run, 1 no target, 2 usage, 3 some refused or denied, 4 some
are still halted, 5 wigwag itself could not go on.";

/// The clap tree of this verb.
pub fn command() -> Command {
    target::acting(
        Command::new("thaw")
            .about("Let halted processes run on")
            .override_usage("wigwag thaw TARGET... [OPTIONS]")
            .after_help(EXAMPLES)
            .arg(timeout("How long to watch that they run [default: 5s]")),
    )
}

/// Carries it out: the verdict of the report.
pub fn run(matches: &ArgMatches, out: &mut Output) -> anyhow::Result<u8> {
    let order = Order {
        whom: target::selector(matches)?,
        action: Action::Thaw,
        guards: target::guards(matches, Some(Guards::MAX)),
        watch: target::duration(matches, "timeout")?,
    };
    carry_out(order, flag(matches, "dry-run"), out)
}
