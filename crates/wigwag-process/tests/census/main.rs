//! Finding real processes by all that a selector can say.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod files;
mod filters;
mod hidden;
mod names;
mod numbers;
mod tools;
