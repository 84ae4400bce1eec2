//! Signals as this tool reads and writes them: by numbers from 0 to 64, and by names that need not be those of the library.

use std::borrow::Cow;

use wigwag::Signal;

/// The largest number.
pub const LAST: i32 = 64;

/// A signal that is to be sent: `None` is 0.
pub fn signal(number: i32) -> Option<Signal> {
    Signal::from_kernel(number)
}

/// The number that a word of the command line stands for: a decimal number, or a name in any case, with or without SIG.
pub fn number_of(word: &str) -> Option<i32> {
    if word.starts_with(|first: char| first.is_ascii_digit()) {
        return decimal(word).filter(|number| *number <= LAST);
    }
    let upper = word.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    if let Some(rest) = name.strip_prefix("RT") {
        return realtime(rest);
    }
    let known = |signal: &Signal| signal.name() == name || signal.aliases().contains(&name);
    let mut standard = Signal::all().filter(|signal| signal.is_standard());
    match standard.find(known) {
        Some(signal) => Some(signal.number()),
        None if name == "EXIT" => Some(0),
        None => None,
    }
}

/// What stands behind `RT`: `3`, `MIN+3`, `MAX-3`, and bare `MIN` and `MAX`.
fn realtime(rest: &str) -> Option<i32> {
    let (low, high) = (Signal::rtmin().number(), Signal::rtmax().number());
    let number = match rest {
        "MIN" => low,
        "MAX" => high,
        _ => match (rest.strip_prefix("MIN+"), rest.strip_prefix("MAX-")) {
            (_, Some(below)) => high.checked_sub(decimal(below)?)?,
            (above, None) => low.checked_add(decimal(above.unwrap_or(rest))?)?,
        },
    };
    (low..=high).contains(&number).then_some(number)
}

/// A number of digits alone.
pub fn decimal(word: &str) -> Option<i32> {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| word.parse().ok()).flatten()
}

/// The number in an exit status: of one that a signal ended, as shells tell it (128 and the number; ksh: 256 and the number), or a bare one.
pub fn in_status(status: i32) -> Option<i32> {
    let number = match status {
        0..=LAST => status,
        ..0xff => status & 0x7f,
        _ => status & 0xff,
    };
    (0..=LAST).contains(&number).then_some(number)
}

/// The name of a number: `TERM`, `RT3`, or the number itself where it has none.
pub fn name_of(number: i32) -> Cow<'static, str> {
    match signal(number) {
        Some(signal) if signal.is_realtime() => {
            Cow::Owned(format!("RT{}", number - Signal::rtmin().number()))
        }
        Some(signal) => signal.name(),
        None => Cow::Owned(number.to_string()),
    }
}

/// All names with their numbers, aliases too, the first and the last of the real-time signals at the end.
pub fn names() -> Vec<(i32, &'static str)> {
    let mut names = Vec::with_capacity(40);
    for signal in Signal::all().filter(|signal| signal.is_standard()) {
        if let Cow::Borrowed(name) = signal.name() {
            names.push((signal.number(), name));
        }
        // The C library has UNUSED no more, and no other tool lists it.
        let aliases = signal.aliases().iter().filter(|name| **name != "UNUSED");
        names.extend(aliases.map(|name| (signal.number(), *name)));
    }
    names.push((Signal::rtmin().number(), "RTMIN"));
    names.push((Signal::rtmax().number(), "RTMAX"));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read() {
        let cases = [
            ("0", Some(0)),
            ("64", Some(64)),
            ("65", None),
            ("9x", None),
            ("", None),
            ("term", Some(15)),
            ("SigTerm", Some(15)),
            ("SIGSIGTERM", None),
            ("iot", Some(6)),
            ("RT0", Some(34)),
            ("sigrt30", Some(64)),
            ("RT31", None),
            ("RTMIN", Some(34)),
            ("rtmin+2", Some(36)),
            ("RTMAX-0", Some(64)),
            ("RTMAX-31", None),
            ("RTMIN+99999999999", None),
            ("RT-1", None),
            ("EXIT", Some(0)),
            ("+9", None),
        ];
        for (word, number) in cases {
            assert_eq!(number_of(word), number, "{word}");
        }
    }

    #[test]
    fn every_name_that_is_listed_is_read() {
        for (number, name) in names() {
            assert_eq!(number_of(name), Some(number), "{name}");
        }
        for number in 0..=LAST {
            assert_eq!(number_of(&name_of(number)), Some(number));
        }
    }

    #[test]
    fn exit_statuses_hold_signals() {
        let cases = [
            (143, Some(15)),
            (271, Some(15)),
            (128, Some(0)),
            (192, Some(64)),
            (70, None),
            (255, None),
        ];
        for (status, number) in cases {
            assert_eq!(in_status(status), number, "{status}");
        }
    }
}
