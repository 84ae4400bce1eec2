//! What the command's tests share: running the real binary and reading what it says.
#![allow(
    dead_code,
    unused_imports,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used
)]

mod cage;
mod running;

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub use cage::Cage;
pub use running::Running;
use serde_json::Value;
use wigwag::PidFd;
use wigwag_testkit::{Puppet, change_user, namespace::has_nobody};

pub const HUP: i32 = 1;
pub const USR1: i32 = 10;
pub const TERM: i32 = 15;
/// The user nobody.
pub const NOBODY: u32 = 65534;

/// How the command ended, and what it said.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    #[track_caller]
    pub fn ended(&self, code: i32) -> &Ran {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    #[track_caller]
    pub fn says(&self, text: &str) -> &Ran {
        assert!(
            self.out.contains(text),
            "no {text:?} on standard output: {self:?}"
        );
        self
    }

    #[track_caller]
    pub fn complains(&self, text: &str) -> &Ran {
        assert!(
            self.err.contains(text),
            "no {text:?} on standard error: {self:?}"
        );
        assert!(self.err.starts_with("wigwag: "), "{self:?}");
        self
    }
}

pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wigwag"));
    command.stdin(Stdio::null());
    command
}

pub fn wigwag<S: AsRef<OsStr>>(words: &[S]) -> Ran {
    finish(command().args(words))
}

/// The same as the user nobody.
pub fn line_as_nobody(line: &str) -> Ran {
    let mut command = command();
    change_user(&mut command, NOBODY);
    finish(command.args(line.split_whitespace()))
}

/// Whether commands can be started as nobody, by root. Says so where not.
pub fn can_be_nobody() -> bool {
    use std::os::unix::fs::MetadataExt;
    let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    if !root {
        println!("skipped: needs root, to become somebody else");
    }
    root && has_nobody()
}

/// The words of a line, split at blanks.
pub fn line(line: &str) -> Ran {
    wigwag(&line.split_whitespace().collect::<Vec<_>>())
}

/// Carries out a saved plan, read from standard input.
pub fn apply(plan: &str, more: &[&str]) -> Ran {
    let mut child = command()
        .args(["apply", "-"])
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may refuse what it reads before it has read all.
    let _ = child.stdin.take().unwrap().write_all(plan.as_bytes());
    let out = child.wait_with_output().unwrap();
    Ran {
        code: out.status.code().unwrap(),
        out: String::from_utf8(out.stdout).unwrap(),
        err: String::from_utf8(out.stderr).unwrap(),
    }
}

pub fn finish(command: &mut Command) -> Ran {
    let out = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran {
        code: out.status.code().expect("it is not killed"),
        out: text(out.stdout),
        err: text(out.stderr),
    }
}

/// Waits for a child, which ends by itself, and in time.
#[track_caller]
pub fn ends(child: &mut Child, code: Option<i32>, signal: Option<i32>) {
    let pidfd = PidFd::open(child.id() as i32).unwrap();
    assert!(
        pidfd.wait(Some(Duration::from_secs(10))).unwrap(),
        "it goes on"
    );
    let status = child.wait().unwrap();
    assert_eq!((status.code(), status.signal()), (code, signal));
}

#[track_caller]
pub fn untouched(puppet: &mut Puppet) {
    assert!(!puppet.was_touched(), "{puppet:?} was signalled");
}
