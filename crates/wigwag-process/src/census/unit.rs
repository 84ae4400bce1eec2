//! Which systemd unit a process belongs to, by the place of its control group.
//!
//! The rules are systemd's own (`cg_path_get_unit`, `cg_path_get_user_unit`): slices, then the unit; what is below the unit is
//! the unit's own business, be it a container with another systemd in it. Only a user's manager has units of its own below it.

use std::path::{Path, PathBuf};

use crate::procfs::{CgroupPath, Proc};

/// A unit that is looked for.
pub(super) struct Unit {
    name: String,
    /// The group of the machine's or container's systemd, in which its slices are; mostly `/`.
    root: PathBuf,
}

impl Unit {
    pub(super) fn compile(proc: &Proc, unit: &str) -> Unit {
        // Process 1 is in `init.scope` where it is systemd.
        let of_init = proc.dir(1).and_then(|dir| dir.cgroups());
        let root = of_init
            .unwrap_or_default()
            .iter()
            .filter(|group| is_of_systemd(group))
            .find_map(|group| {
                let last = group.path.file_name()?;
                (last == "init.scope").then(|| group.path.parent().map(Path::to_owned))?
            });
        Unit {
            name: unit_name(unit),
            root: root.unwrap_or_else(|| PathBuf::from("/")),
        }
    }

    /// Whether the group is the unit's, or below it.
    pub(super) fn has(&self, group: &CgroupPath) -> bool {
        is_of_systemd(group)
            && group
                .path
                .strip_prefix(&self.root)
                .is_ok_and(|path| is_in(path, &self.name))
    }
}

fn is_of_systemd(group: &CgroupPath) -> bool {
    group.controllers.is_empty() || group.controllers.iter().any(|c| c == "name=systemd")
}

/// Whether the group of this path, from the root of systemd on, is the unit's.
fn is_in(path: &Path, unit: &str) -> bool {
    let parts: Vec<&str> = path
        .iter()
        .map(|part| part.to_str().map_or("", unescape))
        .collect();
    let slices = |from: usize| {
        parts[from..]
            .iter()
            .take_while(|part| part.ends_with(".slice"))
            .count()
    };
    let at = slices(0);
    if parts[..(at + 1).min(parts.len())].contains(&unit) {
        return true;
    }
    // user.slice/user-1000.slice/user@1000.service
    let user = parts
        .get(at)
        .and_then(|part| part.strip_prefix("user@")?.strip_suffix(".service"));
    let is_manager = user.is_some_and(|user| {
        parts[..at] == ["user.slice", &format!("user-{user}.slice")]
            && !user.is_empty()
            && user.bytes().all(|b| b.is_ascii_digit())
    });
    if !is_manager {
        return false;
    }
    let end = at + 1 + slices(at + 1) + 1;
    parts[at + 1..end.min(parts.len())].contains(&unit)
}

/// systemd puts `_` before names that the kernel has for files of its own.
fn unescape(part: &str) -> &str {
    part.strip_prefix('_').unwrap_or(part)
}

/// The unit's name with its kind; a service where none is said.
pub(super) fn unit_name(unit: &str) -> String {
    const KINDS: [&str; 11] = [
        ".service",
        ".scope",
        ".slice",
        ".socket",
        ".mount",
        ".swap",
        ".timer",
        ".target",
        ".path",
        ".device",
        ".automount",
    ];
    if KINDS.iter().any(|kind| unit.ends_with(kind)) {
        unit.to_owned()
    } else {
        format!("{unit}.service")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_where_systemd_has_them() {
        let user = "user.slice/user-1000.slice/user@1000.service";
        for (path, unit) in [
            ("system.slice/nginx.service", "nginx.service"),
            ("system.slice/nginx.service/worker/x", "nginx.service"),
            ("nginx.service", "nginx.service"),
            ("init.scope", "init.scope"),
            (
                "system.slice/system-getty.slice/getty@tty1.service",
                "getty@tty1.service",
            ),
            (
                "system.slice/system-getty.slice/getty@tty1.service",
                "system-getty.slice",
            ),
            ("system.slice/_cpu.service", "cpu.service"),
            (r"system.slice/dev-disk\x2d1.swap", r"dev-disk\x2d1.swap"),
            (
                "machine.slice/machine-a.scope/payload/system.slice/nginx.service",
                "machine-a.scope",
            ),
            (user, "user@1000.service"),
            (
                &format!("{user}/app.slice/app-x.slice/x.service"),
                "x.service",
            ),
            (&format!("{user}/app.slice/x.service"), "app.slice"),
            (&format!("{user}/init.scope"), "init.scope"),
            (
                "user.slice/user-1000.slice/session-2.scope",
                "session-2.scope",
            ),
        ] {
            assert!(is_in(Path::new(path), unit), "{path} {unit}");
        }
        for (path, unit) in [
            (
                "rvtest/docker-abc.scope/system.slice/nginx.service",
                "nginx.service",
            ),
            (
                "docker-abc.scope/system.slice/nginx.service",
                "nginx.service",
            ),
            (
                "system.slice/docker-abc.scope/system.slice/nginx.service",
                "nginx.service",
            ),
            (
                "machine.slice/machine-a.scope/payload/system.slice/nginx.service",
                "nginx.service",
            ),
            ("system.slice/a.service/nginx.service", "nginx.service"),
            ("system.slice/a.service/b.slice", "b.slice"),
            (
                "system.slice/user@1000.service/app.slice/x.service",
                "x.service",
            ),
            (
                "user.slice/user-1001.slice/user@1000.service/app.slice/x.service",
                "x.service",
            ),
            (&format!("{user}/app.slice/a.scope/x.service"), "x.service"),
            (
                "system.slice/system-getty.slice/getty@tty1.service",
                "getty@.service",
            ),
            ("", "nginx.service"),
        ] {
            assert!(!is_in(Path::new(path), unit), "{path} {unit}");
        }
    }

    #[test]
    fn a_name_without_its_kind_is_a_service() {
        assert_eq!(unit_name("getty@tty1"), "getty@tty1.service");
        for whole in ["backup.timer", "a.slice", "home.mount"] {
            assert_eq!(unit_name(whole), whole);
        }
    }
}
