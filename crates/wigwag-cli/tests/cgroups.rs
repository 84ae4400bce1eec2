//! `wigwag freeze` and `wigwag thaw` by the cgroup freezer, of both versions.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::{Cage, Running, command, finish, line, untouched};
use wigwag_testkit::{Deadline, Puppet, Recipe, namespace, proc};

#[test]
fn a_group_is_frozen_and_thawed_as_one() {
    namespace!();
    for mut cage in Cage::all("as-one") {
        let name = cage.name.clone();
        let group = cage.group(&name);
        cage.puppet(&group, &Recipe::default());
        cage.puppet(&group, &Recipe::default());
        let ran = line(&format!("freeze cgroup:/{name} --json"));
        let report = ran.ended(0).json();
        assert_eq!(report["receipts"].as_array().unwrap().len(), 2);
        assert_eq!(report["receipts"][0]["sent"][0]["through"], "freezer");
        assert!(cage.is_frozen(&group));
        line(&format!("thaw cgroup:/{name}"))
            .ended(0)
            .says("resumed");
        assert!(!cage.is_to_freeze(&group));
        assert!(cage.puppets.iter_mut().all(Puppet::ping));
    }
}

/// Frozen with the rest, wigwag would not end, and nobody would thaw it.
#[test]
fn nobody_freezes_himself() {
    namespace!();
    for mut cage in Cage::all("himself") {
        let name = cage.name.clone();
        let group = cage.group(&name);
        let below = cage.group(&format!("{name}/below"));
        cage.puppet(&group, &Recipe::default());
        for inside in [&group, &below] {
            let script = format!(
                "echo $$ >{}/cgroup.procs && exec {} freeze cgroup:/{name}",
                inside.display(),
                env!("CARGO_BIN_EXE_wigwag")
            );
            let mut running = Running::of(Command::new("sh").args(["-c", &script]));
            let deadline = Deadline::after(Duration::from_secs(5));
            while !running.is_over() && !deadline.passed() && !cage.is_to_freeze(&group) {
                std::thread::yield_now();
            }
            let frozen = cage.is_to_freeze(&group);
            cage.thaw();
            let ran = running.finish();
            assert!(!frozen, "{}: {ran:?}", cage.version);
            ran.ended(3).says("refused").says("--allow self");
        }
        untouched(&mut cage.puppets[0]);
    }
}

/// A path that is not whole begins at the root of the hierarchy, wherever one stands.
#[test]
fn where_one_stands_does_not_matter() {
    namespace!();
    for mut cage in Cage::all("stands") {
        let name = cage.name.clone();
        let (here, meant) = (format!("{name}-a"), format!("{name}-b"));
        let here = cage.group(&here);
        let other = cage.group(&format!("{name}-a/{meant}"));
        let group = cage.group(&meant);
        cage.puppet(&group, &Recipe::default());
        let spared = cage.puppet(&other, &Recipe::default());
        let mut freeze = command();
        freeze.args(["freeze", &format!("cgroup:{meant}")]);
        let ran = finish(freeze.current_dir(&here));
        ran.ended(0).says(&format!("{} ", cage.puppets[0].pid()));
        assert!(cage.is_frozen(&group) && !cage.is_to_freeze(&other));
        untouched(&mut cage.puppets[spared]);
        // Where the root has none of that name, nobody is meant.
        cage.thaw();
        let mut freeze = command();
        let below = cage.group(&format!("{name}-a/{name}-c"));
        cage.puppet(&below, &Recipe::default());
        freeze.args(["freeze", &format!("cgroup:{name}-c")]);
        finish(freeze.current_dir(&here)).ended(1);
        assert!(!cage.is_to_freeze(&below));
    }
}

#[test]
fn only_those_in_the_freezers_own_group_are_frozen() {
    namespace!();
    let pids = Path::new("/sys/fs/cgroup/pids");
    if !pids.join("cgroup.procs").exists() {
        println!("skipped: no second hierarchy of cgroups is mounted");
        return;
    }
    for mut cage in Cage::all("own-group") {
        let name = cage.name.clone();
        let group = cage.group(&name);
        let other = cage.group_in(pids, &name);
        let spared = cage.puppet(&other, &Recipe::default());
        cage.puppet(&group, &Recipe::default());
        for target in [
            format!("cgroup:/{name}"),
            format!("cgroup:{}", group.display()),
        ] {
            let plan = line(&format!("freeze {target} --dry-run --json"));
            let plan = plan.ended(0).json();
            assert_eq!(plan["entries"].as_array().unwrap().len(), 1, "{plan}");
            let ran = line(&format!("freeze {target}"));
            assert_eq!(ran.ended(0).out.lines().count(), 1, "{ran:?}");
            if target.starts_with("cgroup:/wigwag") {
                ran.complains("1 more");
            }
            assert!(cage.is_frozen(&group));
            untouched(&mut cage.puppets[spared]);
            line(&format!("thaw {target}")).ended(0);
            assert!(!cage.is_to_freeze(&group));
        }
        assert!(cage.puppets.iter_mut().all(Puppet::ping));
    }
}

#[test]
fn who_was_stopped_besides_stays_stopped() {
    namespace!();
    for mut cage in Cage::all("besides") {
        let name = cage.name.clone();
        let group = cage.group(&name);
        cage.puppet(&group, &Recipe::default());
        cage.puppet(&group, &Recipe::default());
        let stopped = cage.puppets[0].pid();
        cage.puppets[0].stop();
        line(&format!("freeze cgroup:/{name}")).ended(0);
        assert!(cage.is_frozen(&group));
        line(&format!("thaw cgroup:/{name}"))
            .ended(4)
            .says(&format!("{stopped} "))
            .says(" stopped\n")
            .says(" resumed\n");
        assert_eq!(proc::state(stopped), Some('T'));
        line(&format!("thaw {stopped}")).ended(0).says("resumed");
        assert!(cage.puppets.iter_mut().all(Puppet::ping));
    }
}

#[test]
fn cont_does_not_thaw_a_group() {
    namespace!();
    for mut cage in Cage::all("cont") {
        let name = cage.name.clone();
        let group = cage.group(&name);
        cage.puppet(&group, &Recipe::default());
        cage.puppet(
            &group,
            &Recipe {
                catch: vec![18],
                ..Recipe::default()
            },
        );
        line(&format!("freeze cgroup:/{name}")).ended(0);
        for index in [0, 1] {
            let pid = cage.puppets[index].pid();
            let ran = line(&format!("thaw {pid} --timeout 50ms"));
            ran.ended(4).says("stopped").complains("frozen");
            let ran = line(&format!("thaw {pid} --timeout 50ms --json"));
            let how = ran.ended(4).json()["receipts"][0]["how"].to_string();
            assert!(how.contains("frozen"), "{how}");
        }
        assert!(cage.is_frozen(&group));
        line(&format!("thaw cgroup:/{name}")).ended(0);
        assert!(cage.puppets.iter_mut().all(Puppet::ping));
    }
}
