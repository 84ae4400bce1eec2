//! `-d`: what a process does with signals, as `/proc/PID/status` has it.

use wigwag::SignalSet;
use wigwag_process::procfs::Proc;

use super::signals::{decimal, name_of};
use super::{Wrong, words_of};

/// The masks of a process, those that are not empty.
pub fn text(word: &str) -> Result<String, Wrong> {
    let pid = decimal(word).filter(|pid| *pid > 0);
    let pid = pid.ok_or_else(|| match word.bytes().all(|byte| byte.is_ascii_digit()) {
        true if !word.is_empty() => Wrong(format!(
            "invalid pid argument: '{word}': Numerical result out of range"
        )),
        _ => Wrong(format!("invalid pid argument: '{word}'")),
    })?;
    let proc = Proc::open()
        .map_err(|error| Wrong(format!("failed to initialize procfs handler: {error}")))?;
    let dir = proc.dir(pid).map_err(|error| {
        Wrong(format!(
            "failed to initialize procfs handler: {}",
            words_of(&error)
        ))
    })?;
    let status = dir.status().map_err(|error| {
        Wrong(format!(
            "cannot open /proc/{pid}/status: {}",
            words_of(&error)
        ))
    })?;
    let rows = [
        ("Pending (thread)", status.sig_pending),
        ("Pending (process)", status.shared_pending),
        ("Blocked", status.blocked),
        ("Ignored", status.ignored),
        ("Caught", status.caught),
    ];
    let row = |(label, set): (&str, SignalSet)| {
        let names: String = set
            .iter()
            .map(|one| format!("{} ", name_of(one.number())))
            .collect();
        (!set.is_empty()).then(|| format!("{label}: {names}\n"))
    };
    Ok(rows.into_iter().filter_map(row).collect())
}
