//! The command `wigwag`: finds processes, says what a signal would do to them, sends it, and shows what it did.
//!
//! The verb is chosen before any description of its options is built: `wigwag send -s 0 PID` starts as fast as `kill -0 PID`.

mod dropin;
mod output;
mod overview;
mod report;
mod target;
mod verbs;
mod watching;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;

use output::Output;
use target::Dashes;
use verbs::{Failure, Verb, usage};

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    if let Some(known) = dropin::called(words.next().as_deref()) {
        let name = known.name.to_owned();
        let words = words.collect();
        return ExitCode::from((known.run)(dropin::Call { name, words }));
    }
    let words: Vec<OsString> = words.collect();
    let mut out = Output::new();
    let code = match run(words, &mut out) {
        Ok(code) => code,
        Err(error) => {
            out.complain(&format!("{error:#}"));
            error
                .downcast_ref::<Failure>()
                .map_or(Failure::OURS, |failure| failure.code)
        }
    };
    ExitCode::from(code)
}

/// Chooses the verb and carries it out; the exit status.
fn run(mut words: Vec<OsString>, out: &mut Output) -> anyhow::Result<u8> {
    // Options for every verb may come before it.
    let early = words
        .iter()
        .take_while(|word| {
            ["--json", "--quiet", "-q"]
                .iter()
                .any(|known| *word == known)
        })
        .count();
    let early: Vec<OsString> = words.drain(..early).collect();
    let Some(first) = words.first() else {
        out.print(&overview::text(out.terminal_width()))?;
        return Ok(2);
    };
    let first = first
        .to_str()
        .ok_or_else(|| usage(format!("{} is no verb: it is not UTF-8", first.display())))?
        .to_owned();
    match first.as_str() {
        "--help" | "-h" | "help" if words.len() == 1 => {
            out.print(&overview::text(out.terminal_width()))?;
            return Ok(0);
        }
        "help" => {
            words.remove(0);
            words.truncate(1);
            words.push("--help".into());
            return run(words, out);
        }
        "--version" | "-V" => {
            out.print(&format!("wigwag {}\n", env!("CARGO_PKG_VERSION")))?;
            return Ok(0);
        }
        _ => {}
    }
    let verb = verbs::find(&first).ok_or_else(|| usage(overview::unknown(&first)))?;
    let mut rest: Vec<OsString> = words.split_off(1);
    rest.splice(0..0, early);
    carry_out(verb, rest, out)
}

fn carry_out(verb: &Verb, words: Vec<OsString>, out: &mut Output) -> anyhow::Result<u8> {
    let words = target::read_dashes(verb.dashes, words).map_err(|e| usage(e.to_string()))?;
    let mut command = if verb.dashes == Dashes::Signal && target::are_brief(&words) {
        target::brief(verb.name)
    } else {
        verbs::with_common(verb)
    };
    // In a pipe, too: it is for a reader.
    let width = out.terminal_width().unwrap_or(80);
    command = command.term_width(width.clamp(40, 100));
    let name = OsString::from(format!("wigwag {}", verb.name));
    match command.try_get_matches_from(std::iter::once(name).chain(words)) {
        Ok(matches) => {
            out.set(
                verbs::flag(&matches, "json"),
                verbs::flag(&matches, "quiet"),
            );
            (verb.run)(&matches, out)
        }
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                out.print_styled(&error.render().ansi().to_string())?;
                Ok(0)
            }
            _ => {
                let text = error.render().to_string();
                // A dash that comes where no option is would mean a group after the `--` that clap advises.
                let lines = text.trim().trim_start_matches("error: ").lines();
                let lines: Vec<&str> = lines
                    .filter(|line| !line.contains("as a value, use '-- "))
                    .collect();
                Err(usage(lines.join("\n").replace("\n\n\n", "\n\n")))
            }
        },
    }
}
