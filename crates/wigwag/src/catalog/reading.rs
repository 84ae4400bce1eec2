//! What a number, an exit status, a wait status or a phrase says about a signal.

use super::{System, bare_name, entries, entry, realtime, suggest};

/// How a text was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(rename_all = "snake_case")
)]
pub enum Kind {
    /// The name of a signal: `TERM`, `SIGTERM`, `RTMIN+3`.
    Name,
    /// The number of a signal: `15`.
    Number,
    /// A shell's 128 + number: `143`, or ksh93's 256 + number: `271`.
    ShellStatus,
    /// The negative number that Python's subprocess and others report: `-15`.
    NegativeNumber,
    /// A status as wait(2) gives it: `0x8b`.
    WaitStatus,
    /// A phrase that a shell, the kernel or a service manager prints: `Segmentation fault (core dumped)`.
    Phrase,
    /// An exit status that stands for no signal: `exit 1`.
    ExitStatus,
}

/// What a text says: a signal, or an exit status without one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Reading {
    /// The text as given.
    pub text: String,
    /// How it was read.
    pub kind: Kind,
    /// The number of the signal on this system, where the system has it.
    pub number: Option<i32>,
    /// The name of the signal; none for an exit status without one.
    pub name: Option<String>,
    /// The exit status, for [`Kind::ExitStatus`].
    pub exit: Option<i32>,
    /// Whether the text says that a core was dumped.
    pub core_dumped: bool,
    /// Whether the text says that the process was stopped, not ended.
    pub stopped: bool,
}

/// The text says nothing about a signal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unreadable {
    message: String,
    /// The name that was probably meant.
    pub suggestion: Option<&'static str>,
}

/// Reads a name, number, exit status, wait status or phrase, with the numbers of `system`.
///
/// Decimal numbers are a signal up to the system's last one, then a shell's 128+n up to 255, then ksh93's 256+n, then a wait
/// status; hexadecimal ones (`0x8b`) are a wait status.
///
/// ```
/// use wigwag::catalog::{Kind, System, read};
/// let here = System::here();
/// let name = |text: &str| read(text, here).ok().and_then(|r| r.name);
/// assert_eq!(name("143").as_deref(), Some("TERM"));
/// assert_eq!(name("137").as_deref(), Some("KILL"));
/// assert_eq!(name("Segmentation fault (core dumped)").as_deref(), Some("SEGV"));
/// assert_eq!(name("exited with code 137").as_deref(), Some("KILL"));
/// let raw = read("0x8b", here)?;
/// assert_eq!((raw.kind, raw.core_dumped), (Kind::WaitStatus, true));
/// # Ok::<(), wigwag::catalog::Unreadable>(())
/// ```
///
/// # Errors
/// [`Unreadable`] where the text names no signal and no status; its message says why, with the nearest name.
pub fn read(text: &str, system: &System) -> Result<Reading, Unreadable> {
    let words = text.trim();
    if words.is_empty() {
        return Err(unreadable("an empty word names no signal"));
    }
    if let Some(hex) = words
        .strip_prefix("0x")
        .or_else(|| words.strip_prefix("0X"))
    {
        if hex.is_empty() || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            let shown = words.escape_debug();
            return Err(unreadable(format!("{shown} is no hexadecimal number")));
        }
        // One too large for the type is too large for a wait status all the same.
        let status = i32::from_str_radix(hex, 16).unwrap_or(i32::MAX);
        return wait_status(text, status, system);
    }
    if let Some(digits) = words.strip_prefix('-').filter(|d| all_digits(d)) {
        return of_number(text, Kind::NegativeNumber, parse(digits)?, system);
    }
    if all_digits(words) {
        return number(text, parse(words)?, system);
    }
    if let Some(known) = by_name(text, words, system) {
        return Ok(known);
    }
    if words.contains(|c: char| c.is_whitespace() || "=:/".contains(c))
        || phrase_signal(words).is_some()
    {
        return phrase(text, words, system);
    }
    let suggestion = suggest(words);
    let bare = bare_name(words);
    let shown = words.escape_debug();
    let message = match suggestion {
        _ if bare.starts_with("RT") => match system.realtime() {
            Some(r) => format!(
                "{shown} is no signal: real-time signals are RTMIN to RTMIN+{}",
                r.max - r.min
            ),
            None => format!(
                "{shown} is no signal: {} has no real-time signals",
                system.title()
            ),
        },
        Some(name) => format!("unknown signal {shown}: did you mean {name}?"),
        None => format!("unknown signal {shown}"),
    };
    Err(Unreadable {
        message,
        suggestion,
    })
}

fn unreadable(message: impl Into<String>) -> Unreadable {
    Unreadable {
        message: message.into(),
        suggestion: None,
    }
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn parse(digits: &str) -> Result<i32, Unreadable> {
    digits.parse().map_err(|_| {
        unreadable(format!(
            "{digits} is too large: no signal, exit status or wait status"
        ))
    })
}

fn reading(text: &str, kind: Kind, name: Option<String>, number: Option<i32>) -> Reading {
    Reading {
        text: text.to_owned(),
        kind,
        number,
        name,
        exit: None,
        core_dumped: false,
        stopped: false,
    }
}

/// A name of this system, or of any other: then without a number.
fn by_name(text: &str, word: &str, system: &System) -> Option<Reading> {
    if let Some(number) = system.number(word) {
        return Some(reading(text, Kind::Name, system.name(number), Some(number)));
    }
    let entry = entry(word).filter(|e| *e != realtime())?;
    Some(reading(text, Kind::Name, Some(entry.name.to_owned()), None))
}

/// A signal's own number, or why it is none.
fn of_number(text: &str, kind: Kind, number: i32, system: &System) -> Result<Reading, Unreadable> {
    if let Some(name) = system.name(number) {
        return Ok(reading(text, kind, Some(name), Some(number)));
    }
    let kept = system
        .realtime()
        .is_some_and(|r| (r.kernel_min..=r.kernel_max).contains(&number));
    let words = text.trim();
    let here = system.title();
    Err(unreadable(match number {
        0 => "0 is no signal: kill(2) with it only tests whether a process is there; as an exit status it is success".to_owned(),
        _ if kept => format!("{number} is kept by the C library for itself: programs use RTMIN and above"),
        _ if number.to_string() == words => format!("{number} is no signal of {here}"),
        _ => format!("{words:?}: {number} is no signal of {here}"),
    }))
}

/// A decimal number: a signal, a shell's status or a wait status.
fn number(text: &str, n: i32, system: &System) -> Result<Reading, Unreadable> {
    match n {
        129..=255 if system.name(n).is_none() => {
            of_number(text, Kind::ShellStatus, n - 128, system).map_err(|_| {
                unreadable(format!(
                    "{n} is no signal of {}, nor 128 plus one",
                    system.title()
                ))
            })
        }
        // No kernel gives these as a wait status: they would be an exit status and a signal at once.
        257..=383 if system.name(n - 256).is_some() => {
            of_number(text, Kind::ShellStatus, n - 256, system)
        }
        256.. => wait_status(text, n, system),
        _ => of_number(text, Kind::Number, n, system),
    }
}

/// The bits of wait(2): 0 to 6 the signal, 7 the core, 8 to 15 the exit status or, under 0x7f, the stop signal.
fn wait_status(text: &str, status: i32, system: &System) -> Result<Reading, Unreadable> {
    let (low, core, high) = (status & 0x7f, status & 0x80 != 0, (status >> 8) & 0xff);
    let shown = text.trim();
    let killed = |number| {
        Ok(Reading {
            core_dumped: core,
            ..of_number(text, Kind::WaitStatus, number, system)?
        })
    };
    let no_kernel = |what: String| {
        Err(unreadable(format!(
            "{shown} is no status of wait(2): {what}, which no kernel gives"
        )))
    };
    match (low, high) {
        _ if !(0..=0xffff).contains(&status) => Err(unreadable(format!(
            "{shown} has more than the 16 bits of a wait status"
        ))),
        _ if status == 0xffff => of_number(
            text,
            Kind::WaitStatus,
            system.number("CONT").unwrap_or(0),
            system,
        ),
        (0, _) if core => no_kernel("it has the bit of a core dump, and no signal".to_owned()),
        (0, _) => Ok(Reading {
            exit: Some(high),
            ..reading(text, Kind::ExitStatus, None, None)
        }),
        (0x7f, 0) => no_kernel("a process was stopped (0x7f), by no signal".to_owned()),
        (0x7f, _) if core => no_kernel("a process was stopped and dumped core".to_owned()),
        (0x7f, _) if high & 0x80 != 0 && system.name(high & 0x7f).is_some() => {
            Err(unreadable(format!(
                "{shown} is a status that only a tracer gets: a stop by signal {} with 0x80 added, as ptrace(2) marks system calls",
                high & 0x7f
            )))
        }
        (0x7f, _) => Ok(Reading {
            stopped: true,
            ..of_number(text, Kind::WaitStatus, high, system)?
        }),
        (_, 0) => killed(low),
        _ => no_kernel(format!("signal {low} and exit status {high} at once")),
    }
}

/// A phrase: the words of the C library, a SIG name in the text, a status with its number, or the kernel's words.
fn phrase(text: &str, words: &str, system: &System) -> Result<Reading, Unreadable> {
    let lower = words.to_ascii_lowercase();
    let core_dumped = lower.contains("core dumped") || lower.contains("code=dumped");
    let found = |name: &str| {
        let number = system.number(name);
        let name = number
            .and_then(|n| system.name(n))
            .unwrap_or_else(|| name.to_owned());
        Reading {
            core_dumped,
            ..reading(text, Kind::Phrase, Some(name), number)
        }
    };
    let tokens: Vec<&str> = words
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '+' && c != '-')
        .filter(|t| !t.is_empty())
        .collect();
    let named = tokens.iter().find(|t| {
        t.len() > 3 && t.as_bytes()[..3].eq_ignore_ascii_case(b"SIG") && entry(t).is_some()
    });
    if let Some(name) = named {
        return Ok(found(&bare_name(name)));
    }
    if let Some(value) = tokens.iter().find(|t| all_digits(t)) {
        // systemd: "code=killed, status=9/KILL"; others: "killed by signal 9", "Signal: 9".
        let says_signal = ["signal", "code=killed", "code=dumped"]
            .iter()
            .any(|w| lower.contains(w));
        let says_exit = ["exit", "status", "code", "rc", "returned"]
            .iter()
            .any(|w| lower.contains(w));
        let n = parse(value)?;
        if system
            .name(n)
            .is_some_and(|name| tokens.contains(&name.as_str()))
        {
            return Ok(Reading {
                core_dumped,
                ..of_number(text, Kind::Phrase, n, system)?
            });
        }
        if says_signal && lower_has_no_description(&lower) {
            return Ok(Reading {
                core_dumped,
                ..of_number(text, Kind::Phrase, n, system)?
            });
        }
        if says_exit {
            return match number(text, n, system) {
                Ok(r) if r.kind == Kind::ShellStatus && n <= 255 => Ok(r),
                _ if (0..=255).contains(&n) => Ok(Reading {
                    exit: Some(n),
                    ..reading(text, Kind::ExitStatus, None, None)
                }),
                _ => Err(unreadable(format!(
                    "{n} is no exit status: those are 0 to 255"
                ))),
            };
        }
    }
    match phrase_signal(words) {
        Some(name) => Ok(found(name)),
        None => Err(unreadable(format!(
            "{words:?} names no signal: give a name, a number, an exit status, or the words a shell prints"
        ))),
    }
}

fn lower_has_no_description(lower: &str) -> bool {
    !entries()
        .iter()
        .any(|e| e.description.len() > 8 && lower.contains(&e.description.to_ascii_lowercase()))
}

/// Other words for a signal, of kernels, shells and C libraries.
const WORDS: &[(&str, &str)] = &[
    ("segfault", "SEGV"),
    ("segmentation violation", "SEGV"),
    ("general protection", "SEGV"),
    ("stack smashing", "ABRT"),
    ("abort trap", "ABRT"),
    ("out of memory", "KILL"),
    ("oom-kill", "KILL"),
    ("oomkilled", "KILL"),
    ("broken pipe", "PIPE"),
    ("floating exception", "FPE"),
    ("cputime limit exceeded", "XCPU"),
    ("filesize limit exceeded", "XFSZ"),
    ("suspended", "TSTP"),
];

/// The signal whose description is in the text, the longest of them, or other words for it.
fn phrase_signal(words: &str) -> Option<&'static str> {
    let lower = words.to_ascii_lowercase();
    entries()
        .iter()
        .map(|e| (e.description.to_ascii_lowercase(), e.name))
        .chain(WORDS.iter().map(|(word, name)| ((*word).to_owned(), *name)))
        .filter(|(word, _)| has_words(&lower, word))
        .max_by_key(|(word, _)| word.len())
        .map(|(_, name)| name)
}

/// Whether the text has the words, not as a part of longer ones.
fn has_words(text: &str, words: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric();
    text.match_indices(words).any(|(at, _)| {
        !text[..at].ends_with(is_letter) && !text[at + words.len()..].starts_with(is_letter)
    })
}
