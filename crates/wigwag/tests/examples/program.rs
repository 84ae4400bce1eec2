//! A running example: what it prints, line by line, and how it ends.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Once;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use wigwag::exec::{CommandSignals, ExecSignals};
use wigwag::{PidFd, Signal, SignalSet, WaitStatus};

/// Far above what any of them needs, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(60);

pub struct Program {
    name: String,
    child: Child,
    pidfd: PidFd,
    lines: Receiver<String>,
}

/// Where cargo puts the programs of this profile: beside `deps`, which this test is in.
pub fn profile_dir() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().to_owned()
}

/// `cargo build` of examples: a test that is run alone would find none, or old ones.
pub fn build(what: &[&str]) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--quiet"])
        .args(what);
    if cfg!(feature = "tokio") {
        command.arg("--all-features");
    }
    let built = command.status().unwrap();
    assert!(built.success(), "{built}");
}

impl Program {
    pub fn start(name: &str) -> Program {
        Program::start_with(name, &[] as &[&str])
    }

    pub fn start_with(name: &str, arguments: &[impl AsRef<OsStr>]) -> Program {
        static BUILT: Once = Once::new();
        BUILT.call_once(|| build(&["--examples"]));
        Program::start_at(&profile_dir().join("examples").join(name), arguments)
    }

    /// With every signal at its default action and none blocked, whatever whoever started the test ignores.
    pub fn start_at(path: &Path, arguments: &[impl AsRef<OsStr>]) -> Program {
        let signals = ExecSignals::new()
            .default_action(SignalSet::ALL)
            .mask(SignalSet::EMPTY);
        let mut child = Command::new(path)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .signals(&signals)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let pidfd = PidFd::open(child.id() as i32).unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, lines) = channel();
        thread::spawn(move || forward(output, |line| sender.send(line).is_ok()));
        Program {
            name: path.display().to_string(),
            child,
            pidfd,
            lines,
        }
    }

    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    pub fn send(&self, signal: Signal) {
        self.pidfd.send(signal).unwrap();
    }

    /// The next line, which it waits for.
    pub fn line(&self) -> String {
        match self.lines.recv_timeout(LIMIT) {
            Ok(line) => line,
            Err(error) => panic!("{}: no line: {error}", self.name),
        }
    }

    /// The next line, without these words at its beginning.
    pub fn line_after(&self, words: &str) -> String {
        let line = self.line();
        match line.strip_prefix(words) {
            Some(rest) => rest.trim().to_owned(),
            None => panic!("{}: {line:?} does not begin with {words:?}", self.name),
        }
    }

    #[track_caller]
    pub fn prints(&self, lines: &[&str]) {
        for line in lines {
            assert_eq!(self.line(), *line, "{}", self.name);
        }
    }

    pub fn is_alive(&self) -> bool {
        !self.pidfd.wait(Some(Duration::ZERO)).unwrap()
    }

    /// How it ends, once it has printed nothing more.
    #[track_caller]
    pub fn ends(mut self) -> WaitStatus {
        assert!(
            self.pidfd.wait(Some(LIMIT)).unwrap(),
            "{} does not end",
            self.name
        );
        let rest: Vec<String> = self.lines.iter().collect();
        assert_eq!(rest, [""; 0], "{}", self.name);
        WaitStatus::try_from(self.child.wait().unwrap()).unwrap()
    }

    #[track_caller]
    pub fn ends_well(self) {
        assert_eq!(self.ends(), WaitStatus::Exited(0));
    }

    #[track_caller]
    pub fn ends_by(self, signal: Signal) {
        assert_eq!(self.ends().signal(), Some(signal));
    }
}

fn forward(output: Lines<BufReader<ChildStdout>>, mut to: impl FnMut(String) -> bool) {
    for line in output.map_while(Result::ok) {
        if !to(line) {
            return;
        }
    }
}

/// Nothing is left behind by a test that fails.
impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.pidfd.send(Signal::KILL);
        let _ = self.child.wait();
    }
}
