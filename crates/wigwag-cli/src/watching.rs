//! An order from the command line: prepared, asked about where it is too large, carried out while somebody watches.

use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use wigwag::disposition::Handling;
use wigwag::mask::MaskGuard;
use wigwag::{Signal, SignalFd, SignalSet};
use wigwag_process::census::SelectError;
use wigwag_process::execute::{NoObserver, Observer, Progress, Remaining};
use wigwag_process::order::{Action, Order, Step};
use wigwag_process::plan::{Plan, PlanError, Prepared, prepare, preview};
use wigwag_process::procfs::{Proc, is_gone};
use wigwag_process::receipt::Report;

use crate::output::{Output, clean, cut};
use crate::report;
use crate::verbs::{Failure, usage};

/// Waiting shorter than this shows no progress.
const PATIENCE: Duration = Duration::from_millis(400);

/// Carries an order out, or prints its plan, and prints what came of it; the exit status.
///
/// # Errors
/// Where there is no plan, or the answer cannot be written.
pub fn carry_out(order: Order, dry_run: bool, out: &mut Output) -> anyhow::Result<u8> {
    let proc = Proc::open()?;
    let prepared = prepare_or_ask(&proc, order, dry_run, out)?;
    finish(prepared, dry_run, out)
}

/// The same from a prepared order on.
fn finish(prepared: Prepared<'_>, dry_run: bool, out: &mut Output) -> anyhow::Result<u8> {
    let mut plan = prepared.plan();
    if out.is_json() {
        // Plan and report repeat the order: what cannot be written is said before anything is sent.
        serde_json::to_vec(&plan.order)
            .map_err(|error| usage(format!("--json cannot write this order: {error}")))?;
    }
    // Only where they are shown, and never before anything is sent: a server may be asked for them.
    let shows_users = out.is_json() || out.terminal_width().is_some();
    if dry_run {
        if shows_users {
            plan.entries
                .iter_mut()
                .for_each(|entry| entry.who.name_user());
        }
        return report::plan(&plan, out);
    }
    let _until_reported = hold_back_own(&plan);
    let mut report = execute(prepared, out);
    if shows_users {
        report
            .receipts
            .iter_mut()
            .for_each(|one| one.who.name_user());
    }
    let code = report.verdict().code();
    report::report(&report, out).map_err(|error| {
        Failure::new(
            Failure::OURS,
            format!("what was ordered has been done, but its report is lost: {error:#}"),
        )
    })?;
    Ok(code)
}

/// Where wigwag itself is signalled (`--own-group`, `--allow self`), the signal waits until the report has been printed.
fn hold_back_own(plan: &Plan) -> Option<MaskGuard> {
    let signal = plan.order.action.first_signal()?;
    let own = rustix::process::getpid().as_raw_nonzero().get();
    plan.entries
        .iter()
        .any(|entry| entry.who.identity.pid == own && entry.refused.is_none())
        .then(|| wigwag::mask::block(signal))
}

fn prepare_or_ask<'a>(
    proc: &'a Proc,
    order: Order,
    dry_run: bool,
    out: &Output,
) -> anyhow::Result<Prepared<'a>> {
    let again = order.clone();
    match prepare(proc, order) {
        Ok(prepared) => Ok(prepared),
        Err(PlanError::TooMany { found, max }) if dry_run => {
            out.remark(&format!(
                "{found} are selected, more than --max {max}: to do this write --max {found}"
            ));
            preview(proc, again).map_err(failure)
        }
        Err(PlanError::TooMany { found, max }) => {
            let mut order = again;
            order.guards.max = Some(ask(&order, found, max, out)?);
            prepare(proc, order).map_err(failure)
        }
        Err(error) => Err(failure(error)),
    }
}

/// Whether more than the guard allows may be signalled: how many.
fn ask(order: &Order, found: usize, max: usize, out: &Output) -> anyhow::Result<usize> {
    let verb = order.action.verb();
    let question = format!("{found} are selected, more than --max {max}: {verb} all of them?");
    match out.ask(&question) {
        true => Ok(found),
        false => Err(failure(PlanError::TooMany { found, max })),
    }
}

/// The same for a saved plan.
///
/// # Errors
/// As [`carry_out`].
pub fn carry_out_plan(mut plan: Plan, dry_run: bool, out: &mut Output) -> anyhow::Result<u8> {
    let proc = Proc::open()?;
    if dry_run {
        return finish(plan.review(&proc).map_err(failure)?, true, out);
    }
    let prepared = match plan.clone().resume(&proc) {
        Err(PlanError::TooMany { found, max }) => {
            plan.order.guards.max = Some(ask(&plan.order, found, max, out)?);
            plan.resume(&proc)
        }
        resumed => resumed,
    };
    finish(prepared.map_err(failure)?, false, out)
}

/// The exit status that an order without a plan has.
pub fn failure(error: PlanError) -> anyhow::Error {
    let code = match &error {
        PlanError::Nobody
        | PlanError::OnlyNarrowed
        | PlanError::CountWithoutEvery
        | PlanError::Format { .. } => 2,
        PlanError::Select(select) => return select_failure(select),
        PlanError::TooMany { .. } => 3,
        PlanError::Missing(_) => 1,
        PlanError::Read { .. } => Failure::OURS,
    };
    Failure::new(code, error.to_string()).into()
}

/// The same where the census fails.
pub fn select_failure(error: &SelectError) -> anyhow::Error {
    match error {
        SelectError::Io(_) | SelectError::Descriptors { .. } | SelectError::Lookup { .. } => {
            Failure::new(Failure::OURS, error.to_string()).into()
        }
        SelectError::Namespace { source, .. } => {
            let code = if is_gone(source) { 1 } else { Failure::OURS };
            Failure::new(code, error.to_string()).into()
        }
        _ => usage(error.to_string()),
    }
}

fn execute(prepared: Prepared<'_>, out: &Output) -> Report {
    let order = prepared.plan().order;
    if !waits(&order) {
        return prepared.execute(&mut NoObserver);
    }
    let mut watcher = Watcher::new(order, out);
    let report = prepared.execute(&mut watcher);
    watcher.end();
    report
}

fn waits(order: &Order) -> bool {
    match &order.action {
        Action::Send { schedule, .. } => order.watch.is_some() || !schedule.is_now(),
        Action::Reload { .. }
        | Action::Stop { .. }
        | Action::Freeze
        | Action::Thaw
        | Action::Wait { .. } => true,
    }
}

/// Shows who is still there, and ends the watching at Ctrl-C.
struct Watcher {
    order: Order,
    signals: Option<SignalFd>,
    mask: Option<MaskGuard>,
    /// The columns of the terminal that progress is shown on.
    columns: Option<usize>,
    drawn: usize,
}

impl Watcher {
    fn new(order: Order, out: &Output) -> Watcher {
        let stderr = io::stderr();
        let columns = (stderr.is_terminal() && !out.is_quiet())
            .then(|| {
                rustix::termios::tcgetwinsize(&stderr).map_or(80, |size| usize::from(size.ws_col))
            })
            .map(|columns| if columns == 0 { 80 } else { columns });
        // What nohup or a shell has had ignored stays ignored.
        let ends: SignalSet = [Signal::INT, Signal::TERM, Signal::HUP]
            .into_iter()
            .filter(|signal| {
                !wigwag::disposition::get(*signal).is_ok_and(|d| d.handling == Handling::Ignore)
            })
            .collect();
        let signals = SignalFd::new(ends).ok();
        let mask = signals.is_some().then(|| wigwag::mask::block(ends));
        Watcher {
            order,
            signals,
            mask,
            columns,
            drawn: 0,
        }
    }

    fn end(mut self) {
        self.erase();
        // Takes the signal that ended the watching, or it would end us now, before the report is printed.
        if let Some(signals) = &self.signals {
            while let Ok(Some(_)) = signals.read() {}
        }
        drop(self.mask.take());
    }

    fn erase(&mut self) {
        if self.drawn > 0 {
            let _ = write!(io::stderr(), "\x1b[{}F\x1b[J", self.drawn);
            self.drawn = 0;
        }
    }

    fn headline(&self, progress: &Progress<'_>) -> String {
        let mut line = format!(
            "{} of {} still there after {}",
            progress.remaining,
            progress.total,
            seconds(progress.elapsed)
        );
        if matches!(
            self.order.action,
            Action::Freeze | Action::Thaw | Action::Send { .. } | Action::Reload { .. }
        ) {
            line = format!(
                "{} of {} to go after {}",
                progress.remaining,
                progress.total,
                seconds(progress.elapsed)
            );
        }
        if let Some(signal) = progress.signal {
            line.push_str(&format!("; {signal} sent"));
        }
        if let Some(left) = progress.left {
            let next = self
                .next_step(progress)
                .unwrap_or_else(|| "the end".to_owned());
            line.push_str(&format!(", {next} in {}", seconds(left)));
        }
        line
    }

    /// What comes when the time is over, where it is not the end.
    fn next_step(&self, progress: &Progress<'_>) -> Option<String> {
        match &self.order.action {
            Action::Stop { ladder } => {
                let sent = |step: &Step| Some(step.signal) == progress.signal;
                let at = ladder.0.iter().position(sent)?;
                ladder.0.get(at + 1).map(|step| step.signal.to_string())
            }
            Action::Send {
                signal: Some(signal),
                schedule,
                ..
            } if progress.signal.is_none() => schedule.after.map(|_| signal.to_string()),
            Action::Send { schedule, .. } if progress.again => {
                schedule.every.map(|_| "the next".to_owned())
            }
            _ => None,
        }
    }
}

impl Observer for Watcher {
    fn progress(&mut self, progress: &Progress<'_>) {
        let Some(columns) = self.columns else { return };
        if progress.elapsed < PATIENCE {
            return;
        }
        let mut lines = vec![self.headline(progress)];
        lines.extend(
            progress
                .shown
                .iter()
                .map(|one| format!("  {}", remaining(one))),
        );
        if progress.remaining > progress.shown.len() {
            lines.push(format!(
                "  ... and {} more",
                progress.remaining - progress.shown.len()
            ));
        }
        self.erase();
        let text: String = lines
            .iter()
            .map(|line| cut(line, columns - 1) + "\n")
            .collect();
        let _ = io::stderr().lock().write_all(text.as_bytes());
        self.drawn = lines.len();
    }

    fn interrupt(&self) -> Option<BorrowedFd<'_>> {
        self.signals.as_ref().map(AsFd::as_fd)
    }
}

fn remaining(one: &Remaining<'_>) -> String {
    let state = report::state_words(one.state);
    let place = match &one.wchan {
        Some(place) => format!(" in {place}: no signal reaches it before it returns"),
        None if one.state == 'D' => ": no signal reaches it before it returns".to_owned(),
        None => String::new(),
    };
    format!(
        "{:>7} {:<15} {state}{place}",
        one.who.identity.pid,
        clean(&one.who.name, false)
    )
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
