//! One process as the rules see it: files are read when a rule asks, and once.

use std::ffi::{CStr, CString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;

use super::file::{FileNumbers, device_and_inode};

use crate::procfs::{
    CgroupPath, Namespace, PidName, Proc, ProcDir, Stat, Status, is_gone, is_refused, open_dir,
    parse_cgroups, read_at, read_once,
};

/// Why a question about a process could not be answered.
#[derive(Debug)]
pub enum Stop {
    /// The process has ended.
    Gone,
    /// That file of it may not be read.
    Unreadable(&'static str),
    /// Nothing about this process: EMFILE, ENOMEM and the like.
    Fatal(io::Error),
}

/// What a look at a process gives.
pub type Answer<T> = Result<T, Stop>;

/// Memory that is used again for every process.
pub(super) struct Buffers {
    comm: [u8; 72],
    text: Vec<u8>,
    cmdline: Vec<u8>,
    environ: Vec<u8>,
    entries: Vec<MaybeUninit<u8>>,
}

impl Buffers {
    pub(super) fn new() -> Buffers {
        Buffers {
            comm: [0; 72],
            text: Vec::with_capacity(4096),
            cmdline: Vec::new(),
            environ: Vec::new(),
            entries: Vec::new(),
        }
    }
}

/// One process, or one thread, to look at: a file of it is read when something is asked that stands there, and once.
pub struct View<'a> {
    base: BorrowedFd<'a>,
    /// The number to put before each file's name; `None` where `base` is the process's directory.
    prefix: Option<i32>,
    pid: i32,
    buffers: &'a mut Buffers,
    comm: Option<usize>,
    cmdline: bool,
    environ: bool,
    stat: Option<Stat>,
    status: Option<Status>,
    cgroups: Option<Vec<CgroupPath>>,
}

impl<'a> View<'a> {
    /// Through paths: every file may be of another process than the one before.
    pub(super) fn passing(proc: &'a Proc, pid: i32, buffers: &'a mut Buffers) -> View<'a> {
        View::new(proc.as_fd(), Some(pid), pid, buffers)
    }

    /// Through its own descriptor.
    pub(super) fn held(dir: &'a ProcDir, buffers: &'a mut Buffers) -> View<'a> {
        View::new(dir.as_fd(), None, dir.pid(), buffers)
    }

    /// A thread, through paths below the directory of its process's threads.
    pub(super) fn thread(tasks: BorrowedFd<'a>, tid: i32, buffers: &'a mut Buffers) -> View<'a> {
        View::new(tasks, Some(tid), tid, buffers)
    }

    fn new(
        base: BorrowedFd<'a>,
        prefix: Option<i32>,
        pid: i32,
        buffers: &'a mut Buffers,
    ) -> View<'a> {
        View {
            base,
            prefix,
            pid,
            buffers,
            comm: None,
            cmdline: false,
            environ: false,
            stat: None,
            status: None,
            cgroups: None,
        }
    }

    /// Its number; of a thread the thread's.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    fn at<T>(&self, leaf: &'static CStr, read: impl FnOnce(&CStr) -> io::Result<T>) -> Answer<T> {
        let result = match self.prefix {
            Some(pid) => read(PidName::with(pid, leaf).as_c_str()),
            None => read(leaf),
        };
        result.map_err(|error| stop(leaf, error))
    }

    /// The command name, if a rule has asked for it.
    pub(super) fn comm_as_read(&self) -> Option<&[u8]> {
        self.comm.map(|len| &self.buffers.comm[..len])
    }

    /// The command name, without the line break.
    ///
    /// # Errors
    /// [`Stop`], here and in all that follows.
    pub fn comm(&mut self) -> Answer<&[u8]> {
        if let (None, Some(stat)) = (self.comm, &self.stat) {
            // It stands there too, whole.
            let name = stat.comm.as_bytes();
            let len = name.len().min(self.buffers.comm.len());
            self.buffers.comm[..len].copy_from_slice(&name[..len]);
            self.comm = Some(len);
        }
        if self.comm.is_none() {
            let mut name = [0; 72];
            let mut len = self.at(c"comm", |path| read_once(self.base, path, &mut name))?;
            if len > 0 && name[len - 1] == b'\n' {
                len -= 1;
            }
            self.buffers.comm = name;
            self.comm = Some(len);
        }
        Ok(&self.buffers.comm[..self.comm.unwrap_or(0)])
    }

    fn text(&mut self, leaf: &'static CStr) -> Answer<Vec<u8>> {
        let mut text = std::mem::take(&mut self.buffers.text);
        let result = self.at(leaf, |path| read_at(self.base, path, &mut text));
        match result {
            Ok(()) => Ok(text),
            Err(stop) => {
                self.buffers.text = text;
                Err(stop)
            }
        }
    }

    /// `stat`: who it is and what it does.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn stat(&mut self) -> Answer<&Stat> {
        if self.stat.is_none() {
            let text = self.text(c"stat")?;
            self.stat = Stat::parse(&text);
            self.buffers.text = text;
        }
        self.stat.as_ref().ok_or(Stop::Unreadable("stat"))
    }

    pub(super) fn has_status(&self) -> bool {
        self.status.is_some()
    }

    /// `status`: whose it is, and its masks.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn status(&mut self) -> Answer<&Status> {
        if self.status.is_none() {
            let text = self.text(c"status")?;
            self.status = Status::parse(&text);
            self.buffers.text = text;
        }
        self.status.as_ref().ok_or(Stop::Unreadable("status"))
    }

    /// `cgroup`: its control groups.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn cgroups(&mut self) -> Answer<&[CgroupPath]> {
        if self.cgroups.is_none() {
            let text = self.text(c"cgroup")?;
            self.cgroups = Some(parse_cgroups(&text));
            self.buffers.text = text;
        }
        Ok(self.cgroups.as_deref().unwrap_or_default())
    }

    /// The arguments, each ended by a NUL byte; empty for kernel threads and zombies.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn cmdline(&mut self) -> Answer<&[u8]> {
        if !self.cmdline {
            let mut text = std::mem::take(&mut self.buffers.cmdline);
            let result = self.at(c"cmdline", |path| read_at(self.base, path, &mut text));
            self.buffers.cmdline = text;
            result?;
            self.cmdline = true;
        }
        Ok(&self.buffers.cmdline)
    }

    /// The environment, each variable ended by a NUL byte.
    ///
    /// # Errors
    /// [`Stop`]; unreadable without ptrace access (ptrace(2)).
    pub fn environ(&mut self) -> Answer<&[u8]> {
        if !self.environ {
            let mut text = std::mem::take(&mut self.buffers.environ);
            let result = self.at(c"environ", |path| read_at(self.base, path, &mut text));
            self.buffers.environ = text;
            if let Err(refused) = result {
                self.unless_bare(refused)?;
                self.buffers.environ.clear();
            }
            self.environ = true;
        }
        Ok(&self.buffers.environ)
    }

    /// Its memory mappings, as text.
    pub(super) fn maps<T>(&mut self, read: impl FnOnce(&[u8]) -> T) -> Answer<T> {
        let text = match self.text(c"maps") {
            Ok(text) => text,
            Err(refused) => {
                self.unless_bare(refused)?;
                return Ok(read(b""));
            }
        };
        let result = read(&text);
        self.buffers.text = text;
        Ok(result)
    }

    /// What one of its links leads to: `exe`, `map_files/...`.
    pub(super) fn numbers_of(&self, link: &CStr) -> Answer<FileNumbers> {
        let of_process;
        let path = match self.prefix {
            Some(pid) => {
                of_process = CString::new(format!("{pid}/{}", link.to_string_lossy()));
                of_process.as_deref().unwrap_or(link)
            }
            None => link,
        };
        let found = device_and_inode(self.base, path);
        found.map_err(|errno| match stop(c"exe", errno.into()) {
            fatal @ Stop::Fatal(_) if is_of_machine(errno) => fatal,
            // A file that cannot be asked any more, as on a dead network file system.
            Stop::Fatal(_) => Stop::Gone,
            other => other,
        })
    }

    /// Kernel threads and zombies have no files, memory or environment; that the kernel refuses to show them to others than
    /// root is no loss.
    pub(super) fn unless_bare(&mut self, refused: Stop) -> Answer<()> {
        let Stop::Unreadable(_) = refused else {
            return Err(refused);
        };
        let stat = self.stat()?;
        if stat.is_kernel_thread() || stat.is_zombie() {
            Ok(())
        } else {
            Err(refused)
        }
    }

    /// The inode of one of its namespaces; `None` where it has none, as a zombie.
    ///
    /// # Errors
    /// [`Stop`]; unreadable without ptrace access (ptrace(2)).
    pub fn namespace_of(&self, kind: Namespace) -> Answer<Option<u64>> {
        self.namespace(kind.path())
    }

    /// The inode of a namespace, by its file.
    pub(super) fn namespace(&self, leaf: &'static CStr) -> Answer<Option<u64>> {
        let flags = rustix::fs::AtFlags::empty();
        match self.at(leaf, |path| {
            Ok(rustix::fs::statat(self.base, path, flags)?.st_ino)
        }) {
            Ok(inode) => Ok(Some(inode)),
            Err(Stop::Gone) => Ok(None),
            Err(stop) => Err(stop),
        }
    }

    /// Whether `test` holds of any open descriptor. It is given the directory and the entry's name in it.
    pub(super) fn any_fd(
        &mut self,
        mut test: impl FnMut(BorrowedFd<'_>, &CStr) -> rustix::io::Result<bool>,
    ) -> Answer<bool> {
        let dir = match self.at(c"fd", |path| open_dir(self.base, path)) {
            Ok(dir) => dir,
            Err(refused) => return self.unless_bare(refused).map(|()| false),
        };
        self.buffers
            .entries
            .resize(16 * 1024, MaybeUninit::uninit());
        let mut entries = rustix::fs::RawDir::new(&dir, &mut self.buffers.entries);
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(|errno| stop(c"fd", errno.into()))?;
            if !entry.file_name().to_bytes()[0].is_ascii_digit() {
                continue;
            }
            match test(dir.as_fd(), entry.file_name()) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(errno) => match stop(c"fd", errno.into()) {
                    // Closed since it was listed, or a file that cannot be asked any more, as on a dead network file system.
                    Stop::Gone => {}
                    fatal @ Stop::Fatal(_) if is_of_machine(errno) => return Err(fatal),
                    Stop::Fatal(_) => {}
                    unreadable => return Err(unreadable),
                },
            }
        }
        Ok(false)
    }
}

fn is_of_machine(errno: rustix::io::Errno) -> bool {
    use rustix::io::Errno;
    matches!(errno, Errno::MFILE | Errno::NFILE | Errno::NOMEM)
}

fn stop(leaf: &'static CStr, error: io::Error) -> Stop {
    if is_gone(&error) {
        Stop::Gone
    } else if is_refused(&error) {
        Stop::Unreadable(leaf.to_str().unwrap_or_default())
    } else {
        Stop::Fatal(error)
    }
}
