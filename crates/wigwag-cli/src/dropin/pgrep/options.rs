//! What the words ask for.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::FlockOperation;
use wigwag_process::procfs::{Namespace, Proc, Stat, group_id, user_id};

use super::criteria::Criteria;
use super::{End, FAILURE, FATAL, Tool, USAGE, help};
use crate::dropin::getopt::{Getopt, Long};

/// All that was asked for.
pub(super) struct Asked {
    pub(super) tool: Tool,
    pub(super) criteria: Criteria,
    pub(super) newest: bool,
    pub(super) oldest: bool,
    pub(super) threads: bool,
    pub(super) name: bool,
    pub(super) command_line: bool,
    pub(super) quote: bool,
    pub(super) count: bool,
    pub(super) quiet: bool,
    pub(super) echo: bool,
    pub(super) release: bool,
    pub(super) delimiter: Vec<u8>,
    pub(super) signal: i32,
    pub(super) value: Option<i32>,
}

macro_rules! long {
    ($($name:literal $takes:literal $is:literal),* $(,)?) => {
        &[$(Long { name: $name, takes: $takes, is: $is }),*]
    };
}

/// In the order in which a message names several.
const LONG: &[Long] = long![
    "signal" true '\u{1}', "ignore-ancestors" false 'A', "require-handler" false 'H', "count" false 'c', "cgroup" true '\u{2}',
    "delimiter" true 'd', "list-name" false 'l', "list-full" false 'a', "full" false 'f', "pgroup" true 'g', "group" true 'G',
    "ignore-case" false 'i', "newest" false 'n', "oldest" false 'o', "older" true 'O', "pid" true 'p', "parent" true 'P',
    "session" true 's', "terminal" true 't', "euid" true 'u', "uid" true 'U', "inverse" false 'v', "lightweight" false 'w',
    "exact" false 'x', "pidfile" true 'F', "logpidfile" false 'L', "echo" false 'e', "ns" true '\u{3}', "nslist" true '\u{4}',
    "queue" true 'q', "runstates" true 'r', "env" true '\u{5}', "shell-quote" false 'Q', "mrelease" false 'm', "help" false 'h',
    "version" false 'V',
];
/// Newer than 4.0.5: only as a whole, so that it takes nothing from the abbreviations of that version.
const QUIET: &str = "--quiet";

/// Reads the words.
pub(super) fn read(name: &str, tool: Tool, mut words: Vec<OsString>) -> Result<Asked, End> {
    let mut asked = Asked {
        tool,
        criteria: Criteria::default(),
        newest: false,
        oldest: false,
        threads: false,
        name: false,
        command_line: false,
        quote: false,
        count: false,
        quiet: false,
        echo: false,
        release: false,
        delimiter: b"\n".to_vec(),
        signal: wigwag::Signal::TERM.number(),
        value: None,
    };
    let own = match tool {
        Tool::Grep => "lad:vwQ",
        Tool::Kill => "eq:mQ",
        Tool::Wait => "e",
    };
    if tool == Tool::Kill {
        asked.signal = take_signal(&mut words).unwrap_or(asked.signal);
    }
    let end = words.iter().position(|word| word == "--");
    if let Some(at) = words.iter().position(|word| word == QUIET)
        && end.is_none_or(|end| at < end)
    {
        asked.quiet = true;
        words.remove(at);
    }
    let mut reader = Reader {
        name,
        asked,
        criteria: Criteria::default(),
        chosen: false,
        ignore_case: false,
        pidfile: None,
        lock: false,
        pids: false,
    };
    let short = format!("{own}LF:cfinoxp:P:O:AHg:s:u:U:G:t:r:?Vh");
    let mut options = Getopt::new(&short, LONG, words);
    loop {
        match options.option() {
            Ok(Some((is, value))) => reader.option(is, &value)?,
            Ok(None) => break,
            Err(text) => return Err(End::Usage(Some(text.as_bytes().to_vec()))),
        }
    }
    reader.finish(options.operands())
}

struct Reader<'a> {
    name: &'a str,
    asked: Asked,
    criteria: Criteria,
    /// Whether anything says who is meant.
    chosen: bool,
    ignore_case: bool,
    pidfile: Option<OsString>,
    lock: bool,
    pids: bool,
}

impl Reader<'_> {
    fn option(&mut self, is: char, value: &OsStr) -> Result<(), End> {
        let bytes = value.as_bytes();
        let (asked, criteria) = (&mut self.asked, &mut self.criteria);
        let one = criteria.inverse || asked.newest || asked.oldest;
        match is {
            'a' => asked.command_line = true,
            'c' => asked.count = true,
            'd' => asked.delimiter = bytes.to_vec(),
            'e' => asked.echo = true,
            'f' => criteria.full = true,
            'l' => asked.name = true,
            'm' => asked.release = true,
            'q' => asked.value = Some(atoi(bytes)),
            'w' => asked.threads = true,
            'x' => criteria.exact = true,
            'A' => criteria.ancestors = false,
            'L' => self.lock = true,
            'Q' => asked.quote = true,
            'i' if self.ignore_case => return Err(End::Said(help::text(self.name, asked.tool))),
            'i' => (self.ignore_case, criteria.ignore_case) = (true, true),
            'n' | 'o' | 'v' if one => return Err(End::Usage(None)),
            'v' => criteria.inverse = true,
            'h' => return Err(End::Said(help::text(self.name, asked.tool))),
            'V' => return Err(End::Said(help::version(self.name))),
            '\u{1}' => asked.signal = signal(bytes)?,
            '\u{4}' => criteria.kinds = list(bytes, namespace)?,
            '?' => return Err(End::Usage(None)),
            _ => {
                self.chosen = true;
                return self.criterion(is, value);
            }
        }
        Ok(())
    }

    /// An option that says who is meant.
    fn criterion(&mut self, is: char, value: &OsStr) -> Result<(), End> {
        let bytes = value.as_bytes();
        let (asked, criteria) = (&mut self.asked, &mut self.criteria);
        match is {
            'n' => asked.newest = true,
            'o' => asked.oldest = true,
            'p' => {
                criteria.pids = Some(list(bytes, |word| number(word, "not a number"))?);
                self.pids = true;
            }
            'g' => criteria.groups = Some(list(bytes, own_group)?),
            's' => criteria.sessions = Some(list(bytes, own_session)?),
            'u' => criteria.effective_users = Some(list(bytes, user)?),
            'F' => self.pidfile = Some(value.to_owned()),
            'G' => criteria.real_groups = Some(list(bytes, group)?),
            'H' => criteria.handler = true,
            'O' => criteria.older = atoi(bytes),
            'P' => criteria.parents = Some(list(bytes, |word| number(word, "not a number"))?),
            'U' => criteria.real_users = Some(list(bytes, user)?),
            't' => {
                criteria.terminals = Some(list(bytes, |word| Ok(super::criteria::terminal(word)))?)
            }
            'r' => criteria.states = Some(bytes.to_vec()),
            '\u{2}' => criteria.cgroups = Some(list(bytes, |word| Ok(word.to_vec()))?),
            '\u{5}' => criteria.environment = Some(list(bytes, |word| Ok(word.to_vec()))?),
            // What is no number is read as states, by which nobody is found.
            _ => match atoi(bytes) {
                0 => criteria.states = Some(bytes.to_vec()),
                pid => criteria.namespaces_of = Some(pid),
            },
        }
        Ok(())
    }

    fn finish(mut self, mut operands: Vec<OsString>) -> Result<Asked, End> {
        let see = format!("Try `{} --help' for more information.", self.name);
        if self.lock && self.pidfile.is_none() {
            return Err(End::usage(format!("-L without -F makes no sense\n{see}")));
        }
        if let Some(file) = &self.pidfile {
            if self.pids {
                let text = format!("Cannot use pidfile and pid option together\n{see}");
                return Err(End::Failed(text, FAILURE));
            }
            match in_file(file, self.lock)? {
                Some(pid) => self.criteria.pids = Some(vec![pid]),
                None => {
                    let text = format!("pidfile not valid\n{see}");
                    return Err(End::Failed(text, FAILURE));
                }
            }
        }
        if operands.len() > 1 {
            return Err(End::usage(format!(
                "only one pattern can be provided\n{see}"
            )));
        }
        self.criteria.pattern = operands.pop().map(|word| word.as_bytes().to_vec());
        if self.criteria.pattern.is_none() && !self.chosen {
            return Err(End::usage(format!("no matching criteria specified\n{see}")));
        }
        self.criteria.signal = self.asked.signal;
        self.asked.criteria = self.criteria;
        Ok(self.asked)
    }
}

/// The first word that is a hyphen and a signal, wherever it stands, even as the argument of an option.
fn take_signal(words: &mut Vec<OsString>) -> Option<i32> {
    let signal = |word: &OsString| super::text::signal(word.as_bytes().strip_prefix(b"-")?);
    let at = words.iter().position(|word| signal(word).is_some())?;
    signal(&words.remove(at))
}

/// The signal of `--signal`.
fn signal(word: &[u8]) -> Result<i32, End> {
    if let Some(signal) = super::text::signal(word) {
        return Ok(signal);
    }
    if word.first().is_some_and(u8::is_ascii_digit) {
        return Ok(atoi(word));
    }
    Err(End::UnknownSignal(word.to_vec()))
}

/// Words with commas between. No word at all is how it is not used.
fn list<T>(text: &[u8], convert: impl Fn(&[u8]) -> Result<T, End>) -> Result<Vec<T>, End> {
    if text.is_empty() {
        return Err(End::Usage(None));
    }
    text.split(|b| *b == b',').map(convert).collect()
}

/// A number with nothing around it; nothing at all, or a bare sign, is 0.
fn strict(word: &[u8]) -> Option<i64> {
    let (sign, digits) = match word {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        rest => (1, rest),
    };
    let number = digits.iter().try_fold(0i64, |sum, digit| {
        let digit = digit.is_ascii_digit().then(|| i64::from(digit - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })?;
    Some(sign * number)
}

fn wrong<T>(what: &str, word: &[u8]) -> Result<T, End> {
    Err(End::usage(format!(
        "{what}: {}",
        String::from_utf8_lossy(word)
    )))
}

fn number(word: &[u8], what: &str) -> Result<i64, End> {
    strict(word).map_or_else(|| wrong(what, word), Ok)
}

/// 0 is one's own, as `/proc` has it: of a group or session outside of the pid namespace that is 0 too.
fn own_group(word: &[u8]) -> Result<i64, End> {
    Ok(match number(word, "invalid process group")? {
        0 => own()?.pgrp.into(),
        group => group,
    })
}

fn own_session(word: &[u8]) -> Result<i64, End> {
    Ok(match number(word, "invalid session id")? {
        0 => own()?.session.into(),
        session => session,
    })
}

fn own() -> Result<Stat, End> {
    let proc = Proc::open().map_err(|error| End::Failed(error.to_string(), FATAL))?;
    let stat = proc.own().and_then(|dir| dir.stat());
    stat.map_err(|error| End::Failed(super::text::reason(&error), FATAL))
}

fn user(word: &[u8]) -> Result<i64, End> {
    named(word, "invalid user name", user_id)
}

fn group(word: &[u8]) -> Result<i64, End> {
    named(word, "invalid group name", group_id)
}

fn named(word: &[u8], what: &str, find: fn(&str) -> Option<u32>) -> Result<i64, End> {
    let found = || find(std::str::from_utf8(word).ok()?).map(i64::from);
    strict(word)
        .or_else(found)
        .map_or_else(|| wrong(what, word), Ok)
}

fn namespace(word: &[u8]) -> Result<Namespace, End> {
    use Namespace::{Ipc, Mnt, Net, Pid, User, Uts};
    let all = [Ipc, Mnt, Net, Pid, User, Uts];
    let known = all.into_iter().find(|kind| kind.name().as_bytes() == word);
    known.ok_or(End::Silent(USAGE))
}

/// atoi(3): the number at the beginning, or 0.
fn atoi(word: &[u8]) -> i32 {
    let (number, _) = super::text::strtol(word).unwrap_or((0, 0));
    number as i32
}

/// The number in the first line of a file; `None` where there is none.
fn in_file(path: &OsStr, lock: bool) -> Result<Option<i64>, End> {
    let failed = |text: String| End::Failed(text, FAILURE);
    let file = match path.as_bytes() {
        b"-" => std::io::stdin()
            .as_fd()
            .try_clone_to_owned()
            .map(File::from),
        _ => File::open(path),
    };
    let why = |error: &std::io::Error| super::text::reason(error);
    let mut file =
        file.map_err(|error| failed(format!("Unable to open pidfile: {}", why(&error))))?;
    if lock && !is_locked(&file) {
        return Err(failed("Locking check for pidfile failed".to_owned()));
    }
    // As much as is looked at of a line. One byte at a time from a pipe: what comes after is another's.
    let mut line = Vec::with_capacity(255);
    let mut byte = [0];
    while line.len() < 255 && file.read(&mut byte).is_ok_and(|n| n == 1) {
        line.push(byte[0]);
        if byte == *b"\n" {
            break;
        }
    }
    let Some((pid, end)) = super::text::strtol(&line) else {
        return Ok(None);
    };
    let clear = line
        .get(end)
        .is_none_or(|b| b.is_ascii_whitespace() || matches!(b, 0 | 0x0b));
    Ok(clear.then_some(pid))
}

/// Whether another process has it locked, by flock(2) or fcntl(2).
fn is_locked(file: &File) -> bool {
    use rustix::io::Errno;
    let flock = rustix::fs::flock(file, FlockOperation::NonBlockingLockShared);
    let fcntl = || rustix::fs::fcntl_lock(file, FlockOperation::NonBlockingLockShared);
    flock == Err(Errno::WOULDBLOCK) || matches!(fcntl(), Err(Errno::ACCESS | Errno::AGAIN))
}
