//! Orphaned groups, exited leaders, core files, tracers, and signalfds that nobody reads.

use wigwag::Signal;
use wigwag_process::prediction::Effect;
use wigwag_process::procfs::Proc;
use wigwag_testkit::{Observed, Puppet, Recipe, namespace};

use crate::cells::{DISPOSITIONS, usual};
use crate::tally::{Tally, expected, predicted, try_cell};

#[test]
fn orphaned_groups_exited_leaders_and_core_files() {
    namespace!();
    let directory = std::env::temp_dir().join(format!("wigwag-predictions-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let bases = [
        (
            "orphaned",
            Recipe {
                orphaned: true,
                ..usual()
            },
        ),
        (
            "exited leader",
            Recipe {
                leader_exits: true,
                ..usual()
            },
        ),
        (
            "cores",
            Recipe {
                cores: true,
                directory: directory.to_str().map(Into::into),
                ..Recipe::default()
            },
        ),
        (
            "cores, exited leader",
            Recipe {
                cores: true,
                leader_exits: true,
                directory: directory.to_str().map(Into::into),
                ..usual()
            },
        ),
    ];
    let (proc, mut tally) = (Proc::open().unwrap(), Tally::default());
    for (name, base) in bases {
        for signal in Signal::all() {
            for (disposition, dispose) in DISPOSITIONS {
                if !signal.can_be_caught() && disposition != "default" {
                    continue;
                }
                let mut recipe = base.clone();
                dispose(&mut recipe, signal.number());
                let cell = format!("{name}: {signal} {disposition}");
                try_cell(
                    &mut tally,
                    &proc,
                    &cell,
                    signal,
                    &mut Puppet::spawn(&recipe),
                    false,
                );
            }
        }
    }
    std::fs::remove_dir_all(directory).unwrap();
    tally.judge("orphaned, exited leader, core files");
}

#[test]
fn traced_processes() {
    namespace!();
    let (proc, mut tally) = (Proc::open().unwrap(), Tally::default());
    for (way, attach) in [("seized", false), ("attached", true)] {
        for signal in Signal::all() {
            for (disposition, dispose) in DISPOSITIONS {
                if !signal.can_be_caught() && disposition != "default" {
                    continue;
                }
                let mut recipe = Recipe::default();
                dispose(&mut recipe, signal.number());
                let (mut puppet, _tracer) = traced(&recipe, attach);
                let cell = format!("{way}: {signal} {disposition}");
                try_cell(&mut tally, &proc, &cell, signal, &mut puppet, false);
            }
        }
    }
    tally.judge("ptraced");
}

/// A process and who traces it.
fn traced(recipe: &Recipe, attach: bool) -> (Puppet, Puppet) {
    let puppet = Puppet::spawn(recipe);
    let tracer = Puppet::spawn(&Recipe {
        trace: Some(puppet.pid()),
        attach,
        ..Recipe::default()
    });
    (puppet, tracer)
}

/// CONT to a traced process: both answers of the prediction are real. Who has seized it is told before CONT is taken.
#[test]
fn cont_to_the_traced_is_told_at_once_or_when_taken() {
    use Observed::{StaysPending, TracerStopped};
    namespace!();
    let (proc, cont) = (Proc::open().unwrap(), Signal::CONT.number());
    let cases = [
        (false, false, vec![TracerStopped, StaysPending]),
        (false, true, vec![TracerStopped, StaysPending]),
        (true, false, vec![TracerStopped]),
        (true, true, vec![StaysPending]),
    ];
    for (attach, blocked, seen) in cases {
        let recipe = Recipe {
            block: if blocked { vec![cont] } else { Vec::new() },
            ..Recipe::default()
        };
        let (mut puppet, _tracer) = traced(&recipe, attach);
        let prediction = predicted(&proc, puppet.pid(), Signal::CONT);
        puppet.kill(cont).unwrap();
        let observed = puppet.observe(cont);
        assert_eq!(
            observed,
            seen.into_iter().collect(),
            "attach {attach}, blocked {blocked}"
        );
        assert!(
            expected(&prediction, false).contains(&observed),
            "{prediction:?}"
        );
    }
}

/// CONT to a stopped process that waits for it: the wait fails with EINTR. A program that waits again takes CONT, another does not.
#[test]
fn cont_to_a_stopped_waiter_is_taken_if_it_waits_again() {
    namespace!();
    let (proc, cont) = (Proc::open().unwrap(), Signal::CONT.number());
    for once in [false, true] {
        let mut puppet = Puppet::spawn(&Recipe {
            sigwait: vec![cont],
            sigwait_once: once,
            ..Recipe::default()
        });
        puppet.stop();
        let prediction = predicted(&proc, puppet.pid(), Signal::CONT);
        let both = [Effect::Continues, Effect::Waited, Effect::StaysPending];
        assert_eq!(prediction.effects, both, "{prediction:?}");
        assert!(prediction.certain);
        puppet.kill(cont).unwrap();
        let then = if once {
            Observed::StaysPending
        } else {
            Observed::SigWait
        };
        assert_eq!(puppet.observe(cont), [Observed::Continued, then].into());
    }
}

/// A signalfd that nobody reads shows the signal to nobody: it stays pending.
#[test]
fn an_unread_signalfd_keeps_the_signal_pending() {
    namespace!();
    let proc = Proc::open().unwrap();
    for signal in [Signal::TERM, Signal::USR1, Signal::rtmin()] {
        let mut puppet = Puppet::spawn(&Recipe {
            unread_signalfd: vec![signal.number()],
            ..usual()
        });
        let prediction = predicted(&proc, puppet.pid(), signal);
        assert!(prediction.has(Effect::SignalFd), "{prediction:?}");
        puppet.kill(signal.number()).unwrap();
        assert!(
            puppet
                .observe(signal.number())
                .contains(&Observed::StaysPending)
        );
        // A second one of a standard signal vanishes in the first.
        let again = predicted(&proc, puppet.pid(), signal);
        assert_eq!(
            again.has(Effect::Coalesces),
            signal.is_standard(),
            "{again:?}"
        );
    }
}
