//! Every way to signal a process, and to look at one.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::common::{Ran, TERM, USR1, untouched};
use crate::kernel::*;
use wigwag_testkit::{Blocking, Deadline, Event, Puppet, Recipe, proc};

pub fn catcher() -> Puppet {
    Puppet::spawn(&Recipe {
        catch: vec![USR1],
        ..Recipe::default()
    })
}

#[track_caller]
pub fn handled(puppet: &mut Puppet) {
    assert!(
        puppet.wait_event(&Event::Handler(USR1), Deadline::usual()),
        "{puppet:?} ran no handler"
    );
}

/// The calls that carried the signals to the first process of a report.
pub fn through(report: &Value) -> Vec<&str> {
    let sent = report["receipts"][0]["sent"].as_array().unwrap();
    sent.iter()
        .map(|one| one["through"].as_str().unwrap())
        .collect()
}

#[track_caller]
pub fn is_refused(ran: &Ran, errno: &str) {
    ran.ended(3)
        .says(errno)
        .says("pidfd_send_signal is not to be had here");
}

/// Every way to signal a process on real ones, and every way to look at it.
pub fn go_through(kernel: &Kernel, doors: Doors) {
    let mut bystander = catcher();
    to_processes(kernel, doors);
    to_threads(kernel, doors);
    to_groups(kernel, doors);
    to_an_end(kernel, doors);
    to_a_halt(kernel, doors);
    by_plan(kernel, doors);
    looking(kernel);
    untouched(&mut bystander);
}

pub fn to_processes(kernel: &Kernel, doors: Doors) {
    let mut puppet = catcher();
    let pid = puppet.pid();
    kernel
        .line(&format!("send -s 0 {pid}"))
        .ended(0)
        .says("exists, may be signalled");
    let sent = kernel.line(&format!("send USR1 {pid} --wait --json"));
    match doors.process {
        Ok(door) => {
            let report = sent.ended(0).json();
            assert_eq!(through(&report), [door]);
            assert_eq!(report["receipts"][0]["effect"]["is"], "handled", "{report}");
            handled(&mut puppet);
        }
        Err(errno) => {
            is_refused(&sent, errno);
            let asked = kernel.line(&format!("send -s 0 {pid} --json"));
            assert_eq!(through(&asked.ended(0).json()), ["kill"]);
            is_refused(&kernel.line(&format!("send USR1 {pid} --dry-run")), errno);
            is_refused(&kernel.line(&format!("send -40 {pid} --value 1")), errno);
        }
    }
    untouched(&mut puppet);
}

pub fn to_threads(kernel: &Kernel, doors: Doors) {
    let mut puppet = Puppet::spawn(&Recipe {
        workers: 1,
        block: vec![USR1, 40],
        blocking: Blocking::WorkersOnly,
        catch: vec![USR1],
        ..Recipe::default()
    });
    let worker = proc::threads(puppet.pid())
        .iter()
        .map(|thread| thread.tid)
        .find(|tid| *tid != puppet.pid())
        .unwrap();
    kernel
        .line(&format!("send -s 0 --thread {worker}"))
        .ended(0);
    let sent = kernel.line(&format!("send USR1 --thread {worker} --json"));
    let report = sent.ended(0).json();
    assert_eq!(through(&report), [doors.thread]);
    assert_eq!(report["receipts"][0]["effect"]["is"], "pending", "{report}");
    assert_eq!(
        report["receipts"][0]["who"]["thread"].as_i64(),
        Some(worker.into())
    );
    let noted = report["notes"].to_string().contains("tgkill (by number)");
    assert_eq!(noted, doors.thread == "tgkill", "{report}");
    let sent = kernel.line(&format!("send -40 --thread {worker} --value 7 --json"));
    let report = sent.ended(0).json();
    assert_eq!(through(&report), [doors.thread_with_value]);
    assert_eq!(report["receipts"][0]["effect"]["is"], "pending", "{report}");
    assert!(!puppet.events().contains(&Event::Handler(USR1)));
    // The leader does not block it, and the thread that does has it pending for itself.
    assert!(proc::pending(puppet.pid(), USR1) && proc::pending(puppet.pid(), 40));
}

pub fn to_groups(kernel: &Kernel, doors: Doors) {
    let mut group = Puppet::spawn(&Recipe {
        catch: vec![USR1],
        brood: 2,
        ..Recipe::default()
    });
    let words = format!("send USR1 -{} --json", group.pid());
    let ran = kernel.line(&words);
    if let (Err(errno), "pidfd") = (doors.process, doors.group) {
        is_refused(&ran, errno);
        return untouched(&mut group);
    }
    let report = ran.ended(0).json();
    assert_eq!(report["receipts"].as_array().unwrap().len(), 3, "{report}");
    assert_eq!(through(&report), [doors.group]);
    let noted = report["notes"]
        .to_string()
        .contains("one process after the other");
    assert_eq!(noted, doors.group == "pidfd", "{report}");
    for _ in 0..3 {
        handled(&mut group);
    }
    assert!(group.events().is_empty(), "each once");
}

pub fn to_an_end(kernel: &Kernel, doors: Doors) {
    let mut puppet = Puppet::spawn(&Recipe::default());
    let mut stubborn = Puppet::spawn(&Recipe {
        ignore: vec![TERM],
        ..Recipe::default()
    });
    let stopped = kernel.line(&format!("stop {}", puppet.pid()));
    let insisted = kernel.line(&format!(
        "stop {} --ladder TERM:100ms,KILL --json",
        stubborn.pid()
    ));
    if let Err(errno) = doors.process {
        is_refused(&stopped, errno);
        is_refused(&insisted, errno);
        untouched(&mut puppet);
        untouched(&mut stubborn);
    } else {
        stopped.ended(0).says("killed by TERM");
        assert_eq!(puppet.status(Deadline::usual()), Some(TERM));
        let report = insisted.ended(0).json();
        assert_eq!(through(&report), ["pidfd", "pidfd"]);
        assert_eq!(stubborn.status(Deadline::usual()), Some(9));
    }
    // One that has ended, and one that has not.
    let mut other = Puppet::spawn(&Recipe::default());
    kernel
        .line(&format!("wait {} --timeout 50ms", other.pid()))
        .ended(4)
        .says("still there");
    other.become_zombie();
    kernel
        .line(&format!("wait {}", other.pid()))
        .ended(0)
        .says("exited with status 0");
    // A leader that has exited while its threads live looks like a zombie.
    let headless = Puppet::spawn(&Recipe {
        workers: 1,
        leader_exits: true,
        ..Recipe::default()
    });
    kernel
        .line(&format!("wait {} --timeout 50ms", headless.pid()))
        .ended(4)
        .says("still there");
}

pub fn to_a_halt(kernel: &Kernel, doors: Doors) {
    let mut puppet = Puppet::spawn(&Recipe {
        workers: 2,
        ..Recipe::default()
    });
    let states = |pid| -> BTreeSet<char> { proc::threads(pid).iter().map(|t| t.state).collect() };
    let (freeze, thaw) = (
        format!("freeze {}", puppet.pid()),
        format!("thaw {}", puppet.pid()),
    );
    if let Err(errno) = doors.process {
        is_refused(&kernel.line(&freeze), errno);
        is_refused(&kernel.line(&thaw), errno);
        untouched(&mut puppet);
        return;
    }
    kernel.line(&freeze).ended(0).says("stopped");
    assert_eq!(states(puppet.pid()), ['T'].into());
    kernel.line(&thaw).ended(0).says("resumed");
    assert!(!states(puppet.pid()).contains(&'T'));
    assert!(puppet.ping());
}

pub fn by_plan(kernel: &Kernel, doors: Doors) {
    let mut puppet = catcher();
    // Made where nothing is missing, so that the plan itself is whole.
    let plan = crate::common::line(&format!("send USR1 {} --dry-run --json", puppet.pid()));
    let plan = Saved::new(&plan.ended(0).out);
    let applied = kernel.run(&["apply", plan.name(), "--json"]);
    if let Err(errno) = doors.process {
        is_refused(&applied, errno);
        untouched(&mut puppet);
    } else {
        let report = applied.ended(0).json();
        assert_eq!(through(&report), ["pidfd"]);
        handled(&mut puppet);
        says_its_resolution(&report, doors);
    }
    // And one that was made where all is missing.
    let own = kernel.line(&format!("send USR1 {} --dry-run --json", puppet.pid()));
    if doors.process.is_ok() {
        let entry = &own.ended(0).json()["entries"][0];
        assert_eq!(entry["who"]["pidfd_inode"].is_u64(), doors.inode, "{entry}");
        let plan = Saved::new(&own.out);
        let report = kernel
            .run(&["apply", plan.name(), "--json"])
            .ended(0)
            .json();
        handled(&mut puppet);
        says_its_resolution(&report, doors);
    }
    // Who has the number now gets nothing.
    let pid = puppet.pid();
    puppet.end();
    let mut next = Puppet::spawn_as(
        pid,
        &Recipe {
            catch: vec![USR1],
            ..Recipe::default()
        },
    );
    kernel
        .run(&["apply", plan.name()])
        .ended(4)
        .says("gone before");
    untouched(&mut next);
}

#[track_caller]
pub fn says_its_resolution(report: &Value, doors: Doors) {
    let said = report["notes"].to_string().contains("resolution of 10 ms");
    assert_eq!(said, !doors.inode, "{report}");
}

pub fn looking(kernel: &Kernel) {
    let mut puppet = Puppet::spawn(&Recipe {
        sigwait: vec![TERM],
        ..Recipe::default()
    });
    let ran = kernel.line(&format!("show {}", puppet.pid()));
    assert_eq!(ran.ended(0).out.lines().count(), 62, "{ran:?}");
    kernel
        .line(&format!("show {} -s TERM", puppet.pid()))
        .ended(0)
        .says("taken by a waiting thread");
    untouched(&mut puppet);
}
