//! `env`: a program in a changed environment, as GNU coreutils' has it. It becomes that program: there is no child.

mod signals;
mod split;
mod start;
mod variables;

use std::cell::Cell;
use std::ffi::{CStr, CString, OsString};
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use wigwag::{Signal, disposition, exec};

use super::gnu::getopt::{Getopt, Long, Options, Takes};
use super::gnu::quote::{quote, quote_for_shell};
use super::gnu::{program, words};
use super::{Call, close_again, print};
use signals::Signals;
use variables::Variables;

/// It could not do its own part.
const OURS: u8 = 125;
/// The program is there, and could not be started.
const NOT_STARTED: u8 = 126;
/// There is no such program.
const NOT_FOUND: u8 = 127;

const BLANKS: &[u8] = b" \t\n\x0b\x0c\r";

const DEFAULT: u16 = 256;
const IGNORE: u16 = 257;
const BLOCK: u16 = 258;
const LIST: u16 = 259;
const HELP: u16 = 260;
const VERSION: u16 = 261;

const OPTIONS: Options = Options {
    // Blanks are none, but what a first line of a script gives as one word begins so.
    short: "a:C:iS:u:v0 \t\n\x0b\x0c\r",
    long: &[
        Long::new("argv0", Takes::One, b'a' as u16),
        Long::new("ignore-environment", Takes::Nothing, b'i' as u16),
        Long::new("null", Takes::Nothing, b'0' as u16),
        Long::new("unset", Takes::One, b'u' as u16),
        Long::new("chdir", Takes::One, b'C' as u16),
        Long::new("default-signal", Takes::Perhaps, DEFAULT),
        Long::new("ignore-signal", Takes::Perhaps, IGNORE),
        Long::new("block-signal", Takes::Perhaps, BLOCK),
        Long::new("list-signal-handling", Takes::Nothing, LIST),
        Long::new("debug", Takes::Nothing, b'v' as u16),
        Long::new("split-string", Takes::One, b'S' as u16),
        Long::new("help", Takes::Nothing, HELP),
        Long::new("version", Takes::Nothing, VERSION),
    ],
    one_dash: false,
    in_order: true,
};

const HELP_TEXT: &str = "\
Usage: env [OPTION]... [-] [NAME=VALUE]... [COMMAND [ARG]...]
Become COMMAND, with the environment changed as the words before it say; without one, print that environment.

  -a, --argv0=NAME         what COMMAND gets as its own name
  -i, --ignore-environment nothing of the environment so far; a lone - too
  -0, --null               a NUL after each line that is printed, no newline
  -u, --unset=NAME         without this variable
  -C, --chdir=DIR          in this directory
  -S, --split-string=S     S is several words: for the first line of a script
      --block-signal[=SIG]    these signals are blocked in COMMAND
      --default-signal[=SIG]  have their default action, and are not blocked
      --ignore-signal[=SIG]   are ignored
      --list-signal-handling  what is blocked or ignored, on standard error
  -v, --debug              each step, on standard error
      --help               this text
      --version            the version

SIG is a name as PIPE, a number as 13, or several with commas between them; without SIG all signals are meant.

Exit status: 125 env itself failed, 126 COMMAND cannot be started, 127 there is no COMMAND, else COMMAND's.
";

/// What was asked.
struct Env {
    program: OsString,
    debug: bool,
    empty: bool,
    null: bool,
    unset: Vec<OsString>,
    directory: Option<OsString>,
    argv0: Option<OsString>,
    signals: Signals,
    variables: Variables,
    /// Something for standard error could not be written there.
    unheard: Cell<bool>,
}

/// Carries it out; returns only where no program is started.
pub fn run(call: Call) -> u8 {
    let program = program(&call.name);
    let all = [program.clone()].into_iter().chain(call.words).collect();
    let env = Env {
        program,
        debug: false,
        empty: false,
        null: false,
        unset: Vec::new(),
        directory: None,
        argv0: None,
        signals: Signals::default(),
        variables: Variables::of_this_process(),
        unheard: Cell::new(false),
    };
    env.carry_out(Getopt::new(OPTIONS, all))
}

impl Env {
    /// To standard error.
    fn tell(&self, parts: &[&[u8]]) {
        let written = std::io::stderr().write_all(&[&parts.concat()[..], b"\n"].concat());
        if written.is_err() || exec::as_started().closed[2] {
            self.unheard.set(true);
        }
    }

    /// A message, and the status that goes with it.
    fn fail(&self, text: &[u8]) -> u8 {
        self.tell(&[self.program.as_bytes(), b": ", text]);
        OURS
    }

    fn usage(&self) -> u8 {
        let program = self.program.as_bytes();
        self.tell(&[b"Try '", program, b" --help' for more information."]);
        OURS
    }

    /// A step, where they are asked for.
    fn note(&self, text: &[&[u8]]) {
        if self.debug {
            self.tell(text);
        }
    }

    fn carry_out(mut self, getopt: Getopt) -> u8 {
        match self.follow(getopt) {
            // What nobody could read has failed.
            _ if self.unheard.get() => OURS,
            Ok(status) | Err(status) => status,
        }
    }

    fn follow(&mut self, mut getopt: Getopt) -> Result<u8, u8> {
        while let Some(found) = getopt.next() {
            let (code, argument) = found.map_err(|wrong| {
                self.fail(wrong.as_bytes());
                self.usage()
            })?;
            if let Some(text) = self.take(code, argument, &mut getopt)? {
                return self.print(text.as_bytes());
            }
        }
        let mut words = getopt.operands();
        if words.first().is_some_and(|word| word == "-") {
            self.empty = true;
            words.remove(0);
        }
        if self.empty {
            self.note(&[b"cleaning environ"]);
            self.variables.clear();
        } else {
            self.unset()?;
        }
        let settings = words
            .iter()
            .take_while(|word| word.as_bytes().contains(&b'='))
            .count();
        for word in words.drain(..settings) {
            self.note(&[b"setenv:   ", word.as_bytes()]);
            self.variables.put(c_string(word));
        }
        let given = !words.is_empty();
        for (asked, text) in [
            (
                self.null && given,
                "cannot specify --null (-0) with command",
            ),
            (
                self.directory.is_some() && !given,
                "must specify command with --chdir (-C)",
            ),
            (
                self.argv0.is_some() && !given,
                "must specify command with --argv0 (-a)",
            ),
        ] {
            if asked {
                self.fail(text.as_bytes());
                return Err(self.usage());
            }
        }
        if !given {
            let end = if self.null { 0 } else { b'\n' };
            return self.print(&self.variables.lines(end));
        }
        Err(self.become_program(words))
    }

    /// One option. What is to be printed instead of all else, where it says so.
    fn take(
        &mut self,
        code: u16,
        argument: Option<OsString>,
        getopt: &mut Getopt,
    ) -> Result<Option<&'static str>, u8> {
        let word = argument.as_deref().map(|word| word.as_bytes());
        let signals = match code {
            DEFAULT => self.signals.default_action(word),
            IGNORE => self.signals.ignore(word),
            BLOCK => self.signals.block(word),
            _ => Ok(()),
        };
        if let Err(word) = signals {
            self.fail(&[&quote(&word)[..], b": invalid signal"].concat());
            return Err(self.usage());
        }
        match (code, u8::try_from(code).unwrap_or(0)) {
            (DEFAULT | IGNORE | BLOCK, _) => {}
            (LIST, _) => self.signals.list = true,
            (HELP, _) => return Ok(Some(HELP_TEXT)),
            (VERSION, _) => {
                return Ok(Some(concat!(
                    "env from wigwag ",
                    env!("CARGO_PKG_VERSION"),
                    " (GNU coreutils) 9.7\n"
                )));
            }
            (_, b'i') => self.empty = true,
            (_, b'0') => self.null = true,
            (_, b'v') => self.debug = true,
            (_, b'u') => self.unset.extend(argument),
            (_, b'C') => self.directory = argument,
            (_, b'a') => self.argv0 = argument,
            (_, b'S') => self.split(word.unwrap_or_default(), getopt)?,
            (_, blank) => {
                self.fail(&[b"invalid option -- '", &[blank][..], b"'"].concat());
                self.fail(b"use -[v]S to pass options in shebang lines");
                return Err(self.usage());
            }
        }
        Ok(None)
    }

    fn split(&self, text: &[u8], getopt: &mut Getopt) -> Result<(), u8> {
        let value = |name: &[u8]| {
            let value = self.variables.get(name);
            match value {
                Some(value) => {
                    self.note(&[b"expanding ${", name, b"} into ", &quote(value)]);
                }
                None => self.note(&[b"replacing ${", name, b"} with null string"]),
            }
            value
        };
        let words = split::split(text, value).map_err(|wrong| self.fail(&wrong))?;
        if !words.is_empty() {
            self.note(&[b"split -S:  ", &quote(text)]);
        }
        for (index, word) in words.iter().enumerate() {
            let before: &[u8] = if index == 0 {
                b" into:    "
            } else {
                b"     &    "
            };
            self.note(&[before, &quote(word)]);
        }
        getopt.begin_with(words.into_iter().map(OsString::from_vec).collect());
        Ok(())
    }

    fn unset(&mut self) -> Result<(), u8> {
        for name in std::mem::take(&mut self.unset) {
            let name = name.as_bytes();
            self.note(&[b"unset:    ", name]);
            if name.is_empty() || name.contains(&b'=') {
                let text = [b"cannot unset ", &quote(name)[..], b": Invalid argument"];
                return Err(self.fail(&text.concat()));
            }
            self.variables.unset(name);
        }
        Ok(())
    }

    fn print(&self, text: &[u8]) -> Result<u8, u8> {
        let written = print(text).map(|()| 0);
        written.map_err(|why| self.fail(format!("write error: {}", words(&why)).as_bytes()))
    }

    /// Returns only where that fails.
    fn become_program(&self, words: Vec<OsString>) -> u8 {
        let started = exec::as_started();
        if !started.pipe_ignored {
            // As it was before Rust's start ignored it; the kernel never refuses.
            let _ = disposition::default(Signal::PIPE);
        }
        close_again(started.closed);
        let note = |text: String| self.note(&[text.as_bytes()]);
        if let Err((signal, error)) = self.signals.put(note) {
            let why = self::words(&error.errno().into());
            let text = format!("failed to set signal action for signal {signal}: {why}");
            return self.fail(text.as_bytes());
        }
        if self.signals.list {
            let lines = signals::listed();
            lines.lines().for_each(|line| self.tell(&[line.as_bytes()]));
        }
        if let Some(directory) = &self.directory {
            let quoted = quote_for_shell(directory.as_bytes());
            self.note(&[b"chdir:    ", &quoted]);
            if let Err(error) = std::env::set_current_dir(directory) {
                let why = self::words(&error);
                let text = [
                    b"cannot change directory to ",
                    &quoted[..],
                    b": ",
                    why.as_bytes(),
                ];
                return self.fail(&text.concat());
            }
        }
        let words: Vec<CString> = words.into_iter().map(c_string).collect();
        let mut arguments: Vec<&CStr> = words.iter().map(CString::as_c_str).collect();
        let program = arguments[0];
        let argv0 = self.argv0.clone().map(c_string);
        if let Some(argv0) = &argv0 {
            self.note(&[b"argv0:     ", &quote_for_shell(argv0.to_bytes())]);
            arguments[0] = argv0;
        }
        if self.debug {
            self.note(&[b"executing: ", program.to_bytes()]);
            for (index, argument) in arguments.iter().enumerate() {
                let before = format!("   arg[{index}]= ");
                self.note(&[before.as_bytes(), &quote(argument.to_bytes())]);
            }
        }
        let error: std::io::Error = start::start(program, &arguments, &self.variables).into();
        let why = self::words(&error);
        let text = [&quote(program.to_bytes())[..], b": ", why.as_bytes()];
        self.fail(&text.concat());
        if error.kind() != std::io::ErrorKind::NotFound {
            return NOT_STARTED;
        }
        if program.to_bytes().iter().any(|byte| BLANKS.contains(byte)) {
            self.fail(b"use -[v]S to pass options in shebang lines");
        }
        NOT_FOUND
    }
}

/// A word of the command line has no NUL.
fn c_string(word: OsString) -> CString {
    CString::new(word.into_vec()).unwrap_or_default()
}
