//! Handing signals to the kernel.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use wigwag::send::{probe_thread, queue_thread, send_everyone, send_own_group, send_thread};
use wigwag::{Errno, Error, PidFd, Scope, Signal, pidfd_send};

use super::{Course, Engine};
use crate::identity::{Permission, Process};
use crate::plan::{Delivery, leader};
use crate::prediction::Effect::Denied;
use crate::procfs::ProcDir;
use crate::receipt::{Effect, Evidence, Sent, Through};

/// How long a group that goes on forking is followed.
const SETTLING: Duration = Duration::from_secs(5);

impl Engine<'_, '_> {
    /// Sends to every process that is not settled.
    pub(super) fn send_all(&mut self, signal: Option<Signal>, value: Option<i32>) {
        self.signal = signal;
        match self.delivery {
            _ if self.open() == 0 => {}
            Delivery::Group(group) => self.send_to_group(signal, group),
            Delivery::Members => self.send_to_members(signal, value),
            Delivery::OwnGroup => {
                let result = signal.map_or(Ok(()), send_own_group);
                self.send_together(&result, signal, Through::Kill);
            }
            Delivery::Everyone => {
                let result = signal.map_or(Ok(()), send_everyone);
                self.send_together(&result, signal, Through::Kill);
            }
            Delivery::Each | Delivery::Freezer(_) => {
                for index in 0..self.courses.len() {
                    if self.courses[index].is_open() {
                        self.send_one(index, signal, value);
                    }
                }
            }
        }
    }

    pub(super) fn send_one(&mut self, index: usize, signal: Option<Signal>, value: Option<i32>) {
        let at = self.now();
        let course = &mut self.courses[index];
        let Some(process) = &course.held.process else {
            return;
        };
        // Freezing passes more than once; who has been stopped is not stopped again.
        if signal == Some(Signal::STOP)
            && course.last_signal() == signal
            && matches!(self.order.action, crate::order::Action::Freeze)
        {
            return;
        }
        let (result, through) = match (course.held.entry.who.thread, signal) {
            (None, None) => probe(process),
            (None, Some(_)) => (process.send(signal, value), Through::Pidfd),
            (Some(tid), _) => match &course.held.task {
                Some(task) => to_thread(process, task, signal, value),
                None => (Err(thread_gone(tid, Errno::SRCH)), Through::PidfdThread),
            },
        };
        match result {
            Ok(()) => course.sent.push(Sent {
                signal,
                at,
                through,
            }),
            Err(error) => course.refuse(&error, through),
        }
        if matches!(through, Through::Tgkill | Through::Tgsigqueue) {
            self.note(format!(
                "a thread is signalled by its numbers, {through}: a descriptor of one thread is not to be had here (before Linux 6.9, \
                 or a seccomp filter refuses it)"
            ));
        }
    }

    /// To each process of a group, and to those that were forked meanwhile, as one call to the whole group would.
    fn send_to_members(&mut self, signal: Option<Signal>, value: Option<i32>) {
        let begun = self.now();
        if signal.is_some() {
            self.add_newcomers();
        }
        let until = Instant::now() + SETTLING;
        loop {
            for index in 0..self.courses.len() {
                let course = &self.courses[index];
                let has_it = course.sent.last().is_some_and(|sent| sent.at >= begun);
                if course.is_open() && !has_it {
                    self.send_one(index, signal, value);
                }
            }
            // Who goes on running may fork as an answer, as a server its new workers: that is not meant.
            let halted = self
                .courses
                .iter()
                .all(|course| course.held.entry.predicted.halts());
            if signal.is_none() || Instant::now() >= until {
                return;
            }
            if !halted {
                let left = self.newcomers();
                if !left.is_empty() {
                    let who: Vec<String> = left.iter().map(|h| h.entry.who.to_string()).collect();
                    self.notes.push(format!(
                        "not signalled, since they came while the signal was sent and may be the answer to it: {}",
                        who.join(", ")
                    ));
                }
                return;
            }
            if !self.add_newcomers() {
                return;
            }
        }
    }

    /// One call for all: through the leader of a group, to one's own, to everyone.
    fn send_together(
        &mut self,
        result: &wigwag::Result<()>,
        signal: Option<Signal>,
        through: Through,
    ) {
        let at = self.now();
        for course in self.courses.iter_mut().filter(|course| course.is_open()) {
            // The call succeeds when one of them was reached; those that are not ours were not.
            let denied = course.held.entry.predicted.has(Denied);
            let probed = match (&course.held.process, result) {
                (Some(process), Ok(())) if denied => match process.permission() {
                    Ok(Permission::Denied(error)) | Err(error) => Err(error),
                    Ok(_) => Ok(()),
                },
                _ => Ok(()),
            };
            let result = if probed.is_err() { &probed } else { result };
            match result {
                Ok(()) => course.sent.push(Sent {
                    signal,
                    at,
                    through,
                }),
                Err(error) => course.refuse(error, through),
            }
        }
    }

    fn send_to_group(&mut self, signal: Option<Signal>, group: i32) {
        let held = self.courses.iter().map(|course| &course.held);
        let result = leader(group, held)
            .map(|leader| pidfd_send(leader.as_fd(), signal, None, Scope::Group));
        match result {
            // ESRCH is an answer: nobody is left in the group, and its number may be another's by now.
            Some(result) => self.send_together(&result, signal, Through::PidfdGroup),
            None => self.send_to_members(signal, None),
        }
    }
}

/// Asks whether a process may be signalled: through its descriptor, else by its number, which the directory vouches for.
fn probe(process: &Process) -> (wigwag::Result<()>, Through) {
    match process.permission() {
        Ok(Permission::Granted) => (Ok(()), Through::Pidfd),
        Ok(Permission::ByNumberOnly(_)) => (Ok(()), Through::Kill),
        Ok(Permission::Denied(error)) | Err(error) => (Err(error), Through::Pidfd),
    }
}

fn thread_gone(tid: i32, errno: Errno) -> Error {
    Error::new(format!("send to thread {tid}"), errno)
}

/// To one thread: by a descriptor of the thread (Linux 6.9), else by its numbers.
fn to_thread(
    process: &Process,
    task: &ProcDir,
    signal: Option<Signal>,
    value: Option<i32>,
) -> (wigwag::Result<()>, Through) {
    let tid = task.pid();
    let gone = |errno| thread_gone(tid, errno);
    let thread = PidFd::open_thread(tid);
    // The numbers were the thread's all the time if its directory still answers.
    if task.stat().is_err() {
        return (Err(gone(Errno::SRCH)), Through::PidfdThread);
    }
    let result = thread.and_then(|thread| pidfd_send(thread.as_fd(), signal, value, Scope::Thread));
    let refused = |error: &Error| {
        error.is_unsupported() || error.is_denied() && probe_thread(process.pid(), tid).is_ok()
    };
    if !result.as_ref().is_err_and(refused) {
        return (result, Through::PidfdThread);
    }
    // Asked last, so that no more than the call itself is left to chance (with a value, getpid and getuid come before it).
    if !task.is_there() {
        return (Err(gone(Errno::SRCH)), Through::Tgkill);
    }
    match (signal, value) {
        (None, _) => (probe_thread(process.pid(), tid), Through::Tgkill),
        (Some(signal), None) => (send_thread(process.pid(), tid, signal), Through::Tgkill),
        (Some(signal), Some(value)) => (
            queue_thread(process.pid(), tid, signal, value),
            Through::Tgsigqueue,
        ),
    }
}

impl Course {
    /// The kernel has refused to take a signal for it.
    fn refuse(&mut self, error: &Error, through: Through) {
        if error.is_gone() {
            // After an earlier signal, how it ended is looked at later.
            if self.sent.is_empty() {
                self.settle(
                    Effect::GoneBefore,
                    Evidence::Seen,
                    "the kernel says ESRCH; nothing was sent",
                );
            }
            return;
        }
        let status = self
            .held
            .process
            .as_ref()
            .and_then(|process| process.dir().status().ok());
        // kill(2) would have taken it: what is refused is the descriptor's call, not the signal.
        let by_number_only = || {
            let process = self.held.process.as_ref()?;
            matches!(process.permission(), Ok(Permission::ByNumberOnly(_))).then_some(())
        };
        let why = match &status {
            _ if through == Through::Pidfd
                && (error.is_unsupported() || error.is_denied())
                && by_number_only().is_some() =>
            {
                crate::plan::why_not_by_number(error)
            }
            Some(status) if error.is_denied() => crate::plan::why_denied(status),
            Some(status) if error.is_queue_full() => format!(
                "{} has {} of {} signals queued (RLIMIT_SIGPENDING)",
                crate::plan::user(status.uids[0]),
                status.sigq.0,
                status.sigq.1
            ),
            _ => error.to_string(),
        };
        self.settle(
            Effect::Denied {
                errno: super::errno_name(error.errno()),
                why,
            },
            Evidence::Seen,
            through.to_string(),
        );
    }
}
