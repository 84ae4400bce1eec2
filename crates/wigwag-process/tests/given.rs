//! Processes that the caller chooses himself, and holds.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use wigwag::Signal;
use wigwag_process::census::{Stop, hold_if, look_at, look_at_all, look_at_threads};
use wigwag_process::execute::NoObserver;
use wigwag_process::order::{Action, Guards, Order, Schedule};
use wigwag_process::plan::{PlanError, Refusal, prepare, prepare_held};
use wigwag_process::procfs::Proc;
use wigwag_process::receipt::Effect;
use wigwag_process::selector::{Selector, Target};
use wigwag_testkit::{Deadline, Puppet, Recipe, namespace, proc};

fn order(signal: Option<Signal>) -> Order {
    Order {
        whom: Selector::default(),
        action: Action::Send {
            signal,
            value: None,
            schedule: Schedule::NOW,
        },
        guards: Guards::default(),
        watch: None,
    }
}

#[test]
fn all_are_looked_at_and_what_is_asked_is_of_each() {
    namespace!();
    let puppet = Puppet::spawn(&Recipe {
        workers: 2,
        ..Recipe::named("looked-at")
    });
    let proc = Proc::open().unwrap();
    let (mut before, mut names, mut after) = (Vec::new(), Vec::new(), Vec::new());
    look_at_all(&proc, |one| {
        before.push((one.pid(), one.comm()?.to_vec()));
        let stat = one.stat()?.comm.clone();
        names.push((one.pid(), stat.into_encoded_bytes()));
        Ok(())
    })
    .unwrap();
    // The name out of `stat`, once that has been read.
    look_at_all(&proc, |one| {
        one.stat()?;
        after.push((one.pid(), one.comm()?.to_vec()));
        Ok(())
    })
    .unwrap();
    assert_eq!(before, names);
    assert_eq!(after, names);
    assert!(names.contains(&(puppet.pid(), b"looked-at".to_vec())));
    let mut threads = Vec::new();
    look_at_threads(&proc, puppet.pid(), |one| {
        threads.push((one.pid(), one.stat()?.pid));
        Ok(())
    })
    .unwrap();
    assert_eq!((threads.len(), threads[0].0), (3, puppet.pid()));
    assert!(threads.iter().all(|(tid, pid)| tid == pid));
    // A thread is no process, and nobody is nobody.
    for pid in [threads[1].0, 999_999] {
        look_at(&proc, pid, |_| panic!("{pid} was looked at")).unwrap();
    }
    look_at_threads(&proc, 999_999, |_| panic!("nobody was looked at")).unwrap();
    let unreadable = hold_if(&proc, puppet.pid(), |_| Err(Stop::Unreadable("environ")));
    assert!(unreadable.unwrap().is_none());
    assert!(
        hold_if(&proc, threads[1].0, |_| Ok(true))
            .unwrap()
            .is_none()
    );
}

#[test]
fn the_signal_goes_to_those_that_are_held_and_to_nobody_after_them() {
    namespace!();
    const PID: i32 = 300;
    let mut victim = Puppet::spawn_as(PID, &Recipe::named("victim"));
    let mut other = Puppet::spawn(&Recipe::named("other"));
    let proc = Proc::open().unwrap();
    let held = |pid| hold_if(&proc, pid, |one| Ok(one.comm()? != b"nosuch")).unwrap();
    let found = vec![held(PID).unwrap(), held(other.pid()).unwrap()];
    victim.end();
    let mut innocent = Puppet::spawn_as(PID, &Recipe::named("innocent"));
    let prepared = prepare_held(&proc, order(Some(Signal::TERM)), found).unwrap();
    let report = prepared.execute(&mut NoObserver);
    assert_eq!(report.receipts[0].effect, Effect::GoneBefore);
    assert!(report.receipts[1].effect.has_ended());
    assert_eq!(
        report.order.whom.targets,
        [Target::Pid(PID), Target::Pid(other.pid())]
    );
    assert_eq!(other.status(Deadline::usual()), Some(15));
    assert!(!innocent.was_touched());
    let many = vec![held(PID).unwrap(), held(PID).unwrap()];
    let guarded = Order {
        guards: Guards {
            max: Some(1),
            ..Guards::default()
        },
        ..order(Some(Signal::TERM))
    };
    let refused = prepare_held(&proc, guarded, many).unwrap_err();
    assert!(matches!(refused, PlanError::TooMany { found: 2, max: 1 }));
    let nobody = prepare_held(&proc, order(None), Vec::new()).unwrap();
    assert!(nobody.execute(&mut NoObserver).receipts.is_empty());
}

#[test]
fn kernel_threads_are_refused_unless_the_guard_is_lifted() {
    if proc::name(2).as_deref() != Some("kthreadd") {
        println!("skipped: no kernel threads are to be seen here");
        return;
    }
    let proc = Proc::open().unwrap();
    for allow_kernel_threads in [false, true] {
        let order = Order {
            whom: Target::Pid(2).into(),
            guards: Guards {
                allow_kernel_threads,
                ..Guards::default()
            },
            ..order(Some(Signal::CONT))
        };
        // Planned, and never carried out.
        let plan = prepare(&proc, order).unwrap().plan();
        let refused = (!allow_kernel_threads).then_some(Refusal::KernelThread);
        assert_eq!(plan.entries[0].refused, refused);
    }
}
