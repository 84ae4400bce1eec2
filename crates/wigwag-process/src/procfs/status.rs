//! `/proc/PID/status` (proc_pid_status(5)).

use super::numbers::{parse_hex, parse_i32, parse_u64};
use wigwag::SignalSet;

/// The lines of `/proc/PID/status` that say whose a process is and what it does with signals.
///
/// Of a thread's file, `sig_pending` and `blocked` are the thread's; the rest is the whole process's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The process that a thread belongs to; of a process itself its own number.
    pub tgid: i32,
    /// The number that was asked for.
    pub pid: i32,
    /// The parent; 0 for none here.
    pub ppid: i32,
    /// The process that traces it with ptrace(2); 0 for none.
    pub tracer_pid: i32,
    /// State letter, as in [`super::Stat::state`].
    pub state: char,
    /// Real, effective, saved and file system user.
    pub uids: [u32; 4],
    /// Real, effective, saved and file system group.
    pub gids: [u32; 4],
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// Its numbers, from the namespace of this `/proc` to its own; empty where the kernel does not tell.
    pub ns_pid: Vec<i32>,
    /// How many threads live.
    pub threads: i32,
    /// Signals queued for its real user, and the limit for that.
    pub sigq: (u64, u64),
    /// Pending for the thread.
    pub sig_pending: SignalSet,
    /// Pending for the whole process.
    pub shared_pending: SignalSet,
    /// Blocked by the thread. While it waits in rt_sigtimedwait(2) the awaited signals are missing from it.
    pub blocked: SignalSet,
    /// Ignored.
    pub ignored: SignalSet,
    /// Caught by a handler.
    pub caught: SignalSet,
    /// Resident memory in KiB; `None` for kernel threads and zombies.
    pub vm_rss: Option<u64>,
    /// Seccomp mode: 0 none, 1 strict, 2 filter.
    pub seccomp: u32,
    /// Effective capabilities (capabilities(7)).
    pub cap_effective: u64,
}

impl Status {
    /// Reads the file's text. `None` where a line is missing that every kernel writes, or is not of its form; any bytes are
    /// safe.
    ///
    /// ```
    /// use wigwag_process::procfs::Proc;
    /// let text = Proc::open()?.read(c"self/status")?;
    /// let status = wigwag_process::procfs::Status::parse(&text).ok_or("not of the form")?;
    /// assert_eq!(status.tgid, std::process::id() as i32);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse(text: &[u8]) -> Option<Status> {
        let mut lines = Lines::default();
        for line in text.split(|&b| b == b'\n') {
            let Some(colon) = line.iter().position(|&b| b == b':') else {
                continue;
            };
            lines.take(&line[..colon], line[colon + 1..].trim_ascii());
        }
        lines.finish()
    }
}

/// What has been read so far.
#[derive(Default)]
struct Lines {
    tgid: Option<i32>,
    pid: Option<i32>,
    ppid: Option<i32>,
    tracer_pid: i32,
    state: Option<char>,
    uids: Option<[u32; 4]>,
    gids: Option<[u32; 4]>,
    groups: Vec<u32>,
    ns_pid: Vec<i32>,
    threads: i32,
    sigq: (u64, u64),
    sets: [Option<SignalSet>; 5],
    vm_rss: Option<u64>,
    seccomp: u32,
    cap_effective: u64,
}

impl Lines {
    fn take(&mut self, key: &[u8], value: &[u8]) {
        let set = || parse_hex(value).map(SignalSet::from_bits);
        match key {
            b"Tgid" => self.tgid = parse_i32(value),
            b"Pid" => self.pid = parse_i32(value),
            b"PPid" => self.ppid = parse_i32(value),
            b"TracerPid" => self.tracer_pid = parse_i32(value).unwrap_or(0),
            b"State" => self.state = value.first().map(|&b| char::from(b)),
            b"Uid" => self.uids = four(value),
            b"Gid" => self.gids = four(value),
            b"Groups" => self.groups = words(value).filter_map(small).collect(),
            b"NSpid" => self.ns_pid = words(value).filter_map(parse_i32).collect(),
            b"Threads" => self.threads = parse_i32(value).unwrap_or(0),
            b"SigQ" => {
                let mut parts = value
                    .split(|&b| b == b'/')
                    .map(|w| parse_u64(w).unwrap_or(0));
                self.sigq = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
            }
            b"SigPnd" => self.sets[0] = set(),
            b"ShdPnd" => self.sets[1] = set(),
            b"SigBlk" => self.sets[2] = set(),
            b"SigIgn" => self.sets[3] = set(),
            b"SigCgt" => self.sets[4] = set(),
            b"VmRSS" => self.vm_rss = words(value).next().and_then(parse_u64),
            b"Seccomp" => self.seccomp = small(value).unwrap_or(0),
            b"CapEff" => self.cap_effective = parse_hex(value).unwrap_or(0),
            _ => {}
        }
    }

    fn finish(self) -> Option<Status> {
        let [sig_pending, shared_pending, blocked, ignored, caught] = self.sets;
        Some(Status {
            tgid: self.tgid?,
            pid: self.pid?,
            ppid: self.ppid?,
            tracer_pid: self.tracer_pid,
            state: self.state?,
            uids: self.uids?,
            gids: self.gids?,
            groups: self.groups,
            ns_pid: self.ns_pid,
            threads: self.threads,
            sigq: self.sigq,
            sig_pending: sig_pending?,
            shared_pending: shared_pending?,
            blocked: blocked?,
            ignored: ignored?,
            caught: caught?,
            vm_rss: self.vm_rss,
            seccomp: self.seccomp,
            cap_effective: self.cap_effective,
        })
    }
}

fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|b| b.is_ascii_whitespace())
        .filter(|w| !w.is_empty())
}

fn small(word: &[u8]) -> Option<u32> {
    parse_u64(word).and_then(|n| u32::try_from(n).ok())
}

fn four(value: &[u8]) -> Option<[u32; 4]> {
    let mut numbers = words(value).map(small);
    Some([
        numbers.next()??,
        numbers.next()??,
        numbers.next()??,
        numbers.next()??,
    ])
}
