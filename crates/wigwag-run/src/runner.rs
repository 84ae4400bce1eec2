//! The loop: signals in, the command's end out.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::getpid;
use wigwag::disposition::{self, Handling};
use wigwag::{
    Cause, PidFd, Scope, Signal, SignalFd, SignalInfo, SignalSet, WaitStatus, mask, pidfd_send,
    send,
};
use wigwag_process::execute::NoObserver;
use wigwag_process::order::{Action, Order, Schedule};
use wigwag_process::plan::prepare;
use wigwag_process::procfs::Proc;

use crate::children::{self, Cleaning, Helper, Helpers};
use crate::ended::{CleanUp, Ended, Passed, Usage};
use crate::forward::{Fate, Own, fate};
use crate::guardian::{self, Charge, Guardian, News, Token};
use crate::start::{self, Gate, Shell};
use crate::sys::{self, Whose};
use crate::terminal::{self, Terminal};
use crate::{Error, Observer, Place, Release, Run, Stops, To, temp};

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

/// Whether what is asked for can be so.
fn check(run: &Run) -> Result<(), Error> {
    let conflict = |text: String| Err(Error::Conflict(text));
    let empty = match run.pause {
        Some(_) => false,
        None if run.refused.is_some() => run.command.is_empty(),
        None => run.command.first().is_none_or(|program| program.is_empty()),
    };
    if empty {
        return Err(Error::Empty);
    }
    let both = run.ignore & run.default;
    if !both.is_empty() {
        return conflict(format!(
            "{both} cannot be both ignored and at its default action"
        ));
    }
    let both = run.block & run.unblock;
    if !both.is_empty() {
        return conflict(format!("{both} cannot be both blocked and unblocked"));
    }
    let mut trapped = SignalSet::EMPTY;
    for trap in &run.traps {
        let twice = trapped & trap.when.signals;
        if !twice.is_empty() {
            return conflict(format!("two traps for {twice}: write both commands in one"));
        }
        trapped |= trap.when.signals;
    }
    let name = run.temp_dir.as_deref();
    if name.is_some_and(|name| name.is_empty() || name.contains(['=', '\0'])) {
        return conflict("the folder's variable needs a name without '='".into());
    }
    Ok(())
}

pub(crate) fn run(run: &Run, observer: &mut dyn Observer) -> Result<Ended, Error> {
    check(run)?;
    let before = start::as_before();
    // What can be taken from the kernel; a fault ends this process as any other.
    let all: SignalSet = SignalSet::ALL
        .iter()
        .filter(|signal| !signal.is_reserved())
        .collect();
    let all = all - run.leave;
    let _blocked = mask::block(all);
    let place = run.placed();
    let hand_off = match place {
        Place::Session => terminal::let_go(observer),
        _ => SignalSet::EMPTY,
    };
    let is_init = getpid().is_init();
    let collects_all = run.init || run.collect || is_init;
    let cleans = run.temp_dir.is_some() || run.traps.iter().any(|trap| trap.when.exit);
    if (run.init || cleans || run.linger.is_some() || run.timeout.is_some()) && !is_init {
        sys::become_subreaper().map_err(Error::system("become a child subreaper"))?;
    }
    // Ignored, it would have the kernel throw every status away.
    if disposition::get(Signal::CHLD)?.handling == Handling::Ignore {
        disposition::default(Signal::CHLD)?;
    }
    if let Some(signal) = run.parent_death {
        sys::signal_at_parents_end(signal)
            .map_err(Error::system("ask for a signal at the parent's end"))?;
    }
    let taken = SignalFd::new(all)?;
    let folder = match &run.temp_dir {
        Some(variable) => {
            let path = temp::name().map_err(Error::system("name a folder for the command"))?;
            Some((variable.clone(), path))
        }
        None => None,
    };
    let terminal = (place == Place::Group).then(Terminal::open).flatten();
    let own = Own {
        pid: getpid().as_raw_nonzero().get(),
        shares_group: place == Place::Shared,
        leads_session: place == Place::Shared && sys::leads_session(),
        stops_itself: run.stops == Stops::Itself,
    };
    let texts = run.traps.iter().filter(|trap| trap.when.exit);
    let mut cleaning = Cleaning {
        texts: texts.map(|trap| trap.text.clone()).collect(),
        shell: Shell {
            folder,
            before,
            mark: None,
        },
    };
    // The end of process 1 is that of all: nobody could do anything after it.
    let guarded = !cleaning.is_empty() && !is_init;
    if guarded {
        let beside = temp::word().map_err(Error::system("name this run"))?;
        cleaning.shell.mark = Some(format!("{}-{beside}", own.pid));
    }
    let shell = cleaning.shell.clone();
    let (gate, command, guard) = if run.pause.is_some() {
        (None, 0, None)
    } else if guarded {
        let charge = Charge {
            cleaning: cleaning.clone(),
            on_loss: run.on_loss,
            ladder: run.ladder.clone(),
            mark: shell.mark.clone().unwrap_or_default(),
            errors: guardian::errors(),
        };
        let (gate, command, guard) = arm(run, charge, terminal.as_ref(), observer)
            .map_err(Error::system("start the guardian"))?;
        (Some(gate), command, Some(guard))
    } else {
        // Whoever says himself why he cannot execute need not be waited for.
        let waits = run.refused.is_none() || shell.folder.is_some();
        let gate = waits.then(Gate::new).transpose();
        let gate = gate.map_err(Error::system("make a pipe"))?;
        let gated = gate.as_ref();
        let child = || start::execute(run, &shell, terminal.as_ref(), gated, false, observer);
        // The standard library changes this process's environment for one that is to have another.
        let alone = !waits && run.pid_variable.is_none();
        let command = match alone {
            true => sys::fork_sharing(child),
            false => sys::fork(child),
        };
        let command = command.map_err(|error| start::refused(&run.command, error))?;
        (gate, command, None)
    };
    let pidfd = match command {
        0 => None,
        command => Some(PidFd::open(command)?),
    };
    if let Some(guardian) = guard.as_ref().and_then(|guard| guard.guardian.as_ref()) {
        // Where it is gone already, the command has become a child of this process, and is collected as such.
        let _ = guardian.acknowledge();
    }
    // From here on there is somebody to remove it.
    let made = shell.folder.as_ref().map(|(_, path)| temp::make(path));
    let begun = Instant::now();
    let refused = match made {
        Some(Err(error)) => {
            cleaning.shell.folder = None;
            Some(Error::System {
                what: "make a folder for the command".into(),
                error,
            })
        }
        _ => gate
            .and_then(Gate::open)
            .map(|error| start::refused(&run.command, error)),
    };
    if command != 0 {
        observer.started(command);
    }
    let mut runner = Runner {
        run,
        observer,
        hand_off,
        at_end_sent: false,
        shell,
        own,
        taken,
        begun,
        deadline: run.timeout.map(|time| begun + time.unsigned_abs()),
        command,
        pidfd,
        guard,
        ended: None,
        took: Duration::ZERO,
        is_stopped: false,
        terminal,
        helpers: Helpers::default(),
        waiting: VecDeque::new(),
        backlog: VecDeque::new(),
        timed_out: false,
        passed: VecDeque::new(),
        phase: Phase::Running,
        rounds: 0,
        clean_up: CleanUp::None,
        collects_all,
    };
    if let Some(guardian) = runner.guardian() {
        let pid = guardian.pid;
        runner.helpers.add(pid, Helper::Guardian);
    }
    if let Some(error) = refused {
        cleaning.texts.clear();
        runner.give_up(&cleaning);
        return Err(error);
    }
    runner.release();
    runner.work(&cleaning)?;
    Ok(runner.result())
}

/// Starts the guardian, and the command behind its gate. One that is killed at that is followed by another; the command that it may have
/// forked finds the gate closed.
fn arm(
    run: &Run,
    charge: Charge,
    terminal: Option<&Terminal>,
    observer: &mut dyn Observer,
) -> io::Result<(Gate, i32, Guard)> {
    let mut token = Token::new()?;
    let own_group = run.placed() != Place::Shared;
    let mut failed = io::Error::from_raw_os_error(libc::ECHILD);
    for _ in 0..ATTEMPTS {
        let gate = Gate::new()?;
        let shell = &charge.cleaning.shell;
        let child = || start::execute(run, shell, terminal, Some(&gate), true, observer);
        match Guardian::arm(&charge, &mut token, own_group, child, gate.parents()) {
            Ok((guardian, command)) => {
                let guardian = Some(guardian);
                let guard = Guard {
                    charge,
                    token,
                    guardian,
                };
                return Ok((gate, command, guard));
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
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

    fn trap_or_pass(&mut self, info: SignalInfo, pass: bool) {
        let of = |trap: &&crate::Trap| trap.when.signals.contains(info.signal);
        let Some(trap) = self.run.traps.iter().find(of) else {
            if pass {
                self.pass(info);
            }
            return;
        };
        if self.ended.is_some() {
            return;
        }
        let same =
            |helper: &Helper| matches!(helper, Helper::Trap { of, .. } if of.signal == info.signal);
        if self.helpers.any(same) {
            self.waiting.push_back(info);
            return;
        }
        let then = (pass && !self.run.swallow).then_some(info);
        let shell = self
            .shell
            .start(&trap.text, Some(info.signal), self.command);
        self.note(info, then.and_then(|info| self.run.map.of(info.signal)));
        match shell {
            Ok(child) => self
                .helpers
                .add(child.id() as i32, Helper::Trap { then, of: info }),
            // Without a shell the command at least gets what was meant for it.
            Err(_) => then.into_iter().for_each(|info| self.send(info)),
        }
    }

    fn note(&mut self, info: SignalInfo, to: Option<Signal>) {
        if self.passed.len() == REMEMBERED {
            self.passed.pop_front();
        }
        self.passed.push_back(Passed {
            signal: info.signal,
            to,
            cause: info.cause,
            after: self.begun.elapsed(),
        });
    }

    /// Passes one on, as what it is mapped to.
    fn pass(&mut self, info: SignalInfo) {
        if self.ended.is_none() {
            let to = self.run.map.of(info.signal);
            self.note(info, to);
            self.send(info);
            self.observer.passed(info.signal, to);
        }
    }

    fn send(&mut self, info: SignalInfo) {
        if self.ended.is_some() {
            return;
        }
        let Some(signal) = self.run.map.of(info.signal) else {
            return;
        };
        if !self.backlog.is_empty() || !self.try_send(signal, &info) {
            self.backlog.push_back(info);
        }
    }

    /// False where the queue of the command's user is full.
    fn try_send(&self, signal: Signal, info: &SignalInfo) -> bool {
        let value = match info.cause {
            Cause::Queue { value, .. }
            | Cause::MessageQueue { value, .. }
            | Cause::Timer { value, .. } => Some(value),
            _ => None,
        };
        let Some(pidfd) = &self.pidfd else {
            return true;
        };
        let sent = match (self.run.to, value) {
            (To::Tree, value) => {
                self.send_to_tree(signal, value.map(wigwag::info::Value::int));
                return true;
            }
            (To::Child, Some(value)) => sys::queue(pidfd, signal, value.pointer()),
            (To::Child, None) => pidfd.send(signal).map_err(io::Error::from),
            (To::Group, value) => {
                self.send_to_group(pidfd, signal, value.map(wigwag::info::Value::int))
            }
        };
        !matches!(sent, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// The command's group, which cannot be another's as long as the command has not been collected.
    fn send_to_group(&self, pidfd: &PidFd, signal: Signal, value: Option<i32>) -> io::Result<()> {
        let sent = pidfd_send(pidfd.as_fd(), Some(signal), value, Scope::Group);
        match sent {
            Err(error) if error.is_unsupported() => Ok(send::send_group(self.command, signal)?),
            sent => Ok(sent?),
        }
    }

    fn send_to_tree(&self, signal: Signal, value: Option<i32>) {
        let Ok(proc) = Proc::open() else {
            let _ = self.pidfd.as_ref().map(|command| command.send(signal));
            return;
        };
        let order = Order {
            whom: children::trees(self.roots()),
            action: Action::Send {
                signal: Some(signal),
                value,
                schedule: Schedule::NOW,
            },
            guards: children::guards(),
            watch: None,
        };
        if let Ok(prepared) = prepare(&proc, order) {
            prepared.execute(&mut NoObserver);
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

    fn send_backlog(&mut self) {
        while let Some(info) = self.backlog.front().copied() {
            let signal = self.run.map.of(info.signal);
            if self.ended.is_none() && !signal.is_none_or(|signal| self.try_send(signal, &info)) {
                return;
            }
            self.backlog.pop_front();
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

    fn time_is_over(&mut self) {
        if self.ended.is_none() {
            self.timed_out = true;
            let ladder = self.run.ladder.clone();
            self.stop(&ladder);
        }
    }

    /// Ends all that are left, in the background. Whether there is anybody to end.
    fn stop(&mut self, ladder: &wigwag_process::order::Ladder) -> bool {
        let roots = self.roots();
        if roots.is_empty() {
            return false;
        }
        match children::stopper(roots.clone(), ladder) {
            Ok(pid) => {
                self.helpers.add(pid, Helper::Stopper);
                true
            }
            Err(_) => {
                // Without room for one more process, what can be done by this one.
                for pid in roots {
                    let _ = send::send(pid, Signal::KILL);
                }
                false
            }
        }
    }

    /// To the next phase, when this one is done.
    fn advance(&mut self, cleaning: &Cleaning) {
        if self.phase == Phase::Running {
            let at_work = |helper: &Helper| matches!(helper, Helper::Trap { .. } | Helper::Stopper);
            if self.ended.is_none() || self.helpers.any(at_work) {
                return;
            }
            self.phase = Phase::Sweeping;
        }
        if self.phase == Phase::Sweeping {
            if self.helpers.any(|helper| matches!(helper, Helper::Stopper)) {
                return;
            }
            let ladder = match (&self.run.linger, self.timed_out) {
                (Some(ladder), _) => Some(ladder.clone()),
                (None, true) => Some(self.run.ladder.clone()),
                (None, false) => None,
            };
            if let Some(ladder) = ladder {
                self.rounds += 1;
                self.collect_orphans();
                if self.rounds <= ROUNDS && self.stop(&ladder) {
                    return;
                }
            }
            self.phase = Phase::Cleaning;
            self.clean(cleaning);
        }
    }

    /// Orphans that have ended, of a subreaper that is no init.
    fn collect_orphans(&mut self) {
        if self.parent().is_none() {
            for pid in self.roots() {
                let _ = sys::news(Whose::Child(pid));
            }
        }
    }

    fn clean(&mut self, cleaning: &Cleaning) {
        if cleaning.is_empty() {
            self.phase = Phase::Over;
            return;
        }
        let started = match &self.guard {
            Some(guard) => cleaning.start(self.command, &guard.token),
            None => Token::new().and_then(|token| cleaning.start(self.command, &token)),
        };
        match started {
            Ok(pid) => self.helpers.add(pid, Helper::Cleaner),
            Err(_) => {
                // Without room for one more process.
                self.clean_up = CleanUp::Failed(WaitStatus::Exited(1));
                self.phase = Phase::Over;
            }
        }
    }

    /// The command could not be executed: the folder goes again, the child that could not is collected.
    fn give_up(&mut self, cleaning: &Cleaning) {
        if let Some(terminal) = &self.terminal {
            terminal.take_back(self.command);
        }
        self.clean(cleaning);
        if self.phase != Phase::Over {
            for pid in self.helpers.pids() {
                if matches!(self.helpers.take(pid), Some(Helper::Cleaner)) {
                    sys::wait_for(pid);
                }
            }
        }
        let is_parent = self.parent().is_some();
        self.dismiss();
        if !is_parent {
            sys::wait_for(self.command);
        }
    }

    /// The guardian is not needed any more.
    fn dismiss(&mut self) {
        if let Some(guardian) = self.guard.as_mut().and_then(|guard| guard.guardian.take()) {
            guardian.leave();
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
