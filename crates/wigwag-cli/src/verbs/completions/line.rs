//! Reads a command line that is not finished, and says what may stand where it ends.

use clap::{Arg, ArgAction, Command};
use wigwag::Signal;

use super::values::{self, Candidate, Values, matching};
use crate::target::Dashes;
use crate::verbs::{VERBS, Verb, find, with_common};

/// What may come.
#[derive(Debug)]
pub enum Answer {
    Words(Vec<Candidate>),
    Files,
    Directories,
}

/// What may stand in place of the last of `words`, which are those after the name of the program.
pub fn answer(words: &[String]) -> Answer {
    let Some((current, before)) = words.split_last() else {
        return Answer::Words(Vec::new());
    };
    let early = before
        .iter()
        .take_while(|word| ["--json", "--quiet", "-q"].contains(&word.as_str()))
        .count();
    match before[early..].split_first() {
        None => Answer::Words(first(current)),
        Some((word, [])) if word == "help" => Answer::Words(matching(current, verbs())),
        Some((word, rest)) => match find(word) {
            Some(verb) => of_verb(verb, rest, current),
            None => Answer::Words(Vec::new()),
        },
    }
}

/// The verbs with what they do.
pub fn verbs() -> Vec<Candidate> {
    VERBS
        .iter()
        .map(|verb| Candidate::new(verb.name, verb.about))
        .collect()
}

fn first(current: &str) -> Vec<Candidate> {
    if current.starts_with('-') {
        let options = [
            ("--help", "List the verbs"),
            ("--version", "Print the version"),
            ("--json", "Print one JSON document"),
            ("--quiet", "Print nothing but errors"),
        ];
        let options = options.map(|(word, about)| Candidate::new(word, about));
        return matching(current, options.to_vec());
    }
    let mut all = verbs();
    all.push(Candidate::new("help", "Explain a verb"));
    matching(current, all)
}

/// What the words before the last say.
#[derive(Debug, Default)]
struct Before {
    /// The long names of the options given.
    given: Vec<String>,
    /// How many words are no options, and no signal.
    plain: usize,
    /// Whether a signal was given.
    signal: bool,
    /// Whether `--` has ended the options.
    ended: bool,
    /// The option whose value comes next.
    open: Option<String>,
}

fn of_verb(verb: &'static Verb, words: &[String], current: &str) -> Answer {
    let command = with_common(verb);
    let before = read(verb, &command, words);
    if let Some(arg) = before
        .open
        .as_deref()
        .and_then(|long| option(&command, long))
    {
        return valued(verb, arg, "", current);
    }
    if !before.ended && current.starts_with('-') {
        if let Some((long, value)) = current.strip_prefix("--").and_then(|w| w.split_once('=')) {
            return match option(&command, long) {
                Some(arg) if takes(arg) => valued(verb, arg, &format!("--{long}="), value),
                _ => Answer::Words(Vec::new()),
            };
        }
        return Answer::Words(options(verb, &command, &before, current));
    }
    let mut places = command.get_positionals().filter(|arg| !arg.is_hide_set());
    let Some(arg) = places.next() else {
        return Answer::Words(Vec::new());
    };
    let many = arg.get_num_args().is_some_and(|n| n.max_values() > 1);
    if before.plain > 0 && !many {
        return Answer::Words(Vec::new());
    }
    let mut answer = valued(verb, arg, "", current);
    if let Answer::Words(found) = &mut answer
        && verb.dashes == Dashes::Signal
        && before.plain == 0
        && !before.signal
        && !before.ended
    {
        found.splice(0..0, values::signals(current));
    }
    answer
}

fn read(verb: &Verb, command: &Command, words: &[String]) -> Before {
    let mut before = Before::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if before.ended {
            before.plain += 1;
        } else if word == "--" {
            before.ended = true;
        } else if let Some(long) = word.strip_prefix("--") {
            let (long, value) = match long.split_once('=') {
                Some((long, value)) => (long, Some(value)),
                None => (long, None),
            };
            before.takes_option(command, long, value.is_some(), &mut words);
        } else if let Some(short) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) {
            let mut letters = short.chars();
            let known = match (letters.next(), letters.next()) {
                (Some(letter), None) => command
                    .get_arguments()
                    .find(|arg| arg.get_short() == Some(letter))
                    .and_then(Arg::get_long),
                _ => None,
            };
            match known {
                Some(long) => before.takes_option(command, long, false, &mut words),
                None if short.parse::<Signal>().is_ok() && before.plain == 0 => {
                    before.signal = true
                }
                None => before.plain += usize::from(short.bytes().all(|b| b.is_ascii_digit())),
            }
        } else if verb.dashes == Dashes::Signal
            && before.plain == 0
            && !before.signal
            && word.parse::<Signal>().is_ok()
            && !word.starts_with(|c: char| c.is_ascii_digit())
        {
            before.signal = true;
        } else {
            before.plain += 1;
        }
    }
    before
}

impl Before {
    fn takes_option<'a>(
        &mut self,
        command: &Command,
        long: &str,
        has_value: bool,
        words: &mut impl Iterator<Item = &'a String>,
    ) {
        self.signal |= long == "signal";
        self.given.push(long.to_owned());
        let next = option(command, long)
            .is_some_and(|arg| takes(arg) && !arg.is_require_equals_set() && !has_value);
        if next && words.next().is_none() {
            self.open = Some(long.to_owned());
        }
    }
}

fn option<'a>(command: &'a Command, long: &str) -> Option<&'a Arg> {
    command
        .get_arguments()
        .find(|arg| arg.get_long() == Some(long))
}

fn takes(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

/// The options that have not been given, and those that may be given again.
fn options(verb: &Verb, command: &Command, before: &Before, current: &str) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set())
        .filter_map(|arg| {
            let long = arg.get_long()?;
            let again = matches!(arg.get_action(), ArgAction::Append);
            let about = arg.get_help().map(ToString::to_string).unwrap_or_default();
            (again || !before.given.iter().any(|given| given == long))
                .then(|| Candidate::new(format!("--{long}"), about))
        })
        .collect();
    all.push(Candidate::new("--help", "Explain this verb"));
    let mut found = matching(current, all);
    let signal = matches!(verb.dashes, Dashes::Signal | Dashes::Look);
    if signal && before.plain == 0 && !before.signal && current.len() > 1 {
        let names = values::signals(&current[1..]);
        found.extend(names.into_iter().map(|one| one.after("-")));
    }
    found
}

/// What may follow `prefix`, which is on the line already.
fn valued(verb: &Verb, arg: &Arg, prefix: &str, current: &str) -> Answer {
    match values::of(verb, arg) {
        Some(Values::File) => Answer::Files,
        Some(Values::Directory) => Answer::Directories,
        Some(kind) => Answer::Words(
            values::candidates(kind, arg, current)
                .into_iter()
                .map(|one| one.after(prefix))
                .collect(),
        ),
        None => Answer::Words(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `line` may end in; `_` for nothing yet.
    fn may_end_in(line: &str) -> Vec<String> {
        let words: Vec<String> = line.split(' ').map(|word| word.replace('_', "")).collect();
        match answer(&words) {
            Answer::Words(found) => found.into_iter().map(|one| one.word).collect(),
            other => vec![format!("{other:?}")],
        }
    }

    #[test]
    fn signals_stand_where_they_are_read() {
        for line in [
            "send H",
            "send -s H",
            "reload h",
            "show 1 -s H",
            "send --handles H",
            "list H",
            "explain TERM h",
            "-q send H",
            "stop --ladder H",
            "send -u root H",
        ] {
            assert!(may_end_in(line).contains(&"HUP".to_owned()), "{line}");
        }
        assert!(may_end_in("send -H").contains(&"-HUP".to_owned()));
        assert!(may_end_in("send --signal=H").contains(&"--signal=HUP".to_owned()));
        assert!(may_end_in("send sigh").contains(&"SIGHUP".to_owned()));
        assert!(may_end_in("stop --ladder INT:2s,H").contains(&"INT:2s,HUP".to_owned()));
        for line in [
            "send TERM H",
            "send 1 H",
            "send -s TERM H",
            "stop H",
            "freeze H",
            "send -- H",
        ] {
            assert!(!may_end_in(line).contains(&"HUP".to_owned()), "{line}");
        }
    }

    #[test]
    fn verbs_options_and_fixed_words() {
        assert_eq!(may_end_in("fre"), ["freeze"]);
        assert_eq!(may_end_in("man fre"), ["freeze"]);
        assert_eq!(may_end_in("help fre"), ["freeze"]);
        assert_eq!(may_end_in("completions _"), ["bash", "zsh", "fish"]);
        assert_eq!(may_end_in("completions bash _"), [""; 0]);
        assert_eq!(may_end_in("list --os mac"), ["macos"]);
        assert_eq!(may_end_in("list --arch=mi"), ["--arch=mips"]);
        assert_eq!(may_end_in("send --allow self,in"), ["self,init"]);
        assert_eq!(may_end_in("send --ignore"), ["--ignore-missing"]);
        assert_eq!(may_end_in("send --ignore-missing --ignore"), [""; 0]);
        assert_eq!(may_end_in("apply _"), ["Files"]);
        assert_eq!(may_end_in("man --dir _"), ["Directories"]);
        assert_eq!(may_end_in("tour _"), [""; 0]);
        assert_eq!(may_end_in("sned _"), [""; 0]);
        assert_eq!(may_end_in("stop po"), ["port:"]);
        assert_eq!(may_end_in("send --older _"), [""; 0]);
        assert!(may_end_in("send --user roo").contains(&"root".to_owned()));
    }

    #[test]
    fn processes_are_those_that_run() {
        let pid = std::process::id().to_string();
        for kind in ["", "pid:", "tree:", "tid:"] {
            let word = format!("{kind}{pid}");
            assert!(
                may_end_in(&format!("send TERM {word}")).contains(&word),
                "{word}"
            );
        }
        assert!(may_end_in(&format!("show --parent {pid}")).contains(&pid));
        assert!(may_end_in("wait --ns 1:ne").contains(&"1:net".to_owned()));
    }
}
