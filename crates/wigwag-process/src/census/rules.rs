//! A selector made ready: names looked up, expressions compiled, sockets and files found, once before the scan.

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::SelectError;
use super::anchor::Anchor;
use super::file::FileRule;
use super::name::Name;
use super::tree::Families;
use super::unit::Unit;
use super::view::{Answer, Stop, View};
use crate::procfs::{
    CgroupMount, CgroupPath, Namespace, PidName, Proc, ProcDir, cgroup_mounts, find_group,
    find_user,
};
use crate::selector::{Filter, Selector, Target};

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
    fn has(&self, group: &CgroupPath) -> bool {
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
        let parents = self.filters.parents.unwrap_or_default();
        roots
            .chain(parents.into_iter().map(|(_, parent)| parent))
            .chain(self.filters.namespaces_of)
            .collect()
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
            Target::OwnGroup => Rule::Group(rustix::process::getpgrp().as_raw_nonzero().get()),
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
fn any<T>(rules: &[T], mut test: impl FnMut(&T) -> Answer<bool>) -> Answer<bool> {
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
fn hierarchies(proc: &Proc, path: &Path) -> Result<Vec<Hierarchy>, SelectError> {
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

/// [`Filter`], made ready.
pub(super) struct Filters {
    names: Vec<Name>,
    users: Option<Vec<u32>>,
    groups: Option<Vec<u32>>,
    parents: Option<Vec<(i32, Anchor)>>,
    terminals: Option<Vec<i32>>,
    states: Option<Vec<char>>,
    older: Option<Duration>,
    younger: Option<Duration>,
    now: Duration,
    tick: Duration,
    handles: Option<wigwag::Signal>,
    cgroups: Option<Vec<Hierarchy>>,
    variables: Vec<(String, Option<String>)>,
    namespaces: Vec<Vec<(&'static CStr, u64)>>,
    /// Whose they are.
    namespaces_of: Vec<Anchor>,
}

impl Filters {
    fn compile(
        proc: &Proc,
        filter: &Filter,
        parents: Option<Vec<(i32, Anchor)>>,
        known: Option<&[&ProcDir]>,
    ) -> Result<Filters, SelectError> {
        type Find = fn(&str) -> std::io::Result<Option<u32>>;
        let ids = |names: &[String], what, id: Find| {
            let find = |name: &String| match id(name) {
                Ok(found) => found.ok_or_else(|| SelectError::Unknown {
                    what,
                    name: name.clone(),
                }),
                Err(source) => Err(SelectError::Lookup {
                    what,
                    name: name.clone(),
                    source,
                }),
            };
            given(names)
                .map(|names| names.iter().map(find).collect())
                .transpose()
        };
        let name = |word: &String| Name::compile(word, filter.exact, filter.full, filter.regex);
        let mut cgroups = Vec::new();
        for path in &filter.cgroup {
            let found = hierarchies(proc, path)?;
            if found.is_empty() {
                return Err(SelectError::Cgroup(path.display().to_string()));
            }
            cgroups.extend(found);
        }
        let (namespaces, namespaces_of) = namespaces(proc, filter, known)?;
        let age = |age: jiff::SignedDuration| Duration::try_from(age).unwrap_or_default();
        Ok(Filters {
            names: filter.name.iter().map(name).collect::<Result<_, _>>()?,
            users: ids(&filter.user, "user", find_user)?,
            groups: ids(&filter.group_id, "group", find_group)?,
            parents,
            terminals: given(&filter.tty)
                .map(|names| names.iter().map(|name| terminal(name)).collect())
                .transpose()?,
            states: given(&filter.state).map(<[char]>::to_vec),
            older: filter.older.map(age),
            younger: filter.younger.map(age),
            now: proc.uptime(),
            tick: proc.ticks(1),
            handles: filter.handles,
            cgroups: given(&filter.cgroup).map(|_| cgroups),
            variables: filter.env.clone(),
            namespaces,
            namespaces_of,
        })
    }

    /// Whether all hold; the cheapest files first.
    pub(super) fn pass(&self, view: &mut View<'_>) -> Answer<bool> {
        if !self.names.is_empty() && !any(&self.names, |name| name.is_name_of(view))? {
            return Ok(false);
        }
        Ok(self.stat(view)?
            && self.status(view)?
            && self.cgroup(view)?
            && self.namespace(view)?
            && self.environment(view)?)
    }

    fn stat(&self, view: &mut View<'_>) -> Answer<bool> {
        if let Some(parents) = &self.parents {
            let ppid = view.stat()?.ppid;
            if !parents
                .iter()
                .any(|(pid, parent)| *pid == ppid && parent.holds())
            {
                return Ok(false);
            }
        }
        if let Some(terminals) = &self.terminals
            && !terminals.contains(&view.stat()?.tty_nr)
        {
            return Ok(false);
        }
        if let Some(states) = &self.states
            && !states.contains(&view.stat()?.state)
        {
            return Ok(false);
        }
        if self.older.is_none() && self.younger.is_none() {
            return Ok(true);
        }
        let start = view.stat()?.start_ticks;
        let nanos = u64::try_from(self.tick.as_nanos()).unwrap_or(u64::MAX);
        let age = self
            .now
            .saturating_sub(Duration::from_nanos(start.saturating_mul(nanos)));
        Ok(self.older.is_none_or(|limit| age > limit)
            && self.younger.is_none_or(|limit| age < limit))
    }

    fn status(&self, view: &mut View<'_>) -> Answer<bool> {
        if let Some(users) = &self.users
            && !users.contains(&view.status()?.uids[1])
        {
            return Ok(false);
        }
        if let Some(groups) = &self.groups
            && !groups.contains(&view.status()?.gids[1])
        {
            return Ok(false);
        }
        match self.handles {
            Some(signal) => Ok(view.status()?.caught.contains(signal)),
            None => Ok(true),
        }
    }

    fn cgroup(&self, view: &mut View<'_>) -> Answer<bool> {
        let Some(wanted) = &self.cgroups else {
            return Ok(true);
        };
        Ok(view
            .cgroups()?
            .iter()
            .any(|group| wanted.iter().any(|h| h.has(group))))
    }

    fn namespace(&self, view: &mut View<'_>) -> Answer<bool> {
        if self.namespaces.is_empty() {
            return Ok(true);
        }
        any(&self.namespaces, |kinds| {
            for &(leaf, inode) in kinds {
                if view.namespace(leaf)? != Some(inode) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    fn environment(&self, view: &mut View<'_>) -> Answer<bool> {
        if self.variables.is_empty() {
            return Ok(true);
        }
        let environ = view.environ()?;
        Ok(self.variables.iter().all(|(name, value)| {
            environ.split(|&b| b == 0).any(|entry| {
                let rest = entry
                    .strip_prefix(name.as_bytes())
                    .and_then(|r| r.strip_prefix(b"="));
                rest.is_some_and(|rest| value.as_ref().is_none_or(|v| v.as_bytes() == rest))
            })
        }))
    }
}

fn given<T>(list: &[T]) -> Option<&[T]> {
    (!list.is_empty()).then_some(list)
}

/// A terminal's number as the kernel writes it in `stat`; 0 for `none`.
fn terminal(name: &str) -> Result<i32, SelectError> {
    if matches!(name, "none" | "-") {
        return Ok(0);
    }
    let short = name.strip_prefix("/dev/").unwrap_or(name);
    let device = std::fs::metadata(Path::new("/dev").join(short))
        .ok()
        .filter(|meta| {
            use std::os::unix::fs::FileTypeExt;
            meta.file_type().is_char_device()
        });
    let (major, minor) = match (device, short.strip_prefix("pts/")) {
        (Some(meta), _) => {
            use std::os::unix::fs::MetadataExt;
            (
                rustix::fs::major(meta.rdev()),
                rustix::fs::minor(meta.rdev()),
            )
        }
        // One of another mount of devpts: its number is its minor, from 136 on.
        (None, Some(number)) => match number.parse::<u32>() {
            Ok(n) if n < 1 << 20 => (136 + n / 256, n % 256),
            _ => return Err(SelectError::Tty(name.to_owned())),
        },
        (None, None) => return Err(SelectError::Tty(name.to_owned())),
    };
    Ok(((minor & 0xff) | (major << 8) | ((minor & !0xff) << 12)) as i32)
}

/// For each process given its namespaces, and the process itself.
type Namespaces = (Vec<Vec<(&'static CStr, u64)>>, Vec<Anchor>);

fn namespaces(
    proc: &Proc,
    filter: &Filter,
    known: Option<&[&ProcDir]>,
) -> Result<Namespaces, SelectError> {
    let (mut all, mut of) = (Vec::new(), Vec::new());
    for wanted in &filter.ns {
        let failed = |source| SelectError::Namespace {
            pid: wanted.pid,
            source,
        };
        let gone = || failed(rustix::io::Errno::NOENT.into());
        let anchor = Anchor::open(proc, wanted.pid, known).map_err(failed)?;
        let Anchor::Held(dir) = &anchor else {
            return Err(gone());
        };
        let mut kinds = Vec::new();
        for kind in &wanted.kinds {
            match dir.namespace(*kind) {
                Ok(inode) => kinds.push((kind.path(), inode)),
                // A kind that this kernel does not have, as time before Linux 5.6, is no difference.
                Err(_) if !has_kind(proc, *kind) => {}
                Err(source) => return Err(failed(source)),
            }
        }
        all.push(kinds);
        of.push(anchor);
    }
    Ok((all, of))
}

fn has_kind(proc: &Proc, kind: Namespace) -> bool {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let name = PidName::with(own, kind.path());
    rustix::fs::statat(proc, name.as_c_str(), rustix::fs::AtFlags::empty()).is_ok()
}
