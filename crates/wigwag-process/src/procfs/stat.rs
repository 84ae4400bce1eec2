//! `/proc/PID/stat` (proc_pid_stat(5)).

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::numbers::{parse_i32, parse_i64, parse_u64};

/// The fields of `/proc/PID/stat` that processes are told apart and chosen by.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stat {
    /// The process number; of a thread's file the thread's.
    pub pid: i32,
    /// The command name, at most 15 bytes (more for some kernel threads), any bytes but NUL.
    pub comm: OsString,
    /// R running, S sleeping, D uninterruptible, Z zombie, T stopped, t traced, X dead, I idle kernel thread.
    pub state: char,
    /// The parent; 0 for none, or one outside of the pid namespace.
    pub ppid: i32,
    /// The process group; 0 when it is outside of the pid namespace.
    pub pgrp: i32,
    /// The session; 0 when it is outside of the pid namespace.
    pub session: i32,
    /// The controlling terminal's device number; 0 for none.
    pub tty_nr: i32,
    /// The foreground process group of that terminal; -1 for none.
    pub tpgid: i32,
    /// Kernel flags (PF_*).
    pub flags: u32,
    /// Processor time in user mode, in clock ticks.
    pub utime: u64,
    /// Processor time in kernel mode, in clock ticks.
    pub stime: u64,
    /// Nice value, -20 to 19.
    pub nice: i32,
    /// How many threads live.
    pub num_threads: i32,
    /// When it started, in clock ticks since boot.
    pub start_ticks: u64,
    /// Virtual memory, in bytes.
    pub vsize: u64,
    /// Resident memory, in pages.
    pub rss_pages: i64,
    /// The wait status of one that has ended; 0 also where ptrace access is refused.
    pub exit_code: i32,
}

/// PF_KTHREAD of the kernel's sched.h.
const KERNEL_THREAD: u32 = 0x0020_0000;

impl Stat {
    /// Reads the file's text. `None` for anything that is not of its form; any bytes are safe, and a name with blanks,
    /// parentheses or line breaks is read as the kernel wrote it.
    ///
    /// ```
    /// use wigwag_process::procfs::Stat;
    /// let text = b"7 (a) (b) S 1 7 7 0 -1 4194560 9 0 0 0 1 2 0 0 20 0 1 0 815 4096 3 18446744073709551615";
    /// let stat = Stat::parse(text).ok_or("not of the form")?;
    /// assert_eq!((stat.pid, stat.comm.to_str(), stat.start_ticks), (7, Some("a) (b"), 815));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse(text: &[u8]) -> Option<Stat> {
        let open = text.iter().position(|&b| b == b'(')?;
        let close = text.iter().rposition(|&b| b == b')')?;
        let pid = parse_i32(text.get(..open)?.trim_ascii())?;
        let comm = text.get(open + 1..close)?;
        let mut fields = text
            .get(close + 1..)?
            .split(|b| b.is_ascii_whitespace())
            .filter(|f| !f.is_empty());
        let state = match fields.next()? {
            [letter] if letter.is_ascii_alphabetic() => char::from(*letter),
            _ => return None,
        };
        let mut signed = || fields.next().and_then(parse_i64);
        let mut small = || signed().and_then(|n| i32::try_from(n).ok());
        let (ppid, pgrp, session, tty_nr, tpgid) =
            (small()?, small()?, small()?, small()?, small()?);
        // Of the counters from here on some are larger than an i64 can be.
        let flags = fields.next().and_then(parse_u64)? as u32;
        let mut unsigned = fields.by_ref().skip(4);
        let utime = unsigned.next().and_then(parse_u64)?;
        let stime = unsigned.next().and_then(parse_u64)?;
        let mut signed = fields.by_ref().skip(3).map(parse_i64);
        let nice = i32::try_from(signed.next()??).ok()?;
        let num_threads = i32::try_from(signed.next()??).ok()?;
        signed.next()??;
        let start_ticks = fields.next().and_then(parse_u64)?;
        let vsize = fields.next().and_then(parse_u64)?;
        let rss_pages = fields.next().and_then(parse_i64)?;
        // The 52nd field, since Linux 3.5.
        let exit_code = fields.nth(27).and_then(parse_i64).unwrap_or(0) as i32;
        Some(Stat {
            pid,
            comm: OsString::from_vec(comm.to_vec()),
            state,
            ppid,
            pgrp,
            session,
            tty_nr,
            tpgid,
            flags,
            utime,
            stime,
            nice,
            num_threads,
            start_ticks,
            vsize,
            rss_pages,
            exit_code,
        })
    }

    /// Whether it is a thread of the kernel, which no signal can end.
    pub fn is_kernel_thread(&self) -> bool {
        self.flags & KERNEL_THREAD != 0
    }

    /// Whether it has ended and waits for its parent to collect the status.
    pub fn is_zombie(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}
