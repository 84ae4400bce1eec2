//! The old names, one a file: called through a link of such a name, the command speaks the dialect of the tool of that name.
//!
//! What a tool does to processes it does through an [`Order`](wigwag_process::order::Order), as the verbs do; what it prints, its options and its
//! exit statuses are that tool's. Nothing here uses the verbs' descriptions or their ways of printing.

mod env;
mod ere;
mod getopt;
mod gnu;
mod init;
mod kill;
mod killall;
mod pgrep;
mod timeout;

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::Path;

use rustix::io::{FdFlags, fcntl_setfd};
use wigwag::{Errno, Signal, disposition, exec};

/// How it was called.
#[derive(Debug)]
pub struct Call {
    /// The name, without its folder.
    pub name: String,
    /// The words after it.
    pub words: Vec<OsString>,
}

/// One of the old names.
pub struct Name {
    /// As in a link.
    pub name: &'static str,
    /// The tool whose dialect it speaks, for `wigwag links`.
    pub dialect: &'static str,
    /// Carries it out; the exit status.
    pub run: fn(Call) -> u8,
}

/// All that there are, in alphabetical order.
pub const NAMES: &[Name] = &[
    Name {
        name: "catatonit",
        dialect: "catatonit 0.1.7",
        run: init::catatonit::run,
    },
    Name {
        name: "dumb-init",
        dialect: "dumb-init 1.2.5",
        run: init::dumb_init::run,
    },
    Name {
        name: "env",
        dialect: "GNU coreutils 9.7",
        run: env::run,
    },
    Name {
        name: "kill",
        dialect: "POSIX, util-linux 2.41, and of procps and GNU what does not conflict",
        run: kill::run,
    },
    Name {
        name: "killall",
        dialect: "psmisc 23.7",
        run: killall::run,
    },
    Name {
        name: "pgrep",
        dialect: "procps-ng 4.0.5",
        run: pgrep::run,
    },
    Name {
        name: "pidwait",
        dialect: "procps-ng 4.0.5",
        run: pgrep::run,
    },
    Name {
        name: "pkill",
        dialect: "procps-ng 4.0.5",
        run: pgrep::run,
    },
    Name {
        name: "pwait",
        dialect: "procps-ng 4.0.5, its pidwait",
        run: pgrep::run,
    },
    Name {
        name: "timeout",
        dialect: "GNU coreutils 9.7",
        run: timeout::run,
    },
    Name {
        name: "tini",
        dialect: "tini 0.19.0",
        run: init::tini::run,
    },
];

/// Which of the old names the program was called by.
pub fn called(argv0: Option<&OsStr>) -> Option<&'static Name> {
    let name = Path::new(argv0?).file_name()?;
    NAMES.iter().find(|known| name == known.name)
}

impl Call {
    /// A line on standard error, after the tool's name. Whether it can be written is not asked.
    pub fn complain(&self, text: &str) {
        let _ = writeln!(std::io::stderr(), "{}: {text}", self.name);
    }
}

/// Writes to standard output, as whoever started this program has left it: a reader that has gone away ends it by PIPE, as the
/// tools, unless PIPE was ignored; where it is closed nothing can be written.
pub fn print(bytes: &[u8]) -> Result<(), std::io::Error> {
    if bytes.is_empty() {
        return Ok(());
    }
    let started = exec::as_started();
    if started.closed[1] {
        return Err(Errno::BADF.into());
    }
    if !started.pipe_ignored {
        // As it was before Rust's start; the kernel never refuses.
        let _ = disposition::default(Signal::PIPE);
    }
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Standard descriptors that were closed are to be closed in the program too.
pub fn close_again(closed: [bool; 3]) {
    let fds = [
        rustix::stdio::stdin(),
        rustix::stdio::stdout(),
        rustix::stdio::stderr(),
    ];
    for (fd, _) in fds.iter().zip(closed).filter(|(_, closed)| *closed) {
        // It is open: Rust's start has opened it.
        let _ = fcntl_setfd(fd, FdFlags::CLOEXEC);
    }
}
