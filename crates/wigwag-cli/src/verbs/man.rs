//! `wigwag man`: the manual pages, from the same descriptions as the help.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Arg, ArgMatches, Command};
use clap_mangen::Man;

use super::{VERBS, find, tree, usage, with_common};
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  wigwag man send | man -l -             read the page of a verb
  wigwag man --dir ~/.local/share/man/man1
                                         write wigwag.1, wigwag-send.1, ...";

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
                .help("Write all pages into this directory"),
        )
}

/// Carries it out: 0, or an error where a page cannot be written.
pub fn run(matches: &ArgMatches, out: &mut Output) -> anyhow::Result<u8> {
    if let Some(dir) = matches.get_one::<PathBuf>("dir") {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let pages = VERBS
            .iter()
            .map(|verb| (format!("wigwag-{}.1", verb.name), page(with_common(verb))));
        for (name, text) in pages.chain([("wigwag.1".to_owned(), page(tree()))]) {
            let path = dir.join(name);
            std::fs::write(&path, text?)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        return Ok(0);
    }
    let command = match matches.get_one::<String>("verb") {
        Some(word) => {
            let verb = find(word).ok_or_else(|| usage(crate::overview::unknown(word)))?;
            with_common(verb)
        }
        None => tree(),
    };
    out.print(&page(command)?)?;
    Ok(0)
}

fn page(command: Command) -> anyhow::Result<String> {
    let name = command.get_display_name().unwrap_or("wigwag").to_owned();
    let mut text = Vec::new();
    // The page is named as man(1) looks for it: wigwag-send.
    Man::new(command.name(name)).render(&mut text)?;
    let text = String::from_utf8(text)?;
    // Examples keep their lines.
    Ok(match text.split_once(".SH EXTRA\nExamples:\n") {
        Some((before, examples)) => format!("{before}.SH EXAMPLES\n.nf\n{examples}.fi\n"),
        None => text,
    })
}
