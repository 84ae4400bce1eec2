//! What there is to show of one process.

use std::io;

use jiff::SignedDuration;
use serde_json::{Value, json};
use wigwag::{Signal, SignalSet};
use wigwag_process::dispositions::{JobControl, SignalView, ThreadView, Waiting};
use wigwag_process::prediction::{Prediction, To, predict};
use wigwag_process::procfs::{Proc, ProcDir, Stat, Status, user_name};

use super::syscalls;

/// One process, read once.
#[derive(Debug)]
pub struct Facts {
    /// The one thread that is meant, where not the process is.
    pub thread: Option<i32>,
    pub stat: Stat,
    pub status: Status,
    pub view: SignalView,
    /// The words of the command line.
    pub command: Vec<String>,
    pub exe: Option<String>,
    /// What it waits for, in words; `None` where it does not wait or that may not be read.
    pub waits: Option<String>,
    /// How many files it holds open; `None` where that may not be read.
    pub files: Option<usize>,
    pub user: String,
    /// For how long it has been running.
    pub age: SignedDuration,
}

/// What a process has set for a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    Default,
    Ignored,
    Caught,
}

impl Disposition {
    pub fn word(self) -> &'static str {
        match self {
            Disposition::Default => "default",
            Disposition::Ignored => "ignored",
            Disposition::Caught => "caught",
        }
    }
}

/// One signal of a process.
#[derive(Debug)]
pub struct Row {
    pub signal: Signal,
    pub disposition: Disposition,
    /// In how many of how many threads it is blocked.
    pub blocked: (usize, usize),
    /// The threads that it is pending for; 0 stands for the process.
    pub pending: Vec<i32>,
    pub prediction: Prediction,
}

impl Row {
    /// Whether nobody has touched it: default, open, not pending.
    pub fn is_plain(&self) -> bool {
        self.disposition == Disposition::Default && self.blocked.0 == 0 && self.pending.is_empty()
    }

    pub fn blocked_word(&self) -> String {
        match self.blocked {
            (0, _) => "-".to_owned(),
            (n, all) if n == all => "blocked".to_owned(),
            (n, all) => format!("{n}/{all}"),
        }
    }

    pub fn pending_word(&self) -> String {
        let words: Vec<String> = self
            .pending
            .iter()
            .map(|tid| {
                if *tid == 0 {
                    "pending".to_owned()
                } else {
                    format!("tid:{tid}")
                }
            })
            .collect();
        if words.is_empty() {
            "-".to_owned()
        } else {
            words.join(",")
        }
    }
}

impl Facts {
    pub fn read(
        proc: &Proc,
        jobs: &JobControl<'_>,
        dir: &ProcDir,
        thread: Option<i32>,
    ) -> io::Result<Facts> {
        let (stat, status) = (dir.stat()?, dir.status()?);
        let view = SignalView::read_among(jobs, dir)?;
        let words = dir.cmdline().unwrap_or_default();
        let words: Vec<String> = words
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        let place = thread.map_or_else(|| None, |tid| dir.task(tid).ok());
        let uid = status.uids[0];
        let age = proc.uptime().saturating_sub(proc.ticks(stat.start_ticks));
        Ok(Facts {
            waits: waits(place.as_ref().unwrap_or(dir), stat.state),
            exe: dir.exe().ok().map(|path| path.display().to_string()),
            files: dir.fds().ok().map(|fds| fds.len()),
            user: user_name(uid).unwrap_or_else(|| uid.to_string()),
            age: age.try_into().unwrap_or(SignedDuration::MAX),
            command: words,
            thread,
            stat,
            status,
            view,
        })
    }

    pub fn name(&self) -> String {
        self.stat.comm.to_string_lossy().into_owned()
    }

    /// One signal.
    pub fn row(&self, signal: Signal) -> Row {
        let view = &self.view;
        let disposition = if view.caught.contains(signal) {
            Disposition::Caught
        } else if view.ignored.contains(signal) {
            Disposition::Ignored
        } else {
            Disposition::Default
        };
        let threads = || {
            view.threads
                .iter()
                .filter(|thread| self.thread.is_none_or(|tid| tid == thread.tid))
        };
        let shared = view.pending.contains(signal).then_some(0);
        let own = threads()
            .filter(|thread| thread.pending.contains(signal))
            .map(|thread| thread.tid);
        let to = self.thread.map_or(To::Process, To::Thread);
        Row {
            signal,
            disposition,
            blocked: (
                threads()
                    .filter(|thread| thread.blocked.contains(signal))
                    .count(),
                threads().count(),
            ),
            pending: shared.into_iter().chain(own).collect(),
            prediction: predict(view, signal, to, false),
        }
    }

    /// Every signal, or the one.
    pub fn rows(&self, only: Option<Signal>) -> Vec<Row> {
        match only {
            Some(signal) => vec![self.row(signal)],
            None => Signal::all().map(|signal| self.row(signal)).collect(),
        }
    }

    /// Whether its threads block, await or have pending different signals, as far as `of` matters.
    pub fn threads_differ(&self, of: SignalSet) -> bool {
        let key = |thread: &ThreadView| {
            let waiting = match thread.waiting {
                Waiting::For(set) => set & of,
                _ => SignalSet::EMPTY,
            };
            (thread.blocked & of, thread.pending & of, waiting)
        };
        let mut keys = self.view.threads.iter().map(key);
        let first = keys.next();
        keys.any(|other| Some(other) != first)
    }

    pub fn to_json(&self, only: Option<Signal>) -> Value {
        let signals: Vec<Value> = self
            .rows(only)
            .iter()
            .map(|row| {
                json!({
                    "signal": row.signal,
                    "number": row.signal.number(),
                    "disposition": row.disposition.word(),
                    "blocked_in": row.blocked.0,
                    "threads": row.blocked.1,
                    "pending_for": row.pending.iter().map(|tid| if *tid == 0 { json!("process") } else { json!(tid) }).collect::<Vec<_>>(),
                    "predicted": row.prediction,
                })
            })
            .collect();
        json!({
            "pid": self.stat.pid,
            "thread": self.thread,
            "name": self.name(),
            "command": self.command,
            "exe": self.exe,
            "user": self.user,
            "uid": self.status.uids[0],
            "state": self.stat.state,
            "parent": self.stat.ppid,
            "group": self.stat.pgrp,
            "session": self.stat.session,
            "age": self.age,
            "waits_for": self.waits,
            "open_files": self.files,
            "view": self.view,
            "signals": signals,
        })
    }
}

/// The system call that a thread sits in, and the place in the kernel.
fn waits(dir: &ProcDir, state: char) -> Option<String> {
    if !matches!(state, 'S' | 'D' | 'I') {
        return None;
    }
    let call = dir
        .syscall()
        .ok()
        .flatten()
        .map(|(number, _)| syscalls::name(number));
    let place = dir.wchan().ok().flatten();
    match (call, place) {
        (Some(call), Some(place)) => Some(format!("{call}, in {place}")),
        (Some(one), None) => Some(one),
        (None, Some(place)) => Some(format!("in {place}")),
        (None, None) => None,
    }
}
