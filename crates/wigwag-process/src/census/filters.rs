//! What must hold of a process besides being taken by a target, made ready.

use std::ffi::CStr;
use std::path::Path;
use std::time::Duration;

use super::SelectError;
use super::anchor::Anchor;
use super::name::Name;
use super::rules::{Hierarchy, any, hierarchies};
use super::view::{Answer, View};
use crate::procfs::{Namespace, PidName, Proc, ProcDir, find_group, find_user};
use crate::selector::Filter;

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
    /// The processes by whose numbers it chooses.
    pub(super) fn into_anchors(self) -> impl Iterator<Item = Anchor> {
        let parents = self.parents.unwrap_or_default().into_iter();
        parents.map(|(_, parent)| parent).chain(self.namespaces_of)
    }

    pub(super) fn compile(
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

pub(super) fn given<T>(list: &[T]) -> Option<&[T]> {
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
