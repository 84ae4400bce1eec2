//! Finding, asking, sending, telling, waiting.

use std::io::{self, BufRead, Write};

use jiff::SignedDuration;
use wigwag::{Errno, Signal};
use wigwag_process::execute::NoObserver;
use wigwag_process::limits::raise_open_files;
use wigwag_process::order::{Action, Guards, Order, Schedule};
use wigwag_process::plan::{prepare, prepare_held};
use wigwag_process::procfs::{Proc, ProcDir};
use wigwag_process::receipt::{Effect, Report};
use wigwag_process::selector::{Selector, Target};

use super::FAILED;
use super::choose::{Choice, Found};
use super::words::Asked;
use crate::dropin::gnu::words;

/// So many are held before they are signalled together.
const TOGETHER: usize = 200;

/// How it went.
struct Run<'a> {
    proc: &'a Proc,
    asked: &'a Asked,
    /// Which of the names somebody has been signalled for.
    found: Vec<bool>,
    any: bool,
    /// The groups that have had their turn.
    groups: Vec<i32>,
    /// Those whose end is waited for.
    waited: Vec<ProcDir>,
    /// The same of groups.
    waited_groups: Vec<i32>,
}

pub fn carry_out(asked: &Asked) -> u8 {
    let proc = match Proc::open() {
        Ok(proc) => proc,
        Err(_) => {
            tell(b"killall: /proc lacks process entries (not mounted ?)\n");
            return FAILED;
        }
    };
    let choice = match Choice::new(&proc, asked) {
        Ok(choice) => choice,
        Err(text) => {
            tell(&text);
            return FAILED;
        }
    };
    let mut run = Run {
        proc: &proc,
        asked,
        found: vec![false; asked.names.len()],
        any: false,
        groups: Vec::new(),
        waited: Vec::new(),
        waited_groups: Vec::new(),
    };
    match run.all(&choice) {
        Ok(status) => status,
        Err(error) => {
            tell(format!("killall: {}\n", words(&error)).as_bytes());
            FAILED
        }
    }
}

/// A line on standard error, as a whole.
fn tell(text: &[u8]) {
    let _ = io::stderr().write_all(text);
}

impl Run<'_> {
    fn all(&mut self, choice: &Choice<'_>) -> io::Result<u8> {
        let one_by_one = self.asked.interactive || self.asked.group;
        let mut held = Vec::new();
        for pid in self.proc.pids()? {
            let Some(found) = choice.hold(self.proc, pid)? else {
                continue;
            };
            if held.is_empty() {
                raise_open_files();
            }
            if one_by_one {
                self.one(found)?;
                continue;
            }
            held.push(found);
            if held.len() == TOGETHER {
                self.send(std::mem::take(&mut held))?;
            }
        }
        self.send(held)?;
        if !self.asked.quiet {
            let names = self.asked.names.iter().zip(&self.found);
            for (name, _) in names.filter(|(_, found)| !**found) {
                use std::os::unix::ffi::OsStrExt;
                tell(&[name.as_bytes(), b": no process found\n"].concat());
            }
        }
        let all = match self.asked.names.is_empty() {
            true => self.any,
            false => self.found.iter().all(|found| *found),
        };
        self.wait()?;
        Ok(if all { 0 } else { FAILED })
    }

    /// One after the other: where each is asked for, or is a group.
    fn one(&mut self, found: Found) -> io::Result<()> {
        if !self.asked.group {
            if self.agreed(&found, found.dir.pid()) {
                self.send(vec![found])?;
            }
            return Ok(());
        }
        if self.groups.contains(&found.pgrp) {
            return Ok(());
        }
        self.groups.push(found.pgrp);
        // Kernel threads, and who is from outside of the pid namespace, are in no group that has a number here. To kill(2) 0 would be
        // one's own.
        if found.pgrp > 0 && self.agreed(&found, found.pgrp) {
            let result = self.send_to_group(&found);
            self.told(&found, found.pgrp, result)?;
        }
        Ok(())
    }

    fn order(&self, whom: Selector) -> Option<Order> {
        let signal = match self.asked.signal {
            0 => None,
            number => Some(Signal::from_kernel(number)?),
        };
        Some(Order {
            whom,
            action: Action::Send {
                signal,
                value: None,
                schedule: Schedule::NOW,
            },
            guards: Guards::none(),
            watch: None,
        })
    }

    fn send(&mut self, found: Vec<Found>) -> io::Result<()> {
        let Some(order) = self.order(Selector::default()) else {
            for one in &found {
                self.told(one, one.dir.pid(), Err(Errno::INVAL))?;
            }
            return Ok(());
        };
        let dirs: Vec<ProcDir> = found
            .iter()
            .map(|one| one.dir.try_clone())
            .collect::<io::Result<_>>()?;
        let report = carried_out(prepare_held(self.proc, order, dirs))?;
        for (one, receipt) in found.into_iter().zip(&report.receipts) {
            let result = match &receipt.effect {
                Effect::Denied { errno, .. } => Err(errno_of(errno)),
                _ if receipt.sent.is_empty() => Err(Errno::SRCH),
                _ => Ok(()),
            };
            let pid = one.dir.pid();
            let sent = result.is_ok();
            self.told(&one, pid, result)?;
            if sent && self.asked.wait {
                self.waited.push(one.dir);
            }
        }
        Ok(())
    }

    /// To the whole group, which is that of the one who is held if it still is when its members are known.
    fn send_to_group(&mut self, found: &Found) -> Result<(), Errno> {
        let Some(order) = self.order(Target::Group(found.pgrp).into()) else {
            return Err(Errno::INVAL);
        };
        let prepared = prepare(self.proc, order).map_err(|_| Errno::SRCH)?;
        if found.dir.stat().map_or(0, |stat| stat.pgrp) != found.pgrp {
            return Err(Errno::SRCH);
        }
        let report = prepared.execute(&mut NoObserver);
        if report
            .receipts
            .iter()
            .any(|receipt| !receipt.sent.is_empty())
        {
            return Ok(());
        }
        let denied = report.receipts.iter().find_map(|one| match &one.effect {
            Effect::Denied { errno, .. } => Some(errno_of(errno)),
            _ => None,
        });
        Err(denied.unwrap_or(Errno::SRCH))
    }

    /// Says what came of it, and remembers.
    fn told(&mut self, one: &Found, id: i32, result: Result<(), Errno>) -> io::Result<()> {
        let Asked {
            verbose,
            interactive,
            group,
            signal,
            wait,
            ..
        } = *self.asked;
        match result {
            Ok(()) => {
                if verbose {
                    let what = if group { "pgid " } else { "" };
                    let rest = format!("({what}{id}) with signal {signal}\n");
                    tell(&[b"Killed ", &one.shown[..], rest.as_bytes()].concat());
                }
                if let Some(index) = one.index {
                    self.found[index] = true;
                }
                self.any = true;
                if wait && group {
                    self.waited_groups.push(id);
                }
            }
            // It has ended meanwhile.
            Err(errno) if errno == Errno::SRCH && !interactive => {}
            Err(errno) => {
                let rest = format!("({id}): {}\n", words(&errno.into()));
                tell(&[&one.shown[..], rest.as_bytes()].concat());
            }
        }
        Ok(())
    }

    /// Whether it was agreed to: y or Y. The end of the input, or an empty line, is no.
    fn agreed(&self, one: &Found, id: i32) -> bool {
        if !self.asked.interactive {
            return true;
        }
        let verb = match self.asked.signal == Signal::TERM.number() {
            true => "Kill",
            false => "Signal",
        };
        let what = if self.asked.group { "pgid " } else { "" };
        let rest = format!("({what}{id}) ? (y/N) ");
        let question = [verb.as_bytes(), b" ", &one.comm, rest.as_bytes()].concat();
        loop {
            let mut line = Vec::new();
            if crate::dropin::print(&question).is_err() {
                return false;
            }
            match io::stdin().lock().read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return false,
                Ok(_) => {}
            }
            match line[0] {
                b'y' | b'Y' => return true,
                b'n' | b'N' | b'\n' => return false,
                _ => {}
            }
        }
    }

    /// Until all have ended, however long that is.
    fn wait(&mut self) -> io::Result<()> {
        let order = |whom, watch| Order {
            whom,
            action: Action::Wait { any: false },
            guards: Guards::none(),
            watch,
        };
        if !self.waited.is_empty() {
            let dirs = std::mem::take(&mut self.waited);
            let order = order(Selector::default(), None);
            carried_out(prepare_held(self.proc, order, dirs))?;
        }
        for group in std::mem::take(&mut self.waited_groups) {
            // Until a look finds nobody who has not ended: more may have come to the group meanwhile.
            let wait = |watch| {
                let order = order(Target::Group(group).into(), watch);
                carried_out(prepare(self.proc, order))
            };
            let look = || wait(Some(SignedDuration::ZERO));
            while look()?.receipts.iter().any(|one| !one.effect.has_ended()) {
                wait(None)?;
            }
        }
        Ok(())
    }
}

fn carried_out(
    prepared: Result<wigwag_process::plan::Prepared<'_>, wigwag_process::plan::PlanError>,
) -> io::Result<Report> {
    match prepared {
        Ok(prepared) => Ok(prepared.execute(&mut NoObserver)),
        Err(wigwag_process::plan::PlanError::Read { source, .. }) => Err(source),
        Err(error) => Err(io::Error::other(error.to_string())),
    }
}

/// Receipts have errnos by name.
fn errno_of(name: &str) -> Errno {
    let known = (1..134).map(Errno::new);
    let mut named = known.filter(|errno| errno.name() == Some(name));
    named.next().unwrap_or(Errno::PERM)
}
