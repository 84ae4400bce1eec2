//! The options that choose processes and guard them, and what they say.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Arg, ArgAction, ArgMatches, Command};
use jiff::SignedDuration;
use wigwag::{InvalidSignal, Signal};
use wigwag_process::order::{Guards, TIMES, parse_duration};
use wigwag_process::selector::{Filter, NamespaceFilter, Selector, Target};

use crate::verbs::{flag, usage};

const TARGETS: &str = "\
A pid (4242, pid:4242), a process group (-4242, group:4242), session:4242, tree:4242 (it and all below it), \
port:8080, port:53/udp, port:http (who listens), file:PATH (who has it open, or is in that directory), unit:NAME (systemd), cgroup:PATH, tid:4243 (one thread), \
or the name of a process (nginx, name:nginx)";

const CHOOSING: &str = "Choosing (all must hold)";

/// A verb that does something to processes takes none of these alone: that would be about the whole machine.
const NARROWING: &str = "Narrowing what a target or another option has chosen";

fn option(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .action(ArgAction::SetTrue)
        .help(help)
}

/// Adds the words and options by which a verb is told whom.
pub fn selecting(command: Command) -> Command {
    let many = |arg: Arg| arg.action(ArgAction::Append);
    command
        .arg(
            Arg::new("target")
                .value_name("TARGET")
                .num_args(0..)
                .value_parser(clap::value_parser!(OsString))
                .help(TARGETS),
        )
        .next_help_heading(CHOOSING)
        .arg(many(option(
            "name",
            "NAME",
            "Named so (comm, or the base name of a longer one)",
        )))
        .arg(
            switch(
                "exact",
                "With --full or --regex: all of the name must match",
            )
            .requires("name"),
        )
        .arg(switch("full", "Look for --name in the whole command line").requires("name"))
        .arg(switch("regex", "--name is a regular expression").requires("name"))
        .arg(
            many(option(
                "user",
                "USER,...",
                "Runs as this user, or one of these (name or number)",
            ))
            .short('u')
            .value_delimiter(','),
        )
        .arg(
            many(option(
                "group-id",
                "GROUP,...",
                "Runs with this group, or one of these (name or number)",
            ))
            .value_delimiter(','),
        )
        .arg(many(option("parent", "PID", "Is a child of this process")))
        .arg(many(option(
            "tty",
            "TTY",
            "Has this terminal (pts/3, none)",
        )))
        .arg(many(
            option("cgroup", "PATH", "Is in this control group or below it")
                .value_parser(clap::value_parser!(PathBuf)),
        ))
        .arg(many(option(
            "env",
            "NAME[=VALUE]",
            "Has this in its environment",
        )))
        .arg(option("handles", "SIGNAL", "Has a handler for this signal"))
        .next_help_heading(NARROWING)
        .arg(option(
            "older",
            "TIME",
            "Started longer ago than this (10m, 2h)",
        ))
        .arg(option("younger", "TIME", "Started less long ago than this"))
        .arg(switch("newest", "Only the one that started last").conflicts_with("oldest"))
        .arg(switch("oldest", "Only the one that started first"))
        .arg(many(option(
            "ns",
            "PID[:KIND,...]",
            "Shares these namespaces with that process",
        )))
        .arg(option(
            "state",
            "LETTERS",
            "Is in one of these states: R, S, D, T, t, Z, I",
        ))
        .next_help_heading(None)
}

/// The description for words without options, apart from the signal: all that `send -9 4242` needs. Describing every option
/// takes as long as half a dozen system calls.
pub fn brief(name: &'static str) -> Command {
    Command::new(name)
        .disable_help_flag(true)
        .arg(signal_option(""))
        .arg(
            Arg::new("target")
                .num_args(0..)
                .value_parser(clap::value_parser!(OsString)),
        )
}

/// Whether [`brief`] is description enough for words that [`read_dashes`](super::read_dashes) has read.
pub fn are_brief(words: &[OsString]) -> bool {
    words.iter().all(|word| {
        let bytes = word.as_encoded_bytes();
        bytes.first() != Some(&b'-') || bytes.starts_with(b"--signal=")
    })
}

/// Adds the options of verbs that do something to what they select.
pub fn acting(command: Command) -> Command {
    selecting(command)
        .next_help_heading(CHOOSING)
        .arg(switch(
            "own-group",
            "All of wigwag's own process group, itself and what started it too",
        ))
        .arg(switch(
            "everyone",
            "All that may be signalled, what started wigwag too, but not wigwag itself or pid 1",
        ))
        .next_help_heading("Guards")
        .arg(
            option(
                "allow",
                "WHOM",
                "Lift a guard: self, ancestors, init (comma-separated)",
            )
            .action(ArgAction::Append)
            .value_delimiter(',')
            .value_parser(["self", "ancestors", "init"]),
        )
        .arg(max_option())
        .arg(switch(
            "ignore-missing",
            "Go on where a target selects nothing",
        ))
        .next_help_heading("Output")
        .arg(
            switch(
                "dry-run",
                "Send nothing; print who it would be, and what it would do",
            )
            .short('n'),
        )
        .next_help_heading(None)
}

/// The guard against too many.
pub fn max_option() -> Arg {
    option(
        "max",
        "N",
        "Refuse, or ask on a terminal, where more than N are selected [default: 50]",
    )
    .help_heading("Guards")
    .value_parser(whole::<usize>(0))
}

/// Reads a whole number from `least` up, and says so where it is none.
pub fn whole<T: FromStr>(least: i64) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        // What is too large for the type is none either.
        let is_enough = text.parse::<i128>().is_ok_and(|n| n >= least.into());
        let number = text
            .parse()
            .ok()
            .filter(|_| is_enough && !text.starts_with('+'));
        number.ok_or_else(|| match least {
            i64::MIN..0 => "write a whole number that fits 32 bits".to_owned(),
            _ => format!("write a whole number, {least} or more"),
        })
    }
}

/// The option by which a signal is given.
pub fn signal_option(help: &'static str) -> Arg {
    option("signal", "SIGNAL", help).short('s')
}

/// The signal of `--signal`; `Some(None)` is 0, the probe.
///
/// # Errors
/// A usage error where it is none.
pub fn signal(matches: &ArgMatches) -> anyhow::Result<Option<Option<Signal>>> {
    let Some(word) = one::<String>(matches, "signal") else {
        return Ok(None);
    };
    match word.parse() {
        Ok(signal) => Ok(Some(Some(signal))),
        Err(InvalidSignal::Zero) => Ok(Some(None)),
        Err(error) => Err(usage(error.to_string())),
    }
}

/// A time such as `10s`.
///
/// # Errors
/// A usage error where it is none.
pub fn duration(matches: &ArgMatches, name: &str) -> anyhow::Result<Option<SignedDuration>> {
    let Some(word) = one::<String>(matches, name) else {
        return Ok(None);
    };
    parse_duration(word)
        .map(Some)
        .ok_or_else(|| usage(format!("--{name}: {word:?} is no time: write {TIMES}")))
}

/// The value of an option; `None` also where the description has left the option out.
pub fn one<'a, T: Clone + Send + Sync + 'static>(
    matches: &'a ArgMatches,
    name: &str,
) -> Option<&'a T> {
    matches.try_get_one::<T>(name).ok().flatten()
}

fn all<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, name: &str) -> Vec<T> {
    let values = matches.try_get_many::<T>(name).ok().flatten();
    values.unwrap_or_default().cloned().collect()
}

/// Whom the words mean.
///
/// # Errors
/// A usage error where nobody is named, or a word cannot be read.
pub fn selector(matches: &ArgMatches) -> anyhow::Result<Selector> {
    let mut targets = Vec::new();
    for word in matches.get_many::<OsString>("target").unwrap_or_default() {
        targets.push(Target::parse_os(word).map_err(|error| usage(error.to_string()))?);
    }
    if let Ok(Some(threads)) = matches.try_get_many::<i32>("thread") {
        if let Some(target) = targets.first() {
            return Err(usage(format!(
                "--thread says whom already: with {target} the whole process would be signalled, too; leave {target} out"
            )));
        }
        targets.extend(threads.map(|tid| Target::Thread(*tid)));
    }
    for word in ["own-group", "everyone"] {
        if let Some(target) = targets.first().filter(|_| flag(matches, word)) {
            return Err(usage(format!(
                "--{word} says whom already: {target} would not narrow it; leave one of them out"
            )));
        }
    }
    if flag(matches, "own-group") {
        targets.push(Target::OwnGroup);
    }
    if flag(matches, "everyone") {
        targets.push(Target::Everyone);
    }
    let selector = Selector {
        targets,
        filter: filter(matches)?,
    };
    if selector.is_empty() {
        return Err(usage(nobody(matches)));
    }
    Ok(selector)
}

fn nobody(matches: &ArgMatches) -> String {
    let signal =
        one::<String>(matches, "signal").filter(|word| !word.bytes().all(|b| b.is_ascii_digit()));
    match signal {
        Some(word) => {
            format!("whom is {word} for? A process that is named {word} is name:{word}")
        }
        None => "whom? Name a process, or choose with --name, --user, ...".to_owned(),
    }
}

fn filter(matches: &ArgMatches) -> anyhow::Result<Filter> {
    let numbers = |name: &str| -> anyhow::Result<Vec<i32>> {
        all::<String>(matches, name)
            .iter()
            .map(|word| match Target::parse(word) {
                Ok(Target::Pid(pid)) => Ok(pid),
                _ => Err(usage(format!("--{name}: {word:?} is no process number"))),
            })
            .collect()
    };
    let namespaces: anyhow::Result<Vec<NamespaceFilter>> = all::<String>(matches, "ns")
        .iter()
        .map(|word| {
            word.parse()
                .map_err(|error: String| usage(format!("--ns: {error}")))
        })
        .collect();
    let handles = one::<String>(matches, "handles")
        .map(|word| {
            word.parse::<Signal>()
                .map_err(|error| usage(format!("--handles: {error}")))
        })
        .transpose()?;
    let names: Vec<String> = all(matches, "name");
    if names.iter().any(String::is_empty) {
        // In a command line or a regular expression it would match everybody.
        return Err(usage("--name: an empty name chooses nobody, or everybody"));
    }
    let env: Vec<String> = all(matches, "env");
    if let Some(word) = env
        .iter()
        .find(|word| word.is_empty() || word.starts_with('='))
    {
        return Err(usage(format!("--env: {word:?} names no variable")));
    }
    Ok(Filter {
        name: names,
        exact: flag(matches, "exact"),
        full: flag(matches, "full"),
        regex: flag(matches, "regex"),
        user: all(matches, "user"),
        group_id: all(matches, "group-id"),
        parent: numbers("parent")?,
        tty: all(matches, "tty"),
        older: duration(matches, "older")?,
        younger: duration(matches, "younger")?,
        newest: flag(matches, "newest"),
        oldest: flag(matches, "oldest"),
        cgroup: all(matches, "cgroup"),
        env: env
            .iter()
            .map(|word| match word.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (word.clone(), None),
            })
            .collect(),
        ns: namespaces?,
        state: states(matches)?,
        handles,
    })
}

fn states(matches: &ArgMatches) -> anyhow::Result<Vec<char>> {
    let Some(given) = one::<String>(matches, "state") else {
        return Ok(Vec::new());
    };
    let letters: Vec<char> = given.chars().filter(|c| *c != ',').collect();
    if letters.is_empty() {
        return Err(usage(
            "--state: name at least one of R, S, D, T, t, Z and I",
        ));
    }
    match letters.iter().find(|c| !"RSDTtZXI".contains(**c)) {
        Some(wrong) => Err(usage(format!(
            "--state: {wrong} is no state: they are R, S, D, T, t, Z and I"
        ))),
        None => Ok(letters),
    }
}

/// What an order must not do; `max` is the number where nothing else is said.
pub fn guards(matches: &ArgMatches, max: Option<usize>) -> Guards {
    let allowed = |whom: &str| {
        matches
            .try_get_many::<String>("allow")
            .ok()
            .flatten()
            .is_some_and(|mut words| words.any(|word| word == whom))
    };
    let given = one::<usize>(matches, "max");
    Guards {
        allow_self: allowed("self"),
        allow_ancestors: allowed("ancestors"),
        allow_init: allowed("init"),
        allow_kernel_threads: false,
        max: given.copied().or(max),
        if_handled: flag(matches, "if-handled"),
        ignore_missing: flag(matches, "ignore-missing"),
        as_kill: false,
    }
}
