//! A selector made ready: names looked up, expressions compiled, sockets and files found, once before the scan.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::SelectError;
use super::anchor::Anchor;
use super::file::FileRule;
use super::filters::{Filters, given};
use super::name::Name;
use super::tree::Families;
use super::unit::Unit;
use super::view::{Answer, Stop, View};
use crate::procfs::{CgroupMount, CgroupPath, Proc, ProcDir, cgroup_mounts};
use crate::selector::{Selector, Target};

pub(super) struct Rules {
    /// One for each target.
    pub(super) targets: Vec<Rule>,
    pub(super) filters: Filters,
    /// Where a target is a tree: where to look for its processes.
    pub(super) families: Option<Families>,
}

/// How one target takes a process of the scan.
pub(super) enum Rule {
    /// Not by scanning, or not at all: there is no such file, socket or control group.
    Never,
    Group(i32),
    Session(i32),
    /// Not by scanning: from the root down.
    Tree(Anchor),
    Cgroup(Vec<Hierarchy>),
    Sockets(BTreeSet<u64>),
    File(FileRule),
    Unit(Unit),
    Name(Name),
    Everyone {
        own: i32,
    },
}

/// A control group in the hierarchies that have it.
pub(super) struct Hierarchy {
    mount: Option<CgroupMount>,
    path: PathBuf,
}

impl Hierarchy {
    pub(super) fn has(&self, group: &CgroupPath) -> bool {
        let here = self.mount.as_ref().is_none_or(|mount| group.is_of(mount));
        here && group.path.starts_with(&self.path)
    }
}

impl Rules {
    pub(super) fn compile(
        proc: &Proc,
        selector: &Selector,
        known: Option<&[&ProcDir]>,
    ) -> Result<Rules, SelectError> {
        // Opened first: what is read afterwards and names them by number means these.
        let open = |pid: &i32| Ok::<_, SelectError>((*pid, Anchor::open(proc, *pid, known)?));
        let mut roots = selector
            .targets
            .iter()
            .filter_map(|target| match target {
                Target::Tree(root) => Some(open(root)),
                _ => None,
            })
            .collect::<Result<Vec<_>, _>>()?
            .into_iter();
        let parents = given(&selector.filter.parent)
            .map(|parents| parents.iter().map(open).collect())
            .transpose()?;
        let families = (roots.len() > 0)
            .then(|| Families::read(proc))
            .transpose()?;
        let mut targets = Vec::with_capacity(selector.targets.len());
        for target in &selector.targets {
            targets.push(Rule::compile(proc, target, families.as_ref(), &mut roots)?);
        }
        Ok(Rules {
            targets,
            filters: Filters::compile(proc, &selector.filter, parents, known)?,
            families,
        })
    }

    /// The processes by whose numbers others are named.
    pub(super) fn into_anchors(self) -> Vec<Anchor> {
        let roots = self.targets.into_iter().filter_map(|rule| match rule {
            Rule::Tree(root) => Some(root),
            _ => None,
        });
        roots.chain(self.filters.into_anchors()).collect()
    }

    /// Whether every process must be looked at.
    pub(super) fn must_scan(&self) -> bool {
        let scans = |rule: &Rule| !matches!(rule, Rule::Never | Rule::Tree(_));
        self.targets.is_empty() || self.targets.iter().any(scans)
    }

    /// Whether any target takes it, as far as paths can tell. Filters that read no file that is not read already are
    /// asked too; the others wait until it is held.
    pub(super) fn may_take(&self, view: &mut View<'_>) -> Answer<bool> {
        if self.targets.is_empty() {
            return self.filters.pass(view);
        }
        any(&self.targets, |rule| rule.takes(view))
    }

    /// All targets that take it; whether there are any, or none is given.
    pub(super) fn takers(&self, view: &mut View<'_>, takers: &mut Vec<usize>) -> Answer<bool> {
        let mut unreadable = None;
        for (index, rule) in self.targets.iter().enumerate() {
            match rule.takes(view) {
                Ok(true) => takers.push(index),
                Ok(false) => {}
                Err(Stop::Unreadable(file)) => unreadable = Some(Stop::Unreadable(file)),
                Err(stop) => return Err(stop),
            }
        }
        match unreadable {
            Some(stop) if takers.is_empty() => Err(stop),
            _ => Ok(self.targets.is_empty() || !takers.is_empty()),
        }
    }
}

impl Rule {
    fn compile(
        proc: &Proc,
        target: &Target,
        families: Option<&Families>,
        roots: &mut impl Iterator<Item = (i32, Anchor)>,
    ) -> Result<Rule, SelectError> {
        Ok(match target {
            Target::Pid(_) | Target::Thread(_) => Rule::Never,
            Target::Group(group) => Rule::Group(*group),
            // 0 where it is a group outside of the pid namespace, as of all whose group is: getpgrp(2) of a wrapper refuses that.
            Target::OwnGroup => Rule::Group(proc.own()?.stat()?.pgrp),
            Target::Session(session) => Rule::Session(*session),
            Target::Tree(root) => match roots.next() {
                Some((_, anchor)) if families.is_some_and(|f| f.has(*root)) => Rule::Tree(anchor),
                _ => Rule::Never,
            },
            Target::Cgroup(path) => match hierarchies(proc, path)? {
                groups if groups.is_empty() => Rule::Never,
                groups => Rule::Cgroup(groups),
            },
            Target::Port(port) => {
                let listeners = proc.listeners()?;
                let inodes: BTreeSet<u64> = listeners
                    .iter()
                    .filter(|l| port.is(l.port, l.transport))
                    .map(|l| l.inode)
                    .collect();
                if inodes.is_empty() {
                    Rule::Never
                } else {
                    Rule::Sockets(inodes)
                }
            }
            Target::File(path) => FileRule::compile(proc, path).map_or(Rule::Never, Rule::File),
            Target::Unit(unit) => Rule::Unit(Unit::compile(proc, unit)),
            Target::Name(name) => Rule::Name(Name::Is(name.clone())),
            Target::Everyone => Rule::Everyone {
                own: rustix::process::getpid().as_raw_nonzero().get(),
            },
        })
    }

    /// Whether the root of a tree is still there: what has been read until now was below it.
    pub(super) fn anchor_holds(&self) -> bool {
        match self {
            Rule::Tree(root) => root.holds(),
            _ => true,
        }
    }

    fn takes(&self, view: &mut View<'_>) -> Answer<bool> {
        Ok(match self {
            Rule::Never | Rule::Tree(_) => false,
            Rule::Group(group) => view.stat()?.pgrp == *group,
            Rule::Session(session) => view.stat()?.session == *session,
            Rule::Cgroup(groups) => {
                let of = view.cgroups()?;
                of.iter()
                    .any(|group| groups.iter().any(|hierarchy| hierarchy.has(group)))
            }
            Rule::Sockets(inodes) => has_socket(view, inodes)?,
            Rule::File(file) => file.is_held_by(view)?,
            Rule::Unit(unit) => view.cgroups()?.iter().any(|group| unit.has(group)),
            Rule::Name(name) => name.is_name_of(view)?,
            Rule::Everyone { own } => view.pid() != *own && view.pid() != 1,
        })
    }
}

/// Whether any is true; where none is, whether one could not be answered.
pub(super) fn any<T>(rules: &[T], mut test: impl FnMut(&T) -> Answer<bool>) -> Answer<bool> {
    let mut unreadable = None;
    for rule in rules {
        match test(rule) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(Stop::Unreadable(file)) => unreadable = Some(Stop::Unreadable(file)),
            Err(stop) => return Err(stop),
        }
    }
    unreadable.map_or(Ok(false), Err)
}

/// Whether it has one of the sockets open.
pub(super) fn has_socket(view: &mut View<'_>, inodes: &BTreeSet<u64>) -> Answer<bool> {
    view.any_fd(|dir, name| {
        let mut link = [0u8; 64];
        let len = rustix::fs::readlinkat_raw(dir, name, &mut link)?;
        let inode = link[..len]
            .strip_prefix(b"socket:[")
            .and_then(|rest| rest.strip_suffix(b"]"))
            .and_then(crate::procfs::parse_u64);
        Ok(inode.is_some_and(|inode| inodes.contains(&inode)))
    })
}

/// Where a control group is: below the mount point that a whole path names, or in each hierarchy that has it.
pub(super) fn hierarchies(proc: &Proc, path: &Path) -> Result<Vec<Hierarchy>, SelectError> {
    let mounts = cgroup_mounts(&proc.read(c"self/mountinfo")?);
    let canonical = std::fs::canonicalize(path)
        .ok()
        .filter(|p| path.is_absolute() && p.is_dir());
    if let Some(directory) = canonical {
        let mount = mounts
            .iter()
            .filter(|mount| directory.starts_with(&mount.point))
            .max_by_key(|mount| mount.point.components().count());
        if let Some(mount) = mount {
            let below = directory
                .strip_prefix(&mount.point)
                .unwrap_or(Path::new(""));
            let path = mount.root.join(below);
            return Ok(vec![Hierarchy {
                mount: Some(mount.clone()),
                path,
            }]);
        }
    }
    let path = Path::new("/").join(path);
    let exists = |mount: &&CgroupMount| {
        let below = path.strip_prefix(&mount.root);
        below.is_ok_and(|below| mount.point.join(below).is_dir())
    };
    if mounts.is_empty() {
        // Nothing mounted, as in some containers: the processes' own words must do.
        return Ok(vec![Hierarchy { mount: None, path }]);
    }
    let hierarchy = |mount: &CgroupMount| Hierarchy {
        mount: Some(mount.clone()),
        path: path.clone(),
    };
    Ok(mounts.iter().filter(exists).map(hierarchy).collect())
}
