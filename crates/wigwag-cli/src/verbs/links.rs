//! `wigwag links`: makes the links through which the command has the old names.

use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::{Failure, flag, usage};
use crate::dropin::NAMES;
use crate::output::Output;

pub fn command() -> Command {
    Command::new("links")
        .about("Make links by which this command is kill, pkill, timeout and others")
        .long_about(
            "Makes links to this command in a folder. Called through one, it has the options, \
             the messages and the exit statuses of the tool of that name. Put the folder first \
             in PATH to use them.\n\n\
             Nothing that is there already is replaced without --force; then none is made.",
        )
        .after_help(
            "Examples:\n  \
             wigwag links --list\n  \
             mkdir ~/signals && wigwag links ~/signals && PATH=~/signals:$PATH\n  \
             wigwag links /usr/local/bin pkill pgrep",
        )
        .arg(
            Arg::new("names")
                .help("The names; all by default")
                .value_name("NAME")
                .num_args(0..)
                .index(2),
        )
        .arg(
            Arg::new("folder")
                .help("Where; it must exist")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .required_unless_present("list")
                .index(1),
        )
        .arg(
            Arg::new("list")
                .long("list")
                .help("List the names, and whose dialect each speaks, and make none")
                .action(ArgAction::SetTrue),
        )
        .arg(
            Arg::new("force")
                .long("force")
                .help("Replace what has such a name there")
                .action(ArgAction::SetTrue),
        )
}

pub fn run(matches: &ArgMatches, out: &mut Output) -> anyhow::Result<u8> {
    if flag(matches, "list") {
        for known in NAMES {
            out.print(&format!("{:<11} {}\n", known.name, known.dialect))?;
        }
        return Ok(0);
    }
    let Some(folder) = matches.get_one::<PathBuf>("folder") else {
        return Err(usage("no folder"));
    };
    let asked: Vec<&String> = matches
        .get_many::<String>("names")
        .unwrap_or_default()
        .collect();
    let mut names = Vec::new();
    for known in NAMES {
        if asked.is_empty() || asked.iter().any(|name| *name == known.name) {
            names.push(known.name);
        }
    }
    if let Some(wrong) = asked.iter().find(|name| !names.contains(&name.as_str())) {
        return Err(usage(format!(
            "{wrong} is no name that it can have: wigwag links --list"
        )));
    }
    if !folder.is_dir() {
        return Err(usage(format!("{} is no folder", folder.display())));
    }
    let force = flag(matches, "force");
    let there = |name: &&&str| folder.join(name).symlink_metadata().is_ok();
    if !force && let Some(name) = names.iter().find(there) {
        let error = Failure::new(
            Failure::OURS,
            format!(
                "{} is there already, and none is made: --force replaces what is there",
                folder.join(name).display()
            ),
        );
        return Err(error.into());
    }
    let command = std::env::current_exe().context("cannot say where this command is")?;
    for name in names {
        make(&command, &folder.join(name))
            .with_context(|| format!("cannot make {}", folder.join(name).display()))?;
    }
    Ok(0)
}

/// Makes a link; one that is there is replaced in one step, so that the name is never missing.
fn make(command: &Path, link: &Path) -> io::Result<()> {
    let mut aside = link.as_os_str().to_owned();
    aside.push(format!(".{}", std::process::id()));
    symlink(command, &aside)?;
    std::fs::rename(&aside, link).inspect_err(|_| {
        let _ = std::fs::remove_file(&aside);
    })
}
