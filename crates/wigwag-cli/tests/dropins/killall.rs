//! `killall` beside psmisc's, by name only in a pid namespace of the test's own.

mod tables;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use wigwag_testkit::{Deadline, Puppet, Recipe, namespace, namespace::unique, proc};

use crate::compare::{Said, finish, ours, real, same};
use tables::ALIKE;

const NOBODY: u32 = 65534;

/// Who is there, in the order of their numbers.
struct Scene {
    puppets: Vec<Puppet>,
    /// A zombie: it is found, and nothing can be done to it.
    _departed: Puppet,
    files: Vec<Child>,
    script: Child,
}

/// A program of one's own, and a script that waits, without a child.
const FILES: &str = "\
rm -rf \"$0\" && mkdir -p \"$0\" && cd \"$0\" && cp /bin/sleep filed && mkfifo fifo && \
printf '#!/bin/sh\\nread x <\"${0%%/*}/fifo\"\\n' >scriptwithalongname.sh && chmod 755 scriptwithalongname.sh";

/// The folder with both, made once, by another process: a child that a thread of this one makes at the same time would have them
/// open for writing.
fn place() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(unique("killall"));
        let mut sh = Command::new("sh");
        assert!(
            sh.args(["-c", FILES])
                .arg(&place)
                .status()
                .unwrap()
                .success()
        );
        place
    })
}

/// Started, and become that program.
fn started(path: &Path, comm: &str) -> Child {
    let mut command = Command::new(path);
    let child = command.arg("1000").stdin(Stdio::null()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    let pid = child.id() as i32;
    while proc::name(pid).as_deref() != Some(comm) || proc::state(pid) != Some('S') {
        assert!(Instant::now() < until);
        std::thread::yield_now();
    }
    child
}

impl Scene {
    fn new() -> Scene {
        let root = can_be_others();
        let puppet = |name: &str, user| {
            Puppet::spawn(&Recipe {
                user,
                ..Recipe::named(name)
            })
        };
        let mut puppets = vec![
            puppet("short", None),
            puppet("averyveryverylongname", None),
            puppet("OTHERS", None),
            puppet("short", root.then_some(NOBODY)),
            Puppet::spawn(&Recipe {
                ignore: vec![15],
                ..Recipe::named("stubborn")
            }),
        ];
        let group = puppets[2].pid();
        puppets.push(Puppet::spawn(&Recipe {
            group: Some(group),
            ..Recipe::named("companion")
        }));
        let mut zombie = puppet("departed", None);
        zombie.become_zombie();
        Scene {
            _departed: zombie,
            puppets,
            files: vec![started(&place().join("filed"), "filed")],
            script: started(&place().join("scriptwithalongname.sh"), "scriptwithalong"),
        }
    }

    /// What has become of each: `None` lives, else the signal or the status that it ended by.
    fn fates(mut self) -> Vec<Option<i32>> {
        let mut fates: Vec<Option<i32>> = Vec::new();
        for puppet in &mut self.puppets {
            let lives = puppet.settle(Deadline::usual());
            fates.push(match lives {
                true => None,
                false => puppet.status(Deadline::usual()),
            });
        }
        for child in self.files.iter_mut().chain([&mut self.script]) {
            // What was sent has been delivered once it sleeps again; what ends it is seen here.
            let pid = child.id() as i32;
            let until = Instant::now() + Duration::from_secs(20);
            let state = || proc::state(pid);
            while !matches!(state(), Some('S' | 'T' | 'Z') | None) {
                assert!(Instant::now() < until);
                std::thread::yield_now();
            }
            fates.push(match state() {
                Some('Z') | None => {
                    use std::os::unix::process::ExitStatusExt;
                    Some(child.wait().unwrap().into_raw())
                }
                _ => None,
            });
            let _ = child.kill();
            let _ = child.wait();
        }
        fates
    }
}

fn can_be_others() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|meta| {
        use std::os::unix::fs::MetadataExt;
        meta.uid() == 0
    }) && std::fs::read_to_string("/proc/self/uid_map")
        .is_ok_and(|map| map.split_whitespace().nth(2) != Some("1"))
}

/// With what is written to it.
fn fed(command: &mut Command, input: &str) -> Said {
    if input.is_empty() {
        return finish(command);
    }
    use std::os::unix::process::ExitStatusExt;
    let mut child = command
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let done = child.wait_with_output().unwrap();
    let status = done.status;
    Said {
        status: status.code().unwrap_or_else(|| -status.signal().unwrap()),
        out: String::from_utf8_lossy(&done.stdout).into_owned(),
        err: String::from_utf8_lossy(&done.stderr).into_owned(),
    }
}

/// Numbers in parentheses are those of processes, which differ.
fn without_pids(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['(']) {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        rest = after.strip_prefix("pgid ").unwrap_or(after);
        let digits = rest.chars().take_while(char::is_ascii_digit).count();
        if digits > 0 && rest[digits..].starts_with(')') {
            out.push_str(if rest.len() < after.len() {
                "GROUP"
            } else {
                "PID"
            });
            rest = &rest[digits..];
        } else {
            rest = after;
        }
    }
    out + rest
}

/// A case: the words, and what is written to standard input.
fn ran(mut command: Command, words: &[&str], input: &str) -> (Said, Vec<Option<i32>>) {
    let scene = Scene::new();
    let said = fed(command.args(words), input);
    let said = Said {
        out: without_pids(&said.out),
        err: without_pids(&said.err),
        ..said
    };
    (said, scene.fates())
}

#[test]
fn the_same_is_done_to_the_same() {
    namespace!();
    let Some(_) = real("killall") else { return };
    for (words, input) in ALIKE {
        let words: Vec<String> = words
            .split_whitespace()
            .map(|word| match word.strip_prefix('@') {
                Some(file) => place().join(file).display().to_string(),
                None => word.to_owned(),
            })
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let theirs = ran(real("killall").unwrap(), &words, input);
        let own = ran(ours("killall"), &words, input);
        let told = |ran: &(Said, Vec<Option<i32>>)| {
            let usage = ran.0.err.contains("Usage: killall");
            let first = if usage { "Usage" } else { ran.0.err.as_str() };
            (
                ran.0.status,
                ran.0.out.clone(),
                first.to_owned(),
                ran.1.clone(),
            )
        };
        assert_eq!(
            told(&own),
            told(&theirs),
            "killall {words:?}: ours is on the left"
        );
    }
}

/// Nobody is meant: the words alone. The usage text is our own, its first line theirs.
#[test]
fn words_are_read_alike() {
    for words in [
        "-l",
        "--list",
        "-list",
        "--list-signals",
        "-s FOO x",
        "-FOO x",
        "-s SIG9 x",
        "-s SIG x",
        "-RTMIN x",
        "-IO x",
        "-CLD x",
        "-T x",
        "-s term x",
        "-s -1 x",
        "-Iv x",
        "-rIv x",
        "-Version x",
        "-u nosuchuser x",
        "-u 0 x",
        "-Z",
        "-Z (",
        "-TERM -HUPP x",
    ] {
        let words: Vec<&str> = words.split_whitespace().collect();
        same("killall", &words);
    }
    let many = vec!["nosuch"; 65];
    same("killall", &many);
    let first = |said: &Said| {
        let lines: Vec<&str> = said.err.lines().take(2).collect();
        (said.status, said.out.clone(), lines.join("\n"))
    };
    let Some(_) = real("killall") else { return };
    for words in [
        "",
        "-s",
        "-9",
        "-u",
        "-y 5",
        "-y 5q x",
        "-y 1.5h x",
        "-y -5s x",
        "-y 0s x",
        "-o x y",
        "-n abc x",
        "--ns=x x",
        "-n",
        "-hup x",
        "--ve x",
        "-x y",
        "--help",
        "-list=3",
        "--version=3 x",
        "-eZ",
        "-I",
        "-r",
        "-is",
        "-z x",
    ] {
        let words: Vec<&str> = words.split_whitespace().collect();
        let theirs = first(&finish(real("killall").unwrap().args(&words)));
        let own = first(&finish(ours("killall").args(&words)));
        let cut = |text: &(i32, String, String)| {
            let usage = text
                .2
                .lines()
                .take_while(|line| !line.starts_with("       "))
                .count();
            let lines: Vec<&str> = text.2.lines().take(usage).collect();
            (text.0, text.1.clone(), lines.join("\n"))
        };
        assert_eq!(
            cut(&own),
            cut(&theirs),
            "killall {words:?}: ours is on the left"
        );
    }
}

/// Different on purpose; docs/names.md says why.
#[test]
fn differences() {
    namespace!();
    let alive = |fates: &[Option<i32>]| fates.iter().all(Option::is_none);
    // Theirs reads the next word as a signal, or beyond the last one.
    let (said, fates) = ran(ours("killall"), &["-vI", "SHORT"], "");
    assert_eq!((said.status, fates[0]), (0, Some(15)), "{said:?}");
    let (said, fates) = ran(ours("killall"), &["-ig", "SHORT"], "");
    assert_eq!((said.status, fates[0]), (0, Some(15)), "{said:?}");
    let version = finish(ours("killall").arg("-vers"));
    assert!(version.err.ends_with("(PSmisc) 23.7\n"), "{version:?}");
    // Theirs takes everybody's where there is no security module, and where the process of -n does not exist.
    if std::fs::read("/proc/self/attr/current").is_err() {
        let (said, fates) = ran(ours("killall"), &["-Z", ".", "short"], "");
        assert_eq!(said.err, "short: no process found\n");
        assert!(alive(&fates));
    }
    let (said, fates) = ran(ours("killall"), &["-n", "4000000", "short"], "");
    assert_eq!(
        (said.status, said.err.as_str()),
        (1, "short: no process found\n")
    );
    assert!(alive(&fates));
    // A back-reference.
    let (said, fates) = ran(ours("killall"), &["-r", r"(s)hor\1"], "");
    assert_eq!(said.err, "killall: Bad regular expression: (s)hor\\1\n");
    assert!(alive(&fates));
}

/// By the manual: waiting is over as soon as they have ended, and not before.
#[test]
fn waits_until_they_have_ended() {
    namespace!();
    let mut puppet = Puppet::spawn(&Recipe::named("ending"));
    let begun = Instant::now();
    let said = finish(ours("killall").args(["-w", "ending"]));
    assert_eq!((said.status, said.err.as_str()), (0, ""));
    // Theirs sleeps a whole second first.
    assert!(begun.elapsed() < Duration::from_millis(900));
    assert_eq!(puppet.status(Deadline::usual()), Some(15));
    for words in [&["-w", "stubborn"][..], &["-wg", "stubborn"]] {
        let mut stubborn = Puppet::spawn(&Recipe {
            ignore: vec![15],
            ..Recipe::named("stubborn")
        });
        let mut waiting = ours("killall").args(words).spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        while proc::state(waiting.id() as i32) != Some('S') {
            assert!(Instant::now() < until);
            std::thread::yield_now();
        }
        assert!(waiting.try_wait().unwrap().is_none());
        stubborn.end();
        assert!(waiting.wait().unwrap().success());
    }
}

/// A list that cannot be written is told; theirs says nothing, and ends with 0.
#[test]
fn what_cannot_be_written() {
    let run = |redirection: &str| {
        let mut sh = Command::new("sh");
        let script = format!("exec \"$0\" -l {redirection}");
        finish(sh.args(["-c", &script]).arg(ours("killall").get_program()))
    };
    let text = |why: &str| (1, format!("killall: write error: {why}\n"));
    for (redirection, why) in [
        (">/dev/full", "No space left on device"),
        (">&-", "Bad file descriptor"),
    ] {
        let said = run(redirection);
        assert_eq!((said.status, said.err), text(why));
    }
}

/// Who may not signal them.
#[test]
fn others_are_told() {
    namespace!();
    let Some(_) = real("killall").filter(|_| can_be_others()) else {
        println!("skipped: needs root");
        return;
    };
    use std::os::unix::process::CommandExt;
    for words in [
        &["short"][..],
        &["-v", "OTHERS", "short"],
        &["-q", "OTHERS"],
        &["-g", "OTHERS"],
        &["-u", "root", "OTHERS"],
    ] {
        let as_nobody = |mut command: Command| {
            command.uid(NOBODY);
            ran(command, words, "")
        };
        let theirs = as_nobody(real("killall").unwrap());
        assert_eq!(
            as_nobody(ours("killall")),
            theirs,
            "killall {words:?}: ours is on the left"
        );
    }
}

/// Names are bytes.
#[test]
fn names_that_are_no_text() {
    namespace!();
    use std::os::unix::ffi::OsStrExt;
    let Some(mut theirs) = real("killall") else {
        return;
    };
    let word = std::ffi::OsStr::from_bytes(b"no\xffsuch\n");
    let raw = |command: &mut Command| command.arg(word).arg("-v").output().unwrap();
    let (own, theirs) = (raw(&mut ours("killall")), raw(&mut theirs));
    assert_eq!((own.status, own.stderr), (theirs.status, theirs.stderr));
}

#[test]
fn says_what_it_is() {
    let said = finish(ours("killall").arg("-V"));
    assert_eq!((said.status, said.out.as_str()), (0, ""));
    assert!(said.err.starts_with("killall from wigwag ") && said.err.ends_with(" (PSmisc) 23.7\n"));
    let usage = finish(&mut ours("killall"));
    for option in [
        "-e,--exact",
        "-I,--ignore-case",
        "-g,--process-group",
        "-y,--younger-than",
        "-o,--older-than",
        "-i,--interactive",
        "-l,--list",
        "-q,--quiet",
        "-r,--regexp",
        "-s,--signal",
        "-u,--user",
        "-v,--verbose",
        "-V,--version",
        "-w,--wait",
        "-n,--ns",
        "-Z,--context",
    ] {
        assert!(usage.err.contains(option), "{option}");
    }
}
