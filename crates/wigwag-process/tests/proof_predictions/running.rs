//! Processes that run, one thread of theirs, those that are stopped, and zombies.

use wigwag::Signal;
use wigwag_process::dispositions::SignalView;
use wigwag_process::prediction::{Effect, Prediction, To, predict};
use wigwag_process::procfs::Proc;
use wigwag_testkit::{Observed, Puppet, Recipe, namespace};

use crate::cells::{cells, usual};
use crate::tally::{Tally, predicted, try_cell};

#[test]
fn running_processes() {
    namespace!();
    let (proc, mut tally) = (Proc::open().unwrap(), Tally::default());
    for (cell, signal, recipe) in cells(&usual()) {
        try_cell(
            &mut tally,
            &proc,
            &cell,
            signal,
            &mut Puppet::spawn(&recipe),
            false,
        );
    }
    tally.judge("running");
}

/// To one thread, by tgkill: an idle one beside the leader.
#[test]
fn threads_of_running_processes() {
    namespace!();
    let (proc, mut tally) = (Proc::open().unwrap(), Tally::default());
    for (cell, signal, recipe) in cells(&usual()) {
        let mut puppet = Puppet::spawn(&recipe);
        // The last to start is idle: the readers and waiters are before it.
        let tid = wigwag_testkit::proc::threads(puppet.pid())
            .last()
            .unwrap()
            .tid;
        let view = SignalView::read(&proc, &proc.dir(puppet.pid()).unwrap()).unwrap();
        let prediction = predict(&view, signal, To::Thread(tid), false);
        wigwag_testkit::kill_thread(puppet.pid(), tid, signal.number()).unwrap();
        let seen = puppet.observe(signal.number());
        tally.compare(&cell, &prediction, false, &seen);
    }
    tally.judge("one thread");
}

/// CONT lets a stopped process take what has been pending meanwhile, which may end it.
#[test]
fn cont_with_another_pending() {
    namespace!();
    let (proc, mut tally) = (Proc::open().unwrap(), Tally::default());
    for (cell, signal, recipe) in cells(&usual()) {
        if !signal.can_be_caught() || signal == Signal::CONT {
            continue;
        }
        let mut puppet = Puppet::spawn(&recipe);
        puppet.stop();
        puppet.kill(signal.number()).unwrap();
        let prediction = predicted(&proc, puppet.pid(), Signal::CONT);
        assert!(prediction.has(Effect::Continues), "{cell}: {prediction:?}");
        puppet.kill(Signal::CONT.number()).unwrap();
        let seen = puppet.observe(signal.number());
        let ended = [Observed::Killed, Observed::DumpedCore];
        let seen: Vec<Observed> = seen.into_iter().filter(|o| ended.contains(o)).collect();
        let ends = Prediction {
            effects: prediction
                .effects
                .iter()
                .copied()
                .filter(|e| *e != Effect::Continues)
                .collect(),
            ..prediction
        };
        let ends = match ends.is_fatal() {
            true => ends,
            false => Prediction::of(Effect::Nothing, ends.reason),
        };
        tally.compare(
            &format!("{cell}, then CONT"),
            &ends,
            false,
            &seen.into_iter().collect(),
        );
    }
    tally.judge("CONT with another pending");
}

#[test]
fn stopped_processes() {
    namespace!();
    let (proc, mut tally) = (Proc::open().unwrap(), Tally::default());
    for (cell, signal, recipe) in cells(&usual()) {
        let mut puppet = Puppet::spawn(&recipe);
        puppet.stop();
        try_cell(&mut tally, &proc, &cell, signal, &mut puppet, true);
    }
    tally.judge("stopped");
}

#[test]
fn zombies() {
    namespace!();
    let (proc, mut tally) = (Proc::open().unwrap(), Tally::default());
    for (cell, signal, recipe) in cells(&Recipe::default()) {
        let mut puppet = Puppet::spawn(&recipe);
        puppet.become_zombie();
        try_cell(&mut tally, &proc, &cell, signal, &mut puppet, false);
    }
    tally.judge("zombie");
}
