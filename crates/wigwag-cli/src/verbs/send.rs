//! `wigwag send`: one signal to whoever is meant, and what it did.

use clap::{Arg, ArgAction, ArgMatches, Command};
use wigwag::Signal;
use wigwag_process::order::{Action, Guards, Order, Schedule};

use super::{flag, usage};
use crate::output::Output;
use crate::target;
use crate::watching::carry_out;

const EXAMPLES: &str = "\
Examples:
  wigwag send 4242                    TERM, the polite request to end
  wigwag send HUP nginx               HUP to all that are named nginx
  wigwag send -9 4242                 as kill has it; also -KILL, -s KILL
  wigwag send -s 0 4242               is it there, and may I signal it?
  wigwag send USR1 port:8080 --if-handled
                                      only where it would not do harm
  wigwag send RTMIN+3 4242 --value 17 queued with a number
  wigwag send USR1 4242 --wait        look for up to 10 s at what it does
  wigwag send TERM --user www-data --older 1h --dry-run
                                      who would it be, and what would happen?
  wigwag send WINCH 4242 --every 1s --count 5

A first word that is a signal's name is the signal; all others are targets.
In a pipe each process is a line: PID NAME EFFECT, or PID/TID NAME EFFECT of a
thread; with --dry-run the effect is the expected one and why.
Without --wait it looks once, and up to 20 ms where they cannot but take it.
Ctrl-C ends the waiting and prints the report so far: 4 where something is left
to do or to see, 0 where --every has no --count and only Ctrl-C could end it.
Exit status: 0 done as asked, 1 no target, 2 usage, 3 some refused or denied,
4 some did not do as asked in time, 5 wigwag itself could not go on (/proc
cannot be read, the answer cannot be written).";

/// How long `--wait` without a time looks.
const WAIT: &str = "10s";

/// The clap tree of this verb.
pub fn command() -> Command {
    let time = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name("TIME").help(help)
    };
    target::acting(
        Command::new("send")
            .about("Send a signal to processes and say what it did")
            .override_usage("wigwag send [SIGNAL] TARGET... [OPTIONS]")
            .after_help(EXAMPLES)
            .arg(target::signal_option(
                "The signal, by name or number; 0 only tests [default: TERM]",
            ))
            .arg(
                Arg::new("value")
                    .long("value")
                    .value_name("N")
                    .value_parser(target::whole::<i32>(i32::MIN.into()))
                    .help("Queue it with this number (sigqueue)"),
            )
            .arg(
                Arg::new("thread")
                    .long("thread")
                    .value_name("TID")
                    .action(ArgAction::Append)
                    .value_parser(target::whole::<i32>(1))
                    .help("Only to this thread, in the place of a target (as tid:TID)"),
            )
            .arg(time(
                "after",
                "Send it only after this time; the processes are chosen and held now",
            ))
            .arg(time(
                "every",
                "Send it again and again, with this time between",
            ))
            .arg(
                Arg::new("count")
                    .long("count")
                    .value_name("N")
                    .value_parser(target::whole::<u32>(1))
                    .help("With --every: so many times [default: until all have ended]"),
            )
            .arg(
                time(
                    "wait",
                    "Watch for the effect for this long, 10s where no time is given",
                )
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value(WAIT),
            ),
    )
    .next_help_heading("Guards")
    .arg(
        Arg::new("if-handled")
            .long("if-handled")
            .action(ArgAction::SetTrue)
            .help("Refuse those that have no handler for it"),
    )
}

/// Carries it out: the verdict of the report.
pub fn run(matches: &ArgMatches, out: &mut Output) -> anyhow::Result<u8> {
    let signal = target::signal(matches)?.unwrap_or(Some(Signal::TERM));
    let value = target::one::<i32>(matches, "value").copied();
    if signal.is_none() && value.is_some() {
        return Err(usage("signal 0 is not sent, so it carries no value"));
    }
    let every = target::duration(matches, "every")?;
    let count = target::one::<u32>(matches, "count").copied();
    if every.is_some_and(|every| every.is_zero()) {
        return Err(usage("--every 0 would leave no time between two signals"));
    }
    let order = Order {
        whom: target::selector(matches)?,
        action: Action::Send {
            signal,
            value,
            schedule: Schedule {
                after: target::duration(matches, "after")?,
                every,
                count,
            },
        },
        guards: target::guards(matches, Some(Guards::MAX)),
        watch: target::duration(matches, "wait")?,
    };
    carry_out(order, flag(matches, "dry-run"), out)
}
