//! The small inits of containers: a command as the child of a process that passes signals on and collects orphans.
//!
//! What they do is a [`Run`](wigwag_run::Run); here are their words, and their logs.

pub mod catatonit;
pub mod dumb_init;
pub mod tini;

use std::ffi::{CString, OsStr};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

use wigwag::disposition::{self, Disposition, Handling};
use wigwag::{Signal, SignalSet, WaitStatus};

/// What it could not do itself.
const FAILED: u8 = 1;

/// What tini and catatonit leave to the kernel: the signals of faults, and of abort(3).
const LEFT: SignalSet = SignalSet::of(&[
    Signal::ILL,
    Signal::TRAP,
    Signal::ABRT,
    Signal::BUS,
    Signal::FPE,
    Signal::SEGV,
    Signal::SYS,
]);

/// Rust's start has put a handler there, which would let one that somebody sends pass once.
fn leave_faults() {
    for signal in [Signal::SEGV, Signal::BUS] {
        let ignored = |before: Disposition| before.handling == Handling::Ignore;
        if !disposition::get(signal).is_ok_and(ignored) {
            // The kernel never refuses.
            let _ = disposition::default(signal);
        }
    }
}

/// To standard error, in one piece. Whether it can be written is not asked.
fn tell(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn pid() -> u32 {
    std::process::id()
}

/// The status that a child has ended with, or 128 and the signal.
fn code(status: WaitStatus) -> i32 {
    status.shell_code().unwrap_or(0)
}

/// The last part of what it was called by, as it stands in usage texts.
fn base(program: &OsStr) -> String {
    let name = program.as_bytes();
    let start = name
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |at| at + 1);
    String::from_utf8_lossy(&name[start..]).into_owned()
}

/// An environment variable's bytes.
fn variable(name: &str) -> Option<Vec<u8>> {
    use std::os::unix::ffi::OsStringExt;
    std::env::var_os(name).map(OsStringExt::into_vec)
}

/// A number as strtol(3) reads it, and what follows; `None`: there is none. What no `i64` holds is its bound.
fn number(text: &[u8]) -> Option<(i64, &[u8])> {
    let blanks = text
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r'))
        .count();
    let text = &text[blanks..];
    let (sign, text) = match text.first() {
        Some(b'-') => (-1, &text[1..]),
        Some(b'+') => (1, &text[1..]),
        _ => (1, text),
    };
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digits = &text[..count];
    let value = digits.iter().fold(0_i64, |value, digit| {
        value
            .saturating_mul(10)
            .saturating_add(sign * i64::from(digit - b'0'))
    });
    (count > 0).then_some((value, &text[count..]))
}

/// The C library's words for a system error, and its number.
fn errno(error: &std::io::Error) -> (i32, String) {
    (error.raw_os_error().unwrap_or(0), super::gnu::words(error))
}

/// A word as it stands in a message.
fn shown(word: &OsStr) -> String {
    // A word of the command line has no NUL; a message has what is before it anyway.
    let text = CString::new(word.as_bytes()).unwrap_or_default();
    text.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers_as_strtol_reads_them() {
        assert_eq!(number(b" \t-12x"), Some((-12, &b"x"[..])));
        assert_eq!(number(b"+3"), Some((3, &b""[..])));
        assert_eq!(number(b""), None);
        assert_eq!(number(b"x1"), None);
        assert_eq!(number(b"- 1"), None);
        assert_eq!(number(b"99999999999999999999").unwrap().0, i64::MAX);
        assert_eq!(number(b"-99999999999999999999").unwrap().0, i64::MIN);
    }
}
