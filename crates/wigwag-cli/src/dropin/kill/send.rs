//! Signalling whom the words name, one after the other, and counting.

use std::ffi::OsStr;
use std::fmt::Write;

use wigwag::{Errno, PidFd, Signal, send};
use wigwag_process::census::{Why, census};
use wigwag_process::execute::NoObserver;
use wigwag_process::plan::prepare;
use wigwag_process::procfs::Proc;
use wigwag_process::selector::{Filter, Selector, Target};

use super::ladder::{Ladder, errno_of, hold, outcome, to_send};
use super::options::{Order, text_of};
use super::signals::signal;
use super::{Call, FAILURE, SOME, SUCCESS, say, words_of_errno};

/// Whom one word means.
enum Whom {
    /// By a number as kill(2) takes it, and the inode of its pidfd where that must be it.
    Number(i64, Option<u64>),
    /// By a name.
    Name(String),
}

/// How it went so far.
pub(super) struct Round<'a> {
    call: &'a Call,
    pub(super) order: &'a Order,
    proc: Option<&'a Proc>,
    good: usize,
    bad: usize,
    /// Whether standard output could not be written.
    unwritten: u8,
}

/// Sends to all; the exit status.
pub fn all(call: &Call, order: &Order) -> u8 {
    let whom: Vec<Whom> = order.whom.iter().map(|word| read(word)).collect();
    // To ask by a number needs no /proc: nothing is sent that could hit another.
    let asks = |whom: &Whom| matches!(whom, Whom::Number(_, None));
    let only_asks = order.number == 0 && order.steps.is_empty() && !order.handled;
    let proc = match (only_asks || order.only_print) && whom.iter().all(asks) {
        true => None,
        false => Proc::open().ok(),
    };
    let mut round = Round {
        call,
        order,
        proc: proc.as_ref(),
        good: 0,
        bad: 0,
        unwritten: SUCCESS,
    };
    // Who is waited for while others follow is held before the wait.
    let mut held = whom
        .iter()
        .map(|whom| match (whom, round.proc) {
            (Whom::Number(pid @ 1.., inode), Some(proc)) if !order.steps.is_empty() => {
                i32::try_from(*pid)
                    .ok()
                    .map(|pid| Ladder::hold(proc, order, pid, *inode))
            }
            _ => None,
        })
        .collect::<Vec<_>>();
    for ((whom, word), ladder) in whom.iter().zip(&order.whom).zip(&mut held) {
        match whom {
            Whom::Number(number, inode) => {
                round.number(*number, *inode, &text_of(word), ladder.take())
            }
            Whom::Name(name) => round.name(name),
        }
    }
    let status = match (round.good, round.bad) {
        (1.., 0) => SUCCESS,
        (0, _) => FAILURE,
        _ => SOME,
    };
    status.max(round.unwritten)
}

/// A number as strtol(3) reads it, a number with an inode, or else a name.
fn read(word: &OsStr) -> Whom {
    let word = text_of(word);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = word.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    if digits(text.strip_prefix(['+', '-']).unwrap_or(text))
        && let Ok(number) = text.parse()
    {
        return Whom::Number(number, None);
    }
    if let Some((pid, inode)) = word.split_once(':')
        && digits(pid)
        && digits(inode)
        && let (Ok(pid @ 1..), Ok(inode @ 1..)) = (pid.parse(), inode.parse())
    {
        return Whom::Number(pid, Some(inode));
    }
    Whom::Name(word.into_owned())
}

impl Round<'_> {
    /// Writes to standard output.
    pub(super) fn say(&mut self, text: &str) {
        self.unwritten = self.unwritten.max(say(self.call, text));
    }

    /// What is said before it is sent; whether sending is left to do.
    fn announce(&mut self, number: i64) -> bool {
        let mut text = String::new();
        if self.order.verbose {
            let _ = writeln!(text, "sending signal {} to pid {number}", self.order.number);
        }
        if self.order.only_print {
            let _ = writeln!(text, "{number}");
            self.good += 1;
        }
        if !text.is_empty() {
            self.say(&text);
        }
        !self.order.only_print
    }

    fn count(&mut self, result: Result<(), String>) {
        match result {
            Ok(()) => self.good += 1,
            Err(why) => {
                self.call.complain(&why);
                self.bad += 1;
            }
        }
    }

    /// To whom a number means: a process, or as kill(2) takes it a group or everyone.
    fn number(&mut self, number: i64, inode: Option<u64>, word: &str, ladder: Option<Ladder<'_>>) {
        let order = self.order;
        if order.handled && !self.handles(number) {
            return;
        }
        if !self.announce(number) {
            return;
        }
        let failed = |errno| format!("sending signal to {word} failed: {}", words_of_errno(errno));
        let result = match ladder {
            Some(ladder) => ladder.climb(self),
            None if !order.steps.is_empty() => {
                let errno = match number {
                    // No process has such a number, or /proc is not there to hold it by.
                    1.. if i32::try_from(number).is_err() => Errno::SRCH,
                    1.. => Errno::NOSYS,
                    _ => Errno::INVAL,
                };
                Err(format!(
                    "pidfd_open() failed: {number}: {}",
                    words_of_errno(errno)
                ))
            }
            None => match i32::try_from(number) {
                Ok(number) => self.once(number, inode, word),
                Err(_) => Err(failed(Errno::SRCH)),
            },
        };
        self.count(result);
    }

    /// One signal by a number.
    fn once(&self, number: i32, inode: Option<u64>, word: &str) -> Result<(), String> {
        let failed = |errno| format!("sending signal to {word} failed: {}", words_of_errno(errno));
        let value = self.order.value;
        let sent = signal(self.order.number);
        let result = match (number, sent) {
            // No call to many carries a value.
            (..=0, _) if value.is_some() => return Err(failed(Errno::SRCH)),
            (1.., _) if inode.is_some() => return self.exactly(number, inode),
            (1.., None) => send::probe(number),
            (1.., Some(signal)) => return self.one(number, signal).map_err(failed),
            (0, Some(signal)) => send::send_own_group(signal),
            // Oneself is in it.
            (0, None) => Ok(()),
            (-1, Some(signal)) => send::send_everyone(signal),
            (-1, None) => send::probe_everyone(),
            (i32::MIN, _) => return Err(failed(Errno::SRCH)),
            (_, Some(signal)) => send::send_group(-number, signal),
            (_, None) => send::probe_group(-number),
        };
        result.map_err(|error| failed(error.errno()))
    }

    /// One signal to one process: held, then signalled.
    fn one(&self, pid: i32, signal: Signal) -> Result<(), Errno> {
        if let Some(proc) = self.proc {
            let mut whom = Selector::from(Target::Pid(pid));
            whom.filter.handles = self.order.handled.then_some(signal);
            let order = to_send(whom.clone(), Some(signal), self.order.value, false);
            let report = prepare(proc, order)
                .map_err(|error| errno_of(&error))?
                .execute(&mut NoObserver);
            if let [receipt] = report.receipts.as_slice() {
                return outcome(receipt);
            }
            let hidden = census(proc, &whom)
                .is_ok_and(|census| census.missing.iter().any(|one| one.why == Why::Hidden));
            if !hidden {
                return Err(Errno::SRCH);
            }
        }
        // This /proc does not show it, or there is none: a pidfd holds it as well.
        let pidfd = PidFd::open(pid);
        let result = pidfd.and_then(|pidfd| match self.order.value {
            Some(value) => pidfd.queue(signal, value),
            None => pidfd.send(signal),
        });
        result.map_err(|error| error.errno())
    }

    /// One signal to the process that has this inode too.
    fn exactly(&self, pid: i32, inode: Option<u64>) -> Result<(), String> {
        let errno = match self.proc {
            Some(proc) => match hold(
                proc,
                pid,
                inode,
                signal(self.order.number),
                self.order.value,
            ) {
                Ok((prepared, _)) => {
                    let report = prepared.execute(&mut NoObserver);
                    let result = report.receipts.first().map_or(Err(Errno::SRCH), outcome);
                    return result.map_err(|errno| {
                        format!("pidfd_send_signal() failed: {}", words_of_errno(errno))
                    });
                }
                Err(errno) => errno,
            },
            None => Errno::NOSYS,
        };
        let words = words_of_errno(errno);
        Err(format!(
            "failed to obtain a valid file descriptor for PID {pid}: {words}"
        ))
    }

    /// Whether a process has a handler for the signal; it is said where it has none.
    fn handles(&mut self, number: i64) -> bool {
        let pid = i32::try_from(number).ok().filter(|pid| *pid > 0);
        let caught = || Some(self.proc?.dir(pid?).ok()?.status().ok()?.caught);
        let Some(caught) = caught() else { return false };
        let handles = signal(self.order.number).is_some_and(|signal| caught.contains(signal));
        if !handles && self.order.verbose {
            let text = format!(
                "not signalling pid {number}, it has no userspace handler for signal {}\n",
                self.order.number
            );
            self.say(&text);
        }
        handles
    }

    /// To all processes of a name: one's own, or everybody's.
    fn name(&mut self, name: &str) {
        let Some(proc) = self.proc else {
            return self.count(Err(format!("cannot find process \"{name}\"")));
        };
        let own = rustix::process::getuid().as_raw().to_string();
        let whom = Selector {
            targets: vec![Target::Name(name.to_owned())],
            filter: Filter {
                user: (!self.order.everybodys)
                    .then_some(own)
                    .into_iter()
                    .collect(),
                ..Filter::default()
            },
        };
        let (good, bad) = (self.good, self.bad);
        if self.order.only_print {
            let found = census(proc, &whom).map(|census| census.found);
            for dir in found.unwrap_or_default() {
                self.announce(i64::from(dir.pid()));
            }
        } else if let Err(errno) = self.named(proc, whom, name) {
            let words = words_of_errno(errno);
            return self.count(Err(format!("sending signal to {name} failed: {words}")));
        }
        if (self.good, self.bad) == (good, bad) {
            self.count(Err(format!("cannot find process \"{name}\"")));
        }
    }

    fn named(&mut self, proc: &Proc, mut whom: Selector, name: &str) -> Result<(), Errno> {
        let order = self.order;
        let sent = signal(order.number);
        if order.handled {
            self.name_those_without(proc, &whom);
            // Nobody handles 0.
            let Some(sent) = sent else { return Ok(()) };
            whom.filter.handles = Some(sent);
        }
        let waits = !order.steps.is_empty();
        let prepared = prepare(proc, to_send(whom, sent, order.value, waits))
            .map_err(|error| errno_of(&error))?;
        let found: Vec<_> = prepared
            .plan()
            .entries
            .into_iter()
            .map(|entry| entry.who.identity)
            .collect();
        if waits {
            // All are held before one is waited for.
            let ladders: Vec<_> = found
                .iter()
                .map(|one| Ladder::hold_same(proc, order, one))
                .collect();
            for (one, ladder) in found.iter().zip(ladders) {
                self.announce(i64::from(one.pid));
                let result = ladder.climb(self);
                self.count(result);
            }
            return Ok(());
        }
        for one in &found {
            self.announce(i64::from(one.pid));
        }
        for receipt in prepared.execute(&mut NoObserver).receipts {
            let failed =
                |errno| format!("sending signal to {name} failed: {}", words_of_errno(errno));
            self.count(outcome(&receipt).map_err(failed));
        }
        Ok(())
    }

    /// Says who of a name has no handler, and so gets nothing.
    fn name_those_without(&mut self, proc: &Proc, whom: &Selector) {
        if !self.order.verbose {
            return;
        }
        for dir in census(proc, whom)
            .map(|census| census.found)
            .unwrap_or_default()
        {
            self.handles(i64::from(dir.pid()));
        }
    }
}
