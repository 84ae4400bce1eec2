//! Handing signals to the kernel.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use wigwag::send::{queue_thread, send_everyone, send_own_group, send_thread};
use wigwag::{Errno, Error, PidFd, Scope, Signal, pidfd_send};

use super::{Course, Engine};
use crate::plan::{Delivery, leader};
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
            Delivery::Members => self.send_to_members(signal),
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

    fn send_one(&mut self, index: usize, signal: Option<Signal>, value: Option<i32>) {
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
        let result = match course.held.entry.who.thread {
            None => process.send(signal, value).map(|()| Through::Pidfd),
            Some(tid) => to_thread(process, tid, signal, value),
        };
        match result {
            Ok(through) => course.sent.push(Sent {
                signal,
                at,
                through,
            }),
            Err(error) => course.refuse(&error),
        }
    }

    /// To each process of a group, and to those that were forked meanwhile, as one call to the whole group would.
    fn send_to_members(&mut self, signal: Option<Signal>) {
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
                    self.send_one(index, signal, None);
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
            match result {
                Ok(()) => course.sent.push(Sent {
                    signal,
                    at,
                    through,
                }),
                Err(error) => course.refuse(error),
            }
        }
    }

    fn send_to_group(&mut self, signal: Option<Signal>, group: i32) {
        let held = self.courses.iter().map(|course| &course.held);
        let result = leader(self.proc, group, held)
            .map(|leader| pidfd_send(leader.as_fd(), signal, None, Scope::Group));
        match result {
            // ESRCH is an answer: nobody is left in the group, and its number may be another's by now.
            Some(result) => self.send_together(&result, signal, Through::PidfdGroup),
            None => self.send_to_members(signal),
        }
    }
}

/// To one thread: by a descriptor of the thread (Linux 6.9), else by its numbers.
fn to_thread(
    process: &crate::identity::Process,
    tid: i32,
    signal: Option<Signal>,
    value: Option<i32>,
) -> wigwag::Result<Through> {
    let task = process.dir().task(tid).map_err(|error| {
        let number = error
            .raw_os_error()
            .filter(|n| *n != libc::ENOENT)
            .unwrap_or(libc::ESRCH);
        Error::new(format!("send to thread {tid}"), Errno::new(number))
    })?;
    match PidFd::open_thread(tid) {
        Ok(thread) => {
            // The number was the thread's all the time if its directory still answers.
            if task.stat().is_err() {
                return Err(Error::new(
                    format!("send to thread {tid}"),
                    Errno::new(libc::ESRCH),
                ));
            }
            pidfd_send(thread.as_fd(), signal, value, Scope::Thread)?;
            Ok(Through::PidfdThread)
        }
        Err(error) if error.is_unsupported() => {
            match (signal, value) {
                (Some(signal), None) => send_thread(process.pid(), tid, signal)?,
                (Some(signal), Some(value)) => queue_thread(process.pid(), tid, signal, value)?,
                (None, _) => process.send(None, None)?,
            }
            Ok(Through::Tgkill)
        }
        Err(error) => Err(error),
    }
}

impl Course {
    /// The kernel has refused to take a signal for it.
    fn refuse(&mut self, error: &Error) {
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
        let why = match &status {
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
            "pidfd_send_signal",
        );
    }
}
