//! `wigwag stop`: ask first, then insist.

use clap::{Arg, ArgAction, ArgMatches, Command};
use wigwag_process::order::{Action, Guards, Ladder, Order};

use super::{flag, usage};
use crate::output::Output;
use crate::target;
use crate::watching::carry_out;

const EXAMPLES: &str = "\
Examples:
  wigwag stop nginx                   TERM; after 10 s KILL to those still there
  wigwag stop port:8080               whoever listens there
  wigwag stop tree:4242               it and all that it has started
  wigwag stop --ladder HUP:2s,TERM:5s,KILL 4242
  wigwag stop --ladder INT:30s 4242   never KILL; 4 if it is still there
  wigwag stop --user bob --max 500
  wigwag stop nginx --dry-run         who would it be, and what would TERM do?

Each step goes only to those still there. A step is SIGNAL:TIME; the last one
waits 5 s where it has no time. A stopped process takes nothing but KILL: it
gets CONT after every other signal of the ladder.
Of a tree, a group or a session those are stopped too that are started
meanwhile: what is started in answer to a signal may be a clean-up, and gets
the next step. Names, ports and users are not looked for again.
Ctrl-C ends the waiting and prints the report so far; what was sent stays sent.
Exit status: 0 all have ended, 1 no target, 2 usage, 3 some refused or denied,
4 some are still there (also after Ctrl-C), 5 wigwag itself could not go on.";

/// The clap tree of this verb.
pub fn command() -> Command {
    target::acting(
        Command::new("stop")
            .about("End processes: ask first, then insist")
            .override_usage("wigwag stop TARGET... [OPTIONS]")
            .after_help(EXAMPLES)
            .arg(Arg::new("ladder").long("ladder").value_name("STEPS").help(
                "The signals, weakest first, and how long each waits [default: TERM:10s,KILL]",
            )),
    )
    .next_help_heading("Guards")
    .arg(
        Arg::new("if-handled")
            .long("if-handled")
            .action(ArgAction::SetTrue)
            .help("Refuse those that have no handler for the first signal"),
    )
}

/// Carries it out: the verdict of the report.
pub fn run(matches: &ArgMatches, out: &mut Output) -> anyhow::Result<u8> {
    let ladder = match matches.get_one::<String>("ladder") {
        Some(text) => text
            .parse::<Ladder>()
            .map_err(|error| usage(error.to_string()))?,
        None => Ladder::default(),
    };
    let order = Order {
        whom: target::selector(matches)?,
        action: Action::Stop { ladder },
        guards: target::guards(matches, Some(Guards::MAX)),
        watch: None,
    };
    carry_out(order, flag(matches, "dry-run"), out)
}
