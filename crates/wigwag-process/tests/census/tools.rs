//! Processes to be found, and asking for them.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use wigwag_process::census::{Census, census};
use wigwag_process::procfs::Proc;
use wigwag_process::selector::{Filter, Selector, Target};

/// A folder of the test's own.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("wigwag-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(std::fs::canonicalize(path).unwrap())
    }

    /// A shell under another name.
    pub fn shell(&self, name: &str) -> PathBuf {
        let link = self.0.join(name);
        std::os::unix::fs::symlink(std::fs::canonicalize("/bin/sh").unwrap(), &link).unwrap();
        link
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A child that says when it is ready, and is killed and collected in the end.
pub struct Sleeper(pub Child);

impl Sleeper {
    /// Runs `script` in the shell, then reads until the end of its input.
    pub fn run(
        shell: impl AsRef<Path>,
        script: &str,
        prepare: impl FnOnce(&mut Command),
    ) -> Sleeper {
        let mut command = Command::new(shell.as_ref());
        let script = format!("{script}\necho\nread x");
        command
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        prepare(&mut command);
        let mut child = command.spawn().unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        Sleeper(child)
    }

    pub fn named(folder: &Folder, name: &str) -> Sleeper {
        Sleeper::run(folder.shell(name), "", |_| {})
    }

    pub fn plain() -> Sleeper {
        Sleeper::run("sh", "", |_| {})
    }

    pub fn pid(&self) -> i32 {
        self.0.id() as i32
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn eventually(what: &str, mut test: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !test() {
        assert!(Instant::now() < deadline, "{what}: not in time");
        std::thread::yield_now();
    }
}

pub fn find(targets: &[&str], filter: Filter) -> Census {
    let targets = targets.iter().map(|t| Target::parse(t).unwrap()).collect();
    census(&Proc::open().unwrap(), &Selector { targets, filter }).unwrap()
}

pub fn pids(census: &Census) -> Vec<i32> {
    census.found.iter().map(|dir| dir.pid()).collect()
}

pub fn why(target: &str) -> String {
    let census = find(&[target], Filter::default());
    assert!(census.found.is_empty(), "{target} is {:?}", pids(&census));
    census.missing[0].to_string()
}

/// Whom the filter leaves of these.
pub fn left(of: &[&Sleeper], filter: Filter) -> Vec<i32> {
    let targets: Vec<String> = of.iter().map(|s| s.pid().to_string()).collect();
    pids(&find(
        &targets.iter().map(String::as_str).collect::<Vec<_>>(),
        filter,
    ))
}

pub fn unique(name: &str) -> String {
    format!("{name}{}", std::process::id())
}
