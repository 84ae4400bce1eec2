//! `timeout` beside coreutils'.

mod tables;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use crate::compare::{self, Said, finish, folder, real};
use tables::{ALIKE, SCRIPTS};

fn words(line: &str) -> Vec<OsString> {
    // \xNN is that byte.
    let bytes = |word: &str| {
        let mut parts = word.split("\\x");
        let mut bytes = parts.next().unwrap().as_bytes().to_vec();
        for part in parts {
            bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
            bytes.extend_from_slice(&part.as_bytes()[2..]);
        }
        OsString::from_vec(bytes)
    };
    match line {
        "" => Vec::new(),
        line => line.split('|').map(bytes).collect(),
    }
}

/// By its bare name, which stands in its messages.
fn ours() -> Command {
    let mut command = compare::ours("timeout");
    std::os::unix::process::CommandExt::arg0(&mut command, "timeout");
    command
}

fn said(words: &[&str]) -> Said {
    finish(ours().args(words))
}

/// How often they may differ: the times in the words are short and real, so that on a busy machine a shell may have no trap yet when they are
/// over, with the one tool or the other.
const ROUNDS: u32 = 6;

/// Both are to say the same, once in so many rounds.
fn compare<S: PartialEq + std::fmt::Debug>(what: &str, round: impl Fn() -> (S, S)) {
    let mut differ = None;
    for _ in 0..ROUNDS {
        let (own, theirs) = round();
        if own == theirs {
            return;
        }
        differ = Some((own, theirs));
    }
    panic!("{what}: ours is on the left of {differ:?}");
}

/// Several at once: most of them wait.
fn in_parallel(rows: &[&str], check: impl Fn(usize, &str) + Sync) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(row) = rows.get(index) else { return };
                    check(index, row);
                }
            });
        }
    });
}

#[test]
fn the_same_words_do_the_same() {
    let Some(_) = real("timeout") else { return };
    in_parallel(ALIKE, |_, line| {
        let words = words(line);
        compare(line, || {
            let path = "/usr/bin:/bin";
            let theirs = finish(real("timeout").unwrap().args(&words).env("PATH", path));
            let path = format!("{}:{path}", folder().display());
            (finish(ours().args(&words).env("PATH", path)), theirs)
        });
    });
}

/// A new folder, with nothing in it.
fn place(name: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("timeout-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(&place).unwrap();
    place
}

#[test]
fn the_same_scripts_do_the_same() {
    let Some(_) = real("timeout") else { return };
    let own = folder().join("timeout").display().to_string();
    in_parallel(SCRIPTS, |index, script| {
        let said = |tool: &str, name: &str| {
            let place = place(&format!("{name}-{index}"));
            let mut bash = Command::new("bash");
            bash.args(["-c", &script.replace("TIMEOUT", tool)]);
            let (over, waits) = std::sync::mpsc::channel::<()>();
            let said = std::thread::scope(|scope| {
                let stop = place.join("stop");
                scope.spawn(move || {
                    let time = Duration::from_secs(30);
                    if waits.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
                        std::fs::write(stop, "").unwrap();
                    }
                });
                let said = finish(bash.current_dir(&place));
                drop(over);
                said
            });
            std::fs::remove_dir_all(&place).unwrap();
            (said.status, said.out)
        };
        compare(script, || {
            (said(&own, "ours"), said("/usr/bin/timeout", "theirs"))
        });
    });
}

/// By the manual of 9.7: -f and -p.
#[test]
fn short_forms() {
    assert_eq!(said(&["-p", ".05", "sleep", "5"]).status, 143);
    assert_eq!(said(&["-pv", ".05", "true"]).status, 0);
    assert_eq!(said(&["-fpsINT", ".05", "sleep", "5"]).status, 130);
    let group = "set -- $(cat /proc/$PPID/stat); test $1 = $5 || echo shared";
    assert_eq!(said(&["-f", "5", "sh", "-c", group]).out, "shared\n");
}

/// What is too small to be told from nothing is over at once (their check of large parameters, since 9.8; 9.1 takes it for no limit).
#[test]
fn very_small() {
    for time in ["1e-5000", "0x1p-99999", "1e-400d"] {
        assert_eq!(said(&[time, "sleep", "10"]).status, 124, "{time}");
    }
}

/// Differences on purpose: theirs loses the KILL after ALRM, and the status after CHLD.
#[test]
fn signals_that_the_tool_uses_itself() {
    let kill = ["-s", "ALRM", "-k", ".05", ".05"];
    let sh = ["sh", "-c", "trap '' ALRM; while :; do sleep .01; done"];
    assert_eq!(said(&[&kill[..], &sh].concat()).status, -9);
    assert_eq!(
        said(&["-v", "-s", "CHLD", ".05", "sleep", ".2"]).status,
        124
    );
}

/// Fires when it is to, and the end is seen at once.
#[test]
fn keeps_time() {
    // With the start and end of two processes. The machine may be busy, but not every time; no multiple of what one might wait by.
    let late = || {
        let begun = Instant::now();
        let status = ours().args([".13", "sleep", "5"]).status().unwrap();
        assert_eq!(status.code(), Some(124));
        let late = begun.elapsed().checked_sub(Duration::from_millis(130));
        late.expect("over before its time")
    };
    let all: Vec<Duration> = std::iter::repeat_with(late)
        .take(100)
        .scan(0, |good, late| {
            let go_on = *good < 3;
            *good += i32::from(late < Duration::from_millis(5));
            go_on.then_some(late)
        })
        .collect();
    assert!(all.len() < 100, "{all:?}");
    assert!(
        Duration::from_secs(2) > {
            let begun = Instant::now();
            assert!(ours().args(["60", "true"]).status().unwrap().success());
            begun.elapsed()
        }
    );
}

/// As process 1 of a namespace, or its child (their check of init as the parent).
#[test]
fn below_init() {
    wigwag_testkit::namespace!();
    let unshare = |words: &[&str]| {
        let own = folder().join("timeout");
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork"]).arg(own).args(words);
        finish(&mut command).status
    };
    assert_eq!(unshare(&["10", "sleep", ".2"]), 0);
    assert_eq!(unshare(&[".1", "sleep", "10"]), 124);
    assert_eq!(unshare(&["-s0", "-k.1", ".1", "sleep", "10"]), 137);
    assert_eq!(unshare(&["10", "sh", "-c", "kill -9 $$"]), 137);
}

#[test]
fn says_what_it_is() {
    let help = said(&["--help"]);
    assert_eq!((help.status, help.err.as_str()), (0, ""));
    assert!(help.out.starts_with("Usage: timeout [OPTION]"));
    for option in [
        "-f, --foreground",
        "-k, --kill-after",
        "-p, --preserve-status",
        "-s, --signal",
        "-v, --verbose",
        "--help",
        "--version",
    ] {
        assert!(help.out.contains(option), "{option}");
    }
    let version = said(&["--version"]);
    assert!(
        version.out.starts_with("timeout from wigwag ")
            && version.out.ends_with(" (GNU coreutils) 9.7\n")
    );
}
