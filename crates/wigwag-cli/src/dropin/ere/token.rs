//! The words of an extended regular expression.

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    End,
    Char(char),
    /// A byte that is no character of its own: part of no UTF-8, or beyond ASCII where characters are bytes.
    Byte(u8),
    Any,
    /// `[`; what follows is read otherwise.
    Bracket,
    Open,
    Close,
    Or,
    Star,
    Plus,
    Maybe,
    OpenCount,
    CloseCount,
    /// A place, in the syntax of the `regex` crate.
    Anchor(&'static str),
    /// `\w` and the like, in the syntax of the `regex` crate.
    Class(&'static str),
    BackReference(usize),
    /// A backslash at the end.
    Backslash,
}

/// An expression, character by character, and the word that it stands at.
pub(super) struct Tokens {
    chars: Vec<Unit>,
    at: usize,
    pub(super) utf8: bool,
    /// Everything is a capital letter: the texts that are compared are made so too.
    pub(super) capitals: bool,
    pub(super) now: Token,
}

/// A character, or a byte that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Char(char),
    Byte(u8),
}

impl Tokens {
    pub(super) fn new(pattern: &[u8], utf8: bool, capitals: bool) -> Tokens {
        let mut chars = Vec::with_capacity(pattern.len());
        let byte = |b: &u8| match b.is_ascii() {
            true => Unit::Char(char::from(*b)),
            false => Unit::Byte(*b),
        };
        if utf8 {
            for chunk in pattern.utf8_chunks() {
                chars.extend(chunk.valid().chars().map(Unit::Char));
                chars.extend(chunk.invalid().iter().map(byte));
            }
        } else {
            chars.extend(pattern.iter().map(byte));
        }
        Tokens {
            chars,
            at: 0,
            utf8,
            capitals,
            now: Token::End,
        }
    }

    /// What comes next, to stand for itself.
    pub(super) fn plain(&self) -> Option<Unit> {
        match self.peek(0) {
            Some(Unit::Char(c)) if self.capitals => Some(Unit::Char(capital(c))),
            other => other,
        }
    }

    /// What comes `further` on, as it is.
    pub(super) fn peek(&self, further: usize) -> Option<Unit> {
        self.chars.get(self.at + further).copied()
    }

    /// Whether this character comes `further` on.
    pub(super) fn comes(&self, further: usize, c: char) -> bool {
        self.peek(further) == Some(Unit::Char(c))
    }

    pub(super) fn skip(&mut self, many: usize) {
        self.at = (self.at + many).min(self.chars.len());
    }

    /// Goes on to the next word.
    pub(super) fn advance(&mut self) {
        let unit = self.plain();
        self.skip(1);
        self.now = match unit {
            None => Token::End,
            Some(Unit::Byte(byte)) => Token::Byte(byte),
            Some(Unit::Char('\\')) => self.escaped(),
            Some(Unit::Char(c)) => match c {
                '.' => Token::Any,
                '[' => Token::Bracket,
                '(' => Token::Open,
                ')' => Token::Close,
                '|' => Token::Or,
                '*' => Token::Star,
                '+' => Token::Plus,
                '?' => Token::Maybe,
                '{' => Token::OpenCount,
                '}' => Token::CloseCount,
                '^' => Token::Anchor("\\A"),
                '$' => Token::Anchor("\\z"),
                c => Token::Char(c),
            },
        };
    }

    fn escaped(&mut self) -> Token {
        let unit = self.peek(0);
        self.skip(1);
        let c = match unit {
            None => return Token::Backslash,
            Some(Unit::Byte(byte)) => return Token::Byte(byte),
            Some(Unit::Char(c)) => c,
        };
        match c {
            '1'..='9' => Token::BackReference(c as usize - '0' as usize),
            '<' => Token::Anchor("\\b{start}"),
            '>' => Token::Anchor("\\b{end}"),
            'b' => Token::Anchor("\\b"),
            'B' => Token::Anchor("\\B"),
            '`' => Token::Anchor("\\A"),
            '\'' => Token::Anchor("\\z"),
            'w' => Token::Class("\\w"),
            'W' => Token::Class("\\W"),
            's' => Token::Class("\\s"),
            'S' => Token::Class("\\S"),
            c => Token::Char(c),
        }
    }
}

/// The capital letter of one; itself where that is none, or several.
pub(super) fn capital(c: char) -> char {
    let mut letters = c.to_uppercase();
    match (letters.next(), letters.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}
