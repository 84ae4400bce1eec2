//! wigwag
