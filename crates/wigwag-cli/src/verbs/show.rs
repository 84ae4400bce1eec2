//! `wigwag show`: what processes do with each signal, and what would happen if one were sent now.

mod facts;
mod syscalls;
mod text;

use clap::{Arg, ArgAction, ArgMatches, Command};
use wigwag_process::census::{Census, census};
use wigwag_process::dispositions::JobControl;
use wigwag_process::procfs::{Proc, is_gone};

use super::{Failure, flag, usage};
use crate::output::Output;
use crate::target;
use crate::watching::select_failure;
use facts::Facts;

const EXAMPLES: &str = "\
Examples:
  wigwag show 4242                    who it is, and what each signal would do
  wigwag show 4242 --signal TERM      only this one, with the reason in full
  wigwag show nginx                   all that are named so
  wigwag show --user bob --state D    bob's in uninterruptible sleep
  wigwag show 4242 --all              every signal in a row of its own
  wigwag show 4242 --json

Nothing is sent. Signals that the process has left at their default, and that
are neither blocked nor pending, stand together below the table; --all gives
each its own row. In a pipe each signal is a line:
PID NAME SIGNAL DISPOSITION BLOCKED PENDING EFFECT
and with --signal the reason after it.
Exit status: 0 shown, 1 no target, 2 usage, 5 wigwag itself could not go on.";

/// The clap tree of this verb.
pub fn command() -> Command {
    target::selecting(
        Command::new("show")
            .about("Show what processes do with each signal")
            .override_usage("wigwag show TARGET... [OPTIONS]")
            .after_help(EXAMPLES)
            .arg(target::signal_option(
                "Only this signal, with the reason in full",
            ))
            .arg(
                Arg::new("all")
                    .short('a')
                    .long("all")
                    .action(ArgAction::SetTrue)
                    .help("Every signal in a row of its own"),
            ),
    )
}

/// Carries it out: 0, or 1 where nothing was found.
pub fn run(matches: &ArgMatches, out: &mut Output) -> anyhow::Result<u8> {
    let only = match target::signal(matches)? {
        Some(None) => return Err(usage("signal 0 does nothing: name one")),
        Some(signal) => signal,
        None => None,
    };
    let selector = target::selector(matches)?;
    let proc = Proc::open()?;
    wigwag_process::limits::raise_open_files();
    let census = census(&proc, &selector).map_err(|error| select_failure(&error))?;
    for missing in &census.missing {
        out.complain(&missing.to_string());
    }
    let all = gather(&proc, &census, out)?;
    if all.is_empty() {
        if census.missing.is_empty() {
            return Err(
                Failure::new(1, "no process is selected: none passes all the conditions").into(),
            );
        }
        return Ok(1);
    }
    if out.is_json() {
        let documents: Vec<_> = all.iter().map(|facts| facts.to_json(only)).collect();
        out.document(serde_json::json!({ "processes": documents }))?;
    } else if let Some(width) = out.terminal_width() {
        for (n, facts) in all.iter().enumerate() {
            if n > 0 {
                out.print("\n")?;
            }
            text::terminal(facts, only, flag(matches, "all"), width, out)?;
        }
    } else {
        let lines: String = all.iter().map(|facts| text::lines(facts, only)).collect();
        out.print(&lines)?;
    }
    Ok(u8::from(!census.missing.is_empty()))
}

/// What can be read of each; those that end meanwhile are passed over.
fn gather(proc: &Proc, census: &Census, out: &Output) -> anyhow::Result<Vec<Facts>> {
    let whole = census.found.iter().map(|dir| (dir, None));
    let threads = census
        .threads
        .iter()
        .map(|thread| (&thread.process, Some(thread.task.pid())));
    let jobs = JobControl::new(proc);
    let mut all = Vec::new();
    for (dir, thread) in whole.chain(threads) {
        match Facts::read(proc, &jobs, dir, thread) {
            Ok(facts) => all.push(facts),
            Err(error) if is_gone(&error) => {
                out.complain(&format!("process {} has ended meanwhile", dir.pid()))
            }
            Err(error) => {
                return Err(anyhow::anyhow!(
                    "cannot look at process {}: {error}",
                    dir.pid()
                ));
            }
        }
    }
    Ok(all)
}
