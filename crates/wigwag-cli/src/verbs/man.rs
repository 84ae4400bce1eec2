//! `wigwag man`: the manual pages, from the same descriptions as the help.

mod page;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Arg, ArgMatches, Command};

use super::{VERBS, find, usage};
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  wigwag man send | man -l -             read the page of a verb
  wigwag man --dir ~/.local/share/man/man1
                                         write wigwag.1, wigwag-send.1, ...

The directory must be there.";

/// The clap tree of this verb.
pub fn command() -> Command {
    Command::new("man")
        .about("Print the manual pages")
        .after_help(EXAMPLES)
        .arg(
            Arg::new("verb")
                .value_name("VERB")
                .conflicts_with("dir")
                .help("Which verb's page [default: that of the whole command]"),
        )
        .arg(
            Arg::new("dir")
                .long("dir")
                .value_name("DIR")
                .value_parser(clap::value_parser!(PathBuf))
                .help("Write all pages into this directory, which must be there"),
        )
}

/// Carries it out: 0, or an error where a page cannot be written.
pub fn run(matches: &ArgMatches, out: &mut Output) -> anyhow::Result<u8> {
    if let Some(dir) = matches.get_one::<PathBuf>("dir") {
        // A mistyped directory is not made: the pages would lie where nobody looks for them.
        if !dir.is_dir() {
            return Err(anyhow::anyhow!(
                "{} is no directory: make it first (mkdir -p)",
                dir.display()
            ));
        }
        let pages = VERBS
            .iter()
            .map(|verb| (format!("wigwag-{}.1", verb.name), page::of_verb(verb)));
        for (name, text) in pages.chain([("wigwag.1".to_owned(), page::of_all())]) {
            let path = dir.join(name);
            std::fs::write(&path, text?)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        return Ok(0);
    }
    let text = match matches.get_one::<String>("verb") {
        Some(word) => {
            page::of_verb(find(word).ok_or_else(|| usage(crate::overview::unknown(word)))?)
        }
        None => page::of_all(),
    };
    out.print(&text?)?;
    Ok(0)
}
