//! Options as getopt_long(3) of the C library reads them: clusters, abbreviated long options, options after operands, and its
//! messages.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// A long option.
#[derive(Debug)]
pub struct Long {
    /// Without the hyphens.
    pub name: &'static str,
    /// Whether it has an argument.
    pub takes: bool,
    /// What it is: the letter of the short one that is the same, or a number of its own.
    pub is: char,
}

/// The words after the name.
#[derive(Debug)]
pub struct Getopt {
    short: String,
    long: &'static [Long],
    words: VecDeque<OsString>,
    /// What is left of a cluster.
    cluster: Vec<u8>,
    operands: Vec<OsString>,
    /// Whether the first operand ends the options.
    posix: bool,
}

impl Getopt {
    /// `short` is as for getopt(3): a colon after a letter that takes an argument. With `POSIXLY_CORRECT` in the environment the
    /// first operand ends the options.
    pub fn new(short: &str, long: &'static [Long], words: Vec<OsString>) -> Getopt {
        Getopt {
            short: short.to_owned(),
            long,
            words: words.into(),
            cluster: Vec::new(),
            operands: Vec::new(),
            posix: std::env::var_os("POSIXLY_CORRECT").is_some(),
        }
    }

    /// The next option and its argument; `None` when there are no more.
    ///
    /// # Errors
    /// The message, without the tool's name before it.
    pub fn option(&mut self) -> Result<Option<(char, OsString)>, OsString> {
        if !self.cluster.is_empty() {
            return self.letter().map(Some);
        }
        while let Some(word) = self.words.pop_front() {
            let bytes = word.as_bytes();
            if bytes == b"--" {
                break;
            }
            if let Some(long) = bytes.strip_prefix(b"--") {
                return self.word(long).map(Some);
            }
            if let Some(cluster) = bytes.strip_prefix(b"-").filter(|rest| !rest.is_empty()) {
                self.cluster = cluster.to_vec();
                return self.letter().map(Some);
            }
            if self.posix {
                self.words.push_front(word);
                break;
            }
            self.operands.push(word);
        }
        Ok(None)
    }

    /// The operands, when there are no more options.
    pub fn operands(self) -> Vec<OsString> {
        self.operands.into_iter().chain(self.words).collect()
    }

    fn letter(&mut self) -> Result<(char, OsString), OsString> {
        let letter = self.cluster.remove(0);
        let place = self.short.bytes().position(|known| known == letter);
        let Some(place) = place.filter(|_| letter != b':') else {
            return Err(message(b"invalid option -- '", &[letter], b"'"));
        };
        let is = char::from(letter);
        if self.short.as_bytes().get(place + 1) != Some(&b':') {
            return Ok((is, OsString::new()));
        }
        if !self.cluster.is_empty() {
            return Ok((is, OsString::from_vec(std::mem::take(&mut self.cluster))));
        }
        match self.words.pop_front() {
            Some(argument) => Ok((is, argument)),
            None => Err(message(
                b"option requires an argument -- '",
                &[letter],
                b"'",
            )),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(char, OsString), OsString> {
        let equals = word.iter().position(|b| *b == b'=');
        let (name, argument) = match equals {
            Some(at) => (&word[..at], Some(OsStr::from_bytes(&word[at + 1..]))),
            None => (word, None),
        };
        let long = self.find(name, word)?;
        let quoted = long.name.as_bytes();
        match (long.takes, argument) {
            (false, None) => Ok((long.is, OsString::new())),
            (false, Some(_)) => Err(message(
                b"option '--",
                quoted,
                b"' doesn't allow an argument",
            )),
            (true, Some(argument)) => Ok((long.is, argument.to_owned())),
            (true, None) => match self.words.pop_front() {
                Some(argument) => Ok((long.is, argument)),
                None => Err(message(b"option '--", quoted, b"' requires an argument")),
            },
        }
    }

    fn find(&self, name: &[u8], word: &[u8]) -> Result<&'static Long, OsString> {
        if let Some(exact) = self.long.iter().find(|long| long.name.as_bytes() == name) {
            return Ok(exact);
        }
        let begins = |long: &&Long| long.name.as_bytes().starts_with(name);
        let mut all = self.long.iter().filter(begins);
        let Some(first) = all.next() else {
            return Err(message(b"unrecognized option '--", word, b"'"));
        };
        let same = |long: &Long| long.is == first.is && long.takes == first.takes;
        if all.all(same) {
            return Ok(first);
        }
        let mut text = [b"option '--", word, b"' is ambiguous; possibilities:"].concat();
        for long in self.long.iter().filter(begins) {
            text.extend_from_slice(format!(" '--{}'", long.name).as_bytes());
        }
        Err(OsString::from_vec(text))
    }
}

fn message(before: &[u8], word: &[u8], after: &[u8]) -> OsString {
    OsString::from_vec([before, word, after].concat())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const LONG: &[Long] = &[
        Long {
            name: "pidfile",
            takes: true,
            is: 'F',
        },
        Long {
            name: "pid",
            takes: true,
            is: 'p',
        },
        Long {
            name: "full",
            takes: false,
            is: 'f',
        },
    ];

    fn read(words: &[&str]) -> Result<String, String> {
        let words = words.iter().map(OsString::from).collect();
        let mut options = Getopt::new("fF:p:", LONG, words);
        let mut said = String::new();
        loop {
            match options.option() {
                Ok(Some((is, argument))) => said += &format!("{is}{} ", argument.display()),
                Ok(None) => break,
                Err(error) => return Err(error.into_string().unwrap()),
            }
        }
        let rest = options.operands();
        let rest: Vec<_> = rest.iter().map(|word| word.to_str().unwrap()).collect();
        Ok(said + &rest.join(","))
    }

    #[test]
    fn options_in_every_form() {
        assert_eq!(
            read(&["-fF1", "x", "-p", "2", "-"]),
            Ok("f F1 p2 x,-".into())
        );
        assert_eq!(
            read(&["--fu", "--pidf=1", "--pid", "2", "--", "-f"]),
            Ok("f F1 p2 -f".into())
        );
        assert_eq!(read(&["-x"]), Err("invalid option -- 'x'".into()));
        assert_eq!(read(&["-:"]), Err("invalid option -- ':'".into()));
        assert_eq!(
            read(&["-fp"]),
            Err("option requires an argument -- 'p'".into())
        );
        assert_eq!(
            read(&["--full=1"]),
            Err("option '--full' doesn't allow an argument".into())
        );
        assert_eq!(
            read(&["--pidfi"]),
            Err("option '--pidfile' requires an argument".into())
        );
        assert_eq!(
            read(&["--nope=1"]),
            Err("unrecognized option '--nope=1'".into())
        );
        let ambiguous = "option '--p' is ambiguous; possibilities: '--pidfile' '--pid'";
        assert_eq!(read(&["--p"]), Err(ambiguous.into()));
    }
}
