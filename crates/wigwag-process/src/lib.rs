//! wigwag-process
