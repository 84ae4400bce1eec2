//! wigwag-process

pub mod census;
pub mod procfs;
pub mod selector;
