//! What a signal is, on this system and on others: facts, numbers, and what a number or a phrase means.
//!
//! - [`Entry`]: the facts of one signal: names, the C library's description, the standard it comes from, the key that
//!   sends it, its usual causes and what to do about it.
//! - [`System`]: the numbers of one system, with the default actions there and the real-time range. The numbers are a
//!   table, `numbers.txt`, that can be held against the headers it names.
//! - [`convert`]: a number of one system as a number of another.
//! - [`Reading`]: what an exit status, a wait status or a phrase such as `Segmentation fault (core dumped)` says.
//!
//! Nothing here asks the kernel, and every function may be called from any thread. They allocate memory, and the table is
//! read once, on first use: neither is for a signal handler, nor for a child forked from several threads. See signal(7).
//!
//! ```
//! use wigwag::catalog::{System, convert, entry};
//!
//! assert_eq!(entry("sigint").map(|e| e.description), Some("Interrupt"));
//!
//! let mac = System::find(Some("macos"), None)?;
//! let linux = System::find(Some("linux"), Some("x86_64"))?;
//! assert_eq!(mac.name(30).as_deref(), Some("USR1"));
//! assert_eq!(convert(30, mac, linux).number, Some(10));
//! # Ok::<(), wigwag::catalog::UnknownSystem>(())
//! ```

mod facts;
mod reading;
mod suggest;
mod system;
mod table;

pub use reading::{Kind, Reading, Unreadable, read};
pub use suggest::suggest;
pub use system::{Conversion, Realtime, System, SystemSignal, UnknownSystem, convert};

/// The facts of one signal, the same on every system that has it.
///
/// What differs by system, the number and the default action, is in [`SystemSignal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Entry {
    /// The name without `SIG`: `TERM`. For the real-time signals, which share one entry, `RT`.
    pub name: &'static str,
    /// Other names of the same signal, wherever they are in use: `IOT` for `ABRT`.
    pub aliases: &'static [&'static str],
    /// What the C library's strsignal(3) says in the C locale: `Terminated`.
    pub description: &'static str,
    /// Where it comes from: a standard, or the system that had it first.
    pub standard: &'static str,
    /// The key that sends it, as terminals are usually set; [`crate::keys`] reads how they are set now.
    pub key: Option<&'static str>,
    /// What usually causes it, a sentence or two each, the most likely first.
    pub causes: &'static [&'static str],
    /// What to do about it.
    pub advice: &'static [&'static str],
}

impl Entry {
    /// Whether it can be caught, blocked and ignored. `KILL` and `STOP` can be none of the three, all others all three.
    ///
    /// ```
    /// use wigwag::catalog::entry;
    /// assert!(!entry("KILL").is_some_and(|e| e.can_be_caught()));
    /// assert!(entry("TERM").is_some_and(|e| e.can_be_caught()));
    /// ```
    #[must_use]
    pub fn can_be_caught(&self) -> bool {
        !matches!(self.name, "KILL" | "STOP")
    }
}

/// Every entry of the catalogue, of all systems; the real-time signals are not among them (see [`realtime`]).
///
/// ```
/// assert!(wigwag::catalog::entries().iter().any(|e| e.name == "STKFLT"));
/// ```
#[must_use]
pub fn entries() -> &'static [Entry] {
    facts::FACTS
}

/// The entry that the real-time signals share.
///
/// ```
/// assert_eq!(wigwag::catalog::realtime().description, "Real-time signal");
/// ```
#[must_use]
pub fn realtime() -> &'static Entry {
    &facts::REALTIME
}

/// The entry of a name or alias, with or without `SIG`, in any case; a real-time name gives the shared entry.
///
/// ```
/// use wigwag::catalog::entry;
/// assert_eq!(entry("SIGIOT").map(|e| e.name), Some("ABRT"));
/// assert_eq!(entry("RTMIN+3").map(|e| e.name), Some("RT"));
/// assert!(entry("NOPE").is_none());
/// ```
#[must_use]
pub fn entry(name: &str) -> Option<&'static Entry> {
    let name = bare_name(name);
    if is_realtime_name(&name) {
        return Some(realtime());
    }
    entries()
        .iter()
        .find(|e| e.name == name || e.aliases.contains(&name.as_str()))
}

/// `sigterm` as `TERM`.
fn bare_name(name: &str) -> String {
    let upper = name.trim().to_ascii_uppercase();
    match upper.strip_prefix("SIG") {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => upper,
    }
}

/// Whether the bare, upper-case name is `RTMIN`, `RTMAX`, `RTMIN+n` or `RTMAX-n`.
fn is_realtime_name(name: &str) -> bool {
    offset(name).is_some()
}

/// The end of the range that a real-time name counts from, and the offset from it.
#[derive(Clone, Copy)]
enum Offset {
    FromMin(i32),
    FromMax(i32),
}

/// Reads `RTMIN+3` or `RTMAX-2`.
fn offset(name: &str) -> Option<Offset> {
    let digits = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| text.parse().ok())
            .flatten()
    };
    if let Some(rest) = name.strip_prefix("RTMIN") {
        return match rest.strip_prefix('+') {
            None => rest.is_empty().then_some(Offset::FromMin(0)),
            Some(n) => digits(n).map(Offset::FromMin),
        };
    }
    let rest = name.strip_prefix("RTMAX")?;
    match rest.strip_prefix('-') {
        None => rest.is_empty().then_some(Offset::FromMax(0)),
        Some(n) => digits(n).map(Offset::FromMax),
    }
}
