//! `tini`: its dialect is that of tini 0.19.0.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::os::unix::ffi::OsStrExt;

use rustix::process::{
    Pid, WaitIdOptions, child_subreaper, getpid, set_child_subreaper,
    set_parent_process_death_signal, waitid,
};
use wigwag::{Signal, WaitStatus};
use wigwag_run::{Observer, Place, Run, Stops, To};

use super::{FAILED, LEFT, base, code, leave_faults, number, pid, shown, tell, variable};
use crate::dropin::gnu::getopt::{Getopt, Options};
use crate::dropin::gnu::{program, words};
use crate::dropin::{Call, print};

const VERSION: &str = concat!("tini version 0.19.0 - wigwag ", env!("CARGO_PKG_VERSION"));

const OPTIONS: Options = Options {
    short: "p:hvwgle:s",
    long: &[],
    one_dash: false,
    in_order: false,
};

const WARNING: &str = "\
Tini is not running as PID 1 and isn't registered as a child subreaper.
Zombie processes will not be re-parented to Tini, so zombie reaping won't work.
To fix the problem, use the -s option or set the environment variable TINI_SUBREAPER to register Tini as a child subreaper, or run Tini as PID 1.";

const LICENSE: &str = "\
This is wigwag, called as tini: written anew, without a line of tini's.
Its licence is MIT or Apache-2.0, at your choice. It comes without any warranty.
";

/// The signals that `-p` knows, by their whole names.
const AT_DEATH: &[Signal] = &[
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::ILL,
    Signal::TRAP,
    Signal::ABRT,
    Signal::BUS,
    Signal::FPE,
    Signal::KILL,
    Signal::USR1,
    Signal::SEGV,
    Signal::USR2,
    Signal::PIPE,
    Signal::ALRM,
    Signal::TERM,
    Signal::CHLD,
    Signal::CONT,
    Signal::STOP,
    Signal::TSTP,
    Signal::TTIN,
    Signal::TTOU,
    Signal::URG,
    Signal::XCPU,
    Signal::XFSZ,
    Signal::VTALRM,
    Signal::PROF,
    Signal::WINCH,
    Signal::SYS,
];

/// What was asked.
struct Tini {
    subreaper: bool,
    at_death: Option<Signal>,
    warn: bool,
    group: bool,
    /// Statuses that count as 0.
    expected: [bool; 256],
    log: Log,
}

/// How much is told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Warn = 1,
    Info,
    Debug,
    Trace,
}

#[derive(Clone, Copy)]
struct Log {
    verbosity: u32,
    warn: bool,
}

impl Log {
    fn tells(self, level: Level) -> bool {
        self.verbosity >= level as u32
    }

    fn say(self, level: Level, text: impl FnOnce() -> String) {
        if !self.tells(level) {
            return;
        }
        let name = match level {
            Level::Warn => "WARN ",
            Level::Info => "INFO ",
            Level::Debug => "DEBUG",
            Level::Trace => "TRACE",
        };
        let line = format!("[{name} tini ({})] {}\n", pid(), text());
        match level {
            Level::Warn => tell(&line),
            // A log that nobody can read is no reason to end.
            _ => drop(print_log(&line)),
        }
    }
}

/// To standard output; PIPE stays as it is, since it is one of those that are passed on.
fn print_log(line: &str) -> io::Result<()> {
    use std::io::Write;
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes())?;
    out.flush()
}

fn fatal(text: &str) {
    tell(&format!("[FATAL tini ({})] {text}\n", pid()));
}

impl Observer for Log {
    fn placed(&mut self, terminal: io::Result<()>) {
        // Of what is not line by line tini's own is lost at the exec.
        if terminal.is_err() && io::stdout().is_terminal() {
            self.say(Level::Debug, || {
                "tcsetpgrp failed: no tty (ok to proceed)".into()
            });
        }
    }

    fn came(&mut self, signal: Signal) {
        if matches!(signal, Signal::TTIN | Signal::TTOU) {
            // Those are ignored.
            return;
        }
        self.say(Level::Debug, || match signal {
            Signal::CHLD => "Received SIGCHLD".into(),
            signal => format!("Passing signal: '{}'", signal.description()),
        });
    }

    fn collected(&mut self, pid: i32, status: WaitStatus, is_command: bool) {
        self.say(Level::Debug, || format!("Reaped child with pid: '{pid}'"));
        match (is_command, status.signal()) {
            (true, None) => self.say(Level::Info, || {
                let status = code(status);
                format!("Main child exited normally (with status '{status}')")
            }),
            (true, Some(signal)) => self.say(Level::Info, || {
                let signal = signal.description();
                format!("Main child exited with signal (with signal '{signal}')")
            }),
            (false, _) if self.warn => {
                self.say(Level::Warn, || {
                    format!("Reaped zombie process with pid={pid}")
                });
            }
            (false, _) => {}
        }
    }

    fn all_collected(&mut self) {
        if self.tells(Level::Trace) {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            let none = waitid(rustix::process::WaitId::All, options).is_err();
            self.say(Level::Trace, || match none {
                true => "No child to wait".into(),
                false => "No child to reap".into(),
            });
        }
    }
}

/// In the child, where it cannot be executed.
fn refused(program: &OsStr, error: &io::Error) -> u8 {
    fatal(&format!("exec {} failed: {}", shown(program), words(error)));
    match error.raw_os_error() {
        Some(2) => 127,
        Some(13) => 126,
        _ => FAILED,
    }
}

fn usage(program: &OsStr) -> String {
    let name = base(program);
    format!(
        "\
{name} ({VERSION})
Usage: {name} [OPTIONS] PROGRAM -- [ARGS] | --version

Run PROGRAM as the child of a small init: signals are passed on to it, orphans are collected.

Command line options:

  --version: The version.
  -h: This text.
  -s: Collect orphans without being process 1, as a child subreaper.
  -p SIGNAL: Get SIGNAL when the parent ends, e.g. \"-p SIGKILL\".
  -v: Tell more; up to 3 times.
  -w: Warn whenever an orphan is collected.
  -g: Pass signals on to the whole process group of the child.
  -e EXIT_CODE: This status of the child, 0 to 255, becomes 0; may be repeated.
  -l: The licence.

Environment variables:

  TINI_SUBREAPER: If set, as -s.
  TINI_VERBOSITY: How much is told (default: 1).
  TINI_KILL_PROCESS_GROUP: If set, as -g.

"
    )
}

/// Carries it out; the exit status.
pub fn run(call: Call) -> u8 {
    let program = program(&call.name);
    if call.words.len() == 1 && call.words[0] == "--version" {
        return printed(&format!("{VERSION}\n"));
    }
    let mut tini = Tini {
        subreaper: false,
        at_death: None,
        warn: false,
        group: false,
        expected: [false; 256],
        log: Log {
            verbosity: 1,
            warn: false,
        },
    };
    let all: Vec<OsString> = [program.clone()].into_iter().chain(call.words).collect();
    let mut getopt = Getopt::new(OPTIONS, all);
    while let Some(found) = getopt.next() {
        let (code, argument) = match found {
            Ok(found) => found,
            Err(wrong) => {
                tell(&format!(
                    "{}: {wrong}\n{}",
                    shown(&program),
                    usage(&program)
                ));
                return FAILED;
            }
        };
        let argument = argument.unwrap_or_default();
        match u8::try_from(code).unwrap_or(0) {
            b'h' => return printed(&usage(&program)),
            b'l' => return printed(LICENSE),
            b's' => tini.subreaper = true,
            b'v' => tini.log.verbosity += 1,
            b'w' => tini.warn = true,
            b'g' => tini.group = true,
            b'p' => {
                let name = argument.as_bytes().strip_prefix(b"SIG").unwrap_or_default();
                let known = |signal: &&Signal| signal.name().as_bytes() == name;
                tini.at_death = AT_DEATH.iter().find(known).copied();
                if tini.at_death.is_none() {
                    fatal(&format!("Not a valid option for -p: {}", shown(&argument)));
                    return FAILED;
                }
            }
            _ => match expected(argument.as_bytes()) {
                Some(status) => tini.expected[usize::from(status)] = true,
                None => {
                    fatal(&format!("Not a valid option for -e: {}", shown(&argument)));
                    return FAILED;
                }
            },
        }
    }
    let command = getopt.operands();
    if command.is_empty() {
        tell(&usage(&program));
        return FAILED;
    }
    tini.supervise(command)
}

/// A status as `-e` has it. Nothing at all is 0.
fn expected(text: &[u8]) -> Option<u8> {
    match number(text) {
        Some((value, b"")) => u8::try_from(value).ok(),
        None if text.is_empty() => Some(0),
        _ => None,
    }
}

fn printed(text: &str) -> u8 {
    // As tini, which does not look.
    let _ = print(text.as_bytes());
    0
}

impl Tini {
    fn supervise(mut self, command: Vec<OsString>) -> u8 {
        self.subreaper |= std::env::var_os("TINI_SUBREAPER").is_some();
        self.group |= std::env::var_os("TINI_KILL_PROCESS_GROUP").is_some();
        if let Some(verbosity) = variable("TINI_VERBOSITY") {
            let value = number(&verbosity).map_or(0, |(value, _)| value);
            self.log.verbosity = value as u32;
        }
        self.log.warn = self.warn;
        if let Err((what, error)) = self.prepare() {
            fatal(&format!("{what}: {}", words(&error)));
            return FAILED;
        }
        leave_faults();
        let mut run = Run::new(command);
        run.to = match self.group {
            true => To::Group,
            false => To::Child,
        };
        run.place = Some(Place::Group);
        run.stops = Stops::Never;
        run.collect = true;
        run.leave = LEFT;
        run.refused = Some(refused);
        let mut observer = Started {
            log: self.log,
            program: run.command[0].clone(),
        };
        match run.run_observed(&mut observer) {
            Ok(ended) => {
                self.log
                    .say(Level::Trace, || "Exiting: child has exited".into());
                match ended.code() {
                    status if self.expected[usize::from(status)] => 0,
                    status => status,
                }
            }
            Err(error) => {
                fatal(&error.to_string());
                FAILED
            }
        }
    }

    /// What this process becomes before it starts the child.
    fn prepare(&self) -> Result<(), (&'static str, io::Error)> {
        if let Some(signal) = self.at_death {
            let signal = rustix::process::Signal::from_named_raw(signal.number());
            set_parent_process_death_signal(signal)
                .map_err(|error| ("Failed to set up parent death signal", error.into()))?;
        }
        let is_init = getpid() == Pid::INIT;
        if self.subreaper {
            set_child_subreaper(Some(getpid()))
                .map_err(|error| ("Failed to register as child subreaper", error.into()))?;
            self.log
                .say(Level::Trace, || "Registered as child subreaper".into());
        } else if !is_init && self.log.tells(Level::Warn) && !child_subreaper_already() {
            self.log.say(Level::Warn, || WARNING.into());
        }
        Ok(())
    }
}

fn child_subreaper_already() -> bool {
    matches!(child_subreaper(), Ok(Some(_)))
}

/// The log, and the program, whose start it tells.
struct Started {
    log: Log,
    program: OsString,
}

impl Observer for Started {
    fn started(&mut self, pid: i32) {
        let program = &self.program;
        self.log.say(Level::Info, || {
            format!(
                "Spawned child process '{}' with pid '{pid}'",
                shown(program)
            )
        });
    }

    fn placed(&mut self, terminal: io::Result<()>) {
        self.log.placed(terminal);
    }

    fn came(&mut self, signal: Signal) {
        self.log.came(signal);
    }

    fn collected(&mut self, pid: i32, status: WaitStatus, is_command: bool) {
        self.log.collected(pid, status, is_command);
    }

    fn all_collected(&mut self) {
        self.log.all_collected();
    }
}
