//! `kill`: POSIX first, then util-linux, and of procps and GNU what neither gives another meaning (docs/names.md).

mod ladder;
mod list;
mod options;
mod send;
mod signals;
mod state;

use std::io::ErrorKind;

use wigwag::{Signal, send::end_by};

use super::{Call, print};
use options::{Job, read};

/// Done, all of it.
const SUCCESS: u8 = 0;
/// Nothing was done, or the words make no sense.
const FAILURE: u8 = 1;
/// Some were signalled and some were not.
const SOME: u8 = 64;

/// Why it ends before anything was sent: what is said on standard error.
struct Wrong(String);

/// Carries out one call; the exit status.
pub fn run(call: Call) -> u8 {
    let result = match read(&call.words) {
        Ok(Job::Send(order)) => Ok(send::all(&call, &order)),
        Ok(Job::Say(text)) => Ok(say(&call, &text)),
        Ok(Job::List(words, table)) => list::convert(&call, &words, table),
        Ok(Job::State(word)) => state::text(&word).map(|text| say(&call, &text)),
        Err(wrong) => Err(wrong),
    };
    result.unwrap_or_else(|Wrong(why)| {
        call.complain(&why);
        FAILURE
    })
}

/// Writes to standard output.
fn say(call: &Call, text: &str) -> u8 {
    match print(text.as_bytes()) {
        Ok(()) => SUCCESS,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => end_by(Signal::PIPE),
        Err(error) => {
            call.complain(&format!("write error: {}", words_of(&error)));
            FAILURE
        }
    }
}

/// The C library's words for an error, as perror(3) has them.
fn words_of(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

/// The same for the number of an error.
fn words_of_errno(errno: wigwag::Errno) -> String {
    words_of(&std::io::Error::from_raw_os_error(errno.number()))
}
