//! The processes that a census keeps, each once, and what makes sure that they are processes.

use std::collections::HashMap;

use wigwag::PidFd;

use crate::procfs::ProcDir;

/// Which one alone is kept, by when it was started.
#[derive(Clone, Copy)]
pub(super) enum One {
    Newest,
    Oldest,
}

/// Whether this is surely a process and not one of its threads: a pidfd is not to be had for the others, and where the directory
/// still answers afterwards, it was this one's. It takes less than half of reading `status`, which tells it else.
pub(super) fn leads(dir: &ProcDir) -> bool {
    PidFd::open(dir.pid()).is_ok() && dir.is_there()
}

/// The processes kept so far, each number once.
#[derive(Default)]
pub(super) struct Held {
    pub(super) list: Vec<(usize, u64, ProcDir)>,
    pub(super) index: HashMap<i32, usize>,
}

impl Held {
    /// Where it is kept, if it is.
    pub(super) fn add(
        &mut self,
        dir: ProcDir,
        target: usize,
        start: u64,
        one: Option<One>,
    ) -> Option<usize> {
        let pid = dir.pid();
        if let Some(&at) = self.index.get(&pid) {
            let entry = &mut self.list[at];
            entry.0 = entry.0.min(target);
            return Some(at);
        }
        if let (Some(one), Some(best)) = (one, self.list.first()) {
            let (new, old) = ((start, pid), (best.1, best.2.pid()));
            let better = match one {
                One::Newest => new > old,
                One::Oldest => new < old,
            };
            if !better {
                return None;
            }
            self.list.clear();
            self.index.clear();
        }
        self.index.insert(pid, self.list.len());
        self.list.push((target, start, dir));
        Some(self.list.len() - 1)
    }

    pub(super) fn dir(&self, at: usize) -> &ProcDir {
        &self.list[at].2
    }

    pub(super) fn into_order(mut self) -> Vec<ProcDir> {
        self.list
            .sort_by_key(|(target, _, dir)| (*target, dir.pid()));
        self.list.into_iter().map(|(_, _, dir)| dir).collect()
    }
}
