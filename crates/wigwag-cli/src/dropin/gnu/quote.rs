//! Words as they stand in messages, quoted.

use std::fmt::Write;

/// Whether messages are in UTF-8: what the locale's variables say, where the system has that locale.
pub fn is_utf8() -> bool {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let Some(locale) = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set) else {
        return false;
    };
    let Some((language, coding)) = locale.split_once('.') else {
        return false;
    };
    let coding = coding.split('@').next().unwrap_or_default();
    if !coding.eq_ignore_ascii_case("UTF-8") && !coding.eq_ignore_ascii_case("utf8") {
        return false;
    }
    let name = format!("{language}.utf8");
    let folder = |name: &str| std::path::Path::new("/usr/lib/locale").join(name).is_dir();
    let archived = || {
        let archive = std::fs::read("/usr/lib/locale/locale-archive").unwrap_or_default();
        let entry = [name.as_bytes(), b"\0"].concat();
        archive.windows(entry.len()).any(|window| window == entry)
    };
    language == "C" || folder(&locale) || folder(&name) || archived()
}

/// As in most messages: between quotes, with what cannot be printed escaped as in C.
pub fn quote(text: &[u8]) -> Vec<u8> {
    quote_in(text, is_utf8())
}

fn quote_in(text: &[u8], utf8: bool) -> Vec<u8> {
    let (left, right) = if utf8 {
        ("\u{2018}", "\u{2019}")
    } else {
        ("'", "'")
    };
    let mut out = left.to_owned();
    each(text, utf8, |part| match part {
        Part::Char(char) if char == '\\' || right.contains(char) => out.extend(['\\', char]),
        Part::Char(char) => out.push(char),
        Part::Byte(byte) => out.push_str(&escape(byte)),
    });
    out.push_str(right);
    out.into_bytes()
}

/// As a shell would take it, always quoted.
pub fn quote_for_shell(text: &[u8]) -> Vec<u8> {
    shell_in(text, is_utf8())
}

fn shell_in(text: &[u8], utf8: bool) -> Vec<u8> {
    let (mut single, mut special) = (false, false);
    each(text, utf8, |part| match part {
        Part::Char('\'') => single = true,
        Part::Char('"' | '$' | '`' | '\\' | '!') | Part::Byte(_) => special = true,
        Part::Char(_) => {}
    });
    let mut out = String::new();
    if single && !special {
        out.push('"');
        each(text, utf8, |part| match part {
            Part::Char(char) => out.push(char),
            Part::Byte(_) => {}
        });
        out.push('"');
        return out.into_bytes();
    }
    out.push('\'');
    let mut escaping = false;
    each(text, utf8, |part| match part {
        Part::Byte(byte) => {
            out.push_str(if escaping { "" } else { "'$'" });
            escaping = true;
            out.push_str(&escape(byte));
        }
        Part::Char(char) => {
            if std::mem::take(&mut escaping) {
                out.push_str("''");
            }
            match char {
                '\'' => out.push_str("'\\''"),
                char => out.push(char),
            }
        }
    });
    out.push('\'');
    out.into_bytes()
}

enum Part {
    /// What can be printed.
    Char(char),
    Byte(u8),
}

fn each(text: &[u8], utf8: bool, mut take: impl FnMut(Part)) {
    for chunk in text.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                ' '..='~' => take(Part::Char(char)),
                char if utf8 && !char.is_control() => take(Part::Char(char)),
                char => {
                    let mut bytes = [0; 4];
                    let bytes = char.encode_utf8(&mut bytes).bytes();
                    bytes.for_each(|byte| take(Part::Byte(byte)));
                }
            }
        }
        chunk
            .invalid()
            .iter()
            .for_each(|byte| take(Part::Byte(*byte)));
    }
}

fn escape(byte: u8) -> String {
    let letter = match byte {
        0x07 => 'a',
        0x08 => 'b',
        0x0c => 'f',
        b'\n' => 'n',
        b'\r' => 'r',
        b'\t' => 't',
        0x0b => 'v',
        byte => {
            let mut text = String::new();
            let _ = write!(text, "\\{byte:03o}");
            return text;
        }
    };
    format!("\\{letter}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted() {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        assert_eq!(
            text(quote_in("it's\n\u{e9}".as_bytes(), false)),
            r"'it\'s\n\303\251'"
        );
        assert_eq!(
            text(quote_in("it's \u{e9}".as_bytes(), true)),
            "\u{2018}it's \u{e9}\u{2019}"
        );
        assert_eq!(text(shell_in(b"it's", false)), "\"it's\"");
        assert_eq!(text(shell_in(b"a\nb", false)), r"'a'$'\n''b'");
        assert_eq!(text(shell_in(b"$it's", false)), r"'$it'\''s'");
    }
}
