//! Words read as getopt_long(3) of the GNU C library reads them: clusters, abbreviations, options after words.
//!
//! Where a reading is odd, as that of a word with one dash by getopt_long_only, scripts depend on it all the same.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Whether an option has an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    Nothing,
    /// In the word, or the next one.
    One,
    /// Only in the word, after `=`.
    Perhaps,
}

/// An option with two dashes.
#[derive(Clone, Copy, Debug)]
pub struct Long {
    pub name: &'static str,
    pub takes: Takes,
    /// What is returned for it: a short option's letter, or a number beyond them.
    pub code: u16,
}

impl Long {
    pub const fn new(name: &'static str, takes: Takes, code: u16) -> Long {
        Long { name, takes, code }
    }
}

/// All options that there are.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Letters; one that takes an argument has a colon after it.
    pub short: &'static str,
    /// None at all is getopt(3), which takes the second dash for a letter.
    pub long: &'static [Long],
    /// Long options may have one dash.
    pub one_dash: bool,
    /// The first word that is no option ends them.
    pub in_order: bool,
}

/// An option that was found, with its argument.
pub type Found = (u16, Option<OsString>);

/// The words, and how far they are read.
#[derive(Debug)]
pub struct Getopt {
    options: Options,
    /// The words, the program's name first. Those that are no options go to the end while they are read.
    pub words: Vec<OsString>,
    /// The word that is read next (`optind`).
    pub index: usize,
    /// Words that were passed over are from here ...
    first: usize,
    /// ... to before here.
    last: usize,
    /// What is left of a cluster.
    rest: Vec<u8>,
}

impl Getopt {
    /// `POSIXLY_CORRECT` in the environment has the same effect as `in_order`.
    pub fn new(mut options: Options, words: Vec<OsString>) -> Getopt {
        options.in_order |= std::env::var_os("POSIXLY_CORRECT").is_some();
        Getopt {
            options,
            words,
            index: 1,
            first: 1,
            last: 1,
            rest: Vec::new(),
        }
    }

    /// Puts these words in the place of all that were read, and begins anew.
    pub fn begin_with(&mut self, words: Vec<OsString>) {
        let rest = self.words.split_off(self.index.min(self.words.len()));
        self.words.truncate(1);
        self.words.extend(words);
        self.words.extend(rest);
        (self.index, self.first, self.last) = (1, 1, 1);
        self.rest.clear();
    }

    /// Whether letters of a cluster are left.
    pub fn is_within(&self) -> bool {
        !self.rest.is_empty()
    }

    /// The words after the options, once there are no more of them.
    pub fn operands(self) -> Vec<OsString> {
        self.words.into_iter().skip(self.index).collect()
    }

    fn is_option(&self, index: usize) -> bool {
        let word = self.words[index].as_bytes();
        word.len() > 1 && word[0] == b'-'
    }

    /// Moves the words that were passed over behind the options that were read since.
    fn pass_over(&mut self) {
        if self.first != self.last && self.last != self.index {
            let moved = self.last - self.first;
            self.words[self.first..self.index].rotate_left(moved);
            self.first += self.index - self.last;
            self.last = self.index;
        } else if self.last != self.index {
            self.first = self.index;
        }
    }

    /// The next option; what is wrong with it; or `None` where there are no more.
    pub fn next(&mut self) -> Option<Result<Found, String>> {
        if !self.rest.is_empty() {
            return Some(self.letter());
        }
        let count = self.words.len();
        if !self.options.in_order {
            self.pass_over();
            while self.index < count && !self.is_option(self.index) {
                self.index += 1;
            }
            self.last = self.index;
        }
        if self.index < count && self.words[self.index] == "--" {
            self.index += 1;
            if self.first != self.last && self.last != self.index {
                self.pass_over();
            } else if self.first == self.last {
                self.first = self.index;
            }
            (self.last, self.index) = (count, count);
        }
        if self.index >= count {
            if self.first != self.last {
                self.index = self.first;
            }
            return None;
        }
        if !self.is_option(self.index) {
            return None;
        }
        let word = self.words[self.index].as_bytes();
        if let Some(name) = word.strip_prefix(b"--")
            && !self.options.long.is_empty()
        {
            let name = name.to_vec();
            return self.long("--", &name);
        }
        let cluster = word[1..].to_vec();
        if self.options.one_dash && (cluster.len() > 1 || self.short(cluster[0]).is_none()) {
            let found = self.long("-", &cluster);
            if found.is_some() {
                return found;
            }
        }
        self.rest = cluster;
        Some(self.letter())
    }

    fn short(&self, letter: u8) -> Option<Takes> {
        let short = self.options.short.as_bytes();
        let at = short
            .iter()
            .position(|known| *known == letter && letter != b':')?;
        Some(match short.get(at + 1) {
            Some(b':') => Takes::One,
            _ => Takes::Nothing,
        })
    }

    /// One letter of a cluster.
    fn letter(&mut self) -> Result<Found, String> {
        let letter = self.rest.remove(0);
        if self.rest.is_empty() {
            self.index += 1;
        }
        let shown = OsStr::from_bytes(&[letter]).to_string_lossy().into_owned();
        match self.short(letter) {
            None => Err(format!("invalid option -- '{shown}'")),
            Some(Takes::Nothing | Takes::Perhaps) => Ok((letter.into(), None)),
            Some(Takes::One) => {
                let rest = std::mem::take(&mut self.rest);
                let argument = if !rest.is_empty() {
                    Some(OsString::from_vec(rest))
                } else {
                    self.words.get(self.index).cloned()
                };
                let missing = format!("option requires an argument -- '{shown}'");
                if self.index >= self.words.len() {
                    return Err(missing);
                }
                self.index += 1;
                Ok((letter.into(), argument))
            }
        }
    }

    /// A long option; `None` where it may be a cluster.
    fn long(&mut self, dashes: &str, text: &[u8]) -> Option<Result<Found, String>> {
        let (name, value) = match text.iter().position(|byte| *byte == b'=') {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        let long = self.options.long;
        let exact = long.iter().find(|known| known.name.as_bytes() == name);
        let begin: Vec<&Long> = long
            .iter()
            .filter(|known| known.name.as_bytes().starts_with(name))
            .collect();
        let first = begin.first().copied();
        let shown = String::from_utf8_lossy(text);
        let known = match (exact, first) {
            (Some(known), _) => known,
            (None, Some(first)) => {
                let differs = |other: &&Long| {
                    self.options.one_dash || (other.takes, other.code) != (first.takes, first.code)
                };
                if begin[1..].iter().any(differs) {
                    let all: Vec<String> = begin
                        .iter()
                        .map(|l| format!(" '{dashes}{}'", l.name))
                        .collect();
                    self.index += 1;
                    return Some(Err(format!(
                        "option '{dashes}{shown}' is ambiguous; possibilities:{}",
                        all.concat()
                    )));
                }
                first
            }
            (None, None) => {
                let cluster = self.options.one_dash && dashes == "-";
                if cluster
                    && text
                        .first()
                        .is_some_and(|letter| self.short(*letter).is_some())
                {
                    return None;
                }
                self.index += 1;
                return Some(Err(format!("unrecognized option '{dashes}{shown}'")));
            }
        };
        let known = *known;
        self.index += 1;
        let value = value.map(|value| OsString::from_vec(value.to_vec()));
        Some(match (known.takes, value) {
            (Takes::Nothing, Some(_)) => Err(format!(
                "option '{dashes}{}' doesn't allow an argument",
                known.name
            )),
            (Takes::One, None) => match self.words.get(self.index).cloned() {
                Some(next) => {
                    self.index += 1;
                    Ok((known.code, Some(next)))
                }
                None => Err(format!(
                    "option '{dashes}{}' requires an argument",
                    known.name
                )),
            },
            (_, value) => Ok((known.code, value)),
        })
    }
}
