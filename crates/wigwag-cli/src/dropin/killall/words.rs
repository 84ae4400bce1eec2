//! The words of the command line, with what getopt_long_only(3) makes of them: `-HUP` is no option, and so a signal.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use wigwag::Signal;
use wigwag_process::procfs::user_id;

use super::USAGE;
use crate::dropin::ere::{Ere, Reading};
use crate::dropin::gnu::getopt::{Getopt, Long, Options, Takes};

/// No more names than bits in a word of the machine, as theirs has it.
const MOST: usize = 64;

const OPTIONS: Options = Options {
    short: "egy:o:ilqrs:u:vwZ:VIn:",
    long: &[
        Long::new("exact", Takes::Nothing, b'e' as u16),
        Long::new("ignore-case", Takes::Nothing, b'I' as u16),
        Long::new("process-group", Takes::Nothing, b'g' as u16),
        Long::new("younger-than", Takes::One, b'y' as u16),
        Long::new("older-than", Takes::One, b'o' as u16),
        Long::new("interactive", Takes::Nothing, b'i' as u16),
        Long::new("list-signals", Takes::Nothing, b'l' as u16),
        Long::new("quiet", Takes::Nothing, b'q' as u16),
        Long::new("regexp", Takes::Nothing, b'r' as u16),
        Long::new("signal", Takes::One, b's' as u16),
        Long::new("user", Takes::One, b'u' as u16),
        Long::new("verbose", Takes::Nothing, b'v' as u16),
        Long::new("wait", Takes::Nothing, b'w' as u16),
        Long::new("ns", Takes::One, b'n' as u16),
        Long::new("context", Takes::One, b'Z' as u16),
        Long::new("version", Takes::Nothing, b'V' as u16),
    ],
    one_dash: true,
    in_order: false,
};

/// What was asked.
#[derive(Debug)]
pub struct Asked {
    pub exact: bool,
    pub group: bool,
    /// In seconds.
    pub younger: Option<i64>,
    pub older: Option<i64>,
    pub interactive: bool,
    pub quiet: bool,
    pub regex: bool,
    /// Any number; 0 asks only.
    pub signal: i32,
    pub user: Option<u32>,
    pub verbose: bool,
    pub wait: bool,
    /// A process in the pid namespace that is meant.
    pub ns: Option<i32>,
    pub context: Option<Ere>,
    pub ignore_case: bool,
    pub names: Vec<OsString>,
}

/// What to do.
pub enum Outcome {
    Do(Box<Asked>),
    List,
    Version,
    /// To standard error.
    Wrong(String),
}

/// Reads the words after the program's name.
pub fn read(words: Vec<OsString>) -> Outcome {
    match Reader::read(words) {
        Ok(outcome) | Err(outcome) => outcome,
    }
}

fn usage(why: &str) -> Outcome {
    let line = if why.is_empty() { "" } else { "\n" };
    Outcome::Wrong(format!("{why}{line}{USAGE}"))
}

struct Reader {
    getopt: Getopt,
    asked: Asked,
    /// The word whose letters are a signal's.
    signal_at: Option<usize>,
}

impl Reader {
    fn read(words: Vec<OsString>) -> Result<Outcome, Outcome> {
        if words.is_empty() {
            return Err(usage(""));
        }
        let words = [OsString::from("killall")]
            .into_iter()
            .chain(words)
            .collect();
        let mut reader = Reader {
            getopt: Getopt::new(OPTIONS, words),
            asked: Asked {
                exact: false,
                group: false,
                younger: None,
                older: None,
                interactive: false,
                quiet: false,
                regex: false,
                signal: Signal::TERM.number(),
                user: None,
                verbose: false,
                wait: false,
                ns: None,
                context: None,
                ignore_case: false,
                names: Vec::new(),
            },
            signal_at: None,
        };
        while let Some(found) = reader.getopt.next() {
            match found {
                Ok((code, argument)) => {
                    let letter = u8::try_from(code).unwrap_or(0);
                    reader.option(letter, &argument.unwrap_or_default())?;
                }
                Err(_) => reader.no_option()?,
            }
        }
        let Reader {
            getopt, mut asked, ..
        } = reader;
        asked.names = getopt.operands();
        if asked.names.is_empty() && asked.user.is_none() && asked.context.is_none() {
            return Err(usage(""));
        }
        if asked.names.len() > MOST {
            let text = format!("killall: Maximum number of names is {MOST}\n");
            return Err(Outcome::Wrong(text));
        }
        Ok(Outcome::Do(Box::new(asked)))
    }

    fn option(&mut self, letter: u8, argument: &OsStr) -> Result<(), Outcome> {
        let asked = &mut self.asked;
        match letter {
            b'e' => asked.exact = true,
            b'g' => asked.group = true,
            b'y' => asked.younger = Some(age(argument)?),
            b'o' => asked.older = Some(age(argument)?),
            b'i' => asked.interactive = true,
            b'l' => return Err(Outcome::List),
            b'q' => asked.quiet = true,
            b'r' => asked.regex = true,
            b's' => asked.signal = signal(argument.as_bytes())?,
            b'u' => asked.user = Some(user(argument)?),
            b'v' => asked.verbose = true,
            b'w' => asked.wait = true,
            b'I' => match self.begins_a_signal() {
                Some(word) => asked_signal(self, &word)?,
                None => self.asked.ignore_case = true,
            },
            b'V' => match self.begins_a_signal() {
                Some(word) => asked_signal(self, &word)?,
                None => return Err(Outcome::Version),
            },
            b'n' => {
                let (number, rest) = leading_number(argument.as_bytes());
                match number {
                    // 0 is as if it was not said.
                    Some(number) if rest != argument.as_bytes() => {
                        asked.ns = i32::try_from(number).ok().filter(|pid| *pid != 0);
                    }
                    _ => return Err(usage("Invalid namespace PID")),
                }
            }
            _ => {
                let text = argument.as_bytes();
                let context = Ere::new(text, Reading::default()).map_err(|_| {
                    let shown = argument.to_string_lossy();
                    Outcome::Wrong(format!("Bad regular expression: {shown}\n"))
                })?;
                asked.context = Some(context);
            }
        }
        Ok(())
    }

    /// `-I` and `-V` are options, and so `-INT` and `-VTALRM` begin as clusters: the signal's name then.
    fn begins_a_signal(&self) -> Option<Vec<u8>> {
        let word = self.getopt.words.get(self.getopt.index)?.as_bytes();
        self.getopt.is_within().then(|| word[1..].to_vec())
    }

    /// What is no option, or lacks its argument: a signal, where it looks like one.
    fn no_option(&mut self) -> Result<(), Outcome> {
        let index = self.getopt.index;
        if self.signal_at == Some(index) {
            return Ok(());
        }
        let word = self.getopt.words[index - 1].as_bytes();
        if word.starts_with(b"-ve") {
            // -verbose and -version begin so: taken as two letters.
            (self.asked.verbose, self.asked.exact) = (true, true);
            return Ok(());
        }
        match word.get(1) {
            Some(b'A'..=b'Z') => self.asked.signal = signal(&word[1..])?,
            Some(b'0'..=b'9') => self.asked.signal = number(&word[1..]),
            _ => return Err(usage("")),
        }
        Ok(())
    }
}

fn asked_signal(reader: &mut Reader, word: &[u8]) -> Result<(), Outcome> {
    reader.asked.signal = signal(word)?;
    reader.signal_at = Some(reader.getopt.index);
    Ok(())
}

/// A number of seconds, as a number and a letter.
fn age(argument: &OsStr) -> Result<i64, Outcome> {
    let (number, rest) = leading_number(argument.as_bytes());
    let seconds = match rest.first() {
        Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => 3600,
        Some(b'd') => 86400,
        Some(b'w') => 86400 * 7,
        // Their month has four weeks, and their year twelve of these.
        Some(b'M') => 86400 * 7 * 4,
        Some(b'y') => 86400 * 7 * 4 * 12,
        _ => 0,
    };
    let age = number.map(|number| number.saturating_mul(seconds));
    age.filter(|age| *age > 0)
        .ok_or_else(|| usage("Invalid time format"))
}

fn user(argument: &OsStr) -> Result<u32, Outcome> {
    let shown = argument.to_string_lossy();
    // A name, never a number.
    let name = argument
        .to_str()
        .filter(|name| !name.bytes().all(|b| b.is_ascii_digit()));
    name.and_then(user_id)
        .ok_or_else(|| Outcome::Wrong(format!("Cannot find user {shown}\n")))
}

/// As strtol(3): the number that the text begins with, and what follows it.
fn leading_number(text: &[u8]) -> (Option<i64>, &[u8]) {
    let trimmed = text.trim_ascii_start();
    let sign = usize::from(matches!(trimmed.first(), Some(b'-' | b'+')));
    let digits = trimmed[sign..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if digits == 0 {
        return (None, text);
    }
    let (number, rest) = trimmed.split_at(sign + digits);
    let number = std::str::from_utf8(number).unwrap_or_default();
    let most = if number.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    };
    (Some(number.parse().unwrap_or(most)), rest)
}

/// As atoi(3): whatever follows the digits.
fn number(text: &[u8]) -> i32 {
    let (number, _) = leading_number(text);
    i32::try_from(number.unwrap_or(0)).unwrap_or(-1)
}

/// The names that they know, by number: capital letters, the standard signals, one name each.
fn names() -> impl Iterator<Item = (i32, String)> {
    Signal::all()
        .take_while(|signal| !signal.is_realtime())
        .map(|signal| {
            let name = match signal {
                Signal::IO => "POLL".to_owned(),
                signal => signal.name().into_owned(),
            };
            (signal.number(), name)
        })
}

fn signal(word: &[u8]) -> Result<i32, Outcome> {
    if word.first().is_some_and(u8::is_ascii_digit) {
        return Ok(number(word));
    }
    let name = word.strip_prefix(b"SIG").unwrap_or(word);
    let known = names().find(|(_, known)| known.as_bytes() == name);
    known.map(|(number, _)| number).ok_or_else(|| {
        let shown = String::from_utf8_lossy(name);
        let text = format!("{shown}: unknown signal; killall -l lists signals.\n");
        Outcome::Wrong(text)
    })
}

/// `-l`: as many in a line as fit 80 columns.
pub fn listed() -> String {
    let mut text = String::new();
    let mut column = 0;
    for (_, name) in names() {
        if column > 0 && column + name.len() + 1 > 80 {
            text.push('\n');
            column = 0;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        column += name.len();
        text.push_str(&name);
    }
    text.push('\n');
    text
}
