//! Who a process is, and holding it from before the decision until after the signal.
//!
//! [`Process`] keeps the directory `/proc/PID` open. Everything read through that descriptor is about one process even when
//! its number is reused meanwhile, and the same descriptor is what `pidfd_send_signal(2)` sends through: a process that is
//! reaped between reading and sending gives ESRCH, never a signal to its successor. To wait for the end a pidfd is needed as
//! well; [`Process::pidfd`] opens one by number and then proves, through the directory, that it is of the same process.

use std::cell::OnceCell;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use wigwag::{PidFd, Scope, Signal};

use crate::procfs::{Proc, ProcDir, Stat, Status, is_gone, user_name};

/// What tells a process from every other, also from a later one of the same number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its number in the pid namespace below.
    pub pid: i32,
    /// When it started, in clock ticks (10 ms) since boot.
    pub start_ticks: u64,
    /// Of which boot.
    pub boot_id: String,
    /// The inode of the pid namespace in which `pid` counts.
    pub pid_namespace: u64,
    /// The inode of its pidfd: unique in one boot (Linux 6.9 and later), `None` on older kernels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pidfd_inode: Option<u64>,
}

/// A process as it stands in plans and receipts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// Which one it is.
    #[serde(flatten)]
    pub identity: Identity,
    /// Its name (`comm`), at most 15 bytes.
    pub name: String,
    /// Its command line; empty for kernel threads and zombies. Bytes that are no UTF-8 are replaced.
    pub command: Vec<String>,
    /// Its real user.
    pub uid: u32,
    /// The user's name, where [`Who::name_user`] has looked it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The one thread that is meant, where not the whole process is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<i32>,
    /// When that thread started, in clock ticks (10 ms) since boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_start_ticks: Option<u64>,
}

impl Who {
    /// Looks the user's name up ([`user_name`]). That may take a while, and so is done where the name is shown, never before a
    /// signal is sent.
    pub fn name_user(&mut self) {
        if self.user.is_none() && self.uid != u32::MAX {
            self.user = user_name(self.uid);
        }
    }
}

impl Who {
    /// Reads name and command line again, which execve(2) may have changed.
    pub(crate) fn name_again(&mut self, dir: &ProcDir) {
        if let Ok(name) = dir.comm() {
            self.name = name.to_string_lossy().into_owned();
            self.command = command(dir);
        }
    }
}

fn command(dir: &ProcDir) -> Vec<String> {
    let words = dir.cmdline().unwrap_or_default();
    let text = words.iter().map(|word| word.to_string_lossy().into_owned());
    text.collect()
}

impl std::fmt::Display for Who {
    /// `4120 (nginx)`, `thread 4122 of 4120 (nginx)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(tid) = self.thread {
            write!(f, "thread {tid} of ")?;
        }
        write!(f, "{} ({})", self.identity.pid, self.name)
    }
}

/// A process that is held: whatever happens to its number, this is it.
///
/// The descriptors are close-on-exec; a forked child keeps them.
#[derive(Debug)]
pub struct Process {
    dir: ProcDir,
    stat: Stat,
    pidfd: OnceCell<PidFd>,
}

impl Process {
    /// Opens the directory of process `pid` and reads what it is.
    ///
    /// # Errors
    /// ENOENT or ESRCH when there is none; EMFILE when too many files are open.
    ///
    /// ```
    /// use wigwag_process::{identity::Process, procfs::Proc};
    /// let proc = Proc::open()?;
    /// let me = Process::open(&proc, std::process::id() as i32)?;
    /// assert_eq!(me.identity(&proc).pid, me.pid());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(proc: &Proc, pid: i32) -> io::Result<Process> {
        Process::from_dir(proc.dir(pid)?)
    }

    /// Takes a directory that is open already.
    ///
    /// # Errors
    /// ESRCH when the process has gone meanwhile.
    pub fn from_dir(dir: ProcDir) -> io::Result<Process> {
        let stat = dir.stat()?;
        Ok(Process {
            dir,
            stat,
            pidfd: OnceCell::new(),
        })
    }

    /// Its number.
    pub fn pid(&self) -> i32 {
        self.stat.pid
    }

    /// Its directory, to read more.
    pub fn dir(&self) -> &ProcDir {
        &self.dir
    }

    /// What `/proc/PID/stat` said when it was opened.
    pub fn stat(&self) -> &Stat {
        &self.stat
    }

    /// A pidfd of the same process, opened once.
    ///
    /// Opening by number is a race that is closed afterwards: if the directory still answers once the pidfd is open, the number
    /// was this process's all the time. That holds where `/proc` and pidfd_open(2) count alike: [`Proc::is_own`].
    ///
    /// # Errors
    /// ESRCH when the process has gone; EMFILE when too many files are open; ENOSYS or EPERM where a seccomp filter does not know
    /// pidfd_open(2); EXDEV where the numbers of `proc` have become foreign (it was opened before a fork into a new pid namespace).
    pub fn pidfd(&self, proc: &Proc) -> io::Result<&PidFd> {
        if let Some(pidfd) = self.pidfd.get() {
            return Ok(pidfd);
        }
        if !proc.is_own() {
            return Err(Errno::XDEV.into());
        }
        let pidfd = PidFd::open(self.pid())?;
        if !self.dir.is_there() {
            return Err(Errno::SRCH.into());
        }
        Ok(self.pidfd.get_or_init(|| pidfd))
    }

    /// Whether it has ended; it may still be a zombie. Asks the pidfd, and where there is none the held directory.
    ///
    /// # Errors
    /// Where neither can be read, e.g. EMFILE.
    ///
    /// ```
    /// use wigwag_process::{identity::Process, procfs::Proc};
    /// let proc = Proc::open()?;
    /// assert!(!Process::open(&proc, std::process::id() as i32)?.has_ended(&proc)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn has_ended(&self, proc: &Proc) -> io::Result<bool> {
        if let Ok(pidfd) = self.pidfd(proc) {
            return Ok(pidfd.wait(Some(Duration::ZERO))?);
        }
        match self.dir.stat() {
            // A leader that has exited while other threads live looks like a zombie, and is none.
            Ok(stat) => Ok(stat.is_zombie() && stat.num_threads <= 1),
            Err(error) if is_gone(&error) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// What tells this process from every other. Opens the pidfd for its inode; without one (it has gone, or the kernel is older
    /// than 6.9) the identity is known to a clock tick.
    pub fn identity(&self, proc: &Proc) -> Identity {
        Identity {
            pid: self.pid(),
            start_ticks: self.stat.start_ticks,
            boot_id: proc.boot_id().to_owned(),
            pid_namespace: proc.pid_namespace(),
            pidfd_inode: self
                .pidfd(proc)
                .ok()
                .and_then(|pidfd| pidfd.inode().ok().flatten()),
        }
    }

    /// How it stands in plans and receipts.
    pub fn who(&self, proc: &Proc, status: Option<&Status>) -> Who {
        let uid = status.map_or(u32::MAX, |status| status.uids[0]);
        Who {
            identity: self.identity(proc),
            name: self.stat.comm.to_string_lossy().into_owned(),
            command: command(&self.dir),
            uid,
            user: None,
            thread: None,
            thread_start_ticks: None,
        }
    }

    /// The same without reading anything more.
    pub(crate) fn who_unread(&self) -> Who {
        Who {
            identity: Identity {
                pid: self.pid(),
                start_ticks: self.stat.start_ticks,
                boot_id: String::new(),
                pid_namespace: 0,
                pidfd_inode: None,
            },
            name: self.stat.comm.to_string_lossy().into_owned(),
            command: Vec::new(),
            uid: u32::MAX,
            user: None,
            thread: None,
            thread_start_ticks: None,
        }
    }

    /// Whether it is the process that `identity` names. With the pidfd's inode on both sides that is exact, else to one clock
    /// tick.
    pub fn is(&self, proc: &Proc, identity: &Identity) -> bool {
        let own = self.identity(proc);
        let inode = match (own.pidfd_inode, identity.pidfd_inode) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        inode
            && own.pid == identity.pid
            && own.start_ticks == identity.start_ticks
            && own.boot_id == identity.boot_id
            && own.pid_namespace == identity.pid_namespace
    }

    /// Sends `signal` (`None`: a probe) with or without a value to the whole process, through the held descriptor.
    ///
    /// # Errors
    /// ESRCH: it has gone. EPERM: not permitted. EAGAIN: its user's queue is full (only with a value). EINVAL, ENOSYS: the kernel
    /// lacks the call.
    pub fn send(&self, signal: Option<Signal>, value: Option<i32>) -> wigwag::Result<()> {
        wigwag::pidfd_send(self.dir.as_fd(), signal, value, Scope::Default)
    }

    /// Asks whether it may be signalled, and whether the held descriptor is a way to do it. Sends nothing.
    ///
    /// Where pidfd_send_signal(2) refuses, kill(2) with 0 is asked by number; the directory, read afterwards, tells that the number
    /// was this process's. What kill allows and the descriptor does not is no question of permission.
    ///
    /// # Errors
    /// ESRCH: it has gone.
    pub(crate) fn permission(&self) -> wigwag::Result<Permission> {
        let error = match self.send(None, None) {
            Ok(()) => return Ok(Permission::Granted),
            Err(error) if error.is_unsupported() || error.is_denied() => error,
            Err(error) => return Err(error),
        };
        let by_number = wigwag::send::probe(self.pid());
        if self.dir.stat().is_err() {
            let attempt = format!("probe process {}", self.pid());
            return Err(wigwag::Error::new(attempt, wigwag::Errno::SRCH));
        }
        match by_number {
            Ok(()) => Ok(Permission::ByNumberOnly(error)),
            Err(refused) if refused.is_gone() => Err(refused),
            Err(refused) => Ok(Permission::Denied(refused)),
        }
    }
}

/// What [`Process::permission`] says.
#[derive(Debug)]
pub(crate) enum Permission {
    /// It may be signalled, through the held descriptor.
    Granted,
    /// It may be signalled, but not through the descriptor: the kernel lacks pidfd_send_signal(2), or a seccomp filter refuses it.
    ByNumberOnly(wigwag::Error),
    /// It may not be signalled.
    Denied(wigwag::Error),
}
