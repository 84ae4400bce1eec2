//! How processes end: by `stop`, by `send KILL`, before anything is sent, and what may be known of it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use common::{HUP, NOBODY, Running, TERM, can_be_nobody, command, line, untouched};
use serde_json::Value;
use wigwag_testkit::{Deadline, Event, Puppet, Recipe, change_user, namespace::unique, proc};

fn sent(report: &Value) -> Vec<&str> {
    let sent = report["receipts"][0]["sent"].as_array().unwrap();
    sent.iter()
        .map(|one| one["signal"].as_str().unwrap())
        .collect()
}

#[test]
fn no_time_is_too_long_for_a_ladder() {
    for ladder in [
        "TERM:9223372036854775807s,KILL",
        "TERM:9000000000000000000,KILL",
        "TERM:100000000000h,KILL",
    ] {
        let mut puppet = Puppet::spawn(&Recipe::default());
        line(&format!("stop {} --ladder {ladder}", puppet.pid()))
            .ended(0)
            .says("killed by TERM");
        puppet.end();
    }
    let mut puppet = Puppet::spawn(&Recipe::default());
    let pid = puppet.pid();
    for words in [
        format!("wait {pid} --timeout 9223372036854775807s"),
        format!("send KILL {pid} --after 9223372036854775807s"),
    ] {
        Running::start(&words).watching().interrupt().ended(4);
    }
    untouched(&mut puppet);
    line(&format!("send KILL {pid} --wait=9223372036854775807s"))
        .ended(0)
        .says("killed by KILL");
}

/// What must end is looked at for 20 ms, which is enough but on a machine that is very busy.
#[test]
fn how_it_was_killed_is_said_at_once() {
    let told = (0..20).any(|_| {
        let mut puppet = Puppet::spawn(&Recipe::default());
        let ran = line(&format!("send -9 {}", puppet.pid()));
        ran.ended(0);
        puppet.end();
        ran.out.contains("killed by KILL")
    });
    assert!(told);
}

#[test]
fn a_stopped_process_is_continued_to_take_what_asks_it_to_end() {
    let mut puppet = Puppet::spawn(&Recipe {
        catch: vec![TERM],
        ..Recipe::default()
    });
    puppet.stop();
    let pid = puppet.pid();
    let dry = line(&format!("stop {pid} --dry-run"));
    dry.ended(0)
        .says("runs its handler: it is stopped, and gets CONT after it");
    assert_eq!(proc::state(pid), Some('T'));
    let running = Running::start(&format!("stop {pid} --ladder TERM:600s,KILL --json"));
    assert!(puppet.wait_event(&Event::Handler(TERM), Deadline::usual()));
    puppet.become_zombie();
    let ran = running.finish();
    let report = ran.ended(0).json();
    assert_eq!(sent(&report), ["TERM", "CONT"]);
    assert_eq!(report["receipts"][0]["effect"]["status"]["exited"], 0);
}

#[test]
fn a_stopped_process_is_not_continued_to_be_killed() {
    let mut puppet = Puppet::spawn(&Recipe::default());
    puppet.stop();
    let words = format!("stop {} --ladder KILL", puppet.pid());
    let dry = line(&format!("{words} --dry-run"));
    assert!(!dry.ended(0).out.contains("CONT"), "{dry:?}");
    let report = line(&format!("{words} --json")).ended(0).json();
    assert_eq!(sent(&report), ["KILL"]);
    // One that runs is not continued, either.
    let puppet = Puppet::spawn(&Recipe::default());
    let report = line(&format!("stop {} --json", puppet.pid()))
        .ended(0)
        .json();
    assert_eq!(sent(&report), ["TERM"]);
}

#[test]
fn a_zombie_had_ended_before() {
    let mut puppet = Puppet::spawn(&Recipe::default());
    puppet.become_zombie();
    let pid = puppet.pid();
    for words in ["send KILL", "send KILL --wait=1s", "freeze", "thaw"] {
        line(&format!("{words} {pid}")).ended(4).says("gone before");
    }
    line(&format!("stop {pid}")).ended(0).says("gone before");
    line(&format!("wait {pid}"))
        .ended(0)
        .says("exited with status 0");
    line(&format!("wait --any {pid}"))
        .ended(0)
        .says("exited with status 0");
}

/// The terminal was closed: what was done until then is still told to a file or a pipe.
#[test]
fn a_hangup_ends_the_waiting_and_the_report_is_printed() {
    let mut puppet = Puppet::spawn(&Recipe {
        catch: vec![TERM],
        ..Recipe::default()
    });
    let pid = puppet.pid();
    for signal in [HUP, TERM] {
        let running = Running::start(&format!("stop --ladder TERM:600s,KILL {pid}"));
        assert!(puppet.wait_event(&Event::Handler(TERM), Deadline::usual()));
        running
            .signal(signal)
            .ended(4)
            .says(&format!("{pid} "))
            .says("still there")
            .complains("interrupted");
    }
    assert!(puppet.ping());
    // With nohup it goes on.
    let mut nohup = Command::new("sh");
    let script = format!(
        "trap '' HUP; exec {} stop --ladder TERM:600s,KILL {pid}",
        env!("CARGO_BIN_EXE_wigwag")
    );
    let running = Running::of(nohup.args(["-c", &script]));
    assert!(puppet.wait_event(&Event::Handler(TERM), Deadline::usual()));
    let running = running.watching();
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.pid())).unwrap();
    let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
    let blocked = u64::from_str_radix(blocked.unwrap().trim(), 16).unwrap();
    // Only what ends the watching is blocked: TERM and INT.
    assert_eq!(blocked, 1 << (TERM - 1) | 1 << 1, "{status}");
    running.interrupt().ended(4);
}

/// A shell that is setuid, for nobody's group alone; removed when dropped.
struct SetuidShell(PathBuf);

impl SetuidShell {
    fn new() -> SetuidShell {
        let shell = SetuidShell(std::env::temp_dir().join(unique("endings")));
        std::fs::copy("/bin/sh", &shell.0).unwrap();
        chown(&shell.0, None, Some(NOBODY)).unwrap();
        std::fs::set_permissions(&shell.0, PermissionsExt::from_mode(0o4750)).unwrap();
        shell
    }
}

impl Drop for SetuidShell {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn effective_user(pid: i32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    uids.split_whitespace().nth(1)?.parse().ok()
}

/// Where `/proc` may not be asked it says 0 for every status: that is no status. It may not be asked of one that has become root's
/// since it was held.
#[test]
fn a_status_that_may_not_be_read_is_not_zero() {
    if !can_be_nobody() {
        return;
    }
    let shell = SetuidShell::new();
    // -p: it keeps what setuid has given it.
    let script = format!(
        "read line; exec {} -p -c 'echo; read line; exit 7'",
        shell.0.display()
    );
    let mut child = Command::new("/bin/sh");
    change_user(&mut child, NOBODY);
    let child = child.args(["-c", &script]).stdin(Stdio::piped());
    let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    let wait = || {
        let mut wait = command();
        change_user(&mut wait, NOBODY);
        Running::of(wait.args(["wait", &pid.to_string(), "--json"]))
    };
    let running = wait().watching();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"become root's\n").unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    drop(shell);
    let is_setuid = effective_user(pid) == Some(0);
    stdin.write_all(b"exit\n").unwrap();
    let ended = [running.finish(), wait().finish()];
    assert_eq!(child.wait().unwrap().code(), Some(7));
    if !is_setuid {
        println!("skipped: nothing is setuid in the folder for temporary files");
    }
    for ran in ended {
        let report = ran.ended(0).json();
        let effect = &report["receipts"][0]["effect"];
        assert_eq!(effect["is"], "ended");
        let status = &effect["status"];
        assert!(status.is_null() || status["exited"] == 7, "{effect}");
    }
}
