//! Kernel threads. Nothing but signal 0 is sent to them, which asks and does nothing; it is the one thing that these tests send to
//! processes that they have not started.

use wigwag::Signal;
use wigwag_process::execute::NoObserver;
use wigwag_process::order::{Action, Guards, Order, Schedule};
use wigwag_process::plan::{Prepared, Refusal, prepare};
use wigwag_process::prediction::{Effect, Prediction};
use wigwag_process::procfs::Proc;
use wigwag_process::receipt::{self, Evidence};
use wigwag_process::selector::Target;
use wigwag_testkit::{change_user, namespace};

use crate::tally::{predicted, prediction_in};

/// How many are asked, kthreadd among them.
const ASKED: usize = 8;

/// kthreadd and some of its children; none in a pid namespace that is not the machine's own.
fn kernel_threads(proc: &Proc) -> Vec<i32> {
    let mut found = Vec::new();
    for pid in proc.pids().unwrap() {
        let stat = proc.dir(pid).and_then(|dir| dir.stat());
        if stat.is_ok_and(|stat| stat.is_kernel_thread()) {
            found.push(pid);
        }
    }
    found.truncate(ASKED);
    found
}

fn order(proc: &Proc, pid: i32, signal: Option<Signal>) -> Prepared<'_> {
    let action = Action::Send {
        signal,
        value: None,
        schedule: Schedule::NOW,
    };
    let order = Order {
        whom: Target::Pid(pid).into(),
        action,
        guards: Guards::default(),
        watch: None,
    };
    prepare(proc, order).unwrap()
}

/// What is predicted of signal 0 is what sending it says.
fn ask(proc: &Proc, pid: i32) -> Prediction {
    let prepared = order(proc, pid, None);
    let prediction = prepared.plan().entries[0].predicted.clone();
    assert!(prediction.certain, "{prediction:?}");
    let receipt = prepared.execute(&mut NoObserver).receipts.remove(0);
    assert_eq!(receipt.evidence, Evidence::Seen, "{receipt:?}");
    match prediction.effects.as_slice() {
        [Effect::Nothing] => assert_eq!(receipt.effect, receipt::Effect::Exists, "{receipt:?}"),
        [Effect::Denied] => {
            let denied = matches!(receipt.effect, receipt::Effect::Denied { .. });
            assert!(denied, "{receipt:?}");
        }
        other => panic!("{pid}: {other:?}"),
    }
    prediction
}

fn may_signal_everybody() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn signal_0_is_answered_as_predicted() {
    let proc = Proc::open().unwrap();
    let threads = kernel_threads(&proc);
    if threads.is_empty() {
        return println!("skipped: this pid namespace has no kernel threads");
    }
    let mut refused = 0;
    for &pid in &threads {
        let prediction = ask(&proc, pid);
        assert_eq!(
            prediction.has(Effect::Nothing),
            may_signal_everybody(),
            "{prediction:?}"
        );
        for signal in Signal::all() {
            assert_eq!(
                predicted(&proc, pid, signal).effects,
                [Effect::Ignored],
                "{pid}: {signal}"
            );
        }
        // A plan is all that is made of a real signal, and its guard refuses it.
        let plan = order(&proc, pid, Some(Signal::TERM)).plan();
        assert_eq!(plan.entries[0].refused, Some(Refusal::KernelThread));
        refused += 1;
    }
    println!(
        "kernel threads: {} cells with signal 0, {refused} plans of TERM refused",
        threads.len()
    );
}

/// The variable that has the test below ask.
const ASKS: &str = "WIGWAG_ASKS_KERNEL_THREAD";

#[test]
fn to_others_than_root_signal_0_is_denied_as_predicted() {
    let proc = Proc::open().unwrap();
    let Some(&pid) = kernel_threads(&proc).first() else {
        return println!("skipped: this pid namespace has no kernel threads");
    };
    if !may_signal_everybody() || !namespace::has_nobody() {
        return;
    }
    let mut command = std::process::Command::new("/proc/self/exe");
    command.args([
        "kernel_threads::the_asker_without_rights",
        "--exact",
        "--nocapture",
        "--test-threads=1",
    ]);
    command.current_dir("/").env(ASKS, pid.to_string());
    change_user(&mut command, 65534);
    let output = command.output().unwrap();
    assert_eq!(prediction_in(&output).effects, [Effect::Denied]);
}

/// The part of the test above that runs as nobody.
#[test]
fn the_asker_without_rights() {
    let Ok(pid) = std::env::var(ASKS) else { return };
    let prediction = ask(&Proc::open().unwrap(), pid.parse().unwrap());
    println!("prediction {}", serde_json::to_string(&prediction).unwrap());
}
