//! Who is meant.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::time::Duration;

use wigwag::Signal;
use wigwag_process::census::{Answer, Stop, View};
use wigwag_process::procfs::{Namespace, Proc};

use super::text;
use crate::dropin::ere::{Ere, Reading};

/// What was asked for. All of it must hold; of a list any one.
pub(super) struct Criteria {
    pub(super) pattern: Option<Vec<u8>>,
    pub(super) full: bool,
    pub(super) exact: bool,
    pub(super) ignore_case: bool,
    /// Those of whom not all holds.
    pub(super) inverse: bool,
    /// Whether those that have started this one may be meant.
    pub(super) ancestors: bool,
    pub(super) pids: Option<Vec<i64>>,
    pub(super) parents: Option<Vec<i64>>,
    pub(super) groups: Option<Vec<i64>>,
    pub(super) sessions: Option<Vec<i64>>,
    pub(super) effective_users: Option<Vec<i64>>,
    pub(super) real_users: Option<Vec<i64>>,
    pub(super) real_groups: Option<Vec<i64>>,
    /// The numbers of terminals, as `stat` has them; `None` for one that there is not.
    pub(super) terminals: Option<Vec<Option<i32>>>,
    pub(super) states: Option<Vec<u8>>,
    pub(super) cgroups: Option<Vec<Vec<u8>>>,
    pub(super) environment: Option<Vec<Vec<u8>>>,
    pub(super) namespaces_of: Option<i32>,
    pub(super) kinds: Vec<Namespace>,
    /// Seconds; 0 for any age.
    pub(super) older: i32,
    pub(super) handler: bool,
    pub(super) signal: i32,
}

impl Default for Criteria {
    fn default() -> Criteria {
        use Namespace::{Ipc, Mnt, Net, Pid, User, Uts};
        Criteria {
            pattern: None,
            full: false,
            exact: false,
            ignore_case: false,
            inverse: false,
            ancestors: true,
            pids: None,
            parents: None,
            groups: None,
            sessions: None,
            effective_users: None,
            real_users: None,
            real_groups: None,
            terminals: None,
            states: None,
            cgroups: None,
            environment: None,
            namespaces_of: None,
            kinds: vec![Ipc, Mnt, Net, Pid, User, Uts],
            older: 0,
            handler: false,
            signal: 0,
        }
    }
}

/// Criteria made ready.
pub(super) struct Rules<'a> {
    criteria: &'a Criteria,
    proc: &'a Proc,
    pub(super) pattern: Option<Ere>,
    pub(super) utf8: bool,
    /// Oneself, and those that have started this one where they are not meant.
    left_out: Vec<i32>,
    /// The namespaces to be in, where `namespaces_of` was there to be asked.
    namespaces: Option<Vec<(Namespace, u64)>>,
    now: Duration,
}

impl<'a> Rules<'a> {
    pub(super) fn new(proc: &'a Proc, criteria: &'a Criteria) -> Result<Rules<'a>, super::End> {
        let utf8 = text::is_utf8();
        let reading = Reading {
            exact: criteria.exact,
            ignore_case: criteria.ignore_case,
            utf8,
        };
        let compiled = criteria
            .pattern
            .as_ref()
            .map(|pattern| Ere::new(pattern, reading));
        let pattern = compiled
            .transpose()
            .map_err(|wrong| super::End::usage(format!("regex error: {wrong}")))?;
        Ok(Rules {
            criteria,
            proc,
            pattern,
            utf8,
            left_out: left_out(proc, criteria.ancestors),
            namespaces: criteria
                .namespaces_of
                .and_then(|pid| namespaces(proc, pid, &criteria.kinds)),
            now: proc.uptime(),
        })
    }

    /// Whether it is meant, as far as it may be read. What may not be read does not hold.
    pub(super) fn mean(&self, process: i32, view: &mut View<'_>) -> Answer<bool> {
        if self.left_out.contains(&view.pid()) {
            return Ok(false);
        }
        let holds = match self.hold(process, view) {
            Err(Stop::Unreadable(_)) => false,
            other => other?,
        };
        Ok(holds != self.criteria.inverse)
    }

    /// Whether all holds of it; the files that are read anyway come first, the dear ones last.
    fn hold(&self, process: i32, view: &mut View<'_>) -> Answer<bool> {
        let criteria = self.criteria;
        let full = criteria.full;
        Ok(has(&criteria.pids, process)
            && self.stat(view)?
            && (full || self.name(view)?)
            && self.status(view)?
            && (!full || self.command_line(view)?)
            && self.cgroup(view)?
            && self.namespace(view)?
            && self.environment(view)?)
    }

    fn stat(&self, view: &mut View<'_>) -> Answer<bool> {
        let criteria = self.criteria;
        let asked = criteria.parents.is_some()
            || criteria.groups.is_some()
            || criteria.sessions.is_some()
            || criteria.terminals.is_some()
            || criteria.states.is_some()
            || criteria.older != 0;
        if !asked {
            return Ok(true);
        }
        let stat = view.stat()?;
        let terminal = |known: &Vec<Option<i32>>| known.contains(&Some(stat.tty_nr));
        let state = |known: &Vec<u8>| known.iter().any(|b| char::from(*b) == stat.state);
        let age = self
            .now
            .saturating_sub(self.proc.ticks(stat.start_ticks))
            .as_secs();
        let old = criteria.older <= 0 || age >= u64::from(criteria.older.unsigned_abs());
        Ok(has(&criteria.parents, stat.ppid)
            && has(&criteria.groups, stat.pgrp)
            && has(&criteria.sessions, stat.session)
            && criteria.terminals.as_ref().is_none_or(terminal)
            && criteria.states.as_ref().is_none_or(state)
            && old)
    }

    fn name(&self, view: &mut View<'_>) -> Answer<bool> {
        let Some(pattern) = &self.pattern else {
            return Ok(true);
        };
        let comm = view.comm()?;
        // Most names have nothing that cannot be shown.
        if comm.iter().all(|b| (b' '..=b'~').contains(b)) {
            return Ok(pattern.is_match(comm));
        }
        Ok(pattern.is_match(&text::name(comm, self.utf8)))
    }

    fn command_line(&self, view: &mut View<'_>) -> Answer<bool> {
        match &self.pattern {
            Some(pattern) => Ok(pattern.is_match(&text::command_line(view, self.utf8)?)),
            None => Ok(true),
        }
    }

    fn status(&self, view: &mut View<'_>) -> Answer<bool> {
        let criteria = self.criteria;
        let asked = criteria.effective_users.is_some()
            || criteria.real_users.is_some()
            || criteria.real_groups.is_some()
            || criteria.handler;
        if !asked {
            return Ok(true);
        }
        let status = view.status()?;
        let signal = Signal::from_kernel(criteria.signal);
        let handled = signal.is_some_and(|signal| status.caught.contains(signal));
        Ok(has(&criteria.effective_users, status.uids[1])
            && has(&criteria.real_users, status.uids[0])
            && has(&criteria.real_groups, status.gids[0])
            && (!criteria.handler || handled))
    }

    /// In the very group, of version 2.
    fn cgroup(&self, view: &mut View<'_>) -> Answer<bool> {
        let Some(wanted) = &self.criteria.cgroups else {
            return Ok(true);
        };
        let is = |path: &Path| {
            wanted
                .iter()
                .any(|name| Path::new(OsStr::from_bytes(name)) == path)
        };
        let mut groups = view.cgroups()?.iter();
        Ok(groups.any(|group| group.controllers.is_empty() && is(&group.path)))
    }

    fn namespace(&self, view: &mut View<'_>) -> Answer<bool> {
        if self.criteria.namespaces_of.is_none() {
            return Ok(true);
        }
        let Some(wanted) = &self.namespaces else {
            return Ok(false);
        };
        for (kind, inode) in wanted {
            if view.namespace_of(*kind)? != Some(*inode) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn environment(&self, view: &mut View<'_>) -> Answer<bool> {
        let Some(wanted) = &self.criteria.environment else {
            return Ok(true);
        };
        let environ = view.environ()?;
        Ok(environ.split(|b| *b == 0).any(|entry| {
            wanted.iter().any(|wanted| match wanted.contains(&b'=') {
                true => entry == wanted.as_slice(),
                false => entry
                    .strip_prefix(wanted.as_slice())
                    .is_some_and(|rest| rest.starts_with(b"=")),
            })
        }))
    }
}

fn has(list: &Option<Vec<i64>>, number: impl Into<i64>) -> bool {
    let number = number.into();
    list.as_ref().is_none_or(|list| list.contains(&number))
}

fn left_out(proc: &Proc, ancestors: bool) -> Vec<i32> {
    let mut pid = rustix::process::getpid().as_raw_nonzero().get();
    let mut found = vec![pid];
    while !ancestors && pid > 0 {
        let stat = proc.dir(pid).and_then(|dir| dir.stat());
        pid = stat.map_or(0, |stat| stat.ppid);
        match found.contains(&pid) {
            true => break,
            false => found.push(pid),
        }
    }
    found
}

fn namespaces(proc: &Proc, pid: i32, kinds: &[Namespace]) -> Option<Vec<(Namespace, u64)>> {
    let dir = proc.dir(pid).ok()?;
    let found = kinds
        .iter()
        .map(|kind| Some((*kind, dir.namespace(*kind).ok()?)));
    found.collect()
}

/// The number of a terminal, as `stat` has it, by its name below `/dev`; 0 for `?`, which is none.
pub(super) fn terminal(name: &[u8]) -> Option<i32> {
    if name == b"?" {
        return Some(0);
    }
    if name.is_empty() || name.starts_with(b"/") {
        return None;
    }
    let found = std::fs::metadata(Path::new("/dev").join(OsStr::from_bytes(name))).ok();
    let (major, minor) = match found.filter(|meta| meta.file_type().is_char_device()) {
        Some(meta) => (
            rustix::fs::major(meta.rdev()),
            rustix::fs::minor(meta.rdev()),
        ),
        // One of another mount of devpts.
        None => {
            let number: u32 = std::str::from_utf8(name.strip_prefix(b"pts/")?)
                .ok()?
                .parse()
                .ok()?;
            (136 + (number >> 8 & 0xfff), number & 0xff)
        }
    };
    Some(((minor & 0xff) | (major << 8) | ((minor & !0xff) << 12)) as i32)
}
