//! Two tools, the same words.

use std::ffi::OsStr;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// What a tool said, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The exit status, or minus the signal that ended it.
    pub status: i32,
    pub out: String,
    pub err: String,
}

/// The folder of links to our command, made once for each test process.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("links-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let words = [
            OsStr::new("links"),
            OsStr::new("--force"),
            folder.as_os_str(),
        ];
        let made = wigwag(&words);
        assert_eq!((made.status, made.err.as_str()), (0, ""));
        folder
    })
}

/// Our command by its own name.
pub fn wigwag<S: AsRef<OsStr>>(words: &[S]) -> Said {
    finish(Command::new(env!("CARGO_BIN_EXE_wigwag")).args(words))
}

/// Our command by an old name.
pub fn ours(name: &str) -> Command {
    Command::new(folder().join(name))
}

/// The tool of that name, where it is installed. Says so where not, and fails in CI.
pub fn real(name: &str) -> Option<Command> {
    let found = ["/bin", "/usr/bin", "/sbin", "/usr/sbin"]
        .map(|folder| Path::new(folder).join(name))
        .into_iter()
        .find(|path| path.exists());
    if found.is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "no {name} to compare with"
        );
        println!("skipped: no {name} to compare with");
    }
    found.map(|path| {
        let mut command = Command::new(path);
        command.arg0(name);
        command
    })
}

/// Runs it to its end, in the C locale and with nothing on standard input.
pub fn finish(command: &mut Command) -> Said {
    let done = command
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let status = done.status;
    Said {
        status: status.code().unwrap_or_else(|| -status.signal().unwrap()),
        out: String::from_utf8_lossy(&done.stdout).into_owned(),
        err: String::from_utf8_lossy(&done.stderr).into_owned(),
    }
}

/// The same words to the tool and to ours: both say the same and end the same way.
#[track_caller]
pub fn same<S: AsRef<OsStr> + std::fmt::Debug>(name: &str, words: &[S]) {
    let Some(mut real) = real(name) else { return };
    let theirs = finish(real.args(words));
    let said = finish(ours(name).args(words));
    assert_eq!(said, theirs, "{name} {words:?}: ours is on the left");
}
