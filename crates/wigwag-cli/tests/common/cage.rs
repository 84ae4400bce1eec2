//! Control groups of a test's own, with a freezer, and the puppets in them.

use std::fs;
use std::path::{Path, PathBuf};

use wigwag_testkit::{Deadline, Puppet, Recipe, namespace::unique};

/// One freezer of this machine. When dropped all is thawed, the puppets end, the groups go.
#[derive(Debug)]
pub struct Cage {
    /// `v1` or `v2`.
    pub version: &'static str,
    root: PathBuf,
    /// What the names of all its groups begin with.
    pub name: String,
    groups: Vec<PathBuf>,
    pub puppets: Vec<Puppet>,
}

impl Cage {
    /// One for each freezer in which groups can be made. Says so where there is none.
    pub fn all(test: &str) -> Vec<Cage> {
        let places = [
            ("v1", "/sys/fs/cgroup/freezer", "freezer.state"),
            ("v2", "/sys/fs/cgroup/unified", "cgroup.freeze"),
            ("v2", "/sys/fs/cgroup", "cgroup.freeze"),
        ];
        let cages: Vec<Cage> = places
            .into_iter()
            .filter_map(|(version, root, file)| {
                let mut cage = Cage {
                    version,
                    root: root.into(),
                    name: unique(&format!("{test}-{version}")),
                    groups: Vec::new(),
                    puppets: Vec::new(),
                };
                if !cage.root.join("cgroup.procs").exists() {
                    return None;
                }
                let probe = cage.root.join(format!("{}-probe", cage.name));
                fs::create_dir(&probe).ok()?;
                cage.groups.push(probe.clone());
                probe.join(file).exists().then_some(cage)
            })
            .collect();
        if cages.is_empty() {
            println!("skipped: {test}: no cgroup freezer in which a group can be made");
        }
        cages
    }

    /// Makes a group, by its path from the root of the hierarchy.
    pub fn group(&mut self, path: &str) -> PathBuf {
        let root = self.root.clone();
        self.group_in(&root, path)
    }

    /// The same in another hierarchy.
    pub fn group_in(&mut self, root: &Path, path: &str) -> PathBuf {
        let folder = root.join(path);
        fs::create_dir(&folder).unwrap();
        self.groups.push(folder.clone());
        folder
    }

    /// A puppet in that group; its place among the puppets.
    pub fn puppet(&mut self, group: &Path, recipe: &Recipe) -> usize {
        let puppet = Puppet::spawn(recipe);
        fs::write(group.join("cgroup.procs"), puppet.pid().to_string()).unwrap();
        self.puppets.push(puppet);
        self.puppets.len() - 1
    }

    /// Whether a group is frozen, wholly.
    pub fn is_frozen(&self, group: &Path) -> bool {
        let (file, word) = match self.version {
            "v1" => ("freezer.state", "FROZEN"),
            _ => ("cgroup.events", "frozen 1"),
        };
        fs::read_to_string(group.join(file)).unwrap().contains(word)
    }

    /// Whether a group is, or is about to be, frozen.
    pub fn is_to_freeze(&self, group: &Path) -> bool {
        let (file, word) = match self.version {
            "v1" => ("freezer.state", "THAWED"),
            _ => ("cgroup.freeze", "0"),
        };
        !fs::read_to_string(group.join(file)).unwrap().contains(word)
    }

    pub fn thaw(&self) {
        for group in &self.groups {
            // A group of another hierarchy has no freezer.
            for (file, word) in [("freezer.state", "THAWED"), ("cgroup.freeze", "0")] {
                if group.join(file).exists() {
                    let _ = fs::write(group.join(file), word);
                }
            }
        }
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        self.thaw();
        self.puppets.clear();
        for group in self.groups.iter().rev() {
            // It is busy until the last has left it.
            let removed = || (fs::remove_dir(group).is_ok() || !group.exists()).then_some(());
            if std::thread::panicking() {
                removed();
            } else {
                Deadline::usual().wait_for("the group to be empty", removed);
            }
        }
    }
}
