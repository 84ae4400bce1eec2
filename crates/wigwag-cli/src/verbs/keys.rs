//! `wigwag keys`: which key sends which signal on this terminal now.

use std::fs::File;

use clap::{ArgMatches, Command};
use serde_json::json;
use wigwag::keys::{Key, Terminal};

use crate::output::{Output, wrap};

const EXAMPLES: &str = "\
Examples:
  wigwag keys                       the keys of the terminal one types on
  wigwag keys </dev/pts/3           of another
  stty susp ^X; wigwag keys         after changing one";

/// Signals that a terminal sends without a key, and when.
const WITHOUT_A_KEY: [(&str, &str); 4] = [
    (
        "WINCH",
        "the window changes its size: to the foreground job",
    ),
    (
        "HUP",
        "the terminal goes away: to the session leader, and to the foreground job when that ends",
    ),
    ("TTIN", "a background job reads from it: to that job"),
    (
        "TTOU",
        "a background job changes its settings, or writes to it under `stty tostop`: to that job",
    ),
];

/// The clap tree of this verb.
pub fn command() -> Command {
    Command::new("keys")
        .about("Show which key sends which signal on this terminal now")
        .after_help(EXAMPLES)
}

/// Carries it out: 0, or an error if there is no terminal.
pub fn run(_matches: &ArgMatches, out: &mut Output) -> anyhow::Result<u8> {
    let terminal = terminal()?;
    if out.is_json() {
        let without: Vec<_> = WITHOUT_A_KEY
            .iter()
            .map(|(s, when)| json!({ "signal": s, "when": when }))
            .collect();
        out.document(json!({ "terminal": terminal, "without_a_key": without }))?;
        return Ok(0);
    }
    let text = match out.terminal_width() {
        Some(width) => to_text(&terminal, width.clamp(30, 100)),
        None => terminal.keys.iter().map(to_line).collect(),
    };
    out.print(&text)?;
    Ok(0)
}

/// Standard input if it is a terminal, else the controlling one.
fn terminal() -> anyhow::Result<Terminal> {
    if let Ok(terminal) = wigwag::keys::read(std::io::stdin()) {
        return Ok(terminal);
    }
    let controlling = File::open("/dev/tty").map_err(|e| {
        anyhow::anyhow!(
            "no terminal here: standard input is none, and /dev/tty cannot be opened ({e})"
        )
    })?;
    Ok(wigwag::keys::read(controlling)?)
}

/// In a pipe: setting, key, signal, with tabs; `-` for none, and `off` for one that does nothing now.
fn to_line(key: &Key) -> String {
    let label = key.label.as_deref().unwrap_or("-");
    let state = if key.active { "on" } else { "off" };
    format!(
        "{}\t{label}\t{}\t{state}\n",
        key.setting,
        key.signal.unwrap_or("-")
    )
}

fn to_text(terminal: &Terminal, width: usize) -> String {
    let mut text = String::new();
    let device = terminal
        .device
        .as_ref()
        .map_or("terminal".into(), |d| d.display().to_string());
    let size = terminal
        .size
        .map_or(String::new(), |(c, r)| format!(", {c} columns by {r} rows"));
    let job = terminal
        .foreground
        .map_or(String::new(), |pgid| format!(", foreground job {pgid}"));
    text.push_str(&wrap(&format!("{device}{size}{job}"), width, ""));
    if !terminal.keys_send_signals {
        let off = "Keys send no signals now (isig is off): they reach the program as characters.";
        text.push_str(&wrap(off, width, ""));
    }
    text.push('\n');
    for key in terminal.keys.iter().filter(|k| k.signal.is_some()) {
        text.push_str(&row(key, width));
    }
    text.push('\n');
    for key in terminal.keys.iter().filter(|k| k.signal.is_none()) {
        text.push_str(&row(key, width));
    }
    text.push_str("\nSent by this terminal without a key:\n");
    for (signal, when) in WITHOUT_A_KEY {
        text.push_str(&wrap(when, width, &format!("  {signal:<6} ")));
    }
    text.push('\n');
    let none = "Linux has no key for INFO (Ctrl-T on the BSDs and macOS), nor one that stops a job when it reads (dsusp).";
    let change = "Change a key with stty: `stty intr ^X`; turn it off: `stty intr undef`.";
    text + &wrap(none, width, "") + &wrap(change, width, "")
}

fn row(key: &Key, width: usize) -> String {
    let label = key.label.as_deref().unwrap_or("(none)");
    let effect = match (key.code, key.active) {
        (None, _) => "turned off".to_owned(),
        (_, false) => format!("does nothing now: {}", why_off(key)),
        (_, true) => key.effect.to_owned(),
    };
    wrap(
        &effect,
        width,
        &format!(
            "  {label:<10} {:<5} {:<6} ",
            key.signal.unwrap_or("-"),
            key.setting
        ),
    )
}

fn why_off(key: &Key) -> &'static str {
    match key.setting {
        "eof" => "icanon is off",
        "stop" | "start" => "ixon is off",
        _ => "isig is off",
    }
}
