//! POSIX extended regular expressions (regex(7)) as the C library's regcomp(3) reads them, for the engine of the `regex` crate.
//!
//! Only whether there is a match is asked. The two agree on that wherever an expression can be translated, and what cannot be
//! is an error: back-references. `docs/names.md` says what remains.

mod bracket;
mod token;

use std::fmt;

use regex::bytes::{Regex, RegexBuilder};

use token::{Token, Tokens};

/// Deeper than this nothing is nested.
const DEPTH: usize = 200;
/// `RE_DUP_MAX`.
const MOST: u32 = 32767;

/// Why an expression is none, in the words of regerror(3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    Pattern,
    Collation,
    Class,
    Backslash,
    BackReference,
    Bracket,
    Parenthesis,
    Brace,
    Count,
    Range,
    Repetition,
    TooBig,
    /// A back-reference, which the C library knows and this does not.
    Unsupported,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Wrong::Pattern => "Invalid regular expression",
            Wrong::Collation => "Invalid collation character",
            Wrong::Class => "Invalid character class name",
            Wrong::Backslash => "Trailing backslash",
            Wrong::BackReference => "Invalid back reference",
            Wrong::Bracket => "Unmatched [, [^, [:, [., or [=",
            Wrong::Parenthesis => "Unmatched ( or \\(",
            Wrong::Brace => "Unmatched \\{",
            Wrong::Count => "Invalid content of \\{\\}",
            Wrong::Range => "Invalid range end",
            Wrong::Repetition => "Invalid preceding regular expression",
            Wrong::TooBig => "Regular expression too big",
            Wrong::Unsupported => "back-references are not supported",
        })
    }
}

/// How an expression is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    /// The whole text must match: `^(...)$`.
    pub exact: bool,
    /// Capital and small letters are the same.
    pub ignore_case: bool,
    /// Characters are those of UTF-8; else bytes.
    pub utf8: bool,
}

/// An expression that is ready. One without anything special is compared as it is: compiling costs more than a small scan.
#[derive(Clone, Debug)]
pub enum Ere {
    Contains(Vec<u8>),
    Is(Vec<u8>),
    Matches(Regex),
    /// An expression in capital letters, on texts that are made so.
    MatchesCapitals(Regex, bool),
}

impl Ere {
    /// Reads an expression.
    pub fn new(pattern: &[u8], reading: Reading) -> Result<Ere, Wrong> {
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b" _-,:;/@%=~#&!\"'<>".contains(b);
        if !reading.ignore_case && !pattern.is_empty() && pattern.iter().all(plain) {
            return Ok(match reading.exact {
                true => Ere::Is(pattern.to_vec()),
                false => Ere::Contains(pattern.to_vec()),
            });
        }
        let text = match reading.exact {
            true => translate(&[b"^(", pattern, b")$"].concat(), reading)?,
            false => translate(pattern, reading)?,
        };
        RegexBuilder::new(&text)
            .unicode(reading.utf8)
            .dot_matches_new_line(true)
            .build()
            .map(|regex| match reading.ignore_case {
                true => Ere::MatchesCapitals(regex, reading.utf8),
                false => Ere::Matches(regex),
            })
            .map_err(|_| Wrong::TooBig)
    }

    /// Whether it matches somewhere in the text.
    pub fn is_match(&self, text: &[u8]) -> bool {
        match self {
            Ere::Contains(part) => text.windows(part.len()).any(|window| window == part),
            Ere::Is(whole) => text == whole,
            Ere::Matches(regex) => regex.is_match(text),
            Ere::MatchesCapitals(regex, utf8) => regex.is_match(&capitals(text, *utf8)),
        }
    }
}

/// Letter by letter, as the C library compares where capital and small letters are the same.
fn capitals(text: &[u8], utf8: bool) -> Vec<u8> {
    if !utf8 || text.is_ascii() {
        return text.to_ascii_uppercase();
    }
    let mut out = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        let letters: String = chunk.valid().chars().map(token::capital).collect();
        out.extend_from_slice(letters.as_bytes());
        out.extend_from_slice(chunk.invalid());
    }
    out
}

/// The same in the syntax of the `regex` crate.
fn translate(pattern: &[u8], reading: Reading) -> Result<String, Wrong> {
    let mut parser = Parser {
        tokens: Tokens::new(pattern, reading.utf8, reading.ignore_case),
        out: String::with_capacity(pattern.len() * 2),
        groups: 0,
        closed: Vec::new(),
    };
    parser.next();
    parser.alternatives(0)?;
    Ok(parser.out)
}

struct Parser {
    tokens: Tokens,
    out: String,
    /// How many groups have been opened, and which have been closed.
    groups: usize,
    closed: Vec<usize>,
}

impl Parser {
    fn next(&mut self) {
        self.tokens.advance();
    }

    fn token(&self) -> &Token {
        &self.tokens.now
    }

    /// Whether a branch is over.
    fn is_over(&self, depth: usize) -> bool {
        match self.token() {
            Token::End | Token::Or => true,
            Token::Close => depth > 0,
            _ => false,
        }
    }

    fn alternatives(&mut self, depth: usize) -> Result<(), Wrong> {
        if depth > DEPTH {
            return Err(Wrong::TooBig);
        }
        loop {
            while !self.is_over(depth) {
                self.expression(depth)?;
            }
            if *self.token() != Token::Or {
                return Ok(());
            }
            self.out.push('|');
            self.next();
        }
    }

    /// One thing and how often it is repeated.
    fn expression(&mut self, depth: usize) -> Result<(), Wrong> {
        let start = self.out.len();
        match self.token().clone() {
            // An anchor is not repeated: what follows stands at a beginning again.
            Token::Anchor(text) => {
                self.out.push_str(text);
                self.next();
                return Ok(());
            }
            Token::Star | Token::Plus | Token::Maybe | Token::OpenCount => {
                return Err(Wrong::Repetition);
            }
            Token::Backslash => return Err(Wrong::Backslash),
            Token::BackReference(number) => {
                return Err(match self.closed.contains(&number) {
                    true => Wrong::Unsupported,
                    false => Wrong::BackReference,
                });
            }
            Token::Open => self.group(depth)?,
            Token::Bracket => {
                let class = bracket::translate(&mut self.tokens)?;
                self.out.push_str(&class);
            }
            Token::Any => self.out.push('.'),
            Token::Class(text) => self.out.push_str(text),
            Token::Char(c) => literal(&mut self.out, c),
            Token::Byte(byte) => self.out.push_str(&format!("(?-u:\\x{byte:02x})")),
            // Where no group is open it stands for itself, as a brace that closes nothing does.
            Token::Close => self.out.push_str("\\)"),
            Token::CloseCount => self.out.push_str("\\}"),
            Token::Or | Token::End => return Ok(()),
        }
        self.next();
        self.repetitions(start)
    }

    fn group(&mut self, depth: usize) -> Result<(), Wrong> {
        self.groups += 1;
        let number = self.groups;
        self.out.push_str("(?:");
        self.next();
        self.alternatives(depth + 1)?;
        if *self.token() != Token::Close {
            return Err(Wrong::Parenthesis);
        }
        self.out.push(')');
        self.closed.push(number);
        Ok(())
    }

    fn repetitions(&mut self, start: usize) -> Result<(), Wrong> {
        for _ in 0..DEPTH {
            let how = match self.token() {
                Token::Star => "*".to_owned(),
                Token::Plus => "+".to_owned(),
                Token::Maybe => "?".to_owned(),
                Token::OpenCount => self.count()?,
                _ => return Ok(()),
            };
            // What is repeated again is a group first: `a+?` would be something else there.
            self.out.insert_str(start, "(?:");
            self.out.push(')');
            self.out.push_str(&how);
            self.next();
        }
        Err(Wrong::TooBig)
    }

    /// `{n}`, `{n,}`, `{,m}`, `{n,m}`. Leaves the closing brace as the token.
    fn count(&mut self) -> Result<String, Wrong> {
        let start = match self.number()? {
            Number::Is(number) => number,
            Number::None if self.is_comma() => 0,
            Number::None => return Err(Wrong::Count),
        };
        let end = match self.is_comma() {
            false => Some(start),
            true => match self.number()? {
                Number::Is(number) => Some(number),
                Number::None => None,
            },
        };
        if *self.token() != Token::CloseCount || end.is_some_and(|end| start > end) {
            return Err(Wrong::Count);
        }
        if end.unwrap_or(start) > MOST {
            return Err(Wrong::TooBig);
        }
        Ok(match end {
            Some(end) => format!("{{{start},{end}}}"),
            None => format!("{{{start},}}"),
        })
    }

    fn is_comma(&self) -> bool {
        *self.token() == Token::Char(',')
    }

    fn number(&mut self) -> Result<Number, Wrong> {
        let (mut number, mut wrong) = (Number::None, false);
        loop {
            self.next();
            match *self.token() {
                Token::End => return Err(Wrong::Brace),
                Token::CloseCount | Token::Char(',') => break,
                Token::Char(digit @ '0'..='9') => {
                    let before = match number {
                        Number::Is(before) => before,
                        Number::None => 0,
                    };
                    let digit = u32::from(digit) - u32::from('0');
                    number = Number::Is((before * 10 + digit).min(MOST + 1));
                }
                _ => wrong = true,
            }
        }
        match wrong {
            true => Err(Wrong::Count),
            false => Ok(number),
        }
    }
}

enum Number {
    Is(u32),
    None,
}

/// A character that stands for itself.
fn literal(out: &mut String, c: char) {
    if c.is_ascii() && !c.is_ascii_alphanumeric() {
        out.push_str(&format!("\\x{:02x}", u32::from(c)));
    } else {
        out.push(c);
    }
}

#[cfg(test)]
mod tests;
