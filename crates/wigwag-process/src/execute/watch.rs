//! Waiting for the effects: all ends through one epoll, everything else by looking at `/proc` at short intervals.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
use rustix::io::Errno;

use super::{Engine, Progress, Remaining};
use crate::procfs::errno_of;
use crate::receipt::{Effect, Evidence};

/// How often an observer is told.
const TICK: Duration = Duration::from_millis(100);
/// How many processes a progress shows.
const SHOWN: usize = 8;
/// The events that stand for the observer's interrupt.
const INTERRUPT: u64 = u64::MAX;

/// When a process is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// When it has ended.
    Ended,
    /// When every thread has stopped.
    Stopped,
    /// When it is not stopped.
    Resumed,
    /// When what the signal did can be said.
    Effect,
}

/// How many must be settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waker {
    /// All of them.
    All,
    /// One of them; or, while a schedule waits, none: the time ends it.
    Any,
}

impl Engine<'_, '_> {
    /// Waits until the processes are settled as `goal` has it, until `until`, or until the observer interrupts.
    pub(super) fn watch(&mut self, goal: &Goal, until: Option<Instant>, waker: Waker) {
        let mut epoll = match epoll::create(epoll::CreateFlags::CLOEXEC) {
            Ok(epoll) => Some(epoll),
            Err(errno) => {
                self.note_looking("epoll", errno.into());
                None
            }
        };
        let registered = epoll.as_ref().is_some_and(|epoll| self.register(epoll));
        let mut pause = Duration::from_micros(500);
        let mut told = Instant::now();
        let mut only_ends = *goal == Goal::Ended && registered;
        let waits = matches!(self.order.action, crate::order::Action::Wait { .. });
        loop {
            let settled = if only_ends { 0 } else { self.look_for(*goal) };
            let stop_at_first = waker == Waker::Any && waits;
            if self.open() == 0 || (stop_at_first && (settled > 0 || self.any_ended())) {
                return;
            }
            let now = Instant::now();
            if until.is_some_and(|until| now >= until) {
                return;
            }
            // None: until something happens.
            let looks = self.observer.looks().then_some(TICK);
            let left = until.map(|until| until.saturating_duration_since(now));
            let mut sleep = left.into_iter().chain(looks).min();
            if !only_ends {
                sleep = Some(sleep.map_or(pause, |sleep| sleep.min(pause)));
                pause = (pause * 2).min(Duration::from_millis(20));
            }
            let events = match &epoll {
                Some(epoll) => wait_for(epoll, sleep),
                None => self.rest(sleep),
            };
            match events {
                Ok(events) => {
                    for index in events {
                        match index {
                            INTERRUPT => {
                                self.interrupted = true;
                                return;
                            }
                            index => self.end_of(index),
                        }
                    }
                }
                Err(errno) => {
                    self.note_looking("epoll", errno.into());
                    (epoll, only_ends) = (None, false);
                }
            }
            if looks.is_some() && told.elapsed() >= TICK {
                told = Instant::now();
                self.tell(until);
            }
        }
    }

    fn any_ended(&self) -> bool {
        self.courses.iter().any(|course| {
            course
                .done
                .as_ref()
                .is_some_and(|(effect, ..)| effect.has_ended())
        })
    }

    /// Without an epoll: waits for the observer's interrupt alone.
    fn rest(&self, time: Option<Duration>) -> rustix::io::Result<Vec<u64>> {
        let timeout = time.and_then(|time| Timespec::try_from(time).ok());
        let interrupt = self.observer.interrupt();
        let mut fds: Vec<PollFd<'_>> = interrupt
            .iter()
            .map(|fd| PollFd::new(fd, PollFlags::IN))
            .collect();
        match poll(&mut fds, timeout.as_ref()) {
            Ok(0) | Err(Errno::INTR) => Ok(Vec::new()),
            Ok(_) => Ok(vec![INTERRUPT]),
            Err(_) => {
                std::thread::sleep(time.unwrap_or(TICK));
                Ok(Vec::new())
            }
        }
    }

    fn note_looking(&mut self, what: &str, error: std::io::Error) {
        let errno = errno_of(&error).map_or_else(|| error.to_string(), |errno| errno.to_string());
        self.note(format!(
            "{what} is not to be had here ({errno}): what became of them is looked for in /proc, every 20 ms"
        ));
    }

    /// Whether every end will be told by the epoll; else they are to be looked for.
    fn register(&mut self, epoll: &impl AsFd) -> bool {
        let mut unwatched = None;
        let ladder = matches!(self.order.action, crate::order::Action::Stop { .. });
        if let Some(fd) = self.observer.interrupt() {
            // A descriptor that cannot be polled never interrupts.
            let _ = epoll::add(
                epoll,
                fd,
                epoll::EventData::new_u64(INTERRUPT),
                epoll::EventFlags::IN,
            );
        }
        for (index, course) in self
            .courses
            .iter_mut()
            .enumerate()
            .filter(|(_, course)| course.is_open())
        {
            let Some(process) = &course.held.process else {
                continue;
            };
            let data = epoll::EventData::new_u64(index as u64);
            let added = process.pidfd(self.proc).and_then(|pidfd| {
                Ok(epoll::add(
                    epoll,
                    pidfd.as_fd(),
                    data,
                    epoll::EventFlags::IN | epoll::EventFlags::ONESHOT,
                )?)
            });
            match added {
                Ok(()) => {}
                Err(error) if crate::procfs::is_gone(&error) => {
                    let effect = if course.sent.is_empty() {
                        Effect::GoneBefore
                    } else {
                        Effect::Ended { status: None }
                    };
                    course.settle(
                        effect,
                        Evidence::Seen,
                        "it has been collected by its parent already",
                    );
                }
                // Who is to be stopped must get the next step all the same.
                Err(error) if is_out_of_files(&error) && !ladder => course.settle(
                    Effect::Unknown,
                    Evidence::Unknown,
                    format!("cannot watch it: {error}; raise the limit of open files (ulimit -n)"),
                ),
                Err(error) => unwatched = Some(error),
            }
        }
        let all = unwatched.is_none();
        if let Some(error) = unwatched {
            self.note_looking("pidfd_open", error);
        }
        all
    }

    fn end_of(&mut self, index: u64) {
        let proc = self.proc;
        let Some(course) = usize::try_from(index)
            .ok()
            .and_then(|index| self.courses.get_mut(index))
        else {
            return;
        };
        let (effect, how) = super::look::ended(proc, &course.held);
        course.settle(effect, Evidence::Seen, how);
    }

    fn tell(&mut self, until: Option<Instant>) {
        let open = || self.courses.iter().filter(|course| course.is_open());
        let shown = open()
            .take(SHOWN)
            .map(|course| {
                let dir = course.held.process.as_ref().map(|process| process.dir());
                let state = dir
                    .and_then(|dir| dir.stat().ok())
                    .map_or('?', |stat| stat.state);
                let wchan = (state == 'D')
                    .then(|| dir.and_then(|dir| dir.wchan().ok().flatten()))
                    .flatten();
                Remaining {
                    who: &course.held.entry.who,
                    state,
                    wchan,
                }
            })
            .collect();
        let progress = Progress {
            elapsed: self.start.elapsed(),
            again: self.again,
            signal: self.signal,
            left: self
                .step_over
                .or(until)
                .map(|until| until.saturating_duration_since(Instant::now())),
            total: self.courses.len(),
            remaining: open().count(),
            shown,
        };
        self.observer.progress(&progress);
    }
}

/// The data of the events that came within `time`; where there is none, of the first that come.
fn wait_for(epoll: &impl AsFd, time: Option<Duration>) -> rustix::io::Result<Vec<u64>> {
    let mut events = Vec::with_capacity(256);
    let timeout = time.and_then(|time| Timespec::try_from(time).ok());
    // EINTR: the caller looks and waits again.
    match epoll::wait(epoll, spare_capacity(&mut events), timeout.as_ref()) {
        Ok(_) => Ok(events.iter().map(|event| event.data.u64()).collect()),
        Err(Errno::INTR) => Ok(Vec::new()),
        Err(errno) => Err(errno),
    }
}

/// EMFILE or ENFILE.
fn is_out_of_files(error: &std::io::Error) -> bool {
    errno_of(error).is_some_and(|errno| [libc::EMFILE, libc::ENFILE].contains(&errno.number()))
}
