//! The command on kernels that lack what it uses when it is there, and under seccomp filters of containers that know less than the
//! kernel: the right effect on the right process, a receipt that names the door that was taken, or a refusal that says why.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../common/mod.rs"]
mod common;
mod forms;
mod kernel;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use common::{Ran, TERM, USR1, finish, untouched};
use forms::*;
use kernel::*;
use wigwag_testkit::filter::{
    EACCES, EINVAL, ENOSYS, ENOTTY, EPERM, EPOLL_CREATE, EPOLL_PWAIT, FIRST_AFTER_5_10, GETRANDOM,
    IOCTL, KILL, P_PIDFD, PIDFD_OPEN, PIDFD_SEND_SIGNAL, RSEQ, SIGNALFD, STATX, TGKILL, WAITID,
};
use wigwag_testkit::{Deadline, Event, Filter, Puppet, Recipe, Swapper, namespace, shared_inode};

macro_rules! kernels {
    ($($(#[$doc:meta])* $name:ident: $filter:expr => $doors:expr;)*) => {
        $($(#[$doc])* #[test]
        fn $name() {
            namespace!();
            if Filter::is_available() {
                go_through(&Kernel::lacking($filter), $doors);
            }
        })*
    };
}

kernels! {
    this_kernel: Filter::new() => Doors::NEW;
    no_descriptors_of_threads:
        Filter::new().without_flags(PIDFD_OPEN, 1, THREAD, EINVAL) => Doors::NEW.threads_by_number();
    no_groups_through_descriptors:
        Filter::new().without_flags(PIDFD_SEND_SIGNAL, 3, GROUP, EINVAL) => Doors::NEW.groups_one_by_one();
    no_flags_of_pidfd_send_signal:
        Filter::new().without_flags(PIDFD_SEND_SIGNAL, 3, ANY_FLAG, EINVAL)
            => Doors::NEW.threads_by_number().groups_one_by_one();
    flags_of_pidfd_send_signal_refused_by_a_filter:
        Filter::new().without_flags(PIDFD_SEND_SIGNAL, 3, ANY_FLAG, EPERM)
            => Doors::NEW.threads_by_number().groups_one_by_one();
    no_pidfd_open:
        Filter::new().without(PIDFD_OPEN, ENOSYS) => Doors::NEW.threads_by_number().without_inode();
    pidfd_open_refused_by_a_filter:
        Filter::new().without(PIDFD_OPEN, EPERM) => Doors::NEW.threads_by_number().without_inode();
    no_pidfd_send_signal:
        Filter::new().without(PIDFD_SEND_SIGNAL, ENOSYS)
            => Doors::NEW.threads_by_number().groups_one_by_one().refused("ENOSYS");
    pidfd_send_signal_refused_by_a_filter:
        Filter::new().without(PIDFD_SEND_SIGNAL, EPERM)
            => Doors::NEW.threads_by_number().groups_one_by_one().refused("EPERM");
    no_pidfds_at_all:
        Filter::new().without(PIDFD_OPEN, ENOSYS).without(PIDFD_SEND_SIGNAL, ENOSYS)
            => Doors::NEW.threads_by_number().groups_one_by_one().without_inode().refused("ENOSYS");
    no_information_of_pidfds:
        Filter::new().without_value(IOCTL, 1, GET_INFO, ENOTTY) => Doors::NEW;
    no_information_that_the_kernel_knows:
        Filter::new().without_value(IOCTL, 1, GET_INFO, EINVAL) => Doors::NEW;
    /// `P_PIDFD` came with 5.4.
    no_waiting_by_descriptor:
        Filter::new().without_value(WAITID, 0, P_PIDFD, EINVAL) => Doors::NEW;
    no_epoll: Filter::new().without(EPOLL_CREATE, ENOSYS) => Doors::NEW;
    no_waiting_with_epoll: Filter::new().without(EPOLL_PWAIT, ENOSYS) => Doors::NEW;
    no_signalfd: Filter::new().without(SIGNALFD, ENOSYS) => Doors::NEW;
    /// statx(2) is of 4.11, rseq(2) of 4.18, and `GRND_INSECURE` of 5.6.
    no_other_newer_calls:
        Filter::new()
            .without(STATX, ENOSYS)
            .without(RSEQ, ENOSYS)
            .without_flags(GETRANDOM, 2, INSECURE, EINVAL)
            .without_from(FIRST_AFTER_5_10, ENOSYS)
            => Doors::NEW;
}

#[test]
fn no_inode_of_a_pidfds_own() {
    namespace!();
    let kernel = Kernel {
        filter: Filter::new(),
        shared_inode: true,
    };
    // That answers are written over at all.
    let puppet = Puppet::spawn(&Recipe::default());
    let pid = puppet.pid().to_string();
    let (rewritten, ran) = shared_inode::run(kernel.command(&["send", "-n", &pid]));
    assert!(rewritten > 0, "{ran:?}");
    go_through(&kernel, Doors::NEW.without_inode());
}

#[test]
fn linux_5_10() {
    namespace!();
    if Filter::is_available() {
        let doors = Doors::NEW
            .threads_by_number()
            .groups_one_by_one()
            .without_inode();
        go_through(&Kernel::of_5_10(), doors);
    }
}

/// The end is found by looking, while the command waits.
#[test]
fn an_end_is_seen_without_pidfds_and_without_epoll() {
    if !Filter::is_available() {
        return;
    }
    for filter in [
        Filter::new().without(PIDFD_OPEN, ENOSYS),
        Filter::new().without(PIDFD_OPEN, EPERM),
        Filter::new().without(EPOLL_CREATE, ENOSYS),
        Filter::new().without(EPOLL_PWAIT, EPERM),
    ] {
        let mut puppet = Puppet::spawn(&Recipe::default());
        let directory = PathBuf::from(format!("/proc/{}", puppet.pid()));
        let child = Kernel::lacking(filter)
            .command(&["wait", &puppet.pid().to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Deadline::usual().wait_for("it to hold the process", || {
            let fds = std::fs::read_dir(format!("/proc/{}/fd", child.id())).ok()?;
            fds.flatten()
                .any(|fd| std::fs::read_link(fd.path()).is_ok_and(|link| link == directory))
                .then_some(())
        });
        puppet.end();
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    }
}

/// The ladder's steps keep their time: who ends when asked is not killed.
#[test]
fn a_ladder_waits_without_epoll() {
    if !Filter::is_available() {
        return;
    }
    for (call, errno) in [(EPOLL_CREATE, ENOSYS), (EPOLL_PWAIT, EPERM)] {
        let kernel = Kernel::lacking(Filter::new().without(call, errno));
        let mut puppet = Puppet::spawn(&Recipe {
            catch: vec![TERM],
            ..Recipe::default()
        });
        let ran = kernel.line(&format!(
            "stop {} --ladder TERM:100ms,USR1:0s --json",
            puppet.pid()
        ));
        let report = ran.json();
        let sent = report["receipts"][0]["sent"].as_array().unwrap();
        assert_eq!(sent.len(), 2, "{report}");
        assert!(puppet.wait_event(&Event::Handler(TERM), Deadline::usual()));
        assert!(report["notes"].to_string().contains("in /proc"), "{report}");
        let took = report["took"].as_str().unwrap();
        let seconds = took.trim_start_matches("PT").trim_end_matches('S');
        assert!(seconds.parse::<f64>().unwrap() >= 0.1, "{report}");
    }
}

/// A call that refuses everything by EPERM is no question of whose process it is.
#[test]
fn a_filter_is_told_from_a_permission() {
    if !Filter::is_available() {
        return;
    }
    let mut puppet = catcher();
    let pid = puppet.pid();
    let kernel = Kernel::lacking(
        Filter::new()
            .without(PIDFD_SEND_SIGNAL, EPERM)
            .without(KILL, EPERM)
            .without(TGKILL, EPERM),
    );
    let ran = kernel.line(&format!("send USR1 {pid}"));
    ran.ended(3)
        .says("denied: EPERM, it belongs to")
        .says("as you do");
    kernel
        .line(&format!("send USR1 -{pid}"))
        .ended(3)
        .says("denied: EPERM");
    kernel
        .line(&format!("send USR1 --thread {pid}"))
        .ended(3)
        .says("denied: EPERM");
    untouched(&mut puppet);
}

/// Who holds a file open is found without statx(2), which looks at descriptors.
#[test]
fn a_file_is_found_without_statx() {
    namespace!();
    if !Filter::is_available() {
        return;
    }
    let file = Saved::new("held");
    let mut holder = Command::new("sleep")
        .arg("600")
        .stdin(std::fs::File::open(file.name()).unwrap())
        .spawn()
        .unwrap();
    for errno in [ENOSYS, EPERM] {
        let kernel = Kernel::lacking(Filter::new().without(STATX, errno));
        let ran = kernel.line(&format!("show file:{} -s TERM", file.name()));
        assert!(
            ran.out.starts_with(&format!("{} sleep TERM", holder.id())),
            "{ran:?}"
        );
    }
    holder.kill().unwrap();
    holder.wait().unwrap();
}

// What a signal would do, where something of the process may not be read.

/// Runs the command with every opening of a file of that name, below /proc/PID, refused. `None` where there is no strace.
fn unreadable(leaf: &str, errno: i32, line: &str) -> Option<Ran> {
    let works = Command::new("strace").arg("-V").output();
    if !works.is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "CI must have strace");
        println!("skipped: no strace");
        return None;
    }
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-qq", "-o", "/dev/null", "-P", leaf])
        .args(["-e", &format!("inject=openat:error={errno}")])
        .arg(env!("CARGO_BIN_EXE_wigwag"))
        .args(line.split_whitespace())
        .stdin(Stdio::null());
    Some(finish(&mut strace))
}

#[test]
fn what_may_not_be_read_is_not_certain() {
    let mut waiter = Puppet::spawn(&Recipe {
        sigwait: vec![TERM],
        ..Recipe::default()
    });
    let mut plain = Puppet::spawn(&Recipe::default());
    for (leaf, errno) in [("syscall", EACCES), ("syscall", EPERM), ("mem", EACCES)] {
        let line = format!("show {} -s TERM", waiter.pid());
        let Some(ran) = unreadable(leaf, errno, &line) else {
            return;
        };
        ran.ended(0).says("kills (not certain)");
        let line = format!("send TERM {} -n --json", waiter.pid());
        let plan = unreadable(leaf, errno, &line).unwrap().ended(0).json();
        assert_eq!(plan["entries"][0]["predicted"]["certain"], false, "{plan}");
        let reason = plan["entries"][0]["predicted"]["reason"].as_str().unwrap();
        assert!(reason.contains("unless a thread waits for it"), "{reason}");
    }
    // It waits for nothing, which nobody may know; what is certain all the same stays so.
    let line = format!("show {}", plain.pid());
    let ran = unreadable("syscall", EACCES, &line).unwrap();
    ran.ended(0)
        .says("KILL default - - kills\n")
        .says("TERM default - - kills (not certain)\n");
    untouched(&mut waiter);
    untouched(&mut plain);
}

#[test]
fn a_signalfd_that_may_not_be_seen_is_not_certain() {
    let mut puppet = Puppet::spawn(&Recipe {
        signalfd: vec![USR1],
        ..Recipe::default()
    });
    let line = format!("show {} -s USR1", puppet.pid());
    let Some(ran) = unreadable("fd", EACCES, &line) else {
        return;
    };
    ran.ended(0).says("(not certain)");
    untouched(&mut puppet);
}

#[test]
fn one_that_ends_between_two_looks_is_gone_and_not_an_error() {
    if unreadable("nothing", EACCES, "list").is_none() {
        return;
    }
    let mut puppet = catcher();
    for call in ["pidfd_send_signal", "pidfd_open"] {
        let mut strace = Command::new("strace");
        strace
            .args(["-qq", "-o", "/dev/null", "-e"])
            .arg(format!("inject={call}:error=ESRCH"))
            .arg(env!("CARGO_BIN_EXE_wigwag"))
            .args(["send", "USR1", &puppet.pid().to_string()])
            .stdin(Stdio::null());
        let ran = finish(&mut strace);
        if call == "pidfd_send_signal" {
            ran.ended(4).says("gone before");
            untouched(&mut puppet);
        } else {
            // The directory, which still answers, is what counts.
            ran.ended(0);
            handled(&mut puppet);
        }
    }
}

// The innocent: whatever is missing, who takes a number over is not signalled.

const PID: i32 = 300;

/// Runs `words` again and again under the filter, with the process PID swapped for another at one system call after the other.
/// The calls at whose entry a swap had the newcomer signalled, though the process that was held is the first one.
fn hits(filter: &Filter, words: &[&str]) -> BTreeSet<u64> {
    let newborn = Recipe {
        catch: vec![USR1, TERM],
        ..Recipe::named("newcomer")
    };
    let mut found = BTreeSet::new();
    for at in 0.. {
        let mut victim = Puppet::spawn_as(PID, &Recipe::named("victim"));
        let mut newcomer = None;
        let command = Kernel::lacking(filter.clone()).command(words);
        let ran = Swapper::run(command, at, || {
            victim.end();
            newcomer = Some(Puppet::spawn_as(PID, &newborn));
        });
        let code = ran.status >> 8 & 0xff;
        assert!(
            ran.status & 0x7f == 0 && [0, 1, 3, 4].contains(&code),
            "{ran:?}"
        );
        let Some(call) = ran.swapped_at else { break };
        // One that is named by its number is meant, if it was there before the command held anybody.
        if newcomer.unwrap().was_touched() && !ran.stdout.contains("\"newcomer\"") {
            found.insert(call);
        }
    }
    found
}

#[test]
fn no_innocents_without_pidfds() {
    namespace!();
    if !Filter::is_available() {
        return;
    }
    for filter in [
        Filter::new().without(PIDFD_OPEN, ENOSYS),
        Filter::new()
            .without(PIDFD_OPEN, EPERM)
            .without(PIDFD_SEND_SIGNAL, EPERM),
    ] {
        for verb in ["stop", "send"] {
            let words = [verb, "--name", "victim", "--json"];
            assert!(hits(&filter, &words).is_empty(), "{filter:?} {verb}");
        }
    }
}

/// By number only the call itself is left to chance, as ARCHITECTURE.md says.
#[test]
fn a_call_by_number_is_the_whole_window() {
    namespace!();
    if !Filter::is_available() {
        return;
    }
    let (pid, group) = (PID.to_string(), format!("-{PID}"));
    let filter = Filter::new()
        .without_flags(PIDFD_OPEN, 1, THREAD, EINVAL)
        .without_flags(PIDFD_SEND_SIGNAL, 3, ANY_FLAG, EINVAL);
    let only = [u64::try_from(TGKILL).unwrap()].into();
    let thread = ["send", "USR1", "--thread", &pid, "--json"];
    assert_eq!(hits(&filter, &thread), only);
    // A group has none: its members are signalled through their own descriptors.
    let group = ["send", "USR1", &group, "--json"];
    assert_eq!(hits(&filter, &group), [].into());
}
