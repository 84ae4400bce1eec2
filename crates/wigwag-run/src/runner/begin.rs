//! How it begins: what is asked for is looked at, the command and its guardian are started.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use rustix::process::getpid;
use wigwag::disposition::{self, Handling};
use wigwag::{PidFd, Signal, SignalFd, SignalSet, mask};

use super::{ATTEMPTS, Guard, Phase, Runner};
use crate::children::{Cleaning, Helper, Helpers};
use crate::ended::{CleanUp, Ended};
use crate::forward::Own;
use crate::guardian::{self, Charge, Guardian, Token};
use crate::start::{self, Gate, Shell};
use crate::sys;
use crate::terminal::{self, Terminal};
use crate::{Error, Observer, Place, Run, Stops, temp};

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
