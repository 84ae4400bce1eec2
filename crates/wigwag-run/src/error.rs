//! Why a command could not be run.

use std::io;

/// Why a command could not be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No word to run.
    #[error("no command to run")]
    Empty,
    /// Two wishes that cannot both be.
    #[error("{0}")]
    Conflict(String),
    /// There is no such program.
    #[error("cannot run {program}: {error}")]
    NotFound {
        /// As it was named.
        program: String,
        /// ENOENT.
        error: io::Error,
    },
    /// It is there, and cannot be executed.
    #[error("cannot run {program}: {error}")]
    NotExecutable {
        /// As it was named.
        program: String,
        /// EACCES, ENOEXEC or what execve(2) says.
        error: io::Error,
    },
    /// A system call failed.
    #[error("cannot {what}: {error}")]
    System {
        /// What was tried.
        what: String,
        /// Why not.
        error: io::Error,
    },
}

impl Error {
    /// The exit status that says so, as shells and env(1) have it: 125 for what is not the command's fault, 126 not executable, 127 not
    /// found.
    ///
    /// ```
    /// assert_eq!(wigwag_run::Error::Empty.code(), 125);
    /// ```
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Error::NotFound { .. } => 127,
            Error::NotExecutable { .. } => 126,
            Error::Empty | Error::Conflict(_) | Error::System { .. } => 125,
        }
    }

    pub(crate) fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
        let what = what.into();
        move |error| Error::System { what, error }
    }
}

impl From<wigwag::Error> for Error {
    fn from(error: wigwag::Error) -> Error {
        Error::System {
            what: "own the command's signals".into(),
            error: error.into(),
        }
    }
}
