//! Which processes are meant: targets, any of which may take a process, and filters, all of which must.
//!
//! Both are plain data that can be written to a plan and read back. [`crate::census::census`] finds the processes.

mod filter;
mod port;
mod target;

pub use filter::{Filter, NamespaceFilter};
pub use port::Port;
pub(crate) use target::KINDS;
pub use target::{Target, TargetError};

use serde::{Deserialize, Serialize};

/// A choice of processes: those that any target takes (all, where no target is given) and that pass every filter.
///
/// ```
/// use wigwag_process::selector::{Filter, Selector, Target};
/// let selector = Selector {
///     targets: vec![Target::parse("nginx")?],
///     filter: Filter { user: vec!["www-data".to_owned()], ..Filter::default() },
/// };
/// assert!(!selector.is_empty());
/// # Ok::<(), wigwag_process::selector::TargetError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selector {
    /// Whom; a process is taken by any of them.
    pub targets: Vec<Target>,
    /// What must hold of it besides.
    pub filter: Filter,
}

impl Selector {
    /// Whether it says nothing at all, and so would take every process.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty() && self.filter.is_empty()
    }

    /// Whether it says whom: by a target, or by a filter that says what the processes are or belong to. Age, state, namespaces,
    /// newest and oldest only narrow such a choice, and alone would be about the whole machine: no order is carried out for them.
    ///
    /// ```
    /// use wigwag_process::selector::{Filter, Selector};
    /// let mut selector = Selector {
    ///     filter: Filter { state: vec!['T'], newest: true, ..Filter::default() },
    ///     ..Selector::default()
    /// };
    /// assert!(!selector.says_whom());
    /// selector.filter.user.push("www-data".to_owned());
    /// assert!(selector.says_whom());
    /// ```
    pub fn says_whom(&self) -> bool {
        !self.targets.is_empty() || self.filter.says_whom()
    }
}

impl Selector {
    /// Whether a process or a thread is named by its number.
    pub(crate) fn names_one(&self) -> bool {
        self.targets.iter().any(Target::is_number)
    }
}

impl From<Target> for Selector {
    fn from(target: Target) -> Selector {
        Selector {
            targets: vec![target],
            filter: Filter::default(),
        }
    }
}
