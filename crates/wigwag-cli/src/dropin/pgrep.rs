//! `pgrep`, `pkill`, `pidwait` and, by another name, `pwait`: procps-ng's, of version 4.0.5.

mod act;
mod criteria;
mod help;
mod options;
mod scan;
mod text;

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

use super::Call;

/// Which of the three it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    Grep,
    Kill,
    Wait,
}

impl Tool {
    fn of(call: &Call) -> Tool {
        match call.name.as_str() {
            "pkill" => Tool::Kill,
            "pgrep" => Tool::Grep,
            _ => Tool::Wait,
        }
    }
}

/// An end before anything is looked for.
enum End {
    /// What was asked for, on standard output.
    Said(String),
    /// How it is used, after what was wrong.
    Usage(Option<Vec<u8>>),
    /// How it is used, after a signal that is none: on one line with what follows, and without the tool's name.
    UnknownSignal(Vec<u8>),
    /// What was wrong, and the status.
    Failed(String, u8),
    /// Without a word.
    Silent(u8),
}

/// What makes no sense in the words.
const USAGE: u8 = 2;
/// Nobody was found, or what was asked for cannot be done.
const FAILURE: u8 = 1;
/// Nothing can be looked at.
const FATAL: u8 = 3;

impl End {
    fn usage(text: impl Into<String>) -> End {
        End::Failed(text.into(), USAGE)
    }
}

/// Carries it out; the exit status.
pub fn run(mut call: Call) -> u8 {
    let words = std::mem::take(&mut call.words);
    let tool = Tool::of(&call);
    let asked = options::read(&call.name, tool, words);
    match asked.and_then(|asked| act::carry_out(&call, &asked)) {
        Ok(status) => status,
        Err(End::Said(text)) => act::print(&call, text.as_bytes()).unwrap_or(0),
        Err(End::Usage(wrong)) => {
            if let Some(wrong) = wrong {
                call.complain(&OsStr::from_bytes(&wrong).display().to_string());
            }
            let _ = std::io::stderr().write_all(help::text(&call.name, tool).as_bytes());
            USAGE
        }
        Err(End::UnknownSignal(word)) => {
            let text = [b"Unknown signal \"", word.as_slice(), b"\"."].concat();
            let usage = help::text(&call.name, tool);
            let _ = std::io::stderr().write_all(&[text.as_slice(), usage.as_bytes()].concat());
            USAGE
        }
        Err(End::Failed(text, status)) => {
            call.complain(&text);
            status
        }
        Err(End::Silent(status)) => status,
    }
}
