//! The clean-up of `wigwag run` is begun once, whoever is killed, and leaves nothing.
//!
//! `WIGWAG_ROUNDS` says how many of each there are; `cargo xtask soak` has 1,000 and 200.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use wigwag::{PidFd, Signal};
use wigwag_testkit::Deadline;
use wigwag_testkit::namespace::unique;

fn rounds(usual: u32) -> u32 {
    let asked = std::env::var("WIGWAG_ROUNDS").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// A folder of a round's own: what is in it tells what happened.
struct Round {
    folder: PathBuf,
    mark: String,
}

impl Round {
    fn new() -> Round {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let mark = unique(&format!("cleanup-{number}"));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&mark);
        fs::create_dir(&folder).unwrap();
        fs::create_dir(folder.join("tmp")).unwrap();
        Round { folder, mark }
    }

    /// A command with a tree: a child, a grandchild in a session of its own, all with this round's mark as a word.
    fn start(&self, clean: &str, work: &str) -> Child {
        let mut command = common::command();
        command
            .args([
                "run",
                "--temp-dir",
                "--ladder",
                "TERM:2s,KILL",
                "--timeout",
                "60s",
            ])
            .arg("--on")
            .arg(format!("EXIT={clean}"))
            .args(["--", "sh", "-c"])
            .arg(work)
            .arg(&self.mark)
            .env("TMPDIR", self.folder.join("tmp"))
            .env("ROUND", &self.folder)
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.folder.join("stderr")).unwrap());
        command.spawn().unwrap()
    }

    fn lines(&self, file: &str) -> usize {
        let text = fs::read_to_string(self.folder.join(file)).unwrap_or_default();
        text.lines().count()
    }

    /// Processes of this round: those that have its folder in their environment.
    fn processes(&self) -> Vec<i32> {
        let mark = format!("ROUND={}", self.folder.display());
        let mut pids = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            else {
                continue;
            };
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            if environment
                .split(|byte| *byte == 0)
                .any(|word| word == mark.as_bytes())
            {
                pids.push(pid);
            }
        }
        pids
    }

    fn leftovers(&self) -> usize {
        fs::read_dir(self.folder.join("tmp")).unwrap().count()
    }

    fn find(&self, which: impl Fn(&str) -> bool) -> Option<i32> {
        self.processes().into_iter().find(|pid| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            which(name.trim())
        })
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

fn kill(pid: i32) {
    if let Ok(held) = PidFd::open(pid) {
        let _ = held.send(Signal::KILL);
    }
}

const WORK: &str = "echo x > \"$WIGWAG_TEMP_DIR/file\"; setsid sh -c 'sleep 50 & sleep 51' & sleep 52 & echo > \"$ROUND/ready\"; wait";
const CLEAN: &str = "echo begun >> \"$ROUND/begun\"; echo done >> \"$ROUND/done\"";

/// Whoever it is dies at a random moment, from before the command has started until it is at work.
fn killed(who: &str, count: u32) {
    let mut numbers = Numbers(0x5eed + who.len() as u64);
    let mut before = 0;
    for number in 0..count {
        let round = Round::new();
        let mut runner = round.start(CLEAN, WORK);
        let moment = Duration::from_micros(numbers.below(20_000));
        let begun = Instant::now();
        while begun.elapsed() < moment {
            std::hint::spin_loop();
        }
        let name = match who {
            "guardian" => "wigwag-guardian",
            _ => "sh",
        };
        if who == "runner" {
            kill(runner.id() as i32);
        } else {
            // As soon as there is one.
            let victim = || round.find(|other| other == name);
            kill(Deadline::usual().wait_for(name, victim));
        }
        before += u32::from(!round.folder.join("ready").exists());
        if who == "guardian" {
            // The command goes on as if nothing had happened; now it ends.
            Deadline::usual().wait_for("the command to be at work", || {
                round.folder.join("ready").exists().then_some(())
            });
            let command = round.find(|name| name == "sh");
            command.into_iter().for_each(kill);
        }
        runner.wait().unwrap();
        // Who was killed before the guardian was there had started nothing.
        Deadline::usual().wait_for("all to have ended", || {
            let left = round.processes();
            if who != "runner" {
                // Of a command that has ended by itself nobody ends the rest.
                left.into_iter().for_each(kill);
            }
            round.processes().is_empty().then_some(())
        });
        let context = format!(
            "round {number} of {who}: {:?}",
            fs::read_to_string(round.folder.join("stderr"))
        );
        assert!(round.lines("begun") <= 1, "{context}");
        assert_eq!(round.lines("begun"), round.lines("done"), "{context}");
        assert_eq!(round.leftovers(), 0, "{context}");
        if round.folder.join("ready").exists() {
            assert_eq!(round.lines("begun"), 1, "{context}");
        }
    }
    println!("{count} times the {who} was killed, {before} of them before the command was at work");
}

#[test]
fn the_runner_is_killed() {
    killed("runner", rounds(30));
}

#[test]
fn the_guardian_is_killed() {
    killed("guardian", rounds(30));
}

#[test]
fn the_command_is_killed() {
    killed("command", rounds(30));
}

/// The cleaner is killed: it is not done again, and said.
#[test]
fn the_cleaner_is_killed() {
    let count = rounds(100) / 5;
    for number in 0..count {
        let round = Round::new();
        let clean = "echo begun >> \"$ROUND/begun\"; sleep 53";
        // Every other time the guardian's cleaner.
        let by_guardian = number % 2 == 1;
        let work = if by_guardian {
            WORK
        } else {
            "echo > \"$ROUND/ready\""
        };
        let mut runner = round.start(clean, work);
        let deadline = Deadline::usual();
        deadline.wait_for("the command to be at work", || {
            round.folder.join("ready").exists().then_some(())
        });
        if by_guardian {
            kill(runner.id() as i32);
        }
        let begun = || (round.lines("begun") == 1).then_some(());
        deadline.wait_for("the clean-up to begin", begun);
        // The cleaner is the parent of the shell that waits for sleep.
        let shell = deadline.wait_for("its shell", || {
            let sleep = round.find(|name| name == "sleep")?;
            parent(sleep)
        });
        let cleaner = parent(shell).unwrap();
        kill(cleaner);
        runner.wait().unwrap();
        deadline.wait_for("the runner and the guardian to have ended", || {
            let ours = round.find(|name| name.starts_with("wigwag"));
            ours.is_none().then_some(())
        });
        let said = fs::read_to_string(round.folder.join("stderr")).unwrap();
        assert!(
            said.contains("interrupted"),
            "round {number}, by the guardian: {by_guardian}: {said:?}"
        );
        assert_eq!(round.lines("begun"), 1);
        round.processes().into_iter().for_each(kill);
    }
    println!("{count} times the cleaner was killed");
}

fn parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after = stat.rsplit_once(") ")?.1;
    after.split(' ').nth(1)?.parse().ok()
}
