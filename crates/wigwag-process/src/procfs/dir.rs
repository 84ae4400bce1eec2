//! One process's or thread's directory below `/proc`, held by a descriptor.

use std::ffi::{CStr, CString, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags};

use super::cgroup::{CgroupPath, parse_cgroups};
use super::limits::Limits;
use super::numbers::{PidName, parse_hex, parse_u64};
use super::read::read_at;
use super::stat::Stat;
use super::status::Status;
use super::{numbers_in, open_dir};

/// The kinds of namespaces (namespaces(7)).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Namespace {
    /// Roots of the control groups.
    Cgroup,
    /// System V IPC and POSIX message queues.
    Ipc,
    /// Mounts.
    Mnt,
    /// Network devices, ports and so on.
    Net,
    /// Process numbers.
    Pid,
    /// The clocks of boot and monotonic time.
    Time,
    /// Users, groups, capabilities.
    User,
    /// Host name.
    Uts,
}

impl Namespace {
    /// All of them.
    pub const ALL: [Namespace; 8] = [
        Namespace::Cgroup,
        Namespace::Ipc,
        Namespace::Mnt,
        Namespace::Net,
        Namespace::Pid,
        Namespace::Time,
        Namespace::User,
        Namespace::Uts,
    ];

    /// The name below `/proc/PID/ns`: `cgroup`, `ipc`, `mnt`, `net`, `pid`, `time`, `user`, `uts`.
    ///
    /// ```
    /// assert_eq!(wigwag_process::procfs::Namespace::Mnt.name(), "mnt");
    /// ```
    pub fn name(self) -> &'static str {
        &self.path().to_str().unwrap_or_default()[3..]
    }

    pub(crate) fn path(self) -> &'static CStr {
        match self {
            Namespace::Cgroup => c"ns/cgroup",
            Namespace::Ipc => c"ns/ipc",
            Namespace::Mnt => c"ns/mnt",
            Namespace::Net => c"ns/net",
            Namespace::Pid => c"ns/pid",
            Namespace::Time => c"ns/time",
            Namespace::User => c"ns/user",
            Namespace::Uts => c"ns/uts",
        }
    }
}

/// The directory of one process, or of one of its threads, held by a descriptor: whatever is read through it is about that
/// process. Once it has ended and been collected every read fails with ESRCH or ENOENT ([`super::is_gone`]), also when its
/// number has been given to another.
///
/// The descriptor of a process's directory (not of a thread's) may be given to pidfd_send_signal(2). It never tells by
/// poll(2) that the process has ended. It is close-on-exec.
#[derive(Debug)]
pub struct ProcDir {
    fd: OwnedFd,
    pid: i32,
}

impl ProcDir {
    pub(super) fn open(base: BorrowedFd<'_>, pid: i32) -> io::Result<ProcDir> {
        let fd = open_dir(base, PidName::new(pid).as_c_str())?;
        Ok(ProcDir { fd, pid })
    }

    /// The number it was opened by: of a process, or of a thread for one from [`ProcDir::task`].
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Whether it has not been collected yet, in one system call that leaves nothing to close: the last thing to ask before a call
    /// by number.
    pub(crate) fn is_there(&self) -> bool {
        rustix::fs::statat(self, c"stat", rustix::fs::AtFlags::empty()).is_ok()
    }

    /// One file, whole. Errors, here and in all that follows: ESRCH or ENOENT for one that is gone, EACCES or EPERM where
    /// the kernel does not show it to this user, EMFILE when too many files are open.
    fn read(&self, leaf: &CStr) -> io::Result<Vec<u8>> {
        let mut buffer = Vec::new();
        read_at(&self.fd, leaf, &mut buffer)?;
        Ok(buffer)
    }

    /// `stat`: who it is and what it does.
    ///
    /// # Errors
    /// As all reads here, and EINVAL-like `InvalidData` for a text of another form.
    pub fn stat(&self) -> io::Result<Stat> {
        Stat::parse(&self.read(c"stat")?).ok_or_else(|| malformed("stat"))
    }

    /// `status`: whose it is, and its masks.
    ///
    /// # Errors
    /// As [`ProcDir::stat`].
    pub fn status(&self) -> io::Result<Status> {
        Status::parse(&self.read(c"status")?).ok_or_else(|| malformed("status"))
    }

    /// `comm`: the command name, without the line break.
    ///
    /// # Errors
    /// As all reads here.
    pub fn comm(&self) -> io::Result<OsString> {
        let mut text = self.read(c"comm")?;
        if text.last() == Some(&b'\n') {
            text.pop();
        }
        Ok(OsString::from_vec(text))
    }

    /// `cmdline`: the arguments; empty for kernel threads and zombies.
    ///
    /// # Errors
    /// As all reads here.
    pub fn cmdline(&self) -> io::Result<Vec<OsString>> {
        Ok(split_nul(&self.read(c"cmdline")?))
    }

    /// `environ`: the environment it was started with, `NAME=value` each.
    ///
    /// # Errors
    /// As all reads here; EACCES needs ptrace access (ptrace(2)).
    pub fn environ(&self) -> io::Result<Vec<OsString>> {
        Ok(split_nul(&self.read(c"environ")?))
    }

    /// `cgroup`: its control groups.
    ///
    /// # Errors
    /// As all reads here.
    pub fn cgroups(&self) -> io::Result<Vec<CgroupPath>> {
        Ok(parse_cgroups(&self.read(c"cgroup")?))
    }

    /// `limits`: its resource limits.
    ///
    /// # Errors
    /// As [`ProcDir::stat`].
    pub fn limits(&self) -> io::Result<Limits> {
        Limits::parse(&self.read(c"limits")?).ok_or_else(|| malformed("limits"))
    }

    /// Whether `/proc` shows what needs ptrace access (ptrace(2)), such as the exit status of a zombie; asked by reading `io`, which
    /// a zombie has too.
    pub(crate) fn may_be_traced(&self) -> bool {
        self.read(c"io").is_ok()
    }

    /// The inode number of one of its namespaces.
    ///
    /// # Errors
    /// As all reads here; EACCES needs ptrace access; ENOENT also for a kind that the kernel does not have.
    pub fn namespace(&self, kind: Namespace) -> io::Result<u64> {
        Ok(rustix::fs::statat(self, kind.path(), rustix::fs::AtFlags::empty())?.st_ino)
    }

    /// `exe`: the file it runs. ` (deleted)` at the end where that has been removed.
    ///
    /// # Errors
    /// As all reads here; EACCES needs ptrace access; ENOENT also for kernel threads and zombies.
    pub fn exe(&self) -> io::Result<PathBuf> {
        self.link(c"exe")
    }

    /// The file it runs: device and inode, as stat(2) has them of that file, whatever its name is by now.
    ///
    /// # Errors
    /// As [`ProcDir::exe`].
    pub fn exe_numbers(&self) -> io::Result<(u64, u64)> {
        let stat = rustix::fs::statat(self, c"exe", rustix::fs::AtFlags::empty())?;
        Ok((stat.st_dev, stat.st_ino))
    }

    /// `attr/current`: its security context, where a security module has one (SELinux, AppArmor and others), without the NUL or line
    /// break at the end.
    ///
    /// # Errors
    /// As all reads here; EINVAL where no module has any.
    pub fn security_context(&self) -> io::Result<Vec<u8>> {
        let mut context = self.read(c"attr/current")?;
        while matches!(context.last(), Some(0 | b'\n')) {
            context.pop();
        }
        Ok(context)
    }

    /// Another descriptor of the same directory.
    ///
    /// # Errors
    /// EMFILE: too many files are open.
    pub fn try_clone(&self) -> io::Result<ProcDir> {
        Ok(ProcDir {
            fd: self.fd.try_clone()?,
            pid: self.pid,
        })
    }

    /// `cwd`: its working directory.
    ///
    /// # Errors
    /// As [`ProcDir::exe`].
    pub fn cwd(&self) -> io::Result<PathBuf> {
        self.link(c"cwd")
    }

    /// `fd`: the numbers of its open descriptors, in rising order.
    ///
    /// # Errors
    /// As all reads here; EACCES needs ptrace access.
    pub fn fds(&self) -> io::Result<Vec<i32>> {
        numbers_in(open_dir(self, c"fd")?.as_fd())
    }

    /// What one of its descriptors is: a path, `socket:[4711]`, `anon_inode:[signalfd]`, ...
    ///
    /// # Errors
    /// As [`ProcDir::fds`]; ENOENT also when it has been closed.
    pub fn fd_link(&self, fd: i32) -> io::Result<PathBuf> {
        self.link(&file("fd", fd))
    }

    /// `fdinfo/N`: position, flags, and of signalfd, pidfd and others more (proc_pid_fdinfo(5)).
    ///
    /// # Errors
    /// As [`ProcDir::fd_link`].
    pub fn fdinfo(&self, fd: i32) -> io::Result<String> {
        let text = self.read(&file("fdinfo", fd))?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// `task`: the numbers of its threads, in rising order.
    ///
    /// # Errors
    /// As all reads here.
    pub fn tasks(&self) -> io::Result<Vec<i32>> {
        numbers_in(open_dir(self, c"task")?.as_fd())
    }

    /// Opens the directory of one of its threads. Its `stat`, `status`, `syscall` and `wchan` are the thread's.
    ///
    /// # Errors
    /// As all reads here; ENOENT for a thread of another process too.
    pub fn task(&self, tid: i32) -> io::Result<ProcDir> {
        Ok(ProcDir {
            fd: open_dir(self, &file("task", tid))?,
            pid: tid,
        })
    }

    /// `syscall`: the number and the six arguments of the system call it is blocked in; `None` when it runs or is blocked
    /// elsewhere in the kernel.
    ///
    /// # Errors
    /// As all reads here; EPERM or EACCES needs ptrace access.
    pub fn syscall(&self) -> io::Result<Option<(i64, [u64; 6])>> {
        Ok(parse_syscall(&self.read(c"syscall")?))
    }

    /// `wchan`: the kernel function it sleeps in; `None` when it does not sleep, or the kernel does not say.
    ///
    /// # Errors
    /// As all reads here.
    pub fn wchan(&self) -> io::Result<Option<String>> {
        let text = String::from_utf8_lossy(&self.read(c"wchan")?).into_owned();
        Ok(Some(text).filter(|t| !t.is_empty() && t != "0"))
    }

    /// `maps`: its memory mappings as text, for [`super::parse_maps`].
    ///
    /// # Errors
    /// As all reads here; EACCES needs ptrace access.
    pub fn maps(&self) -> io::Result<Vec<u8>> {
        self.read(c"maps")
    }

    /// `len` bytes of its memory from `address`.
    ///
    /// # Errors
    /// As all reads here; EACCES needs ptrace access; EIO for memory that is not there; `UnexpectedEof` where it ends early.
    ///
    /// ```
    /// use wigwag_process::procfs::Proc;
    /// let here = [7u8; 8];
    /// assert_eq!(Proc::open()?.own()?.mem(here.as_ptr() as u64, 8)?, here);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn mem(&self, address: u64, len: usize) -> io::Result<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.fd, c"mem", flags, Mode::empty())?;
        let mut bytes = vec![0; len];
        let mut done = 0;
        while done < len {
            match rustix::io::pread(&file, &mut bytes[done..], address.wrapping_add(done as u64)) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => done += n,
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(bytes)
    }

    fn link(&self, leaf: &CStr) -> io::Result<PathBuf> {
        let target = rustix::fs::readlinkat(&self.fd, leaf, Vec::with_capacity(256))?;
        Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
    }
}

impl AsFd for ProcDir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn file(folder: &str, number: i32) -> CString {
    CString::new(format!("{folder}/{number}")).unwrap_or_default()
}

fn malformed(leaf: &str) -> io::Error {
    let message = format!("/proc/PID/{leaf} is not of the form that proc(5) describes");
    io::Error::new(io::ErrorKind::InvalidData, message)
}

fn split_nul(text: &[u8]) -> Vec<OsString> {
    let text = text.strip_suffix(b"\0").unwrap_or(text);
    if text.is_empty() {
        return Vec::new();
    }
    text.split(|&b| b == 0)
        .map(|part| OsString::from_vec(part.to_vec()))
        .collect()
}

fn parse_syscall(text: &[u8]) -> Option<(i64, [u64; 6])> {
    let mut words = text.trim_ascii().split(|&b| b == b' ');
    // "running", or "-1 SP PC" when blocked outside of a system call.
    let number = parse_u64(words.next()?).and_then(|n| i64::try_from(n).ok())?;
    let mut arguments = [0; 6];
    for argument in &mut arguments {
        *argument = words.next().and_then(parse_hex)?;
    }
    Some((number, arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_calls_and_their_absence() {
        let text = b"128 0x7ffe 0x0 0x0 0x8 0x0 0x1 0x7ffd 0x7f01\n";
        assert_eq!(parse_syscall(text), Some((128, [0x7ffe, 0, 0, 8, 0, 1])));
        for none in [&b"running\n"[..], b"-1 0x7ffd 0x7f01\n", b"", b"1 0x1\n"] {
            assert_eq!(parse_syscall(none), None);
        }
    }

    #[test]
    fn arguments_may_be_empty() {
        assert_eq!(split_nul(b"a\0\0b\0"), ["a", "", "b"]);
        assert_eq!(split_nul(b""), Vec::<OsString>::new());
    }
}
