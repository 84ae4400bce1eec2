//! The lock-free parts of `wigwag::receive` under loom.
#![cfg(test)]
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

#[path = "../../../src/receive/holding.rs"]
mod holding;
#[path = "../../../src/receive/ring.rs"]
mod ring;
#[path = "../../../src/receive/sleeper.rs"]
mod sleeper;

mod tests;
