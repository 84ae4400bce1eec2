//! `/proc/PID/limits` (proc_pid_limits(5)).

use super::numbers::parse_u64;

/// One resource limit; `None` is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limit {
    /// The limit in force.
    pub soft: Option<u64>,
    /// How far the process may raise it.
    pub hard: Option<u64>,
}

/// The resource limits of a process that bear on signals (getrlimit(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Limits {
    /// RLIMIT_CORE in bytes: 0 means that no core is written.
    pub core: Limit,
    /// RLIMIT_SIGPENDING: signals queued for the user.
    pub sigpending: Limit,
    /// RLIMIT_NOFILE: open files.
    pub nofile: Limit,
    /// RLIMIT_CPU in seconds: SIGXCPU at the soft limit.
    pub cpu: Limit,
    /// RLIMIT_FSIZE in bytes: SIGXFSZ at the soft limit.
    pub fsize: Limit,
}

impl Limits {
    /// Reads the file's text; `None` where one of the lines is missing.
    pub fn parse(text: &[u8]) -> Option<Limits> {
        let line = |name: &[u8]| {
            let rest = text
                .split(|&b| b == b'\n')
                .find_map(|line| line.strip_prefix(name))?;
            let mut words = rest
                .split(|b| b.is_ascii_whitespace())
                .filter(|w| !w.is_empty());
            let mut value = || match words.next()? {
                b"unlimited" => Some(None),
                word => parse_u64(word).map(Some),
            };
            Some(Limit {
                soft: value()?,
                hard: value()?,
            })
        };
        Some(Limits {
            core: line(b"Max core file size")?,
            sigpending: line(b"Max pending signals")?,
            nofile: line(b"Max open files")?,
            cpu: line(b"Max cpu time")?,
            fsize: line(b"Max file size")?,
        })
    }
}
