//! What somebody may have meant by a name that is none.

use std::collections::HashSet;

use crate::procfs::{PidName, Proc, read_once};
use crate::selector::KINDS;

/// The nearest of the names of running processes, of signals, and of kinds of targets, if any is near enough for a slip.
///
/// ```
/// use wigwag_process::{census::nearest, procfs::Proc};
/// assert_eq!(nearest(&Proc::open()?, "prot:80").as_deref(), Some("port:80"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn nearest(proc: &Proc, word: &str) -> Option<String> {
    nearest_of(word, &names(proc))
}

/// The same among names that are known.
pub(super) fn nearest_of(word: &str, names: &HashSet<Vec<u8>>) -> Option<String> {
    if let Some((kind, rest)) = word.split_once(':')
        && let Some(near) = best(kind, KINDS.iter().map(|k| (*k).to_owned()))
    {
        return Some(format!("{near}:{rest}"));
    }
    let names = names
        .iter()
        .map(|name| String::from_utf8_lossy(name).into_owned());
    match (signal_like(word), best(word, names)) {
        (Some(signal), Some(process)) => {
            let shouted = word.chars().all(|c| !c.is_lowercase());
            Some(if shouted { signal } else { process })
        }
        (signal, process) => process.or(signal),
    }
}

/// The signal that a word nearly is, or is under another spelling, as it is written on the command line.
fn signal_like(word: &str) -> Option<String> {
    match word.parse::<wigwag::Signal>() {
        Ok(signal) => Some(signal.name().into_owned()),
        Err(error) => error.suggestion().map(str::to_owned),
    }
}

/// The names of all processes, as the kernel has them.
fn names(proc: &Proc) -> HashSet<Vec<u8>> {
    let mut all = HashSet::new();
    let mut comm = [0u8; 72];
    for pid in proc.pids().unwrap_or_default() {
        let path = PidName::with(pid, c"comm");
        if let Ok(len) = read_once(proc, path.as_c_str(), &mut comm) {
            let name = comm[..len].trim_ascii_end();
            if !all.contains(name) {
                all.insert(name.to_vec());
            }
        }
    }
    all
}

/// The nearest that is at most a third of the word away, and at most three slips: letters wrong, missing, too many, or
/// swapped with their neighbour.
fn best(word: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    let length = word.chars().count();
    let allowed = (length / 3).clamp(1, 3);
    candidates
        // Longer or shorter by more cannot be nearer, and comparing costs the product of the lengths.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= allowed)
        .map(|candidate| (strsim::osa_distance(word, &candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= allowed && *distance < candidate.chars().count()
        })
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_near_and_other_words_far() {
        let names = || ["nginx", "sshd", "a"].into_iter().map(str::to_owned);
        assert_eq!(best("ngnix", names()).as_deref(), Some("nginx"));
        assert_eq!(best("postgres", names()), None);
        assert_eq!(best("b", names()), None);
        assert_eq!(best("sshdx", names()).as_deref(), Some("sshd"));
        assert_eq!(best("", names()), None);
        assert_eq!(best(&"n".repeat(1 << 20), names()), None);
        let words = || ["sitting"].into_iter().map(str::to_owned);
        assert_eq!(best("kitten", words()), None, "three slips in six letters");
        assert_eq!(best("sittnig", words()).as_deref(), Some("sitting"));
    }
}
