//! Who holds a file open.

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, StatxFlags, statx};
use rustix::io::Errno;

use super::rules::has_socket;
use super::view::{Answer, Stop, View};
use crate::procfs::{Proc, parse_maps};

pub(super) struct FileRule {
    device: (u32, u32),
    inode: u64,
    /// The name that the kernel shows in `maps`: on file systems such as btrfs and overlay the numbers there are others.
    path: PathBuf,
    /// Of a Unix socket: the sockets bound to it.
    sockets: BTreeSet<u64>,
}

/// Without asking a server again what the kernel knows already, where it can be asked so.
fn device_and_inode(dir: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<((u32, u32), u64)> {
    match statx(dir, name, AtFlags::STATX_DONT_SYNC, StatxFlags::INO) {
        Ok(stat) => Ok(((stat.stx_dev_major, stat.stx_dev_minor), stat.stx_ino)),
        // A seccomp filter that does not know statx(2).
        Err(Errno::NOSYS | Errno::PERM) => {
            let stat = rustix::fs::statat(dir, name, AtFlags::empty())?;
            let device = (
                rustix::fs::major(stat.st_dev),
                rustix::fs::minor(stat.st_dev),
            );
            Ok((device, stat.st_ino))
        }
        Err(errno) => Err(errno),
    }
}

impl FileRule {
    /// `None` where there is no such file, or it cannot be asked.
    pub(super) fn compile(proc: &Proc, path: &Path) -> Option<FileRule> {
        let meta = std::fs::metadata(path).ok()?;
        let canonical = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut sockets = BTreeSet::new();
        if meta.file_type().is_socket() {
            for name in [path, &canonical] {
                sockets.extend(proc.unix_sockets(name).unwrap_or_default());
            }
        }
        Some(FileRule {
            device: (rustix::fs::major(meta.dev()), rustix::fs::minor(meta.dev())),
            inode: meta.ino(),
            path: canonical,
            sockets,
        })
    }

    pub(super) fn is_held_by(&self, view: &mut View<'_>) -> Answer<bool> {
        let open =
            view.any_fd(|dir, name| Ok(device_and_inode(dir, name)? == (self.device, self.inode)))?;
        if open || (!self.sockets.is_empty() && has_socket(view, &self.sockets)?) {
            return Ok(true);
        }
        let mapped = view.maps(|text| {
            parse_maps(text).any(|map| {
                (map.inode == self.inode && map.device == self.device) || map.path == self.path
            })
        });
        match mapped {
            // Some kernels say ESRCH for a process without memory, as a zombie.
            Err(Stop::Gone) => Ok(false),
            other => other,
        }
    }
}
