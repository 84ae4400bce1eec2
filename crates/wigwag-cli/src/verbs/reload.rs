//! `wigwag reload`: a signal that means "read your configuration again", never one that ends a process.

use clap::{Arg, ArgMatches, Command};
use wigwag::Signal;
use wigwag_process::order::{Action, Guards, Order};

use super::{flag, usage};
use crate::output::Output;
use crate::target;
use crate::watching::carry_out;

const EXAMPLES: &str = "\
Examples:
  wigwag reload nginx --oldest           HUP to the master process
  wigwag reload unit:ssh
  wigwag reload USR2 4242                another signal
  wigwag reload nginx --dry-run          would it be handled?

It is refused where the process has no handler: HUP would end it there.
Exit status: 0 handed over, 1 no target, 2 usage, 3 some refused or denied,
4 some did not take it in time, 5 wigwag itself could not go on.";

/// The clap tree of this verb.
pub fn command() -> Command {
    target::acting(
        Command::new("reload")
            .about("Have daemons read their configuration again")
            .override_usage("wigwag reload [SIGNAL] TARGET... [OPTIONS]")
            .after_help(EXAMPLES)
            .arg(target::signal_option("The signal [default: HUP]"))
            .arg(
                Arg::new("wait")
                    .long("wait")
                    .value_name("TIME")
                    .num_args(0..=1)
                    .require_equals(true)
                    .default_missing_value("10s")
                    .help("Watch for this long whether it is taken, 10s where no time is given"),
            ),
    )
}

/// Carries it out: the verdict of the report.
pub fn run(matches: &ArgMatches, out: &mut Output) -> anyhow::Result<u8> {
    let signal = target::signal(matches)?
        .unwrap_or(Some(Signal::HUP))
        .ok_or_else(|| usage("signal 0 reloads nothing: `wigwag send -s 0` tests"))?;
    let order = Order {
        whom: target::selector(matches)?,
        action: Action::Reload { signal },
        guards: target::guards(matches, Some(Guards::MAX)),
        watch: target::duration(matches, "wait")?,
    };
    carry_out(order, flag(matches, "dry-run"), out)
}
