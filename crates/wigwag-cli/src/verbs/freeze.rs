//! `wigwag freeze`: halt processes, all threads of each, without ending them.

use clap::{Arg, ArgMatches, Command};
use wigwag_process::order::{Action, Guards, Order};

use super::flag;
use crate::output::Output;
use crate::target;
use crate::watching::carry_out;

const EXAMPLES: &str = "\
Examples:
  wigwag freeze 4242                     then look at it: wigwag show 4242
  wigwag freeze tree:4242                it and all below it, newcomers too
  wigwag freeze cgroup:/user.slice/x     by the cgroup freezer
  wigwag thaw 4242                       let it run on
  wigwag stop 4242                       or end it

A process cannot catch this, and does not notice beforehand; its parent may see
it. A cgroup that wigwag or what started it is in is refused.
Exit status: 0 all have stopped, 1 no target, 2 usage, 3 some refused or denied,
4 some have not stopped in time, 5 wigwag itself could not go on.";

/// The option for how long to watch, which `freeze`, `thaw` and `wait` have.
pub(super) fn timeout(help: &'static str) -> Arg {
    Arg::new("timeout")
        .long("timeout")
        .value_name("TIME")
        .help(help)
}

/// The clap tree of this verb.
pub fn command() -> Command {
    target::acting(
        Command::new("freeze")
            .about("Halt processes without ending them")
            .override_usage("wigwag freeze TARGET... [OPTIONS]")
            .after_help(EXAMPLES)
            .arg(timeout(
                "How long to watch that every thread stops [default: 5s]",
            )),
    )
}

/// Carries it out: the verdict of the report.
pub fn run(matches: &ArgMatches, out: &mut Output) -> anyhow::Result<u8> {
    let order = Order {
        whom: target::selector(matches)?,
        action: Action::Freeze,
        guards: target::guards(matches, Some(Guards::MAX)),
        watch: target::duration(matches, "timeout")?,
    };
    carry_out(order, flag(matches, "dry-run"), out)
}
