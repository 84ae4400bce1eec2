//! Words as the tool reads and writes them.

use std::io;

use wigwag::Signal;
use wigwag_process::census::{Answer, View};

/// As much of a command line as is looked at.
const LONGEST: usize = 128 * 1024 - 1;

/// Whether the locale of the environment has UTF-8: the first of these that says anything.
pub(super) fn is_utf8() -> bool {
    let said = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(std::env::var_os)
        .find(|value| !value.is_empty());
    said.is_some_and(|value| {
        let value = value.to_string_lossy().to_ascii_lowercase();
        value.contains(".utf-8") || value.contains(".utf8")
    })
}

/// What cannot be shown becomes a question mark, byte by byte: control characters, and what is no character of the locale.
pub(super) fn shown(bytes: &[u8], utf8: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let plain = |b: u8| match b {
        b' '..=b'~' => b,
        _ => b'?',
    };
    if !utf8 {
        out.extend(bytes.iter().map(|b| plain(*b)));
        return out;
    }
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c.is_control() {
                true => out.extend(std::iter::repeat_n(b'?', c.len_utf8())),
                false => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        out.extend(chunk.invalid().iter().map(|_| b'?'));
    }
    out
}

/// The command name, as it is compared and shown.
pub(super) fn name(comm: &[u8], utf8: bool) -> Vec<u8> {
    shown(comm, utf8)
}

/// The command line: the arguments with blanks between. Who has none is shown by name, in brackets.
pub(super) fn command_line(view: &mut View<'_>, utf8: bool) -> Answer<Vec<u8>> {
    let line = view.cmdline()?;
    let line = &line[..line.len().min(LONGEST)];
    if line.is_empty() {
        let stat = view.stat()?;
        use std::os::unix::ffi::OsStrExt;
        let end = if stat.is_zombie() {
            &b"] <defunct>"[..]
        } else {
            b"]"
        };
        let name = shown(stat.comm.as_bytes(), utf8);
        return Ok([b"[", name.as_slice(), end].concat());
    }
    let used = line.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
    let mut text: Vec<u8> = line[..used].to_vec();
    for byte in &mut text {
        if matches!(byte, 0 | b'\n') {
            *byte = b' ';
        }
    }
    if used == line.len() && text.last() == Some(&b' ') {
        text.pop();
    }
    match text.is_empty() {
        true => Ok(b"?".to_vec()),
        false => Ok(shown(&text, utf8)),
    }
}

/// The command line as a shell reads it. Who has none is shown by name, in brackets.
pub(super) fn quoted_command_line(view: &mut View<'_>, utf8: bool) -> Answer<Vec<u8>> {
    let line = view.cmdline()?;
    if line.is_empty() {
        return Ok(quoted(&command_line(view, utf8)?));
    }
    let line = line.strip_suffix(b"\0").unwrap_or(line);
    let words: Vec<Vec<u8>> = line.split(|b| *b == 0).map(quoted).collect();
    let mut text = words.join(&b' ');
    text.truncate(LONGEST);
    Ok(text)
}

/// One word as a shell reads it: in quotes where it has to be.
pub(super) fn quoted(word: &[u8]) -> Vec<u8> {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"_@%+:,./-".contains(b);
    if !word.is_empty() && word.iter().all(plain) {
        return word.to_vec();
    }
    let mut out = vec![b'\''];
    for &byte in word {
        match byte {
            b'\'' => out.extend_from_slice(b"'\\''"),
            byte => out.push(byte),
        }
    }
    out.push(b'\'');
    out
}

/// A signal as the tool reads it: a name in any letters, with or without SIG, `RTMIN+N`, or a number; 0 is one too. Numbers that no
/// signal has are read as well, and refused by the kernel.
pub(super) fn signal(word: &[u8]) -> Option<i32> {
    let word = match word.get(..3) {
        Some(sig) if sig.eq_ignore_ascii_case(b"SIG") => &word[3..],
        _ => word,
    };
    let upper = word.to_ascii_uppercase();
    let rtmin = Signal::rtmin().number();
    match upper.as_slice() {
        b"EXIT" | b"NULL" => return Some(0),
        b"RTMIN" => return Some(rtmin),
        _ => {}
    }
    if upper.first().is_some_and(u8::is_ascii_alphabetic)
        && !upper.starts_with(b"RT")
        && !upper.starts_with(b"SIG")
    {
        let named: Signal = std::str::from_utf8(&upper).ok()?.parse().ok()?;
        return Some(named.number());
    }
    let (rest, offset) = match upper.strip_prefix(b"RTMIN+") {
        Some(rest) => (rest, rtmin),
        None => (upper.as_slice(), 0),
    };
    let (number, end) = strtol(rest)?;
    let whole = end == rest.len() && (0..=i64::from(127 - rtmin)).contains(&number);
    whole.then_some(number as i32 + offset)
}

/// strtol(3) of base 10: the number, and where it ends; `None` where there is none, or it is too large.
pub(super) fn strtol(text: &[u8]) -> Option<(i64, usize)> {
    let blank = |b: &u8| b.is_ascii_whitespace() || *b == 0x0b;
    let mut at = text.iter().take_while(|b| blank(b)).count();
    let negative = text.get(at) == Some(&b'-');
    if matches!(text.get(at), Some(b'-' | b'+')) {
        at += 1;
    }
    let digits = text[at..].iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    let number = text[at..at + digits].iter().try_fold(0i64, |sum, b| {
        sum.checked_mul(10)?.checked_add(i64::from(b - b'0'))
    })?;
    Some((if negative { -number } else { number }, at + digits))
}

/// strerror(3) of an error.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// The same of an errno that is known by its name.
pub(super) fn reason_of(errno: &str) -> String {
    let named = (1..134).find(|number| wigwag::Errno::new(*number).name() == Some(errno));
    named.map_or_else(
        || errno.to_owned(),
        |number| reason(&io::Error::from_raw_os_error(number)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_as_the_tool_reads_them() {
        for (word, number) in [
            ("TERM", Some(15)),
            ("sigterm", Some(15)),
            ("SIGSIGTERM", None),
            ("9", Some(9)),
            ("0", Some(0)),
            ("+9", Some(9)),
            ("65", Some(65)),
            ("94", None),
            ("-9", None),
            ("0garbage", None),
            ("", None),
            ("SIG", None),
            ("exit", Some(0)),
            ("IOT", Some(6)),
            ("CLD", Some(17)),
            ("io", Some(29)),
            ("POLL", Some(29)),
            ("RTMIN", Some(34)),
            ("RTMIN+3", Some(37)),
            ("RTMIN-1", None),
            ("RTMAX", None),
            ("SIG9", Some(9)),
            ("f", None),
            ("a", None),
            ("TERM ", None),
        ] {
            assert_eq!(signal(word.as_bytes()), number, "{word}");
        }
    }

    #[test]
    fn what_cannot_be_shown() {
        let odd = b"n\ta(m)\n\xc3\xa9\xff\x7f\xc2\x80";
        assert_eq!(shown(odd, false), b"n?a(m)???????".as_slice());
        assert_eq!(shown(odd, true), b"n?a(m)?\xc3\xa9????".as_slice());
    }

    #[test]
    fn words_for_a_shell() {
        for (word, text) in [
            ("foobar", "foobar"),
            ("foo bar", "'foo bar'"),
            ("", "''"),
            ("a'b", "'a'\\''b'"),
            ("a=b", "'a=b'"),
        ] {
            assert_eq!(quoted(word.as_bytes()), text.as_bytes());
        }
    }
}
