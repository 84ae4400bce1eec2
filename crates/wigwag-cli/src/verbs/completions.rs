//! `wigwag completions`: for bash, zsh and fish, from the same descriptions as the help.

use clap::{Arg, ArgMatches, Command};
use clap_complete::Shell;

use super::usage;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  wigwag completions bash >~/.local/share/bash-completion/completions/wigwag
  wigwag completions zsh >~/.zfunc/_wigwag
  wigwag completions fish >~/.config/fish/completions/wigwag.fish";

/// The clap tree of this verb.
pub fn command() -> Command {
    Command::new("completions")
        .about("Print the completions for a shell")
        .after_help(EXAMPLES)
        .arg(
            Arg::new("shell")
                .value_name("SHELL")
                .required(true)
                .value_parser(["bash", "zsh", "fish"])
                .help("Which shell"),
        )
}

/// Carries it out: 0.
pub fn run(matches: &ArgMatches, out: &mut Output) -> anyhow::Result<u8> {
    let shell = match matches.get_one::<String>("shell").map(String::as_str) {
        Some("bash") => Shell::Bash,
        Some("zsh") => Shell::Zsh,
        Some("fish") => Shell::Fish,
        _ => return Err(usage("which shell: bash, zsh or fish?")),
    };
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut super::tree(), "wigwag", &mut text);
    out.print(&String::from_utf8(text)?)?;
    Ok(0)
}
