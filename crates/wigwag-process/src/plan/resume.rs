//! From a saved plan to what is ready: those that are still the same.

use std::io;

use super::{Delivery, Entry, Held, Judge, Plan, PlanError, Prepared};
use crate::identity::{Process, Who};
use crate::order::FORMAT;
use crate::procfs::{Proc, is_gone};

impl Plan {
    /// Holds the processes of a plan again, those that are still the same, to carry it out. The others get a receipt that says
    /// so, and no signal, whoever has their number now.
    ///
    /// # Errors
    /// [`PlanError`] where the plan is of another form, or means more than its guard allows.
    pub fn resume(self, proc: &Proc) -> Result<Prepared<'_>, PlanError> {
        let found = self.entries.iter().filter(|e| e.refused.is_none()).count();
        match self.order.guards.max {
            Some(max) if found > max => Err(PlanError::TooMany { found, max }),
            _ => self.review(proc),
        }
    }

    /// The same to look at what it would do by now, however many it means.
    ///
    /// # Errors
    /// [`PlanError`] where the plan is of another form.
    pub fn review(self, proc: &Proc) -> Result<Prepared<'_>, PlanError> {
        if self.wigwag != FORMAT {
            return Err(PlanError::Format { found: self.wigwag });
        }
        if self.entries.len() > 100 {
            crate::limits::raise_open_files();
        }
        let mut notes = self.notes;
        let judge = Judge::new(proc, &self.order, &Delivery::Each);
        let mut by_start_time = false;
        let mut held = Vec::with_capacity(self.entries.len());
        for entry in self.entries {
            let pid = entry.who.identity.pid;
            let held_again = hold_again(proc, &judge, &entry.who);
            if let Ok(now) = &held_again {
                let inodes = [&entry, &now.entry].map(|entry| entry.who.identity.pidfd_inode);
                by_start_time |= inodes.contains(&None);
            }
            held.push(match held_again {
                // What was refused when the plan was made stays refused.
                Ok(now) => Held {
                    entry: Entry {
                        refused: entry.refused.or(now.entry.refused),
                        ..now.entry
                    },
                    ..now
                },
                Err(error) if is_gone(&error) => Held {
                    process: None,
                    task: None,
                    entry,
                },
                Err(source) => return Err(PlanError::Read { pid, source }),
            });
        }
        if by_start_time {
            notes.push(
                "some processes are known by their start time only, which has a resolution of 10 ms: their pidfds have no inode of \
                 their own (before Linux 6.9), or cannot be opened"
                    .into(),
            );
        }
        Ok(Prepared {
            proc,
            order: self.order,
            held,
            missing: self.missing,
            unreadable: self.unreadable,
            notes,
            left_out: Vec::new(),
            begun: proc.uptime_ticks(),
            delivery: Delivery::Each,
            anchors: Vec::new(),
            resumed: true,
        })
    }
}

/// Holds the process of a plan, and the one thread that is meant, if they are still the same.
fn hold_again(proc: &Proc, judge: &Judge<'_>, who: &Who) -> io::Result<Held> {
    let gone = || io::Error::from(rustix::io::Errno::SRCH);
    let process = Process::open(proc, who.identity.pid)?;
    if !process.is(proc, &who.identity) {
        return Err(gone());
    }
    let task = who.thread.map(|tid| process.dir().task(tid)).transpose()?;
    let held = judge.hold_process(process, task)?;
    if held.entry.who.thread_start_ticks == who.thread_start_ticks {
        Ok(held)
    } else {
        Err(gone())
    }
}
