//! The old names beside the tools that bear them: the same words to both, the same output, status and effect.
//!
//! A table a name. What is newer than the tool at hand is tested against its manual; what differs on purpose says why.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod compare;
mod env;
mod inits;
mod kill;
mod killall;
mod links;
mod pgrep;
mod timeout;
