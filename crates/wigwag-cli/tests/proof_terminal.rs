//! `wigwag run` on a real terminal, under interactive shells: keys and job control as without it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use wigwag_testkit::Deadline;

/// A shell on a terminal of its own.
struct Shell {
    name: String,
    keys: File,
    screen: Receiver<Vec<u8>>,
    seen: String,
    child: Child,
}

impl Shell {
    /// `None` where it is not installed; said aloud, and never in CI.
    fn start(words: &[&str]) -> Option<Shell> {
        let master =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = File::options().read(true).write(true).open(name).unwrap();
        let end = || Stdio::from(slave.as_fd().try_clone_to_owned().unwrap());
        let known = Command::new(words[0]).args(["-c", "exit"]).status();
        if known.is_err() {
            assert!(std::env::var_os("CI").is_none(), "no {}", words[0]);
            println!("skipped: no {}", words[0]);
            return None;
        }
        let child = Command::new("setsid")
            .args(["--ctty", "--wait"])
            .args(words)
            .env("PS1", "@@ ")
            .env("wigwag", env!("CARGO_BIN_EXE_wigwag"))
            .env_remove("ENV")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        let keys = File::from(master);
        let mut reader = keys.try_clone().unwrap();
        let (tell, screen) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count) = reader.read(&mut bytes) {
                if count == 0 || tell.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let mut shell = Shell {
            name: words[0].into(),
            keys,
            screen,
            seen: String::new(),
            child,
        };
        shell.line("echo rea''dy");
        shell.wait("ready");
        shell.prompt();
        Some(shell)
    }

    fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    fn line(&mut self, line: &str) {
        self.keys(&format!("{line}\n"));
    }

    /// Until this has been shown, and what comes after it is not.
    fn wait(&mut self, text: &str) -> String {
        let deadline = Deadline::usual();
        loop {
            if let Some(at) = self.seen.find(text) {
                return self.seen.drain(..at + text.len()).collect();
            }
            assert!(
                !deadline.passed(),
                "{}: no {text:?} in {:?}",
                self.name,
                self.seen
            );
            if let Ok(bytes) = self.screen.recv_timeout(Duration::from_millis(50)) {
                self.seen.push_str(&String::from_utf8_lossy(&bytes));
            }
        }
    }

    /// Until the shell asks for the next line: what is typed before that may be thrown away with the key.
    fn prompt(&mut self) {
        self.wait("@@ ");
    }

    /// The status of what ran last, in the foreground.
    fn status(&mut self, status: i32) {
        self.line("echo \"st\"atus=$?.");
        self.wait(&format!("status={status}."));
        self.prompt();
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.keys.write_all(b"\x03\nexit\nexit\n");
        if std::thread::panicking() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

const SHELLS: &[&[&str]] = &[
    &["bash", "--norc", "--noprofile", "-i"],
    &["dash", "-i"],
    &["zsh", "-f", "-i", "+Z"],
];

fn each(test: impl Fn(&mut Shell)) {
    for words in SHELLS {
        if let Some(mut shell) = Shell::start(words) {
            test(&mut shell);
        }
    }
}

/// A sleep of that length is there, and in a state that ps(1) shows so.
fn sleeps(seconds: &str, state: &str) {
    let what = format!("sleep {seconds} to be {state}");
    Deadline::usual().wait_for(&what, || {
        let out = Command::new("ps")
            .args(["-eo", "stat,args"])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stdout);
        let mut lines = text.lines().map(str::split_whitespace);
        lines
            .any(|mut words| words.next() == Some(state) && words.eq(["sleep", seconds]))
            .then_some(())
    });
}

/// A time that no other sleep has.
fn seconds() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("60.{}{number:03}", std::process::id())
}

#[test]
fn one_key_reaches_the_command_once() {
    each(|shell| {
        let seconds = seconds();
        shell.line(&format!("$wigwag run sleep {seconds}"));
        sleeps(&seconds, "S+");
        shell.keys("\x03");
        shell.prompt();
        shell.status(130);
        shell.line("$wigwag run sh -c 'trap \"echo g''ot\" INT; echo be''gun; i=0; while [ $i -lt 30 ]; do sleep 0.02; i=$((i+1)); done; echo o''ver'");
        shell.wait("begun");
        shell.keys("\x03");
        shell.wait("over");
        assert_eq!(
            shell.seen.matches("got").count(),
            0,
            "after it: {}",
            shell.seen
        );
        shell.status(0);
    });
}

#[test]
fn it_stops_and_goes_on_with_the_command() {
    for options in ["", "--to group"] {
        each(|shell| {
            let seconds = seconds();
            shell.line(&format!("$wigwag run {options} sleep {seconds}"));
            sleeps(&seconds, "S+");
            shell.keys("\x1a");
            shell.prompt();
            // Of a job that runs already some shells say nothing when it comes to the front: a group of its own gets the terminal when
            // it asks for it.
            if options.is_empty() {
                shell.line("bg");
                sleeps(&seconds, "S");
            }
            shell.line("fg");
            sleeps(&seconds, "S+");
            shell.keys("\x03");
            shell.prompt();
            shell.status(130);
        });
    }
}

#[test]
fn a_read_in_the_background_stops_it() {
    each(|shell| {
        shell.line("$wigwag run sh -c 'read line; echo \"go\"t $line' &");
        let deadline = Deadline::usual();
        loop {
            shell.line("jobs; echo \"as\"ked");
            let shown = shell.wait("asked").to_lowercase();
            if shown.contains("stopped") || shown.contains("suspended") {
                break;
            }
            assert!(!deadline.passed(), "{}: {shown}", shell.name);
        }
        shell.line("fg");
        shell.line("a-word");
        shell.wait("got a-word");
    });
}

#[test]
fn the_other_half_of_a_pipeline_keeps_the_terminal() {
    each(|shell| {
        shell.line("$wigwag run sh -c 'echo fir''st' | sh -c 'cat; read line < /dev/tty; echo \"go\"t $line'");
        shell.wait("first");
        shell.line("a-word");
        shell.wait("got a-word");
        shell.prompt();
        shell.status(0);
    });
}

#[test]
fn a_script_sees_the_key_too() {
    each(|shell| {
        let seconds = seconds();
        shell.line(&format!(
            "sh -c '$wigwag run sleep {seconds}; echo \"af\"ter'"
        ));
        sleeps(&seconds, "S+");
        shell.keys("\x03");
        let shown = shell.wait("@@ ");
        assert!(!shown.contains("after"), "{}: {shown}", shell.name);
    });
}
