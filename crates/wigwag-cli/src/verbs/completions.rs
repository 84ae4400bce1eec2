//! `wigwag completions`: for bash, zsh and fish.
//!
//! The scripts know nothing of verbs and options. They ask this verb (`wigwag completions bash -- send H`), which reads the
//! same descriptions as the help, and so are never older than the program, and can offer what runs now.

mod line;
mod values;

use std::ffi::OsString;

use clap::{Arg, ArgMatches, Command};

use super::usage;
use crate::output::{Output, clean, cut};
use line::{Answer, answer};
pub(super) use values::KINDS;

const EXAMPLES: &str = "\
Examples:
  wigwag completions bash >~/.local/share/bash-completion/completions/wigwag
  wigwag completions zsh >~/.zfunc/_wigwag
  wigwag completions fish >~/.config/fish/completions/wigwag.fish
  eval \"$(wigwag completions bash)\"          for this shell only

Signals, processes, users, ports and units are completed with what is there when
the key is pressed. For zsh the directory must be in fpath before compinit runs.";

/// The clap tree of this verb.
pub fn command() -> Command {
    Command::new("completions")
        .about("Print the completions for a shell")
        .override_usage("wigwag completions SHELL")
        .after_help(EXAMPLES)
        .arg(
            Arg::new("shell")
                .value_name("SHELL")
                .required(true)
                .value_parser(["bash", "zsh", "fish"])
                .help("Which shell: bash, zsh or fish"),
        )
        .arg(
            Arg::new("words")
                .value_name("WORD")
                .num_args(0..)
                .last(true)
                .hide(true)
                .value_parser(clap::value_parser!(OsString)),
        )
}

/// Carries it out: 0.
pub fn run(matches: &ArgMatches, out: &mut Output) -> anyhow::Result<u8> {
    if let Some(words) = matches.get_many::<OsString>("words") {
        let words: Vec<String> = words
            .map(|word| unquoted(&word.to_string_lossy()))
            .collect();
        out.print(&to_text(&answer(&words)))?;
        return Ok(0);
    }
    let script = match matches.get_one::<String>("shell").map(String::as_str) {
        Some("bash") => include_str!("completions/wigwag.bash"),
        Some("zsh") => include_str!("completions/_wigwag.zsh"),
        Some("fish") => include_str!("completions/wigwag.fish"),
        _ => return Err(usage("which shell: bash, zsh or fish?")),
    };
    out.print(script)?;
    Ok(0)
}

/// The first line says how to complete; after `words` each line is a word, a tab, and what it is.
fn to_text(answer: &Answer) -> String {
    let found = match answer {
        Answer::Files => return "files\n".to_owned(),
        Answer::Directories => return "dirs\n".to_owned(),
        Answer::Words(found) => found,
    };
    let mut text = "words\n".to_owned();
    for one in found {
        // No shell could insert such a name as it is.
        if one.word.chars().any(char::is_control) {
            continue;
        }
        let about = cut(&clean(&one.about, false), 60);
        text.push_str(&format!("{}\t{about}\n", one.word));
    }
    text
}

/// A word as the shell will read it: the scripts hand over what was typed.
fn unquoted(typed: &str) -> String {
    let mut word = String::with_capacity(typed.len());
    let mut letters = typed.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => word.extend(letters.next()),
            '\'' | '"' => {}
            _ => word.push(letter),
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_read_as_a_shell_does() {
        for (typed, word) in [("tmux:\\ s", "tmux: s"), ("'a b", "a b"), ("\"x\"", "x")] {
            assert_eq!(unquoted(typed), word);
        }
    }
}
