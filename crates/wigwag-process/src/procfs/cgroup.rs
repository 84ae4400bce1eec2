//! Control groups (cgroups(7)): where the hierarchies are mounted, and which groups a process is in.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// One mounted hierarchy of control groups, of version 1 or 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CgroupMount {
    /// Where it is mounted.
    pub point: PathBuf,
    /// Which group is mounted there, as `/proc/PID/cgroup` names it; mostly `/`.
    pub root: PathBuf,
    /// The controllers of version 1 (`cpu,cpuacct`, `name=systemd`); empty for version 2.
    pub controllers: Vec<String>,
}

/// One line of `/proc/PID/cgroup`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CgroupPath {
    /// The hierarchy's controllers of version 1; empty for version 2.
    pub controllers: Vec<String>,
    /// The group, from the root of the hierarchy, as the reader's cgroup namespace has it.
    pub path: PathBuf,
}

impl CgroupPath {
    /// Whether it belongs to the hierarchy mounted there.
    pub fn is_of(&self, mount: &CgroupMount) -> bool {
        if mount.controllers.is_empty() || self.controllers.is_empty() {
            return mount.controllers.is_empty() && self.controllers.is_empty();
        }
        self.controllers
            .iter()
            .any(|c| mount.controllers.contains(c))
    }
}

/// The hierarchies in the text of `/proc/PID/mountinfo` (proc_pid_mountinfo(5)).
///
/// ```
/// use wigwag_process::procfs::cgroup_mounts;
/// let text = b"41 31 0:38 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
/// assert_eq!(cgroup_mounts(text)[0].point.to_str(), Some("/sys/fs/cgroup"));
/// ```
pub fn cgroup_mounts(mountinfo: &[u8]) -> Vec<CgroupMount> {
    mountinfo
        .split(|&b| b == b'\n')
        .filter_map(mount_line)
        .collect()
}

fn mount_line(line: &[u8]) -> Option<CgroupMount> {
    let mut words = line.split(|&b| b == b' ');
    let root = unescape(words.nth(3)?);
    let point = unescape(words.next()?);
    let mut words = words.skip_while(|&w| w != b"-").skip(1);
    let kind = words.next()?;
    let options = words.nth(1)?;
    let controllers = match kind {
        b"cgroup2" => Vec::new(),
        b"cgroup" => options
            .split(|&b| b == b',')
            .filter(|o| {
                !matches!(
                    *o,
                    b"rw" | b"ro" | b"xattr" | b"clone_children" | b"noprefix"
                )
            })
            .filter(|o| !o.starts_with(b"release_agent="))
            .map(|o| String::from_utf8_lossy(o).into_owned())
            .collect(),
        _ => return None,
    };
    Some(CgroupMount {
        point,
        root,
        controllers,
    })
}

/// The groups in the text of `/proc/PID/cgroup` (cgroups(7)); lines of another form are left out.
///
/// ```
/// use wigwag_process::procfs::parse_cgroups;
/// let groups = parse_cgroups(b"4:memory:/job\n0::/system.slice/nginx.service\n");
/// assert_eq!(groups[1].path.to_str(), Some("/system.slice/nginx.service"));
/// ```
pub fn parse_cgroups(text: &[u8]) -> Vec<CgroupPath> {
    let line = |line: &[u8]| {
        let mut parts = line.splitn(3, |&b| b == b':');
        let controllers = parts.nth(1)?;
        let path = parts.next().filter(|p| p.starts_with(b"/"))?;
        // A group that was removed while a zombie is still in it.
        let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
        Some(CgroupPath {
            controllers: controllers
                .split(|&b| b == b',')
                .filter(|c| !c.is_empty())
                .map(|c| String::from_utf8_lossy(c).into_owned())
                .collect(),
            path: Path::new(OsStr::from_bytes(path)).to_owned(),
        })
    };
    text.split(|&b| b == b'\n').filter_map(line).collect()
}

/// Undoes `\040` and the like, which mountinfo writes for blanks.
fn unescape(word: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((&first, tail)) = rest.split_first() {
        let octal = tail
            .get(..3)
            .filter(|_| first == b'\\')
            .and_then(|d| std::str::from_utf8(d).ok())
            .and_then(|d| u8::from_str_radix(d, 8).ok());
        match octal {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[3..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_of_both_versions() {
        let text = b"33 31 0:30 / /sys/fs/cgroup/cpu\\040x rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n\
            40 31 0:37 /../.. /c rw - cgroup cgroup rw,xattr,name=systemd\n1 2 3\n\
            22 27 0:21 / /proc rw,relatime - proc proc rw\n";
        let mounts = cgroup_mounts(text);
        assert_eq!(mounts.len(), 2);
        assert_eq!(mounts[0].point, Path::new("/sys/fs/cgroup/cpu x"));
        assert_eq!(mounts[0].controllers, ["cpu", "cpuacct"]);
        assert_eq!(mounts[1].controllers, ["name=systemd"]);
        let group = &parse_cgroups(b"3:cpuacct,cpu:/a:b (deleted)\nx\n")[0];
        assert!(group.is_of(&mounts[0]) && !group.is_of(&mounts[1]));
        assert_eq!(group.path, Path::new("/a:b"));
    }
}
