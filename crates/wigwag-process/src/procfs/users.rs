//! Names of users and groups: the passwd and group files, read once, and `getent` for what is not in them.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock};

/// Numbers that were asked for before, and their names.
static NAMES: Mutex<Option<HashMap<u32, Option<String>>>> = Mutex::new(None);
static PASSWD: OnceLock<Vec<(String, u32)>> = OnceLock::new();
static GROUP: OnceLock<Vec<(String, u32)>> = OnceLock::new();

/// The name of a user, from `/etc/passwd` (passwd(5)), or where it is not there from getent(1), which knows LDAP and the
/// like and is asked once a number. `None` for a number without a name.
///
/// ```
/// assert_eq!(wigwag_process::procfs::user_name(0).as_deref(), Some("root"));
/// ```
pub fn user_name(uid: u32) -> Option<String> {
    if let Some((name, _)) = passwd().iter().find(|(_, id)| *id == uid) {
        return Some(name.clone());
    }
    let mut names = NAMES
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let names = names.get_or_insert_default();
    names
        .entry(uid)
        .or_insert_with(|| getent("passwd", &uid.to_string()).map(|(name, _)| name))
        .clone()
}

/// The number of a user, given by name or as a number; `None` for an unknown name.
///
/// ```
/// use wigwag_process::procfs::user_id;
/// assert_eq!((user_id("root"), user_id("1000"), user_id("no such")), (Some(0), Some(1000), None));
/// ```
pub fn user_id(user: &str) -> Option<u32> {
    id(user, passwd(), "passwd")
}

/// The number of a group, given by name or as a number; `None` for an unknown name.
///
/// ```
/// assert_eq!(wigwag_process::procfs::group_id("root"), Some(0));
/// ```
pub fn group_id(group: &str) -> Option<u32> {
    let known = GROUP.get_or_init(|| entries("/etc/group"));
    id(group, known, "group")
}

fn id(word: &str, known: &[(String, u32)], database: &str) -> Option<u32> {
    if let Some((_, id)) = known.iter().find(|(name, _)| name == word) {
        return Some(*id);
    }
    if word.bytes().all(|b| b.is_ascii_digit()) {
        return word.parse().ok();
    }
    let odd = word.starts_with('-') || word.contains([':', '\n', '\0']);
    if odd {
        None
    } else {
        getent(database, word).map(|(_, id)| id)
    }
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

fn getent(database: &str, key: &str) -> Option<(String, u32)> {
    let output = Command::new("getent")
        .args([database, key])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(entry)
}
