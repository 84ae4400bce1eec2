//! Proof: no innocents. A process is chosen by name, a group or a tree by number; before a chosen system call of the command it is
//! killed and reaped, and innocents are born with its numbers. They must never get a signal.
//!
//! Every system call of the command is tried in its turn, with the swap made while ptrace holds the command at that call's
//! entry; a sample is tried with a delay injected by strace. The same runs with pkill hit innocents: the test can fail.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod groups;
mod names;
mod rounds;
