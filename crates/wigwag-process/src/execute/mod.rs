//! Carrying an order out: sending, watching, and writing the receipts.
//!
//! The engine has one clock for the whole order and one receipt a process. Whatever the action, it goes: send to those that are
//! left, watch until each is *settled* or the time is over, look once more, write down what was seen. How a process is settled
//! depends on what was asked (its goal); what it did is read, never assumed.

mod halt;
mod ladder;
mod look;
mod send;
mod tree;
mod watch;

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use wigwag::Signal;

use crate::identity::Who;
use crate::order::{Action, FORMAT, Order, Schedule};
use crate::plan::{Delivery, Held, Prepared};
use crate::procfs::{Proc, ProcDir};
use crate::receipt::{Effect, Evidence, Receipt, Report, Sent};
use watch::{Goal, Waker};

/// How long freezing and thawing watch when the order does not say.
const FREEZE_WATCH: Duration = Duration::from_secs(5);
/// How long a reload watches for the signal to be taken: a program that blocks it while it is busy takes it soon.
const RELOAD_WATCH: Duration = Duration::from_secs(2);
/// How long those are watched that cannot but take the signal, so that `send` says how they ended or that the handler ran.
const SHORT_WATCH: Duration = Duration::from_millis(20);

/// The moment after this time; `None`, never, where the clock does not go so far.
fn after(time: Duration) -> Option<Instant> {
    Instant::now().checked_add(time)
}

/// Whether all of it has ended already. Only what looks so is asked for its pidfd.
fn is_zombie(proc: &Proc, course: &Course) -> bool {
    let process = course.held.process.as_ref();
    process.is_some_and(|p| p.stat().is_zombie() && p.has_ended(proc).unwrap_or(false))
}

/// Who is told how an order goes on, and can end the watching.
pub trait Observer {
    /// Called every 100 ms while the engine waits.
    fn progress(&mut self, _progress: &Progress<'_>) {}

    /// Whether it is to be told how the order goes on. Where nobody is, the engine sleeps until something happens.
    fn looks(&self) -> bool {
        true
    }

    /// A descriptor that becomes readable when the watching is to end (a signalfd for INT, say). What has been sent stays sent; the
    /// report says what was known by then.
    fn interrupt(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// An observer that does not look.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn looks(&self) -> bool {
        false
    }
}

/// How far an order is.
#[derive(Debug)]
pub struct Progress<'a> {
    /// Since the order began.
    pub elapsed: Duration,
    /// The signal that was sent last.
    pub signal: Option<Signal>,
    /// Until the next step, or the end; `None` when it waits for ever.
    pub left: Option<Duration>,
    /// Whether the time is that to the next signal of a schedule.
    pub again: bool,
    /// How many processes the order has.
    pub total: usize,
    /// How many are not settled.
    pub remaining: usize,
    /// The first of those, as many as a terminal shows.
    pub shown: Vec<Remaining<'a>>,
}

/// A process that is waited for.
#[derive(Debug)]
pub struct Remaining<'a> {
    /// Which.
    pub who: &'a Who,
    /// Its state, a letter of proc(5).
    pub state: char,
    /// What it waits in, in the kernel, where it is in uninterruptible sleep and that may be read.
    pub wchan: Option<String>,
}

/// What has become of one process so far.
struct Course {
    held: Held,
    sent: Vec<Sent>,
    /// Set when nothing more will be done or looked at.
    done: Option<(Effect, Evidence, String)>,
    done_at: Option<Instant>,
    /// It came while the order was carried out.
    late: bool,
}

impl Course {
    fn settle(&mut self, effect: Effect, evidence: Evidence, how: impl Into<String>) {
        if self.done.is_none() {
            self.done = Some((effect, evidence, how.into()));
            self.done_at = Some(Instant::now());
        }
    }

    fn is_open(&self) -> bool {
        self.done.is_none()
    }

    /// Whether it came while the order was carried out and ended with nothing sent to it.
    fn has_passed_by(&self) -> bool {
        let done = self.done.as_ref();
        let ended = done.is_some_and(|(effect, ..)| effect.has_ended());
        self.late && self.sent.is_empty() && ended
    }

    fn last_signal(&self) -> Option<Signal> {
        self.sent.last().and_then(|sent| sent.signal)
    }
}

struct Engine<'a, 'o> {
    proc: &'a Proc,
    order: Order,
    delivery: Delivery,
    courses: Vec<Course>,
    start: Instant,
    observer: &'o mut dyn Observer,
    interrupted: bool,
    signal: Option<Signal>,
    notes: Vec<String>,
    anchors: Vec<ProcDir>,
    resumed: bool,
    /// Whether a schedule waits for its next signal.
    again: bool,
    /// When the time of a step is over that is waited for piece by piece.
    step_over: Option<Instant>,
    /// Some that were meant may be left.
    incomplete: bool,
    /// When the processes were looked for first, in the ticks in which `/proc` says when one was started.
    begun: u64,
}

impl Prepared<'_> {
    /// Carries the order out.
    ///
    /// Blocks as long as the order says ([`Order::watch`], the steps of a ladder). Every process of the plan has one receipt in the
    /// report, whatever happens.
    ///
    /// ```
    /// use wigwag_process::execute::NoObserver;
    /// use wigwag_process::order::{Action, Guards, Ladder, Order};
    /// use wigwag_process::receipt::Verdict;
    /// use wigwag_process::{plan::prepare, procfs::Proc, selector::Target};
    /// let mut child = std::process::Command::new("sleep").arg("60").spawn()?;
    /// let proc = Proc::open()?;
    /// let order = Order {
    ///     whom: Target::Pid(child.id() as i32).into(),
    ///     action: Action::Stop { ladder: Ladder::default() },
    ///     guards: Guards::default(),
    ///     watch: None,
    /// };
    /// let report = prepare(&proc, order)?.execute(&mut NoObserver);
    /// assert_eq!(report.verdict(), Verdict::AsAsked);
    /// assert_eq!(report.receipts[0].effect.to_string(), "killed by TERM");
    /// child.wait()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn execute(self, observer: &mut dyn Observer) -> Report {
        let mut engine = Engine {
            proc: self.proc,
            order: self.order,
            delivery: self.delivery,
            courses: Vec::with_capacity(self.held.len()),
            start: Instant::now(),
            observer,
            interrupted: false,
            signal: None,
            notes: self.notes,
            anchors: self.anchors,
            resumed: self.resumed,
            again: false,
            step_over: None,
            incomplete: false,
            begun: self.begun,
        };
        engine.add(self.held, false);
        match engine.order.action.clone() {
            Action::Send {
                signal,
                value,
                schedule,
            } => engine.send(signal, value, schedule),
            Action::Stop { ladder } => engine.stop(&ladder),
            Action::Reload { signal } => engine.reload(signal),
            Action::Freeze => engine.freeze(),
            Action::Thaw => engine.thaw(),
            Action::Wait { any } => engine.wait(any),
        }
        engine.report(self.missing, self.unreadable)
    }
}

impl Engine<'_, '_> {
    /// Takes processes on; those that nothing will be done to are settled at once.
    fn add(&mut self, held: Vec<Held>, late: bool) {
        for held in held {
            let mut course = Course {
                held,
                sent: Vec::new(),
                done: None,
                done_at: None,
                late,
            };
            if let Some(why) = course.held.entry.refused.clone() {
                course.settle(
                    Effect::Refused { why },
                    Evidence::Seen,
                    "a guard; nothing was sent",
                );
            } else if course.held.process.is_none() {
                course.settle(
                    Effect::GoneBefore,
                    Evidence::Seen,
                    "its number is free, or another process has it now; nothing was sent",
                );
            } else if self.order.action.first_signal().is_some()
                && !self.order.guards.as_kill
                && is_zombie(self.proc, &course)
            {
                course.settle(
                    Effect::GoneBefore,
                    Evidence::Seen,
                    "it is a zombie: it ended before, and its parent has not collected it",
                );
            }
            self.courses.push(course);
        }
        // Signalling oneself comes last: it may be the end.
        let own = rustix::process::getpid().as_raw_nonzero().get();
        self.courses
            .sort_by_key(|course| course.held.entry.who.identity.pid == own);
    }

    fn open(&self) -> usize {
        self.courses
            .iter()
            .filter(|course| course.is_open())
            .count()
    }

    fn watch_time(&self, default: Option<Duration>) -> Option<Instant> {
        let asked = self
            .order
            .watch
            .and_then(|watch| Duration::try_from(watch).ok())
            .or(default);
        asked.and_then(after)
    }

    fn send(&mut self, signal: Option<Signal>, value: Option<i32>, schedule: Schedule) {
        if let Some(delay) = schedule
            .after
            .and_then(|time| Duration::try_from(time).ok())
        {
            self.watch(&Goal::Ended, after(delay), Waker::Any);
        }
        let mut round = 0u32;
        while !self.interrupted && self.open() > 0 {
            self.send_all(signal, value);
            round += 1;
            let more = match (schedule.every, schedule.count) {
                (None, _) => false,
                (Some(_), None) => true,
                (Some(_), Some(count)) => round < count,
            };
            let Some(every) = schedule
                .every
                .filter(|_| more)
                .and_then(|every| Duration::try_from(every).ok())
            else {
                break;
            };
            self.again = true;
            self.watch(&Goal::Ended, after(every), Waker::Any);
            self.again = false;
        }
        if signal.is_some() && self.order.watch.is_some() {
            let until = self.watch_time(None);
            self.watch(&Goal::Effect, until, Waker::All);
        } else if self.open() > 0 && self.all_answer_soon() {
            self.watch(&Goal::Effect, after(SHORT_WATCH), Waker::All);
        }
    }

    /// Whether all that are left have the signal and cannot but take it: it ends them, or runs a handler.
    fn all_answer_soon(&self) -> bool {
        self.courses
            .iter()
            .filter(|course| course.is_open())
            .all(|course| course.last_signal().is_some() && course.held.entry.predicted.is_taken())
    }

    fn reload(&mut self, signal: Signal) {
        self.send_all(Some(signal), None);
        let until = self.watch_time(Some(RELOAD_WATCH));
        self.watch(&Goal::Effect, until, Waker::All);
    }

    fn wait(&mut self, any: bool) {
        let until = self.watch_time(None);
        self.watch(
            &Goal::Ended,
            until,
            if any { Waker::Any } else { Waker::All },
        );
    }

    /// Some that were meant may be left.
    fn incomplete(&mut self, why: String) {
        self.incomplete = true;
        self.note(why);
    }

    /// What the reader should know, once.
    fn note(&mut self, text: String) {
        if !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    fn now(&self) -> SignedDuration {
        SignedDuration::try_from(self.start.elapsed()).unwrap_or(SignedDuration::MAX)
    }

    fn report(mut self, missing: Vec<crate::receipt::NoMatch>, unreadable: usize) -> Report {
        if self.order.is_unwatched() {
            let open = self.courses.iter_mut().filter(|course| course.is_open());
            open.for_each(|course| {
                course.settle(Effect::Unknown, Evidence::Unknown, "nobody looked")
            });
        } else {
            self.look_at_the_rest();
        }
        let (start, took) = (self.start, self.now());
        let receipts = self
            .courses
            .into_iter()
            .filter(|course| !course.has_passed_by())
            .map(|course| {
                let begun = course
                    .sent
                    .first()
                    .map_or(SignedDuration::ZERO, |sent| sent.at);
                let ended = course.done_at.map_or(took, |at| {
                    SignedDuration::try_from(at.duration_since(start))
                        .unwrap_or(SignedDuration::MAX)
                });
                let (effect, evidence, how) = course.done.unwrap_or((
                    Effect::Unknown,
                    Evidence::Unknown,
                    "not looked at".into(),
                ));
                Receipt {
                    who: course.held.entry.who,
                    predicted: course.held.entry.predicted,
                    sent: course.sent,
                    effect,
                    evidence,
                    how,
                    took: (ended - begun).max(SignedDuration::ZERO),
                }
            })
            .collect();
        Report {
            wigwag: FORMAT,
            order: self.order,
            receipts,
            missing,
            unreadable,
            interrupted: self.interrupted,
            incomplete: self.incomplete,
            notes: self.notes,
            took,
        }
    }
}

/// The name of an errno, or its number where it has none.
fn errno_name(errno: wigwag::Errno) -> String {
    errno
        .name()
        .map_or_else(|| errno.number().to_string(), str::to_string)
}
