//! `wigwag run` on real commands.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use common::{Ran, finish, wigwag};
use wigwag::{PidFd, Signal, send};
use wigwag_testkit::{Deadline, namespace};

fn run(words: &[&str]) -> Ran {
    wigwag(&[&["run"], words].concat())
}

/// One that runs a shell script, which has said `ready`.
struct Started {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Started {
    fn new(options: &[&str], script: &str) -> Started {
        let mut command = common::command();
        command
            .arg("run")
            .args(options)
            .args(["--", "sh", "-c", script]);
        Started::of(&mut command)
    }

    fn of(command: &mut Command) -> Started {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut started = Started { child, out };
        assert_eq!(started.line(), "ready");
        started
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn send(&self, signal: Signal) {
        send::send(self.child.id() as i32, signal).unwrap();
    }

    fn end(mut self) -> Ran {
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut err)
            .unwrap();
        let status = self.child.wait().unwrap();
        let code = status.code().unwrap_or_else(|| {
            use std::os::unix::process::ExitStatusExt;
            -status.signal().unwrap()
        });
        Ran { code, out, err }
    }
}

/// Waits for signals for as long as it takes, by short waits, so that traps run.
const WAIT: &str = "echo ready; while :; do sleep 0.01; done";

#[test]
fn the_status_is_the_commands() {
    run(&["true"]).ended(0);
    run(&["sh", "-c", "exit 7"]).ended(7);
    run(&["sh", "-c", "kill -TERM $$"]).ended(143);
    run(&["sh", "-c", "kill -KILL $$"]).ended(137);
    run(&[
        "--map-status",
        "143=0,7=9",
        "--",
        "sh",
        "-c",
        "kill -TERM $$",
    ])
    .ended(0);
    run(&["--map-status", "143=0,7=9", "--", "sh", "-c", "exit 7"]).ended(9);
}

#[test]
fn what_cannot_be_run_is_said() {
    run(&["/no/such/program"])
        .ended(127)
        .complains("No such file");
    run(&["no-such-program-anywhere"]).ended(127);
    run(&["/etc/passwd"])
        .ended(126)
        .complains("Permission denied");
    run(&[""]).ended(125).complains("no command");
    run(&[]).ended(2);
    run(&["--on", "KILL=true", "--", "true"])
        .ended(2)
        .complains("EXIT runs however");
    run(&["--on", "NOPE=true", "--", "true"]).ended(2);
    run(&["--on", "INT", "--", "true"])
        .ended(2)
        .complains("says no command");
    run(&["--on", "INT=a", "--on", "INT=b", "--", "true"])
        .ended(125)
        .complains("two traps");
    run(&["--map", "TERM=NOPE", "--", "true"]).ended(2);
    run(&["--ignore", "INT", "--default", "INT", "--", "true"])
        .ended(125)
        .complains("both");
    run(&["--timeout", "soon", "--", "true"])
        .ended(2)
        .complains("not a time");
    run(&["--file-size", "much", "--", "true"])
        .ended(2)
        .complains("not a size");
    run(&["--temp-dir=A=B", "--", "true"]).ended(125);
}

#[test]
fn it_dies_alike() {
    let mut command = common::command();
    command.args(["run", "--die-alike", "--", "sh", "-c", "kill -TERM $$"]);
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(command.status().unwrap().signal(), Some(15));
}

#[test]
fn signals_are_passed_on() {
    let started = Started::new(&[], &format!("trap 'echo got TERM; exit 5' TERM; {WAIT}"));
    started.send(Signal::TERM);
    started.end().ended(5).says("got TERM");
}

#[test]
fn signals_are_passed_on_as_others_or_not_at_all() {
    let started = Started::new(
        &["--map", "TERM=USR1,HUP="],
        &format!("trap 'echo got USR1; exit 6' USR1; {WAIT}"),
    );
    started.send(Signal::HUP);
    started.send(Signal::TERM);
    started.end().ended(6).says("got USR1");
}

#[test]
fn a_trap_runs_and_its_signal_is_passed_on() {
    let started = Started::new(
        &["--on", "INT,TERM=echo trapped $WIGWAG_SIGNAL"],
        &format!("trap 'echo got TERM; exit 5' TERM; {WAIT}"),
    );
    started.send(Signal::TERM);
    let ran = started.end();
    ran.ended(5);
    assert_eq!(ran.out, "trapped TERM\ngot TERM\n");
}

#[test]
fn a_trap_may_swallow() {
    let mut started = Started::new(&["--swallow", "--on", "TERM=echo trapped"], WAIT);
    started.send(Signal::TERM);
    assert_eq!(started.line(), "trapped");
    started.send(Signal::INT);
    started.end().ended(130);
}

#[test]
fn the_clean_up_runs_however_it_ends() {
    for script in ["exit 3", "kill -KILL $$", "kill -TERM $$"] {
        let ran = run(&[
            "--temp-dir=dir",
            "--on",
            "EXIT=echo clean $WIGWAG_SIGNAL; ls $dir",
            "--",
            "sh",
            "-c",
            &format!("echo > $dir/file; echo $dir; {script}"),
        ]);
        let lines: Vec<&str> = ran.out.lines().collect();
        assert_eq!(lines[1..], ["clean EXIT", "file"], "{ran:?}");
        assert!(!std::path::Path::new(lines[0]).exists(), "{ran:?}");
    }
}

#[test]
fn what_the_command_starts_with() {
    let show = |options: &[&str], field: &str| {
        let words = [options, &["--", "grep", field, "/proc/self/status"]].concat();
        let ran = run(&words);
        let set = u64::from_str_radix(ran.ended(0).out.split_whitespace().nth(1).unwrap(), 16);
        // posix_spawn(3) has a child ignore the two signals that the C library keeps.
        set.unwrap() & !(3 << 31)
    };
    assert_eq!(show(&[], "SigIgn"), 0);
    assert_eq!(show(&[], "SigBlk"), 0);
    assert_eq!(show(&["--ignore", "HUP,USR1"], "SigIgn"), 1 | 1 << 9);
    assert_eq!(show(&["--block", "TERM"], "SigBlk"), 1 << 14);
    // What is ignored stays ignored, and can be set back.
    let mut nohup = Command::new("sh");
    nohup.args([
        "-c",
        "trap '' HUP PIPE; exec \"$0\" run \"$@\" grep SigIgn /proc/self/status",
    ]);
    let ran = finish(nohup.arg(env!("CARGO_BIN_EXE_wigwag")));
    assert!(ran.out.ends_with("1001\n"), "{ran:?}");
    let mut back = Command::new("sh");
    back.args([
        "-c",
        "trap '' HUP; exec \"$0\" run --default HUP grep SigIgn /proc/self/status",
    ]);
    let ran = finish(back.arg(env!("CARGO_BIN_EXE_wigwag")));
    assert!(ran.out.ends_with("0000\n"), "{ran:?}");
}

#[test]
fn when_its_time_is_over_the_whole_tree_goes() {
    let script = "setsid sh -c 'trap \"\" TERM; echo $$; while :; do sleep 0.05; done' & wait";
    let ran = run(&[
        "--timeout",
        "0.5",
        "--ladder",
        "TERM:300ms,KILL",
        "--",
        "sh",
        "-c",
        script,
    ]);
    ran.ended(124);
    let pid: i32 = ran.out.trim().parse().unwrap();
    assert!(PidFd::open(pid).is_err(), "it runs on");
}

#[test]
fn what_is_left_behind_is_ended() {
    let ran = run(&[
        "--linger",
        "1s",
        "--",
        "sh",
        "-c",
        "setsid sleep 60 & echo $!",
    ]);
    ran.ended(0);
    let pid: i32 = ran.out.trim().parse().unwrap();
    assert!(PidFd::open(pid).is_err(), "it runs on");
}

#[test]
fn limits_are_set() {
    let ran = run(&["--cpu", "1s", "--", "sh", "-c", "while :; do :; done"]);
    ran.ended(128 + 24);
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(namespace::unique("size"));
    let script = format!("exec head -c 100000 /dev/zero > {}", folder.display());
    run(&["--file-size", "4K", "--", "sh", "-c", &script]).ended(128 + 25);
    std::fs::remove_file(folder).unwrap();
}

#[test]
fn real_time_signals_come_with_their_values() {
    let wigwag = env!("CARGO_BIN_EXE_wigwag");
    let mut command = common::command();
    command.args([
        "run", "--", wigwag, "catch", "RTMIN", "--count", "500", "--json",
    ]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    for value in 0..500 {
        let deadline = Deadline::usual();
        deadline.wait_for("room in the queue", || {
            send::queue(child.id() as i32, Signal::rtmin(), value).ok()
        });
    }
    let mut out = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut out)
        .unwrap();
    assert!(child.wait().unwrap().success());
    let values: Vec<i64> = out
        .lines()
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            value["cause"]["queue"]["value"].as_i64().unwrap()
        })
        .collect();
    assert_eq!(values, (0..500).collect::<Vec<_>>());
}

#[test]
fn as_process_1_it_collects_orphans() {
    wigwag_testkit::namespace!();
    // A pid namespace within: its process 1 is the command itself.
    let script = "for i in 1 2 3 4 5 6 7 8 9 10; do sh -c 'sleep 0.01 & exit' ; done; sleep 0.2; grep -l '^State:.Z' /proc/[0-9]*/status; echo $$; exit 4";
    let mut command = Command::new("unshare");
    command.args([
        "--pid",
        "--fork",
        "--mount-proc",
        env!("CARGO_BIN_EXE_wigwag"),
        "run",
        "--",
        "sh",
        "-c",
        script,
    ]);
    let ran = finish(&mut command);
    ran.ended(4);
    assert_eq!(ran.out.lines().count(), 1, "no zombies: {ran:?}");
}

#[test]
fn a_report_says_what_was() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(namespace::unique("report"));
    let started = Started::new(
        &["--report", "--report-json", path.to_str().unwrap()],
        &format!("trap 'exit 5' TERM; {WAIT}"),
    );
    started.send(Signal::TERM);
    let ran = started.end();
    ran.ended(5).complains("exited with status 5");
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(report["status"]["exited"], 5);
    assert_eq!(report["passed"][0]["signal"], "TERM");
    std::fs::remove_file(path).unwrap();
    let full = run(&["--report-json", "/dev/full", "--", "sh", "-c", "exit 3"]);
    full.ended(3).complains("No space left");
    let _ = std::io::stdout().flush();
}
