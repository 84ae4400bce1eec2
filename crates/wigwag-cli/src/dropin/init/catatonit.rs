//! `catatonit`: its dialect is that of catatonit 0.1.7.

use std::ffi::{OsStr, OsString};
use std::io;

use wigwag::{Signal, SignalSet, WaitStatus};
use wigwag_run::{Observer, Place, Release, Run, Stops, To};

use super::{FAILED, LEFT, code, leave_faults, number, pid, shown, tell, variable};
use crate::dropin::gnu::getopt::{Getopt, Long, Options, Takes};
use crate::dropin::gnu::{program, words};
use crate::dropin::{Call, print};

/// The name in it is what `docker info` looks for.
const VERSION: &str = "tini version 0.1.7_catatonit\n";

const USAGE: &str = "usage: catatonit [-ghLPV] [--] <progname> [<arguments>...]\n";

const HELP: &str = "
Run a program as the child of a small init: signals are passed on to it, orphans are collected.

options:
  -g              Signals go to the whole process group of the program.
  -h              This text.
  -L              The licence.
  -P              Without a program: only collect orphans, until INT or TERM.
  -V, --version   The version.
";

const LICENSE: &str = "\
This is wigwag, called as catatonit: written anew, without a line of catatonit's.
Its licence is MIT or Apache-2.0, at your choice. It comes without any warranty.
";

const OPTIONS: Options = Options {
    short: "ghLPV",
    long: &[Long::new("version", Takes::Nothing, b'V' as u16)],
    one_dash: false,
    in_order: false,
};

fn line(level: &str, text: &str) {
    tell(&format!("{level} (catatonit:{}): {text}\n", pid()));
}

fn error(text: &str) -> u8 {
    line("ERROR", text);
    FAILED
}

/// What is told where `CATATONIT_DEBUG` is set.
struct Log {
    debug: bool,
    program: OsString,
}

impl Log {
    fn say(&self, level: &str, text: impl FnOnce() -> String) {
        if self.debug {
            line(level, &text());
        }
    }
}

impl Observer for Log {
    fn placed(&mut self, terminal: io::Result<()>) {
        if let Err(error) = terminal {
            self.say("INFO", || {
                "using stdin as tty fd: could not open /dev/tty: No such device or address".into()
            });
            let why = words(&error);
            self.say("DEBUG", || {
                format!("setting foreground process failed: no tty present: {why}")
            });
        }
    }

    fn started(&mut self, pid: i32) {
        self.say("DEBUG", || {
            format!("pid1 ({pid}) spawned: {}", shown(&self.program))
        });
    }

    fn came(&mut self, signal: Signal) {
        if matches!(signal, Signal::TSTP | Signal::TTIN | Signal::TTOU) {
            self.say("DEBUG", || {
                "ignoring kernel attempting to stop us: tty has TOSTOP set".into()
            });
        }
    }

    fn collected(&mut self, pid: i32, status: WaitStatus, is_command: bool) {
        if is_command {
            return;
        }
        self.say("DEBUG", || match status.signal() {
            None => format!("child process {pid} exited with code {}", code(status)),
            Some(signal) => format!(
                "child process {pid} exited due to signal {}",
                signal.number()
            ),
        });
    }

    fn all_collected(&mut self) {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        if self.debug {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            if waitid(WaitId::All, options).is_err() {
                self.say("DEBUG", || "got ECHILD: no children left to monitor".into());
            }
        }
    }
}

/// In the child, where it cannot be executed.
fn refused(_: &OsStr, why: &io::Error) -> u8 {
    error(&format!("failed to exec pid1: {}", words(why)))
}

/// Carries it out; the exit status.
pub fn run(call: Call) -> u8 {
    let debug = variable("CATATONIT_DEBUG").is_some();
    if variable("CATATONIT_LOG").is_some() {
        return error("CATATONIT_LOG is reserved for future use");
    }
    let program = program(&call.name);
    let all: Vec<OsString> = [program.clone()].into_iter().chain(call.words).collect();
    let mut getopt = Getopt::new(OPTIONS, all);
    let (mut group, mut pause) = (false, false);
    while let Some(found) = getopt.next() {
        let code = match found {
            Ok((code, _)) => code,
            Err(wrong) => {
                tell(&format!("{}: {wrong}\n{USAGE}", shown(&program)));
                return FAILED;
            }
        };
        match u8::try_from(code).unwrap_or(0) {
            b'g' => group = true,
            b'P' => pause = true,
            b'h' => {
                tell(&format!("{USAGE}{HELP}"));
                return 0;
            }
            b'L' => return printed(LICENSE),
            _ => return printed(VERSION),
        }
    }
    let command = getopt.operands();
    if command.is_empty() && !pause {
        error("missing program name");
        tell(USAGE);
        return FAILED;
    }
    supervise(command, group, pause, debug)
}

fn printed(text: &str) -> u8 {
    // As catatonit, which does not look.
    let _ = print(text.as_bytes());
    0
}

fn supervise(command: Vec<OsString>, group: bool, pause: bool, debug: bool) -> u8 {
    let mut log = Log {
        debug,
        program: command.first().cloned().unwrap_or_default(),
    };
    leave_faults();
    let mut run = Run::new(command);
    run.to = match group {
        true => To::Group,
        false => To::Child,
    };
    run.place = Some(Place::Group);
    run.init = true;
    run.stops = Stops::Never;
    run.map.set(Signal::TSTP, None);
    // Its program never stops by itself, either.
    run.block = SignalSet::of(&[Signal::TSTP, Signal::TTIN, Signal::TTOU]);
    run.leave = LEFT;
    run.release = Release::All;
    run.refused = Some(refused);
    run.pause = pause.then(|| SignalSet::of(&[Signal::INT, Signal::TERM]));
    // Descriptors that were meant for this process are meant for the program.
    let listens = variable("LISTEN_PID").and_then(|value| Some(number(&value)?.0));
    if listens == Some(pid().into()) {
        run.pid_variable = Some("LISTEN_PID".into());
    }
    match run.run_observed(&mut log) {
        Ok(ended) => ended.code(),
        Err(why) => error(&why.to_string()),
    }
}
