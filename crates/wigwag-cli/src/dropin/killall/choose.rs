//! Which processes the names mean.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use wigwag_process::procfs::{Namespace, Proc, ProcDir, Stat};

use super::words::Asked;
use crate::dropin::ere::{Ere, Reading};
use crate::dropin::gnu::quote::is_utf8;
use crate::dropin::gnu::words;

/// The kernel keeps this much of a name ...
const CUT: usize = 15;
/// ... and of those of its own threads this much.
const LONG_CUT: usize = 63;

/// One name of the command line, made ready.
enum Name<'a> {
    Plain(&'a [u8]),
    Matches(Ere),
    /// The file that runs: device and inode, and the name itself, in case the file has been replaced.
    File((u64, u64), &'a OsStr),
}

/// Everything that must hold, made ready.
pub struct Choice<'a> {
    asked: &'a Asked,
    names: Vec<Name<'a>>,
    /// The pid namespace; `Some(None)`: one that nobody can be in.
    namespace: Option<Option<u64>>,
    own: i32,
    now: Duration,
}

/// A process that is meant.
pub struct Found {
    pub dir: ProcDir,
    /// Which of the names it has.
    pub index: Option<usize>,
    pub comm: Vec<u8>,
    /// Its name, whole where that is known.
    pub shown: Vec<u8>,
    pub pgrp: i32,
}

impl<'a> Choice<'a> {
    /// The text for standard error where a name makes no sense.
    pub fn new(proc: &Proc, asked: &'a Asked) -> Result<Choice<'a>, Vec<u8>> {
        let names = asked.names.iter().map(|name| {
            let bytes = name.as_bytes();
            if asked.regex {
                let reading = Reading {
                    exact: false,
                    ignore_case: asked.ignore_case,
                    utf8: is_utf8(),
                };
                let wrong = [b"killall: Bad regular expression: ", bytes, b"\n"];
                return Ere::new(bytes, reading)
                    .map(Name::Matches)
                    .map_err(|_| wrong.concat());
            }
            if !bytes.contains(&b'/') {
                return Ok(Name::Plain(bytes));
            }
            use std::os::unix::fs::MetadataExt;
            match std::fs::metadata(name) {
                Ok(meta) => Ok(Name::File((meta.dev(), meta.ino()), name)),
                Err(error) => Err([bytes, b": ", words(&error).as_bytes(), b"\n"].concat()),
            }
        });
        let namespace = asked.ns.map(|pid| {
            let dir = proc.dir(pid);
            dir.and_then(|dir| dir.namespace(Namespace::Pid)).ok()
        });
        Ok(Choice {
            asked,
            names: names.collect::<Result<_, _>>()?,
            namespace,
            own: rustix::process::getpid().as_raw_nonzero().get(),
            now: proc.uptime(),
        })
    }

    /// Opens a process, and holds it if it is meant. Everything is read through what is held. One that cannot be read is not meant.
    pub fn hold(&self, proc: &Proc, pid: i32) -> io::Result<Option<Found>> {
        if pid == self.own {
            return Ok(None);
        }
        match proc.dir(pid).and_then(|dir| self.look(proc, dir)) {
            Err(error) if is_of_machine(&error) => Err(error),
            other => Ok(other.unwrap_or(None)),
        }
    }

    fn look(&self, proc: &Proc, dir: ProcDir) -> io::Result<Option<Found>> {
        if let Some(user) = self.asked.user
            && dir.status()?.uids[0] != user
        {
            return Ok(None);
        }
        if let Some(namespace) = self.namespace
            && namespace != dir.namespace(Namespace::Pid).ok()
        {
            return Ok(None);
        }
        if self.namespace == Some(None) {
            return Ok(None);
        }
        if let Some(context) = &self.asked.context
            && !context.is_match(&dir.security_context()?)
        {
            return Ok(None);
        }
        let stat = dir.stat()?;
        if !self.is_of_age(proc, &stat) {
            return Ok(None);
        }
        let mut comm = stat.comm.as_bytes().to_vec();
        comm.truncate(LONG_CUT);
        let whole = match comm.len() {
            CUT | LONG_CUT => whole_name(&dir, &comm)?,
            _ => None,
        };
        if matches!(comm.len(), CUT | LONG_CUT) && whole.is_none() && self.asked.exact {
            if self.asked.verbose {
                let shown = String::from_utf8_lossy(&comm);
                super::eprint_all(&format!(
                    "killall: skipping partial match {shown}({})\n",
                    dir.pid()
                ));
            }
            return Ok(None);
        }
        let is = |name: &Name<'_>| self.is_name(name, &dir, &comm, whole.as_deref());
        let index = self.names.iter().position(is);
        if index.is_none() && !self.names.is_empty() {
            return Ok(None);
        }
        Ok(Some(Found {
            dir,
            index,
            shown: whole.unwrap_or_else(|| comm.clone()),
            comm,
            pgrp: stat.pgrp,
        }))
    }

    fn is_of_age(&self, proc: &Proc, stat: &Stat) -> bool {
        let age = self.now.saturating_sub(proc.ticks(stat.start_ticks));
        let limit = |seconds: i64| Duration::from_secs(seconds.unsigned_abs());
        let Asked { younger, older, .. } = self.asked;
        younger.is_none_or(|most| age <= limit(most))
            && older.is_none_or(|least| age >= limit(least))
    }

    fn is_name(&self, name: &Name<'_>, dir: &ProcDir, comm: &[u8], whole: Option<&[u8]>) -> bool {
        let same = |a: &[u8], b: &[u8]| match self.asked.ignore_case {
            true => a.eq_ignore_ascii_case(b),
            false => a == b,
        };
        match (name, whole) {
            (Name::Matches(expression), _) => expression.is_match(whole.unwrap_or(comm)),
            (Name::Plain(name), Some(whole)) => same(name, whole),
            // As much as is known of it.
            (Name::Plain(name), None) if matches!(comm.len(), CUT | LONG_CUT) => {
                name.len() >= comm.len() && same(&name[..comm.len()], comm)
            }
            (Name::Plain(name), None) => same(name, comm),
            (Name::File(file, path), _) => match dir.exe_numbers() {
                Ok(found) if found == *file => true,
                Ok(_) => dir.exe().is_ok_and(|exe| exe.as_os_str() == *path),
                Err(_) => false,
            },
        }
    }
}

/// The whole of a name that the kernel has cut: the base name of the first argument that begins with it. A script has its
/// interpreter before it.
fn whole_name(dir: &ProcDir, comm: &[u8]) -> io::Result<Option<Vec<u8>>> {
    for argument in dir.cmdline()? {
        let argument = argument.as_bytes();
        if argument.is_empty() {
            break;
        }
        let base = argument.rsplit(|byte| *byte == b'/').next();
        let base = base.unwrap_or(argument);
        if base.starts_with(comm) {
            return Ok(Some(base.to_vec()));
        }
    }
    Ok(None)
}

/// What has nothing to do with the one process: too many open files, no memory.
fn is_of_machine(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM))
}
