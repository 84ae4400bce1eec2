//! What the command may use: setrlimit(2).

use std::io;

use crate::{Run, sys};

/// Limits that are set in the child, before exec.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    cpu: Option<(u64, u64)>,
    file_size: Option<u64>,
}

impl Limits {
    pub(crate) fn of(run: &Run) -> Limits {
        Limits {
            cpu: run.cpu,
            file_size: run.file_size,
        }
    }

    /// System calls only.
    pub(crate) fn set(self) -> io::Result<()> {
        if let Some((soft, hard)) = self.cpu {
            sys::set_limit(libc::RLIMIT_CPU, soft, hard)?;
        }
        if let Some(bytes) = self.file_size {
            sys::set_limit(libc::RLIMIT_FSIZE, bytes, bytes)?;
        }
        Ok(())
    }
}
