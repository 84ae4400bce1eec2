//! One target as it is written on the command line.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::port::Port;
use crate::procfs::PID_MAX_LIMIT;

/// Whom a signal is meant for.
///
/// Its text is what [`Target::parse`] reads, and so it is in JSON. Any target that can be read is written so that it reads the
/// same; only of paths that are not UTF-8 the text is for the eye, and JSON refuses them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// `42`, `pid:42`: that process. The number of a thread that is not its process's first is refused.
    Pid(i32),
    /// `-42`, `group:42`: all of the process group.
    Group(i32),
    /// `session:42`: all of the session.
    Session(i32),
    /// `tree:42`: the process and all below it.
    Tree(i32),
    /// `cgroup:PATH`: all in the control group or below it. PATH is as in `/proc/PID/cgroup`, in whichever hierarchy has
    /// it, or the whole path of a directory below one's mount point.
    Cgroup(PathBuf),
    /// `port:8080`, `port:53/udp`, `port:http` (a name of `/etc/services`, read at once): whoever listens there by TCP, or is bound there and connected to nobody by UDP; IPv4 and IPv6, in the
    /// network namespace of the caller.
    Port(Port),
    /// `file:PATH`: whoever holds the file open, by a descriptor or by a memory map (as running programs and libraries are), or
    /// has the directory as its working directory, or as its root where that is not the caller's own. What counts is the file
    /// itself, by device and inode, not the name: not the one that another mount namespace has by that name. Only where the
    /// kernel does not say what is mapped (to others than root, on file systems such as btrfs and overlay) the name counts, in
    /// the same mount namespace. For a Unix socket, by a descriptor of the socket bound there.
    File(PathBuf),
    /// `unit:nginx.service`, `unit:nginx`: all of the systemd unit, of the system's manager or of any user's, found as systemd
    /// does by the place of the control group: below slices only (`/system.slice/nginx.service`), or so below a user's manager
    /// (`/user.slice/user-1000.slice/user@1000.service/app.slice/...`). A group of that name elsewhere, as in a container, is
    /// none. Of a slice: all in it and in the slices below it. Names stand as systemd shows them, escapes and all
    /// (`dev-disk\x2d1.swap`); of a template one instance is named (`getty@tty1`).
    Unit(String),
    /// `tid:42`: that one thread.
    Thread(i32),
    /// `name:nginx`, `nginx`: all whose command name is exactly that or, where the kernel has cut it at 15 bytes, whose first
    /// argument has that base name.
    Name(String),
    /// `--own-group`: all of the caller's process group.
    OwnGroup,
    /// `--everyone`: all but the caller and pid 1.
    Everyone,
}

/// Why a word is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The empty word, or nothing after the colon.
    #[error("empty target{}", if .0.is_empty() { String::new() } else { format!(" after {:?}", .0) })]
    Empty(String),
    /// 0, which is nobody's number, and which kill(2) takes as one's own group.
    #[error(
        "0 is the number of no process, group or session; one's own process group is --own-group"
    )]
    Zero,
    /// -1, which kill(2) takes as everybody.
    #[error("-1 would mean every process that may be signalled: write --everyone for that")]
    MinusOne,
    /// A number that no process can have.
    #[error("{0:?} is out of range: process numbers on Linux go from 1 to {PID_MAX_LIMIT}")]
    OutOfRange(String),
    /// Not a number where one must be.
    #[error("{word:?} is no number: {kind}:N takes a {what}")]
    NotANumber {
        /// The word before the colon.
        kind: &'static str,
        /// What the number is of.
        what: &'static str,
        /// The word after it.
        word: String,
    },
    /// Not a port.
    #[error(
        "{0:?} is no port: they go from 1 to 65535, with /tcp or /udp where only that is meant, and names are those of /etc/services"
    )]
    Port(String),
    /// A service that has several ports.
    #[error("{0:?} is several ports in /etc/services: write the number")]
    Services(String),
    /// A dash before something that is no number.
    #[error("{0:?} is no target: -N is a process group; a process of that name is name:{0}")]
    Dash(String),
    /// Neither number nor path, and not UTF-8 or with a NUL in it, which no name given here can be.
    #[error("{0:?} is no target: it is not UTF-8, or has a NUL byte in it")]
    NotText(String),
}

impl Target {
    /// Whether it names processes by a number, or by a place that somebody was put in: what a guard protects there is refused, and
    /// not left out.
    pub(crate) fn is_numbered(&self) -> bool {
        let group = matches!(
            self,
            Target::Group(_) | Target::OwnGroup | Target::Session(_)
        );
        self.is_number() || group || matches!(self, Target::Tree(_) | Target::Cgroup(_))
    }

    /// Whether a number says who it is.
    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Target::Pid(_) | Target::Thread(_))
    }

    /// Reads a target: `42`, `pid:42`, `-42`, `group:42`, `session:42`, `tree:42`, `cgroup:PATH`, `port:80`, `file:PATH`,
    /// `unit:NAME`, `tid:42`, `name:WORD`; `--own-group` and `--everyone`; and any other word as the name of a process.
    ///
    /// # Errors
    /// [`TargetError`] for 0 and -1, numbers out of range, nothing, and a dash before a word.
    ///
    /// ```
    /// use wigwag_process::selector::Target;
    /// assert_eq!(Target::parse("-42"), Ok(Target::Group(42)));
    /// assert_eq!(Target::parse("kworker/0:1"), Ok(Target::Name("kworker/0:1".to_owned())));
    /// assert_eq!(Target::parse("tree:42")?.to_string(), "tree:42");
    /// assert!(Target::parse("0").is_err_and(|e| e.to_string().contains("--own-group")));
    /// # Ok::<(), wigwag_process::selector::TargetError>(())
    /// ```
    pub fn parse(word: &str) -> Result<Target, TargetError> {
        Target::parse_os(OsStr::new(word))
    }

    /// As [`Target::parse`], for words that may not be UTF-8, as paths.
    ///
    /// # Errors
    /// As [`Target::parse`], and [`TargetError::NotText`] for a name that is not UTF-8.
    pub fn parse_os(word: &OsStr) -> Result<Target, TargetError> {
        let shown = || word.to_string_lossy().into_owned();
        let bytes = word.as_bytes();
        if bytes.is_empty() {
            return Err(TargetError::Empty(String::new()));
        }
        if bytes.contains(&0) {
            return Err(TargetError::NotText(shown()));
        }
        for prefix in [&b"cgroup:"[..], b"file:"] {
            if let Some(path) = bytes.strip_prefix(prefix) {
                if path.is_empty() {
                    return Err(TargetError::Empty(shown()));
                }
                let path = PathBuf::from(OsStr::from_bytes(path));
                let is_file = prefix == b"file:";
                return Ok(if is_file {
                    Target::File(path)
                } else {
                    Target::Cgroup(path)
                });
            }
        }
        let word = word.to_str().ok_or_else(|| TargetError::NotText(shown()))?;
        match word {
            "--own-group" => return Ok(Target::OwnGroup),
            "--everyone" => return Ok(Target::Everyone),
            "-1" => return Err(TargetError::MinusOne),
            _ => {}
        }
        if is_number(word) {
            return number(word, word).map(Target::Pid);
        }
        if let Some(rest) = word.strip_prefix('-') {
            if !is_number(rest) {
                return Err(TargetError::Dash(word.to_owned()));
            }
            return number(word, rest).map(Target::Group);
        }
        match word.split_once(':') {
            Some((kind, rest)) => {
                Target::of_kind(kind, rest).unwrap_or_else(|| Ok(Target::Name(word.to_owned())))
            }
            None => Ok(Target::Name(word.to_owned())),
        }
    }

    /// `kind:rest`; `None` where the kind is none, and so the word a name.
    fn of_kind(kind: &str, rest: &str) -> Option<Result<Target, TargetError>> {
        let numbered = |kind: &'static str, what: &'static str| {
            if !is_number(rest) && !rest.is_empty() {
                return Err(TargetError::NotANumber {
                    kind,
                    what,
                    word: rest.to_owned(),
                });
            }
            number(rest, rest)
        };
        if rest.is_empty() && KINDS.contains(&kind) {
            return Some(Err(TargetError::Empty(format!("{kind}:"))));
        }
        Some(match kind {
            "pid" => numbered("pid", "process number").map(Target::Pid),
            "group" => numbered("group", "process group").map(Target::Group),
            "session" => numbered("session", "session").map(Target::Session),
            "tree" => numbered("tree", "process number").map(Target::Tree),
            "tid" => numbered("tid", "thread number").map(Target::Thread),
            "port" => Port::parse(rest).map(Target::Port),
            "unit" => Ok(Target::Unit(rest.to_owned())),
            "name" => Ok(Target::Name(rest.to_owned())),
            _ => return None,
        })
    }
}

/// The words that may stand before a colon.
pub(crate) const KINDS: [&str; 10] = [
    "pid", "group", "session", "tree", "cgroup", "port", "file", "unit", "tid", "name",
];

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}

fn number(word: &str, digits: &str) -> Result<i32, TargetError> {
    match digits.parse::<i32>() {
        Ok(0) => Err(TargetError::Zero),
        Ok(n) if n <= PID_MAX_LIMIT => Ok(n),
        _ => Err(TargetError::OutOfRange(word.to_owned())),
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(word: &str) -> Result<Target, TargetError> {
        Target::parse(word)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Pid(n) => write!(f, "{n}"),
            Target::Group(n) => write!(f, "group:{n}"),
            Target::Session(n) => write!(f, "session:{n}"),
            Target::Tree(n) => write!(f, "tree:{n}"),
            Target::Cgroup(path) => write!(f, "cgroup:{}", path.display()),
            Target::Port(port) => write!(f, "port:{port}"),
            Target::File(path) => write!(f, "file:{}", path.display()),
            Target::Unit(unit) => write!(f, "unit:{unit}"),
            Target::Thread(n) => write!(f, "tid:{n}"),
            // Bare only where it is read as this very name: `name:x` itself may be one.
            Target::Name(name) => match Target::parse(name) {
                Ok(Target::Name(read)) if read == *name => write!(f, "{name}"),
                _ => write!(f, "name:{name}"),
            },
            Target::OwnGroup => write!(f, "--own-group"),
            Target::Everyone => write!(f, "--everyone"),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Target::Cgroup(path) | Target::File(path) = self
            && path.to_str().is_none()
        {
            return Err(serde::ser::Error::custom("the path is not UTF-8"));
        }
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Target, D::Error> {
        let word = String::deserialize(deserializer)?;
        Target::parse(&word).map_err(serde::de::Error::custom)
    }
}
