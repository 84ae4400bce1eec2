//! The orders that this tool gives, and `--timeout`: several of them for one process, all prepared before the first is carried out.

use jiff::SignedDuration;
use wigwag::{Errno, Signal};
use wigwag_process::census::SelectError;
use wigwag_process::execute::NoObserver;
use wigwag_process::identity::Identity;
use wigwag_process::order::{Action, Guards, Order, Schedule};
use wigwag_process::plan::{PlanError, Prepared, prepare};
use wigwag_process::procfs::Proc;
use wigwag_process::receipt::{Effect, Receipt};
use wigwag_process::selector::{Selector, Target};

use super::options;
use super::send::Round;
use super::signals::signal;
use super::words_of_errno;

/// The order to send one signal. Whose identity is asked for is known by the inode of its pidfd too.
pub fn to_send(
    whom: Selector,
    signal: Option<Signal>,
    value: Option<i32>,
    identity: bool,
) -> Order {
    Order {
        whom,
        action: Action::Send {
            signal,
            value,
            schedule: Schedule::NOW,
        },
        guards: Guards::none(),
        watch: identity.then_some(SignedDuration::ZERO),
    }
}

/// What came of one signal.
pub fn outcome(receipt: &Receipt) -> Result<(), Errno> {
    match &receipt.effect {
        _ if !receipt.sent.is_empty() => Ok(()),
        Effect::Denied { errno, .. } => {
            let named = |number: &i32| Errno::new(*number).name() == Some(errno);
            Err((1..134).find(named).map_or(Errno::PERM, Errno::new))
        }
        _ => Err(Errno::SRCH),
    }
}

/// Why nothing could be prepared.
pub fn errno_of(error: &PlanError) -> Errno {
    let source = match error {
        PlanError::Read { source, .. } => source.raw_os_error(),
        PlanError::Select(SelectError::Io(source)) => source.raw_os_error(),
        _ => None,
    };
    source.map_or(Errno::INVAL, Errno::new)
}

/// An order to one process, prepared, and who that is.
fn prepare_one(proc: &Proc, order: Order) -> Result<(Prepared<'_>, Identity), Errno> {
    let prepared = prepare(proc, order).map_err(|error| errno_of(&error))?;
    match prepared.plan().entries.pop() {
        Some(entry) => Ok((prepared, entry.who.identity)),
        None => Err(Errno::SRCH),
    }
}

/// The order to send a signal to the process with this number, and where one is given with this inode.
pub fn hold(
    proc: &Proc,
    pid: i32,
    inode: Option<u64>,
    signal: Option<Signal>,
    value: Option<i32>,
) -> Result<(Prepared<'_>, Identity), Errno> {
    let order = to_send(Target::Pid(pid).into(), signal, value, true);
    let (prepared, identity) = prepare_one(proc, order)?;
    match inode.is_none() || identity.pidfd_inode == inode {
        true => Ok((prepared, identity)),
        false => Err(Errno::SRCH),
    }
}

/// A wait, and the signal after it.
struct Step<'p> {
    wait: Prepared<'p>,
    send: Prepared<'p>,
    number: i32,
}

/// The signals to one process, all of them held by the same.
pub struct Ladder<'p> {
    pid: i32,
    held: Result<(Prepared<'p>, Vec<Step<'p>>), Errno>,
}

impl<'p> Ladder<'p> {
    /// Holds the process that has this number now, and where one is given this inode.
    pub fn hold(
        proc: &'p Proc,
        order: &options::Order,
        pid: i32,
        inode: Option<u64>,
    ) -> Ladder<'p> {
        let held = hold(proc, pid, inode, signal(order.number), order.value);
        let held = held.and_then(|(first, identity)| Ok((first, steps(proc, order, &identity)?)));
        Ladder { pid, held }
    }

    /// Holds this very process.
    pub fn hold_same(proc: &'p Proc, order: &options::Order, one: &Identity) -> Ladder<'p> {
        let held = hold(
            proc,
            one.pid,
            one.pidfd_inode,
            signal(order.number),
            order.value,
        );
        let held = held.and_then(|(first, identity)| match identity == *one {
            true => Ok((first, steps(proc, order, &identity)?)),
            false => Err(Errno::SRCH),
        });
        Ladder { pid: one.pid, held }
    }

    /// Sends, waits, and sends again to who is left.
    pub fn climb(self, round: &mut Round<'_>) -> Result<(), String> {
        let failed = |errno| format!("pidfd_send_signal() failed: {}", words_of_errno(errno));
        let pid = self.pid;
        let (first, steps) = self
            .held
            .map_err(|errno| format!("pidfd_open() failed: {pid}: {}", words_of_errno(errno)))?;
        sent(first).map_err(failed)?;
        for step in steps {
            let report = step.wait.execute(&mut NoObserver);
            if report
                .receipts
                .iter()
                .all(|receipt| receipt.effect.has_ended())
            {
                break;
            }
            if round.order.verbose {
                round.say(&format!(
                    "timeout, sending signal {} to pid {pid}\n",
                    step.number
                ));
            }
            match sent(step.send) {
                // It has ended between the wait and this.
                Err(Errno::SRCH) => break,
                result => result.map_err(failed)?,
            }
        }
        Ok(())
    }
}

fn sent(prepared: Prepared<'_>) -> Result<(), Errno> {
    let report = prepared.execute(&mut NoObserver);
    report.receipts.first().map_or(Err(Errno::SRCH), outcome)
}

/// What follows the first signal, each order prepared for the same process.
fn steps<'p>(
    proc: &'p Proc,
    order: &options::Order,
    one: &Identity,
) -> Result<Vec<Step<'p>>, Errno> {
    let same = |(prepared, identity): (Prepared<'p>, Identity)| match identity == *one {
        true => Ok(prepared),
        false => Err(Errno::SRCH),
    };
    let mut steps = Vec::with_capacity(order.steps.len());
    for &(time, number) in &order.steps {
        let wait = Order {
            whom: Target::Pid(one.pid).into(),
            action: Action::Wait { any: false },
            guards: Guards::none(),
            // A negative time is none, as poll(2) has it.
            watch: u32::try_from(time)
                .ok()
                .map(|time| SignedDuration::from_millis(time.into())),
        };
        steps.push(Step {
            wait: prepare_one(proc, wait).and_then(same)?,
            send: hold(proc, one.pid, None, signal(number), order.value).and_then(same)?,
            number,
        });
    }
    Ok(steps)
}
