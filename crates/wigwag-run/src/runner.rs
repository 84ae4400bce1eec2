//! The loop: signals in, the command's end out.

mod begin;
mod ending;
mod passing;

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use wigwag::{PidFd, Signal, SignalFd, SignalInfo, SignalSet, WaitStatus, send};

use crate::children::{self, Cleaning, Helper, Helpers};
use crate::ended::{CleanUp, Ended, Passed, Usage};
use crate::forward::{Fate, Own, fate};
use crate::guardian::{Charge, Guardian, News, Token};
use crate::start::Shell;
use crate::sys::{self, Whose};
use crate::terminal::{self, Terminal};
use crate::{Error, Observer, Release, Run, Stops, To};

pub(crate) use begin::run;

/// How many signals are remembered for the report.
const REMEMBERED: usize = 1_000;
/// How soon a signal for which there was no room is tried again.
const AGAIN: Duration = Duration::from_millis(1);
/// How often what is left of a tree is looked for anew.
const ROUNDS: u32 = 16;

/// How often the guardian is started, where it is killed before it is armed.
const ATTEMPTS: u32 = 5;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The command runs, or a trap does.
    Running,
    /// What it has left is ended.
    Sweeping,
    /// The clean-up runs.
    Cleaning,
    Over,
}

struct Runner<'a> {
    run: &'a Run,
    observer: &'a mut dyn Observer,
    shell: Shell,
    own: Own,
    taken: SignalFd,
    begun: Instant,
    /// 0: there is none.
    command: i32,
    pidfd: Option<PidFd>,
    /// What the kernel sends because the terminal was given up.
    hand_off: SignalSet,
    at_end_sent: bool,
    guard: Option<Guard>,
    ended: Option<(WaitStatus, Usage)>,
    took: Duration,
    is_stopped: bool,
    terminal: Option<Terminal>,
    helpers: Helpers,
    /// Of signals whose trap runs already.
    waiting: VecDeque<SignalInfo>,
    /// Of signals for which the command's user had no room in the queue.
    backlog: VecDeque<SignalInfo>,
    deadline: Option<Instant>,
    timed_out: bool,
    passed: VecDeque<Passed>,
    phase: Phase,
    rounds: u32,
    clean_up: CleanUp,
    collects_all: bool,
}

/// What there is where there is something to clean up.
struct Guard {
    charge: Charge,
    token: Token,
    /// `None` where it was killed, and there was no room for another.
    guardian: Option<Guardian>,
}

impl Runner<'_> {
    fn work(&mut self, cleaning: &Cleaning) -> Result<(), Error> {
        if self.guard.is_some() {
            // It may have ended before the descriptor was there to tell.
            self.collect();
        }
        loop {
            self.send_backlog();
            self.advance(cleaning);
            if self.phase == Phase::Over {
                return Ok(());
            }
            self.sleep().map_err(Error::system("wait for signals"))?;
            // Those who send feel it when the command's queue is full: nothing more is taken until it has room.
            while self.backlog.is_empty() {
                let Some(info) = self.taken.read()? else {
                    break;
                };
                self.take(info);
            }
            if self.parent().is_some() {
                self.collect();
            }
            if self
                .deadline
                .is_some_and(|deadline| Instant::now() >= deadline)
            {
                self.deadline = None;
                self.time_is_over();
            }
        }
    }

    fn sleep(&self) -> io::Result<()> {
        let again = (!self.backlog.is_empty()).then_some(AGAIN);
        let deadline = self
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let limit = [again, deadline].into_iter().flatten().min();
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let events = match self.backlog.is_empty() {
            true => PollFlags::IN,
            false => PollFlags::empty(),
        };
        let mut fds = vec![PollFd::new(&self.taken, events)];
        fds.extend(
            self.parent()
                .map(|guardian| PollFd::new(guardian.socket(), PollFlags::IN)),
        );
        match poll(&mut fds, limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// One that has come.
    fn take(&mut self, info: SignalInfo) {
        let signal = info.signal;
        self.observer.came(signal);
        if self.hand_off.contains(signal) {
            self.hand_off -= signal.into();
            self.observer.was_hand_off(signal);
            return;
        }
        if self.run.pause.is_some_and(|ends| ends.contains(signal)) {
            self.ended = Some((WaitStatus::Exited(0), Usage::default()));
            return;
        }
        match fate(&info, self.own) {
            Fate::Collect => self.collect(),
            Fate::Own => {}
            Fate::Forward if info.signal == Signal::CONT => self.go_on(info),
            fate => self.trap_or_pass(info, fate == Fate::Forward),
        }
        if self.own.stops_itself && terminal::is_job_control(signal) {
            self.observer.stops();
            // To oneself it is always allowed; process 1 goes on.
            let _ = send::send(self.own.pid, Signal::STOP);
        }
    }

    /// What is to be let go of when the command has started.
    fn release(&self) {
        if self.run.release != Release::Nothing {
            // There is nobody to tell, and no harm where it fails.
            let _ = rustix::process::chdir("/");
        }
        if self.run.release == Release::All {
            let own = [
                Some(self.taken.as_raw_fd()),
                self.pidfd.as_ref().map(AsRawFd::as_raw_fd),
                self.terminal.as_ref().map(AsRawFd::as_raw_fd),
            ];
            let mut kept: Vec<i32> = (0..3).chain(own.into_iter().flatten()).collect();
            // Of a run with a guardian the rest is needed.
            if self.guard.is_none() {
                let _ = sys::close_all_but(&mut kept);
            }
        }
    }

    fn guardian(&self) -> Option<&Guardian> {
        self.guard.as_ref()?.guardian.as_ref()
    }

    /// The guardian whose child the command is.
    fn parent(&self) -> Option<&Guardian> {
        self.guardian().filter(|guardian| guardian.is_parent)
    }

    /// The command and, where they become children of this process or the guardian, the orphans of its tree.
    fn roots(&self) -> Vec<i32> {
        let parent = self.parent().map_or(self.own.pid, |guardian| guardian.pid);
        let helpers = self.helpers.pids();
        match children::of(parent) {
            Some(mut pids) => {
                pids.retain(|pid| !helpers.contains(pid));
                pids
            }
            None => Some(self.command)
                .filter(|pid| *pid != 0)
                .into_iter()
                .collect(),
        }
    }

    /// CONT: fg and bg send it to the whole group, and the command may go on already.
    fn go_on(&mut self, info: SignalInfo) {
        let was_stopped = self.is_stopped;
        self.collect();
        match &self.terminal {
            Some(terminal) if terminal.is_ours() => terminal.give(self.command),
            // Of its group, it has got the same.
            None if self.own.shares_group
                && was_stopped
                && !self.is_stopped
                && self.run.stops == Stops::WithCommand =>
            {
                return;
            }
            _ => {}
        }
        self.trap_or_pass(info, true);
    }

    /// All news of children.
    fn collect(&mut self) {
        loop {
            if self.ended.is_none() {
                self.end_group();
            }
            let news = match self.collects_all && self.guard.is_none() {
                true => sys::news(Whose::Anybody),
                false => {
                    let all = || sys::news(Whose::Anybody);
                    let own = self.news_of_own();
                    own.or_else(|| self.collects_all.then(all).flatten())
                }
            };
            let Some((pid, status, usage)) = news else {
                self.observer.all_collected();
                return;
            };
            if matches!(status, WaitStatus::Exited(_) | WaitStatus::Killed { .. }) {
                self.observer.collected(pid, status, pid == self.command);
            }
            if pid == self.command && self.ended.is_none() {
                self.command_has(status, usage);
            } else if !matches!(status, WaitStatus::Stopped(_) | WaitStatus::Continued)
                && let Some(helper) = self.helpers.take(pid)
            {
                self.helper_has_ended(helper, status);
            }
        }
    }

    fn news_of_own(&self) -> Option<(i32, WaitStatus, Usage)> {
        let told = || match self.parent()?.news()? {
            News::Command(status, usage) => Some((self.command, status, usage)),
            News::Armed(_) | News::Failed(_) => None,
        };
        // Of a guardian's child there is no news here, until that is gone.
        let command = || match self.command {
            0 => None,
            command => sys::news(Whose::Child(command)),
        };
        let helpers = || {
            self.helpers
                .news()
                .map(|(pid, status)| (pid, status, Usage::default()))
        };
        told().or_else(command).or_else(helpers)
    }

    fn command_has(&mut self, status: WaitStatus, usage: Usage) {
        match status {
            WaitStatus::Stopped(signal) => {
                self.is_stopped = true;
                if terminal::is_job_control(signal) && self.run.stops == Stops::WithCommand {
                    self.stop_with_it(signal);
                }
            }
            WaitStatus::Continued => self.is_stopped = false,
            status => {
                self.took = self.begun.elapsed();
                if let Some(signal) = self.run.at_end {
                    self.observer.passed(signal, self.run.map.of(signal));
                }
                self.ended = Some((status, usage));
                self.deadline = None;
                self.backlog.clear();
                if let Some(terminal) = &self.terminal {
                    terminal.take_back(self.command);
                }
            }
        }
    }

    /// What is left of the command's group gets what it is to get then: as long as the command is not collected, no other group has
    /// its number.
    fn end_group(&mut self) {
        let Some(signal) = self.run.at_end else {
            return;
        };
        if self.run.to != To::Group || self.at_end_sent || sys::end_of(self.command).is_none() {
            return;
        }
        self.at_end_sent = true;
        if let (Some(to), Some(pidfd)) = (self.run.map.of(signal), &self.pidfd) {
            // Nobody may be left.
            let _ = self.send_to_group(pidfd, to, None);
        }
    }

    /// The command was stopped from the terminal: the shell is to see its job stopped.
    fn stop_with_it(&mut self, signal: Signal) {
        if let Some(terminal) = &self.terminal {
            if terminal.is_ours() && signal != Signal::TSTP {
                // It wanted the terminal, which is ours to give.
                terminal.give(self.command);
                let _ = self
                    .pidfd
                    .as_ref()
                    .map(|command| self.send_to_group(command, Signal::CONT, None));
                return;
            }
            terminal.take_back(self.command);
        }
        let stopped = terminal::stop_by(signal);
        self.deadline = self.deadline.map(|deadline| deadline + stopped);
    }

    fn helper_has_ended(&mut self, helper: Helper, status: WaitStatus) {
        match helper {
            Helper::Trap { then, of } => {
                then.into_iter().for_each(|info| self.send(info));
                if let Some(at) = self
                    .waiting
                    .iter()
                    .position(|info| info.signal == of.signal)
                    && let Some(info) = self.waiting.remove(at)
                {
                    let pass = fate(&info, self.own) == Fate::Forward;
                    self.trap_or_pass(info, pass);
                }
            }
            Helper::Stopper => {}
            Helper::Guardian => self.guardian_is_gone(),
            Helper::Cleaner => {
                self.clean_up = match status {
                    WaitStatus::Exited(0) => CleanUp::Done,
                    status => CleanUp::Failed(status),
                };
                self.phase = Phase::Over;
            }
        }
    }

    /// The command, where it was its child, has become this process's. Another one takes its place.
    fn guardian_is_gone(&mut self) {
        // What it had told before.
        while let Some(News::Command(status, usage)) = self.parent().and_then(Guardian::news) {
            if self.ended.is_none() {
                self.command_has(status, usage);
            }
        }
        let command = self.command;
        let Some(guard) = &mut self.guard else { return };
        let another = || Guardian::replace(&guard.charge, &mut guard.token, command).ok();
        guard.guardian = std::iter::repeat_with(another)
            .take(ATTEMPTS as usize)
            .flatten()
            .next();
        if let Some(guardian) = &guard.guardian {
            let pid = guardian.pid;
            self.helpers.add(pid, Helper::Guardian);
        }
    }

    fn result(mut self) -> Ended {
        self.dismiss();
        let (status, usage) = self
            .ended
            .unwrap_or((WaitStatus::Exited(0), Usage::default()));
        Ended {
            status,
            timed_out: self.timed_out,
            took: self.took,
            usage,
            passed: self.passed.into(),
            clean_up: self.clean_up,
        }
    }
}
