//! What a callback, an iterator or a stream is given.

use std::fmt;
use std::ops::Deref;
use std::time::{Duration, Instant};

use crate::SignalInfo;
use crate::receive::ring::Words;
use crate::sys;

/// A signal that reached ordinary code. Everything of its [`SignalInfo`] can be read through it.
///
/// ```
/// use wigwag::{Signal, receive::{self, Signals}, send};
/// receive::block_everywhere(Signal::HUP)?;
/// let signals = Signals::new(Signal::HUP)?;
/// send::send(send::process_id(), Signal::HUP)?;
/// let received = signals.next().unwrap();
/// let me = send::process_id();
/// assert!(received.to_string().starts_with(&format!("HUP from pid {me} (user ")));
/// # Ok::<(), wigwag::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// The signal, who sent it, how, and what came with it.
    pub info: SignalInfo,
    /// When it was taken from the kernel: by the handler, or by the thread that waited.
    pub at: Instant,
    /// How many of this signal were caught and lost for want of room since this process began, where it was caught; always 0
    /// where it was captured. Standard signals that coalesce in the kernel are seen by nobody, and not counted.
    pub lost: u64,
}

impl Deref for Received {
    type Target = SignalInfo;

    fn deref(&self) -> &SignalInfo {
        &self.info
    }
}

impl fmt::Display for Received {
    /// As its [`SignalInfo`]: "TERM from pid 42 (user 0) by kill".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.info.fmt(f)
    }
}

impl Received {
    /// One that was taken from the kernel just now.
    pub(crate) fn now(info: SignalInfo) -> Received {
        Received::at(info, Instant::now())
    }

    /// One that was taken from the kernel at this moment.
    pub(crate) fn at(info: SignalInfo, at: Instant) -> Received {
        Received { info, at, lost: 0 }
    }

    /// The signal of one in the ring.
    #[cfg(feature = "tokio")]
    pub(crate) fn signo(words: &Words) -> usize {
        sys::handler::decode(words).0.signo as usize
    }

    /// One from the ring.
    pub(crate) fn from_words(words: &Words) -> Option<Received> {
        let (raw, nanoseconds) = sys::handler::decode(words);
        let age = sys::handler::now().saturating_sub(nanoseconds);
        let now = Instant::now();
        Some(Received {
            info: SignalInfo::from_raw(&raw)?,
            at: now.checked_sub(Duration::from_nanos(age)).unwrap_or(now),
            lost: super::shared::lost(raw.signo),
        })
    }
}
