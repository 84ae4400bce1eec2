//! The command on kernels that lack what it uses when it is there, and under seccomp filters of containers that know less than the
//! kernel: the right effect on the right process, a receipt that names the door that was taken, or a refusal that says why.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use common::{Ran, TERM, USR1, command, finish, untouched};
use serde_json::Value;
use wigwag_testkit::filter::{
    EACCES, EINVAL, ENOSYS, ENOTTY, EPERM, EPOLL_CREATE, EPOLL_PWAIT, FIRST_AFTER_5_10, GETRANDOM,
    IOCTL, KILL, P_PIDFD, PIDFD_OPEN, PIDFD_SEND_SIGNAL, RSEQ, SIGNALFD, STATX, TGKILL, WAITID,
};
use wigwag_testkit::{
    Blocking, Deadline, Event, Filter, Puppet, Recipe, Swapper, namespace, proc, shared_inode,
};

/// `PIDFD_THREAD`, a flag of pidfd_open(2) since 6.9.
const THREAD: u32 = 0o200;
/// `PIDFD_SIGNAL_PROCESS_GROUP`, a flag of pidfd_send_signal(2) since 6.9.
const GROUP: u32 = 4;
/// All flags of pidfd_send_signal(2).
const ANY_FLAG: u32 = u32::MAX;
/// `PIDFD_GET_INFO` with the first size of its structure, since 6.13.
const GET_INFO: u32 = 0xc040_ff0b;
/// `GRND_INSECURE` of getrandom(2), since 5.6.
const INSECURE: u32 = 4;

/// A kernel, as far as it is another than this machine's.
#[derive(Clone, Debug)]
struct Kernel {
    filter: Filter,
    shared_inode: bool,
}

impl Kernel {
    fn lacking(filter: Filter) -> Kernel {
        Kernel {
            filter,
            shared_inode: false,
        }
    }

    /// Linux 5.10: everything that came later is missing at once.
    fn of_5_10() -> Kernel {
        let filter = Filter::new()
            .without_flags(PIDFD_OPEN, 1, THREAD, EINVAL)
            .without_flags(PIDFD_SEND_SIGNAL, 3, ANY_FLAG, EINVAL)
            .without_value(IOCTL, 1, GET_INFO, ENOTTY)
            .without_from(FIRST_AFTER_5_10, ENOSYS);
        Kernel {
            filter,
            shared_inode: true,
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = command();
        command.args(words);
        self.filter.install(&mut command);
        command
    }

    fn run(&self, words: &[&str]) -> Ran {
        let mut command = self.command(words);
        if !self.shared_inode {
            return finish(&mut command);
        }
        let (_, ran) = shared_inode::run(command);
        assert_eq!(ran.status & 0x7f, 0, "it is not killed: {ran:?}");
        Ran {
            code: ran.status >> 8 & 0xff,
            out: ran.stdout,
            err: ran.stderr,
        }
    }

    fn line(&self, line: &str) -> Ran {
        self.run(&line.split_whitespace().collect::<Vec<_>>())
    }
}

/// A file that is removed, also when the test fails.
struct Saved(PathBuf);

impl Saved {
    fn new(text: &str) -> Saved {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!(
            "{}-{}.json",
            wigwag_testkit::namespace::unique("old"),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Saved(path)
    }

    fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Saved {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// By which calls signals are expected to travel.
#[derive(Clone, Copy)]
struct Doors {
    /// To a process: through its descriptor, or the errno with which that is refused.
    process: Result<&'static str, &'static str>,
    thread: &'static str,
    thread_with_value: &'static str,
    group: &'static str,
    /// Whether a process is known by the inode of its pidfd.
    inode: bool,
}

impl Doors {
    const NEW: Doors = Doors {
        process: Ok("pidfd"),
        thread: "pidfd_thread",
        thread_with_value: "pidfd_thread",
        group: "pidfd_group",
        inode: true,
    };

    fn threads_by_number(self) -> Doors {
        Doors {
            thread: "tgkill",
            thread_with_value: "tgsigqueue",
            ..self
        }
    }

    /// A group is not signalled by its number, which may be another's: one process after the other.
    fn groups_one_by_one(self) -> Doors {
        Doors {
            group: "pidfd",
            ..self
        }
    }

    fn without_inode(self) -> Doors {
        Doors {
            inode: false,
            ..self
        }
    }

    fn refused(self, errno: &'static str) -> Doors {
        Doors {
            process: Err(errno),
            ..self
        }
    }
}

fn catcher() -> Puppet {
    Puppet::spawn(&Recipe {
        catch: vec![USR1],
        ..Recipe::default()
    })
}

#[track_caller]
fn handled(puppet: &mut Puppet) {
    assert!(
        puppet.wait_event(&Event::Handler(USR1), Deadline::usual()),
        "{puppet:?} ran no handler"
    );
}

/// The calls that carried the signals to the first process of a report.
fn through(report: &Value) -> Vec<&str> {
    let sent = report["receipts"][0]["sent"].as_array().unwrap();
    sent.iter()
        .map(|one| one["through"].as_str().unwrap())
        .collect()
}

#[track_caller]
fn is_refused(ran: &Ran, errno: &str) {
    ran.ended(3)
        .says(errno)
        .says("pidfd_send_signal is not to be had here");
}

/// Every way to signal a process on real ones, and every way to look at it.
fn go_through(kernel: &Kernel, doors: Doors) {
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

fn to_processes(kernel: &Kernel, doors: Doors) {
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

fn to_threads(kernel: &Kernel, doors: Doors) {
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

fn to_groups(kernel: &Kernel, doors: Doors) {
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

fn to_an_end(kernel: &Kernel, doors: Doors) {
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

fn to_a_halt(kernel: &Kernel, doors: Doors) {
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

fn by_plan(kernel: &Kernel, doors: Doors) {
    let mut puppet = catcher();
    // Made where nothing is missing, so that the plan itself is whole.
    let plan = common::line(&format!("send USR1 {} --dry-run --json", puppet.pid()));
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
fn says_its_resolution(report: &Value, doors: Doors) {
    let said = report["notes"].to_string().contains("resolution of 10 ms");
    assert_eq!(said, !doors.inode, "{report}");
}

fn looking(kernel: &Kernel) {
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
