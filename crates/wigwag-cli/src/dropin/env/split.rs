//! `-S`: one word that is several, with quotes, escapes, variables and comments.

/// The words; or what is wrong. `value` is asked for variables.
pub fn split<'v>(
    text: &[u8],
    value: impl Fn(&[u8]) -> Option<&'v [u8]>,
) -> Result<Vec<Vec<u8>>, Vec<u8>> {
    let mut words = Words::default();
    let (mut single, mut double) = (false, false);
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'\'' if !double => {
                single = !single;
                words.begin();
            }
            b'"' if !single => {
                double = !double;
                words.begin();
            }
            b if super::BLANKS.contains(&b) && !single && !double => words.between = true,
            b'#' if words.between => return Ok(words.all),
            b'\\' if !single || matches!(text.get(at), Some(b'\\' | b'\'')) => {
                let Some(&next) = text.get(at) else {
                    return Err(b"invalid backslash at end of string in -S".to_vec());
                };
                at += 1;
                match next {
                    b'"' | b'#' | b'$' | b'\'' | b'\\' => words.push(next),
                    b'_' if double => words.push(b' '),
                    b'_' => words.between = true,
                    b'c' if double => {
                        return Err(b"'\\c' must not appear in double-quoted -S string".to_vec());
                    }
                    b'c' => return Ok(words.all),
                    b'f' => words.push(0x0c),
                    b'n' => words.push(b'\n'),
                    b'r' => words.push(b'\r'),
                    b't' => words.push(b'\t'),
                    b'v' => words.push(0x0b),
                    other => {
                        return Err([b"invalid sequence '\\", &[other][..], b"' in -S"].concat());
                    }
                }
            }
            b'$' if !single => {
                let Some(name) = name(&text[at..]) else {
                    let text = &text[at - 1..];
                    let wrong = b"only ${VARNAME} expansion is supported, error at: ";
                    return Err([&wrong[..], text].concat());
                };
                at += name.len() + 2;
                if let Some(value) = value(name) {
                    words.begin();
                    value.iter().for_each(|byte| words.push(*byte));
                }
            }
            other => words.push(other),
        }
    }
    if single || double {
        return Err(b"no terminating quote in -S string".to_vec());
    }
    Ok(words.all)
}

/// `{NAME}`, the name.
fn name(text: &[u8]) -> Option<&[u8]> {
    let text = text.strip_prefix(b"{")?;
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let len = text.iter().take_while(|byte| part(byte)).count();
    let name = &text[..len];
    let begins_well = name.first().is_some_and(|first| !first.is_ascii_digit());
    (begins_well && text.get(len) == Some(&b'}')).then_some(name)
}

struct Words {
    all: Vec<Vec<u8>>,
    /// What comes next begins a new word.
    between: bool,
}

impl Default for Words {
    fn default() -> Words {
        Words {
            all: Vec::new(),
            between: true,
        }
    }
}

impl Words {
    /// A new word where the last one has ended, which may stay empty.
    fn begin(&mut self) {
        if std::mem::take(&mut self.between) {
            self.all.push(Vec::new());
        }
    }

    fn push(&mut self, byte: u8) {
        self.begin();
        if let Some(last) = self.all.last_mut() {
            last.push(byte);
        }
    }
}
