//! One manual page: what the descriptions say, and the sections that they have no place for.

use clap::Command;
use clap::builder::Resettable;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::verbs::completions::KINDS;
use crate::verbs::{VERBS, Verb, with_common};

/// When the pages' own words were last changed.
const DATE: &str = "2025-11-25";

const WHAT: &str = "Find processes, say what a signal would do, send it, and see what it did";

const DESCRIPTION: [&str; 3] = [
    "wigwag opens the processes that are meant, reads from the kernel what a signal would do to each, sends it through the same \
     descriptors, and reports what it did. A process that takes over the number of one that has ended gets nothing.",
    "Nobody is signalled where a target matches nothing, or where more than 50 processes are selected (--max). By default wigwag \
     signals neither itself, nor those it was started by, nor process 1 (--allow).",
    "On a terminal the answer is a table, in a pipe plain lines, with --json one document.",
];

const PLAIN_TARGETS: [(&str, &str); 3] = [
    ("4242", "the process of that number, as pid:4242"),
    ("-4242", "the process group, as group:4242"),
    ("nginx", "all processes of that name, as name:nginx"),
];

const STATUS: &str = "0 done as asked, 1 no target, 2 wrong usage, 3 some were refused by a guard or denied by the kernel, \
     4 some did not do as asked in time, 5 wigwag itself could not go on, 130 Ctrl-C at a question: nothing was sent";

/// Of verbs that signal nobody and say nothing else.
const PLAIN_STATUS: &str = "0 done, 2 wrong usage, 5 wigwag itself could not go on";

const EXAMPLES: &str = "\
  wigwag show 4242              what would happen to process 4242?
  wigwag send HUP nginx         signal all that are named nginx
  wigwag stop port:8080         end whoever listens there
  wigwag stop nginx --dry-run   what would that do?
  wigwag freeze tree:4242       halt it and all below it
  wigwag explain 137            what does that exit status mean?";

/// The page of a verb, `wigwag-send(1)`.
pub fn of_verb(verb: &Verb) -> anyhow::Result<String> {
    let mut command = with_common(verb);
    let help = command.get_after_help().map(ToString::to_string);
    let help = Help::read(help.as_deref().unwrap_or_default());
    // Each option's help names its values.
    command = command
        .after_help(Resettable::Reset)
        .mut_args(|arg| {
            let takes = arg.is_positional() || arg.get_action().takes_values();
            let hide = takes && !arg.get_possible_values().is_empty();
            if hide {
                arg.hide_possible_values(true)
            } else {
                arg
            }
        })
        .name(format!("wigwag-{}", verb.name));
    let mut text = head(command)?;
    let mut roff = Roff::new();
    for (n, paragraph) in help.notes.iter().enumerate() {
        match n {
            0 => roff.control("SH", ["NOTES"]),
            _ => roff.control("PP", []),
        };
        roff.text([roman(paragraph)]);
    }
    status(&mut roff, help.status.as_deref().unwrap_or(PLAIN_STATUS));
    examples(&mut roff, &help.examples);
    see_also(&mut roff, "wigwag(1), kill(1), signal(7)");
    text.push_str(&sections(&roff));
    Ok(folded(&text))
}

/// The page of the whole command, `wigwag(1)`.
pub fn of_all() -> anyhow::Result<String> {
    let command = Command::new("wigwag")
        .about(WHAT)
        .override_usage("wigwag VERB [WORDS] [OPTIONS]")
        .disable_help_flag(true);
    let mut text = head(command)?;
    let mut roff = Roff::new();
    for paragraph in DESCRIPTION {
        roff.control("PP", []);
        roff.text([roman(paragraph)]);
    }
    let mut group = "";
    roff.control("SH", ["VERBS"]);
    for verb in VERBS {
        if verb.group != group {
            group = verb.group;
            roff.control("SS", [group]);
        }
        item(&mut roff, &format!("wigwag-{}(1)", verb.name), verb.about);
    }
    roff.control("SH", ["TARGETS"]);
    roff.text([roman(
        "Whom a verb means. Several are taken together; the options of a verb choose among them.",
    )]);
    for (word, whom) in PLAIN_TARGETS {
        item(&mut roff, word, whom);
    }
    for (kind, whom) in KINDS {
        let value = match kind {
            "cgroup:" | "file:" => "PATH",
            "unit:" | "name:" => "NAME",
            _ => "N",
        };
        item(&mut roff, &format!("{kind}{value}"), whom);
    }
    roff.control("SH", ["OPTIONS"]);
    item(
        &mut roff,
        "-h, --help",
        "List the verbs; after a verb, its words and options",
    );
    item(&mut roff, "-V, --version", "Print the version");
    item(
        &mut roff,
        "--json",
        "Print one JSON document (every verb that signals or shows)",
    );
    item(&mut roff, "-q, --quiet", "Print nothing but errors");
    status(&mut roff, STATUS);
    roff.control("SH", ["ENVIRONMENT"]);
    item(
        &mut roff,
        "NO_COLOR, CLICOLOR, CLICOLOR_FORCE",
        "Whether there are colours on a terminal",
    );
    examples(&mut roff, &EXAMPLES.lines().collect::<Vec<_>>());
    see_also(
        &mut roff,
        "kill(1), pkill(1), kill(2), pidfd_send_signal(2), wait(2), proc(5), signal(7)",
    );
    text.push_str(&sections(&roff));
    Ok(folded(&text))
}

/// The sections that the description has words for: title, name, synopsis, description, options.
fn head(command: Command) -> anyhow::Result<String> {
    let name = command.get_name().to_owned();
    // The page is named as man(1) looks for it: wigwag-send.
    let man = Man::new(command.display_name(&name).disable_help_subcommand(true))
        .title(name.to_uppercase())
        .date(DATE)
        .source(format!("wigwag {}", env!("CARGO_PKG_VERSION")))
        .manual("Signals");
    let mut text = Vec::new();
    man.render(&mut text)?;
    Ok(String::from_utf8(text)?)
}

/// What stands below a verb's help.
#[derive(Debug, Default, PartialEq, Eq)]
struct Help<'a> {
    examples: Vec<&'a str>,
    notes: Vec<String>,
    status: Option<String>,
}

impl<'a> Help<'a> {
    fn read(text: &'a str) -> Help<'a> {
        let text = text.strip_prefix("Examples:\n").unwrap_or(text);
        let (examples, rest) = text.split_once("\n\n").unwrap_or((text, ""));
        let (notes, status) = match rest.split_once("Exit status: ") {
            Some((notes, status)) => (notes, Some(one_line(status))),
            None => (rest, None),
        };
        Help {
            examples: examples.lines().collect(),
            notes: notes
                .split("\n\n")
                .map(one_line)
                .filter(|paragraph| !paragraph.is_empty())
                .collect(),
            status,
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn item(roff: &mut Roff, word: &str, about: &str) {
    roff.control("TP", []);
    roff.text([bold(word)]);
    roff.text([roman(about)]);
}

/// `0 done, 1 no target`: each number an item. Other sentences stay as they are.
fn status(roff: &mut Roff, text: &str) {
    roff.control("SH", ["EXIT STATUS"]);
    let text = text.trim_end_matches('.');
    let mut items: Vec<(&str, String)> = Vec::new();
    for part in text.split(", ") {
        match part.split_once(' ') {
            Some((code, what)) if code.parse::<u8>().is_ok() => items.push((code, what.to_owned())),
            _ => match items.last_mut() {
                Some((_, what)) => *what = format!("{what}, {part}"),
                None => {
                    roff.text([roman(format!("{text}."))]);
                    return;
                }
            },
        }
    }
    for (code, what) in items {
        item(roff, code, &what);
    }
}

/// Line by line, as they would be typed.
fn examples(roff: &mut Roff, lines: &[&str]) {
    roff.control("SH", ["EXAMPLES"]);
    roff.control("nf", []);
    for line in lines {
        roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
    }
    roff.control("fi", []);
}

fn see_also(roff: &mut Roff, pages: &str) {
    roff.control("SH", ["SEE ALSO"]);
    roff.text([roman(pages)]);
}

/// Without the preamble, which stands at the head of the page.
fn sections(roff: &Roff) -> String {
    let text = roff.render();
    let preamble = Roff::new().render();
    text.strip_prefix(&preamble).unwrap_or(&text).to_owned()
}

/// Long lines of running text broken at blanks, which changes nothing of what is shown.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len() + 64);
    let mut as_it_is = false;
    for line in text.lines().map(str::trim_end) {
        as_it_is = (as_it_is || line == ".nf") && line != ".fi";
        if as_it_is || line.len() <= 80 || line.starts_with(['.', '\'']) {
            folded.push_str(line);
            folded.push('\n');
            continue;
        }
        let mut width = 0;
        for word in line.split(' ') {
            // A dot or an apostrophe would make a request of a line that it begins.
            let fits = width == 0 || width + 1 + word.len() <= 78 || word.starts_with(['.', '\'']);
            if width > 0 {
                folded.push(if fits { ' ' } else { '\n' });
            }
            width = if fits {
                width + 1 + word.len()
            } else {
                word.len()
            };
            folded.push_str(word);
        }
        folded.push('\n');
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_is_taken_apart() {
        let help =
            Help::read("Examples:\n  a\n  b\n\nOne\ntwo.\n\nThree.\nExit status: 0 x, 1 y\nz.");
        assert_eq!(help.examples, ["  a", "  b"]);
        assert_eq!(help.notes, ["One two.", "Three."]);
        assert_eq!(help.status.as_deref(), Some("0 x, 1 y z."));
    }

    #[test]
    fn every_page_has_its_sections() {
        let pages = VERBS.iter().map(|verb| of_verb(verb).ok());
        for page in pages.chain([of_all().ok()]) {
            let page = page.unwrap_or_default();
            for section in [
                "NAME",
                "SYNOPSIS",
                "DESCRIPTION",
                "EXIT STATUS",
                "EXAMPLES",
                "SEE ALSO",
            ] {
                let heading = |line: &str| {
                    line == format!(".SH {section}") || line == format!(".SH \"{section}\"")
                };
                assert_eq!(
                    page.lines().filter(|l| heading(l)).count(),
                    1,
                    "{section}: {page}"
                );
            }
            assert!(!page.contains("wigwag\\-help"), "{page}");
            assert_eq!(page.matches(".TH ").count(), 1);
        }
    }
}
