//! `[...]`: sets of characters.

use super::Wrong;
use super::token::{Tokens, Unit};

/// The longest name of a class.
const NAME: usize = 31;

/// One thing in the brackets.
enum Element {
    Char(Unit),
    /// `[.x.]`, `[=x=]` or `[:x:]`: which, and the x.
    Named(char, Vec<Unit>),
}

impl Element {
    /// As one character.
    fn char(&self) -> Result<Unit, Wrong> {
        match self {
            Element::Char(unit) => Ok(*unit),
            Element::Named(_, name) => match name.as_slice() {
                &[Unit::Char(c)] if c.is_ascii() => Ok(Unit::Char(c)),
                _ => Err(Wrong::Collation),
            },
        }
    }

    /// Whether it is no end of a range.
    fn is_set(&self) -> bool {
        matches!(self, Element::Named('=' | ':', _))
    }
}

/// Reads from behind the opening bracket to behind the closing one; in the syntax of the `regex` crate.
pub(super) fn translate(tokens: &mut Tokens) -> Result<String, Wrong> {
    let negated = tokens.comes(0, '^');
    tokens.skip(usize::from(negated));
    let mut out = String::new();
    if tokens.peek(0).is_none() {
        return Err(Wrong::Pattern);
    }
    let mut first = true;
    while first || !tokens.comes(0, ']') {
        let start = element(tokens, first)?;
        first = false;
        if !start.is_set() && tokens.peek(0).is_none() {
            return Err(Wrong::Bracket);
        }
        // A hyphen before the end is one.
        let range = !start.is_set() && tokens.comes(0, '-') && !tokens.comes(1, ']');
        if !range {
            match &start {
                Element::Named(':', name) => out.push_str(&class(name, tokens)?),
                _ => push(&mut out, start.char()?, start.char()?, tokens.utf8),
            }
            continue;
        }
        tokens.skip(1);
        if tokens.peek(0).is_none() {
            return Err(Wrong::Bracket);
        }
        let end = element(tokens, true)?;
        if end.is_set() {
            return Err(Wrong::Range);
        }
        let (start, end) = (start.char()?, end.char()?);
        if code(start) > code(end) {
            return Err(Wrong::Range);
        }
        if tokens.peek(0).is_none() {
            return Err(Wrong::Bracket);
        }
        push(&mut out, start, end, tokens.utf8);
    }
    tokens.skip(1);
    Ok(match (out.is_empty(), negated) {
        (false, false) => format!("[{out}]"),
        (false, true) => format!("[^{out}]"),
        // Bytes that are no characters, which no text has.
        (true, false) => "[^\\x{0}-\\x{10ffff}]".to_owned(),
        (true, true) => ".".to_owned(),
    })
}

/// A character, `[.x.]`, `[=x=]` or `[:name:]`. A hyphen that neither begins nor ends anything is refused.
fn element(tokens: &mut Tokens, hyphen: bool) -> Result<Element, Wrong> {
    let unit = tokens.plain().ok_or(Wrong::Bracket)?;
    let second = match tokens.peek(1) {
        Some(Unit::Char(c @ ('.' | '=' | ':'))) if unit == Unit::Char('[') => Some(c),
        _ => None,
    };
    let Some(kind) = second else {
        if unit == Unit::Char('-') && !hyphen && !tokens.comes(1, ']') {
            return Err(Wrong::Range);
        }
        tokens.skip(1);
        return Ok(Element::Char(unit));
    };
    tokens.skip(2);
    let mut name = Vec::new();
    while !(tokens.comes(0, kind) && tokens.comes(1, ']')) {
        let unit = match kind {
            ':' => tokens.peek(0),
            _ => tokens.plain(),
        };
        match unit {
            Some(unit) if name.len() <= NAME => name.push(unit),
            _ => return Err(Wrong::Bracket),
        }
        tokens.skip(1);
    }
    tokens.skip(2);
    Ok(Element::Named(kind, name))
}

fn code(unit: Unit) -> u32 {
    match unit {
        Unit::Char(c) => u32::from(c),
        Unit::Byte(byte) => u32::from(byte),
    }
}

/// Adds a range, or one character; nothing where it is of bytes that no character is.
fn push(out: &mut String, start: Unit, end: Unit, utf8: bool) {
    match (utf8, start, end) {
        (true, Unit::Char(start), Unit::Char(end)) => {
            let (start, end) = (u32::from(start), u32::from(end));
            out.push_str(&format!("\\x{{{start:x}}}-\\x{{{end:x}}}"));
        }
        (true, ..) => {}
        (false, start, end) => {
            let (start, end) = (code(start), code(end));
            out.push_str(&format!("\\x{start:02x}-\\x{end:02x}"));
        }
    }
}

/// A class by its name. Beyond ASCII it is what Unicode says, which is nearly what the C library's locales say.
fn class(name: &[Unit], tokens: &Tokens) -> Result<String, Wrong> {
    let letter = |unit: &Unit| match unit {
        Unit::Char(c) => Some(*c),
        Unit::Byte(_) => None,
    };
    let name: Option<String> = name.iter().map(letter).collect();
    let name = name.ok_or(Wrong::Class)?;
    let name = match name.as_str() {
        "upper" | "lower" if tokens.capitals => "alpha",
        name => name,
    };
    let wide = match name {
        "alpha" => "\\p{Alphabetic}",
        "alnum" => "\\p{Alphabetic}\\p{Nd}",
        "upper" => "\\p{Uppercase}",
        "lower" => "\\p{Lowercase}",
        "space" => "\\s",
        "punct" => "[[\\p{P}\\p{S}]--\\p{Alphabetic}]",
        "print" => "\\P{C}",
        "graph" => "[\\P{C}--\\p{Z}]",
        "cntrl" => "\\p{Cc}",
        "digit" | "xdigit" | "blank" => "",
        _ => return Err(Wrong::Class),
    };
    Ok(match tokens.utf8 && !wide.is_empty() {
        true => wide.to_owned(),
        false => format!("[:{name}:]"),
    })
}
