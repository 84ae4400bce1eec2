//! The same expressions and texts to this and to the C library's own regcomp(3) and regexec(3).
#![allow(clippy::unwrap_used)]

use std::ffi::CString;

use super::{Ere, Reading, Wrong};

/// The C library's compiled expression.
struct Theirs(libc::regex_t);

impl Theirs {
    fn new(pattern: &str, ignore_case: bool) -> Result<Theirs, String> {
        let pattern = CString::new(pattern).unwrap();
        let icase = if ignore_case { libc::REG_ICASE } else { 0 };
        let flags = libc::REG_EXTENDED | libc::REG_NOSUB | icase;
        let mut text = [0u8; 256];
        #[allow(unsafe_code)]
        // SAFETY: all bytes 0 is a regex_t for regcomp to fill; the pattern ends with a NUL, the buffer's size is given.
        unsafe {
            let mut regex = std::mem::zeroed();
            let code = libc::regcomp(&raw mut regex, pattern.as_ptr(), flags);
            if code == 0 {
                return Ok(Theirs(regex));
            }
            libc::regerror(code, &raw const regex, text.as_mut_ptr().cast(), text.len());
        }
        let end = text.iter().position(|b| *b == 0).unwrap();
        Err(String::from_utf8(text[..end].to_vec()).unwrap())
    }

    fn is_match(&self, text: &str) -> bool {
        let text = CString::new(text).unwrap();
        #[allow(unsafe_code)]
        // SAFETY: compiled by regcomp, the text ends with a NUL, and no places are asked for.
        let code =
            unsafe { libc::regexec(&raw const self.0, text.as_ptr(), 0, std::ptr::null_mut(), 0) };
        code == 0
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        #[allow(unsafe_code)]
        // SAFETY: compiled by regcomp, and freed once.
        unsafe {
            libc::regfree(&raw mut self.0);
        }
    }
}

/// Both say the same: the same error, or the same matches. Returns whether it is a valid expression.
fn compare(pattern: &str, reading: Reading, texts: &[&str]) -> bool {
    let whole = format!("^({pattern})$");
    let asked = if reading.exact { &whole } else { pattern };
    let theirs = Theirs::new(asked, reading.ignore_case);
    let ours = Ere::new(pattern.as_bytes(), reading);
    match (&ours, &theirs) {
        (Err(Wrong::Unsupported), _) | (Err(Wrong::TooBig), _) => false,
        (Err(wrong), Err(text)) => {
            assert_eq!(&wrong.to_string(), text, "{pattern:?}: ours is on the left");
            false
        }
        (Ok(ours), Ok(theirs)) => {
            for text in texts {
                let (a, b) = (ours.is_match(text.as_bytes()), theirs.is_match(text));
                assert_eq!(
                    a, b,
                    "{pattern:?} on {text:?} {reading:?}: ours is on the left\n{ours:?}"
                );
            }
            true
        }
        _ => panic!(
            "{pattern:?}: ours {:?}, theirs {:?}",
            ours.map(|_| "valid"),
            theirs.map(|_| "valid")
        ),
    }
}

const TEXTS: [&str; 24] = [
    "",
    "a",
    "b",
    "ab",
    "ba",
    "aa",
    "aab",
    "abab",
    "a-b",
    "a b",
    "ab_1",
    "-",
    "]",
    "[",
    "^",
    "a^b",
    "$",
    "a)",
    "a}",
    "a{1}",
    "\\",
    "AbC",
    "kworker/0:1",
    "a.b+c",
];

#[test]
fn what_is_known_to_differ_between_the_two_syntaxes() {
    let patterns = [
        "",
        "a",
        "^a$",
        "a|b",
        "a||b",
        "|",
        "()",
        "(a|)b",
        "a+?",
        "a??",
        "a*?",
        "a*+",
        "a**",
        "a{2}?",
        "a{1}",
        "a{,2}",
        "a{1,}",
        "a{,}",
        "a{2,1}",
        "a{",
        "a{1",
        "a{x}",
        "a{}",
        "a{1,2,3}",
        "{1}",
        "}",
        "a}",
        ")",
        "a)",
        "(",
        "((a)",
        "*a",
        "+",
        "?",
        "^*",
        "a|*b",
        "(*a)",
        "(^)*",
        "$*",
        "a$b",
        "a^b",
        "\\",
        "a\\",
        "\\d",
        "\\n",
        "\\.",
        "\\(",
        "\\{",
        "\\}",
        "\\<a",
        "b\\>",
        "\\bb",
        "a\\B",
        "\\B",
        "\\b",
        "\\<",
        "\\>",
        "\\`a",
        "a\\'",
        "\\w+",
        "\\W",
        "\\s",
        "\\S",
        "[]]",
        "[^]]",
        "[]a]",
        "[a-]",
        "[-a]",
        "[--a]",
        "[a--]",
        "[a-z-9]",
        "[z-a]",
        "[",
        "[^",
        "[a",
        "[]",
        "[^]",
        "[a-",
        "[\\]",
        "[\\d]",
        "[[:alpha:]]",
        "[[:foo:]]",
        "[[:alpha:]",
        "[[:alpha",
        "[[.a.]]",
        "[[.a.]-c]",
        "[[=a=]]",
        "[[=a=]-c]",
        "[a-[:alpha:]]",
        "[[.foo.]]",
        "[[=ab=]]",
        "[[.]",
        "[&&a]",
        "[a~~b]",
        "[a--b]",
        "(?i)a",
        "(?:a)",
        "\\1",
        "(a\\1)",
        "a.b",
        "[^a]",
        "[[:^alpha:]]",
        "[[:space:][:digit:]]",
        "[+--]",
        "[%--]",
        "x{3}{2}",
        "a{40000}",
        "\\x41",
        "\\p{L}",
        "\\/",
        "a{1\\,2}",
        "[[]",
        "[[:]",
        "[[=]",
        "a\\{1\\}",
        "\\^",
        "\\$a",
        "^^a",
        "a$$",
        "(^a|b$)",
    ];
    for pattern in patterns {
        for exact in [false, true] {
            for ignore_case in [false, true] {
                let reading = Reading {
                    exact,
                    ignore_case,
                    utf8: false,
                };
                compare(pattern, reading, &TEXTS);
            }
        }
    }
}

/// Expressions at random, out of the pieces that mean something: a fixed seed, so that each run asks the same. `WIGWAG_SOAK` is how
/// many times as many are asked.
#[test]
fn expressions_at_random() {
    const PIECES: [&str; 44] = [
        "a",
        "b",
        "A",
        "1",
        "-",
        "_",
        ".",
        "*",
        "+",
        "?",
        "|",
        "(",
        ")",
        "{",
        "}",
        "{1}",
        "{0,2}",
        "{2,}",
        ",",
        "[",
        "]",
        "[^",
        "^",
        "$",
        "\\",
        "\\<",
        "\\>",
        "\\b",
        "\\B",
        "\\w",
        "\\W",
        "\\s",
        "[ab]",
        "[^a]",
        "[a-b]",
        "[[:alpha:]]",
        "[[:digit:]",
        "[:",
        ":]",
        "[.",
        "=]",
        "\\.",
        " ",
        "&&",
    ];
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let laps = std::env::var("WIGWAG_SOAK").ok();
    let laps: usize = laps.and_then(|laps| laps.parse().ok()).unwrap_or(1);
    let mut valid = 0;
    for _ in 0..20_000 * laps {
        let pattern: String = (0..1 + random(7))
            .map(|_| PIECES[random(PIECES.len())])
            .collect();
        let reading = Reading {
            exact: random(4) == 0,
            ignore_case: random(3) == 0,
            utf8: false,
        };
        valid += usize::from(compare(&pattern, reading, &TEXTS));
    }
    println!("{} expressions, {valid} of them valid", 20_000 * laps);
    assert!(valid > 5_000, "{valid} of them were valid");
}

#[test]
fn characters_of_utf8() {
    let reading = Reading {
        utf8: true,
        ..Reading::default()
    };
    let is = |pattern: &[u8], text: &str| {
        Ere::new(pattern, reading)
            .unwrap()
            .is_match(text.as_bytes())
    };
    assert!(
        is("^.$".as_bytes(), "é") && is("^[é-ü]$".as_bytes(), "ö") && is(b"^[[:alpha:]]$", "é")
    );
    assert!(
        is(b"^\\w$", "é")
            && is(b"^[^a]$", "é")
            && !is(b"[[:punct:]]", "é")
            && is(b"[[:print:]]", "é")
    );
    assert!(
        !is(b"^[[:digit:]]$", "\u{663}") && is(b"^[[:punct:]]$", "-") && is(b"^[[:graph:]]$", "-")
    );
    assert!(!is(b"\xff", "ÿ") && !is(b"[\xff]", "ÿ") && is(b"^[^\xff]$", "ÿ"));
    assert_eq!(
        Ere::new("[[=é=]]".as_bytes(), reading).unwrap_err(),
        Wrong::Collation
    );
    let folded = Reading {
        ignore_case: true,
        ..reading
    };
    assert!(
        Ere::new("É".as_bytes(), folded)
            .unwrap()
            .is_match("é".as_bytes())
    );
    let bytes = Ere::new("^..$".as_bytes(), Reading::default()).unwrap();
    assert!(bytes.is_match("é".as_bytes()));
}

#[test]
fn back_references_are_told_and_depth_is_bounded() {
    let read = |pattern: &str| Ere::new(pattern.as_bytes(), Reading::default()).map(|_| ());
    assert_eq!(read("(a)\\1"), Err(Wrong::Unsupported));
    assert_eq!(read(&"(".repeat(100_000)), Err(Wrong::TooBig));
    assert_eq!(
        read(&format!("a{}", "*".repeat(100_000))),
        Err(Wrong::TooBig)
    );
    assert_eq!(read("(((a{1000}){1000}){1000})"), Err(Wrong::TooBig));
}
