//! How a process ended, stopped or went on: the kernel's wait status and the shell's one number.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use crate::Signal;

/// What wait(2) says of a child.
///
/// ```
/// use wigwag::{Signal, WaitStatus};
/// assert_eq!(WaitStatus::from_raw(0x0300), Some(WaitStatus::Exited(3)));
/// let status = WaitStatus::from_raw(0x8b).unwrap();
/// assert_eq!(status.to_string(), "killed by SEGV (core dumped)");
/// assert_eq!(WaitStatus::from_shell(143).unwrap().signal(), Some(Signal::TERM));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
pub enum WaitStatus {
    /// It exited with this status, 0 to 255.
    Exited(i32),
    /// A signal ended it.
    Killed {
        /// The signal.
        signal: Signal,
        /// Whether the kernel wrote a core dump.
        core_dumped: bool,
    },
    /// A signal stopped it.
    Stopped(Signal),
    /// CONT made it go on.
    Continued,
}

impl WaitStatus {
    /// Decodes the number that waitpid(2) stores. `None` for one that the kernel does not make, and for the stops that
    /// only a tracer sees (ptrace(2) events and system calls).
    ///
    /// ```
    /// use wigwag::{Signal, WaitStatus};
    /// assert_eq!(WaitStatus::from_raw(1 << 8), Some(WaitStatus::Exited(1)));
    /// assert_eq!(WaitStatus::from_raw(0x137f), Some(WaitStatus::Stopped(Signal::STOP)));
    /// assert_eq!(WaitStatus::from_raw(0x857f), None);
    /// ```
    #[must_use]
    pub const fn from_raw(raw: i32) -> Option<WaitStatus> {
        if raw == 0xffff {
            return Some(WaitStatus::Continued);
        }
        if raw < 0 || raw > 0xffff {
            return None;
        }
        let (low, high) = (raw & 0xff, raw >> 8);
        match (low, high) {
            (0, code) => Some(WaitStatus::Exited(code)),
            (0x7f, number) => match Signal::from_kernel(number) {
                Some(signal) => Some(WaitStatus::Stopped(signal)),
                None => None,
            },
            (_, 0) => match Signal::from_kernel(low & 0x7f) {
                Some(signal) => Some(WaitStatus::Killed {
                    signal,
                    core_dumped: low & 0x80 != 0,
                }),
                None => None,
            },
            _ => None,
        }
    }

    /// The number that waitpid(2) would store. Of an exit code only the low 8 bits are kept, as the kernel does.
    ///
    /// ```
    /// use wigwag::WaitStatus;
    /// assert_eq!(WaitStatus::Exited(256 + 3).to_raw(), 3 << 8);
    /// ```
    #[must_use]
    pub const fn to_raw(self) -> i32 {
        match self {
            WaitStatus::Exited(code) => (code & 0xff) << 8,
            WaitStatus::Killed {
                signal,
                core_dumped: false,
            } => signal.number(),
            WaitStatus::Killed {
                signal,
                core_dumped: true,
            } => signal.number() | 0x80,
            WaitStatus::Stopped(signal) => 0x7f | signal.number() << 8,
            WaitStatus::Continued => 0xffff,
        }
    }

    /// Decodes a shell's `$?`: 128 + n is "killed by n" where n is a signal (256 + n too, as ksh has it), anything else
    /// up to 255 an exit status. `None` for other numbers.
    ///
    /// The number cannot tell a program that was killed from one that exited with the same number, nor whether there
    /// was a core dump, nor stopped from killed.
    ///
    /// ```
    /// use wigwag::{Signal, WaitStatus};
    /// assert_eq!(WaitStatus::from_shell(137), Some(WaitStatus::Killed { signal: Signal::KILL, core_dumped: false }));
    /// assert_eq!(WaitStatus::from_shell(2), Some(WaitStatus::Exited(2)));
    /// ```
    #[must_use]
    pub const fn from_shell(code: i32) -> Option<WaitStatus> {
        let number = match code {
            129..=255 => code - 128,
            256..=320 => code - 256,
            _ => 0,
        };
        match (Signal::from_kernel(number), code) {
            (Some(signal), _) => Some(WaitStatus::Killed {
                signal,
                core_dumped: false,
            }),
            (None, 0..=255) => Some(WaitStatus::Exited(code)),
            _ => None,
        }
    }

    /// What a shell would show as `$?`: the exit status, or 128 + the signal that killed or stopped it. `None` for
    /// one that goes on.
    ///
    /// ```
    /// use wigwag::{Signal, WaitStatus};
    /// let child = std::process::Command::new("sh").args(["-c", "kill -TERM $$"]).status()?;
    /// let status = WaitStatus::try_from(child).unwrap();
    /// assert_eq!(status.shell_code(), Some(143));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub const fn shell_code(self) -> Option<i32> {
        match self {
            WaitStatus::Exited(code) => Some(code & 0xff),
            WaitStatus::Killed { signal, .. } | WaitStatus::Stopped(signal) => {
                Some(128 + signal.number())
            }
            WaitStatus::Continued => None,
        }
    }

    /// The signal that killed or stopped it.
    ///
    /// ```
    /// use wigwag::{Signal, WaitStatus};
    /// assert_eq!(WaitStatus::Stopped(Signal::TSTP).signal(), Some(Signal::TSTP));
    /// assert_eq!(WaitStatus::Exited(143).signal(), None);
    /// ```
    #[must_use]
    pub const fn signal(self) -> Option<Signal> {
        match self {
            WaitStatus::Killed { signal, .. } | WaitStatus::Stopped(signal) => Some(signal),
            WaitStatus::Exited(_) | WaitStatus::Continued => None,
        }
    }

    /// Whether it exited with status 0.
    ///
    /// ```
    /// use wigwag::WaitStatus;
    /// let child = std::process::Command::new("true").status()?;
    /// assert!(WaitStatus::try_from(child).unwrap().is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, WaitStatus::Exited(0))
    }

    /// Whether it is over: exited or killed.
    ///
    /// ```
    /// use wigwag::{Signal, WaitStatus};
    /// assert!(WaitStatus::Exited(1).is_end() && !WaitStatus::Stopped(Signal::STOP).is_end());
    /// ```
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, WaitStatus::Exited(_) | WaitStatus::Killed { .. })
    }
}

impl fmt::Display for WaitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WaitStatus::Exited(code) => write!(f, "exited with status {code}"),
            WaitStatus::Killed {
                signal,
                core_dumped: false,
            } => write!(f, "killed by {signal}"),
            WaitStatus::Killed {
                signal,
                core_dumped: true,
            } => write!(f, "killed by {signal} (core dumped)"),
            WaitStatus::Stopped(signal) => write!(f, "stopped by {signal}"),
            WaitStatus::Continued => f.write_str("continued"),
        }
    }
}

impl From<WaitStatus> for ExitStatus {
    fn from(status: WaitStatus) -> ExitStatus {
        ExitStatus::from_raw(status.to_raw())
    }
}

impl TryFrom<ExitStatus> for WaitStatus {
    type Error = crate::Error;

    /// EINVAL where [`from_raw`](WaitStatus::from_raw) has none for it; no system call gives such a status.
    fn try_from(status: ExitStatus) -> Result<WaitStatus, crate::Error> {
        let raw = status.into_raw();
        let invalid =
            || crate::Error::new(format!("decode wait status {raw:#x}"), crate::Errno::INVAL);
        WaitStatus::from_raw(raw).ok_or_else(invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_the_kernel_stores() {
        assert_eq!(WaitStatus::from_raw(0), Some(WaitStatus::Exited(0)));
        assert_eq!(
            WaitStatus::from_raw(15),
            Some(WaitStatus::Killed {
                signal: Signal::TERM,
                core_dumped: false
            })
        );
        assert_eq!(
            WaitStatus::from_raw(0x137f),
            Some(WaitStatus::Stopped(Signal::STOP))
        );
        assert_eq!(WaitStatus::from_raw(0xffff), Some(WaitStatus::Continued));
        for raw in [-1, 0x80, 0x7f, 0x0101, 0x857f, 0x3057f, i32::MAX, i32::MIN] {
            assert_eq!(WaitStatus::from_raw(raw), None, "{raw:#x}");
        }
    }

    #[test]
    fn decodes_what_a_shell_shows() {
        for (code, text) in [
            (0, "exited with status 0"),
            (128, "exited with status 128"),
            (129, "killed by HUP"),
            (139, "killed by SEGV"),
            (192, "killed by RTMAX"),
            (193, "exited with status 193"),
            (255, "exited with status 255"),
            (265, "killed by KILL"),
        ] {
            assert_eq!(
                WaitStatus::from_shell(code).unwrap().to_string(),
                text,
                "{code}"
            );
        }
        for code in [-1, 256, 321, 1000, i32::MAX, i32::MIN] {
            assert_eq!(WaitStatus::from_shell(code), None, "{code}");
        }
        assert_eq!(WaitStatus::Stopped(Signal::TSTP).shell_code(), Some(148));
        assert_eq!(WaitStatus::Continued.shell_code(), None);
    }
}
