//! A process and all below it.
//!
//! Numbers say only where to look. Who is a child is asked of directories that are held: a process whose `stat` names the
//! parent 300 is a child of the process that was opened as 300 before, if that one can still be read afterwards, since until
//! then nobody else had the number. So no stranger is ever in a tree, whoever ends and whoever is born meanwhile. One whose
//! parent ends before that is asked is nobody's any more, and left alone.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;

use super::anchor::is_there;
use crate::procfs::{PidName, Proc, ProcDir, Stat, is_gone, is_refused, read_at};

/// Which number named which as its parent, at the time of one pass over all processes.
pub(super) struct Families {
    all: BTreeSet<i32>,
    children: BTreeMap<i32, Vec<i32>>,
}

impl Families {
    pub(super) fn read(proc: &Proc) -> io::Result<Families> {
        let (mut all, mut children) = (BTreeSet::new(), BTreeMap::<_, Vec<_>>::new());
        let mut text = Vec::with_capacity(4096);
        for pid in proc.pids()? {
            match read_at(proc, PidName::with(pid, c"stat").as_c_str(), &mut text) {
                Ok(()) => {}
                Err(error) if is_gone(&error) || is_refused(&error) => continue,
                Err(error) => return Err(error),
            }
            if let Some(stat) = Stat::parse(&text) {
                all.insert(pid);
                children.entry(stat.ppid).or_default().push(pid);
            }
        }
        Ok(Families { all, children })
    }

    /// Whether any process had the number.
    pub(super) fn has(&self, pid: i32) -> bool {
        self.all.contains(&pid)
    }

    fn children_of(&self, pid: i32) -> &[i32] {
        self.children.get(&pid).map_or(&[], Vec::as_slice)
    }

    /// Gives the root and all below it to `take`, each open. No more are held at a time than have children that have not
    /// been looked at.
    pub(super) fn walk<E: From<io::Error>>(
        &self,
        proc: &Proc,
        root: ProcDir,
        mut take: impl FnMut(ProcDir) -> Result<(), E>,
    ) -> Result<(), E> {
        self.walk_below(proc, &[&root], &mut take)?;
        take(root)
    }

    /// Gives all below these processes to `take`, each once and open, but none of these.
    pub(super) fn walk_below<E: From<io::Error>>(
        &self,
        proc: &Proc,
        roots: &[&ProcDir],
        take: &mut impl FnMut(ProcDir) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut seen: HashSet<i32> = roots.iter().map(|root| root.pid()).collect();
        for root in roots {
            let mut parents = Vec::new();
            self.look_below(proc, root, &mut seen, &mut parents, take)?;
            while let Some(parent) = parents.pop() {
                self.look_below(proc, &parent, &mut seen, &mut parents, take)?;
                take(parent)?;
            }
        }
        Ok(())
    }

    /// Takes the children that have none themselves; the others are put to the parents.
    fn look_below<E: From<io::Error>>(
        &self,
        proc: &Proc,
        parent: &ProcDir,
        seen: &mut HashSet<i32>,
        parents: &mut Vec<ProcDir>,
        take: &mut impl FnMut(ProcDir) -> Result<(), E>,
    ) -> Result<(), E> {
        for &pid in self.children_of(parent.pid()) {
            if seen.contains(&pid) {
                continue;
            }
            let Some(child) = child_of(proc, parent, pid)? else {
                continue;
            };
            seen.insert(pid);
            match self.children_of(pid).is_empty() {
                true => take(child)?,
                false => parents.push(child),
            }
        }
        Ok(())
    }
}

/// Opens process `pid` if it is a child of the one that is held.
fn child_of(proc: &Proc, parent: &ProcDir, pid: i32) -> io::Result<Option<ProcDir>> {
    let read = || -> io::Result<_> {
        let child = proc.dir(pid)?;
        let stat = child.stat()?;
        Ok((child, stat))
    };
    match read() {
        // In this order: the parent is asked after the child.
        Ok((child, stat)) => Ok((stat.ppid == parent.pid() && is_there(parent)).then_some(child)),
        Err(error) if is_gone(&error) || is_refused(&error) => Ok(None),
        Err(error) => Err(error),
    }
}
