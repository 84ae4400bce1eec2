//! `wigwag list`: the signals of this system or another, and one number or name converted.

use anyhow::anyhow;
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Value, json};
use wigwag::DefaultAction;
use wigwag::catalog::{Kind, Reading, System, SystemSignal, convert, read};

use crate::output::{Output, clean, wrap};

const EXAMPLES: &str = "\
Examples:
  wigwag list                    every signal of this system
  wigwag list --long             with aliases, default action and description
  wigwag list TERM 15 RTMIN+3    a name gives its number, a number its name
  wigwag list --long TERM 137    the same facts of these alone
  wigwag list 143 137 0x8b       a shell's 128+n, a status of wait(2)
  wigwag list --os macos         another system's signals
  wigwag list --os macos 30      its number 30, and the number here
  wigwag list --arch mips USR1   Linux on another processor

In a pipe the fields of --long are separated by tabs: NUMBER NAME ALIASES
DEFAULT DESCRIPTION CAUGHT (whether it can be) STANDARD KEY.";

/// The processors whose Linux has numbers of its own.
pub(super) const ARCHES: &[&str] = &["x86", "arm", "alpha", "mips", "parisc", "sparc"];

/// The clap tree of this verb.
pub fn command() -> Command {
    Command::new("list")
        .about("List the signals of this or another system, or convert a name, number or exit status")
        .after_help(EXAMPLES)
        .allow_negative_numbers(true)
        .arg(
            Arg::new("signal")
                .value_name("SIGNAL|STATUS")
                .num_args(0..)
                .help("Names, numbers, exit statuses (143) or wait statuses (0x8b) to convert"),
        )
        .arg(
            Arg::new("long")
                .short('l')
                .long("long")
                .action(ArgAction::SetTrue)
                .help("One signal a line, with aliases, default action, key, standard and description"),
        )
        .arg(
            Arg::new("os")
                .long("os")
                .value_name("NAME")
                .help("Another system: linux, freebsd, openbsd, netbsd, macos, illumos, hpux, bsd (the historical table)"),
        )
        .arg(
            Arg::new("arch")
                .long("arch")
                .value_name("NAME")
                .help(format!(
                    "Another processor, for Linux: {}",
                    ARCHES.join(", ")
                )),
        )
}

/// Carries it out: 0, or an error of the words given.
pub fn run(matches: &ArgMatches, out: &mut Output) -> anyhow::Result<u8> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let system = match (text("os"), text("arch")) {
        (None, None) => System::here(),
        (os, arch) => System::find(os, arch).map_err(|e| super::usage(e.to_string()))?,
    };
    let words: Vec<&str> = matches
        .get_many::<String>("signal")
        .unwrap_or_default()
        .map(String::as_str)
        .collect();
    let long = matches.get_flag("long");
    if !words.is_empty() {
        return conversions(&words, system, long, out);
    }
    if out.is_json() {
        out.document(json!({
            "system": system_json(system),
            "signals": system.signals().map(|s| signal_json(&s)).collect::<Vec<_>>(),
        }))?;
    } else if let Some(width) = out.terminal_width() {
        out.print(&heading(system, width))?;
        out.print(&if long {
            long_table(&system.signals().collect::<Vec<_>>(), system, width)
        } else {
            columns(system, width)
        })?;
    } else {
        let line = |s: SystemSignal| match long {
            true => long_line(&s, system),
            false => format!("{} {}\n", s.number, s.name),
        };
        out.print(&system.signals().map(line).collect::<String>())?;
    }
    Ok(0)
}

/// Another system's title and note; nothing for this one.
fn heading(system: &System, width: usize) -> String {
    if system == System::here() {
        return String::new();
    }
    let title = format!("{} ({})", system.title(), system.header());
    let note = wrap(system.note(), width, "");
    format!("{}{note}\n", wrap(&title, width, ""))
}

/// Numbers and names, row by row, in as many columns as fit.
fn columns(system: &System, width: usize) -> String {
    let signals: Vec<SystemSignal> = system.signals().collect();
    let name_width = signals.iter().map(|s| s.name.len()).max().unwrap_or(0);
    let number_width = signals
        .iter()
        .map(|s| s.number.to_string().len())
        .max()
        .unwrap_or(0);
    let cell = number_width + 1 + name_width;
    let fit = ((width + 2) / (cell + 2)).max(1);
    let mut text = String::new();
    for row in signals.chunks(fit) {
        let cells: Vec<String> = row
            .iter()
            .map(|s| format!("{:>number_width$} {:<name_width$}", s.number, s.name))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// What an action is called in a table.
fn action_word(action: Option<DefaultAction>) -> &'static str {
    match action {
        Some(DefaultAction::Terminate) => "terminate",
        Some(DefaultAction::CoreDump) => "core dump",
        Some(DefaultAction::Ignore) => "ignore",
        Some(DefaultAction::Stop) => "stop",
        Some(DefaultAction::Continue) => "continue",
        None => "-",
    }
}

/// The description; real-time signals with their distance from the first, as strsignal(3) has it.
pub(super) fn description(signal: &SystemSignal, system: &System) -> String {
    match system
        .realtime()
        .filter(|r| (r.min..=r.max).contains(&signal.number))
    {
        Some(r) if signal.entry.name == "RT" => {
            format!("Real-time signal {}", signal.number - r.min)
        }
        _ => signal.entry.description.to_owned(),
    }
}

fn aliases(signal: &SystemSignal) -> String {
    if signal.aliases.is_empty() {
        "-".to_owned()
    } else {
        signal.aliases.join(",")
    }
}

/// The fields of `--long`, in order, in a pipe with tabs between; those that a narrow terminal has no room for come last.
fn fields(signal: &SystemSignal, system: &System) -> [String; 8] {
    [
        signal.number.to_string(),
        signal.name.clone(),
        aliases(signal),
        action_word(signal.action).to_owned(),
        description(signal, system),
        if signal.entry.can_be_caught() {
            "yes"
        } else {
            "no"
        }
        .to_owned(),
        signal.entry.standard.to_owned(),
        signal.entry.key.unwrap_or("-").to_owned(),
    ]
}

const TITLES: [&str; 8] = [
    "NUMBER",
    "NAME",
    "ALIASES",
    "DEFAULT",
    "DESCRIPTION",
    "CAUGHT",
    "STANDARD",
    "KEY",
];

/// `--long` in a pipe.
fn long_line(signal: &SystemSignal, system: &System) -> String {
    fields(signal, system).join("\t") + "\n"
}

/// `--long` on a terminal: as many of the fields as fit, never fewer than number and name; the others are named below.
fn long_table(signals: &[SystemSignal], system: &System, width: usize) -> String {
    let rows: Vec<[String; 8]> = signals.iter().map(|s| fields(s, system)).collect();
    let widths: Vec<usize> = (0..TITLES.len())
        .map(|i| {
            rows.iter()
                .map(|r| r[i].len())
                .chain([TITLES[i].len()])
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut shown = 0;
    let mut used = 0;
    while shown < widths.len() && (shown < 2 || used + widths[shown] <= width) {
        used += widths[shown] + 2;
        shown += 1;
    }
    let line = |cells: &[String]| {
        let mut text = String::new();
        for (i, cell) in cells.iter().take(shown).enumerate() {
            let pad = widths[i];
            text.push_str(&if i == 0 {
                format!("{cell:>pad$}  ")
            } else {
                format!("{cell:<pad$}  ")
            });
        }
        text.trim_end().to_owned() + "\n"
    };
    let titles: Vec<String> = TITLES.iter().map(|t| (*t).to_owned()).collect();
    let mut text = line(&titles) + &rows.iter().map(|r| line(r)).collect::<String>();
    if shown < TITLES.len() {
        let all = widths.iter().map(|w| w + 2).sum::<usize>() - 2;
        let missing = TITLES[shown..].join(", ");
        let left_out = format!(
            "No room for {missing}: that takes {all} columns. In a pipe every field is there."
        );
        text.push('\n');
        text.push_str(&wrap(&left_out, width, ""));
    }
    text
}

/// The words given, each as its name or number; every one is read before anything is printed.
fn conversions(
    words: &[&str],
    system: &System,
    long: bool,
    out: &mut Output,
) -> anyhow::Result<u8> {
    let mut readings = Vec::new();
    for word in words {
        let found = read(word, system).map_err(|e| super::usage(e.to_string()))?;
        if found.kind == Kind::NegativeNumber {
            return Err(super::usage(format!(
                "{word} is no signal: numbers have no sign"
            )));
        }
        match found.exit {
            Some(code) => {
                return Err(super::usage(format!(
                    "{word}: exit status {code} stands for no signal"
                )));
            }
            None if found.number.is_none() => {
                return Err(super::usage(format!(
                    "{} has no {word}{}",
                    system.title(),
                    elsewhere(&found)
                )));
            }
            None => readings.push(found),
        }
    }
    if out.is_json() {
        let list: Vec<Value> = readings
            .iter()
            .map(|r| conversion_json(r, system))
            .collect();
        out.document(json!({ "system": system_json(system), "conversions": list }))?;
        return Ok(0);
    }
    if long {
        let signals: Vec<SystemSignal> = readings
            .iter()
            .filter_map(|found| system.signal(found.number?))
            .collect();
        let text = match out.terminal_width() {
            Some(width) => heading(system, width) + &long_table(&signals, system, width),
            None => signals.iter().map(|s| long_line(s, system)).collect(),
        };
        out.print(&text)?;
        return Ok(0);
    }
    let mut text = String::new();
    for found in &readings {
        text.push_str(
            &conversion_line(found, system)
                .ok_or_else(|| anyhow!("{} has no number", clean(&found.text, false)))?,
        );
        text.push('\n');
    }
    out.print(&text)?;
    Ok(0)
}

/// Its numbers on the systems that have it.
fn elsewhere(found: &Reading) -> String {
    let numbers = found
        .name
        .as_deref()
        .map(|name| super::explain::elsewhere(name, None))
        .unwrap_or_default();
    if numbers.is_empty() {
        numbers
    } else {
        format!(": it is {numbers}")
    }
}

/// A name gives its number, anything else its name; for another system both, and the number here.
fn conversion_line(found: &Reading, system: &System) -> Option<String> {
    let (name, number) = (found.name.as_deref()?, found.number?);
    let here = System::here();
    if system == here {
        return Some(if found.kind == Kind::Name {
            number.to_string()
        } else {
            name.to_owned()
        });
    }
    let title = system.title();
    let there = match found.kind {
        Kind::Name => format!("{name} is {number} on {title}"),
        Kind::Number => format!("{number} is {name} on {title}"),
        _ => format!(
            "{} is {name} ({number}) on {title}",
            clean(found.text.trim(), false)
        ),
    };
    let converted = convert(number, system, here);
    Some(match (converted.number, converted.there) {
        (Some(same), Some(as_name)) if same == number && as_name == name => {
            format!("{there}, and the same here")
        }
        (Some(other), Some(as_name)) if as_name == name => {
            format!("{there}; here {name} is {other}")
        }
        (Some(other), Some(as_name)) => format!("{there}; here that is {as_name}, {other}"),
        _ => format!("{there}; there is none here"),
    })
}

fn system_json(system: &System) -> Value {
    json!({
        "id": system.id(),
        "title": system.title(),
        "header": system.header(),
        "note": system.note(),
        "realtime": system.realtime().map(|r| json!({
            "min": r.min, "max": r.max, "kernel_min": r.kernel_min, "kernel_max": r.kernel_max,
        })),
    })
}

/// The facts of a signal on its system.
pub(super) fn signal_json(signal: &SystemSignal) -> Value {
    let action = signal
        .action
        .map(|_| action_word(signal.action).replace(' ', "_"));
    json!({
        "number": signal.number,
        "name": signal.name,
        "aliases": signal.aliases,
        "default_action": action,
        "description": signal.entry.description,
        "can_be_caught": signal.entry.can_be_caught(),
        "can_be_blocked": signal.entry.can_be_caught(),
        "can_be_ignored": signal.entry.can_be_caught(),
        "standard": signal.entry.standard,
        "key": signal.entry.key,
    })
}

fn conversion_json(found: &Reading, system: &System) -> Value {
    let here = found.number.map(|n| convert(n, system, System::here()));
    json!({
        "reading": found,
        "signal": found.number.and_then(|n| system.signal(n)).as_ref().map(signal_json),
        "here": here.and_then(|c| Some(json!({ "name": c.there?, "number": c.number? }))),
    })
}
