//! Why a target means no process.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::nearest::nearest_of;
use super::rules::{Rule, Rules};
use super::unit::unit_name;
use super::{Census, Hit};
use crate::procfs::Proc;
use crate::selector::{Selector, Target};

/// A target that no process has passed for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// The target.
    pub target: Target,
    /// Why.
    pub why: Why,
    /// What may have been meant: the name of a running process, of a signal, or a target of another kind.
    pub nearest: Option<String>,
}

/// Why no process has passed for a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Why {
    /// No process has the number.
    NoProcess,
    /// The process exists, but this `/proc` does not show it (mount option `hidepid`, proc(5)).
    Hidden,
    /// The number is of a thread, which is not its process's first.
    Thread {
        /// The process.
        pid: i32,
        /// Its command name.
        comm: String,
    },
    /// No thread has the number.
    NoThread,
    /// Nobody is in the process group.
    NoGroup,
    /// Nobody is in the session.
    NoSession,
    /// No process has the name.
    NoName,
    /// Nobody listens on the port.
    NoListener,
    /// There is no such control group.
    NoCgroup,
    /// The control group has no processes.
    EmptyCgroup,
    /// The file cannot be looked at.
    NoFile {
        /// In the kernel's words, as `No such file or directory`.
        error: String,
    },
    /// Nobody holds the file open.
    Unheld,
    /// No process is in a control group of that unit.
    NoUnit,
    /// There is nobody else.
    Nobody,
    /// Somebody listens or holds the file, or may, but too many processes may not be read to know who.
    Unseen {
        /// How many may not be read.
        unreadable: usize,
    },
    /// It ended while it was looked at, and others may have its number: nobody can say which of the two is meant.
    Replaced,
    /// Only the caller, or who has started him, is meant: where no number says so, they are left out.
    LeftOut,
    /// Processes were found, and none passes the filters.
    Filtered {
        /// How many were found.
        found: usize,
    },
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason(f)?;
        match &self.nearest {
            // The word is a signal's name, among words that are targets.
            Some(near) if self.is_signal(near) => write!(
                f,
                "; the signal is given as -s {near}, to send, reload and show"
            ),
            Some(near) => write!(f, "; did you mean {near}?"),
            None => match &self.target {
                Target::Name(word) => match word.parse::<wigwag::Signal>() {
                    Err(error @ wigwag::InvalidSignal::OutOfRealtime(_)) => write!(f, "; {error}"),
                    _ => Ok(()),
                },
                _ => Ok(()),
            },
        }
    }
}

impl Missing {
    fn is_signal(&self, name: &str) -> bool {
        match &self.target {
            Target::Name(word) => word
                .parse::<wigwag::Signal>()
                .is_ok_and(|signal| signal.name() == name),
            _ => false,
        }
    }

    fn reason(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = &self.target;
        match &self.why {
            Why::NoProcess => match target {
                Target::Tree(pid) => write!(f, "no process {pid}"),
                other => write!(f, "no process {other}"),
            },
            Why::Hidden => write!(
                f,
                "process {target} exists, but this /proc hides it (hidepid)"
            ),
            Why::Thread { pid, comm } => write!(
                f,
                "{target} is a thread of process {pid} ({comm}): name the process, or write tid:{}",
                match target {
                    Target::Pid(n) | Target::Tree(n) => *n,
                    _ => *pid,
                }
            ),
            Why::NoThread => match target {
                Target::Thread(tid) => write!(f, "no thread {tid}"),
                other => write!(f, "no thread {other}"),
            },
            Why::NoGroup => match target {
                Target::Group(group) => write!(f, "no process group {group}"),
                other => write!(f, "no process for {other}"),
            },
            Why::NoSession => match target {
                Target::Session(session) => write!(f, "no session {session}"),
                other => write!(f, "no process for {other}"),
            },
            Why::NoName => match target {
                Target::Name(name) => write!(f, "no process named {name}"),
                other => write!(f, "no process named {other}"),
            },
            Why::NoListener => match target {
                Target::Port(port) => write!(f, "nothing listens on port {port}"),
                other => write!(f, "nothing listens on {other}"),
            },
            Why::NoCgroup => write!(f, "no control group {}", path(target)),
            Why::EmptyCgroup => write!(f, "no process is in the control group {}", path(target)),
            Why::NoFile { error } => write!(f, "{}: {error}", path(target)),
            Why::Unheld => write!(f, "no process holds {} open", path(target)),
            Why::NoUnit => match target {
                Target::Unit(unit) => write!(f, "no process of the unit {}", unit_name(unit)),
                other => write!(f, "no process of {other}"),
            },
            Why::Replaced => write!(
                f,
                "{target} ended while it was looked at, and others may have its number by now: ask again"
            ),
            Why::LeftOut => write!(
                f,
                "only wigwag itself or what has started it is meant by {target}, and left out (--allow self, --allow ancestors)"
            ),
            Why::Nobody => write!(f, "no process for {target}"),
            Why::Unseen { unreadable: 0 } => {
                write!(
                    f,
                    "who is meant by {target} cannot be seen: it is outside of this pid namespace"
                )
            }
            Why::Unseen { unreadable } => write!(
                f,
                "who is meant by {target} cannot be seen: {} may not be read (try as root)",
                processes(*unreadable)
            ),
            Why::Filtered { found } => {
                let verb = if *found == 1 { "does" } else { "do" };
                write!(
                    f,
                    "{} found for {target} {verb} not pass the filters",
                    processes(*found)
                )
            }
        }
    }
}

/// So many, in words.
pub(crate) fn processes(n: usize) -> String {
    if n == 1 {
        "1 process".to_owned()
    } else {
        format!("{n} processes")
    }
}

fn path(target: &Target) -> String {
    match target {
        Target::Cgroup(path) | Target::File(path) => path.display().to_string(),
        other => other.to_string(),
    }
}

/// Of a number below which `/proc` shows nothing: whether the kernel knows it.
pub(super) fn absent(pid: i32) -> Why {
    let known = rustix::process::Pid::from_raw(pid).map(rustix::process::test_kill_process);
    match known {
        Some(Ok(()) | Err(rustix::io::Errno::PERM)) => Why::Hidden,
        _ => Why::NoProcess,
    }
}

/// Of a number that is a thread's.
pub(super) fn thread_of(proc: &Proc, tgid: i32) -> Why {
    let comm = proc
        .dir(tgid)
        .and_then(|dir| dir.comm())
        .unwrap_or_default();
    Why::Thread {
        pid: tgid,
        comm: comm.to_string_lossy().into_owned(),
    }
}

/// Fills in what is missing, once all is known.
pub(super) fn explain(
    proc: &Proc,
    selector: &Selector,
    rules: &Rules,
    hits: &[Hit],
    names: &HashSet<Vec<u8>>,
    census: &mut Census,
) {
    for (index, target) in selector.targets.iter().enumerate() {
        let hit = &hits[index];
        if hit.passed > 0 && !hit.replaced {
            continue;
        }
        let why = match (&hit.why, hit.taken) {
            _ if hit.replaced => Why::Replaced,
            (Some(why), _) => why.clone(),
            (None, 0) => reason(proc, target, &rules.targets[index], census.unreadable),
            (None, found) => Why::Filtered { found },
        };
        let nearest = match (&why, target) {
            (Why::NoName, Target::Name(name)) => nearest_of(name, names),
            _ => None,
        };
        census.missing.push(Missing {
            target: target.clone(),
            why,
            nearest,
        });
    }
}

fn reason(proc: &Proc, target: &Target, rule: &Rule, unreadable: usize) -> Why {
    let known = !matches!(rule, Rule::Never);
    match target {
        // Ended while it was looked at.
        Target::Pid(_) => Why::NoProcess,
        Target::Thread(_) => Why::NoThread,
        Target::Tree(root) => match proc.dir(*root).and_then(|dir| dir.status()) {
            Ok(status) if status.tgid != status.pid => thread_of(proc, status.tgid),
            _ => absent(*root),
        },
        Target::Group(_) => Why::NoGroup,
        Target::Session(_) => Why::NoSession,
        Target::Name(_) => Why::NoName,
        Target::Port(_) if known => Why::Unseen { unreadable },
        Target::Port(_) => Why::NoListener,
        Target::Cgroup(_) if known => Why::EmptyCgroup,
        Target::Cgroup(_) => Why::NoCgroup,
        Target::File(_) if known && unreadable > 0 => Why::Unseen { unreadable },
        Target::File(_) if known => Why::Unheld,
        Target::File(path) => no_file(path),
        Target::Unit(_) => Why::NoUnit,
        Target::OwnGroup | Target::Everyone => Why::Nobody,
    }
}

fn no_file(path: &Path) -> Why {
    let error = match std::fs::metadata(path) {
        Ok(_) => io::ErrorKind::NotFound.into(),
        Err(error) => error,
    };
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    Why::NoFile {
        error: words.to_owned(),
    }
}
