//! Whom: several, names, numbers of threads, inodes, those that may not be signalled, handlers. By the manual of util-linux.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use wigwag::PidFd;
use wigwag_testkit::{
    Deadline, Event, Filter, Observed, Puppet, Recipe, change_user, filter, namespace,
    namespace::has_nobody, proc,
};

use super::{line, says};
use crate::compare::{finish, ours, real};

const NOBODY: u32 = 65534;

fn catcher(name: &str) -> Puppet {
    Puppet::spawn(&Recipe {
        catch: vec![1, 10],
        ..Recipe::named(name)
    })
}

#[test]
fn some_of_several() {
    let mut puppet = catcher("some");
    let pid = puppet.pid();
    let gone = "kill: sending signal to 9999999 failed: No such process\n";
    says(&format!("-HUP 9999999 {pid}"), 64, "", gone);
    assert!(puppet.wait_event(&Event::Handler(1), Deadline::usual()));
    says(&format!("-0 {pid} 9999999"), 64, "", gone);
    says(&format!("-0 {pid} {pid}"), 0, "", "");
    says(
        &format!("--verbose -0 {pid} 9999999"),
        64,
        &format!("sending signal 0 to pid {pid}\nsending signal 0 to pid 9999999\n"),
        gone,
    );
    // As the shell's own: POSIX says no more than that it is not 0.
    let Some(mut real) = real("kill") else { return };
    assert_ne!(
        finish(real.args(["-0", "9999999", &pid.to_string()])).status,
        0
    );
}

/// util-linux's own tests of names: print_pid, name_to_number, all_processes.
#[test]
fn by_name() {
    namespace!();
    let name = "fifteen-bytes-x";
    let mut one = catcher(name);
    let pid = one.pid();
    says(&format!("-p {name}"), 0, &format!("{pid}\n"), "");
    let mut two = catcher(name);
    says(
        &format!("-p {name}"),
        0,
        &format!("{pid}\n{}\n", two.pid()),
        "",
    );
    says(
        &format!("--verbose -USR1 {name} wigwag-nosuch"),
        64,
        &format!(
            "sending signal 10 to pid {pid}\nsending signal 10 to pid {}\n",
            two.pid()
        ),
        "kill: cannot find process \"wigwag-nosuch\"\n",
    );
    for puppet in [&mut one, &mut two] {
        assert!(puppet.wait_event(&Event::Handler(10), Deadline::usual()));
    }
    says(
        "fifteen-bytes",
        1,
        "",
        "kill: cannot find process \"fifteen-bytes\"\n",
    );
    says(&format!("-s 0 {name}"), 0, "", "");
    says(name, 0, "", "");
    assert_eq!(one.observe(15), [Observed::Killed].into());
}

#[test]
fn names_mean_ones_own_processes() {
    namespace!();
    if !has_nobody() {
        return;
    }
    let recipe = Recipe {
        user: Some(NOBODY),
        ..Recipe::named("others")
    };
    let mut puppet = Puppet::spawn(&recipe);
    let none = "kill: cannot find process \"others\"\n";
    says("others", 1, "", none);
    says("-p others", 1, "", none);
    assert!(!puppet.was_touched());
    says("-a -p others", 0, &format!("{}\n", puppet.pid()), "");
    says("--all others", 0, "", "");
    assert_eq!(puppet.observe(15), [Observed::Killed].into());
    says("-a -p others", 1, "", none);
}

#[test]
fn those_that_may_not_be_signalled() {
    namespace!();
    if !has_nobody() {
        return;
    }
    let mut roots = Puppet::spawn(&Recipe::named("roots"));
    let pid = roots.pid();
    let as_nobody = |words: String| {
        // The folder of links may be closed to nobody.
        let mut command = Command::new(env!("CARGO_BIN_EXE_wigwag"));
        std::os::unix::process::CommandExt::arg0(&mut command, "kill");
        change_user(&mut command, NOBODY);
        finish(command.args(words.split_whitespace()))
    };
    let denied = format!("kill: sending signal to {pid} failed: Operation not permitted\n");
    for words in ["", "-0 ", "-9 ", "-q 4 "] {
        let said = as_nobody(format!("{words}{pid}"));
        assert_eq!((said.status, &said.err), (1, &denied), "{words}");
    }
    let said = as_nobody("-a roots".to_owned());
    assert_eq!(
        said.err,
        "kill: sending signal to roots failed: Operation not permitted\n"
    );
    let said = as_nobody(format!("-- -{pid}"));
    assert_eq!(
        said.err,
        denied.replace(&format!("to {pid}"), &format!("to -{pid}"))
    );
    assert!(!roots.was_touched());
}

/// The number of a thread is taken by kill(2), and the signal goes to the whole process. A zombie takes it, too.
#[test]
fn threads_and_zombies() {
    let mut puppet = Puppet::spawn(&Recipe {
        workers: 1,
        ..Recipe::named("threads")
    });
    let pid = puppet.pid();
    let tid = proc::threads(pid)
        .iter()
        .map(|t| t.tid)
        .find(|tid| *tid != pid)
        .unwrap();
    says(&format!("-0 {tid}"), 0, "", "");
    says(&format!("-TERM {tid}"), 0, "", "");
    assert_eq!(puppet.observe(15), [Observed::Killed].into());
    let mut zombie = Puppet::spawn(&Recipe::named("zombie"));
    zombie.become_zombie();
    for words in ["-0", "-TERM", "-q 3", "--timeout 60000 KILL"] {
        says(&format!("{words} {}", zombie.pid()), 0, "", "");
        if let Some(mut real) = real("kill").filter(|_| words == "-TERM") {
            assert_eq!(
                finish(real.args([words, &zombie.pid().to_string()])).status,
                0
            );
        }
    }
}

#[test]
fn only_where_a_handler_is() {
    namespace!();
    let (mut with, mut without) = (
        catcher("handlers"),
        Puppet::spawn(&Recipe::named("handlers")),
    );
    let (a, b) = (with.pid(), without.pid());
    says(&format!("-r -HUP {a} {b}"), 0, "", "");
    assert!(with.wait_event(&Event::Handler(1), Deadline::usual()));
    says(&format!("-r -HUP {b}"), 1, "", "");
    let not = format!("not signalling pid {b}, it has no userspace handler for signal 1\n");
    says(
        &format!("--require-handler --verbose -HUP {b}"),
        1,
        &not,
        "",
    );
    says("-r -USR1 handlers", 0, "", "");
    assert!(with.wait_event(&Event::Handler(10), Deadline::usual()));
    says(
        "-r -USR2 handlers",
        1,
        "",
        "kill: cannot find process \"handlers\"\n",
    );
    says(&format!("-r -0 {a}"), 1, "", "");
    says(&format!("-p -r {a}"), 1, "", "");
    assert!(!without.was_touched());
}

/// util-linux's own test pidfdino (2.42).
#[test]
fn by_inode() {
    for words in [
        "-s 1",
        "--signal 1",
        "--signal HUP",
        "--signal SIGHUP",
        "-1",
        "-HUP",
        "-SIGHUP",
    ] {
        let mut puppet = Puppet::spawn(&Recipe::named("inode"));
        let pid = puppet.pid();
        let Ok(Some(inode)) = PidFd::open(pid).and_then(|pidfd| pidfd.inode()) else {
            println!("skipped: pidfds have no inode of their own before Linux 6.9");
            return;
        };
        let other = inode + 1;
        let refused = format!(
            "kill: failed to obtain a valid file descriptor for PID {pid}: No such process\n"
        );
        says(&format!("{words} {pid}:{other}"), 1, "", &refused);
        says(&format!("-0 {pid}:{other}"), 1, "", &refused);
        assert!(!puppet.was_touched());
        says(&format!("-0 {pid}:{inode}"), 0, "", "");
        says(&format!("{words} {pid}:{inode}"), 0, "", "");
        assert_eq!(puppet.observe(1), [Observed::Killed].into());
    }
}

/// util-linux's own test decode.
#[test]
fn the_state_of_a_process() {
    let mut puppet = Puppet::spawn(&Recipe {
        block: vec![2, 4, 10],
        ignore: vec![1, 13],
        catch: vec![12, 10, 34],
        ..Recipe::named("state")
    });
    let pid = puppet.pid();
    says(&format!("-USR1 {pid}"), 0, "", "");
    puppet.settle(Deadline::usual());
    for form in [
        "-d ",
        "-d=",
        "--show-process-state ",
        "--show-process-state=",
    ] {
        let said = line(&format!("{form}{pid}"));
        assert_eq!((said.status, said.err.as_str()), (0, ""), "{form}");
        for row in [
            "Pending (process): USR1 ",
            "Blocked: INT ILL USR1 ",
            "Ignored: HUP PIPE ",
        ] {
            assert!(
                said.out.lines().any(|line| line.starts_with(row)),
                "{row:?} in {said:?}"
            );
        }
        let caught = said
            .out
            .lines()
            .find(|line| line.starts_with("Caught: "))
            .unwrap();
        assert!(
            ["USR1", "USR2", "RT0"]
                .iter()
                .all(|one| caught.contains(one)),
            "{caught}"
        );
        assert!(!said.out.contains("Pending (thread)"));
    }
}

/// Without a /proc it works by descriptors, and for what needs one says so.
#[test]
fn without_proc() {
    namespace!();
    let mut puppet = catcher("procless");
    let folder = crate::compare::folder();
    let run = |words: &str| {
        let script = format!("umount -l /proc; exec {}/kill {words}", folder.display());
        finish(Command::new("unshare").args(["--mount", "sh", "-c", &script]))
    };
    let pid = puppet.pid();
    let said = run(&format!("-HUP {pid}"));
    assert_eq!((said.status, said.err.as_str()), (0, ""));
    assert!(puppet.wait_event(&Event::Handler(1), Deadline::usual()));
    assert_eq!(run(&format!("-0 {pid}")).status, 0);
    let said = run("procless 9999999");
    assert_eq!(said.status, 1);
    assert!(
        said.err.contains("cannot find process \"procless\""),
        "{said:?}"
    );
    assert!(
        said.err.contains("9999999 failed: No such process"),
        "{said:?}"
    );
}

/// Where a process cannot be signalled through a descriptor nothing is sent by its number; groups are one call, and 0 sends nothing.
#[test]
fn without_pidfd_send_signal() {
    for (errno, words) in [
        (filter::ENOSYS, "Function not implemented"),
        (filter::EPERM, "Operation not permitted"),
    ] {
        let run = |line: String| {
            let mut command = ours("kill");
            Filter::new()
                .without(filter::PIDFD_SEND_SIGNAL, errno)
                .install(&mut command);
            finish(command.args(line.split_whitespace()))
        };
        let mut puppet = Puppet::spawn(&Recipe::named("undescribed"));
        let pid = puppet.pid();
        let said = run(pid.to_string());
        let refused = format!("kill: sending signal to {pid} failed: {words}\n");
        assert_eq!((said.status, said.err), (1, refused));
        assert_eq!(run(format!("-0 {pid}")).status, 0);
        assert!(!puppet.was_touched());
        assert_eq!(run(format!("-- -{pid}")).status, 0);
        assert_eq!(puppet.observe(15), [Observed::Killed].into());
    }
}

/// A signal to oneself, and the group of kill itself.
#[test]
fn oneself() {
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec \"$0\" -TERM $$"])
        .arg(crate::compare::folder().join("kill"));
    let status = command
        .stdin(File::open("/dev/null").unwrap())
        .status()
        .unwrap();
    assert_eq!(status.signal(), Some(15));
    assert_eq!(finish(ours("kill").args(["-0", "0"])).status, 0);
}
