//! The verbs, one a file, and what they have in common.

pub mod apply;
pub mod catch;
pub mod completions;
pub mod explain;
pub mod freeze;
pub mod keys;
pub mod links;
pub mod list;
pub mod man;
pub mod reload;
pub mod run;
pub mod send;
pub mod show;
pub mod stop;
pub mod thaw;
pub mod tour;
pub mod wait;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::output::Output;
use crate::target::Dashes;

/// What `wigwag` does with a word.
#[derive(Debug)]
pub struct Verb {
    /// The word.
    pub name: &'static str,
    /// Where the overview puts it.
    pub group: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// What `-9`, `-TERM` and `-4242` mean to it.
    pub dashes: Dashes,
    /// The description of its words and options, built only when it is called for.
    pub command: fn() -> Command,
    /// Carries it out.
    pub run: fn(&ArgMatches, &mut Output) -> anyhow::Result<u8>,
}

const SIGNAL: &str = "Send and see what it did";
const LOOK: &str = "Look, signal nothing";
const RECEIVE: &str = "Receive signals";
const RUN: &str = "Run a command";
const KNOW: &str = "Know the signals";
const FRAME: &str = "The command itself";

macro_rules! verb {
    ($group:expr, $name:ident, $dashes:ident, $about:expr) => {
        Verb {
            name: stringify!($name),
            group: $group,
            about: $about,
            dashes: Dashes::$dashes,
            command: $name::command,
            run: $name::run,
        }
    };
}

/// All verbs, in the order of the overview.
pub const VERBS: &[Verb] = &[
    verb!(
        SIGNAL,
        send,
        Signal,
        "Send a signal to processes and say what it did"
    ),
    verb!(
        SIGNAL,
        stop,
        Ladder,
        "End processes: ask first, then insist"
    ),
    verb!(
        SIGNAL,
        reload,
        Signal,
        "Have daemons read their configuration again"
    ),
    verb!(SIGNAL, freeze, Group, "Halt processes without ending them"),
    verb!(SIGNAL, thaw, Group, "Let halted processes run on"),
    verb!(
        SIGNAL,
        apply,
        Plain,
        "Carry out a plan that was saved by --dry-run --json"
    ),
    verb!(LOOK, show, Look, "Show what processes do with each signal"),
    verb!(LOOK, wait, Group, "Wait until processes have ended"),
    verb!(
        RUN,
        run,
        Plain,
        "Run a command whose signals you own, and clean up after it"
    ),
    verb!(
        RECEIVE,
        catch,
        Plain,
        "Wait for signals and say who sent them"
    ),
    verb!(
        KNOW,
        list,
        Plain,
        "List signals, or convert names, numbers and statuses"
    ),
    verb!(
        KNOW,
        explain,
        Plain,
        "Explain a signal, an exit status or a shell's words"
    ),
    verb!(KNOW, keys, Plain, "Show which key sends which signal here"),
    verb!(
        FRAME,
        tour,
        Plain,
        "See the main job done on real processes"
    ),
    verb!(
        FRAME,
        links,
        Plain,
        "Make links by which it is kill, pkill, timeout and others"
    ),
    verb!(
        FRAME,
        completions,
        Plain,
        "Print the completions for a shell"
    ),
    verb!(FRAME, man, Plain, "Print the manual pages"),
];

/// The verb of that name.
pub fn find(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.name == name)
}

/// A verb's description with the options that all have.
pub fn with_common(verb: &Verb) -> Command {
    let command = with_times((verb.command)())
        .bin_name(format!("wigwag {}", verb.name))
        .display_name(format!("wigwag-{}", verb.name))
        .disable_version_flag(true);
    if verb.group == FRAME || verb.group == RUN {
        return command;
    }
    // -1 is a wrong number, and not an option that nobody has heard of.
    let is_number = |arg: &Arg| {
        let names = arg.get_value_names().unwrap_or_default();
        !arg.is_positional() && names.iter().any(|name| *name == "TIME" || *name == "N")
    };
    let json = match verb.name {
        "catch" => "Print one JSON document a signal, each on a line of its own",
        _ => "Print one JSON document",
    };
    command
        .mut_args(|arg| {
            let numeric = is_number(&arg);
            if numeric {
                arg.allow_hyphen_values(true)
            } else {
                arg
            }
        })
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help_heading("Output")
                .help(json),
        )
        .arg(
            Arg::new("quiet")
                .short('q')
                .long("quiet")
                .conflicts_with("json")
                .action(ArgAction::SetTrue)
                .help_heading("Output")
                .help("Print nothing but errors"),
        )
}

/// How a TIME is written, where one can be given.
fn with_times(command: Command) -> Command {
    let takes_time = command
        .get_arguments()
        .flat_map(|arg| arg.get_value_names().unwrap_or_default())
        .any(|name| name.contains("TIME"));
    let Some(help) = command.get_after_help().filter(|_| takes_time) else {
        return command;
    };
    let help = help.to_string().replacen("\nExit status:", TIMES, 1);
    command.after_help(help)
}

const TIMES: &str = "
A TIME is a number of seconds, or as 500ms, 10s, 1m30s, 2h or 1d.
Exit status:";

/// Whether a flag that may not exist is set.
pub fn flag(matches: &ArgMatches, name: &str) -> bool {
    matches.try_get_one::<bool>(name).ok().flatten() == Some(&true)
}

/// An error with its exit status.
#[derive(Debug)]
pub struct Failure {
    /// 1 no target, 2 usage, 3 refused, 5 wigwag itself could not go on.
    pub code: u8,
    text: String,
}

impl Failure {
    /// The exit status where it is not about the processes: /proc cannot be read, the answer cannot be written.
    pub const OURS: u8 = 5;

    /// An error that ends the command with `code`.
    pub fn new(code: u8, text: impl Into<String>) -> Failure {
        Failure {
            code,
            text: text.into(),
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

/// An error of the words given: exit status 2.
pub fn usage(text: impl Into<String>) -> anyhow::Error {
    Failure::new(2, text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_description_is_sound() {
        for verb in VERBS {
            with_common(verb).debug_assert();
        }
    }

    #[test]
    fn every_verb_has_examples() {
        for verb in VERBS {
            let command = (verb.command)();
            let examples = command.get_after_help().map(ToString::to_string);
            assert!(
                examples.is_some_and(|text| text.contains(&format!("wigwag {}", verb.name))),
                "{}",
                verb.name
            );
        }
    }

    #[test]
    fn help_stands_as_it_is_on_80_columns() {
        for verb in VERBS {
            let help = (verb.command)().get_after_help().map(ToString::to_string);
            for line in help.unwrap_or_default().lines() {
                assert!(line.chars().count() <= 80, "{}: {line}", verb.name);
            }
        }
    }

    #[test]
    fn what_a_time_is_stands_where_one_is_taken() {
        for verb in VERBS {
            let mut command = with_common(verb);
            let help = command.render_long_help().to_string();
            let (options, rest) = help.split_once("Examples:").unwrap();
            assert_eq!(
                options.contains("TIME"),
                rest.contains("A TIME is"),
                "{help}"
            );
        }
    }

    #[test]
    fn the_options_that_take_a_word_are_known() {
        for verb in VERBS.iter().filter(|verb| verb.dashes != Dashes::Plain) {
            for arg in with_common(verb)
                .get_arguments()
                .filter(|arg| !arg.is_positional())
            {
                let takes = arg.get_action().takes_values() && !arg.is_require_equals_set();
                let long = arg.get_long().unwrap_or_default();
                assert_eq!(
                    crate::target::takes_word(long),
                    takes,
                    "{} --{long}",
                    verb.name
                );
                if let Some(short) = arg.get_short() {
                    assert_eq!(
                        crate::target::short_takes_word(short),
                        takes,
                        "{} -{short}",
                        verb.name
                    );
                }
            }
        }
    }
}
