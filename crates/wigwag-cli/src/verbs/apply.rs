//! `wigwag apply`: carry out a plan that was saved, on those that are still the same processes.

use std::io::Read;

use clap::{Arg, ArgAction, ArgMatches, Command};
use wigwag_process::plan::Plan;

use super::{flag, usage};
use crate::output::Output;
use crate::target;
use crate::watching;

const EXAMPLES: &str = "\
Examples:
  wigwag stop --user bob --dry-run --json >plan.json
  wigwag apply plan.json                 only those that are still the same
  wigwag send HUP nginx --dry-run --json | wigwag apply -
  wigwag apply plan.json --dry-run       what would it do by now?

A process that has ended meanwhile is reported as gone before, and gets nothing,
whoever has its number now. What a guard refused stays refused.
Exit status: as of the verb that made the plan. One that has gone is 4, but not
where its end was asked for.";

/// A plan of ten thousand processes is some megabytes.
const LARGEST: u64 = 256 << 20;

/// The clap tree of this verb.
pub fn command() -> Command {
    Command::new("apply")
        .about("Carry out a plan that was saved by --dry-run --json")
        .after_help(EXAMPLES)
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .required(true)
                .value_parser(clap::value_parser!(std::path::PathBuf))
                .help("The plan; - reads it from standard input"),
        )
        .arg(target::max_option())
        .arg(
            Arg::new("dry-run")
                .short('n')
                .long("dry-run")
                .action(ArgAction::SetTrue)
                .help_heading("Output")
                .help("Send nothing; print what it would do by now"),
        )
}

/// Carries it out: the verdict of the report.
pub fn run(matches: &ArgMatches, out: &mut Output) -> anyhow::Result<u8> {
    let file = matches
        .get_one::<std::path::PathBuf>("file")
        .ok_or_else(|| usage("no plan is named"))?;
    let mut text = Vec::new();
    if file.as_os_str() == "-" {
        std::io::stdin().take(LARGEST).read_to_end(&mut text)
    } else {
        std::fs::File::open(file).and_then(|open| open.take(LARGEST).read_to_end(&mut text))
    }
    .map_err(|error| usage(format!("cannot read {}: {error}", file.display())))?;
    let mut plan: Plan = serde_json::from_slice(&text)
        .map_err(|error| usage(format!("{} is no plan of wigwag: {error}", file.display())))?;
    let max = target::one::<usize>(matches, "max").copied();
    plan.order.guards.max = max.or(plan.order.guards.max);
    watching::carry_out_plan(plan, flag(matches, "dry-run"), out)
}
