//! `tini`, `dumb-init` and `catatonit` beside Debian's.

mod tables;

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use wigwag_testkit::{Deadline, kill};

use crate::compare::{Said, finish, folder, real};
use tables::{ALIKE, OWN_TEXT, SET};

fn path_of(name: &str, ours: bool) -> Option<PathBuf> {
    match ours {
        true => Some(folder().join(name)),
        false => real(name).map(|_| Path::new("/usr/bin").join(name)),
    }
}

/// The words of a line, to ours or theirs; inside, as process 1 of a pid namespace.
fn command(line: &str, ours: bool, inside: bool) -> Option<Command> {
    let mut words = line.split('|');
    let name = words.next().unwrap();
    let path = path_of(name, ours)?;
    let mut command = match inside {
        true => Command::new("unshare"),
        false => Command::new(&path),
    };
    if inside {
        command.args(["--pid", "--fork", "--kill-child", "--mount-proc", "--"]);
        // By its bare name, which stands in messages.
        command
            .args(["bash", "-c", r#"exec -a "$0" "$@""#, name])
            .arg(&path);
    } else {
        command.arg0(name);
    }
    command.args(words);
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .process_group(0);
    Some(command)
}

/// Numbers of processes are any; the lines of parent and child come in any order.
fn settled(mut said: Said) -> Said {
    for text in [&mut said.out, &mut said.err] {
        // tini looks for ended children after every signal, so that CHLD may come too late to be named.
        let lines = text
            .lines()
            .filter(|line| !line.ends_with("Received SIGCHLD"));
        let mut lines: Vec<String> = lines.map(without_pids).collect();
        lines.sort();
        *text = lines.join("\n");
    }
    if said.err.starts_with("DEBUG (catatonit") {
        // It writes a line in pieces, and its child's come between them.
        let mut letters: Vec<char> = said
            .err
            .chars()
            .filter(|c| !c.is_ascii_digit() && *c != 'N')
            .collect();
        letters.sort_unstable();
        said.err = letters.into_iter().collect();
    }
    said
}

fn without_pids(line: &str) -> String {
    let mut line = line.to_owned();
    for before in [
        "tini (",
        "catatonit:",
        "pid: '",
        "pid '",
        "pid=",
        "PID ",
        "pid1 (",
        "process ",
    ] {
        let mut from = 0;
        while let Some(at) = line[from..].find(before) {
            from += at + before.len();
            let digits = line[from..].bytes().take_while(u8::is_ascii_digit).count();
            line.replace_range(from..from + digits, "N");
        }
    }
    line
}

fn namespaces() -> bool {
    let mut command = Command::new("unshare");
    let works = finish(command.args(["--pid", "--fork", "--mount-proc", "true"])).status == 0;
    assert!(
        works || std::env::var_os("CI").is_none(),
        "CI must be allowed namespaces"
    );
    works
}

fn both(line: &str, set: Option<(&str, &str)>, inside: bool) -> Option<(Said, Said)> {
    let said = |ours| {
        let mut command = command(line, ours, inside)?;
        command.envs(set);
        Some(settled(finish(&mut command)))
    };
    Some((said(true)?, said(false)?))
}

fn all_alike(inside: bool) {
    let cases = ALIKE.iter().map(|line| (None, *line));
    let set = |set: &'static str| set.split_once('=');
    let cases = cases.chain(SET.iter().map(|(variable, line)| (set(variable), *line)));
    let mut wrong = Vec::new();
    for (set, line) in cases {
        if let Some((ours, theirs)) = both(line, set, inside)
            && ours != theirs
        {
            wrong.push(format!(
                "{line} {set:?}\n ours {ours:?}\n theirs {theirs:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "inside {inside}:\n{}", wrong.join("\n"));
}

#[test]
fn the_same_words_do_the_same() {
    all_alike(false);
}

#[test]
fn the_same_words_do_the_same_as_process_1() {
    if namespaces() {
        all_alike(true);
    }
}

#[test]
fn texts_of_our_own_end_the_same_way() {
    for line in OWN_TEXT {
        let Some((ours, theirs)) = both(line, None, false) else {
            return;
        };
        let shape = |said: &Said| (said.status, said.out.is_empty(), said.err.is_empty());
        assert_eq!(shape(&ours), shape(&theirs), "{line}");
        let begins = theirs
            .err
            .lines()
            .next()
            .is_some_and(|line| line.contains("option"));
        assert!(!begins || ours.err.contains("option"), "{line}");
    }
    let version = finish(&mut command("tini|--version", true, false).unwrap());
    assert!(version.out.starts_with("tini version 0.19.0 - wigwag "));
}

/// A tool whose command is a cat that reads what nobody writes.
struct Tool(Child);

impl Tool {
    fn start(line: &str, ours: bool) -> Option<Tool> {
        let mut command = command(line, ours, false)?;
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let tool = Tool(child.unwrap());
        Deadline::usual().wait_for("the cat", || {
            let cat = tool.command()?;
            let name = std::fs::read_to_string(format!("/proc/{cat}/comm")).ok()?;
            (name == "cat\n" && status(cat, "State:").contains('S')).then_some(())
        });
        Some(tool)
    }

    fn pid(&self) -> i32 {
        self.0.id() as i32
    }

    fn command(&self) -> Option<i32> {
        let pid = self.pid();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }

    fn end(mut self) -> i32 {
        drop(self.0.stdin.take());
        self.wait()
    }

    fn wait(mut self) -> i32 {
        let ended = Deadline::usual().wait_for("its end", || self.0.try_wait().unwrap());
        ended.code().unwrap_or_else(|| -ended.signal().unwrap())
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn status(pid: i32, key: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(key));
    line.unwrap_or_default().to_owned()
}

/// Sends a signal that ends a cat, and tells how the tool ended.
fn after(line: &str, ours: bool, signal: i32) -> Option<i32> {
    let tool = Tool::start(line, ours)?;
    kill(tool.pid(), signal).unwrap();
    Some(tool.wait())
}

#[test]
fn signals_that_end_the_command() {
    for line in [
        "tini|-s|cat",
        "tini|-sg|cat",
        "dumb-init|cat",
        "dumb-init|-c|cat",
        "catatonit|cat",
    ] {
        for signal in [
            1, 2, 3, 4, 6, 8, 9, 10, 12, 13, 14, 15, 16, 24, 25, 26, 27, 29, 30, 31, 34, 50, 64,
        ] {
            let Some(theirs) = after(line, false, signal) else {
                return;
            };
            assert_eq!(after(line, true, signal), Some(theirs), "{line}, {signal}");
        }
    }
}

/// Waits until tool and command are stopped, or not, as expected after a signal of job control; after CONT neither is.
fn stopped(line: &str, ours: bool, signal: i32, expected: (bool, bool)) {
    let Some(tool) = Tool::start(line, ours) else {
        return;
    };
    let cat = tool.command().unwrap();
    let is_stopped = |pid| status(pid, "State:").contains("stopped");
    kill(tool.pid(), signal).unwrap();
    let what = format!("{line}, {signal}, ours {ours}: {expected:?}");
    Deadline::usual().wait_for(&what, || {
        let pending = status(tool.pid(), "ShdPnd:");
        let pending = u64::from_str_radix(pending.split_whitespace().nth(1)?, 16).ok()?;
        let taken = pending & 1 << (signal - 1) == 0;
        let seen = (is_stopped(tool.pid()), is_stopped(cat));
        (taken && seen == expected).then_some(())
    });
    kill(tool.pid(), 18).unwrap();
    Deadline::usual().wait_for(&what, || {
        (!is_stopped(tool.pid()) && !is_stopped(cat)).then_some(())
    });
    assert_eq!(tool.end(), 0, "{what}");
}

#[test]
fn signals_of_job_control() {
    let both = |line: &str, signal, expected| {
        for ours in [true, false] {
            stopped(line, ours, signal, expected);
        }
    };
    for signal in [20, 21, 22] {
        both("dumb-init|cat", signal, (true, true));
        both("dumb-init|-c|cat", signal, (true, true));
        both("catatonit|cat", signal, (false, false));
    }
    both("tini|-s|cat", 20, (false, true));
    both("tini|-s|cat", 21, (false, false));
}

#[test]
fn pausing_ends_by_int_and_term() {
    for signal in [2, 15] {
        let mut ended = Vec::new();
        for ours in [true, false] {
            let Some(mut command) = command("catatonit|-P", ours, false) else {
                return;
            };
            let mut tool = Tool(command.spawn().unwrap());
            Deadline::usual().wait_for("it to take signals", || {
                let blocked = status(tool.pid(), "SigBlk:");
                (!blocked.ends_with("0000000000000000")
                    && status(tool.pid(), "State:").contains('S'))
                .then_some(())
            });
            kill(tool.pid(), 10).unwrap();
            assert!(tool.0.try_wait().unwrap().is_none());
            kill(tool.pid(), signal).unwrap();
            ended.push(tool.wait());
        }
        assert_eq!(ended, [0, 0], "{signal}");
    }
}

/// Proof 3: the number of orphans by `WIGWAG_ORPHANS`. Private is what it has written to: pages of the program itself are the file's.
#[test]
fn orphans_are_collected_by_process_1() {
    if !namespaces() {
        return;
    }
    let count = std::env::var("WIGWAG_ORPHANS").unwrap_or("2000".into());
    let script = format!(
        "i=0; while [ $i -lt {count} ]; do (: &); i=$((i+1)); done; n=0
        while grep -qs '^State:.Z' /proc/[0-9]*/status; do n=$((n+1)); [ $n -lt 1000 ] || exit 9; done
        grep -E 'VmRSS|Threads' /proc/1/status; grep Private_Dirty /proc/1/smaps_rollup"
    );
    for name in ["tini", "dumb-init", "catatonit"] {
        let line = format!("{name}|--|sh|-c|{}", script.replace('|', "\x01"));
        let command = command(&line, true, true).unwrap();
        let words: Vec<String> = command
            .get_args()
            .map(|word| word.to_str().unwrap().replace('\x01', "|"))
            .collect();
        let mut again = Command::new("unshare");
        let said = finish(again.args(words).env_clear().env("PATH", "/usr/bin:/bin"));
        assert_eq!((said.status, said.err.as_str()), (0, ""), "{name}");
        let figure = |key: &str| -> u64 {
            let lines = said.out.lines().filter(|line| line.starts_with(key));
            lines
                .map(|line| {
                    line.split_whitespace()
                        .nth(1)
                        .unwrap()
                        .parse::<u64>()
                        .unwrap()
                })
                .sum()
        };
        println!(
            "{name}: {count} orphans, {} kB resident, {} kB private",
            figure("VmRSS"),
            figure("Private")
        );
        assert_eq!(figure("Threads"), 1, "{name}");
        assert!(
            figure("Private") <= 1024 || cfg!(debug_assertions),
            "{name}: {}",
            said.out
        );
        assert!(
            figure("VmRSS") <= 3072 || cfg!(debug_assertions),
            "{name}: {}",
            said.out
        );
    }
}
