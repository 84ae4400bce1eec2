//! The one error of this crate: what was attempted, the errno, and what more is known.

use std::borrow::Cow;
use std::fmt;
use std::io;

use crate::Errno;

/// The result of everything here that asks the kernel.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A system call that failed: what was attempted, on whom, and why it did not work.
///
/// ```
/// use wigwag::{Errno, Signal, send};
/// let error = send::send(-5, Signal::TERM).unwrap_err();
/// assert_eq!(error.errno(), Errno::INVAL);
/// assert!(error.to_string().starts_with("cannot send TERM to pid -5: EINVAL (invalid argument)"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Details>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Details {
    attempt: Cow<'static, str>,
    errno: Errno,
    note: Option<Cow<'static, str>>,
    unsupported: bool,
}

impl Error {
    /// An error that reads "cannot `attempt`: `errno`".
    ///
    /// ```
    /// use wigwag::{Errno, Error};
    /// let error = Error::new("stop the world", Errno::PERM);
    /// assert_eq!(error.to_string(), "cannot stop the world: EPERM (operation not permitted)");
    /// ```
    #[must_use]
    pub fn new(attempt: impl Into<Cow<'static, str>>, errno: Errno) -> Error {
        let unsupported = errno == Errno::NOSYS;
        Error(Box::new(Details {
            attempt: attempt.into(),
            errno,
            note: None,
            unsupported,
        }))
    }

    /// The same error with a sentence about the reason, shown after a semicolon.
    ///
    /// ```
    /// use wigwag::{Errno, Error};
    /// let error = Error::new("stop it", Errno::PERM).with_note("it belongs to root");
    /// assert!(error.to_string().ends_with("(operation not permitted); it belongs to root"));
    /// ```
    #[must_use]
    pub fn with_note(mut self, note: impl Into<Cow<'static, str>>) -> Error {
        self.0.note = Some(note.into());
        self
    }

    /// The same error, known to mean that this kernel is too old for what was asked.
    pub(crate) fn when_unsupported(mut self, since: &'static str) -> Error {
        self.0.unsupported = true;
        self.0.note = Some(Cow::Owned(format!("this needs Linux {since}")));
        self
    }

    /// The same error, known to be the answer of a seccomp filter, as the call itself never gives it.
    pub(crate) fn when_filtered(mut self) -> Error {
        self.0.unsupported = true;
        self.0.note = Some(Cow::Borrowed(
            "the call itself never says so: a seccomp filter refuses it",
        ));
        self
    }

    /// What was attempted, such as "send TERM to pid 42".
    ///
    /// ```
    /// use wigwag::{Signal, send};
    /// assert_eq!(send::send(-5, Signal::TERM).unwrap_err().attempt(), "send TERM to pid -5");
    /// ```
    #[must_use]
    pub fn attempt(&self) -> &str {
        &self.0.attempt
    }

    /// The kernel's reason.
    ///
    /// ```
    /// use wigwag::{Errno, Signal, send};
    /// assert_eq!(send::send(i32::MAX, Signal::TERM).unwrap_err().errno(), Errno::SRCH);
    /// ```
    #[must_use]
    pub fn errno(&self) -> Errno {
        self.0.errno
    }

    /// What more is known about the reason.
    ///
    /// ```
    /// use wigwag::{Signal, send};
    /// assert_eq!(send::send(-5, Signal::TERM).unwrap_err().note(), Some("a pid is a number above 0"));
    /// ```
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// Whether this kernel lacks what was asked (ENOSYS, or ENOTTY or EINVAL where they mean that), or a seccomp filter certainly
    /// refuses it (EPERM of a call that never gives it): the caller may fall back to another way.
    ///
    /// ```
    /// use wigwag::{PidFd, send};
    /// match PidFd::open_thread(send::thread_id()) {
    ///     Ok(pidfd) => pidfd.probe()?,
    ///     Err(error) if error.is_unsupported() => send::probe_thread(send::process_id(), send::thread_id())?,
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        self.0.unsupported
    }

    /// ESRCH: the process, thread or group does not exist (any more).
    ///
    /// ```
    /// assert!(wigwag::send::probe(i32::MAX).unwrap_err().is_gone());
    /// ```
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.0.errno == Errno::SRCH
    }

    /// EPERM: it exists, and the caller may not signal it.
    ///
    /// ```
    /// // Whether the init of this machine or container may be signalled: no signal is sent.
    /// match wigwag::send::probe(1) {
    ///     Ok(()) => println!("it may"),
    ///     Err(error) => assert!(error.is_denied()),
    /// }
    /// ```
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.0.errno == Errno::PERM
    }

    /// EAGAIN of a send: the limit of queued signals is reached.
    ///
    /// ```
    /// use rustix::process::{Resource, Rlimit, setrlimit};
    /// use wigwag::{Signal, mask, send};
    /// let guard = mask::block(Signal::rtmin());
    /// setrlimit(Resource::Sigpending, Rlimit { current: Some(0), maximum: Some(0) })?;
    /// let error = send::queue(send::process_id(), Signal::rtmin(), 1).unwrap_err();
    /// assert!(error.is_queue_full());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_queue_full(&self) -> bool {
        self.0.errno == Errno::AGAIN
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.0.attempt, self.0.errno)?;
        match &self.0.note {
            Some(note) => write!(f, "; {note}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    /// An [`io::Error`] of the errno's kind that keeps this error as its source and text.
    fn from(error: Error) -> io::Error {
        io::Error::new(io::Error::from(error.errno()).kind(), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_whom_and_why() {
        let error = Error::new("send TERM to pid 42", Errno::PERM);
        assert_eq!(
            error.to_string(),
            "cannot send TERM to pid 42: EPERM (operation not permitted)"
        );
        assert!(error.is_denied() && !error.is_gone() && !error.is_unsupported());
        let error = error.with_note("it belongs to root");
        assert!(error.to_string().ends_with("; it belongs to root"));
        let error: io::Error = error.into();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(error.to_string().starts_with("cannot send TERM"));
    }

    #[test]
    fn unsupported_by_errno_or_by_knowledge() {
        assert!(Error::new("x", Errno::NOSYS).is_unsupported());
        assert!(!Error::new("x", Errno::INVAL).is_unsupported());
        assert!(!Error::new("x", Errno::NOTTY).is_unsupported());
        let error = Error::new("x", Errno::INVAL).when_unsupported("6.9");
        assert!(error.is_unsupported());
        assert_eq!(
            error.to_string(),
            "cannot x: EINVAL (invalid argument); this needs Linux 6.9"
        );
    }
}
