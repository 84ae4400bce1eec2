//! Other processes: finding them, holding them so that a recycled number cannot fool anybody, saying what a signal would do to
//! them, sending it, and writing down what it did.
//!
//! ```text
//! Selector --census--> Process (held) --predict--> Plan --send--> watch --> Receipt
//! ```
//!
//! One [`order::Order`] goes in, one [`receipt::Report`] comes out, with one [`receipt::Receipt`] for each process.

pub mod census;
pub mod dispositions;
pub mod execute;
mod freezer;
pub mod identity;
pub mod limits;
pub mod order;
pub mod plan;
pub mod prediction;
pub mod procfs;
pub mod receipt;
pub mod selector;
mod sys;

pub use freezer::FreezerGroup;
