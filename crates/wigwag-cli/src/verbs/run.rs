//! `wigwag run`: a command whose signals we own.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use wigwag::{Signal, SignalSet, WaitStatus, send};
use wigwag_process::order::{Ladder, parse_duration};
use wigwag_run::{CleanUp, Ended, OnLoss, Run, To, Trap};

use super::{Failure, flag, usage};
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  wigwag run --on 'EXIT=rm -f /tmp/lock' -- make install
  wigwag run --on 'INT,TERM=echo stopping' --timeout 30s -- ./server
  wigwag run --temp-dir -- sh -c 'cp big \"$WIGWAG_TEMP_DIR\"; work'
  wigwag run --ignore HUP -- ./long-job           as nohup, output as it is
  wigwag run --map TERM=QUIT,INT= -- ./server     TERM becomes QUIT, INT nothing
  wigwag run --init --linger 10s -- ./entrypoint  as process 1 of a container

Every signal that can be caught is passed on to the command, real-time ones
with their values. What the terminal sends reaches the command by itself.
A trap runs in a shell; then its signal is passed on, unless --swallow.
Exit status: the command's; 128+N if signal N killed it; 124 when its time was
over; 125 wigwag's own trouble; 126 not executable; 127 not found.";

fn many(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name("SIGNALS")
        .action(ArgAction::Append)
        .value_delimiter(',')
        .help(help)
}

pub fn command() -> Command {
    Command::new("run")
        .about("Run a command: trap, pass on and limit its signals, clean up after it")
        .override_usage("wigwag run [OPTIONS] [--] COMMAND [WORDS]...")
        .after_help(EXAMPLES)
        .arg(
            Arg::new("command")
                .value_name("COMMAND")
                .help("The program, and its words")
                .value_parser(ValueParser::os_string())
                .num_args(1..)
                .required(true)
                .trailing_var_arg(true)
                .allow_hyphen_values(true),
        )
        .next_help_heading("Traps")
        .arg(
            Arg::new("on")
                .long("on")
                .value_name("SIGNALS=TEXT")
                .action(ArgAction::Append)
                .help("Run TEXT by sh on these signals; EXIT: when the command has ended"),
        )
        .arg(
            Arg::new("swallow")
                .long("swallow")
                .action(ArgAction::SetTrue)
                .help("Do not pass on a signal that a trap takes"),
        )
        .arg(
            Arg::new("temp-dir")
                .long("temp-dir")
                .value_name("VARIABLE")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("WIGWAG_TEMP_DIR")
                .help("Make a folder for the command, and remove it at the end"),
        )
        .arg(
            Arg::new("on-loss")
                .long("on-loss")
                .value_name("WHAT")
                .value_parser(["stop", "wait"])
                .default_value("stop")
                .help("If wigwag is killed: stop the command, or wait for it, then clean up"),
        )
        .next_help_heading("What the command starts with")
        .arg(many("ignore", "Ignored, in what it starts too"))
        .arg(many("default", "At their default action"))
        .arg(many("block", "Blocked"))
        .arg(many("unblock", "Not blocked"))
        .next_help_heading("Passing on")
        .arg(
            Arg::new("map")
                .long("map")
                .value_name("FROM=TO")
                .action(ArgAction::Append)
                .value_delimiter(',')
                .help("Pass FROM on as TO; with nothing after the =, not at all"),
        )
        .arg(
            Arg::new("to")
                .long("to")
                .value_name("WHOM")
                .value_parser(["child", "group", "tree"])
                .default_value("child")
                .help("To the command, its process group, or all below it"),
        )
        .next_help_heading("Limits")
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("TIME")
                .help("End it, and all below it, after this time: 30s, 1m30s"),
        )
        .arg(
            Arg::new("ladder")
                .long("ladder")
                .value_name("STEPS")
                .requires("timeout")
                .help("How [default: TERM:10s,KILL]"),
        )
        .arg(
            Arg::new("cpu")
                .long("cpu")
                .value_name("TIME")
                .help("XCPU after this CPU time, KILL one second later"),
        )
        .arg(
            Arg::new("file-size")
                .long("file-size")
                .value_name("SIZE")
                .help("XFSZ when it writes beyond this size: 100M, 1G"),
        )
        .arg(
            Arg::new("parent-death")
                .long("parent-death")
                .value_name("SIGNAL")
                .help("Send this to the command when wigwag's parent, or wigwag, ends"),
        )
        .next_help_heading("As init")
        .arg(
            Arg::new("init")
                .long("init")
                .action(ArgAction::SetTrue)
                .help("Collect every orphan of its tree [as process 1: always]"),
        )
        .arg(
            Arg::new("linger")
                .long("linger")
                .value_name("TIME")
                .num_args(0..=1)
                .require_equals(false)
                .default_missing_value("10s")
                .help("End what it leaves behind: TERM, and KILL after this time"),
        )
        .next_help_heading("The end")
        .arg(
            Arg::new("map-status")
                .long("map-status")
                .value_name("FROM=TO")
                .action(ArgAction::Append)
                .value_delimiter(',')
                .help("Exit with another status: 143=0"),
        )
        .arg(
            Arg::new("die-alike")
                .long("die-alike")
                .action(ArgAction::SetTrue)
                .help("End by the signal that ended the command"),
        )
        .arg(
            Arg::new("report")
                .long("report")
                .action(ArgAction::SetTrue)
                .help("Say on standard error how it ended and what it used"),
        )
        .arg(
            Arg::new("report-json")
                .long("report-json")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Write the same to a file"),
        )
}

fn words<'a>(matches: &'a ArgMatches, name: &str) -> impl Iterator<Item = &'a String> {
    matches.get_many::<String>(name).unwrap_or_default()
}

fn set(matches: &ArgMatches, name: &str) -> anyhow::Result<SignalSet> {
    let mut set = SignalSet::EMPTY;
    for word in words(matches, name) {
        let signal: Signal = word
            .parse()
            .map_err(|error| usage(format!("--{name}: {error}")))?;
        if !signal.can_be_caught() {
            return Err(usage(format!(
                "--{name}: {signal} cannot be ignored, blocked or set"
            )));
        }
        set |= signal.into();
    }
    Ok(set)
}

fn time(matches: &ArgMatches, name: &str) -> anyhow::Result<Option<jiff::SignedDuration>> {
    let Some(text) = matches.get_one::<String>(name) else {
        return Ok(None);
    };
    let wrong = || {
        usage(format!(
            "--{name}: '{text}' is not a time; write it as 500ms, 2s or 1m30s"
        ))
    };
    Ok(Some(parse_duration(text).ok_or_else(wrong)?))
}

fn size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor: u64 = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KIB" => 1 << 10,
        "M" | "MIB" => 1 << 20,
        "G" | "GIB" => 1 << 30,
        "T" | "TIB" => 1 << 40,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

fn read(matches: &ArgMatches) -> anyhow::Result<Run> {
    let command = matches.get_many::<OsString>("command").unwrap_or_default();
    let mut run = Run::new(command.cloned());
    for text in words(matches, "on") {
        let trap = text.parse::<Trap>();
        run.traps
            .push(trap.map_err(|error| usage(format!("--on: {error}")))?);
    }
    run.swallow = flag(matches, "swallow");
    run.temp_dir = matches.get_one::<String>("temp-dir").cloned();
    if matches
        .get_one::<String>("on-loss")
        .is_some_and(|what| what == "wait")
    {
        run.on_loss = OnLoss::Wait;
    }
    run.ignore = set(matches, "ignore")?;
    run.default = set(matches, "default")?;
    run.block = set(matches, "block")?;
    run.unblock = set(matches, "unblock")?;
    for text in words(matches, "map") {
        run.map
            .add(text)
            .map_err(|error| usage(format!("--map: {error}")))?;
    }
    run.to = match matches.get_one::<String>("to").map(String::as_str) {
        Some("group") => To::Group,
        Some("tree") => To::Tree,
        _ => To::Child,
    };
    run.timeout = time(matches, "timeout")?;
    if let Some(text) = matches.get_one::<String>("ladder") {
        run.ladder = text
            .parse()
            .map_err(|error| usage(format!("--ladder: {error}")))?;
    }
    run.cpu = time(matches, "cpu")?.map(|time| {
        // The kernel counts whole seconds, and takes 0 for 1.
        let seconds = time.as_millis_f64() / 1_000.0;
        let soft = (seconds.ceil() as u64).max(1);
        (soft, soft + 1)
    });
    if let Some(text) = matches.get_one::<String>("file-size") {
        let wrong = || {
            usage(format!(
                "--file-size: '{text}' is not a size; write it as 512K, 100M or 1G"
            ))
        };
        run.file_size = Some(size(text).ok_or_else(wrong)?);
    }
    if let Some(text) = matches.get_one::<String>("parent-death") {
        let signal = text
            .parse()
            .map_err(|error| usage(format!("--parent-death: {error}")))?;
        run.parent_death = Some(signal);
    }
    run.init = flag(matches, "init");
    run.linger = match time(matches, "linger")? {
        None => None,
        Some(wait) => {
            let mut ladder = Ladder::default();
            if let Some(step) = ladder.0.first_mut() {
                step.wait = wait;
            }
            Some(ladder)
        }
    };
    Ok(run)
}

fn statuses(matches: &ArgMatches) -> anyhow::Result<Vec<(u8, u8)>> {
    let read = |text: &String| {
        let (from, to) = text.split_once('=')?;
        Some((from.parse().ok()?, to.parse().ok()?))
    };
    words(matches, "map-status")
        .map(|text| {
            let wrong = || {
                usage(format!(
                    "--map-status: '{text}' maps no status: write it as 143=0, each 0 to 255"
                ))
            };
            read(text).ok_or_else(wrong)
        })
        .collect()
}

pub fn run(matches: &ArgMatches, out: &mut Output) -> anyhow::Result<u8> {
    let run = read(matches)?;
    let statuses = statuses(matches)?;
    let ended = match run.run() {
        Ok(ended) => ended,
        Err(error) => return Err(Failure::new(error.code(), error.to_string()).into()),
    };
    match ended.clean_up {
        CleanUp::None | CleanUp::Done => {}
        CleanUp::Failed(WaitStatus::Exited(_)) => out.complain("a clean-up ended with a failure"),
        CleanUp::Failed(status) => out.complain(&format!(
            "the clean-up was interrupted ({status}): it is not done again"
        )),
    }
    if flag(matches, "report") {
        out.complain(&text(&ended));
    }
    if let Some(path) = matches.get_one::<PathBuf>("report-json") {
        write_report(&ended, path, out);
    }
    let code = ended.code();
    if let Some((_, to)) = statuses.iter().find(|(from, _)| *from == code) {
        return Ok(*to);
    }
    if flag(matches, "die-alike")
        && let WaitStatus::Killed { signal, .. } = ended.status
    {
        send::end_by(signal);
    }
    Ok(code)
}

/// The status is the command's all the same: what it did is done.
fn write_report(ended: &Ended, path: &PathBuf, out: &Output) {
    let written = serde_json::to_vec_pretty(ended)
        .map_err(std::io::Error::from)
        .and_then(|mut text| {
            text.push(b'\n');
            std::fs::write(path, text)
        });
    if let Err(error) = written {
        out.complain(&format!("cannot write {}: {error}", path.display()));
    }
}

fn text(ended: &Ended) -> String {
    let mut lines = vec![format!(
        "{} after {:.3} s",
        ended.status,
        ended.took.as_secs_f64()
    )];
    if ended.timed_out {
        lines.push("its time was over".into());
    }
    lines.push(format!(
        "{:.3} s user, {:.3} s system, {} KiB at most",
        ended.usage.user.as_secs_f64(),
        ended.usage.system.as_secs_f64(),
        ended.usage.peak_memory / 1024,
    ));
    for passed in &ended.passed {
        let to = match passed.to {
            Some(to) if to == passed.signal => "passed on".into(),
            Some(to) => format!("passed on as {to}"),
            None => "not passed on".to_string(),
        };
        lines.push(format!(
            "{} after {:.3} s, {to}",
            passed.signal,
            passed.after.as_secs_f64()
        ));
    }
    lines.join("\n")
}
