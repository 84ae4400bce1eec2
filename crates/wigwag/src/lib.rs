//! A program's own signals: what a signal is, sending, receiving, waiting, masks, dispositions, timers, descriptors, and what a
//! program that is started inherits.
//!
//! The crate asks the kernel and nothing else: it never prints, and reads `/proc` only for the name of a terminal
//! ([`keys::read`]). Everything that can fail returns an [`Error`] that says what was attempted and names the errno.
//!
//! ```
//! use wigwag::Signal;
//! let signal: Signal = "sigterm".parse()?;
//! assert_eq!((signal, signal.number()), (Signal::TERM, 15));
//! assert_eq!("TREM".parse::<Signal>().unwrap_err().to_string(), "unknown signal TREM: did you mean TERM?");
//! # Ok::<(), wigwag::InvalidSignal>(())
//! ```
#![cfg(target_os = "linux")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod catalog;
pub mod disposition;
mod errno;
mod error;
pub mod exec;
pub mod info;
pub mod keys;
pub mod mask;
mod nearest;
pub mod receive;
pub mod send;
mod set;
mod signal;
mod signalfd;
mod status;
mod sys;
pub mod timer;
pub mod wait;

pub use errno::Errno;
pub use error::{Error, Result};
pub use info::{Cause, SignalInfo};
pub use send::{PidFd, Scope, pidfd_send};
pub use set::SignalSet;
pub use signal::{DefaultAction, InvalidSignal, Signal};
pub use signalfd::SignalFd;
pub use status::WaitStatus;
