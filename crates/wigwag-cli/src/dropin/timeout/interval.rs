//! Lengths of time as the tool takes them: a number as strtod(3) reads it, and perhaps a letter.

use std::time::Duration;

/// How long; `None` where that is no limit: 0, or more than a clock counts.
pub type Interval = Option<Duration>;

/// Reads one; `None` where it is none.
pub fn interval(text: &[u8]) -> Option<Interval> {
    let blanks = text.iter().take_while(|byte| is_blank(**byte)).count();
    let text = &text[blanks..];
    let (negative, digits) = match text.first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (number, length) = hexadecimal(digits).or_else(|| number(digits))?;
    if negative && number > 0.0 {
        return None;
    }
    let seconds = match &digits[length..] {
        b"" | b"s" => number,
        b"m" => number * 60.0,
        b"h" => number * 3600.0,
        b"d" => number * 86400.0,
        _ => return None,
    };
    if seconds == 0.0 {
        return Some(None);
    }
    let time = Duration::try_from_secs_f64(seconds).ok();
    Some(time.map(|time| time.max(Duration::from_nanos(1))))
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// A decimal number at the beginning, or a word for what has no end; how long it is.
fn number(text: &[u8]) -> Option<(f64, usize)> {
    let begins = |word: &str| {
        let start = text.get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
    };
    if let Some(word) = ["infinity", "inf"].into_iter().find(|word| begins(word)) {
        return Some((f64::INFINITY, word.len()));
    }
    let (whole, fraction, mantissa) = mantissa(text, |byte| byte.is_ascii_digit())?;
    let length = mantissa + exponent(&text[mantissa..], b'e').map_or(0, |(_, length)| length);
    let read: f64 = std::str::from_utf8(&text[..length]).ok()?.parse().ok()?;
    let is_zero = whole.iter().chain(fraction).all(|digit| *digit == b'0');
    Some((not_zero(read, is_zero), length))
}

fn hexadecimal(text: &[u8]) -> Option<(f64, usize)> {
    let rest = text
        .strip_prefix(b"0x")
        .or_else(|| text.strip_prefix(b"0X"))?;
    let (whole, fraction, length) = mantissa(rest, |byte| byte.is_ascii_hexdigit())?;
    let digits = || whole.iter().chain(fraction);
    let value = |digit: &u8| char::from(*digit).to_digit(16).map_or(0.0, f64::from);
    let mantissa = digits().fold(0.0, |sum, digit| sum * 16.0 + value(digit));
    let (power, more) = exponent(&rest[length..], b'p').unwrap_or((0, 0));
    let fraction = i32::try_from(fraction.len()).unwrap_or(i32::MAX);
    let power = power.saturating_sub(fraction.saturating_mul(4));
    let is_zero = digits().all(|digit| *digit == b'0');
    let number = if is_zero {
        0.0
    } else {
        mantissa * 2.0_f64.powi(power)
    };
    Some((not_zero(number, is_zero), 2 + length + more))
}

/// What is too small for the type is still more than nothing: the time is over at once, not never.
fn not_zero(number: f64, is_zero: bool) -> f64 {
    match number == 0.0 && !is_zero {
        true => f64::MIN_POSITIVE,
        false => number,
    }
}

/// The digits before the point, those after it, and how long all that is; `None` where there are no digits.
fn mantissa(text: &[u8], is_digit: impl Fn(u8) -> bool) -> Option<(&[u8], &[u8], usize)> {
    let count = |text: &[u8]| text.iter().take_while(|byte| is_digit(**byte)).count();
    let (whole, rest) = text.split_at(count(text));
    let (fraction, point) = match rest.strip_prefix(b".") {
        Some(rest) => (&rest[..count(rest)], 1),
        None => (&rest[..0], 0),
    };
    let length = whole.len() + point + fraction.len();
    (whole.len() + fraction.len() > 0).then_some((whole, fraction, length))
}

/// An exponent, and how long it is with its letter.
fn exponent(text: &[u8], letter: u8) -> Option<(i32, usize)> {
    let rest = match text.split_first()? {
        (first, rest) if first.eq_ignore_ascii_case(&letter) => rest,
        _ => return None,
    };
    let (negative, sign) = match rest.first() {
        Some(b'-') => (true, 1),
        Some(b'+') => (false, 1),
        _ => (false, 0),
    };
    let rest = &rest[sign..];
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    let value = rest[..digits].iter().fold(0_i32, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add(i32::from(digit - b'0'))
    });
    let value = if negative { -value } else { value };
    Some((value, 1 + sign + digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let nanos = |n| Some(Some(Duration::from_nanos(n)));
        let seconds = |n| Some(Some(Duration::from_secs(n)));
        for (text, is) in [
            ("0", Some(None)),
            ("-0", Some(None)),
            ("0.0d", Some(None)),
            ("0x0", Some(None)),
            ("0e5000", Some(None)),
            ("1", seconds(1)),
            (" +1s", seconds(1)),
            ("2m", seconds(120)),
            (".5h", seconds(1800)),
            ("1.d", seconds(86400)),
            ("1e2", seconds(100)),
            ("1E+2s", seconds(100)),
            ("0x10", seconds(16)),
            ("0x1d", seconds(29)),
            ("0x1p4m", seconds(960)),
            ("0x.8p1", seconds(1)),
            ("0X1P-1", nanos(500_000_000)),
            ("9.999999999", nanos(9_999_999_999)),
            ("1e-9", nanos(1)),
            ("1e-10", nanos(1)),
            ("1e-5000", nanos(1)),
            ("0x1p-99999", nanos(1)),
            ("0x1p-99999999999999999999", nanos(1)),
            ("inf", Some(None)),
            ("Infinityd", Some(None)),
            ("1e5000", Some(None)),
            ("99999999999999999999999d", Some(None)),
            ("", None),
            (" ", None),
            ("s", None),
            (".", None),
            ("-", None),
            ("-1", None),
            ("-1e-5000", None),
            ("-inf", None),
            ("nan", None),
            ("1S", None),
            ("42D", None),
            ("1ms", None),
            ("1 ", None),
            ("1 s", None),
            ("1e", None),
            ("0x", None),
            ("0xg", None),
            ("--1", None),
            ("invalid", None),
            ("1\u{e9}", None),
        ] {
            assert_eq!(interval(text.as_bytes()), is, "{text:?}");
        }
    }
}
