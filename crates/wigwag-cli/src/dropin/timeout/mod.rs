//! `timeout`: a command with a limit of time, as GNU coreutils' has it.

mod interval;

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

use wigwag::{Signal, WaitStatus, disposition, exec};
use wigwag_run::{Bounded, Error, end_alike};

use super::gnu::getopt::{Getopt, Long, Options, Takes};
use super::gnu::quote::quote;
use super::gnu::{program, signal, words};
use super::{Call, close_again, print};
use interval::{Interval, interval};

/// It could not do its own part.
const OURS: u8 = 125;
/// The command was collected by somebody else.
const ECHILD: i32 = rustix::io::Errno::CHILD.raw_os_error();

const HELP: u16 = 256;
const VERSION: u16 = 257;

const OPTIONS: Options = Options {
    short: "fk:ps:v",
    long: &[
        Long::new("foreground", Takes::Nothing, b'f' as u16),
        Long::new("kill-after", Takes::One, b'k' as u16),
        Long::new("preserve-status", Takes::Nothing, b'p' as u16),
        Long::new("signal", Takes::One, b's' as u16),
        Long::new("verbose", Takes::Nothing, b'v' as u16),
        Long::new("help", Takes::Nothing, HELP),
        Long::new("version", Takes::Nothing, VERSION),
    ],
    one_dash: false,
    in_order: true,
};

const HELP_TEXT: &str = "\
Usage: timeout [OPTION]... DURATION COMMAND [ARG]...
Run COMMAND, and signal it where it is not done after DURATION.

  -f, --foreground         COMMAND stays in the group of whoever calls, so that it
                             may read from the terminal; its children are left alone
  -k, --kill-after=DURATION  KILL it so long after the first signal
  -p, --preserve-status    exit with COMMAND's status, also when the time was over
  -s, --signal=SIGNAL      what is sent: a name as HUP or a number; TERM without it
  -v, --verbose            each signal that is sent, on standard error
      --help               this text
      --version            the version

DURATION is a number, perhaps with a fraction, of seconds; of minutes with an m after it, h hours, d days. 0 is no limit.

Exit status: 124 the time was over, 125 timeout itself failed, 126 COMMAND cannot be started, 127 there is no COMMAND,
137 KILL ended it, else COMMAND's.
";

/// What was asked.
struct Timeout {
    program: OsString,
    signal: Option<Signal>,
    kill_after: Interval,
    foreground: bool,
    preserve: bool,
    verbose: bool,
    /// Something for standard error could not be written there.
    unheard: Cell<bool>,
}

/// Carries it out.
pub fn run(call: Call) -> u8 {
    let mut timeout = Timeout {
        program: program(&call.name),
        signal: Some(Signal::TERM),
        kill_after: None,
        foreground: false,
        preserve: false,
        verbose: false,
        unheard: Cell::new(false),
    };
    let status = timeout.follow(call.words);
    timeout.heard(status.unwrap_or_else(|status| status))
}

impl Timeout {
    /// To standard error.
    fn tell(&self, parts: &[&[u8]]) {
        let line = [self.program.as_bytes(), b": ", &parts.concat(), b"\n"].concat();
        self.write(&line);
    }

    fn write(&self, line: &[u8]) {
        if exec::as_started().closed[2] || std::io::stderr().write_all(line).is_err() {
            self.unheard.set(true);
        }
    }

    /// A failure that nobody could read of is its own.
    fn heard(&self, status: u8) -> u8 {
        if self.unheard.get() { OURS } else { status }
    }

    fn usage(&self) -> u8 {
        let program = self.program.as_bytes();
        let line = [
            b"Try '",
            program,
            b" --help' for more information.\n".as_slice(),
        ];
        self.write(&line.concat());
        OURS
    }

    fn follow(&mut self, words: Vec<OsString>) -> Result<u8, u8> {
        let all = [self.program.clone()].into_iter().chain(words).collect();
        let mut getopt = Getopt::new(OPTIONS, all);
        while let Some(found) = getopt.next() {
            let (code, argument) = found.map_err(|wrong| {
                self.tell(&[wrong.as_bytes()]);
                self.usage()
            })?;
            if let Some(text) = self.take(code, &argument.unwrap_or_default())? {
                let why = match print(text.as_bytes()) {
                    Ok(()) => return Ok(0),
                    Err(why) => self::words(&why),
                };
                self.tell(&[b"write error: ", why.as_bytes()]);
                return Err(OURS);
            }
        }
        let words = getopt.operands();
        let [time, command, ..] = words.as_slice() else {
            return Err(self.usage());
        };
        let limit = self.interval(time)?;
        Ok(self.bound(limit, command, &words[1..]))
    }

    /// One option. What is to be printed instead of all else, where it says so.
    fn take(&mut self, code: u16, word: &OsStr) -> Result<Option<&'static str>, u8> {
        match (code, u8::try_from(code).unwrap_or(0)) {
            (HELP, _) => return Ok(Some(HELP_TEXT)),
            (VERSION, _) => {
                return Ok(Some(concat!(
                    "timeout from wigwag ",
                    env!("CARGO_PKG_VERSION"),
                    " (GNU coreutils) 9.7\n"
                )));
            }
            (_, b'f') => self.foreground = true,
            (_, b'p') => self.preserve = true,
            (_, b'v') => self.verbose = true,
            (_, b'k') => self.kill_after = self.interval(word)?,
            _ => {
                let Some(number) = signal::number(word.as_bytes()) else {
                    self.tell(&[&quote(word.as_bytes()), b": invalid signal"]);
                    return Err(self.usage());
                };
                self.signal = Signal::new(number).ok();
            }
        }
        Ok(None)
    }

    fn interval(&self, word: &OsStr) -> Result<Interval, u8> {
        interval(word.as_bytes()).ok_or_else(|| {
            self.tell(&[b"invalid time interval ", &quote(word.as_bytes())]);
            self.usage()
        })
    }

    fn bound(&self, limit: Interval, command: &OsStr, words: &[OsString]) -> u8 {
        let started = exec::as_started();
        if !started.pipe_ignored {
            // As it was before Rust's start ignored it; the kernel never refuses.
            let _ = disposition::default(Signal::PIPE);
        }
        close_again(started.closed);
        let bounded = Bounded {
            signal: self.signal,
            kill_after: self.kill_after,
            foreground: self.foreground,
            ..Bounded::new(words, limit)
        };
        let sending = |signal: Option<Signal>| {
            if self.verbose {
                let name =
                    signal.map_or(Some("EXIT".into()), |signal| signal::name(signal.number()));
                let name = name.unwrap_or_default();
                let quoted = quote(command.as_bytes());
                let parts = [
                    b"sending signal ",
                    name.as_bytes(),
                    b" to command ",
                    &quoted,
                ];
                self.tell(&parts);
            }
        };
        let end = match bounded.run(sending) {
            Ok(end) => end,
            Err(error) => return self.failed(command, &error),
        };
        if let WaitStatus::Killed {
            signal,
            core_dumped,
        } = end.status
        {
            if core_dumped {
                self.tell(&[b"the monitored command dumped core"]);
            }
            if !end.timed_out {
                end_alike(signal);
            }
        }
        end.code(self.preserve)
    }

    fn failed(&self, command: &OsStr, error: &Error) -> u8 {
        let quoted = quote(command.as_bytes());
        match error {
            Error::NotFound { error, .. } | Error::NotExecutable { error, .. } => {
                let why = self::words(error);
                self.tell(&[b"failed to run command ", &quoted, b": ", why.as_bytes()]);
            }
            Error::System { error, .. } if error.raw_os_error() == Some(ECHILD) => {
                let why = self::words(error);
                self.tell(&[b"error waiting for command: ", why.as_bytes()]);
            }
            Error::System { error, .. } => {
                let why = self::words(error);
                self.tell(&[b"fork system call failed: ", why.as_bytes()]);
            }
            error => self.tell(&[error.to_string().as_bytes()]),
        }
        error.code()
    }
}
