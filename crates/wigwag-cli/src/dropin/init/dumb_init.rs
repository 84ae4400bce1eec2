//! `dumb-init`: its dialect is that of dumb-init 1.2.5.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;

use wigwag::{Signal, SignalSet, WaitStatus};
use wigwag_run::{Observer, Place, Release, Run, Stops, To};

use super::{FAILED, code, errno, number, shown, tell, variable};
use crate::dropin::Call;
use crate::dropin::gnu::getopt::{Getopt, Long, Options, Takes};
use crate::dropin::gnu::{program, words};

const VERSION: &str = "dumb-init v1.2.5\n";
/// The command could not be executed.
const NOT_EXECUTED: u8 = 2;
/// The last signal that can be rewritten.
const LAST: i64 = 31;

const OPTIONS: Options = Options {
    short: "hvVcr:",
    long: &[
        Long::new("help", Takes::Nothing, b'h' as u16),
        Long::new("single-child", Takes::Nothing, b'c' as u16),
        Long::new("rewrite", Takes::One, b'r' as u16),
        Long::new("verbose", Takes::Nothing, b'v' as u16),
        Long::new("version", Takes::Nothing, b'V' as u16),
    ],
    one_dash: false,
    in_order: true,
};

const REWRITE: &str = "\
Usage: -r option takes <signum>:<signum>, where <signum> is between 1 and 31.
This option can be specified multiple times.
Use --help for full usage.
";

/// What is told with `-v`.
struct Log {
    debug: bool,
    session: bool,
    /// Signals that are passed on as others.
    rewritten: SignalSet,
    /// The command has ended: of others' ends nothing is said any more.
    over: bool,
}

impl Log {
    fn say(&self, text: impl FnOnce() -> String) {
        if self.debug {
            tell(&format!("[dumb-init] {}\n", text()));
        }
    }
}

impl Observer for Log {
    fn let_go(&mut self, leads_session: io::Result<bool>) {
        self.say(|| match leads_session {
            Ok(true) => {
                "Detached from controlling tty, ignoring the first SIGHUP and SIGCONT we receive."
                    .into()
            }
            Ok(false) => "Detached from controlling tty, but was not session leader.".into(),
            Err(error) => {
                let (number, why) = errno(&error);
                format!("Unable to detach from controlling tty (errno={number} {why}).")
            }
        });
    }

    fn placed(&mut self, terminal: io::Result<()>) {
        if !self.session {
            return;
        }
        if let Err(error) = terminal {
            let (number, why) = errno(&error);
            self.say(|| format!("Unable to attach to controlling tty (errno={number} {why})."));
        }
        self.say(|| "setsid complete.".into());
    }

    fn started(&mut self, pid: i32) {
        self.say(|| format!("Child spawned with PID {pid}."));
    }

    fn came(&mut self, signal: Signal) {
        self.say(|| format!("Received signal {}.", signal.number()));
    }

    fn was_hand_off(&mut self, signal: Signal) {
        self.say(|| format!("Ignoring tty hand-off signal {}.", signal.number()));
    }

    fn passed(&mut self, signal: Signal, to: Option<Signal>) {
        let number = to.map_or(0, Signal::number);
        if self.rewritten.contains(signal) {
            self.say(|| format!("Translating signal {} to {number}.", signal.number()));
        }
        self.say(|| match to {
            Some(_) => format!("Forwarded signal {number} to children."),
            None => "Not forwarding signal 0 to children (ignored).".into(),
        });
    }

    fn stops(&mut self) {
        self.say(|| "Suspending self due to TTY signal.".into());
    }

    fn collected(&mut self, pid: i32, status: WaitStatus, is_command: bool) {
        if self.over {
            return;
        }
        self.over = is_command;
        self.say(|| match status.signal() {
            None => format!(
                "A child with PID {pid} exited with exit status {}.",
                code(status)
            ),
            Some(signal) => format!(
                "A child with PID {pid} was terminated by signal {}.",
                signal.number()
            ),
        });
    }
}

/// In the child, where it cannot be executed.
fn refused(program: &OsStr, error: &io::Error) -> u8 {
    tell(&format!(
        "[dumb-init] {}: {}\n",
        shown(program),
        words(error)
    ));
    NOT_EXECUTED
}

fn help(program: &OsStr) -> String {
    format!(
        "\
{VERSION}Usage: {} [option] command [[arg] ...]

Run a command as the child of a small init: in a session of its own, with all signals passed on to
its process group, and orphans collected.

Optional arguments:
   -c, --single-child   Without a session of its own; signals go to the command alone.
   -r, --rewrite s:r    Pass signal s on as signal r; r 0: not at all. By numbers; may be repeated.
   -v, --verbose        Tell on standard error what happens.
   -h, --help           This text.
   -V, --version        The version.

Environment: DUMB_INIT_SETSID=0 is -c, DUMB_INIT_DEBUG=1 is -v.
",
        shown(program)
    )
}

/// `s:r`, as sscanf(3) reads two numbers; what follows does not count.
fn rewriting(text: &[u8]) -> Option<(Signal, Option<Signal>)> {
    let (from, rest) = number(text)?;
    let (to, _) = number(rest.strip_prefix(b":")?)?;
    let signal = |number: i64| Signal::new(i32::try_from(number).ok()?).ok();
    let from = signal(from).filter(|_| (1..=LAST).contains(&from))?;
    match to {
        0 => Some((from, None)),
        to => Some((from, Some(signal(to).filter(|_| (1..=LAST).contains(&to))?))),
    }
}

/// Carries it out; the exit status.
pub fn run(call: Call) -> u8 {
    let program = program(&call.name);
    let all: Vec<OsString> = [program.clone()].into_iter().chain(call.words).collect();
    let mut getopt = Getopt::new(OPTIONS, all);
    let mut run = Run::new(Vec::<OsString>::new());
    let mut log = Log {
        debug: false,
        session: true,
        rewritten: SignalSet::EMPTY,
        over: false,
    };
    while let Some(found) = getopt.next() {
        let (code, argument) = match found {
            Ok(found) => found,
            Err(wrong) => {
                tell(&format!("{}: {wrong}\n", shown(&program)));
                return FAILED;
            }
        };
        match u8::try_from(code).unwrap_or(0) {
            b'h' => {
                tell(&help(&program));
                return 0;
            }
            b'V' => {
                tell(VERSION);
                return 0;
            }
            b'v' => log.debug = true,
            b'c' => log.session = false,
            _ => {
                let Some((from, to)) = rewriting(argument.unwrap_or_default().as_bytes()) else {
                    tell(REWRITE);
                    return FAILED;
                };
                run.map.set(from, to);
                log.rewritten |= from.into();
            }
        }
    }
    run.command = getopt.operands();
    if run.command.is_empty() {
        let name = shown(&program);
        tell(&format!(
            "Usage: {name} [option] program [args]\nTry {name} --help for full usage.\n"
        ));
        return FAILED;
    }
    if variable("DUMB_INIT_DEBUG").is_some_and(|value| value == b"1") {
        log.debug = true;
        log.say(|| "Running in debug mode.".into());
    }
    if variable("DUMB_INIT_SETSID").is_some_and(|value| value == b"0") {
        log.session = false;
        log.say(|| "Not running in setsid mode.".into());
    }
    supervise(run, log)
}

fn supervise(mut run: Run, mut log: Log) -> u8 {
    if log.session {
        for signal in [Signal::TSTP, Signal::TTIN, Signal::TTOU] {
            if !log.rewritten.contains(signal) {
                run.map.set(signal, Some(Signal::STOP));
                log.rewritten |= signal.into();
            }
        }
    }
    (run.to, run.place) = match log.session {
        true => (To::Group, Some(Place::Session)),
        false => (To::Child, Some(Place::Shared)),
    };
    run.stops = Stops::Itself;
    run.collect = true;
    run.leave = SignalSet::EMPTY;
    // It catches all that it passes on, so that nothing stays ignored.
    run.default = Signal::all()
        .filter(|signal| signal.is_standard())
        .collect();
    run.unblock = SignalSet::ALL;
    run.at_end = Some(Signal::TERM);
    run.release = Release::Directory;
    run.refused = Some(refused);
    match run.run_observed(&mut log) {
        Ok(ended) => {
            let status = ended.code();
            log.say(|| format!("Child exited with status {status}. Goodbye."));
            status
        }
        Err(error) => {
            tell(&format!("[dumb-init] {error}. Exiting.\n"));
            FAILED
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewritings() {
        let known = |text: &str| rewriting(text.as_bytes());
        assert_eq!(known("15:3"), Some((Signal::TERM, Some(Signal::QUIT))));
        assert_eq!(known(" 15: 3x"), Some((Signal::TERM, Some(Signal::QUIT))));
        assert_eq!(known("15:0"), Some((Signal::TERM, None)));
        for wrong in [
            "", "15", "15:", "15::3", "15 :3", "0:3", "32:3", "15:32", "15:-1", "a:b",
        ] {
            assert_eq!(known(wrong), None, "{wrong}");
        }
    }
}
