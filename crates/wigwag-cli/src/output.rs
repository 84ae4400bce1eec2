//! The one place that prints.
//!
//! On a terminal: tables and colours (NO_COLOR and CLICOLOR are followed). In a pipe: plain lines that stay as they are from
//! one version to the next. With `--json`: one document. A reader that has gone away is no error, and nothing more is
//! written to it; a full disk is one. [`Lines`] is for what is printed one by one.

mod lines;

use std::io::{self, IsTerminal, Write};

use comfy_table::{Attribute, Cell, ColumnConstraint, ContentArrangement, Table, Width, presets};
use serde::Serialize;
use wigwag_process::order::FORMAT;

pub use lines::{Lines, Reader};

/// Standard output and standard error, and how they are written to.
#[derive(Debug)]
pub struct Output {
    json: bool,
    quiet: bool,
    width: Option<usize>,
    closed: bool,
}

impl Output {
    /// Looks at where standard output goes.
    pub fn new() -> Output {
        Output {
            json: false,
            quiet: false,
            width: columns(&io::stdout()),
            closed: false,
        }
    }

    /// What the command line asks for.
    pub fn set(&mut self, json: bool, quiet: bool) {
        (self.json, self.quiet) = (json, quiet);
    }

    /// Whether one JSON document is wanted.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether nothing but errors is wanted.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// The columns of the terminal that standard output is; `None` where it is none.
    pub fn terminal_width(&self) -> Option<usize> {
        self.width
    }

    /// Prints text as it is, unless quiet.
    ///
    /// # Errors
    /// Where it cannot be written (ENOSPC, EIO). A closed pipe is none.
    pub fn print(&mut self, text: &str) -> anyhow::Result<()> {
        if self.quiet {
            return Ok(());
        }
        self.write(text.as_bytes())
    }

    /// Prints text with colours in it; they are left out where standard output takes none.
    ///
    /// # Errors
    /// As [`Output::print`].
    pub fn print_styled(&mut self, text: &str) -> anyhow::Result<()> {
        let coloured = self.width.is_some()
            && anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
        if coloured {
            self.print(text)
        } else {
            self.print(&anstream::adapter::strip_str(text).to_string())
        }
    }

    /// Prints one JSON document, also when quiet.
    ///
    /// # Errors
    /// As [`Output::print`].
    pub fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec_pretty(value)?;
        text.push(b'\n');
        self.write(&text)
    }

    /// Prints the members of `body` as a document of our form: `"wigwag": 1` comes first.
    ///
    /// # Errors
    /// As [`Output::print`].
    pub fn document(&mut self, body: serde_json::Value) -> anyhow::Result<()> {
        #[derive(Serialize)]
        struct Document {
            wigwag: u32,
            #[serde(flatten)]
            body: serde_json::Value,
        }
        self.json(&Document {
            wigwag: FORMAT,
            body,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        if self.closed {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
        match written {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(error) => {
                self.closed = true;
                Err(anyhow::anyhow!("cannot write to standard output: {error}"))
            }
        }
    }

    /// A message on standard error, each of its lines as `wigwag: ...`. Whether it can be written is not asked.
    pub fn complain(&self, text: &str) {
        let width = columns(&io::stderr());
        let mut lines = String::new();
        for (n, line) in text.lines().enumerate() {
            // The usage lines that come with an error are set apart by an empty one and stand as they are.
            let aside = line.is_empty()
                || line.starts_with(' ')
                || line.starts_with("Usage:")
                || line.starts_with("For more");
            let ours = if n == 0 || !aside { "wigwag: " } else { "" };
            match width.filter(|_| !ours.is_empty()) {
                Some(width) => lines.push_str(&wrap(&clean(line, false), width, ours)),
                None => lines.push_str(&format!("{ours}{}\n", clean(line, false))),
            }
        }
        let _ = io::stderr().lock().write_all(lines.as_bytes());
    }

    /// A remark on standard error, unless quiet.
    pub fn remark(&self, text: &str) {
        if !self.quiet {
            self.complain(text);
        }
    }

    /// Asks on the terminal; `false` where standard input or standard error is none.
    pub fn ask(&self, question: &str) -> bool {
        let (stdin, mut stderr) = (io::stdin(), io::stderr());
        if !stdin.is_terminal() || !stderr.is_terminal() {
            return false;
        }
        let _ = write!(stderr, "wigwag: {} [y/N] ", clean(question, false))
            .and_then(|()| stderr.flush());
        let mut answer = String::new();
        let read = stdin.read_line(&mut answer);
        if !answer.ends_with('\n') {
            // Ctrl-D: what is said next begins a line.
            let _ = stderr.write_all(b"\n");
        }
        read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
    }

    /// A table: fitted to the terminal. Where its words have no room beside each other, each row is a paragraph.
    ///
    /// # Errors
    /// As [`Output::print`].
    pub fn table(&mut self, titles: &[&str], rows: Vec<Vec<String>>) -> anyhow::Result<()> {
        let width = self.width.unwrap_or(80);
        let widest: Vec<usize> = (0..titles.len())
            .map(|n| {
                let cells = rows.iter().filter_map(|row| row.get(n)).map(String::as_str);
                longest_word(cells.chain([titles[n]]))
            })
            .collect();
        if widest.iter().sum::<usize>() + GAP * (titles.len().max(1) - 1) > width {
            return self.print_styled(&paragraphs(titles, &rows, width));
        }
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            // The gap behind the last column is cut off again.
            .set_width(u16::try_from(width + GAP).unwrap_or(u16::MAX));
        table.set_header(
            titles
                .iter()
                .map(|title| Cell::new(title).add_attribute(Attribute::Bold)),
        );
        for row in rows {
            table.add_row(row);
        }
        for (column, widest) in table.column_iter_mut().zip(widest) {
            let least = u16::try_from(widest + GAP).unwrap_or(u16::MAX);
            column.set_padding((0, GAP as u16));
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
        }
        table.enforce_styling();
        let text: String = table
            .lines()
            .map(|line| match line.trim_end().strip_suffix(RESET) {
                Some(title) => format!("{}{RESET}\n", title.trim_end()),
                None => format!("{}\n", line.trim_end()),
            })
            .collect();
        self.print_styled(&text)
    }
}

/// What ends the bold letters of a title.
const RESET: &str = "\x1b[0m";

/// The blanks between two columns.
const GAP: usize = 2;

/// The columns of a terminal; `None` for what is none.
fn columns(stream: &(impl IsTerminal + std::os::fd::AsFd)) -> Option<usize> {
    stream.is_terminal().then(|| {
        let size = rustix::termios::tcgetwinsize(stream).map_or(0, |size| size.ws_col);
        if size == 0 { 80 } else { usize::from(size) }
    })
}

/// Longer words than this may be broken: names and paths have no blanks.
const LONGEST: usize = 20;

/// The letters of the longest word, as far as it stays whole.
fn longest_word<'a>(cells: impl Iterator<Item = &'a str>) -> usize {
    cells
        .flat_map(str::split_whitespace)
        .map(|word| word.chars().count().min(LONGEST))
        .max()
        .unwrap_or(0)
}

/// A table without columns: a row's first cell, and below it the others with their titles.
fn paragraphs(titles: &[&str], rows: &[Vec<String>], width: usize) -> String {
    let bold = anstyle::Style::new().bold();
    let column = titles.iter().skip(1).map(|t| t.len()).max().unwrap_or(0);
    let mut text = String::new();
    for row in rows {
        for (n, (title, cell)) in titles.iter().zip(row).enumerate() {
            let bullet = match n {
                0 => String::new(),
                _ => format!("  {title:<column$}  "),
            };
            let cell = breakable(cell, width.saturating_sub(bullet.len()));
            let lines = wrap(&cell, width, &bullet);
            text.push_str(&match n {
                0 => format!("{bold}{}{bold:#}\n", lines.trim_end()),
                _ => lines,
            });
        }
    }
    text
}

/// Words broken to lines of `width`, the first after `bullet`, the others under its text.
pub fn wrap(text: &str, width: usize, bullet: &str) -> String {
    let indent = " ".repeat(bullet.chars().count());
    let mut lines = String::new();
    let mut line = bullet.to_owned();
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > width {
            lines.push_str(&line);
            lines.push('\n');
            line.clone_from(&indent);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines + &line + "\n"
}

/// Text whose words are no longer than `room`: longer ones (paths) are broken.
pub fn breakable(text: &str, room: usize) -> String {
    let room = room.max(10);
    let broken: Vec<String> = text
        .split_whitespace()
        .flat_map(|word| {
            let letters: Vec<char> = word.chars().collect();
            letters
                .chunks(room)
                .map(|part| part.iter().collect())
                .collect::<Vec<String>>()
        })
        .collect();
    broken.join(" ")
}

/// Text of other processes made harmless for a terminal: control characters as `\xNN`, and blanks too where a line is split
/// at them.
pub fn clean(text: &str, blanks: bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || (blanks && c.is_whitespace()) {
            for byte in c.to_string().bytes() {
                safe.push_str(&format!("\\x{byte:02x}"));
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

/// The first `width` characters, the last of them `…` where more follow.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_narrow_table_stay_whole() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let text = paragraphs(&["PID", "EFFECT"], &[row(["1", "runs its handler"])], 20);
        let plain = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(plain, "1\n  EFFECT  runs its\n          handler\n");
        assert_eq!(longest_word(["a bcd", "ef"].into_iter()), 3);
    }

    #[test]
    fn names_cannot_move_the_cursor() {
        assert_eq!(clean("a\x1b[2Jb c", false), "a\\x1b[2Jb c");
        assert_eq!(clean("a b\n", true), "a\\x20b\\x0a");
        assert_eq!(
            (cut("abcdef", 4), cut("abcd", 4)),
            ("abc…".to_owned(), "abcd".to_owned())
        );
    }
}
