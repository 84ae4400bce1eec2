//! `wigwag catch`: waits for signals and says of each who sent it, how, and what came with it.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use clap::{Arg, ArgAction, ArgMatches, Command};
use jiff::Timestamp;
use serde::Serialize;
use wigwag::disposition::{self, Handling};
use wigwag::receive::{self, Options, Received, Signals};
use wigwag::{Cause, Signal, SignalInfo, SignalSet, send};
use wigwag_process::order::FORMAT;
use wigwag_process::procfs::{Proc, known_user_name};

use super::{Failure, usage};
use crate::output::{Lines, Output, Reader, clean};
use crate::target;

const EXAMPLES: &str = "\
Examples:
  wigwag catch TERM HUP USR1          what comes, until INT (Ctrl-C) ends it
  wigwag catch USR1 --count 1         wait for one, then go on: a script's door
  wigwag catch RTMIN+3 --timeout 30s  4 if the time is over
  wigwag catch all --exit-on TERM     everything; TERM is the last
  wigwag catch CHLD WINCH --json | jq .sender.pid

Once it says on standard error that it waits, all that is sent is received:
real-time signals each, others once while one is pending. They queue in the
kernel; only ABRT, TRAP, SYS, TSTP, TTIN and TTOU are caught by a handler, whose
room is limited: a line tells how many were lost. Not to be had are KILL and
STOP, and the faults SEGV, BUS, ILL and FPE.
With -q it does not say that it waits: a script that must know does without.
Signals that it was started to ignore, as by nohup, are received all the same:
they are asked for by name.

Each is a line: the local time, the signal, who sent it, by which call, with
which value, and [its name] where it still lives. With --json each is an object
on a line of its own, and its time is UTC.

INT (Ctrl-C), TERM and HUP that are not waited for end it as they end others,
which a shell tells as 130, 143 and 129. As process 1 of a namespace, which the
kernel keeps from them, it exits with these. What a script starts with & ignores
INT: there it takes --count, --timeout, --exit-on or TERM. Where INT and QUIT
are waited for, and none of the three options is given, no key would end it: two
Ctrl-C within a second do (130).
A reader that goes away ends it at once (5). One that only stops reading holds
up nothing: TIME is kept, and once it has read nothing for a second, two INT or
TERM, though they are caught, end it; what it has not read is lost then (5).
Exit status: 0 --count or --exit-on was reached, or --timeout where neither is
given, 2 usage, 4 the time was over before, 5 wigwag itself could not go on.";

/// The clap tree of this verb.
pub fn command() -> Command {
    Command::new("catch")
        .about("Wait for signals and say who sent them")
        .override_usage(
            "wigwag catch SIGNAL... [OPTIONS]\n       wigwag catch --exit-on SIGNAL,... [OPTIONS]",
        )
        .after_help(EXAMPLES)
        .arg(
            Arg::new("signal")
                .value_name("SIGNAL")
                .num_args(1..)
                .required_unless_present("exit-on")
                .help("By name or number, also as TERM,HUP; all: every one that can be had"),
        )
        .arg(
            Arg::new("count")
                .long("count")
                .value_name("N")
                .value_parser(target::whole::<u64>(1))
                .help("End after so many"),
        )
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("TIME")
                .help("End after this time [default: none]"),
        )
        .arg(
            Arg::new("exit-on")
                .long("exit-on")
                .value_name("SIGNAL,...")
                .action(ArgAction::Append)
                .help("End after one of these, which are waited for besides"),
        )
}

/// Why nobody can wait for it.
fn refused(signal: Signal) -> Option<&'static str> {
    const FAULTS: SignalSet = SignalSet::of(&[Signal::ILL, Signal::BUS, Signal::FPE, Signal::SEGV]);
    if !signal.can_be_caught() {
        return Some("no process can catch or block it");
    }
    FAULTS
        .contains(signal)
        .then_some("it is for the thread whose fault it is")
}

/// All that can be had.
fn every() -> SignalSet {
    Signal::all()
        .filter(|signal| refused(*signal).is_none())
        .collect()
}

/// What a signal is on a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    wigwag: u32,
    at: Timestamp,
    #[serde(flatten)]
    info: &'a SignalInfo,
    number: i32,
    code_name: Option<&'static str>,
    sender: Option<Sender>,
    lost: u64,
}

/// Carries it out.
pub fn run(matches: &ArgMatches, out: &mut Output) -> anyhow::Result<u8> {
    let ends = signals(matches, "exit-on")?;
    let wanted = signals(matches, "signal")? | ends;
    let count = matches.get_one::<u64>("count").copied();
    let timeout =
        target::duration(matches, "timeout")?.and_then(|time| Duration::try_from(time).ok());
    let pid = std::process::id();
    let enders = match pid {
        1 => enders() - wanted,
        _ => SignalSet::EMPTY,
    };
    let is_keyless = count.is_none()
        && timeout.is_none()
        && ends.is_empty()
        && wanted.is_superset(SignalSet::of(&[Signal::INT, Signal::QUIT]));
    // Before anything makes a thread: what can be is captured, and interrupts nothing.
    receive::block_everywhere(wanted | enders)?;
    let signals = Signals::with(wanted | enders, &Options::new().even_ignored())
        .map_err(|error| usage(error.to_string()))?;
    let keys = match is_keyless && (io::stdin().is_terminal() || io::stderr().is_terminal()) {
        true => "; two Ctrl-C within 1 s end it",
        false => "",
    };
    out.remark(&format!("process {pid} waits for {}{keys}", words(wanted)));
    Catching {
        signals,
        ends,
        enders,
        is_keyless,
        last_key: None,
        left: count,
        until: timeout.and_then(|time| Instant::now().checked_add(time)),
        lines: Lines::new(out.is_quiet()),
        proc: Proc::open().ok(),
        is_json: out.is_json(),
        is_terminal: out.terminal_width().is_some(),
        insisted: 0,
        is_done: false,
        ended_by: None,
    }
    .run()
}

fn is_ignored(signal: Signal) -> bool {
    disposition::get(signal).is_ok_and(|found| found.handling == Handling::Ignore)
}

/// What ends any other process, but not process 1 of a pid namespace unless it does that itself.
fn enders() -> SignalSet {
    [Signal::HUP, Signal::INT, Signal::TERM]
        .into_iter()
        .filter(|signal| !is_ignored(*signal))
        .collect()
}

/// So many lines may wait for a slow reader. Then the signals are left where they are, and in the end a sender with a value feels it.
const ROOM: usize = 16_384;

/// A reader who has taken nothing for so long may be one who never will.
const STUCK: Duration = Duration::from_secs(1);

/// Two Ctrl-C within this time mean it.
const TWICE: Duration = Duration::from_secs(1);

struct Catching {
    signals: Signals,
    ends: SignalSet,
    /// What it does not tell, but ends by, as process 1.
    enders: SignalSet,
    /// No key of the terminal ends it otherwise, nor anything else that was asked for.
    is_keyless: bool,
    /// When Ctrl-C was pressed last.
    last_key: Option<Instant>,
    /// How many are still to come.
    left: Option<u64>,
    until: Option<Instant>,
    lines: Lines,
    proc: Option<Proc>,
    is_json: bool,
    is_terminal: bool,
    /// How many INT and TERM have come while the reader took nothing.
    insisted: u32,
    /// The last one has come; what is left is to write it.
    is_done: bool,
    /// This one ends it at once.
    ended_by: Option<Signal>,
}

impl Catching {
    fn run(mut self) -> anyhow::Result<u8> {
        let is_bounded = self.left.is_some() || !self.ends.is_empty();
        loop {
            let has_room = self.lines.waiting() < ROOM;
            let descriptor = has_room.then(|| self.signals.descriptor()).transpose()?;
            if self.lines.wait(descriptor, self.until)? == Reader::Gone
                || self.step()? == Reader::Gone
            {
                return Ok(Failure::OURS);
            }
            if let Some(signal) = self.ended_by {
                send::end_by(signal);
            }
            let waiting = self.lines.waiting();
            if self.is_done && waiting == 0 {
                return Ok(0);
            }
            let is_over = self.until.is_some_and(|until| Instant::now() >= until);
            if (is_over || self.insisted > 1) && waiting > 0 {
                let text = format!("standard output takes nothing; lines lost: {waiting}");
                return Err(Failure::new(Failure::OURS, text).into());
            }
            if is_over {
                return Ok(if is_bounded { 4 } else { 0 });
            }
        }
    }

    /// Writes what waits, takes what is there and tells it.
    fn step(&mut self) -> anyhow::Result<Reader> {
        let mut reader = self.lines.write()?;
        while reader == Reader::There && self.lines.waiting() < ROOM {
            let Some(next) = self.signals.try_next() else {
                break;
            };
            let asks_to_end = [Signal::INT, Signal::TERM].contains(&next.signal);
            let is_stuck = |since: Instant| since.elapsed() >= STUCK;
            match self.lines.stuck_since() {
                None => self.insisted = 0,
                Some(since) if asks_to_end && is_stuck(since) => self.insisted += 1,
                Some(_) => {}
            }
            if self.enders.contains(next.signal) {
                self.ended_by = Some(next.signal);
                break;
            }
            if self.is_done {
                continue;
            }
            if self.is_keyless && next.signal == Signal::INT && next.cause == Cause::Kernel {
                let is_second = |last| next.at.saturating_duration_since(last) <= TWICE;
                if self.last_key.is_some_and(is_second) {
                    self.ended_by = Some(Signal::INT);
                    self.is_done = true;
                }
                self.last_key = Some(next.at);
            }
            let mut line = line(&next, self.proc.as_ref(), self.is_json)?;
            if self.is_terminal && next.cause == Cause::Kernel {
                // The terminal has echoed the key, `^C`: the line is written over that.
                line.insert(0, b'\r');
            }
            reader = self.lines.push(line)?;
            self.left = self.left.map(|left| left - 1);
            self.is_done |= self.left == Some(0) || self.ends.contains(next.signal);
        }
        Ok(reader)
    }
}

/// The signals of an argument.
fn signals(matches: &ArgMatches, argument: &str) -> anyhow::Result<SignalSet> {
    let mut set = SignalSet::EMPTY;
    let words = matches.get_many::<String>(argument).unwrap_or_default();
    for word in words.flat_map(|word| word.split(',')).map(str::trim) {
        if word.eq_ignore_ascii_case("all") {
            set |= every();
        } else {
            let signal: Signal = word.parse().map_err(|error| usage(format!("{error}")))?;
            if let Some(why) = refused(signal) {
                return Err(usage(format!("{signal} is not to be had: {why}")));
            }
            set |= signal.into();
        }
    }
    Ok(set)
}

/// `HUP, TERM and USR1`; the real-time ones, where all are meant, as a range.
fn words(set: SignalSet) -> String {
    if set == every() {
        return "every signal".to_owned();
    }
    let realtime = |signal: &Signal| signal.is_realtime();
    let all_realtime = Signal::all()
        .filter(realtime)
        .all(|signal| set.contains(signal));
    let mut names: Vec<String> = set
        .iter()
        .filter(|signal| !(all_realtime && signal.is_realtime()))
        .map(|signal| signal.name().into_owned())
        .collect();
    if all_realtime {
        names.push("RTMIN to RTMAX".to_owned());
    }
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Who sent it, or of CHLD the child, where its cause has one.
#[derive(Serialize)]
struct Sender {
    pid: i32,
    uid: u32,
    user: Option<String>,
    name: Option<String>,
}

impl Sender {
    /// Getent is not asked for the user: it would be a child of this process, whose end is a signal.
    fn of(received: &Received, proc: Option<&Proc>) -> Option<Sender> {
        let (pid, uid) = (received.pid()?, received.uid()?);
        let proc = proc.filter(|_| pid > 0);
        let name = proc.and_then(|proc| proc.dir(pid).ok()?.comm().ok());
        Some(Sender {
            pid,
            uid,
            user: known_user_name(uid),
            name: name.map(|name| name.to_string_lossy().into_owned()),
        })
    }
}

/// What is said of it, with the end of the line.
fn line(received: &Received, proc: Option<&Proc>, is_json: bool) -> anyhow::Result<Vec<u8>> {
    let at = Timestamp::now() - jiff::SignedDuration::try_from(received.at.elapsed())?;
    let sender = Sender::of(received, proc);
    if is_json {
        let mut text = serde_json::to_vec(&Line {
            wigwag: FORMAT,
            at,
            info: &received.info,
            number: received.signal.number(),
            code_name: received.code_name(),
            sender,
            lost: received.lost,
        })?;
        text.push(b'\n');
        return Ok(text);
    }
    let time = at
        .to_zoned_datetime(jiff::tz::TimeZone::system())
        .strftime("%H:%M:%S%.6f")
        .to_string();
    let mut text = received.info.to_string();
    if let Some(sender) = sender {
        if let Some(user) = &sender.user {
            let user = format!("(user {})", clean(user, true));
            text = text.replacen(&format!("(user {})", sender.uid), &user, 1);
        }
        if let Some(name) = &sender.name {
            text.push_str(&format!(" [{}]", clean(name, false)));
        }
    }
    let lost = match received.lost {
        0 => String::new(),
        lost => format!(" ({lost} of it lost so far)"),
    };
    Ok(format!("{time} {text}{lost}\n").into_bytes())
}
