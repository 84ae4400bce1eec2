//! Names of processes: exactly, as a regular expression, or anywhere in the command line.

use regex::bytes::Regex;

use super::SelectError;
use super::view::{Answer, View};

/// The kernel keeps this much of a command name (TASK_COMM_LEN less the NUL).
const CUT: usize = 15;

pub(super) enum Name {
    /// The whole name.
    Is(String),
    /// A part of the command line.
    InCommandLine(String),
    /// The whole command line.
    CommandLine(String),
    /// An expression on the name.
    Matches(Regex),
    /// An expression on the command line.
    CommandLineMatches(Regex),
}

impl Name {
    pub(super) fn compile(
        pattern: &str,
        exact: bool,
        full: bool,
        regex: bool,
    ) -> Result<Name, SelectError> {
        if !regex {
            let pattern = pattern.to_owned();
            return Ok(match (full, exact) {
                (false, _) => Name::Is(pattern),
                (true, false) => Name::InCommandLine(pattern),
                (true, true) => Name::CommandLine(pattern),
            });
        }
        let whole = format!("^(?:{pattern})$");
        let result = Regex::new(pattern)
            .and_then(|plain| if exact { Regex::new(&whole) } else { Ok(plain) });
        let expression = result.map_err(|error| SelectError::Regex {
            pattern: pattern.to_owned(),
            reason: reason(&error.to_string()),
        })?;
        Ok(if full {
            Name::CommandLineMatches(expression)
        } else {
            Name::Matches(expression)
        })
    }

    pub(super) fn is_name_of(&self, view: &mut View<'_>) -> Answer<bool> {
        match self {
            Name::Is(word) => {
                let comm = view.comm()?;
                let word = word.as_bytes();
                if comm == word {
                    return Ok(true);
                }
                let cut = comm.len() == CUT && word.len() > CUT && word.starts_with(comm);
                Ok(cut && base_name(view.cmdline()?) == word)
            }
            Name::Matches(expression) => {
                let comm = view.comm()?;
                if comm.len() != CUT {
                    return Ok(expression.is_match(comm));
                }
                let comm = comm.to_vec();
                let full = base_name(view.cmdline()?);
                Ok(expression.is_match(if full.starts_with(&comm) { full } else { &comm }))
            }
            Name::InCommandLine(part) => {
                let part = part.as_bytes();
                with_command_line(view, |line| {
                    part.is_empty() || line.windows(part.len()).any(|w| w == part)
                })
            }
            Name::CommandLine(whole) => with_command_line(view, |line| line == whole.as_bytes()),
            Name::CommandLineMatches(expression) => {
                with_command_line(view, |line| expression.is_match(line))
            }
        }
    }
}

/// The arguments joined by blanks; where there are none, the command name.
fn with_command_line(view: &mut View<'_>, test: impl FnOnce(&[u8]) -> bool) -> Answer<bool> {
    let mut line = view.cmdline()?.to_vec();
    while line.last() == Some(&0) {
        line.pop();
    }
    if line.is_empty() {
        return Ok(test(view.comm()?));
    }
    for byte in &mut line {
        if *byte == 0 {
            *byte = b' ';
        }
    }
    Ok(test(&line))
}

/// The first argument without the directories before it.
fn base_name(cmdline: &[u8]) -> &[u8] {
    let first = cmdline.split(|&b| b == 0).next().unwrap_or_default();
    first.rsplit(|&b| b == b'/').next().unwrap_or_default()
}

/// The last line of the parser's message says what is wrong; the others draw where.
fn reason(message: &str) -> String {
    let last = message.lines().last().unwrap_or(message);
    last.trim().trim_start_matches("error: ").to_owned()
}
