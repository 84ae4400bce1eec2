//! The cgroup freezer (cgroups(7)): whether a process is frozen by it, and freezing a group.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::dispositions::Freezer;
use crate::procfs::{CgroupMount, CgroupPath, Proc, ProcDir, cgroup_mounts};

/// The mounted hierarchies, read once: they do not change in the life of a command.
fn mounts(proc: &Proc) -> &'static [CgroupMount] {
    static MOUNTS: OnceLock<Vec<CgroupMount>> = OnceLock::new();
    MOUNTS.get_or_init(|| {
        proc.read(c"self/mountinfo")
            .map(|text| cgroup_mounts(&text))
            .unwrap_or_default()
    })
}

/// Whether the freezer holds the process, and which.
pub(crate) fn state_of(proc: &Proc, dir: &ProcDir) -> Option<Freezer> {
    let mounts = mounts(proc);
    let groups = dir.cgroups().ok()?;
    groups.iter().find_map(|group| {
        let mount = mounts.iter().find(|mount| group.is_of(mount))?;
        let version = match mount.controllers.iter().any(|name| name == "freezer") {
            true => Freezer::V1,
            false if mount.controllers.is_empty() => Freezer::V2,
            false => return None,
        };
        let inside = group.path.strip_prefix(&mount.root).ok()?;
        FreezerGroup {
            path: mount.point.join(inside),
            version,
        }
        .is_frozen()
        .ok()?
        .then_some(version)
    })
}

/// A cgroup that can be frozen as a whole: every process in it and below, also those that are forked meanwhile.
#[derive(Clone, Debug)]
pub struct FreezerGroup {
    path: PathBuf,
    version: Freezer,
}

impl FreezerGroup {
    /// The group at `path` in the file system, if a freezer is there.
    pub fn at(path: &Path) -> Option<FreezerGroup> {
        let version = if path.join("cgroup.freeze").exists() {
            Freezer::V2
        } else if path.join("freezer.state").exists() {
            Freezer::V1
        } else {
            return None;
        };
        Some(FreezerGroup {
            path: path.to_owned(),
            version,
        })
    }

    /// The groups that a target names, read as the census reads it: a whole path to a directory below a mounted hierarchy, else
    /// a path from the root of the hierarchies, of which more than one may have a freezer.
    pub fn named(proc: &Proc, name: &Path) -> Vec<FreezerGroup> {
        let mounts = mounts(proc);
        let directory = fs::canonicalize(name)
            .ok()
            .filter(|found| name.is_absolute() && found.is_dir())
            .filter(|found| mounts.iter().any(|mount| found.starts_with(&mount.point)));
        if let Some(directory) = directory {
            return FreezerGroup::at(&directory).into_iter().collect();
        }
        let path = Path::new("/").join(name);
        let of = |mount: &CgroupMount| {
            let below = path.strip_prefix(&mount.root).ok()?;
            FreezerGroup::at(&mount.point.join(below))
        };
        mounts.iter().filter_map(of).collect()
    }

    /// Whether the process is in the group or below it.
    pub(crate) fn has(&self, proc: &Proc, dir: &ProcDir) -> bool {
        let mounts = mounts(proc);
        let of = |group: &CgroupPath| {
            mounts
                .iter()
                .filter(|mount| group.is_of(mount))
                .filter_map(|mount| {
                    Some(mount.point.join(group.path.strip_prefix(&mount.root).ok()?))
                })
                .any(|directory| directory.starts_with(&self.path))
        };
        dir.cgroups().is_ok_and(|groups| groups.iter().any(of))
    }

    /// Whether it is frozen completely.
    ///
    /// # Errors
    /// What read(2) says, ENODEV where the group has gone.
    pub fn is_frozen(&self) -> io::Result<bool> {
        Ok(match self.version {
            Freezer::V2 => fs::read_to_string(self.path.join("cgroup.events"))?
                .lines()
                .any(|line| line == "frozen 1"),
            Freezer::V1 => fs::read_to_string(self.path.join("freezer.state"))?.trim() == "FROZEN",
        })
    }

    /// Freezes or thaws it and waits until that is complete.
    ///
    /// # Errors
    /// What write(2) says, e.g. EACCES; ETIMEDOUT when it is not complete in time.
    pub fn set(&self, frozen: bool, timeout: Duration) -> io::Result<()> {
        let (file, word) = match (self.version, frozen) {
            (Freezer::V2, true) => ("cgroup.freeze", "1"),
            (Freezer::V2, false) => ("cgroup.freeze", "0"),
            (Freezer::V1, true) => ("freezer.state", "FROZEN"),
            (Freezer::V1, false) => ("freezer.state", "THAWED"),
        };
        fs::write(self.path.join(file), word)?;
        let start = Instant::now();
        while self.is_frozen()? != frozen {
            if start.elapsed() >= timeout {
                return Err(io::ErrorKind::TimedOut.into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}
