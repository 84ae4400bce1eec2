//! Signals by the names and numbers that the GNU tools know.

use wigwag::Signal;

/// The number that a word means; 0 for `0` and `EXIT`. An exit status of a shell counts as the signal that it tells of.
pub fn number(word: &[u8]) -> Option<i32> {
    let number = if word.first().is_some_and(u8::is_ascii_digit) {
        let number: i32 = std::str::from_utf8(word).ok()?.parse().ok()?;
        number & if number >= 0xff { 0xff } else { 0x7f }
    } else {
        let upper = word.to_ascii_uppercase();
        let upper = std::str::from_utf8(&upper).ok()?;
        by_name(upper).or_else(|| by_name(upper.strip_prefix("SIG")?))?
    };
    (number == 0 || name(number).is_some()).then_some(number)
}

fn by_name(word: &str) -> Option<i32> {
    if word == "EXIT" {
        return Some(0);
    }
    if word.starts_with(|first: char| first.is_ascii_digit()) {
        return word.parse().ok().filter(|number| *number <= 64);
    }
    let (min, max) = (Signal::rtmin().number(), Signal::rtmax().number());
    if let Some(rest) = word.strip_prefix("RTMIN") {
        return offset(rest)
            .filter(|n| (0..=max - min).contains(n))
            .map(|n| min + n);
    }
    if let Some(rest) = word.strip_prefix("RTMAX") {
        return offset(rest)
            .filter(|n| (min - max..=0).contains(n))
            .map(|n| max + n);
    }
    let is = |signal: &Signal| {
        let aliases = signal.aliases().iter().filter(|alias| **alias != "UNUSED");
        signal.name() == word || aliases.clone().any(|alias| *alias == word)
    };
    Signal::all().find(is).map(Signal::number)
}

/// Nothing, or a number with or without a sign.
fn offset(text: &str) -> Option<i32> {
    let text = text.trim_ascii_start();
    match text {
        "" => Some(0),
        text => text.parse().ok(),
    }
}

/// The name of a number, without SIG.
pub fn name(number: i32) -> Option<String> {
    let signal = Signal::new(number).ok()?;
    let (min, max) = (Signal::rtmin().number(), Signal::rtmax().number());
    if !signal.is_realtime() {
        return Some(match signal {
            // Its older name comes first in their list.
            Signal::IO => "POLL".to_owned(),
            signal => signal.name().into_owned(),
        });
    }
    let (base, delta) = match number <= min + (max - min) / 2 {
        true => ("RTMIN", number - min),
        false => ("RTMAX", number - max),
    };
    Some(match delta {
        0 => base.to_owned(),
        delta => format!("{base}{delta:+}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_signals() {
        for (word, is) in [
            ("TERM", Some(15)),
            ("sigterm", Some(15)),
            ("143", Some(15)),
            ("0", Some(0)),
            ("exit", Some(0)),
            ("SIG9", Some(9)),
            ("RTMIN+1", Some(35)),
            ("RTMAX-1", Some(63)),
            ("RTMAX+1", None),
            ("32", None),
            ("65", None),
            ("SIGSIGTERM", None),
            ("", None),
            ("FOO", None),
            ("IOT", Some(6)),
        ] {
            assert_eq!(number(word.as_bytes()), is, "{word}");
        }
        assert_eq!(name(64).as_deref(), Some("RTMAX"));
        assert_eq!(name(50).as_deref(), Some("RTMAX-14"));
        assert_eq!(name(49).as_deref(), Some("RTMIN+15"));
        assert_eq!(name(29).as_deref(), Some("POLL"));
    }
}
