//! What must hold of a process besides being a target.

use std::path::PathBuf;
use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use wigwag::Signal;

use super::target::{Target, TargetError};
use crate::procfs::Namespace;

/// Conditions, all of which must hold; of a list any one. A condition that cannot be read (another user's environment) does
/// not hold, and the process is counted as unreadable.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// The command name, exactly, as for [`Target::Name`]; other readings by `exact`, `full` and `regex`.
    pub name: Vec<String>,
    /// With `full` or `regex`: the whole of it must match, not a part.
    pub exact: bool,
    /// `name` is looked for in the whole command line, its arguments joined by blanks: anywhere in it, unless `exact`. Of
    /// kernel threads and zombies, which have none, in the command name.
    pub full: bool,
    /// `name` is a regular expression (the syntax of the `regex` crate), found anywhere in the name unless `exact`.
    pub regex: bool,
    /// The effective user, by name or number.
    pub user: Vec<String>,
    /// The effective group, by name or number.
    pub group_id: Vec<String>,
    /// The parent's number.
    pub parent: Vec<i32>,
    /// The controlling terminal: `pts/3`, `tty1`, `/dev/pts/3`; `none` for processes without one.
    pub tty: Vec<String>,
    /// Started longer ago than this.
    pub older: Option<SignedDuration>,
    /// Started less long ago than this.
    pub younger: Option<SignedDuration>,
    /// Of those that are left only the one started last; of several in the same clock tick the one with the highest number.
    pub newest: bool,
    /// Of those that are left only the one started first; of several in the same clock tick the one with the lowest number.
    pub oldest: bool,
    /// In the control group or below it, as for [`Target::Cgroup`].
    pub cgroup: Vec<PathBuf>,
    /// Variables of the environment it was started with: each must be there, and equal the value where one is given.
    pub env: Vec<(String, Option<String>)>,
    /// In the same namespace as another process.
    pub ns: Vec<NamespaceFilter>,
    /// The state letter: R running, S sleeping, D uninterruptible, T stopped, t traced, Z zombie, I idle.
    pub state: Vec<char>,
    /// Has a handler for the signal.
    pub handles: Option<Signal>,
}

impl Filter {
    /// Whether there is one that does more than narrow a choice.
    pub(super) fn says_whom(&self) -> bool {
        let only_narrows = Filter {
            older: self.older,
            younger: self.younger,
            newest: self.newest,
            oldest: self.oldest,
            ns: self.ns.clone(),
            state: self.state.clone(),
            exact: self.exact,
            full: self.full,
            regex: self.regex,
            ..Filter::default()
        };
        *self != only_narrows
    }

    /// Whether it lets every process pass.
    pub fn is_empty(&self) -> bool {
        let plain = Filter {
            exact: self.exact,
            full: self.full,
            regex: self.regex,
            ..Filter::default()
        };
        *self == plain
    }

    /// Whether it chooses by what a process is at one moment only: its state, its age, being the newest or the oldest.
    pub(crate) fn is_of_the_moment(&self) -> bool {
        self.newest
            || self.oldest
            || self.older.is_some()
            || self.younger.is_some()
            || !self.state.is_empty()
    }
}

/// `PID` (all kinds of namespaces the same as its) or `PID:KIND,...` (those).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceFilter {
    /// The process to compare with.
    pub pid: i32,
    /// What is compared.
    pub kinds: Vec<Namespace>,
}

impl FromStr for NamespaceFilter {
    type Err = String;

    /// ```
    /// use wigwag_process::{procfs::Namespace, selector::NamespaceFilter};
    /// let ns: NamespaceFilter = "1:net,mnt".parse()?;
    /// assert_eq!((ns.pid, ns.kinds), (1, vec![Namespace::Net, Namespace::Mnt]));
    /// # Ok::<(), String>(())
    /// ```
    fn from_str(word: &str) -> Result<NamespaceFilter, String> {
        let (pid, kinds) = match word.split_once(':') {
            Some((pid, kinds)) => (pid, Some(kinds)),
            None => (word, None),
        };
        let pid = match Target::parse(pid) {
            Ok(Target::Pid(pid)) => pid,
            Err(error @ TargetError::OutOfRange(_)) => return Err(error.to_string()),
            _ => {
                return Err(format!(
                    "{pid:?} is no process number: write PID or PID:KIND,..."
                ));
            }
        };
        let kind = |word: &str| {
            let known = Namespace::ALL.into_iter().find(|k| k.name() == word);
            known.ok_or_else(|| {
                let all: Vec<&str> = Namespace::ALL.iter().map(|k| k.name()).collect();
                format!(
                    "{word:?} is no kind of namespace: they are {}",
                    all.join(", ")
                )
            })
        };
        let kinds = match kinds {
            Some(list) => list.split(',').map(kind).collect::<Result<_, _>>()?,
            None => Namespace::ALL.to_vec(),
        };
        Ok(NamespaceFilter { pid, kinds })
    }
}
