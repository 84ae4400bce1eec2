//! Orders without guards, as kill(2) has none.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use wigwag::Signal;
use wigwag_process::execute::NoObserver;
use wigwag_process::order::{Action, Guards, Order, Schedule};
use wigwag_process::plan::prepare;
use wigwag_process::procfs::Proc;
use wigwag_process::receipt::{Effect, Report, Through};
use wigwag_process::selector::Target;
use wigwag_testkit::{Deadline, Event, Puppet, Recipe, namespace, proc};

fn send(target: Target, signal: Option<Signal>) -> Report {
    let order = Order {
        whom: target.into(),
        action: Action::Send {
            signal,
            value: None,
            schedule: Schedule::NOW,
        },
        guards: Guards::none(),
        watch: None,
    };
    let proc = Proc::open().unwrap();
    prepare(&proc, order).unwrap().execute(&mut NoObserver)
}

fn was_sent(report: &Report) -> bool {
    let [receipt] = report.receipts.as_slice() else {
        return false;
    };
    assert_eq!(receipt.effect, Effect::Unknown, "nobody looks");
    matches!(receipt.sent.as_slice(), [sent] if sent.through == Through::Pidfd)
}

#[test]
fn the_number_of_a_thread_stands_for_its_process() {
    let mut puppet = Puppet::spawn(&Recipe {
        workers: 1,
        catch: vec![10],
        ..Recipe::default()
    });
    let threads = proc::threads(puppet.pid());
    let worker = threads
        .iter()
        .find(|thread| thread.tid != puppet.pid())
        .unwrap();
    assert!(was_sent(&send(Target::Pid(worker.tid), Some(Signal::USR1))));
    assert!(puppet.wait_event(&Event::Handler(10), Deadline::usual()));
}

#[test]
fn a_zombie_takes_it() {
    let mut puppet = Puppet::spawn(&Recipe::default());
    puppet.become_zombie();
    assert!(was_sent(&send(
        Target::Pid(puppet.pid()),
        Some(Signal::TERM)
    )));
}

#[test]
fn nobody_is_no_error() {
    let report = send(Target::Pid(i32::MAX - 1), Some(Signal::TERM));
    assert_eq!((report.receipts.len(), report.missing.len()), (0, 1));
}

#[test]
fn oneself_and_ancestors_are_not_left_out() {
    namespace!();
    // Everyone is all but oneself and process 1, as kill(2) has it; both are signalled where their numbers name them.
    let own = std::process::id() as i32;
    let report = send(Target::Everyone, Some(Signal::URG));
    assert!(
        report
            .receipts
            .iter()
            .all(|receipt| receipt.who.identity.pid != own)
    );
    for pid in [own, 1] {
        assert!(
            was_sent(&send(Target::Pid(pid), Some(Signal::URG))),
            "{pid}"
        );
    }
    assert!(was_sent(&send(Target::Pid(1), None)));
}

#[test]
fn json_keeps_it() {
    let text = serde_json::to_string(&Guards::none()).unwrap();
    assert_eq!(
        serde_json::from_str::<Guards>(&text).unwrap(),
        Guards::none()
    );
    assert!(
        !serde_json::to_string(&Guards::default())
            .unwrap()
            .contains("as_kill")
    );
}
