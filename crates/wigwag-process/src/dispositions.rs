//! What a process does with each signal, as `/proc` shows it: dispositions, masks and pending signals, who waits, and the states
//! that change what a signal does.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;

use serde::Serialize;
use wigwag::{Signal, SignalSet};

use crate::procfs::{Proc, ProcDir, Stat, Status};

/// Everything about a process that decides what a signal does to it.
#[derive(Clone, Debug, Serialize)]
pub struct SignalView {
    /// Its number.
    pub pid: i32,
    /// State of the first thread, a letter of proc(5).
    pub state: char,
    /// A kernel thread.
    pub kernel_thread: bool,
    /// Whether it is the init of a pid namespace, and of which.
    pub init: Init,
    /// The tracer's number, 0 for none.
    pub tracer: i32,
    /// Signals that are ignored.
    pub ignored: SignalSet,
    /// Signals that have a handler.
    pub caught: SignalSet,
    /// Pending for the process as a whole.
    pub pending: SignalSet,
    /// Signals queued for its user, and the limit (RLIMIT_SIGPENDING of the process).
    pub queue: (u64, u64),
    /// Its threads; the first is the leader.
    pub threads: Vec<ThreadView>,
    /// Its signalfds, `None` where they cannot be read.
    pub signalfds: Option<Vec<SignalFdView>>,
    /// Whether the cgroup freezer holds it.
    pub frozen: Option<Freezer>,
    /// Soft limit of the core file in bytes; `None`: unlimited, or not known.
    pub core_limit: Option<u64>,
    /// Whether core files go to a program (`core_pattern` with `|`), which no limit holds back.
    pub core_piped: bool,
    /// Whether its process group is orphaned; `None` where not asked.
    pub orphaned: Option<bool>,
}

/// One thread of a [`SignalView`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ThreadView {
    /// Its number.
    pub tid: i32,
    /// Its state, a letter of proc(5).
    pub state: char,
    /// Its mask, with what it waits for added back.
    pub blocked: SignalSet,
    /// Pending for this thread alone.
    pub pending: SignalSet,
    /// Whether it waits for signals.
    pub waiting: Waiting,
}

/// Whether a thread sits in `rt_sigtimedwait(2)` (sigwait, sigwaitinfo, sigtimedwait).
///
/// While it does, the kernel takes the awaited signals out of its mask: SigBlk alone would call a waited-for TERM fatal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// It does not.
    No,
    /// It waits for these.
    For(SignalSet),
    /// It waited for these when it was stopped: CONT ends the wait with EINTR, and whether it waits again is up to the program.
    Interrupted(SignalSet),
    /// It may: its system call cannot be read (ptrace access is refused).
    Unknown,
}

/// A signalfd of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SignalFdView {
    /// Its number there.
    pub fd: i32,
    /// What it takes.
    pub mask: SignalSet,
}

/// Whether a process is the init of a pid namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// It is none.
    No,
    /// Of the sender's own namespace: nothing that it does not handle reaches it.
    Inside,
    /// Of a namespace below the sender's: only KILL and STOP reach it without a handler.
    Outside,
}

/// The cgroup freezer that holds a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Freezer {
    /// `freezer.state` (cgroups v1): not even KILL gets through before the thaw.
    V1,
    /// `cgroup.freeze` (cgroups v2): what is fatal gets through.
    V2,
}

impl SignalView {
    /// Reads the whole view.
    ///
    /// # Errors
    /// ESRCH or ENOENT: it has gone. EACCES: `/proc` hides it (hidepid).
    ///
    /// ```
    /// use wigwag_process::{dispositions::SignalView, procfs::Proc};
    /// let proc = Proc::open()?;
    /// let me = SignalView::read(&proc, &proc.own()?)?;
    /// assert!(me.ignored.contains(wigwag::Signal::PIPE)); // every Rust program
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(proc: &Proc, dir: &ProcDir) -> io::Result<SignalView> {
        SignalView::read_among(&JobControl::new(proc), dir)
    }

    /// As [`SignalView::read`], for several processes: all processes are looked at once, not once for each.
    ///
    /// # Errors
    /// As [`SignalView::read`].
    pub fn read_among(jobs: &JobControl<'_>, dir: &ProcDir) -> io::Result<SignalView> {
        let (stat, status) = (dir.stat()?, dir.status()?);
        SignalView::from_parts(jobs, dir, &stat, &status, None)
    }

    /// Reads what decides about one signal; cheaper where the signal is neither blocked nor a stop signal.
    ///
    /// # Errors
    /// As [`SignalView::read`].
    pub fn read_for(
        jobs: &JobControl<'_>,
        dir: &ProcDir,
        stat: &Stat,
        status: &Status,
        signal: Signal,
    ) -> io::Result<SignalView> {
        SignalView::from_parts(jobs, dir, stat, status, Some(signal))
    }

    fn from_parts(
        jobs: &JobControl<'_>,
        dir: &ProcDir,
        stat: &Stat,
        status: &Status,
        only: Option<Signal>,
    ) -> io::Result<SignalView> {
        let proc = jobs.proc;
        let kernel_thread = stat.is_kernel_thread();
        let threads = threads(dir, status, kernel_thread)?;
        let concerns = |set: SignalSet| only.is_none_or(|signal| set.contains(signal));
        let blocked_somewhere = threads.iter().any(|thread| concerns(thread.blocked));
        let signalfds = if blocked_somewhere {
            signalfds(dir)
        } else {
            Some(Vec::new())
        };
        let job_control =
            only.is_none_or(|s| [Signal::TSTP, Signal::TTIN, Signal::TTOU].contains(&s));
        // CONT lets a stopped process take what is pending.
        let dumps = only.is_none_or(|s| {
            s == Signal::CONT || s.default_action() == wigwag::DefaultAction::CoreDump
        });
        let core_limit = match dumps {
            true => dir.limits().ok().and_then(|limits| limits.core.soft),
            false => None,
        };
        Ok(SignalView {
            pid: stat.pid,
            state: status.state,
            kernel_thread,
            init: match status.ns_pid.as_slice() {
                [] | [_] if stat.pid == 1 => Init::Inside,
                [_, .., 1] => Init::Outside,
                _ => Init::No,
            },
            tracer: status.tracer_pid,
            ignored: status.ignored,
            caught: status.caught,
            pending: status.shared_pending,
            queue: status.sigq,
            threads,
            signalfds,
            frozen: frozen(proc, dir),
            core_limit,
            core_piped: dumps
                && proc
                    .read(c"sys/kernel/core_pattern")
                    .is_ok_and(|p| p.starts_with(b"|")),
            orphaned: job_control.then(|| jobs.is_orphaned(stat.pgrp)),
        })
    }

    /// The leader has ended, other threads have not.
    pub fn leader_exited(&self) -> bool {
        self.state == 'Z' && self.threads.len() > 1
    }
}

fn threads(dir: &ProcDir, status: &Status, kernel_thread: bool) -> io::Result<Vec<ThreadView>> {
    if kernel_thread || status.state == 'Z' && status.threads <= 1 {
        return Ok(vec![thread(status.pid, status, Waiting::No)]);
    }
    if status.threads <= 1 {
        return Ok(vec![thread(status.pid, status, waiting(dir, status.state))]);
    }
    let mut views = Vec::with_capacity(usize::try_from(status.threads).unwrap_or(1));
    for tid in dir.tasks()? {
        // A thread that ends between the listing and the reading is no longer part of the picture.
        let Ok(task) = dir.task(tid) else { continue };
        let Ok(status) = task.status() else { continue };
        views.push(thread(tid, &status, waiting(&task, status.state)));
    }
    views.sort_by_key(|view| (view.tid != status.pid, view.tid));
    Ok(views)
}

fn thread(tid: i32, status: &Status, waiting: Waiting) -> ThreadView {
    let awaited = match waiting {
        Waiting::For(set) => set,
        _ => SignalSet::EMPTY,
    };
    ThreadView {
        tid,
        state: status.state,
        blocked: status.blocked | awaited,
        pending: status.sig_pending,
        waiting,
    }
}

/// Reads the set that a thread in rt_sigtimedwait(2) waits for from its memory.
fn waiting(task: &ProcDir, state: char) -> Waiting {
    let found: fn(SignalSet) -> Waiting = match state {
        'S' => Waiting::For,
        'T' => Waiting::Interrupted,
        _ => return Waiting::No,
    };
    match task.syscall() {
        Ok(Some((number, args))) if number == crate::sys::RT_SIGTIMEDWAIT => task
            .mem(args[0], 8)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map_or(Waiting::Unknown, |bytes| {
                found(SignalSet::from_bits(u64::from_ne_bytes(bytes)))
            }),
        Ok(_) => Waiting::No,
        Err(_) => Waiting::Unknown,
    }
}

fn signalfds(dir: &ProcDir) -> Option<Vec<SignalFdView>> {
    let mut found = Vec::new();
    for fd in dir.fds().ok()? {
        let Ok(link) = dir.fd_link(fd) else { continue };
        if link != Path::new("anon_inode:[signalfd]") {
            continue;
        }
        let mask = dir.fdinfo(fd).ok().and_then(|info| {
            let hex = info
                .lines()
                .find_map(|line| line.strip_prefix("sigmask:"))?;
            SignalSet::from_hex(hex.trim())
        });
        found.push(SignalFdView { fd, mask: mask? });
    }
    Some(found)
}

/// The inode of the pid namespace in which the machine's own init is 1 (PROC_PID_INIT_INO).
const INITIAL_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

/// Which process groups are orphaned: read from all processes at once, when first asked, and the same from then on.
#[derive(Debug)]
pub struct JobControl<'a> {
    proc: &'a Proc,
    /// The groups with a member whose parent is in another group of the same session.
    kept: OnceCell<HashSet<i32>>,
}

impl<'a> JobControl<'a> {
    /// Reads nothing yet.
    pub fn new(proc: &'a Proc) -> JobControl<'a> {
        JobControl {
            proc,
            kept: OnceCell::new(),
        }
    }

    /// Whether the group has no member whose parent is in another group of the same session (POSIX, setpgid(2)): there TSTP,
    /// TTIN and TTOU with the default action are discarded.
    ///
    /// Where `/proc` cannot be listed, none is.
    pub fn is_orphaned(&self, group: i32) -> bool {
        let kept = self.kept.get_or_init(|| kept_groups(self.proc));
        !kept.contains(&group) && !kept.contains(&ALL_KEPT)
    }
}

/// Stands for every group, where nothing is known of any.
const ALL_KEPT: i32 = -1;

/// The kernel counts a child of the global init as having no parent; init of a namespace is a parent like any other.
fn kept_groups(proc: &Proc) -> HashSet<i32> {
    let Ok(pids) = proc.pids() else {
        return HashSet::from([ALL_KEPT]);
    };
    let first_parent = if proc.pid_namespace() == INITIAL_PID_NAMESPACE {
        2
    } else {
        1
    };
    let all: HashMap<i32, Stat> = pids
        .into_iter()
        .filter_map(|pid| Some((pid, proc.dir(pid).ok()?.stat().ok()?)))
        .collect();
    all.values()
        .filter(|stat| !(stat.is_zombie() && stat.num_threads <= 1) && stat.ppid >= first_parent)
        .filter(|stat| {
            all.get(&stat.ppid)
                .is_some_and(|parent| parent.pgrp != stat.pgrp && parent.session == stat.session)
        })
        .map(|stat| stat.pgrp)
        .collect()
}

fn frozen(proc: &Proc, dir: &ProcDir) -> Option<Freezer> {
    crate::freezer::state_of(proc, dir)
}
