//! `wigwag explain`: what a signal or a status is, what causes it, and what to do about it.

use anstyle::Style;
use clap::{Arg, ArgMatches, Command};
use serde_json::{Value, json};
use wigwag::DefaultAction;
use wigwag::catalog::{Kind, Reading, System, SystemSignal, Unreadable, entry, read};

use crate::output::{Output, clean, wrap};

const EXAMPLES: &str = "\
Examples:
  wigwag explain TERM
  wigwag explain 137                          a shell's exit status
  wigwag explain 0x8b                         a status of wait(2)
  wigwag explain -11                          as Python's subprocess reports it
  wigwag explain 'Segmentation fault (core dumped)'
  wigwag explain exit 127";

/// Headings.
const BOLD: Style = Style::new().bold();

/// The widest that running text is set.
const WIDEST: usize = 100;

/// The clap tree of this verb.
pub fn command() -> Command {
    Command::new("explain")
        .about("Explain a signal, an exit status or a shell's words: what it is, what causes it, what to do")
        .after_help(EXAMPLES)
        .allow_negative_numbers(true)
        .arg(
            Arg::new("what")
                .value_name("SIGNAL|STATUS")
                .num_args(1..)
                .required(true)
                .help("Names, numbers, exit statuses, wait statuses, or the words that a shell printed"),
        )
}

/// Carries it out: 0, or an error of the words given.
pub fn run(matches: &ArgMatches, out: &mut Output) -> anyhow::Result<u8> {
    let system = System::here();
    let words: Vec<&str> = matches
        .get_many::<String>("what")
        .unwrap_or_default()
        .map(String::as_str)
        .collect();
    let readings = read_all(&words, system).map_err(|e| super::usage(e.to_string()))?;
    if out.is_json() {
        let all: Vec<Value> = readings.iter().map(|r| to_json(r, system)).collect();
        out.document(json!({ "explanations": all }))?;
        return Ok(0);
    }
    let width = out.terminal_width().unwrap_or(80).clamp(30, WIDEST);
    let texts: Vec<String> = readings.iter().map(|r| to_text(r, system, width)).collect();
    out.print_styled(&texts.join("\n"))?;
    Ok(0)
}

/// Each word by itself or, where one says nothing (`exit 137` without quotes), all of them as one phrase.
fn read_all(words: &[&str], system: &System) -> Result<Vec<Reading>, Unreadable> {
    let each: Result<Vec<_>, _> = words.iter().map(|word| read_one(word, system)).collect();
    match each {
        Err(e) if words.len() > 1 && e.suggestion.is_none() => read(&words.join(" "), system)
            .map(|whole| vec![whole])
            .map_err(|_| e),
        each => each,
    }
}

/// Numbers that are no signal but well-known exit statuses (127: command not found) are read as such.
fn read_one(word: &str, system: &System) -> Result<Reading, Unreadable> {
    read(word, system).or_else(|e| match word.trim().parse() {
        Ok(65..=255) => read(&format!("exit {}", word.trim()), system),
        _ => Err(e),
    })
}

/// What the text was taken for; nothing where it was the signal's own name or number.
fn how_read(found: &Reading) -> Option<String> {
    let text = clean(found.text.trim(), false);
    let name = found.name.as_deref().unwrap_or("a signal");
    let number = found.number?;
    let core = if found.core_dumped {
        " and it dumped core"
    } else {
        ""
    };
    Some(match found.kind {
        Kind::ShellStatus if text.parse() == Ok(256 + number) => {
            format!("{text} is 256 + {number}: so ksh93 reports a command that {name} ended.")
        }
        Kind::ShellStatus => {
            format!(
                "{text} is 128 + {number}: so a shell reports a command that {name} ended. A program can also exit with this status by itself, but seldom does."
            )
        }
        Kind::WaitStatus if found.stopped => {
            format!("{text} is a status of wait(2): {name} stopped the process.")
        }
        Kind::WaitStatus if name == "CONT" => {
            format!("{text} is a status of wait(2): the process was resumed.")
        }
        Kind::WaitStatus => {
            format!("{text} is a status of wait(2): {name} ended the process{core}.")
        }
        Kind::NegativeNumber => format!(
            "{text} is how Python's subprocess, among others, reports a process that {name} ended."
        ),
        Kind::Phrase => format!("\"{text}\": the process got {name}{core}."),
        Kind::Number if number <= 2 => {
            format!("As an exit status {number} is something else: `wigwag explain exit {number}`.")
        }
        Kind::Name | Kind::Number | Kind::ExitStatus => return None,
    })
}

/// What the default action does, in a sentence.
fn action_sentence(action: Option<DefaultAction>) -> &'static str {
    match action {
        Some(DefaultAction::Terminate) => "ends the process",
        Some(DefaultAction::CoreDump) => "ends the process and dumps core",
        Some(DefaultAction::Ignore) => "is ignored",
        Some(DefaultAction::Stop) => "stops the process",
        Some(DefaultAction::Continue) => "resumes the process if it is stopped",
        None => "is not established",
    }
}

fn to_text(found: &Reading, system: &System, width: usize) -> String {
    if let Some(code) = found.exit {
        return exit_text(found, code, width);
    }
    let signal = found.number.and_then(|n| system.signal(n));
    let name = found.name.as_deref().unwrap_or("?");
    let Some(facts) = signal.as_ref().map(|s| s.entry).or_else(|| entry(name)) else {
        return String::new();
    };
    let title = signal.as_ref().map_or_else(
        || facts.description.to_owned(),
        |s| super::list::description(s, system),
    );
    let mut text = match found.number {
        Some(number) => format!("{BOLD}SIG{name}{BOLD:#}, signal {number}: {title}\n"),
        None => format!("{BOLD}SIG{name}{BOLD:#}: {title}\n"),
    };
    if let Some(how) = how_read(found) {
        text.push_str(&wrap(&how, width, "  "));
    }
    text.push('\n');
    let mut field =
        |label: &str, value: &str| text.push_str(&wrap(value, width, &format!("  {label:<10}")));
    match &signal {
        Some(signal) => field("default", action_sentence(signal.action)),
        None => field("default", &format!("{} has no such signal", system.title())),
    }
    field(
        "program",
        if facts.can_be_caught() {
            "can catch, block and ignore it"
        } else {
            "cannot catch, block or ignore it"
        },
    );
    if let Some(key) = facts.key {
        field("key", key);
    }
    let aliases = signal
        .as_ref()
        .map(|s| s.aliases.join(", "))
        .unwrap_or_default();
    if !aliases.is_empty() {
        field("also", &aliases);
    }
    field("from", facts.standard);
    let others = elsewhere(name, found.number);
    if !others.is_empty() {
        field("elsewhere", &others);
    }
    for (label, sentences) in [
        ("What causes it", facts.causes),
        ("What to do", facts.advice),
    ] {
        text.push_str(&format!("\n  {BOLD}{label}{BOLD:#}\n"));
        for sentence in sentences {
            text.push_str(&wrap(sentence, width, "  - "));
        }
    }
    text
}

/// The numbers that differ, by system: `16 on mips, parisc; 30 on macos`.
pub(super) fn elsewhere(name: &str, here: Option<i32>) -> String {
    let mut groups: Vec<(i32, Vec<&str>)> = Vec::new();
    for system in System::all() {
        let Some(number) = system.number(name).filter(|n| Some(*n) != here) else {
            continue;
        };
        match groups.iter_mut().find(|(n, _)| *n == number) {
            Some((_, ids)) => ids.push(system.id()),
            None => groups.push((number, vec![system.id()])),
        }
    }
    let groups: Vec<String> = groups
        .iter()
        .map(|(n, ids)| format!("{n} on {}", ids.join(", ")))
        .collect();
    groups.join("; ")
}

/// The meanings that sysexits.h gives to 64 to 78.
fn sysexits(code: i32) -> &'static str {
    match code {
        64 => "the program's own; by sysexits.h (EX_USAGE) wrong usage",
        65 => "the program's own; by sysexits.h (EX_DATAERR) wrong input data",
        66 => "the program's own; by sysexits.h (EX_NOINPUT) input that cannot be opened",
        67 => "the program's own; by sysexits.h (EX_NOUSER) an unknown user",
        68 => "the program's own; by sysexits.h (EX_NOHOST) an unknown host",
        69 => "the program's own; by sysexits.h (EX_UNAVAILABLE) a service that is not there",
        70 => "the program's own; by sysexits.h (EX_SOFTWARE) an internal error",
        71 => {
            "the program's own; by sysexits.h (EX_OSERR) an error of the system: it cannot fork, say"
        }
        72 => {
            "the program's own; by sysexits.h (EX_OSFILE) a file of the system that is missing or wrong"
        }
        73 => "the program's own; by sysexits.h (EX_CANTCREAT) a file that cannot be made",
        74 => "the program's own; by sysexits.h (EX_IOERR) an input or output error",
        75 => "the program's own; by sysexits.h (EX_TEMPFAIL) a failure for now: try again",
        76 => "the program's own; by sysexits.h (EX_PROTOCOL) a wrong answer of the other side",
        77 => "the program's own; by sysexits.h (EX_NOPERM) a permission that is missing",
        _ => "the program's own; by sysexits.h (EX_CONFIG) a wrong configuration",
    }
}

/// What an exit status without a signal usually means, and what to do.
fn exit_meaning(code: i32) -> (&'static str, &'static str) {
    match code {
        0 => ("success", "Nothing."),
        1 => (
            "failure, by the convention of most programs",
            "Read what it wrote to standard error.",
        ),
        2 => (
            "wrong usage, for shells and many programs",
            "Check the arguments: --help.",
        ),
        124 => (
            "`timeout` ended the command",
            "Give it more time, or find what it waits for.",
        ),
        125 => (
            "`timeout`, `docker run` and others: they failed themselves",
            "Read their message.",
        ),
        126 => (
            "a shell found the command but cannot run it",
            "Check its permissions, its file type and its #! line.",
        ),
        127 => (
            "a shell did not find the command",
            "Check the spelling, PATH and the interpreter in its #! line; in a container, that it is installed.",
        ),
        128 => (
            "a shell's `exit` got a wrong argument, or git failed",
            "Read the message.",
        ),
        64..=78 => (
            sysexits(code),
            "Read what it wrote to standard error; sysexits.h has the names, and few programs keep to them.",
        ),
        255 => (
            "failure: ssh could not connect, or a program exited with -1",
            "Read what it wrote to standard error.",
        ),
        _ => (
            "the program's own",
            "Its manual has a section EXIT STATUS; read what it wrote to standard error.",
        ),
    }
}

fn exit_text(found: &Reading, code: i32, width: usize) -> String {
    let (meaning, advice) = exit_meaning(code);
    let mut text = format!("{BOLD}Exit status {code}{BOLD:#}: {meaning}\n");
    text.push_str(&wrap(
        &format!(
            "{}: the process ended by itself; no signal ended it.",
            clean(found.text.trim(), false)
        ),
        width,
        "  ",
    ));
    text.push_str(&format!("\n  {BOLD}What to do{BOLD:#}\n"));
    text + &wrap(advice, width, "  - ")
}

fn to_json(found: &Reading, system: &System) -> Value {
    let signal: Option<SystemSignal> = found.number.and_then(|n| system.signal(n));
    let facts = signal
        .as_ref()
        .map(|s| s.entry)
        .or_else(|| entry(found.name.as_deref()?));
    let meaning = found.exit.map(exit_meaning);
    json!({
        "reading": found,
        "signal": signal.as_ref().map(super::list::signal_json),
        "meaning": meaning.map(|m| m.0),
        "causes": facts.map(|f| f.causes),
        "advice": facts.map_or_else(|| meaning.map(|m| vec![m.1]).unwrap_or_default(), |f| f.advice.to_vec()),
    })
}
