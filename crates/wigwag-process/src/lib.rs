//! wigwag-process

pub mod procfs;
