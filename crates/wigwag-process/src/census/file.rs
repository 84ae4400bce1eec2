//! Who holds a file open: by a descriptor, a memory map, as its program, working directory or root.
//!
//! Files are compared by device and inode. A name says nothing where it may be of another mount, and is only compared where
//! nothing else can be.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, StatxFlags, statx};
use rustix::io::Errno;

use super::rules::has_socket;
use super::view::{Answer, Stop, View};
use crate::procfs::{Namespace, Proc, parse_maps};

pub(super) struct FileRule {
    device: (u32, u32),
    inode: u64,
    /// The name that the kernel shows in `maps`: on file systems such as btrfs and overlay the numbers there are others.
    path: PathBuf,
    /// Of a Unix socket: the sockets bound to it.
    sockets: BTreeSet<u64>,
    /// Whether it is one's own root directory, which is nearly everybody's, and no reason to choose one.
    is_root: bool,
    /// One's own mount namespace: where names mean the same.
    mounts: Option<u64>,
}

/// The device, major and minor, and the inode.
pub(super) type FileNumbers = ((u32, u32), u64);

/// Without asking a server again what the kernel knows already, where it can be asked so.
pub(super) fn device_and_inode(
    dir: BorrowedFd<'_>,
    name: &CStr,
) -> rustix::io::Result<FileNumbers> {
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
            is_root: std::fs::metadata("/")
                .is_ok_and(|root| (root.dev(), root.ino()) == (meta.dev(), meta.ino())),
            mounts: proc
                .own()
                .and_then(|own| own.namespace(Namespace::Mnt))
                .ok(),
        })
    }

    fn is(&self, found: FileNumbers) -> bool {
        found == (self.device, self.inode)
    }

    pub(super) fn is_held_by(&self, view: &mut View<'_>) -> Answer<bool> {
        let open = view.any_fd(|dir, name| Ok(self.is(device_and_inode(dir, name)?)))?;
        if open || (!self.sockets.is_empty() && has_socket(view, &self.sockets)?) {
            return Ok(true);
        }
        Ok(self.is_program_or_place(view)? || self.is_mapped(view)?)
    }

    fn is_program_or_place(&self, view: &mut View<'_>) -> Answer<bool> {
        for leaf in [c"exe", c"cwd", c"root"] {
            if leaf == c"root" && self.is_root {
                continue;
            }
            let stat = match view.numbers_of(leaf) {
                Ok(stat) => stat,
                // Kernel threads and zombies have none.
                Err(Stop::Gone) => continue,
                Err(stop) => return view.unless_bare(stop).map(|()| false),
            };
            if self.is(stat) {
                // Those that kernel threads have, the root, they have not chosen.
                return Ok(!view.stat()?.is_kernel_thread());
            }
        }
        Ok(false)
    }

    fn is_mapped(&self, view: &mut View<'_>) -> Answer<bool> {
        let mapped = view.maps(|text| {
            let mut namesakes = Vec::new();
            for map in parse_maps(text) {
                if map.inode == self.inode && map.device == self.device {
                    return Ok(());
                }
                if map.path == self.path {
                    namesakes.extend(CString::new([b"map_files/", map.range].concat()).ok());
                }
            }
            Err(namesakes)
        });
        let namesakes = match mapped {
            Ok(Ok(())) => return Ok(true),
            Ok(Err(namesakes)) => namesakes,
            // Some kernels say ESRCH for a process without memory, as a zombie.
            Err(Stop::Gone) => return Ok(false),
            Err(stop) => return Err(stop),
        };
        let mut refused = false;
        for link in &namesakes {
            match view.numbers_of(link) {
                Ok(stat) if self.is(stat) => return Ok(true),
                Ok(_) | Err(Stop::Gone) => {}
                Err(Stop::Unreadable(_)) => refused = true,
                Err(stop) => return Err(stop),
            }
        }
        // Only root may ask the kernel what is mapped. Where the mounts are the same, so are the names.
        Ok(refused && self.mounts.is_some() && view.namespace(c"ns/mnt")? == self.mounts)
    }
}
