//! Listing, signalling, waiting.

use std::io::ErrorKind;

use wigwag::{PidFd, Signal};
use wigwag_process::execute::NoObserver;
use wigwag_process::order::{Action, Guards, Order, Schedule};
use wigwag_process::plan::prepare_held;
use wigwag_process::procfs::{Proc, ProcDir};
use wigwag_process::receipt::{Effect, Report};

use super::criteria::Rules;
use super::options::Asked;
use super::scan::{Found, find, hold};
use super::{End, FAILURE, FATAL, Tool, text};
use crate::dropin::Call;

/// The kernel keeps this much of a command name.
const CUT: usize = 15;

/// Does what was asked; the exit status.
pub(super) fn carry_out(call: &Call, asked: &Asked) -> Result<u8, End> {
    let proc = Proc::open().map_err(|error| End::Failed(error.to_string(), FATAL))?;
    let rules = Rules::new(&proc, &asked.criteria)?;
    let found = find(&proc, asked, &rules)?;
    if found.is_empty() {
        warn_of_length(call, asked);
    }
    match asked.tool {
        Tool::Grep => list(call, asked, &found),
        Tool::Kill => kill(call, asked, &proc, hold(&proc, &rules, found)?),
        Tool::Wait => wait(call, asked, &proc, hold(&proc, &rules, found)?),
    }
}

/// Nobody was found by a name that nobody can have, unless it is an expression for shorter ones.
fn warn_of_length(call: &Call, asked: &Asked) {
    let criteria = &asked.criteria;
    let long = |pattern: &Vec<u8>| {
        pattern.len() > CUT && !pattern.iter().any(|b| matches!(b, b'|' | b'['))
    };
    if !criteria.full && criteria.pattern.as_ref().is_some_and(long) {
        call.complain(&format!(
            "pattern that searches for process name longer than 15 characters will result in zero matches\n\
             Try `{} -f' option to match against the complete command line.",
            call.name
        ));
    }
}

/// Writes to standard output; the status where that fails. A reader that has gone away ends it by PIPE.
pub(super) fn print(call: &Call, text: &[u8]) -> Option<u8> {
    match crate::dropin::print(text) {
        Ok(()) => None,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => wigwag::send::end_by(Signal::PIPE),
        Err(error) => {
            call.complain(&format!("write error: {}", text::reason(&error)));
            Some(FAILURE)
        }
    }
}

fn list(call: &Call, asked: &Asked, found: &[Found]) -> Result<u8, End> {
    let mut out = Vec::new();
    let with_text = asked.name || asked.command_line;
    for (index, one) in found.iter().enumerate().filter(|_| !asked.count) {
        if index > 0 {
            out.extend_from_slice(&asked.delimiter);
        }
        out.extend_from_slice(one.pid.to_string().as_bytes());
        if with_text {
            out.push(b' ');
            out.extend_from_slice(&one.text);
        }
    }
    if asked.count {
        out.extend_from_slice(found.len().to_string().as_bytes());
    }
    if asked.count || !found.is_empty() {
        out.push(b'\n');
    }
    let status = u8::from(found.is_empty());
    Ok(match asked.quiet {
        true => status,
        false => print(call, &out).unwrap_or(status),
    })
}

fn order(action: Action, watch: Option<jiff::SignedDuration>) -> Order {
    Order {
        whom: wigwag_process::selector::Selector::default(),
        action,
        // The tool has no guard but that it never means itself.
        guards: Guards {
            allow_ancestors: true,
            allow_init: true,
            allow_kernel_threads: true,
            max: None,
            ignore_missing: true,
            ..Guards::default()
        },
        watch,
    }
}

fn execute(proc: &Proc, order: Order, dirs: Vec<ProcDir>) -> Result<Report, End> {
    let prepared = prepare_held(proc, order, dirs);
    let prepared = prepared.map_err(|error| End::Failed(error.to_string(), FATAL))?;
    Ok(prepared.execute(&mut NoObserver))
}

fn kill(call: &Call, asked: &Asked, proc: &Proc, held: Vec<(Found, ProcDir)>) -> Result<u8, End> {
    let count = held.len();
    let (found, dirs): (Vec<Found>, Vec<ProcDir>) = held.into_iter().unzip();
    let signal = match asked.signal {
        0 => None,
        number => match Signal::from_kernel(number) {
            Some(signal) => Some(signal),
            None => {
                for one in &found {
                    complain_of(call, one.pid, "EINVAL");
                }
                return Ok(counted(call, asked, count, FAILURE));
            }
        },
    };
    let mut memories = Vec::new();
    // Those that have ended take every signal, and do nothing with it.
    let mut zombies = Vec::new();
    for dir in &dirs {
        zombies.push(dir.stat().is_ok_and(|stat| stat.is_zombie()));
        if asked.release {
            memories.push(memory(dir)?);
        }
    }
    let action = Action::Send {
        signal,
        value: asked.value,
        schedule: Schedule::NOW,
    };
    let report = execute(proc, order(action, Some(jiff::SignedDuration::ZERO)), dirs)?;
    let (mut out, mut killed, mut kept) = (Vec::new(), false, false);
    for (index, one) in found.iter().enumerate() {
        let receipts = &report.receipts;
        let Some(receipt) = receipts.iter().find(|r| r.who.identity.pid == one.pid) else {
            continue;
        };
        match &receipt.effect {
            Effect::Denied { errno, .. } => complain_of(call, one.pid, errno),
            _ if receipt.sent.is_empty() && !zombies[index] => {}
            _ => {
                killed = true;
                if asked.echo {
                    out.extend_from_slice(&one.text);
                    out.extend_from_slice(format!(" killed (pid {})\n", one.pid).as_bytes());
                }
                kept |= memories
                    .get(index)
                    .is_some_and(|memory| is_kept(call, one.pid, memory));
            }
        }
    }
    let status = u8::from(!killed || kept);
    let status = print(call, &out).unwrap_or(status);
    Ok(counted(call, asked, count, status))
}

fn counted(call: &Call, asked: &Asked, count: usize, status: u8) -> u8 {
    match asked.count {
        true => print(call, format!("{count}\n").as_bytes()).unwrap_or(status),
        false => status,
    }
}

fn complain_of(call: &Call, pid: i32, errno: &str) {
    call.complain(&format!(
        "killing pid {pid} failed: {}",
        text::reason_of(errno)
    ));
}

/// Opened before the signal is sent; the directory, which is read afterwards, vouches for the number.
fn memory(dir: &ProcDir) -> Result<Option<PidFd>, End> {
    match PidFd::open(dir.pid()) {
        Ok(_) if dir.stat().is_err() => Ok(None),
        Ok(memory) => Ok(Some(memory)),
        Err(error) if error.is_gone() => Ok(None),
        Err(error) => {
            let why = text::reason_of(error.errno().name().unwrap_or_default());
            let text = format!("pidfd_open for process {} failed: {why}", dir.pid());
            Err(End::Failed(text, FAILURE))
        }
    }
}

/// Whether the memory of one that was signalled could not be freed.
fn is_kept(call: &Call, pid: i32, memory: &Option<PidFd>) -> bool {
    let Some(Err(error)) = memory.as_ref().map(PidFd::release_memory) else {
        return false;
    };
    if error.is_gone() {
        return false;
    }
    let why = text::reason_of(error.errno().name().unwrap_or_default());
    call.complain(&format!(
        "pid {pid} killed, but process_mrelease failed: {why}"
    ));
    true
}

fn wait(call: &Call, asked: &Asked, proc: &Proc, held: Vec<(Found, ProcDir)>) -> Result<u8, End> {
    let mut out = Vec::new();
    if asked.count {
        out.extend_from_slice(format!("{}\n", held.len()).as_bytes());
    }
    for (one, _) in held.iter().filter(|_| asked.echo) {
        out.extend_from_slice(b"waiting for ");
        out.extend_from_slice(&one.text);
        out.extend_from_slice(format!(" (pid {})\n", one.pid).as_bytes());
    }
    if let Some(status) = print(call, &out) {
        return Ok(status);
    }
    let dirs: Vec<ProcDir> = held.into_iter().map(|(_, dir)| dir).collect();
    if dirs.is_empty() {
        return Ok(FAILURE);
    }
    let report = execute(proc, order(Action::Wait { any: false }, None), dirs)?;
    let ended = report
        .receipts
        .iter()
        .any(|receipt| receipt.effect.has_ended());
    Ok(u8::from(!ended))
}
