//! A kernel before 6.9: all its pidfds are one inode of the anonymous file system.
//!
//! No filter can say that, as it is no error: the answers of fstatfs(2) and fstat(2) are written over, under ptrace.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::process::Command;

use crate::swapper::Ran;
use crate::sys::CallStop;
use crate::tracee::trace;

/// `ANON_INODE_FS_MAGIC` of linux/magic.h.
const ANON_INODE_FS: u64 = 0x0904_1934;
/// What they all have.
const INODE: u64 = 1057;

/// Runs a command to its end as on such a kernel. Its first number is that of the answers that were written over.
///
/// Panics when it cannot be started or traced.
pub fn run(command: Command) -> (usize, Ran) {
    let mut asked = HashMap::new();
    let (mut calls, mut rewritten) = (0, 0);
    let traced = trace(command, |pid, stop| match stop {
        CallStop::Entry(call, arguments) => {
            calls += 1;
            asked.insert(pid, (call, arguments));
        }
        CallStop::Exit(0) => {
            if let Some((call, arguments)) = asked.remove(&pid) {
                rewritten += usize::from(rewrite(pid, call, arguments));
            }
        }
        CallStop::Exit(_) => {
            asked.remove(&pid);
        }
    });
    let ran = Ran {
        status: traced.status,
        stdout: traced.stdout,
        stderr: traced.stderr,
        calls,
        swapped_at: None,
    };
    (rewritten, ran)
}

/// Writes over the answer to one call, if it was about a pidfd.
fn rewrite(pid: i32, call: u64, arguments: [u64; 6]) -> bool {
    let (offset, value) = match i64::try_from(call) {
        Ok(libc::SYS_fstatfs) => (std::mem::offset_of!(libc::statfs, f_type), ANON_INODE_FS),
        Ok(libc::SYS_fstat) => (std::mem::offset_of!(libc::stat, st_ino), INODE),
        _ => return false,
    };
    let link = std::fs::read_link(format!("/proc/{pid}/fd/{}", arguments[0])).unwrap_or_default();
    let name = link.to_string_lossy();
    if !name.starts_with("pidfd:") && name != "anon_inode:[pidfd]" {
        return false;
    }
    let memory = OpenOptions::new()
        .write(true)
        .open(format!("/proc/{pid}/mem"))
        .expect("a tracer may write its tracee's memory");
    memory
        .write_all_at(&value.to_ne_bytes(), arguments[1] + offset as u64)
        .expect("the answer's place is there");
    true
}
