//! Names of users and groups: the passwd and group files, read once, and `getent` for what is not in them.

use std::collections::HashMap;
use std::io;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Numbers that were asked for before, and their names; and how much time is left to ask for more.
static NAMES: Mutex<Option<Names>> = Mutex::new(None);
static PASSWD: OnceLock<Vec<(String, u32)>> = OnceLock::new();
static GROUP: OnceLock<Vec<(String, u32)>> = OnceLock::new();

struct Names {
    known: HashMap<u32, Option<String>>,
    left: Duration,
}

/// All names that are only shown may take this long together.
const SHOWING: Duration = Duration::from_millis(500);
/// One name that a choice depends on may take this long.
const CHOOSING: Duration = Duration::from_secs(5);

/// The name of a user, from `/etc/passwd` (passwd(5)), or where it is not there from getent(1), which knows LDAP and the
/// like and is asked once a number. `None` for a number without a name, and where getent has not answered within half a second,
/// all numbers together.
///
/// ```
/// assert_eq!(wigwag_process::procfs::user_name(0).as_deref(), Some("root"));
/// ```
pub fn user_name(uid: u32) -> Option<String> {
    if let Some(name) = known_user_name(uid) {
        return Some(name);
    }
    let mut names = NAMES
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let names = names.get_or_insert_with(|| Names {
        known: HashMap::new(),
        left: SHOWING,
    });
    if let Some(name) = names.known.get(&uid) {
        return name.clone();
    }
    let began = Instant::now();
    let name = match names.left {
        Duration::ZERO => None,
        left => getent("passwd", &uid.to_string(), left)
            .ok()
            .flatten()
            .map(|(name, _)| name),
    };
    names.left = names.left.saturating_sub(began.elapsed());
    names.known.insert(uid, name.clone());
    name
}

/// The name of a user, where `/etc/passwd` has it: nobody is asked, and no process started.
///
/// ```
/// assert_eq!(wigwag_process::procfs::known_user_name(0).as_deref(), Some("root"));
/// ```
pub fn known_user_name(uid: u32) -> Option<String> {
    let (name, _) = passwd().iter().find(|(_, id)| *id == uid)?;
    Some(name.clone())
}

/// The number of a user, given by name or as a number; `None` for an unknown name, and where getent does not answer.
///
/// ```
/// use wigwag_process::procfs::user_id;
/// assert_eq!((user_id("root"), user_id("1000"), user_id("no such")), (Some(0), Some(1000), None));
/// ```
pub fn user_id(user: &str) -> Option<u32> {
    find_user(user).ok().flatten()
}

/// As [`user_id`]; an error where nobody can say.
pub(crate) fn find_user(user: &str) -> io::Result<Option<u32>> {
    id(user, passwd(), "passwd")
}

/// The number of a group, given by name or as a number; `None` for an unknown name, and where getent does not answer.
///
/// ```
/// assert_eq!(wigwag_process::procfs::group_id("root"), Some(0));
/// ```
pub fn group_id(group: &str) -> Option<u32> {
    find_group(group).ok().flatten()
}

/// As [`group_id`]; an error where nobody can say.
pub(crate) fn find_group(group: &str) -> io::Result<Option<u32>> {
    let known = GROUP.get_or_init(|| entries("/etc/group"));
    id(group, known, "group")
}

fn id(word: &str, known: &[(String, u32)], database: &str) -> io::Result<Option<u32>> {
    if let Some((_, id)) = known.iter().find(|(name, _)| name == word) {
        return Ok(Some(*id));
    }
    if word.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(word.parse().ok());
    }
    let odd = word.is_empty() || word.starts_with('-') || word.contains([':', '\n', '\0']);
    if odd {
        return Ok(None);
    }
    Ok(getent(database, word, CHOOSING)?.map(|(_, id)| id))
}

fn passwd() -> &'static [(String, u32)] {
    PASSWD.get_or_init(|| entries("/etc/passwd"))
}

fn entries(path: &str) -> Vec<(String, u32)> {
    let text = std::fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&text)
        .lines()
        .filter_map(entry)
        .collect()
}

/// `name:password:number:...`, the beginning of both files' lines.
fn entry(line: &str) -> Option<(String, u32)> {
    let mut parts = line.split(':');
    let name = parts.next().filter(|n| !n.is_empty())?;
    let id = parts.nth(1)?.parse().ok()?;
    Some((name.to_owned(), id))
}

/// Asks getent(1); `None` where it knows nothing, or is not there. It is killed when the time is over.
fn getent(database: &str, key: &str, limit: Duration) -> io::Result<Option<(String, u32)>> {
    let mut command = Command::new("getent");
    command
        .args([database, key])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let answer = match child.stdout.take() {
        Some(stdout) => answer(&stdout, Instant::now() + limit),
        None => Ok(Vec::new()),
    };
    end(&mut child);
    let text = answer?;
    Ok(String::from_utf8_lossy(&text).lines().find_map(entry))
}

/// What is written until the end of the pipe.
fn answer(stdout: &ChildStdout, deadline: Instant) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let time = Timespec::try_from(left).ok();
        let mut fds = [PollFd::new(stdout, PollFlags::IN)];
        match poll(&mut fds, time.as_ref()) {
            Ok(0) => {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "getent does not answer",
                ));
            }
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(errno) => return Err(errno.into()),
        }
        text.reserve(1024);
        match rustix::io::read(stdout, rustix::buffer::spare_capacity(&mut text)) {
            Ok(0) => return Ok(text),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// One's own child, not yet collected: its number can be nobody else's.
fn end(child: &mut Child) {
    if !matches!(child.try_wait(), Ok(Some(_))) {
        let _ = child.kill();
        let _ = child.wait();
    }
}
