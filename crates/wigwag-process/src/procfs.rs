//! The files under `/proc` (proc(5)), read race-free.
//!
//! [`Proc`] is the mount, opened and checked once; [`ProcDir`] is one process's directory held by a descriptor, so that
//! everything read through it is about the same process even when its number is reused meanwhile.

mod cgroup;
mod dir;
mod limits;
mod maps;
mod numbers;
mod read;
mod sockets;
mod stat;
mod status;
mod users;

pub use cgroup::{CgroupMount, CgroupPath, cgroup_mounts, parse_cgroups};
pub use dir::{Namespace, ProcDir};
pub use limits::{Limit, Limits};
pub use maps::{Mapping, parse_maps};
pub use sockets::{Listener, Transport};
pub use stat::Stat;
pub use status::Status;
pub(crate) use users::{find_group, find_user};
pub use users::{group_id, known_user_name, user_id, user_name};

pub(crate) use numbers::{PidName, parse_u64};
pub(crate) use read::{read_at, read_once};

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::fs::{Mode, OFlags, RawDir};

/// The largest process number that any Linux kernel gives (`PID_MAX_LIMIT`, 2^22; see `pid_max` in proc_sys_kernel(5)).
pub const PID_MAX_LIMIT: i32 = 4_194_304;

/// Why `/proc` cannot be used to look at processes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcError {
    /// Nothing can be opened there.
    #[error("cannot open {path}: {source}; is /proc mounted?")]
    Open {
        /// What was opened.
        path: PathBuf,
        /// The reason, e.g. ENOENT.
        source: io::Error,
    },
    /// Something is there, but it is no proc file system.
    #[error("{path} is not a proc file system; mount one there: mount -t proc proc {path}")]
    NotProc {
        /// What was opened.
        path: PathBuf,
    },
    /// It is the `/proc` of another pid namespace: its numbers name other processes than a signal sent from here would reach.
    #[error(
        "{path} belongs to another pid namespace: its process numbers are not the ones of this process; \
         mount a fresh one: mount -t proc proc {path}"
    )]
    Foreign {
        /// What was opened.
        path: PathBuf,
    },
}

/// Whether an error of reading below `/proc` means that the process has ended and been reaped (ESRCH or ENOENT).
///
/// ```
/// let gone = std::io::Error::from_raw_os_error(3); // ESRCH
/// assert!(wigwag_process::procfs::is_gone(&gone));
/// ```
pub fn is_gone(error: &io::Error) -> bool {
    errno_of(error).is_some_and(|errno| [libc::ESRCH, libc::ENOENT].contains(&errno.number()))
}

/// Whether an error of reading below `/proc` means that access is refused (EACCES or EPERM).
///
/// ```
/// let refused = std::io::Error::from_raw_os_error(13); // EACCES
/// assert!(wigwag_process::procfs::is_refused(&refused));
/// ```
pub fn is_refused(error: &io::Error) -> bool {
    errno_of(error).is_some_and(|errno| [libc::EACCES, libc::EPERM].contains(&errno.number()))
}

/// The errno of an error, also of one that carries an error of `wigwag`.
pub(crate) fn errno_of(error: &io::Error) -> Option<wigwag::Errno> {
    let carried = || Some(error.get_ref()?.downcast_ref::<wigwag::Error>()?.errno());
    wigwag::Errno::try_from(error).ok().or_else(carried)
}

/// A mounted proc file system of one's own pid namespace, held open (proc(5)).
///
/// The descriptor is close-on-exec. After a fork the child keeps a valid one; after unshare(2) or setns(2) of the pid
/// namespace the numbers stay those of the mount.
#[derive(Debug)]
pub struct Proc {
    fd: OwnedFd,
    path: PathBuf,
    boot_id: OnceLock<String>,
    pid_namespace: u64,
}

impl Proc {
    /// Opens `/proc` and checks that it is a proc file system of this process's own pid namespace.
    ///
    /// # Errors
    /// [`ProcError`]: not mounted, something else, or of another namespace.
    ///
    /// ```
    /// use wigwag_process::procfs::Proc;
    /// let proc = Proc::open()?;
    /// let me = proc.dir(std::process::id() as i32)?;
    /// assert_eq!(me.stat()?.pid, std::process::id() as i32);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open() -> Result<Proc, ProcError> {
        Proc::at("/proc")
    }

    /// The same for a proc file system that is mounted elsewhere.
    ///
    /// # Errors
    /// As [`Proc::open`].
    ///
    /// ```
    /// use wigwag_process::procfs::{Proc, ProcError};
    /// assert!(matches!(Proc::at("/dev"), Err(ProcError::NotProc { .. })));
    /// ```
    pub fn at(path: impl AsRef<Path>) -> Result<Proc, ProcError> {
        let path = path.as_ref();
        let open_error = |errno: rustix::io::Errno| ProcError::Open {
            path: path.to_owned(),
            source: errno.into(),
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(open_error)?;
        let kind = rustix::fs::fstatfs(&fd).map_err(open_error)?;
        if kind.f_type != rustix::fs::PROC_SUPER_MAGIC {
            return Err(ProcError::NotProc {
                path: path.to_owned(),
            });
        }
        if !counts_alike(&fd) {
            return Err(ProcError::Foreign {
                path: path.to_owned(),
            });
        }
        Ok(Proc {
            pid_namespace: own_pid_namespace(&fd),
            fd,
            path: path.to_owned(),
            boot_id: OnceLock::new(),
        })
    }

    /// Whether its numbers are those of this process's own pid namespace. [`Proc::open`] has seen to that; a child that was forked
    /// into a new pid namespace (after unshare(2)) and has inherited it gets `false`.
    ///
    /// ```
    /// assert!(wigwag_process::procfs::Proc::open()?.is_own());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_own(&self) -> bool {
        match own_pid_namespace(&self.fd) {
            // The kernel has none, or does not show it.
            0 => counts_alike(&self.fd),
            now => now == self.pid_namespace,
        }
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The numbers of all processes that can be seen, in rising order, zombies too. Costs one getdents64(2) for about 2,700.
    ///
    /// With the mount option `hidepid` (proc(5)) processes of others are not among them.
    ///
    /// # Errors
    /// What openat(2) and getdents64(2) say, e.g. EMFILE.
    ///
    /// ```
    /// let proc = wigwag_process::procfs::Proc::open()?;
    /// assert!(proc.pids()?.contains(&(std::process::id() as i32)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pids(&self) -> io::Result<Vec<i32>> {
        // A descriptor of one's own: two scans must not share a position.
        numbers_in(open_dir(&self.fd, c".")?.as_fd())
    }

    /// Opens the directory of one process.
    ///
    /// The number of a thread that is not its process's first opens too, as the kernel allows; compare
    /// [`Status::tgid`] where it matters.
    ///
    /// # Errors
    /// ENOENT where there is no such process, EMFILE when too many files are open.
    pub fn dir(&self, pid: i32) -> io::Result<ProcDir> {
        ProcDir::open(self.fd.as_fd(), pid)
    }

    /// The directory of this process itself.
    ///
    /// # Errors
    /// As [`Proc::dir`].
    pub fn own(&self) -> io::Result<ProcDir> {
        self.dir(rustix::process::getpid().as_raw_nonzero().get())
    }

    /// The random identifier of this boot (`sys/kernel/random/boot_id`), read once; empty where the mount does not show it
    /// (`subset=pid`).
    ///
    /// ```
    /// let proc = wigwag_process::procfs::Proc::open()?;
    /// assert_eq!(proc.boot_id().len(), 36);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn boot_id(&self) -> &str {
        self.boot_id.get_or_init(|| {
            let mut buffer = Vec::new();
            match read_at(&self.fd, c"sys/kernel/random/boot_id", &mut buffer) {
                Ok(()) => String::from_utf8_lossy(&buffer).trim().to_owned(),
                Err(_) => String::new(),
            }
        })
    }

    /// The inode number of the pid namespace (namespaces(7)) whose numbers these are; 0 where the kernel has none.
    ///
    /// ```
    /// let proc = wigwag_process::procfs::Proc::open()?;
    /// assert_ne!(proc.pid_namespace(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pid_namespace(&self) -> u64 {
        self.pid_namespace
    }

    /// The time since boot on the clock in which [`Stat::start_ticks`] is counted (CLOCK_BOOTTIME, of this time namespace).
    ///
    /// ```
    /// let proc = wigwag_process::procfs::Proc::open()?;
    /// let me = proc.own()?.stat()?;
    /// assert!(proc.uptime() >= proc.ticks(me.start_ticks));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn uptime(&self) -> Duration {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Duration::try_from(now).unwrap_or_default()
    }

    /// [`Proc::uptime`] in clock ticks.
    pub(crate) fn uptime_ticks(&self) -> u64 {
        let (uptime, hz) = (self.uptime(), self.clock_ticks());
        uptime.as_secs() * hz + u64::from(uptime.subsec_nanos()) * hz / 1_000_000_000
    }

    /// Clock ticks a second in which `/proc` counts (sysconf(3) `_SC_CLK_TCK`); 100 on every machine of today.
    pub fn clock_ticks(&self) -> u64 {
        rustix::param::clock_ticks_per_second().max(1)
    }

    /// A number of clock ticks as a duration.
    pub fn ticks(&self, ticks: u64) -> Duration {
        let hz = self.clock_ticks();
        let rest = (ticks % hz) * 1_000_000_000 / hz;
        Duration::from_secs(ticks / hz) + Duration::from_nanos(rest)
    }

    /// Reads a file below the mount, e.g. `c"self/net/tcp"`, whole.
    ///
    /// # Errors
    /// What openat(2) and read(2) say.
    pub fn read(&self, path: &std::ffi::CStr) -> io::Result<Vec<u8>> {
        let mut buffer = Vec::new();
        read_at(&self.fd, path, &mut buffer)?;
        Ok(buffer)
    }
}

impl AsFd for Proc {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// A mount of another namespace either does not know this process, or knows it under several numbers (NSpid).
fn counts_alike(proc: &OwnedFd) -> bool {
    let mut buffer = Vec::with_capacity(2048);
    if read_at(proc, c"self/status", &mut buffer).is_err() {
        return false;
    }
    let own = rustix::process::getpid().as_raw_nonzero().get();
    Status::parse(&buffer).is_some_and(|s| s.tgid == own && s.ns_pid.len() <= 1)
}

/// The inode of this process's pid namespace; 0 where the kernel has none, and where this mount does not know the process.
fn own_pid_namespace(proc: &OwnedFd) -> u64 {
    let found = rustix::fs::statat(proc, c"self/ns/pid", rustix::fs::AtFlags::empty());
    found.map_or(0, |found| found.st_ino)
}

pub(crate) fn open_dir(base: impl AsFd, name: &std::ffi::CStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(base, name, flags, Mode::empty())?)
}

/// The entries of a directory that are numbers: processes, threads or descriptors.
pub(crate) fn numbers_in(dir: BorrowedFd<'_>) -> io::Result<Vec<i32>> {
    let mut buffer: Vec<MaybeUninit<u8>> = vec![MaybeUninit::uninit(); 64 * 1024];
    let mut entries = RawDir::new(dir, &mut buffer);
    let mut found = Vec::new();
    while let Some(entry) = entries.next() {
        if let Some(number) = numbers::parse_i32(entry?.file_name().to_bytes()) {
            found.push(number);
        }
    }
    Ok(found)
}
