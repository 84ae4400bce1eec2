//! The processes that this one has started besides the command, and those that have become its children.

use std::io;
use std::path::Path;

use wigwag::{PidFd, SignalInfo, WaitStatus, send};
use wigwag_process::census::census;
use wigwag_process::execute::NoObserver;
use wigwag_process::order::{Action, Guards, Ladder, Order};
use wigwag_process::plan::prepare;
use wigwag_process::procfs::Proc;
use wigwag_process::selector::{Selector, Target};

use crate::guardian::Token;
use crate::start::Shell;
use crate::sys::{self, Whose};
use crate::temp;

/// What one was started for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Helper {
    /// A trap's shell command; what is passed on when it has ended.
    Trap {
        then: Option<SignalInfo>,
        of: SignalInfo,
    },
    /// Ends what is to end by a ladder.
    Stopper,
    /// Runs the traps on EXIT, and removes the folder.
    Cleaner,
    /// Watches over this process.
    Guardian,
}

/// The helpers that run.
#[derive(Debug, Default)]
pub(crate) struct Helpers(Vec<(i32, Helper)>);

impl Helpers {
    pub(crate) fn add(&mut self, pid: i32, helper: Helper) {
        self.0.push((pid, helper));
    }

    pub(crate) fn take(&mut self, pid: i32) -> Option<Helper> {
        let at = self.0.iter().position(|(other, _)| *other == pid)?;
        Some(self.0.swap_remove(at).1)
    }

    pub(crate) fn pids(&self) -> Vec<i32> {
        self.0.iter().map(|(pid, _)| *pid).collect()
    }

    pub(crate) fn any(&self, which: impl Fn(&Helper) -> bool) -> bool {
        self.0.iter().any(|(_, helper)| which(helper))
    }

    /// The next news of a helper.
    pub(crate) fn news(&self) -> Option<(i32, WaitStatus)> {
        self.0
            .iter()
            .find_map(|(pid, _)| sys::news(Whose::Child(*pid)))
            .map(|(pid, status, _)| (pid, status))
    }
}

/// The children of a process. `None` where `/proc` is not there, or the kernel was built without `CONFIG_PROC_CHILDREN`.
pub(crate) fn of(parent: i32) -> Option<Vec<i32>> {
    let mut pids = Vec::new();
    for thread in std::fs::read_dir(format!("/proc/{parent}/task")).ok()? {
        let text = std::fs::read_to_string(thread.ok()?.path().join("children")).ok()?;
        pids.extend(
            text.split_whitespace()
                .filter_map(|word| word.parse::<i32>().ok()),
        );
    }
    Some(pids)
}

/// Those that a selector names.
pub(crate) fn selected(selector: &Selector) -> Vec<i32> {
    let found = Proc::open()
        .ok()
        .and_then(|proc| census(&proc, selector).ok());
    let found = found.map(|census| census.found).unwrap_or_default();
    found.iter().map(|process| process.pid()).collect()
}

/// Starts a process that ends these and all below them, by the ladder: the one that this process is goes on with its work meanwhile.
pub(crate) fn stopper(roots: Vec<i32>, ladder: &Ladder) -> io::Result<i32> {
    // Before anybody collects one of them.
    let held: Vec<PidFd> = match Proc::open() {
        Ok(_) => Vec::new(),
        Err(_) => roots
            .iter()
            .filter_map(|pid| PidFd::open(*pid).ok())
            .collect(),
    };
    sys::fork(|| {
        let Ok(proc) = Proc::open() else {
            return end_all(&held, ladder);
        };
        let order = Order {
            whom: trees(roots),
            action: Action::Stop {
                ladder: ladder.clone(),
            },
            guards: guards(),
            watch: None,
        };
        // What it could not end is found by whoever asked for it.
        match prepare(&proc, order) {
            Ok(prepared) => i32::from(prepared.execute(&mut NoObserver).incomplete),
            Err(_) => 1,
        }
    })
}

/// These and all below them.
pub(crate) fn trees(roots: Vec<i32>) -> Selector {
    Selector {
        targets: roots.into_iter().map(Target::Tree).collect(),
        ..Selector::default()
    }
}

/// However many they are, and whoever has ended meanwhile.
pub(crate) fn guards() -> Guards {
    Guards {
        ignore_missing: true,
        max: None,
        ..Guards::default()
    }
}

/// The same without `/proc`: as process 1, where everybody else is of the tree, by kill(2) of everybody; else these alone.
fn end_all(roots: &[PidFd], ladder: &Ladder) -> i32 {
    let everybody = rustix::process::getppid().is_some_and(|pid| pid.as_raw_nonzero().get() == 1);
    for step in &ladder.0 {
        if everybody {
            let _ = send::send_everyone(step.signal);
        } else {
            for root in roots {
                let _ = root.send(step.signal);
            }
        }
        std::thread::sleep(step.wait.unsigned_abs());
    }
    0
}

/// What is to be done when all is over.
#[derive(Clone, Debug)]
pub(crate) struct Cleaning {
    pub(crate) texts: Vec<String>,
    pub(crate) shell: Shell,
}

impl Cleaning {
    pub(crate) fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.shell.folder.is_none()
    }

    /// Starts a process that does it, in a session of its own: keys on the terminal do not end it. Where somebody else has the token, it
    /// does nothing.
    pub(crate) fn start(&self, command: i32, token: &Token) -> io::Result<i32> {
        sys::fork(|| {
            let _ = rustix::process::setsid();
            if !token.take() {
                return 0;
            }
            let mut status = 0;
            for text in &self.texts {
                let shell = self.shell.start(text, None, command);
                let ended = shell.and_then(|mut child| child.wait());
                if !ended.is_ok_and(|ended| ended.success()) {
                    status = 1;
                }
            }
            if let Some((_, folder)) = &self.shell.folder
                && let Err(error) = temp::remove(folder)
            {
                complain(folder, &error);
                status = 1;
            }
            token.finish();
            status
        })
    }
}

fn complain(folder: &Path, error: &io::Error) {
    use std::io::Write;
    let _ = writeln!(
        io::stderr(),
        "wigwag: cannot remove {}: {error}",
        folder.display()
    );
}
