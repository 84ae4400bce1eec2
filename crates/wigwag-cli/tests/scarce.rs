//! Machines that run out of something, or whose servers do not answer.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use common::{Ran, command, finish, untouched};
use wigwag_testkit::{Deadline, Puppet, Recipe, namespace};

const URG: i32 = 23;

/// The command with no more than so many open files.
fn with_files(limit: u32, words: &str) -> Ran {
    let line = format!("ulimit -n {limit}; exec \"$W\" {words}");
    finish(
        Command::new("sh")
            .args(["-c", &line])
            .env("W", env!("CARGO_BIN_EXE_wigwag")),
    )
}

#[test]
fn without_descriptors_the_living_are_not_called_dead() {
    let mut puppet = Puppet::spawn(&Recipe {
        catch: vec![URG],
        ..Recipe::default()
    });
    let mut delivered = false;
    for limit in 4..=14 {
        let ran = with_files(limit, &format!("send URG {}", puppet.pid()));
        assert!(
            !ran.out.contains("ended") && !ran.out.contains("gone"),
            "with {limit} files: {ran:?}"
        );
        delivered = ran.code == 0;
    }
    assert!(delivered);
    assert!(puppet.ping());
}

fn has_strace() -> bool {
    let found = Command::new("strace")
        .arg("-V")
        .output()
        .is_ok_and(|out| out.status.success());
    assert!(
        found || std::env::var_os("CI").is_none(),
        "CI must have strace"
    );
    found
}

/// A thread that is not its process's first, as a number.
fn thread_of(puppet: &Puppet) -> String {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", puppet.pid())).unwrap();
    let mut tids = tasks.map(|task| task.unwrap().file_name().into_string().unwrap());
    tids.find(|tid| *tid != puppet.pid().to_string()).unwrap()
}

#[test]
fn a_thread_is_no_process_whatever_fails() {
    let mut puppet = Puppet::spawn(&Recipe {
        workers: 1,
        ..Recipe::default()
    });
    let tid = thread_of(&puppet);
    for limit in 3..=14 {
        let ran = with_files(limit, &format!("send TERM {tid}"));
        assert_ne!(ran.code, 0, "with {limit} files: {ran:?}");
    }
    if has_strace() {
        for error in ["ENFILE", "EMFILE", "ENOMEM", "EACCES", "EINTR"] {
            for at in 1..=12 {
                let ran = finish(
                    Command::new("strace")
                        .args(["-qq", "-o", "/dev/null", "-e"])
                        .arg(format!("inject=openat:error={error}:when={at}"))
                        .arg(env!("CARGO_BIN_EXE_wigwag"))
                        .args(["send", "TERM", &tid]),
                );
                assert_ne!(ran.code, 0, "{error} at openat {at}: {ran:?}");
            }
        }
    }
    untouched(&mut puppet);
}

/// A folder with a getent that leaves a file if the process is still alive, and never answers.
fn hanging_getent(pid: i32) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("wigwag-getent-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let script = format!(
        "#!/bin/sh\ncd {}\ntouch asked\ngrep -q '^State:.*sleeping' /proc/{pid}/status && touch too-early\nexec sleep 1000\n",
        folder.display()
    );
    std::fs::write(folder.join("getent"), script).unwrap();
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.join("getent"), executable).unwrap();
    folder
}

#[test]
fn nobody_waits_for_the_name_of_a_user() {
    namespace!();
    if !wigwag_testkit::namespace::has_nobody() {
        return;
    }
    let mut puppet = Puppet::spawn(&Recipe {
        user: Some(64_321),
        ..Recipe::default()
    });
    let folder = hanging_getent(puppet.pid());
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let began = Instant::now();
    let ran =
        finish(
            command()
                .env("PATH", &path)
                .args(["stop", "--json", &puppet.pid().to_string()]),
        );
    assert!(began.elapsed() < Duration::from_secs(20), "{ran:?}");
    ran.ended(0).says("\"uid\": 64321");
    assert_eq!(puppet.status(Deadline::usual()), Some(15));
    assert!(folder.join("asked").exists() && !folder.join("too-early").exists());
    // Who is meant depends on the answer: then it is waited for, and the reason is said.
    finish(
        command()
            .env("PATH", &path)
            .args(["send", "-u", "no-such-user", "--dry-run"]),
    )
    .ended(5)
    .complains("getent does not answer");
    std::fs::remove_dir_all(&folder).unwrap();
}
