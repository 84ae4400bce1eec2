//! /proc read plainly, for observers that must not use the code under test.

/// What a thread shows: its id, state letter and how often it was switched away from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Its thread id.
    pub tid: i32,
    /// The letter of proc(5): R, S, D, Z, T, t, X.
    pub state: char,
    switches: (u64, u64),
}

/// A field of a `status` file.
fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(str::trim)
}

fn mask(status: &str, name: &str) -> u64 {
    field(status, name)
        .and_then(|hex| u64::from_str_radix(hex, 16).ok())
        .unwrap_or(0)
}

/// The state letter of a process, None once it is gone.
#[must_use]
pub fn state(pid: i32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

/// The name of a process, None once it is gone.
#[must_use]
pub fn name(pid: i32) -> Option<String> {
    std::fs::read_to_string(format!("/proc/{pid}/comm"))
        .ok()
        .map(|name| name.trim_end().to_owned())
}

/// All threads of a process, in the order of their ids; empty once it is gone.
#[must_use]
pub fn threads(pid: i32) -> Vec<Thread> {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let mut threads: Vec<Thread> = entries
        .filter_map(|entry| {
            let tid: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let status = std::fs::read_to_string(format!("/proc/{pid}/task/{tid}/status")).ok()?;
            let number = |name| {
                field(&status, name)
                    .and_then(|text| text.parse().ok())
                    .unwrap_or(0)
            };
            Some(Thread {
                tid,
                state: field(&status, "State")?.chars().next()?,
                switches: (
                    number("voluntary_ctxt_switches"),
                    number("nonvoluntary_ctxt_switches"),
                ),
            })
        })
        .collect();
    threads.sort_by_key(|thread| thread.tid);
    threads
}

/// Whether a signal is pending for the process or any thread of it.
#[must_use]
pub fn pending(pid: i32, signal: i32) -> bool {
    let bit = 1_u64 << (signal - 1);
    threads(pid).iter().any(|thread| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/task/{}/status", thread.tid))
            .unwrap_or_default();
        (mask(&status, "SigPnd") | mask(&status, "ShdPnd")) & bit != 0
    })
}

/// Whether anything at all is pending for the process or any thread of it.
#[must_use]
pub fn anything_pending(pid: i32) -> bool {
    (1..=64).any(|signal| pending(pid, signal))
}
