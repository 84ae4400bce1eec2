//! Plans and reports as text.
//!
//! In a pipe, one line a process, fields split by one blank:
//!
//! ```text
//! PID NAME EFFECT...          of a report; the effect goes to the end of the line
//! PID NAME PREDICTION...      of a plan (--dry-run)
//! PID/TID NAME ...            where one thread is meant
//! ```
//!
//! NAME has its blanks and control characters as `\xNN`. An effect that was not seen is followed by `(inferred)` or
//! `(unknown)`.

use jiff::SignedDuration;
use wigwag_process::identity::Who;
use wigwag_process::order::Action;
use wigwag_process::plan::{Entry, Plan};
use wigwag_process::prediction;
use wigwag_process::receipt::{Effect, Evidence, Receipt, Report, Verdict};

use crate::output::{Output, clean, wrap};

/// Prints what an order would do; the exit status it would have where the prediction decides it.
///
/// # Errors
/// Where it cannot be written.
pub fn plan(plan: &Plan, out: &mut Output) -> anyhow::Result<u8> {
    let code = foreseen(plan).code();
    if out.is_json() {
        out.json(plan)?;
        return Ok(code);
    }
    remarks(
        &plan.notes,
        plan.missing.iter().map(|one| one.why.as_str()),
        out,
    );
    let Some(width) = out.terminal_width() else {
        let lines: String = plan
            .entries
            .iter()
            .map(|entry| format!("{} {}\n", head(&entry.who), outlook(entry)))
            .collect();
        out.print(&lines)?;
        return Ok(code);
    };
    let rows = plan
        .entries
        .iter()
        .map(|entry| {
            let (would, why) = match &entry.refused {
                Some(refusal) => ("refused".to_owned(), refusal.to_string()),
                None => (entry.predicted.to_string(), entry.predicted.reason.clone()),
            };
            vec![
                number(&entry.who),
                name(&entry.who),
                user(&entry.who),
                would,
                clean(&why, false),
            ]
        })
        .collect();
    let headline = match &plan.order.action {
        Action::Stop { ladder } => format!(
            "Nothing is sent. The ladder would be {ladder}; its first signal would have this effect:"
        ),
        action => format!(
            "Nothing is sent. To {} these would have this effect:",
            action.verb()
        ),
    };
    out.print(&format!("{}\n", wrap(&headline, width, "")))?;
    out.table(&["PID", "NAME", "USER", "EFFECT", "WHY"], rows)?;
    Ok(code)
}

/// What would come of the plan if it were carried out, as far as that can be said.
fn foreseen(plan: &Plan) -> Verdict {
    let meant = plan
        .entries
        .iter()
        .filter(|entry| !is_refused(entry))
        .count();
    let too_many = plan.order.guards.max.is_some_and(|max| meant > max);
    let to_end = matches!(plan.order.action, Action::Stop { .. });
    let is_over = |entry: &Entry| entry.predicted.effects == [prediction::Effect::Nothing];
    if plan.entries.is_empty() {
        Verdict::NoTarget
    } else if too_many || meant < plan.entries.len() {
        Verdict::Refused
    } else if plan.order.action.first_signal().is_some()
        && !to_end
        && plan.entries.iter().any(is_over)
    {
        Verdict::NotInTime
    } else {
        Verdict::AsAsked
    }
}

fn is_refused(entry: &Entry) -> bool {
    entry.refused.is_some()
        || entry
            .predicted
            .has(wigwag_process::prediction::Effect::Denied)
}

fn outlook(entry: &Entry) -> String {
    let text = match &entry.refused {
        Some(refusal) => format!("refused: {refusal}"),
        None => format!("{}: {}", entry.predicted, entry.predicted.reason),
    };
    clean(&text, false)
}

/// Prints what came of an order.
///
/// # Errors
/// Where it cannot be written.
pub fn report(report: &Report, out: &mut Output) -> anyhow::Result<()> {
    if out.is_json() {
        return out.json(report);
    }
    remarks(
        &report.notes,
        report.missing.iter().map(|one| one.why.as_str()),
        out,
    );
    if report.interrupted {
        out.remark("interrupted: this is how far it came");
    }
    if out.is_quiet() {
        for receipt in &report.receipts {
            if receipt.verdict(&report.order) == Verdict::Refused {
                out.complain(&format!("{}: {}", receipt.who, receipt.effect));
            }
        }
        return Ok(());
    }
    let Some(width) = out.terminal_width() else {
        let lines: String = report
            .receipts
            .iter()
            .map(|receipt| format!("{} {}\n", head(&receipt.who), effect(receipt)))
            .collect();
        return out.print(&lines);
    };
    let rows = report
        .receipts
        .iter()
        .map(|receipt| row(receipt, width))
        .collect();
    out.table(titles(width), rows)?;
    if report.receipts.len() > 1 {
        out.print(&summary(report))?;
    }
    Ok(())
}

fn remarks<'a>(notes: &'a [String], missing: impl Iterator<Item = &'a str>, out: &Output) {
    for text in missing.chain(notes.iter().map(String::as_str)) {
        out.remark(text);
    }
}

/// From this width on there is room for how an effect is known.
const WIDE: usize = 110;

fn titles(width: usize) -> &'static [&'static str] {
    if width >= WIDE {
        &["PID", "NAME", "USER", "SENT", "EFFECT", "AFTER", "KNOWN BY"]
    } else {
        &["PID", "NAME", "SENT", "EFFECT", "AFTER"]
    }
}

fn row(receipt: &Receipt, width: usize) -> Vec<String> {
    let who = &receipt.who;
    let mut cells = vec![number(who), name(who)];
    if width >= WIDE {
        cells.push(user(who));
    }
    cells.push(sent(receipt));
    cells.push(effect(receipt));
    // How long nothing took says nothing.
    let nothing = matches!(receipt.effect, Effect::Refused { .. } | Effect::GoneBefore);
    cells.push(if nothing {
        "-".to_owned()
    } else {
        time(receipt.took)
    });
    if width >= WIDE {
        cells.push(clean(&receipt.how, false));
    }
    cells
}

/// `3 of 5 as asked; 1 refused or denied, 1 not in time; 1.2 s`
fn summary(report: &Report) -> String {
    let of = |wanted: Verdict| {
        report
            .receipts
            .iter()
            .filter(|receipt| receipt.verdict(&report.order) == wanted)
            .count()
    };
    let (good, refused, late) = (
        of(Verdict::AsAsked),
        of(Verdict::Refused),
        of(Verdict::NotInTime),
    );
    let mut text = format!("\n{good} of {} as asked", report.receipts.len());
    if refused > 0 {
        text.push_str(&format!(", {refused} refused or denied"));
    }
    if late > 0 {
        text.push_str(&format!(", {late} not in time"));
    }
    text + &format!("; {}\n", time(report.took))
}

/// The signals that were sent, each once with how often.
fn sent(receipt: &Receipt) -> String {
    let mut words: Vec<(String, usize)> = Vec::new();
    for sent in &receipt.sent {
        let word = sent
            .signal
            .map_or_else(|| "0".to_owned(), |signal| signal.to_string());
        match words.last_mut() {
            Some((last, count)) if *last == word => *count += 1,
            _ => words.push((word, 1)),
        }
    }
    if words.is_empty() {
        return "-".to_owned();
    }
    let words: Vec<String> = words
        .into_iter()
        .map(|(word, count)| {
            if count > 1 {
                format!("{word} x{count}")
            } else {
                word
            }
        })
        .collect();
    words.join(" ")
}

fn effect(receipt: &Receipt) -> String {
    let text = match receipt.evidence {
        _ if matches!(receipt.effect, Effect::Unknown) => "unknown".to_owned(),
        Evidence::Seen => receipt.effect.to_string(),
        Evidence::Inferred => format!("{} (inferred)", receipt.effect),
        Evidence::Unknown => format!("{} (unknown)", receipt.effect),
    };
    clean(&text, false)
}

/// PID and NAME of a line in a pipe.
fn head(who: &Who) -> String {
    let name = clean(&who.name, true);
    format!(
        "{} {}",
        number(who),
        if name.is_empty() { "-" } else { &name }
    )
}

fn number(who: &Who) -> String {
    match who.thread {
        Some(tid) => format!("{}/{tid}", who.identity.pid),
        None => who.identity.pid.to_string(),
    }
}

fn name(who: &Who) -> String {
    clean(&who.name, false)
}

fn user(who: &Who) -> String {
    who.user
        .as_deref()
        .map_or_else(|| who.uid.to_string(), |user| clean(user, false))
}

/// `830 us`, `12 ms`, `1.3 s`, `2 m 5 s`.
pub fn time(time: SignedDuration) -> String {
    let micros = time.as_micros();
    match micros {
        ..=999 => format!("{micros} us"),
        1_000..=999_999 => format!("{} ms", micros / 1_000),
        1_000_000..=59_999_999 => format!("{:.1} s", time.as_secs_f64()),
        _ => format!("{} m {} s", time.as_secs() / 60, time.as_secs() % 60),
    }
}

/// The state letter of proc(5) in words.
pub fn state_words(state: char) -> &'static str {
    match state {
        'R' => "running",
        'S' => "sleeping",
        'D' => "in uninterruptible sleep",
        'T' => "stopped",
        't' => "stopped by its tracer",
        'Z' => "a zombie: ended, not collected by its parent",
        'X' => "dead",
        'I' => "idle",
        _ => "in an unknown state",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let of = |micros| time(SignedDuration::from_micros(micros));
        assert_eq!(
            [of(830), of(12_300), of(1_340_000), of(125_000_000)],
            ["830 us", "12 ms", "1.3 s", "2 m 5 s"]
        );
    }
}
