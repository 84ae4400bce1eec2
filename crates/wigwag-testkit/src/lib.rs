//! wigwag-testkit
