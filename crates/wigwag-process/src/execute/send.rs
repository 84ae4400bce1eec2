//! Handing signals to the kernel.

use std::os::fd::AsFd;

use wigwag::send::{probe_group, queue_thread, send_everyone, send_group, send_thread};
use wigwag::{Errno, Error, PidFd, Scope, Signal, pidfd_send};

use super::{Course, Engine};
use crate::plan::Delivery;
use crate::receipt::{Effect, Evidence, Sent, Through};

impl Engine<'_, '_> {
    /// Sends to every process that is not settled.
    pub(super) fn send_all(&mut self, signal: Option<Signal>, value: Option<i32>) {
        self.signal = signal;
        match self.delivery {
            Delivery::Group(group) => self.send_together(signal, Some(group)),
            Delivery::OwnGroup => self.send_together(signal, Some(0)),
            Delivery::Everyone => self.send_together(signal, None),
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

    /// One kill(2) for a whole group (0: one's own), or for everyone.
    fn send_together(&mut self, signal: Option<Signal>, group: Option<i32>) {
        if self.courses.iter().all(|course| !course.is_open()) {
            return;
        }
        let at = self.now();
        let (result, through) = match group {
            Some(group) => self.send_group(signal, group),
            None => (signal.map_or(Ok(()), send_everyone), Through::Kill),
        };
        for course in self.courses.iter_mut().filter(|course| course.is_open()) {
            match &result {
                Ok(()) => course.sent.push(Sent {
                    signal,
                    at,
                    through,
                }),
                Err(error) => course.refuse(error),
            }
        }
    }

    /// Through the pidfd of the leader where it lives and the kernel can; then not even a group number can be mistaken.
    fn send_group(&self, signal: Option<Signal>, group: i32) -> (wigwag::Result<()>, Through) {
        let leader = self.courses.iter().find_map(|course| {
            let process = course.held.process.as_ref()?;
            (process.pid() == group && process.stat().pgrp == group)
                .then(|| process.pidfd(self.proc).ok())?
        });
        if let Some(leader) = leader {
            let result = pidfd_send(leader.as_fd(), signal, None, Scope::Group);
            // ESRCH is an answer: nobody is left in the group, and its number may be another's by now.
            if !matches!(&result, Err(error) if error.is_unsupported()) {
                return (result, Through::PidfdGroup);
            }
        }
        // By number: as long as a held member is in the group, no other group can have it.
        let inhabited = self.courses.iter().any(|course| {
            let process = course.held.process.as_ref();
            process.is_some_and(|p| p.dir().stat().is_ok_and(|stat| stat.pgrp == group))
        });
        if group != 0 && !inhabited {
            let gone = Error::new(format!("send to group {group}"), Errno::SRCH);
            return (Err(gone), Through::Kill);
        }
        let result = match signal {
            Some(signal) if group == 0 => wigwag::send::send_own_group(signal),
            Some(signal) => send_group(group, signal),
            None if group == 0 => Ok(()),
            None => probe_group(group),
        };
        (result, Through::Kill)
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
