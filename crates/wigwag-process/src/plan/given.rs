//! From processes that the caller has chosen and holds to what is ready.

use super::{Delivery, Judge, PlanError, Prepared};
use crate::order::Order;
use crate::procfs::{Proc, ProcDir, is_gone};
use crate::selector::{Filter, Selector, Target};

/// As [`prepare`](super::prepare), of the processes `found`, which the caller has chosen by what he read through these descriptors
/// ([`hold_if`](crate::census::hold_if)): what is sent goes through the same. Whom the order names is not looked for; the numbers of
/// the processes take its place.
///
/// # Errors
/// [`PlanError`]: more than the guard allows, or one that cannot be read. None of `found` is no error.
///
/// ```
/// use wigwag_process::order::{Action, Guards, Order, Schedule};
/// use wigwag_process::{census::hold_if, plan::prepare_held, procfs::Proc};
/// let (proc, me) = (Proc::open()?, std::process::id() as i32);
/// let found = Vec::from_iter(hold_if(&proc, me, |one| Ok(one.stat()?.state != 'Z'))?);
/// let order = Order {
///     whom: Default::default(),
///     action: Action::Send { signal: None, value: None, schedule: Schedule::NOW },
///     guards: Guards { allow_self: true, ..Guards::default() },
///     watch: None,
/// };
/// let prepared = prepare_held(&proc, order, found)?;
/// assert_eq!(prepared.plan().entries[0].who.identity.pid, me);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn prepare_held(
    proc: &Proc,
    order: Order,
    found: Vec<ProcDir>,
) -> Result<Prepared<'_>, PlanError> {
    let order = Order {
        whom: Selector {
            targets: found.iter().map(|dir| Target::Pid(dir.pid())).collect(),
            filter: Filter::default(),
        },
        ..order
    };
    if let Some(max) = order.guards.max
        && found.len() > max
    {
        let found = found.len();
        return Err(PlanError::TooMany { found, max });
    }
    let begun = proc.uptime_ticks();
    let judge = Judge::new(proc, &order, &Delivery::Each);
    let mut held = Vec::with_capacity(found.len());
    for dir in found {
        let pid = dir.pid();
        held.push(match judge.hold(dir, None) {
            Ok(held) => held,
            Err(error) if is_gone(&error) => super::prepare::gone(proc, pid, None),
            Err(source) => return Err(PlanError::Read { pid, source }),
        });
    }
    Ok(Prepared {
        proc,
        delivery: Delivery::Each,
        held,
        missing: Vec::new(),
        unreadable: 0,
        notes: Vec::new(),
        left_out: Vec::new(),
        order,
        anchors: Vec::new(),
        begun,
        resumed: false,
    })
}
