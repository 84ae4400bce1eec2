//! Reading a signal from every spelling that a kill command takes, and saying what is wrong with one that is none.

use std::fmt;
use std::str::FromStr;

use super::{STANDARD, Signal};
use crate::nearest::nearest;
use crate::sys;

/// Why a number or a word is not a signal of this system.
///
/// ```
/// use wigwag::Signal;
/// let error = "SIGHPU".parse::<Signal>().unwrap_err();
/// assert_eq!(error.suggestion(), Some("HUP"));
/// assert_eq!(error.to_string(), "unknown signal SIGHPU: did you mean HUP?");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidSignal {
    /// The empty string.
    Empty,
    /// 0, which tests whether a signal could be sent.
    Zero,
    /// 32 or 33 (with glibc), which the C library uses for threads.
    Reserved(i32),
    /// A number that is no signal.
    OutOfRange(String),
    /// `RTMIN+N` or `RTMAX-N` that leaves the real-time signals.
    OutOfRealtime(String),
    /// A word that names no signal.
    Unknown {
        /// The word as given.
        word: String,
        /// The nearest name, where one is near.
        suggestion: Option<&'static str>,
    },
}

impl InvalidSignal {
    /// The name that was probably meant: one or two slips away.
    ///
    /// ```
    /// use wigwag::Signal;
    /// assert_eq!("TREM".parse::<Signal>().unwrap_err().suggestion(), Some("TERM"));
    /// assert_eq!("32".parse::<Signal>().unwrap_err().suggestion(), None);
    /// ```
    #[must_use]
    pub fn suggestion(&self) -> Option<&'static str> {
        match self {
            InvalidSignal::Unknown { suggestion, .. } => *suggestion,
            _ => None,
        }
    }
}

impl fmt::Display for InvalidSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = (sys::rtmin(), sys::rtmax());
        match self {
            InvalidSignal::Empty => f.write_str("an empty word is no signal"),
            InvalidSignal::Zero => {
                f.write_str("0 is no signal: it only tests whether one could be sent")
            }
            InvalidSignal::Reserved(number) => write!(f, "{number} is reserved by the C library"),
            InvalidSignal::OutOfRange(text) => {
                write!(
                    f,
                    "{text} is no signal: they are 1 to 31 and {low} to {high}"
                )
            }
            InvalidSignal::OutOfRealtime(text) => {
                write!(
                    f,
                    "{text} is no real-time signal: they are RTMIN to RTMIN+{}",
                    high - low
                )
            }
            InvalidSignal::Unknown {
                word,
                suggestion: Some(name),
            } => {
                write!(f, "unknown signal {}: did you mean {name}?", shown(word))
            }
            InvalidSignal::Unknown {
                word,
                suggestion: None,
            } => write!(f, "unknown signal {}", shown(word)),
        }
    }
}

/// Harmless for a terminal; with blanks, which would not be seen, in quotes.
fn shown(word: &str) -> String {
    match word.contains(char::is_whitespace) {
        true => format!("{word:?}"),
        false => word.escape_debug().to_string(),
    }
}

impl std::error::Error for InvalidSignal {}

impl From<InvalidSignal> for std::io::Error {
    /// EINVAL's kind, with the same text.
    fn from(error: InvalidSignal) -> std::io::Error {
        std::io::Error::new(std::io::ErrorKind::InvalidInput, error)
    }
}

impl FromStr for Signal {
    type Err = InvalidSignal;

    /// Reads `TERM`, `SIGTERM`, `sigterm`, `15`, an alias such as `CLD`, `RTMIN`, `RTMIN+3`, `SIGRTMAX-2`.
    fn from_str(text: &str) -> Result<Signal, InvalidSignal> {
        let number = text.strip_prefix(['+', '-']).unwrap_or(text);
        if text.is_empty() {
            Err(InvalidSignal::Empty)
        } else if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
            match text.parse::<i32>() {
                Ok(number) if !text.starts_with('+') => Signal::new(number),
                _ => Err(InvalidSignal::OutOfRange(text.to_owned())),
            }
        } else {
            named(text)
        }
    }
}

fn named(text: &str) -> Result<Signal, InvalidSignal> {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let found = STANDARD
        .iter()
        .find(|standard| standard.name == name || standard.aliases.contains(&name));
    if let Some(standard) = found {
        return Ok(standard.signal);
    }
    let realtime = |rest: &str, sign: char, from: i32, step: i32| {
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let distance = match rest.strip_prefix(sign) {
            None if rest.is_empty() => Some(0),
            Some(digits) if are_digits(digits) => digits.parse::<i32>().ok(),
            // RTMIN-1 and RTMAX+1 are meant as real-time signals, which they are not.
            None if rest.len() > 1 && rest.strip_prefix(['+', '-']).is_some_and(are_digits) => None,
            _ => return Err(unknown(text, name)),
        };
        let number = distance
            .and_then(|distance| distance.checked_mul(step))
            .and_then(|offset| from.checked_add(offset));
        match number.map(Signal::new) {
            Some(Ok(signal)) if signal.is_realtime() => Ok(signal),
            _ => Err(InvalidSignal::OutOfRealtime(text.to_owned())),
        }
    };
    if let Some(rest) = name.strip_prefix("RTMIN") {
        realtime(rest, '+', sys::rtmin(), 1)
    } else if let Some(rest) = name.strip_prefix("RTMAX") {
        realtime(rest, '-', sys::rtmax(), -1)
    } else {
        Err(unknown(text, name))
    }
}

fn unknown(word: &str, name: &str) -> InvalidSignal {
    let limit = if name.len() <= 3 { 1 } else { 2 };
    let names = STANDARD
        .iter()
        .flat_map(|standard| std::iter::once(standard.name).chain(standard.aliases.iter().copied()))
        .chain(["RTMIN", "RTMAX"]);
    InvalidSignal::Unknown {
        word: word.to_owned(),
        suggestion: nearest(name, names, limit),
    }
}
