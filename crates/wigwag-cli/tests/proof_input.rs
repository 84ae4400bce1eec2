//! Proof: bad input gets a clear message and its exit status, and nobody is signalled.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use wigwag_testkit::{Puppet, Recipe, change_user, namespace, proc};

const WIGWAG: &str = env!("CARGO_BIN_EXE_wigwag");
const NAME: &str = "wigwag-bystand";

/// A process that reports every signal that it can.
fn bystander() -> Puppet {
    let catch = (1..=64)
        .filter(|signal| ![9, 19, 32, 33].contains(signal))
        .collect();
    Puppet::spawn(&Recipe {
        catch,
        workers: 1,
        ..Recipe::named(NAME)
    })
}

/// What each case must come to; all that do not are told at once.
struct Table {
    bystander: Puppet,
    wrong: Vec<String>,
    cases: usize,
}

impl Table {
    fn new() -> Table {
        Table {
            bystander: bystander(),
            wrong: Vec::new(),
            cases: 0,
        }
    }

    /// A run must end with one of `codes`, say one of `words` (in either output), and not have touched the bystander.
    fn judge(&mut self, case: &str, output: &Output, codes: &[i32], words: &[&str]) {
        self.cases += 1;
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        let said = String::from_utf8_lossy(&said);
        let mut wrong = Vec::new();
        if !output
            .status
            .code()
            .is_some_and(|code| codes.contains(&code))
        {
            wrong.push(format!(
                "{} instead of exit status {codes:?}",
                output.status
            ));
        }
        if said.contains("panicked")
            || !(words.is_empty() || words.iter().any(|word| said.contains(word)))
        {
            wrong.push(format!("says none of {words:?}"));
        }
        if self.bystander.was_touched() {
            wrong.push("the bystander was signalled".into());
            self.bystander = bystander();
        }
        if !wrong.is_empty() {
            self.wrong
                .push(format!("{case}: {}: {}", wrong.join("; "), said.trim()));
        }
    }

    fn run(&mut self, words: &[&str], codes: &[i32], say: &[&str]) {
        let words: Vec<String> = words
            .iter()
            .map(|word| word.replace("PID", &self.bystander.pid().to_string()))
            .collect();
        let output = Command::new(WIGWAG)
            .args(&words)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        self.judge(&format!("wigwag {}", words.join(" ")), &output, codes, say);
    }

    fn end(self) {
        println!("{} cases", self.cases);
        assert!(
            self.wrong.is_empty(),
            "{} of {}:\n{}",
            self.wrong.len(),
            self.cases,
            self.wrong.join("\n")
        );
    }
}

#[test]
fn signals_that_are_none() {
    namespace!();
    let mut table = Table::new();
    for (signal, say) in [
        ("TREM", "TERM"),
        ("SIGTREM", "TERM"),
        ("nonsense", "nonsense"),
        ("32", "reserved"),
        ("33", "reserved"),
        ("65", "65"),
        ("99999999999", "99999999999"),
        ("RTMIN+99", "RTMIN+99"),
        ("RTMIN-1", "RTMIN-1"),
        ("", "signal"),
    ] {
        table.run(&["send", "-s", signal, "PID"], &[2], &[say]);
        table.run(
            &["send", &format!("--signal={signal}"), "--name", NAME],
            &[2],
            &[say],
        );
    }
    table.run(&["send", "--signal=-5", "PID"], &[2], &["-5"]);
    table.run(&["send", "TREM", "PID"], &[1, 2], &["TERM"]);
    table.run(&["send", "HPU", NAME], &[1, 2], &["HUP"]);
    table.run(&["send", "9", "PID"], &[2], &["-s 9", "pid:9"]);
    table.run(&["send", "-65", "PID"], &[1, 2], &["65"]);
    table.run(&["send", "", "PID"], &[1, 2], &[]);
    table.run(&["stop", "--ladder", "0:1s,KILL", "PID"], &[2], &["0"]);
    table.run(
        &["stop", "--ladder", "TREM:1s,KILL", "PID"],
        &[2],
        &["TERM"],
    );
    table.run(
        &["stop", "--ladder", "TERM:soon,KILL", "PID"],
        &[2],
        &["soon"],
    );
    table.run(&["stop", "--ladder", "", "PID"], &[2], &[]);
    table.run(&["reload", "-s", "0", "PID"], &[2], &["0"]);
    for word in [&b"\xff\xfe"[..], b"TERM\xff"] {
        let mut command = Command::new(WIGWAG);
        command
            .args(["send", "-s"])
            .arg(OsStr::from_bytes(word))
            .arg(table.bystander.pid().to_string());
        let output = command.output().unwrap();
        table.judge("send -s with bytes that are no UTF-8", &output, &[2], &[]);
    }
    table.end();
}

#[test]
fn targets_that_are_none() {
    namespace!();
    let mut table = Table::new();
    table.run(&["send", "TERM", "0"], &[2], &["--own-group"]);
    table.run(&["send", "TERM", "--", "-1"], &[2], &["--everyone"]);
    table.run(&["send", "TERM", "pid:0"], &[2], &[]);
    table.run(&["send", "TERM", "pid:-1"], &[2], &[]);
    table.run(&["send", "TERM", "99999999999"], &[1, 2], &["99999999999"]);
    table.run(
        &["send", "TERM", "no-such-process-name"],
        &[1],
        &["no-such-process-name"],
    );
    table.run(
        &["send", "TERM", "PID", "no-such-process-name"],
        &[1],
        &["no-such-process-name"],
    );
    table.run(&["send", "TERM", ""], &[1, 2], &[]);
    table.run(&["send", "TERM"], &[2], &[]);
    table.run(&["send"], &[2], &[]);
    table.run(&["stop"], &[2], &[]);
    table.run(&["send", "TERM", "--regex", "--name", "("], &[2], &["("]);
    table.run(&["send", "TERM", "port:99999"], &[2], &["99999"]);
    table.run(&["send", "TERM", "port:0"], &[1, 2], &[]);
    table.run(&["send", "TERM", "tree:x"], &[2], &[]);
    table.run(
        &["send", "TERM", "--older", "yesterdayish", "--name", NAME],
        &[2],
        &["yesterdayish"],
    );
    table.run(
        &["send", "TERM", "--user", "no-such-user", "--name", NAME],
        &[1, 2],
        &["no-such-user"],
    );
    table.run(&["apply", "/no/such/file"], &[1, 2], &["/no/such/file"]);
    table.run(&["no-such-verb", "PID"], &[2], &["no-such-verb"]);
    // A pid that was somebody's.
    let gone = Puppet::spawn(&Recipe::default()).pid();
    table.run(
        &["send", "TERM", &gone.to_string()],
        &[1],
        &[&gone.to_string()],
    );
    // A thread's id is no pid: it would signal the whole process.
    let thread = proc::threads(table.bystander.pid())[1].tid;
    table.run(
        &["send", "TERM", &thread.to_string()],
        &[1, 2, 3, 5],
        &[&table.bystander.pid().to_string()],
    );
    let mut zombie = Puppet::spawn(&Recipe::default());
    zombie.become_zombie();
    table.run(
        &["send", "TERM", &zombie.pid().to_string()],
        &[0, 1, 3, 4],
        &["gone before"],
    );
    table.end();
}

#[test]
fn plans_that_are_none() {
    namespace!();
    let mut table = Table::new();
    let file = scratch("plan.json");
    for text in ["", "{", "[]", "{}", "null", "{\"wigwag\": 999}", "\u{0}"] {
        std::fs::write(&file, text).unwrap();
        table.run(&["apply", file.to_str().unwrap()], &[2], &["plan.json"]);
    }
    std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
    table.end();
}

#[test]
fn more_than_the_guard_allows() {
    namespace!();
    let mut table = Table::new();
    let brood = Puppet::spawn(&Recipe {
        brood: 60,
        ..Recipe::named("wigwag-sixty")
    });
    table.run(
        &["send", "TERM", "--name", "wigwag-sixty"],
        &[2, 3],
        &["--max"],
    );
    table.run(&["stop", "--name", "wigwag-sixty"], &[2, 3], &["--max"]);
    table.run(
        &["stop", "--max", "59", "--name", "wigwag-sixty"],
        &[2, 3],
        &["--max"],
    );
    let pid = brood.pid();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    let alive = children
        .split_whitespace()
        .filter(|pid| proc::state(pid.parse().unwrap()) == Some('S'))
        .count();
    assert_eq!(alive, 60, "nothing was signalled");
    table.end();
}

#[test]
fn of_another_user() {
    namespace!();
    if !namespace::has_nobody() {
        return;
    }
    let mut table = Table::new();
    let reachable = reachable_by_all();
    let pid = table.bystander.pid().to_string();
    for (words, codes) in [
        (vec!["send", "TERM", &pid], [3]),
        (vec!["send", "-s", "0", &pid], [3]),
        (vec!["stop", &pid], [3]),
        (vec!["send", "TERM", "--name", NAME], [3]),
    ] {
        let mut command = Command::new(&reachable);
        change_user(command.args(&words).current_dir("/"), 65534);
        let output = command.output().unwrap();
        table.judge(
            &format!("as nobody: {words:?}"),
            &output,
            &codes,
            &["EPERM", "not permitted", "denied"],
        );
    }
    // hidepid=2: /proc shows nobody else's processes.
    let script = r#"mount -o remount,hidepid=2 /proc && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@""#;
    for words in [
        vec!["send", "TERM", &pid],
        vec!["send", "TERM", "--name", NAME],
        vec!["show", &pid],
    ] {
        let output = Command::new("unshare")
            .args(["--mount", "sh", "-c", script, "sh"])
            .arg(&reachable)
            .args(&words)
            .current_dir("/")
            .output()
            .unwrap();
        table.judge(
            &format!("as nobody, hidepid=2: {words:?}"),
            &output,
            &[1, 3],
            &[],
        );
    }
    std::fs::remove_dir_all(reachable.parent().unwrap()).unwrap();
    table.end();
}

#[test]
fn without_proc() {
    namespace!();
    let mut table = Table::new();
    let pid = table.bystander.pid().to_string();
    for words in [
        vec!["send", "TERM", &pid],
        vec!["stop", "--name", NAME],
        vec!["show", &pid],
    ] {
        let output = Command::new("unshare")
            .args([
                "--mount",
                "sh",
                "-c",
                r#"umount -l /proc && exec "$@""#,
                "sh",
                WIGWAG,
            ])
            .args(&words)
            .output()
            .unwrap();
        table.judge(
            &format!("no /proc: {words:?}"),
            &output,
            &[1, 2, 3, 5],
            &["/proc"],
        );
    }
    table.end();
}

#[test]
fn outputs_that_fail() {
    namespace!();
    let mut table = Table::new();
    let pid = table.bystander.pid().to_string();
    for words in [
        vec!["list"],
        vec!["show", &pid],
        vec!["list", "--json"],
        vec!["send", "-s", "0", "--json", &pid],
    ] {
        // A reader that has gone: quiet.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(WIGWAG)
            .args(&words)
            .stdout(writer)
            .output()
            .unwrap();
        table.judge(&format!("closed pipe: {words:?}"), &output, &[0, 141], &[]);
        if !output.stderr.is_empty() {
            table.wrong.push(format!(
                "closed pipe: {words:?} is not quiet: {}",
                String::from_utf8_lossy(&output.stderr)
            ));
        }
        // A full disk: said, and no success.
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = Command::new(WIGWAG)
            .args(&words)
            .stdout(full)
            .output()
            .unwrap();
        table.judge(
            &format!("full disk: {words:?}"),
            &output,
            &[1, 2, 3, 4, 5],
            &["No space", "ENOSPC"],
        );
    }
    table.end();
}

fn scratch(name: &str) -> PathBuf {
    let place = format!(
        "wigwag-{name}-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    );
    let folder = std::env::temp_dir().join(place.replace(['(', ')'], ""));
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// A copy of the binary where any user may start it.
fn reachable_by_all() -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let copy = scratch("wigwag");
    std::fs::copy(WIGWAG, &copy).unwrap();
    for path in [copy.parent().unwrap(), &copy] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    copy
}
