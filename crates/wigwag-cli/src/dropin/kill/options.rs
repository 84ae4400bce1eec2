//! The words of one call, read as util-linux does: one after the other, options first, each a word of its own. What would be an error
//! there and is a form of procps or GNU (`-s9`, `--signal=TERM`, `-n 9`, `-l9`, shortened long options) is read as theirs.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};

use wigwag::Signal;

use super::signals::number_of;
use super::{Wrong, list};

/// What the words ask for.
pub enum Job {
    /// Signals, or numbers of processes.
    Send(Order),
    /// A text that is ready.
    Say(String),
    /// Several signals to be converted; with `true` as rows of a table.
    List(Vec<OsString>, bool),
    /// The masks of a process.
    State(String),
}

/// Whom, and what.
pub struct Order {
    /// 0 to 64.
    pub number: i32,
    /// To be queued with it.
    pub value: Option<i32>,
    /// Processes of others by their names too.
    pub everybodys: bool,
    /// Their numbers are printed, and nothing is sent.
    pub only_print: bool,
    /// Only to those that have a handler.
    pub handled: bool,
    /// What is sent is said.
    pub verbose: bool,
    /// What follows, each after so many milliseconds; a negative number waits for the end.
    pub steps: Vec<(i32, i32)>,
    /// Whom.
    pub whom: Vec<OsString>,
}

const HELP: &str = "
Usage:
 kill [options] <pid>|<pid>:<inode>|<name>...
 kill -l [<signal>...]

Send a signal to processes, TERM where none is named.

Options:
 -s, --signal <signal>  the signal, by name or number; also -<signal>, -n <signal>
 -q, --queue <value>    queue it with this number
     --timeout <milliseconds> <signal>
                        then wait so long, and send this one to those left;
                          may be repeated
 -r, --require-handler  only where a handler is there for it
 -a, --all              names mean other users' processes too
 -p, --pid              print the numbers and send nothing
     --verbose          say what is sent to whom
 -l, --list[=<signal>|=0x<mask>]
                        names of all signals, or of a number, an exit status
                          or a mask
 -L, --table            numbers and names
 -t [<signal>...]       numbers, names and what they mean
 -d, --show-process-state <pid>
                        what a process blocks, ignores and catches

 -h, --help             this text
 -V, --version          the version

0 is the process group of kill itself, -1 every process but it and process 1,
-N the process group N. Exit status: 0 done, 1 not, 64 done to some.
";

/// The long options. They may be shortened, and joined with `=`, as getopt_long(3) has it.
const LONG: [&str; 12] = [
    "--all",
    "--help",
    "--list",
    "--pid",
    "--queue",
    "--require-handler",
    "--show-process-state",
    "--signal",
    "--table",
    "--timeout",
    "--verbose",
    "--version",
];

fn wrong<T>(text: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong(text.into()))
}

/// A word as it is shown; bytes that are no text are replaced.
pub fn text_of(word: &OsStr) -> Cow<'_, str> {
    word.to_string_lossy()
}

/// What a word was.
enum Taken {
    /// An option.
    Option,
    /// None: it says whom.
    Whom,
    /// An option that is all there is to do.
    Done(Job),
}

struct Reader<'a> {
    words: &'a [OsString],
    order: Order,
    /// Whether a signal was named.
    chosen: bool,
}

/// Reads them.
pub fn read(words: &[OsString]) -> Result<Job, Wrong> {
    let order = Order {
        number: Signal::TERM.number(),
        value: None,
        everybodys: false,
        only_print: false,
        handled: false,
        verbose: false,
        steps: Vec::new(),
        whom: Vec::new(),
    };
    let mut reader = Reader {
        words,
        order,
        chosen: false,
    };
    if let Some(job) = reader.options()? {
        return Ok(job);
    }
    if reader.words.is_empty() {
        return wrong("not enough arguments");
    }
    reader.order.whom = reader.words.to_vec();
    Ok(Job::Send(reader.order))
}

/// An option by its whole name, and the value that is joined to it.
fn split(word: &str) -> (&str, Option<&str>) {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) if name == "-l" || name == "-d" || name.starts_with("--") => {
            (name, Some(value))
        }
        _ => (word, None),
    };
    let mut begun = LONG.into_iter().filter(|known| known.starts_with(name));
    let found = match name.len() > 2 && name.starts_with("--") {
        true => begun
            .next()
            .filter(|known| *known == name || begun.next().is_none()),
        false => None,
    };
    match found {
        Some(known) => (known, value),
        None if name.starts_with("--") => (word, None),
        None => (name, value),
    }
}

/// The error of a word that is no signal, with all that are.
fn no_signal(word: &str) -> Wrong {
    let table = list::columns();
    Wrong(format!(
        "unknown signal {word}; valid signals:\n{}",
        table.trim_end_matches('\n')
    ))
}

/// A number of 32 bits as strtol(3) reads it.
fn integer(word: &str) -> Result<i32, Wrong> {
    let text = word.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if whole => Ok(number),
        _ if whole => wrong(format!(
            "argument error: '{word}': Numerical result out of range"
        )),
        _ => wrong(format!("argument error: '{word}'")),
    }
}

fn version() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("kill from wigwag {version} (util-linux 2.41) (with: sigqueue, pidfd, pidfdino)\n")
}

impl Reader<'_> {
    /// Takes the options away; what is left is whom it is about.
    fn options(&mut self) -> Result<Option<Job>, Wrong> {
        while let [first, rest @ ..] = self.words {
            let word = text_of(first);
            if !word.starts_with('-') {
                break;
            }
            let before = std::mem::replace(&mut self.words, rest);
            if word == "--" {
                break;
            }
            match self.option(&word)? {
                Taken::Option => {}
                Taken::Done(job) => return Ok(Some(job)),
                Taken::Whom => {
                    self.words = before;
                    break;
                }
            }
        }
        Ok(None)
    }

    fn option(&mut self, word: &str) -> Result<Taken, Wrong> {
        let (name, value) = split(word);
        match (name, value) {
            ("-v" | "-V" | "--version", None) => return Ok(Taken::Done(Job::Say(version()))),
            ("-h" | "--help", None) => return Ok(Taken::Done(Job::Say(HELP.to_owned()))),
            ("--verbose", None) => self.order.verbose = true,
            ("-a" | "--all", None) => self.order.everybodys = true,
            ("-r" | "--require-handler", None) => self.order.handled = true,
            ("-l" | "--list", None) => return self.list().map(Taken::Done),
            ("-l" | "--list", Some(word)) => {
                return list::one(word).map(|text| Taken::Done(Job::Say(text)));
            }
            ("-L" | "--table", None) => return Ok(Taken::Done(Job::Say(list::table()))),
            ("-d" | "--show-process-state", Some(word)) => {
                return Ok(Taken::Done(Job::State(word.to_owned())));
            }
            ("-d" | "--show-process-state", None) => {
                return match self.words {
                    [] => wrong("too few arguments"),
                    [word] => Ok(Taken::Done(Job::State(text_of(word).into_owned()))),
                    _ => wrong("too many arguments"),
                };
            }
            ("-p" | "--pid", None) => {
                self.order.only_print = true;
                self.exclude_printing("--signal", self.chosen)?;
                self.exclude_printing("--queue", self.order.value.is_some())?;
            }
            ("-s" | "-n" | "--signal", _) => {
                let signal = self.argument(value, || "not enough arguments".to_owned())?;
                self.exclude_printing("--signal", true)?;
                self.choose(&signal)?;
            }
            ("-q" | "--queue", _) => {
                let value =
                    self.argument(value, || format!("option '{word}' requires an argument"))?;
                self.exclude_printing("--queue", true)?;
                self.order.value = Some(integer(&value)?);
            }
            ("--timeout", _) => {
                let time =
                    self.argument(value, || format!("option '{word}' requires an argument"))?;
                let time = integer(&time)?;
                let signal = self.argument(None, || "not enough arguments".to_owned())?;
                let number = number_of(&signal).ok_or_else(|| no_signal(&signal))?;
                self.order.steps.push((time, number));
            }
            _ => return self.dash(word),
        }
        Ok(Taken::Option)
    }

    /// A dash before something else: a signal, or whom, where there is a signal already; else what procps and GNU have.
    fn dash(&mut self, word: &str) -> Result<Taken, Wrong> {
        let rest = &word[1..];
        if let Some(value) = rest.strip_prefix('q').and_then(|value| integer(value).ok()) {
            self.exclude_printing("--queue", true)?;
            self.order.value = Some(value);
            return Ok(Taken::Option);
        }
        if self.chosen {
            return Ok(Taken::Whom);
        }
        // A joined `s` or `n` is no part of a signal's name where the whole is one: `-stop`.
        let joined = || number_of(rest.strip_prefix(['s', 'n'])?);
        if let Some(number) = number_of(rest).or_else(joined) {
            self.exclude_printing("--signal", true)?;
            (self.order.number, self.chosen) = (number, true);
            return Ok(Taken::Option);
        }
        match rest.strip_prefix('l') {
            _ if rest == "t" => self.several(true).map(Taken::Done),
            Some(signal) => Ok(Taken::Done(Job::List(vec![signal.into()], false))),
            None => wrong(format!("invalid signal name or number: {rest}")),
        }
    }

    /// `-l` and what follows.
    fn list(&mut self) -> Result<Job, Wrong> {
        match self.words {
            [] => Ok(Job::Say(list::all())),
            [word] if word != "--" => list::one(&text_of(word)).map(Job::Say),
            _ => self.several(false),
        }
    }

    /// Several signals, as GNU takes them.
    fn several(&mut self, table: bool) -> Result<Job, Wrong> {
        let words = match self.words {
            [dashes, rest @ ..] if dashes == "--" => rest,
            words if words.iter().any(|word| text_of(word).starts_with('-')) => {
                return wrong("too many arguments");
            }
            words => words,
        };
        match (words, table) {
            ([], false) => Ok(Job::Say(list::all())),
            _ => Ok(Job::List(words.to_vec(), table)),
        }
    }

    fn choose(&mut self, signal: &str) -> Result<(), Wrong> {
        self.order.number = number_of(signal).ok_or_else(|| no_signal(signal))?;
        self.chosen = true;
        Ok(())
    }

    /// The value of an option: joined to it, or the next word.
    fn argument(
        &mut self,
        joined: Option<&str>,
        missing: impl FnOnce() -> String,
    ) -> Result<String, Wrong> {
        if let Some(value) = joined {
            return Ok(value.to_owned());
        }
        let [value, rest @ ..] = self.words else {
            return wrong(missing());
        };
        self.words = rest;
        Ok(text_of(value).into_owned())
    }

    /// Printing and sending exclude each other.
    fn exclude_printing(&self, option: &str, sends: bool) -> Result<(), Wrong> {
        match sends && self.order.only_print {
            true => wrong(format!("--pid and {option} are mutually exclusive")),
            false => Ok(()),
        }
    }
}
