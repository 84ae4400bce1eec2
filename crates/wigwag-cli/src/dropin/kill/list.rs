//! `-l`, `-L` and `-t`: lists of signals, and names for numbers.

use std::fmt::Write;
use std::io::IsTerminal;

use wigwag::Signal;

use super::options::text_of;
use super::signals::{decimal, in_status, name_of, names, number_of, signal};
use super::{Call, FAILURE, SUCCESS, Wrong, say};

/// The width of lines of names.
const LINE: usize = 72;
/// The width of a signal in the table.
const CELL: usize = 11;

/// All names: in lines on a terminal, else one a line.
pub fn all() -> String {
    let separator = |length: usize, name: &str| match length {
        0 => "",
        _ if length + name.len() + 2 > LINE => "\n",
        _ => " ",
    };
    let terminal = std::io::stdout().is_terminal();
    let (mut text, mut length) = (String::new(), 0);
    for (_, name) in names() {
        let between = match terminal {
            true => separator(length, name),
            false if length > 0 => "\n",
            false => "",
        };
        length = if between == "\n" { 0 } else { length } + between.len() + name.len();
        text += between;
        text += name;
    }
    text.push('\n');
    text
}

/// The numbers and names: in columns on a terminal, else one a line.
pub fn table() -> String {
    let stdout = std::io::stdout();
    if !stdout.is_terminal() {
        let line = |(number, name)| format!("{number:2} {name:<8}\n");
        return names().into_iter().map(line).collect();
    }
    let size = rustix::termios::tcgetwinsize(&stdout).map_or(0, |size| size.ws_col);
    let columns = || std::env::var("COLUMNS").ok()?.parse::<usize>().ok();
    columns_of(match size {
        0 => columns().map_or(LINE, |width| width.saturating_sub(1)),
        size => usize::from(size) - 1,
    })
}

/// The same in the columns of a terminal that says no width: what follows an error.
pub fn columns() -> String {
    columns_of(LINE)
}

fn columns_of(width: usize) -> String {
    let (mut text, mut length) = (String::new(), 0);
    for (number, name) in names() {
        if width < length + CELL {
            text.push('\n');
            length = 0;
        }
        length += CELL;
        let _ = write!(text, "{number:2} {name:<8}");
    }
    text.push('\n');
    text
}

/// The name of one number or exit status, the names of a mask, or a name as it is written, as util-linux has it.
pub fn one(word: &str) -> Result<String, Wrong> {
    if let Some(digits) = word.strip_prefix("0x")
        && status_of(word).is_none()
    {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mask = u64::from_str_radix(digits, 16).ok().filter(|_| plain);
        let mask = mask.ok_or_else(|| Wrong(format!("invalid sigmask format: {word}")))?;
        let numbers = (1..=64).filter(|number| mask >> (number - 1) & 1 == 1);
        return Ok(numbers
            .map(|number| name_of(number).into_owned() + "\n")
            .collect());
    }
    number_in(word)
        .map(|number| format!("{}\n", name_of(number)))
        .ok_or_else(|| Wrong(format!("unknown signal: {word}")))
}

/// An exit status in hexadecimal, of two digits: what is longer or shorter, or has no signal in it, is a mask.
fn status_of(word: &str) -> Option<i32> {
    let digits = word.strip_prefix("0x").filter(|digits| digits.len() == 2)?;
    let status = i32::from_str_radix(digits, 16).ok()?;
    (0x81..=0xc0).contains(&status).then_some(status)
}

/// The signal that a number, an exit status or a name stands for.
fn number_in(word: &str) -> Option<i32> {
    match status_of(word).or_else(|| decimal(word)) {
        Some(status) => in_status(status),
        None => number_of(word),
    }
}

/// Several, as GNU has it: names for numbers, and numbers for names; with `table` a row for each. Those that are no signals are complained of.
pub fn convert(call: &Call, words: &[std::ffi::OsString], table: bool) -> Result<u8, Wrong> {
    let (mut text, mut status) = (String::new(), SUCCESS);
    let every: Vec<String>;
    let words: Vec<_> = if words.is_empty() {
        every = (0..=64)
            .filter(|n| *n != 32 && *n != 33)
            .map(|n| n.to_string())
            .collect();
        every.iter().map(|word| word.as_str().into()).collect()
    } else {
        words.iter().map(|word| text_of(word)).collect()
    };
    for word in words {
        let Some(number) = number_in(&word) else {
            call.complain(&format!("unknown signal: {word}"));
            status = FAILURE;
            continue;
        };
        let by_number = word.starts_with(|first: char| first.is_ascii_digit());
        let _ = match (table, signal(number)) {
            (true, Some(signal)) => {
                writeln!(
                    text,
                    "{number:2} {:<8} {}",
                    signal.name(),
                    signal.description()
                )
            }
            (true, None) => writeln!(text, "{number:2} {:<8} Unknown signal {number}", "EXIT"),
            (false, _) if !by_number => writeln!(text, "{number}"),
            (false, found) => {
                writeln!(text, "{}", found.map_or("EXIT".into(), Signal::name))
            }
        };
    }
    Ok(say(call, &text).max(status))
}
