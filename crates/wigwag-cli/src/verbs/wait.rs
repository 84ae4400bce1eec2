//! `wigwag wait`: until processes have ended, whoever their parent is.

use clap::{Arg, ArgAction, ArgMatches, Command};
use wigwag_process::order::{Action, Order};

use super::freeze::timeout;
use crate::output::Output;
use crate::target;
use crate::watching::carry_out;

const EXAMPLES: &str = "\
Examples:
  wigwag wait 4242                       until it has ended
  wigwag wait 4242 4243 --any            until one of them has
  wigwag wait --timeout 30s make         4 if one is still there then
  wigwag wait tree:4242

They need not be children of the shell. How one ended is told where the kernel
shows it: to its parent's user once it is collected, on Linux 6.15 and later.
Exit status: 0 they have ended, 1 no target, 2 usage, 4 some are still there
(also after Ctrl-C), 5 wigwag itself could not go on.";

/// The clap tree of this verb.
pub fn command() -> Command {
    target::selecting(
        Command::new("wait")
            .about("Wait until processes have ended")
            .override_usage("wigwag wait TARGET... [OPTIONS]")
            .after_help(EXAMPLES)
            .arg(
                Arg::new("any")
                    .long("any")
                    .action(ArgAction::SetTrue)
                    .conflicts_with("all")
                    .help("Until one of them has ended"),
            )
            .arg(
                Arg::new("all")
                    .long("all")
                    .action(ArgAction::SetTrue)
                    .help("Until all of them have ended (the default)"),
            )
            .arg(timeout("Give up after this time [default: never]")),
    )
    .next_help_heading("Guards")
    .arg(
        Arg::new("ignore-missing")
            .long("ignore-missing")
            .action(ArgAction::SetTrue)
            .help("Go on where a target selects nothing"),
    )
}

/// Carries it out: the verdict of the report.
pub fn run(matches: &ArgMatches, out: &mut Output) -> anyhow::Result<u8> {
    let order = Order {
        whom: target::selector(matches)?,
        action: Action::Wait {
            any: super::flag(matches, "any"),
        },
        guards: target::guards(matches, None),
        watch: target::duration(matches, "timeout")?,
    };
    carry_out(order, false, out)
}
