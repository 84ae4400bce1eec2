//! What keeps a census from being taken.

use std::io;

/// Why there is no census at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelectError {
    /// `/proc` cannot be listed, or the machine is out of something.
    #[error("cannot look at processes: {0}")]
    Io(#[from] io::Error),
    /// More processes are found than files may be open.
    #[error(
        "{found} processes are found, and no more can be held, since this process may have {limit} files open: \
         choose fewer, or raise the limit (ulimit -n)"
    )]
    Descriptors {
        /// How many were held when the limit was reached.
        found: usize,
        /// RLIMIT_NOFILE's soft limit.
        limit: u64,
    },
    /// A regular expression that is none.
    #[error("{pattern:?} is no regular expression: {reason}")]
    Regex {
        /// As given.
        pattern: String,
        /// The parser's words.
        reason: String,
    },
    /// A user or group that does not exist.
    #[error("no {what} named {name:?}")]
    Unknown {
        /// `user` or `group`.
        what: &'static str,
        /// As given.
        name: String,
    },
    /// Whether there is such a user or group cannot be found out.
    #[error("cannot find out whether there is a {what} named {name:?}: {source}")]
    Lookup {
        /// `user` or `group`.
        what: &'static str,
        /// As given.
        name: String,
        /// Mostly that getent(1) takes too long.
        source: io::Error,
    },
    /// A terminal that does not exist.
    #[error("no terminal {0:?}: write it as pts/3, tty1, or none")]
    Tty(String),
    /// A control group that does not exist, in a filter.
    #[error("no control group {0:?} in any mounted hierarchy")]
    Cgroup(String),
    /// The process whose namespaces are to be compared cannot be read.
    #[error("cannot read the namespaces of process {pid}: {source}")]
    Namespace {
        /// Which process.
        pid: i32,
        /// ENOENT when it does not exist, EACCES without ptrace access to it.
        source: io::Error,
    },
    /// `newest` and `oldest` at once.
    #[error("newest and oldest exclude one another")]
    NewestOldest,
}
