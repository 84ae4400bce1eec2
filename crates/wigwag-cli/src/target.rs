//! The grammar of the command line: from words to a selector, a signal and guards.
//!
//! Words that start with a dash are looked at before clap sees them, since `-9`, `-TERM` and `-4242` are no options.

mod dashes;
mod options;

pub use dashes::{Dashes, read_dashes};
#[cfg(test)]
pub use dashes::{short_takes_word, takes_word};
pub use options::{
    acting, are_brief, brief, duration, guards, max_option, one, selecting, selector, signal,
    signal_option, whole,
};
