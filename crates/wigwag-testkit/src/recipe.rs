//! What a puppet is to be.

use serde::{Deserialize, Serialize};

/// In which threads the signals of [`Recipe::block`] are blocked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Blocking {
    /// In all of them.
    #[default]
    AllThreads,
    /// In the thread group's leader alone.
    LeaderOnly,
    /// In every thread but the leader.
    WorkersOnly,
}

/// A process to be made. All lists are signal numbers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Recipe {
    /// Its name (`comm`, 15 bytes of it are kept), also its `argv[0]`.
    pub name: Option<String>,
    /// Idle threads beside the leader.
    pub workers: usize,
    /// Ignored. As inherited for the rest: the default.
    pub ignore: Vec<i32>,
    /// Caught by a handler that reports each run.
    pub catch: Vec<i32>,
    /// Blocked where [`Recipe::blocking`] says.
    pub block: Vec<i32>,
    /// Where `block` is in force.
    pub blocking: Blocking,
    /// Taken by a signalfd with a thread that reads it and reports; blocked in all threads.
    pub signalfd: Vec<i32>,
    /// In a signalfd that nobody reads; blocked in all threads.
    pub unread_signalfd: Vec<i32>,
    /// Waited for by a thread in `sigwaitinfo` that reports; blocked in all threads.
    pub sigwait: Vec<i32>,
    /// That thread waits once only, also where the wait is interrupted, and idles then.
    pub sigwait_once: bool,
    /// The leader exits once the others run: `/proc/PID/stat` shows a zombie with living threads.
    pub leader_exits: bool,
    /// A session of its own, so that its group is an orphaned one.
    pub orphaned: bool,
    /// Joins this process group, of the test's session, instead of leading one of its own.
    pub group: Option<i32>,
    /// May dump core (RLIMIT_CORE unlimited); otherwise the limit is 0.
    pub cores: bool,
    /// Its working directory.
    pub directory: Option<String>,
    /// Its root directory (needs root).
    pub root: Option<String>,
    /// Seize this process with ptrace, and leave it in every signal-delivery-stop, reported.
    pub trace: Option<i32>,
    /// Trace by PTRACE_ATTACH instead, as older debuggers do.
    pub attach: bool,
    /// Children of its own, made to the same recipe, that only sleep. They alone bear the name.
    pub brood: usize,
    /// Each of the brood is a child of the one before it, not all of this process.
    pub deep: bool,
    /// It is the init of a pid namespace of its own (with a `/proc` of its own).
    pub namespace_init: bool,
    /// The user it becomes at the end.
    pub user: Option<u32>,
}

impl Recipe {
    /// A process of that name with everything at its default.
    #[must_use]
    pub fn named(name: &str) -> Recipe {
        Recipe {
            name: Some(name.to_owned()),
            ..Recipe::default()
        }
    }
}
