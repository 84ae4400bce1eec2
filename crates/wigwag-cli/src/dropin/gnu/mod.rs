//! What the tools of the GNU project have in common: how they read words, quote, and name signals.

pub mod getopt;
pub mod quote;
pub mod signal;

use std::ffi::OsString;

/// The name that stands before their messages: the whole of what they were called by.
pub fn program(name: &str) -> OsString {
    std::env::args_os().next().unwrap_or_else(|| name.into())
}

/// The C library's words for an error, as they stand at the end of a message.
pub fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_owned()
}
