//! Finding those that are meant.

use std::io;

use wigwag_process::census::{Answer, View, hold_if, look_at, look_at_all, look_at_threads};
use wigwag_process::procfs::{Proc, ProcDir};

use super::End;
use super::criteria::Rules;
use super::options::Asked;
use super::text;

/// One that is meant.
#[derive(Debug)]
pub(super) struct Found {
    /// Its number; of a thread the thread's.
    pub(super) pid: i32,
    /// Its name or command line, where it is shown.
    pub(super) text: Vec<u8>,
    start: u64,
}

/// All that are meant, in rising order; of a newest or an oldest that one.
pub(super) fn find(proc: &Proc, asked: &Asked, rules: &Rules<'_>) -> Result<Vec<Found>, End> {
    let mut found = Vec::new();
    let one = asked.newest || asked.oldest;
    let mut look = |process: i32, view: &mut View<'_>| -> Answer<()> {
        if rules.mean(process, view)? {
            let start = if one { view.stat()?.start_ticks } else { 0 };
            found.push(Found {
                pid: view.pid(),
                text: shown(asked, rules, view)?,
                start,
            });
        }
        Ok(())
    };
    let listed = asked
        .criteria
        .pids
        .as_ref()
        .filter(|_| !asked.criteria.inverse);
    let done = match (listed, asked.threads && asked.tool == super::Tool::Grep) {
        (Some(pids), false) => each(pids, |pid| look_at(proc, pid, |view| look(pid, view))),
        (Some(pids), true) => each(pids, |pid| {
            look_at_threads(proc, pid, |view| look(pid, view))
        }),
        (None, false) => look_at_all(proc, |view| look(view.pid(), view)),
        (None, true) => proc.pids().and_then(|pids| {
            let mut each = pids.into_iter();
            each.try_for_each(|pid| look_at_threads(proc, pid, |view| look(pid, view)))
        }),
    };
    done.map_err(cannot)?;
    if one {
        let best = match asked.newest {
            true => found.into_iter().max_by_key(|one| (one.start, one.pid)),
            false => found.into_iter().min_by_key(|one| (one.start, one.pid)),
        };
        found = best.into_iter().collect();
    }
    Ok(found)
}

/// The processes of these numbers, each once.
fn each(pids: &[i64], mut look: impl FnMut(i32) -> io::Result<()>) -> io::Result<()> {
    let mut pids: Vec<i32> = pids
        .iter()
        .filter_map(|pid| i32::try_from(*pid).ok())
        .collect();
    pids.sort_unstable();
    pids.dedup();
    let mut real = pids.into_iter().filter(|pid| *pid > 0);
    real.try_for_each(&mut look)
}

fn shown(asked: &Asked, rules: &Rules<'_>, view: &mut View<'_>) -> Answer<Vec<u8>> {
    let utf8 = rules.utf8;
    match (asked.command_line, asked.name || asked.echo) {
        (true, _) if asked.quote => text::quoted_command_line(view, utf8),
        (true, _) => text::command_line(view, utf8),
        (false, true) => {
            let name = text::name(view.comm()?, utf8);
            Ok(if asked.quote {
                text::quoted(&name)
            } else {
                name
            })
        }
        (false, false) => Ok(Vec::new()),
    }
}

/// Opens those that were found and are still meant, when looked at through what was opened.
pub(super) fn hold(
    proc: &Proc,
    rules: &Rules<'_>,
    found: Vec<Found>,
) -> Result<Vec<(Found, ProcDir)>, End> {
    if found.len() > 100 {
        wigwag_process::limits::raise_open_files();
    }
    let mut held = Vec::with_capacity(found.len());
    for one in found {
        let same = |view: &mut View<'_>| {
            let same = one.start == 0 || view.stat()?.start_ticks == one.start;
            Ok(same && rules.mean(one.pid, view)?)
        };
        if let Some(dir) = hold_if(proc, one.pid, same).map_err(cannot)? {
            held.push((one, dir));
        }
    }
    Ok(held)
}

fn cannot(error: io::Error) -> End {
    let text = format!("cannot look at the processes: {}", text::reason(&error));
    End::Failed(text, super::FATAL)
}
