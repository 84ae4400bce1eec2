//! What a process has done: read, not assumed.

use std::os::fd::AsFd;

use rustix::process::{WaitId, WaitIdOptions, waitid};
use wigwag::{Signal, WaitStatus};

use super::watch::Goal;
use super::{Course, Engine};
use crate::order::Action;
use crate::plan::Held;
use crate::prediction::{self, Prediction};
use crate::procfs::{Proc, ProcDir, is_gone};
use crate::receipt::{Effect, Evidence};

type Seen = (Effect, Evidence, String);

impl Engine<'_, '_> {
    /// Looks at every process that is not settled, and settles those that are as `goal` has it. How many that were.
    pub(super) fn look_for(&mut self, goal: Goal) -> usize {
        let (proc, mut settled) = (self.proc, 0);
        for course in self.courses.iter_mut().filter(|course| course.is_open()) {
            let (effect, evidence, how) = look(proc, course);
            let reached = match goal {
                Goal::Ended => effect.has_ended(),
                Goal::Stopped => matches!(effect, Effect::Stopped | Effect::Ended { .. }),
                Goal::Resumed => !matches!(effect, Effect::Stopped),
                Goal::Effect => !matches!(
                    effect,
                    Effect::Pending | Effect::Unknown | Effect::Coalesced
                ),
            };
            if reached {
                course.settle(effect, evidence, how);
                settled += 1;
            }
        }
        settled
    }

    /// The last look: whatever is not settled gets what can be said of it now.
    pub(super) fn look_at_the_rest(&mut self) {
        let (proc, action) = (self.proc, self.order.action.clone());
        for course in self.courses.iter_mut().filter(|course| course.is_open()) {
            let (effect, evidence, how) = look(proc, course);
            match (&action, &effect) {
                (Action::Stop { .. } | Action::Wait { .. }, effect) if !effect.has_ended() => {
                    course.settle(
                        Effect::StillThere,
                        Evidence::Seen,
                        still_there(course, &how),
                    );
                }
                _ => course.settle(effect, evidence, how),
            }
        }
    }
}

/// In which state one is that should have ended.
fn still_there(course: &Course, how: &str) -> String {
    let Some(process) = &course.held.process else {
        return how.to_string();
    };
    match process.dir().stat().map(|stat| stat.state) {
        Ok('D') => match process.dir().wchan().ok().flatten() {
            Some(wchan) => format!("it is in uninterruptible sleep, in {wchan}"),
            None => "it is in uninterruptible sleep".into(),
        },
        _ if course.late && course.sent.is_empty() => {
            "it was started after the last signal, and nothing was sent to it".into()
        }
        Ok('T') => "it is stopped; what is sent waits for CONT".into(),
        Ok('t') => "it is stopped by its tracer".into(),
        _ => how.to_string(),
    }
}

/// One look at one process.
fn look(proc: &Proc, course: &Course) -> Seen {
    let held = &course.held;
    let Some(process) = &held.process else {
        return (Effect::GoneBefore, Evidence::Seen, "it had ended".into());
    };
    match process.has_ended(proc) {
        Ok(true) => {
            let (effect, how) = ended(proc, held);
            return (effect, Evidence::Seen, how);
        }
        Ok(false) => {}
        Err(error) => {
            return (
                Effect::Unknown,
                Evidence::Unknown,
                format!("it cannot be read: {error}"),
            );
        }
    }
    let Some(signal) = course.last_signal() else {
        return match course.sent.is_empty() {
            true => (Effect::NotSent, Evidence::Seen, "nothing was sent".into()),
            false => (
                Effect::Exists,
                Evidence::Seen,
                "signal 0 was accepted".into(),
            ),
        };
    };
    match alive(proc, process.dir(), held, signal) {
        Ok(seen) => seen,
        Err(error) if is_gone(&error) => {
            let (effect, how) = ended(proc, held);
            (effect, Evidence::Seen, how)
        }
        Err(error) => (
            Effect::Unknown,
            Evidence::Unknown,
            format!("it cannot be read: {error}"),
        ),
    }
}

/// What a living process shows of the signal.
fn alive(proc: &Proc, dir: &ProcDir, held: &Held, signal: Signal) -> std::io::Result<Seen> {
    let predicted = &held.entry.predicted;
    let status = dir.status()?;
    if signal == Signal::CONT {
        if status.state == 'T' {
            return Ok((Effect::Stopped, Evidence::Seen, "it is in state T".into()));
        }
        if crate::freezer::state_of(proc, dir).is_some() {
            let how = "its cgroup is frozen: CONT does not thaw that";
            return Ok((Effect::Stopped, Evidence::Seen, how.into()));
        }
        // CONT resumes whether it is blocked or not, also while it stays pending for a handler.
        if predicted.has(prediction::Effect::Continues) {
            return Ok((
                Effect::Resumed,
                Evidence::Seen,
                "it is no longer in state T".into(),
            ));
        }
    }
    // STOP to one that is stopped already stays pending, and changes nothing.
    if signal == Signal::STOP && matches!(status.state, 'T' | 'Z') && all_stopped(dir)? {
        return Ok((
            Effect::Stopped,
            Evidence::Seen,
            "every thread is in state T".into(),
        ));
    }
    let pending = match held.entry.who.thread {
        None => status.shared_pending,
        Some(tid) => dir.task(tid)?.status()?.sig_pending,
    };
    if pending.contains(signal) {
        if predicted.has(prediction::Effect::Coalesces) {
            return Ok((
                Effect::Coalesced,
                Evidence::Inferred,
                "it was pending before and still is".into(),
            ));
        }
        return Ok((
            Effect::Pending,
            Evidence::Seen,
            "its pending mask has it".into(),
        ));
    }
    let stops = matches!(signal, Signal::TSTP | Signal::TTIN | Signal::TTOU);
    if stops && matches!(status.state, 'T' | 'Z') && all_stopped(dir)? {
        return Ok((
            Effect::Stopped,
            Evidence::Seen,
            "every thread is in state T".into(),
        ));
    }
    Ok(gone_from_pending(predicted))
}

/// It lives, and the signal is pending no more: what that means follows from the prediction, if it says one thing.
fn gone_from_pending(predicted: &Prediction) -> Seen {
    use prediction::Effect as P;
    let inferred = |effect| {
        (
            effect,
            Evidence::Inferred,
            "not pending, and predicted so".to_string(),
        )
    };
    match predicted.effects.as_slice() {
        [P::RunsHandler] if predicted.certain => inferred(Effect::Handled),
        [P::StaysPending | P::Coalesces] if predicted.handled => inferred(Effect::Handled),
        [P::Waited | P::SignalFd] if predicted.certain => inferred(Effect::Taken),
        [P::Ignored | P::Discarded] => inferred(Effect::Ignored),
        [P::Kills | P::DumpsCore] => (
            Effect::Unknown,
            Evidence::Unknown,
            "handed over; it had not ended yet at this look (--wait)".into(),
        ),
        _ => (
            Effect::Unknown,
            Evidence::Unknown,
            "it lives and the signal is not pending".into(),
        ),
    }
}

/// Whether every thread is stopped, or has ended.
pub(super) fn all_stopped(dir: &ProcDir) -> std::io::Result<bool> {
    for tid in dir.tasks()? {
        let Ok(stat) = dir.task(tid).and_then(|task| task.stat()) else {
            continue;
        };
        if !matches!(stat.state, 'T' | 't' | 'Z' | 'X') {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How a process ended, as far as the kernel tells: our own child by waitid(2) (which leaves it for its owner to collect), a zombie
/// by its stat where ptrace access is allowed, one that was collected by its pidfd (Linux 6.15).
pub(super) fn ended(proc: &Proc, held: &Held) -> (Effect, String) {
    let of = |status| Effect::Ended {
        status: Some(status),
    };
    let Some(process) = &held.process else {
        return (Effect::GoneBefore, "it had ended".into());
    };
    if let Ok(pidfd) = process.pidfd(proc) {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        if let Ok(Some(status)) = waitid(WaitId::PidFd(pidfd.as_fd()), options) {
            let signal = |number: Option<i32>| number.and_then(Signal::from_kernel);
            let status = match (status.exit_status(), signal(status.terminating_signal())) {
                (Some(code), _) => Some(WaitStatus::Exited(code)),
                (None, Some(signal)) => Some(WaitStatus::Killed {
                    signal,
                    core_dumped: status.dumped(),
                }),
                _ => None,
            };
            if let Some(status) = status {
                return (of(status), "waitid: it is a child".into());
            }
        }
    }
    if let Ok(stat) = process.dir().stat()
        && stat.is_zombie()
        && (stat.exit_code != 0 || process.dir().may_be_traced())
        && let Some(status) = WaitStatus::from_raw(stat.exit_code)
    {
        return (of(status), "its stat, as a zombie".into());
    }
    if let Ok(pidfd) = process.pidfd(proc)
        && let Ok(Some(status)) = pidfd.exit_status()
    {
        return (of(status), "its pidfd (PIDFD_GET_INFO)".into());
    }
    let witness = match process.pidfd(proc) {
        Ok(_) => "its pidfd",
        Err(_) => "/proc",
    };
    (
        Effect::Ended { status: None },
        format!("{witness} says that it has ended; its status is not ours to read"),
    )
}
