//! An order: whom, what, under which guards, and how long to watch.
//!
//! An [`Order`] is plain data. It is written as JSON by `wigwag ... --dry-run --json`, inside a [`Plan`](crate::plan::Plan),
//! and every way to signal another process builds one and hands it to [`prepare`](crate::plan::prepare).

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use wigwag::Signal;

use crate::selector::Selector;

/// The version of the JSON form of orders, plans and reports. It grows when a field changes its meaning or goes away.
pub const FORMAT: u32 = 1;

/// What is to be done to whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Which processes.
    pub whom: Selector,
    /// What to do to each.
    pub action: Action,
    /// What must not happen.
    #[serde(default)]
    pub guards: Guards,
    /// How long to watch for the effect after the last signal. `None`: look once and do not wait
    /// ([`Action::Wait`]: wait for ever).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<SignedDuration>,
}

impl Order {
    /// Whether nobody looks at what comes of it.
    pub(crate) fn is_unwatched(&self) -> bool {
        let sends = matches!(self.action, Action::Send { .. });
        self.guards.as_kill && self.watch.is_none() && sends
    }
}

/// What is done to each process of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Action {
    /// Send one signal, or probe.
    Send {
        /// The signal; `None` is signal 0: check existence and permission, send nothing.
        signal: Option<Signal>,
        /// A value to queue with it (`sigqueue(3)`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<i32>,
        /// When, and how often.
        #[serde(default, skip_serializing_if = "Schedule::is_now")]
        schedule: Schedule,
    },
    /// Send stronger and stronger signals, each only to those still there.
    Stop {
        /// The steps, weakest first.
        ladder: Ladder,
    },
    /// Send a signal that means "read your configuration again"; refused where it would not run a handler.
    Reload {
        /// Usually HUP.
        signal: Signal,
    },
    /// Stop every thread of each process (`SIGSTOP`, or the freezer where the target is a cgroup).
    Freeze,
    /// Continue each process (`SIGCONT`, or the freezer).
    Thaw,
    /// Wait until the processes have ended.
    Wait {
        /// Until one of them has ended, not all.
        any: bool,
    },
}

impl Action {
    /// The first signal that the action sends, if it sends one.
    pub fn first_signal(&self) -> Option<Signal> {
        match self {
            Action::Send { signal, .. } => *signal,
            Action::Stop { ladder } => ladder.0.first().map(|step| step.signal),
            Action::Reload { signal } => Some(*signal),
            Action::Freeze => Some(Signal::STOP),
            Action::Thaw => Some(Signal::CONT),
            Action::Wait { .. } => None,
        }
    }

    /// The verb, as it stands in a message: `send TERM to`, `freeze`.
    pub fn verb(&self) -> String {
        match self {
            Action::Send {
                signal: Some(signal),
                ..
            } => format!("send {signal} to"),
            Action::Send { signal: None, .. } => "probe".into(),
            Action::Stop { .. } => "stop".into(),
            Action::Reload { .. } => "reload".into(),
            Action::Freeze => "freeze".into(),
            Action::Thaw => "thaw".into(),
            Action::Wait { .. } => "wait for".into(),
        }
    }
}

/// When a signal is sent, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// How long to wait before the first one. The processes are chosen and held before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<SignedDuration>,
    /// The time between one and the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<SignedDuration>,
    /// How many are sent to each process. `None` with `every`: until all have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

impl Schedule {
    /// One signal, at once.
    pub const NOW: Schedule = Schedule {
        after: None,
        every: None,
        count: None,
    };

    /// Whether it is one signal at once.
    pub fn is_now(&self) -> bool {
        *self == Schedule::NOW
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Schedule::NOW
    }
}

/// One step of a [`Ladder`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The signal that is sent to those still there.
    pub signal: Signal,
    /// How long to wait for them to end before the next step.
    pub wait: SignedDuration,
}

/// The steps of [`Action::Stop`]: `TERM:10s,KILL`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ladder(pub Vec<Step>);

/// How long the last step of a ladder waits when it says nothing: what is killed ends within milliseconds, unless it is in
/// uninterruptible sleep.
pub const LAST_WAIT: SignedDuration = SignedDuration::from_secs(5);

impl Default for Ladder {
    /// `TERM:10s,KILL`.
    fn default() -> Self {
        Ladder(vec![
            Step {
                signal: Signal::TERM,
                wait: SignedDuration::from_secs(10),
            },
            Step {
                signal: Signal::KILL,
                wait: LAST_WAIT,
            },
        ])
    }
}

impl fmt::Display for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, step) in self.0.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            if n + 1 == self.0.len() && step.wait == LAST_WAIT {
                write!(f, "{comma}{}", step.signal)?;
            } else {
                // As it is read: without blanks, and in letters.
                let wait = format!("{:#}", step.wait)
                    .replace(' ', "")
                    .replace('µ', "u");
                write!(f, "{comma}{}:{wait}", step.signal)?;
            }
        }
        Ok(())
    }
}

/// Why a ladder cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LadderError {
    /// A step's signal is none.
    #[error("in the ladder: {0}")]
    Signal(String),
    /// A step's time is none.
    #[error("in the ladder: '{0}' is no time: write {TIMES}")]
    Time(String),
    /// A step that is not the last has no time.
    #[error("in the ladder: {0} needs a time before the next step; write {0}:10s")]
    NoTime(Signal),
    /// There is no step.
    #[error("the ladder is empty; write it as TERM:10s,KILL")]
    Empty,
}

impl FromStr for Ladder {
    type Err = LadderError;

    fn from_str(text: &str) -> Result<Self, LadderError> {
        if text.trim().is_empty() {
            return Err(LadderError::Empty);
        }
        let words: Vec<&str> = text.split(',').map(str::trim).collect();
        let mut steps = Vec::with_capacity(words.len());
        for (n, word) in words.iter().enumerate() {
            let (name, time) = match word.split_once(':') {
                Some((name, time)) => (name, Some(time)),
                None => (*word, None),
            };
            let signal: Signal = name
                .parse()
                .map_err(|e| LadderError::Signal(format!("{e}")))?;
            let wait = match time {
                Some(time) => {
                    parse_duration(time).ok_or_else(|| LadderError::Time(time.to_string()))?
                }
                None if n + 1 == words.len() => LAST_WAIT,
                None => return Err(LadderError::NoTime(signal)),
            };
            steps.push(Step { signal, wait });
        }
        Ok(Ladder(steps))
    }
}

/// The units of a time, from the largest down, in nanoseconds.
const UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// How a time is written, for messages about one that is none.
pub const TIMES: &str = "a number of seconds (10, 0.5), or numbers with units, as 500ms, 1m30s or 2h (d, h, m, s, ms, us, ns)";

/// Reads a time: a bare number is of seconds (`10`, `0.5`); or numbers with units, from the largest down, as `500ms`, `1.5s`,
/// `1m30s` (`d`, `h`, `m`, `s`, `ms`, `us`, `ns`; a day is 24 hours). A number is digits, or digits, a point and digits; there are no
/// signs, exponents or blanks. `None` for anything else, and for what is too long for a [`SignedDuration`].
///
/// ```
/// use jiff::SignedDuration;
/// use wigwag_process::order::parse_duration;
/// assert_eq!(parse_duration("500ms"), Some(SignedDuration::from_millis(500)));
/// assert_eq!(parse_duration("1.5"), Some(SignedDuration::from_millis(1500)));
/// assert_eq!(parse_duration("1d12h"), Some(SignedDuration::from_hours(36)));
/// assert_eq!(parse_duration("-1s"), None);
/// ```
pub fn parse_duration(text: &str) -> Option<SignedDuration> {
    let mut total = SignedDuration::ZERO;
    let mut units = UNITS.iter();
    let mut rest = text;
    loop {
        let (number, after) = split_while(rest, |c| c.is_ascii_digit() || c == '.');
        let (unit, after) = split_while(after, |c| c.is_ascii_alphabetic());
        let size = match unit {
            // Of seconds, and then it is all there is.
            "" if rest == text && after.is_empty() => 1_000_000_000,
            // Each unit once, and none after a smaller one.
            _ => units.find(|(name, _)| *name == unit)?.1,
        };
        total = total.checked_add(times(number, size)?)?;
        if after.is_empty() {
            return Some(total);
        }
        rest = after;
    }
}

fn split_while(text: &str, is_part: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !is_part(c)).unwrap_or(text.len()))
}

/// `number` times so many nanoseconds; what is less than one is cut off.
fn times(number: &str, size: u64) -> Option<SignedDuration> {
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    if !are_digits(whole) || !are_digits(part) {
        return None;
    }
    // More digits say nothing more: a day has 14 of nanoseconds.
    let part = part.get(..14).unwrap_or(part);
    let scale = 10_u128.checked_pow(u32::try_from(part.len()).ok()?)?;
    let part = part.parse::<u128>().ok()? * u128::from(size) / scale;
    let whole = whole.parse::<u128>().ok()?.checked_mul(size.into())?;
    let nanoseconds = whole.checked_add(part)?;
    SignedDuration::try_from_nanos_i128(i128::try_from(nanoseconds).ok()?)
}

/// What an order must not do. The default is the strictest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guards {
    /// The sending process itself may be signalled.
    #[serde(default)]
    pub allow_self: bool,
    /// The sender's parent, its parent and so on may be signalled.
    #[serde(default)]
    pub allow_ancestors: bool,
    /// Process 1 may be signalled.
    #[serde(default)]
    pub allow_init: bool,
    /// Kernel threads may be signalled. Nearly all of them ignore whatever they get.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_kernel_threads: bool,
    /// Refuse the whole order when more processes than this are selected.
    #[serde(default)]
    pub max: Option<usize>,
    /// Send only where the signal runs a handler or is taken; refuse where it would end, stop or do nothing.
    #[serde(default)]
    pub if_handled: bool,
    /// Go on when a target selects nothing.
    #[serde(default)]
    pub ignore_missing: bool,
    /// As kill(2) does it: no other guard is asked and nothing is predicted; zombies and kernel threads get the signal, and the number of a
    /// thread stands for its process. What became of them is looked at only where the order watches.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub as_kill: bool,
}

impl Guards {
    /// How many processes an order may select unless it says otherwise.
    pub const MAX: usize = 50;

    /// None at all, as kill(2) has none ([`Guards::as_kill`]), however many there are, and whether or not anybody is there.
    ///
    /// ```
    /// use wigwag_process::execute::NoObserver;
    /// use wigwag_process::order::{Action, Guards, Order, Schedule};
    /// use wigwag_process::{plan::prepare, procfs::Proc, selector::Target};
    /// let proc = Proc::open()?;
    /// let order = Order {
    ///     whom: Target::Pid(std::process::id() as i32).into(),
    ///     action: Action::Send { signal: None, value: None, schedule: Schedule::NOW },
    ///     guards: Guards::none(),
    ///     watch: None,
    /// };
    /// let report = prepare(&proc, order)?.execute(&mut NoObserver);
    /// assert_eq!(report.receipts[0].sent.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn none() -> Guards {
        Guards {
            allow_self: true,
            allow_ancestors: true,
            allow_init: true,
            allow_kernel_threads: true,
            max: None,
            if_handled: false,
            ignore_missing: true,
            as_kill: true,
        }
    }
}

impl Default for Guards {
    fn default() -> Self {
        Guards {
            allow_self: false,
            allow_ancestors: false,
            allow_init: false,
            allow_kernel_threads: false,
            max: Some(Guards::MAX),
            if_handled: false,
            ignore_missing: false,
            as_kill: false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn times_are_numbers_with_units() {
        let nanos = |n: i128| SignedDuration::from_nanos_i128(n);
        let second = 1_000_000_000;
        for (text, time) in [
            ("0", 0),
            ("10", 10 * second),
            ("0.5", second / 2),
            ("00.25", second / 4),
            ("10s", 10 * second),
            ("0.1s", second / 10),
            ("1.5h", 5400 * second),
            ("500ms", second / 2),
            ("250us", second / 4000),
            ("7ns", 7),
            ("1d", 86_400 * second),
            ("1m30s", 90 * second),
            ("1d2h3m4s5ms6us7ns", 93_784_005_006_007),
            ("1m0.5s", 60 * second + second / 2),
            ("0.0000000019", 1),
            (
                "0.99999999999999999999999999999999999999999999999999",
                second - 1,
            ),
            ("9223372036854775807", i128::from(i64::MAX) * second),
        ] {
            assert_eq!(parse_duration(text), Some(nanos(time)), "{text}");
        }
        for text in [
            "",
            " ",
            ".",
            ".5",
            ".1s",
            "5.",
            "5.s",
            "1.2.3",
            "1e3",
            "1e18",
            "+1",
            "+1s",
            "-1",
            "-1s",
            "1 s",
            " 1s",
            "1s ",
            "1m 30s",
            "1m30",
            "30s1m",
            "1s1s",
            "1S",
            "1M",
            "1min",
            "1w",
            "s",
            "never",
            "inf",
            "nan",
            "PT1S",
            "1µs",
            "٣s",
            "0x10",
            "9223372036854775808",
            "99999999999999999999999999999999999999999999",
            "106751991167301d",
        ] {
            assert_eq!(parse_duration(text), None, "{text:?}");
        }
    }

    /// What a ladder prints can be read, whatever its times are.
    #[test]
    fn printed_times_are_read() {
        for nanos in [
            1,
            1_001,
            1_500_000_000,
            60_000_000_000,
            3_600_000_000_007,
            864_001_002_003_004,
        ] {
            let wait = SignedDuration::from_nanos(nanos);
            let ladder = Ladder(vec![
                Step {
                    signal: Signal::TERM,
                    wait,
                },
                Step {
                    signal: Signal::KILL,
                    wait,
                },
            ]);
            assert_eq!(ladder.to_string().parse(), Ok(ladder));
        }
    }

    #[test]
    fn ladders_are_read_and_printed() {
        for text in [
            "TERM:10s,KILL",
            "HUP:2s,TERM:5s,KILL",
            "INT:500ms,KILL:1s",
            "TERM",
        ] {
            assert_eq!(text.parse::<Ladder>().unwrap().to_string(), text);
        }
        assert_eq!("TERM:10s,KILL".parse(), Ok(Ladder::default()));
        assert_eq!("".parse::<Ladder>(), Err(LadderError::Empty));
        assert_eq!(
            "TERM,KILL".parse::<Ladder>(),
            Err(LadderError::NoTime(Signal::TERM))
        );
        assert!(matches!(
            "TERM:soon,KILL".parse::<Ladder>(),
            Err(LadderError::Time(_))
        ));
        assert!(matches!(
            "TREM:1s,KILL".parse::<Ladder>(),
            Err(LadderError::Signal(_))
        ));
    }
}
