//! The test kit itself: a puppet is what its recipe says, and a swap happens where it should.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::process::Command;
use std::time::Duration;

use wigwag_testkit::{
    Blocking, Deadline, Event, Observed, Puppet, Recipe, Swapper, delay, namespace, proc,
};

const HUP: i32 = 1;
const QUIT: i32 = 3;
const USR1: i32 = 10;
const TERM: i32 = 15;
const CONT: i32 = 18;
const TSTP: i32 = 20;
const WINCH: i32 = 28;

fn seen(recipe: &Recipe, signal: i32) -> Vec<Observed> {
    let mut puppet = Puppet::spawn(recipe);
    puppet.kill(signal).unwrap();
    puppet.observe(signal).into_iter().collect()
}

#[test]
fn a_puppet_answers_and_reports() {
    let mut puppet = Puppet::spawn(&Recipe {
        name: Some("marionette".into()),
        catch: vec![HUP],
        ..Recipe::default()
    });
    assert_eq!(proc::name(puppet.pid()).unwrap(), "marionette");
    assert!(puppet.ping());
    assert!(!puppet.was_touched());
    puppet.kill(HUP).unwrap();
    assert!(puppet.wait_event(&Event::Handler(HUP), Deadline::usual()));
    puppet.kill(TERM).unwrap();
    assert_eq!(puppet.status(Deadline::usual()), Some(TERM));
}

#[test]
fn every_way_to_take_a_signal_is_observed() {
    let base = Recipe {
        workers: 2,
        ..Recipe::default()
    };
    assert_eq!(seen(&base, TERM), [Observed::Killed]);
    assert_eq!(seen(&base, QUIT), [Observed::Killed]);
    assert_eq!(seen(&base, WINCH), []);
    assert_eq!(seen(&base, TSTP), [Observed::Stopped]);
    assert_eq!(
        seen(
            &Recipe {
                orphaned: true,
                ..base.clone()
            },
            TSTP
        ),
        []
    );
    assert_eq!(
        seen(
            &Recipe {
                ignore: vec![USR1],
                ..base.clone()
            },
            USR1
        ),
        []
    );
    assert_eq!(
        seen(
            &Recipe {
                catch: vec![USR1],
                ..base.clone()
            },
            USR1
        ),
        [Observed::RanHandler]
    );
    assert_eq!(
        seen(
            &Recipe {
                catch: vec![64],
                ..base.clone()
            },
            64
        ),
        [Observed::RanHandler]
    );
    assert_eq!(
        seen(
            &Recipe {
                block: vec![USR1],
                ..base.clone()
            },
            USR1
        ),
        [Observed::StaysPending]
    );
    assert_eq!(
        seen(
            &Recipe {
                signalfd: vec![USR1],
                ..base.clone()
            },
            USR1
        ),
        [Observed::SignalFd]
    );
    assert_eq!(
        seen(
            &Recipe {
                unread_signalfd: vec![USR1],
                ..base.clone()
            },
            USR1
        ),
        [Observed::StaysPending]
    );
    assert_eq!(
        seen(
            &Recipe {
                sigwait: vec![USR1],
                ..base.clone()
            },
            USR1
        ),
        [Observed::SigWait]
    );
    for blocking in [Blocking::LeaderOnly, Blocking::WorkersOnly] {
        let some = Recipe {
            block: vec![USR1],
            blocking,
            catch: vec![USR1],
            ..base.clone()
        };
        assert_eq!(seen(&some, USR1), [Observed::RanHandler], "{blocking:?}");
    }
    assert_eq!(
        seen(
            &Recipe {
                leader_exits: true,
                ..base.clone()
            },
            TERM
        ),
        [Observed::Killed]
    );
}

#[test]
fn a_core_is_told_from_a_plain_death() {
    let directory = std::env::temp_dir().join(format!("wigwag-core-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let recipe = Recipe {
        cores: true,
        directory: directory.to_str().map(Into::into),
        ..Recipe::default()
    };
    // A core pattern that pipes to a program dumps regardless of the directory; either way the kernel says so.
    assert_eq!(seen(&recipe, QUIT), [Observed::DumpedCore]);
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_stopped_a_traced_and_a_dead_process() {
    let mut puppet = Puppet::spawn(&Recipe::default());
    puppet.stop();
    puppet.kill(TERM).unwrap();
    assert_eq!(
        puppet.observe(TERM).into_iter().collect::<Vec<_>>(),
        [Observed::StaysPending]
    );
    puppet.kill(CONT).unwrap();
    assert_eq!(puppet.status(Deadline::usual()), Some(TERM));

    let mut traced = Puppet::spawn(&Recipe::default());
    let mut tracer = Puppet::spawn(&Recipe {
        trace: Some(traced.pid()),
        ..Recipe::default()
    });
    traced.kill(TERM).unwrap();
    assert!(tracer.wait_event(&Event::Tracer(TERM), Deadline::usual()));
    assert_eq!(
        traced.observe(TERM).into_iter().collect::<Vec<_>>(),
        [Observed::TracerStopped]
    );

    let mut zombie = Puppet::spawn(&Recipe::default());
    zombie.become_zombie();
    zombie.kill(TERM).unwrap();
    assert!(zombie.observe(TERM).is_empty());
}

#[test]
fn an_init_is_safe_from_what_it_does_not_catch() {
    namespace!();
    let mut init = Puppet::spawn(&Recipe {
        namespace_init: true,
        workers: 1,
        ..Recipe::default()
    });
    assert!(init.ping());
    init.kill(TERM).unwrap();
    assert!(
        init.observe(TERM).is_empty(),
        "the default action is not for an init"
    );
    init.kill(9).unwrap();
    assert_eq!(
        init.observe(9).into_iter().collect::<Vec<_>>(),
        [Observed::Killed],
        "KILL from outside is"
    );
}

#[test]
fn a_brood_sleeps_and_dies_with_its_parent() {
    let puppet = Puppet::spawn(&Recipe {
        brood: 5,
        name: Some("brood".into()),
        ..Recipe::default()
    });
    let pid = puppet.pid();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    let children: Vec<i32> = children
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect();
    assert_eq!(children.len(), 5);
    drop(puppet);
    Deadline::usual().wait_for("the brood to die", || {
        children
            .iter()
            .all(|pid| matches!(proc::state(*pid), None | Some('Z')))
            .then_some(())
    });
}

#[test]
fn a_pid_is_recycled_and_a_swap_takes_place_within_a_system_call() {
    namespace!();
    let victim = Puppet::spawn(&Recipe::named("victim"));
    let pid = victim.pid();
    let mut command = Command::new("cat");
    command.arg(format!("/proc/{pid}/comm"));
    let plain = Swapper::count(command);
    assert_eq!(
        (plain.status, plain.stdout.as_str()),
        (0, "victim\n"),
        "{plain:?}"
    );

    let mut outputs = Vec::new();
    let mut victim = Some(victim);
    for at in [0, plain.calls - 1] {
        let mut current = victim
            .take()
            .unwrap_or_else(|| Puppet::spawn_as(pid, &Recipe::named("victim")));
        let mut innocent = None;
        let mut command = Command::new("cat");
        command.arg(format!("/proc/{pid}/comm"));
        let ran = Swapper::run(command, at, || {
            current.end();
            innocent = Some(Puppet::spawn_as(pid, &Recipe::named("innocent")));
        });
        assert!(ran.swapped_at.is_some());
        assert!(!innocent.unwrap().was_touched());
        outputs.push(ran.stdout);
    }
    assert_eq!(
        outputs,
        ["innocent\n", "victim\n"],
        "swapped before the first call, and before the last"
    );
}

#[test]
fn a_swap_takes_place_within_an_injected_delay() {
    namespace!();
    let mut victim = Puppet::spawn(&Recipe::named("victim"));
    let pid = victim.pid();
    let mut innocent = None;
    let pid_word = format!("/proc/{pid}/comm");
    let output = delay::swap_within(
        "cat",
        &[&pid_word],
        "fadvise64",
        Duration::from_millis(200),
        || {
            victim.end();
            innocent = Some(Puppet::spawn_as(pid, &Recipe::named("innocent")));
        },
    );
    let output = output.expect("cat advises the kernel of its reading");
    // The file of the process that is gone was open by then: it is nobody's, not the innocent's.
    assert!(output.stdout.is_empty(), "{output:?}");
    assert!(!innocent.unwrap().was_touched());
}

#[test]
fn a_puppet_does_as_it_is_told() {
    let mut puppet = Puppet::spawn(&Recipe {
        catch: vec![HUP],
        block: vec![HUP],
        ..Recipe::default()
    });
    puppet.kill(HUP).unwrap();
    assert!(proc::pending(puppet.pid(), HUP));
    puppet.unblock(HUP);
    assert!(puppet.wait_event(&Event::Handler(HUP), Deadline::usual()));
    let tid = puppet.begin_thread();
    let is_there = |puppet: &Puppet| proc::threads(puppet.pid()).iter().any(|t| t.tid == tid);
    assert!(is_there(&puppet));
    puppet.end_thread(tid);
    assert!(!is_there(&puppet));
}
