//! The words that stand for signals, processes, users and so on, as they are now.

mod files;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Arg;
use wigwag::Signal;
use wigwag::catalog::System;
use wigwag_process::procfs::{Namespace, Proc, ProcDir, Stat, Transport};
use wigwag_process::selector::Target;

use crate::verbs::Verb;
use files::{files, programs};

/// A word that may come, and what it is.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub word: String,
    pub about: String,
}

impl Candidate {
    pub fn new(word: impl Into<String>, about: impl Into<String>) -> Candidate {
        Candidate {
            word: word.into(),
            about: about.into(),
        }
    }

    /// The same behind what is on the line already.
    pub fn after(self, prefix: &str) -> Candidate {
        Candidate {
            word: format!("{prefix}{}", self.word),
            about: self.about,
        }
    }
}

/// What the value of an option, or a word of a verb, is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// What clap is told of.
    Listed,
    Signal,
    Ladder,
    Target,
    Pid,
    Namespace,
    Name,
    User,
    Group,
    Terminal,
    Cgroup,
    Thread,
    State,
    Os,
    Arch,
    Verb,
    File,
    Directory,
    Program,
    /// Times, numbers, variables: nobody can know.
    Free,
}

/// What a value of `arg` is; `None` for an option that this table has not been told of.
pub fn of(verb: &Verb, arg: &Arg) -> Option<Values> {
    Some(match arg.get_id().as_str() {
        _ if !arg.get_possible_values().is_empty() => Values::Listed,
        "signal" | "handles" | "what" | "parent-death" => Values::Signal,
        "ladder" | "exit-on" | "ignore" | "default" | "block" | "unblock" => Values::Ladder,
        "target" => Values::Target,
        "parent" => Values::Pid,
        "ns" => Values::Namespace,
        "name" => Values::Name,
        "user" => Values::User,
        "group-id" => Values::Group,
        "tty" => Values::Terminal,
        "cgroup" => Values::Cgroup,
        "thread" => Values::Thread,
        "state" => Values::State,
        "os" => Values::Os,
        "arch" => Values::Arch,
        "verb" => Values::Verb,
        "file" if verb.name == "apply" => Values::File,
        "report-json" => Values::File,
        "command" => Values::Program,
        "dir" | "folder" => Values::Directory,
        "names" | "on" | "map" | "map-status" | "temp-dir" | "linger" | "cpu" | "file-size" => {
            Values::Free
        }
        "older" | "younger" | "env" | "max" | "value" | "after" | "every" | "count" | "wait"
        | "timeout" => Values::Free,
        _ => return None,
    })
}

/// Those that begin with `current`.
pub fn matching(current: &str, all: Vec<Candidate>) -> Vec<Candidate> {
    all.into_iter()
        .filter(|one| one.word.starts_with(current))
        .collect()
}

/// The values of that kind that begin with `current`.
pub fn candidates(kind: Values, arg: &Arg, current: &str) -> Vec<Candidate> {
    let named = |names: &[&str]| names.iter().map(|name| Candidate::new(*name, "")).collect();
    match kind {
        Values::Listed => in_list(current, |word| {
            let known = arg.get_possible_values();
            let known = known
                .iter()
                .map(|value| Candidate::new(value.get_name(), ""));
            matching(word, known.collect())
        }),
        Values::Signal => signals(current),
        Values::Ladder => in_list(current, |step| match step.contains(':') {
            true => Vec::new(),
            false => signals(step),
        }),
        Values::Target => targets(current),
        Values::Pid => pids(current),
        Values::Namespace => namespaces(current),
        Values::Name => names(current),
        Values::User => accounts("/etc/passwd", current),
        Values::Group => accounts("/etc/group", current),
        Values::Terminal => terminals(current),
        Values::Cgroup => cgroups(current),
        Values::Thread => threads(current),
        Values::State => matching(
            current,
            STATES.map(|(s, about)| Candidate::new(s, about)).into(),
        ),
        Values::Os => {
            let systems = System::all()
                .iter()
                .filter(|s| System::find(Some(s.id()), None).is_ok());
            matching(
                current,
                systems.map(|s| Candidate::new(s.id(), s.title())).collect(),
            )
        }
        Values::Arch => matching(current, named(crate::verbs::list::ARCHES)),
        Values::Verb => matching(current, super::line::verbs()),
        Values::Program if !current.contains('/') => programs(current),
        Values::Program => files(current),
        Values::File | Values::Directory | Values::Free => Vec::new(),
    }
}

/// The last of the words between commas, behind the others.
fn in_list(current: &str, of: impl Fn(&str) -> Vec<Candidate>) -> Vec<Candidate> {
    let (before, last) = current.split_at(current.rfind(',').map_or(0, |comma| comma + 1));
    of(last).into_iter().map(|one| one.after(before)).collect()
}

const STATES: [(&str, &str); 7] = [
    ("R", "running"),
    ("S", "sleeping"),
    ("D", "in uninterruptible sleep"),
    ("T", "stopped"),
    ("t", "stopped by its tracer"),
    ("Z", "a zombie"),
    ("I", "idle"),
];

/// Names of signals, in capitals whatever was typed; `SIGTERM` where SIG was; all real-time ones only from RT on.
pub fn signals(current: &str) -> Vec<Candidate> {
    let typed = current.to_ascii_uppercase();
    let prefix = if typed.starts_with("SIG") { "SIG" } else { "" };
    let rest = &typed[prefix.len()..];
    Signal::all()
        .map(|signal| Candidate::new(signal.name(), signal.description()))
        .filter(|one| {
            let numbered = one.word.starts_with("RT") && one.word.contains(['+', '-']);
            one.word.starts_with(rest) && (!numbered || rest.starts_with("RT"))
        })
        .map(|one| one.after(prefix))
        .collect()
}

/// What may stand before a colon, and whom it means then.
pub const KINDS: [(&str, &str); 10] = [
    ("pid:", "a process"),
    ("group:", "all in a process group"),
    ("session:", "all of a session"),
    ("tree:", "a process and all below it"),
    ("cgroup:", "all in a control group or below it"),
    ("port:", "whoever listens there"),
    ("file:", "whoever has it open, or is in it"),
    ("unit:", "all of a unit of systemd"),
    ("tid:", "one thread"),
    ("name:", "all that are named so"),
];

fn targets(current: &str) -> Vec<Candidate> {
    if let Some((kind, _)) = KINDS.iter().find(|(kind, _)| current.starts_with(kind)) {
        let rest = &current[kind.len()..];
        let found = match *kind {
            "pid:" | "tree:" => pids(rest),
            "group:" => leaders(rest, |stat| stat.pgrp),
            "session:" => leaders(rest, |stat| stat.session),
            "cgroup:" => cgroups(rest),
            "port:" => ports(rest),
            "file:" => files(rest),
            "unit:" => units(rest),
            "tid:" => threads(rest),
            _ => names(rest),
        };
        return found.into_iter().map(|one| one.after(kind)).collect();
    }
    if current.starts_with(|c: char| c.is_ascii_digit()) {
        return pids(current);
    }
    let kinds = KINDS.map(|(kind, about)| Candidate::new(kind, about));
    // A name that would be read as something else is written with name: before it.
    let names = names("").into_iter().map(|one| Candidate {
        word: Target::Name(one.word).to_string(),
        about: one.about,
    });
    let mut found = matching(
        current,
        names.filter(|one| !one.word.starts_with("name:")).collect(),
    );
    found.extend(matching(current, kinds.into()));
    found
}

/// The processes whose number begins so, but not this one.
fn processes(digits: &str) -> Vec<(ProcDir, Stat)> {
    let Ok(proc) = Proc::open() else {
        return Vec::new();
    };
    let own = std::process::id().to_string();
    let mut pids = proc.pids().unwrap_or_default();
    pids.sort_unstable();
    pids.into_iter()
        .map(|pid| (pid, pid.to_string()))
        .filter(|(_, text)| text.starts_with(digits) && (*text != own || cfg!(test)))
        .filter_map(|(pid, _)| {
            let dir = proc.dir(pid).ok()?;
            let stat = dir.stat().ok()?;
            (!stat.is_kernel_thread()).then_some((dir, stat))
        })
        .collect()
}

fn command_line(dir: &ProcDir, stat: &Stat) -> String {
    let words = dir.cmdline().unwrap_or_default();
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    match words.join(" ") {
        line if line.trim().is_empty() => format!("({})", stat.comm.to_string_lossy()),
        line => line,
    }
}

fn pids(current: &str) -> Vec<Candidate> {
    processes(current)
        .iter()
        .map(|(dir, stat)| Candidate::new(stat.pid.to_string(), command_line(dir, stat)))
        .collect()
}

/// Groups and sessions, with the command that leads them where it runs yet.
fn leaders(current: &str, number: impl Fn(&Stat) -> i32) -> Vec<Candidate> {
    let mut found: BTreeMap<i32, String> = BTreeMap::new();
    for (dir, stat) in processes("") {
        let of = number(&stat);
        if of < 1 || !of.to_string().starts_with(current) {
            continue;
        }
        if of == stat.pid || !found.contains_key(&of) {
            found.insert(of, command_line(&dir, &stat));
        }
    }
    found
        .into_iter()
        .map(|(of, about)| Candidate::new(of.to_string(), about))
        .collect()
}

fn threads(current: &str) -> Vec<Candidate> {
    let mut found = Vec::new();
    for (dir, stat) in processes("") {
        let about = format!("of {} ({})", stat.pid, stat.comm.to_string_lossy());
        let tids = dir.tasks().unwrap_or_default().into_iter();
        found.extend(
            tids.map(|tid| tid.to_string())
                .filter(|tid| tid.starts_with(current))
                .map(|tid| Candidate::new(tid, about.clone())),
        );
    }
    found
}

/// The names of the processes, each once; where the kernel has cut one, as its program is called.
fn names(current: &str) -> Vec<Candidate> {
    let mut found: BTreeMap<String, Vec<i32>> = BTreeMap::new();
    for (dir, stat) in processes("") {
        let comm = stat.comm.to_string_lossy().into_owned();
        let whole = (comm.len() == 15)
            .then(|| dir.cmdline().ok()?.into_iter().next())
            .flatten()
            .and_then(|first| Some(Path::new(&first).file_name()?.to_str()?.to_owned()))
            .filter(|name| name.starts_with(&comm));
        let name = whole.unwrap_or(comm);
        if !name.is_empty() && name.starts_with(current) {
            found.entry(name).or_default().push(stat.pid);
        }
    }
    found
        .into_iter()
        .map(|(name, pids)| {
            let about = match pids.as_slice() {
                [pid] => format!("process {pid}"),
                more => format!("{} processes", more.len()),
            };
            Candidate::new(name, about)
        })
        .collect()
}

fn namespaces(current: &str) -> Vec<Candidate> {
    let Some((pid, kinds)) = current.split_once(':') else {
        return pids(current);
    };
    let all = || {
        Namespace::ALL
            .map(|kind| Candidate::new(kind.name(), ""))
            .to_vec()
    };
    in_list(kinds, |word| matching(word, all()))
        .into_iter()
        .map(|one| one.after(&format!("{pid}:")))
        .collect()
}

/// The names in passwd or group.
fn accounts(path: &str, current: &str) -> Vec<Candidate> {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let accounts = text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        Some(Candidate::new(name, fields.nth(1)?))
    });
    matching(current, accounts.collect())
}

fn terminals(current: &str) -> Vec<Candidate> {
    let mut found = vec![Candidate::new("none", "without a terminal")];
    for entry in std::fs::read_dir("/dev/pts")
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.bytes().all(|b| b.is_ascii_digit()) {
            found.push(Candidate::new(format!("pts/{name}"), ""));
        }
    }
    matching(current, found)
}

/// The control groups that have processes, and those above them.
fn cgroups(current: &str) -> Vec<Candidate> {
    let mut found: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for (dir, _) in processes("") {
        for group in dir.cgroups().unwrap_or_default() {
            for path in group.path.ancestors() {
                *found.entry(path.to_owned()).or_default() += 1;
            }
        }
    }
    let groups = found
        .keys()
        .filter_map(|path| Some(Candidate::new(path.to_str()?, "")));
    matching(current, groups.collect())
}

/// The units whose control groups have processes.
fn units(current: &str) -> Vec<Candidate> {
    let is_unit = |name: &&str| {
        [".service", ".scope", ".slice"]
            .iter()
            .any(|k| name.ends_with(k))
    };
    let mut found: Vec<String> = cgroups("")
        .iter()
        .flat_map(|one| one.word.split('/').filter(is_unit))
        .map(str::to_owned)
        .collect();
    found.sort_unstable();
    found.dedup();
    let found = found.into_iter().map(|name| Candidate::new(name, ""));
    matching(current, found.collect())
}

fn ports(current: &str) -> Vec<Candidate> {
    let listeners = Proc::open()
        .ok()
        .and_then(|proc| proc.listeners().ok())
        .unwrap_or_default();
    let mut found: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for one in &listeners {
        let how = match one.transport {
            Transport::Tcp => "TCP",
            Transport::Udp => "UDP",
        };
        let hows = found.entry(one.port).or_default();
        if !hows.contains(&how) {
            hows.push(how);
        }
    }
    let ports = found
        .into_iter()
        .map(|(port, how)| Candidate::new(port.to_string(), how.join(", ")));
    matching(current, ports.collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::verbs::{VERBS, with_common};

    #[test]
    fn every_option_with_a_value_is_known() {
        for verb in VERBS {
            let command = with_common(verb);
            for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
                let takes = arg.is_positional() || arg.get_action().takes_values();
                assert!(
                    !takes || of(verb, arg).is_some(),
                    "{} {}",
                    verb.name,
                    arg.get_id()
                );
            }
        }
    }

    #[test]
    fn every_kind_of_target_is_read_as_one() {
        for (kind, _) in KINDS {
            let target = Target::parse(&format!("{kind}4242"));
            let is_name = matches!(target, Ok(Target::Name(_)));
            assert_eq!(is_name, kind == "name:", "{kind}: {target:?}");
        }
    }

    #[test]
    fn the_processors_are_those_of_the_catalogue() {
        for arch in crate::verbs::list::ARCHES {
            assert!(System::find(None, Some(arch)).is_ok(), "{arch}");
        }
        let error = System::find(None, Some("z80")).unwrap_err().to_string();
        let (_, known) = error.split_once("known are ").unwrap();
        for arch in known.split(", ") {
            assert!(crate::verbs::list::ARCHES.contains(&arch), "{arch}");
        }
    }
}
