//! One process as text: on a terminal, and in a pipe.

use wigwag::{Signal, SignalSet};
use wigwag_process::dispositions::{Freezer, Init, Waiting};

use super::facts::{Facts, Row};
use crate::output::{Output, breakable, clean, cut, wrap};
use crate::report::state_words;

/// In a pipe: PID NAME SIGNAL DISPOSITION BLOCKED PENDING EFFECT, one signal a line; where it is the only one with the reason.
pub fn lines(facts: &Facts, only: Option<Signal>) -> String {
    let pid = match facts.thread {
        Some(tid) => format!("{}/{tid}", facts.stat.pid),
        None => facts.stat.pid.to_string(),
    };
    let name = clean(&facts.name(), true);
    let name = if name.is_empty() { "-" } else { &name };
    facts
        .rows(only)
        .iter()
        .map(|row| {
            format!(
                "{pid} {name} {} {} {} {} {}{}\n",
                row.signal,
                row.disposition.word(),
                row.blocked_word(),
                row.pending_word(),
                row.prediction,
                match only {
                    Some(_) => format!(": {}", clean(&row.prediction.reason, false)),
                    None => String::new(),
                }
            )
        })
        .collect()
}

/// On a terminal: who it is, the table, and what stands together.
pub fn terminal(
    facts: &Facts,
    only: Option<Signal>,
    all: bool,
    width: usize,
    out: &mut Output,
) -> anyhow::Result<()> {
    out.print_styled(&header(facts, width))?;
    let rows = facts.rows(only);
    let (plain, special): (Vec<Row>, Vec<Row>) = rows
        .into_iter()
        .partition(|row| !all && only.is_none() && row.is_plain());
    if !special.is_empty() {
        out.print("\n")?;
        table(&special, width, out)?;
    }
    if let (Some(_), [row]) = (only, special.as_slice()) {
        out.print("\n")?;
        out.print(&wrap(&clean(&row.prediction.reason, false), width, "Why: "))?;
    }
    let concerned = only.map_or(SignalSet::ALL, |signal| SignalSet::of(&[signal]));
    if facts.threads_differ(concerned) {
        out.print(&threads(facts, concerned, width))?;
    }
    if !plain.is_empty() {
        out.print(&together(&plain, special.is_empty(), width))?;
    }
    Ok(())
}

fn header(facts: &Facts, width: usize) -> String {
    let whose = format!("user {}", clean(&facts.user, false));
    let threads = match facts.view.threads.len() {
        1 => String::new(),
        n => format!(", {n} threads"),
    };
    let which = match facts.thread {
        Some(tid) => format!("Thread {tid} of process {}", facts.stat.pid),
        None => format!("Process {}", facts.stat.pid),
    };
    let title = format!("{which}, {}", clean(&facts.name(), false));
    let mut text = format!("\x1b[1m{title}\x1b[0m\n");
    let mut field = |label: &str, value: &str| {
        if !value.is_empty() {
            let value = breakable(&clean(value, false), width.saturating_sub(11));
            text.push_str(&wrap(&value, width, &format!("  {label:<8} ")));
        }
    };
    field("command", &cut(&facts.command.join(" "), 300));
    field("program", facts.exe.as_deref().unwrap_or_default());
    field(
        "is",
        &format!(
            "{}, {whose}{threads}, started {} ago",
            state_words(facts.stat.state),
            age(facts.age)
        ),
    );
    field("waits", facts.waits.as_deref().unwrap_or_default());
    let files = match facts.files {
        Some(1) => "1 file open".to_owned(),
        Some(n) => format!("{n} files open"),
        None => "open files that may not be read".to_owned(),
    };
    field("holds", &files);
    field(
        "below",
        &format!(
            "parent {}, group {}, session {}",
            facts.stat.ppid, facts.stat.pgrp, facts.stat.session
        ),
    );
    for remark in remarks(facts) {
        field("note", &remark);
    }
    text
}

/// What changes the meaning of every signal to it.
fn remarks(facts: &Facts) -> Vec<String> {
    let view = &facts.view;
    let mut found = Vec::new();
    if view.kernel_thread {
        found.push("a kernel thread: no signal does anything to it".to_owned());
    }
    match view.init {
        Init::No => {}
        Init::Inside => found
            .push("init of this pid namespace: only signals that it handles reach it".to_owned()),
        Init::Outside => found.push(
            "init of a pid namespace below: only KILL, STOP and what it handles reach it"
                .to_owned(),
        ),
    }
    if view.tracer != 0 {
        found.push(format!(
            "traced by process {}, which is told of every signal first",
            view.tracer
        ));
    }
    match view.frozen {
        Some(Freezer::V1) => {
            found.push("its cgroup is frozen: nothing reaches it before the thaw".to_owned())
        }
        Some(Freezer::V2) => found
            .push("its cgroup is frozen: only what ends it reaches it before the thaw".to_owned()),
        None => {}
    }
    if view.leader_exited() {
        found.push("its first thread has ended, others run on".to_owned());
    }
    let awaited: SignalSet = view
        .threads
        .iter()
        .fold(SignalSet::EMPTY, |set, thread| match thread.waiting {
            Waiting::For(awaited) => set | awaited,
            _ => set,
        });
    if !awaited.is_empty() {
        found.push(format!("a thread waits for {awaited}"));
    }
    for one in view.signalfds.iter().flatten() {
        found.push(format!("signalfd {} takes {}", one.fd, one.mask));
    }
    if view.signalfds.is_none() {
        found.push("whether it has a signalfd may not be read".to_owned());
    }
    if view
        .threads
        .iter()
        .any(|thread| thread.waiting == Waiting::Unknown)
    {
        found.push("whether a thread waits for a signal may not be read".to_owned());
    }
    found
}

/// From this width on there is room for columns that have nothing in them.
const ROOMY: usize = 60;

fn table(rows: &[Row], width: usize, out: &mut Output) -> anyhow::Result<()> {
    type Column = (&'static str, fn(&Row) -> String, bool);
    let columns: [Column; 5] = [
        (
            "SIGNAL",
            |row| format!("{:>2} {}", row.signal.number(), row.signal),
            false,
        ),
        ("SET TO", |row| row.disposition.word().to_owned(), false),
        ("BLOCKED", Row::blocked_word, true),
        ("PENDING", Row::pending_word, true),
        ("IF SENT NOW", |row| row.prediction.to_string(), false),
    ];
    let shown = columns.iter().filter(|(_, cell, may_go)| {
        !may_go || width >= ROOMY || rows.iter().any(|row| cell(row) != "-")
    });
    let shown: Vec<&Column> = shown.collect();
    let titles: Vec<&str> = shown.iter().map(|(title, ..)| *title).collect();
    let cells = rows
        .iter()
        .map(|row| shown.iter().map(|(_, cell, _)| cell(row)).collect())
        .collect();
    out.table(&titles, cells)
}

/// What its threads block, await and have pending, those that are alike together.
fn threads(facts: &Facts, concerned: SignalSet, width: usize) -> String {
    let mut alike: Vec<(String, Vec<i32>)> = Vec::new();
    for thread in &facts.view.threads {
        let mut words = Vec::new();
        let mut say = |verb: &str, set: SignalSet| {
            if !set.is_empty() {
                words.push(format!("{verb} {}", names(set.iter())));
            }
        };
        say("blocks", thread.blocked & concerned);
        say("has pending", thread.pending & concerned);
        if let Waiting::For(set) = thread.waiting {
            say("waits for", set & concerned);
        }
        let words = if words.is_empty() {
            "blocks none".to_owned()
        } else {
            words.join("; ")
        };
        match alike.iter_mut().find(|(known, _)| *known == words) {
            Some((_, tids)) => tids.push(thread.tid),
            None => alike.push((words, vec![thread.tid])),
        }
    }
    let mut text = "\nIts threads differ:\n".to_owned();
    for (words, tids) in alike {
        let which = match tids.as_slice() {
            [tid] => format!("thread {tid}"),
            [first, .., last] => format!("{} threads, {first} to {last}", tids.len()),
            [] => continue,
        };
        text.push_str(&wrap(&format!("{which}: {words}"), width, "  "));
    }
    text
}

/// The untouched signals, by what they would do.
fn together(rows: &[Row], alone: bool, width: usize) -> String {
    let mut effects: Vec<(String, Vec<Signal>)> = Vec::new();
    for row in rows {
        let effect = row.prediction.to_string();
        match effects.iter_mut().find(|(known, _)| *known == effect) {
            Some((_, signals)) => signals.push(row.signal),
            None => effects.push((effect, vec![row.signal])),
        }
    }
    let which = if alone {
        "All signals are"
    } else {
        "All others are"
    };
    let headline = format!("{which} at their default; if sent now:");
    let mut text = format!("\n{}", wrap(&headline, width, ""));
    let column = effects
        .iter()
        .map(|(effect, _)| effect.chars().count())
        .max()
        .unwrap_or(0)
        .min(width / 3);
    for (effect, signals) in &effects {
        text.push_str(&wrap(
            &names(signals.iter().copied()),
            width,
            &format!("  {effect:<column$}  "),
        ));
    }
    text
}

/// Names, the real-time ones as ranges: `USR1 USR2 RTMIN..RTMAX`.
fn names(signals: impl Iterator<Item = Signal>) -> String {
    let (realtime, standard): (Vec<Signal>, Vec<Signal>) =
        signals.partition(|signal| signal.is_realtime());
    let mut words: Vec<String> = standard.iter().map(ToString::to_string).collect();
    let mut rest = realtime.as_slice();
    while let [first, ..] = rest {
        let run = rest
            .windows(2)
            .take_while(|pair| pair[1].number() == pair[0].number() + 1)
            .count();
        words.push(match run {
            0 => first.to_string(),
            _ => format!("{first}..{}", rest[run]),
        });
        rest = &rest[run + 1..];
    }
    words.join(" ")
}

/// `40 s`, `12 min`, `3 h 20 min`, `9 days`.
fn age(age: jiff::SignedDuration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..=99 => format!("{seconds} s"),
        100..=5_999 => format!("{} min", seconds / 60),
        6_000..=172_799 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_time_signals_are_ranges() {
        assert_eq!(
            names(Signal::all().filter(|s| s.number() > 29)),
            "PWR SYS RTMIN..RTMAX"
        );
        let some = [Signal::HUP, Signal::rtmin(), Signal::rtmax()];
        assert_eq!(names(some.into_iter()), "HUP RTMIN RTMAX");
    }
}
