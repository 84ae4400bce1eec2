//! `wigwag catch` and real senders.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};

use common::{command, ends, line};
use wigwag::exec::{CommandSignals, ExecSignals};
use wigwag::{Signal, send};
use wigwag_testkit::Deadline;

/// A catcher that has said that it waits.
struct Catcher {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Catcher {
    fn start(words: &str) -> Catcher {
        Catcher::start_with(words, &ExecSignals::new())
    }

    fn start_with(words: &str, signals: &ExecSignals) -> Catcher {
        let mut child = command()
            .arg("catch")
            .args(words.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .signals(signals)
            .process_group(0)
            .spawn()
            .unwrap();
        let mut says = String::new();
        BufReader::new(child.stderr.take().unwrap())
            .read_line(&mut says)
            .unwrap();
        assert!(
            says.contains(&format!("process {} waits for ", child.id())),
            "{says}"
        );
        let out = BufReader::new(child.stdout.take().unwrap());
        Catcher { child, out }
    }

    fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    fn send(&self, signal: Signal) {
        send::send(self.pid(), signal).unwrap();
    }

    /// EAGAIN: others of the same user have filled its queue, for a moment.
    fn queue(&self, signal: Signal, value: i32) {
        let sent = || send::queue(self.pid(), signal, value).ok();
        Deadline::usual().wait_for("room in the queue", sent);
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    #[track_caller]
    fn ends(mut self, code: Option<i32>, signal: Option<i32>) {
        ends(&mut self.child, code, signal);
    }
}

#[test]
fn each_is_told_with_its_sender_and_value() {
    let mut catcher = Catcher::start("TERM RTMIN+3 --count 4");
    let me = send::process_id();
    catcher.send(Signal::TERM);
    let text = catcher.line();
    let (time, text) = text.split_once(' ').unwrap();
    assert_eq!(time.len(), "12:34:56.123456".len(), "{time}");
    assert!(
        text.starts_with(&format!("TERM from pid {me} (user ")),
        "{text}"
    );
    assert!(text.contains(") by kill ["), "{text}");
    if rustix::process::getuid().is_root() {
        assert!(text.contains("(user root)"), "{text}");
    }
    let realtime: Signal = "RTMIN+3".parse().unwrap();
    for value in [-1, 0, i32::MAX] {
        catcher.queue(realtime, value);
    }
    for value in [-1, 0, i32::MAX] {
        let text = catcher.line();
        assert!(text.contains("RTMIN+3 from pid"), "{text}");
        assert!(
            text.contains(&format!("by sigqueue, value {value}")),
            "{text}"
        );
    }
    catcher.ends(Some(0), None);
}

#[test]
fn nothing_is_lost_before_it_is_read() {
    let mut catcher = Catcher::start("RTMIN --count 500 --json");
    for value in -250..250 {
        catcher.queue(Signal::rtmin(), value);
    }
    for value in -250..250 {
        let json: serde_json::Value = serde_json::from_str(&catcher.line()).unwrap();
        assert_eq!(json["signal"], "RTMIN");
        assert_eq!(
            (&json["number"], &json["code_name"]),
            (&(Signal::rtmin().number()).into(), &"SI_QUEUE".into())
        );
        assert_eq!(json["sender"]["pid"], send::process_id());
        assert_eq!(json["sender"]["uid"], rustix::process::getuid().as_raw());
        let name = json["sender"]["name"].as_str().unwrap();
        assert!(name.starts_with("catching-"), "{name}");
        assert_eq!(json["cause"]["queue"]["pid"], send::process_id());
        assert_eq!(json["cause"]["queue"]["value"], value);
        assert!(json["cause"]["queue"].get("pointer").is_none(), "{json}");
    }
    catcher.ends(Some(0), None);
}

#[test]
fn a_last_one_ends_it() {
    let mut catcher = Catcher::start("USR1 --exit-on HUP,TERM");
    for signal in [Signal::USR1, Signal::USR1, Signal::HUP] {
        catcher.send(signal);
        assert!(catcher.line().contains(&format!(" {signal} from pid")));
    }
    catcher.ends(Some(0), None);
}

/// As lists, again and again, in capitals and with blanks.
#[test]
fn signals_are_named_in_many_ways() {
    let mut child = command();
    child.args([
        "catch",
        " usr1",
        "SIGUSR2,10",
        "--exit-on",
        "HUP, TERM",
        "--exit-on",
        "int",
    ]);
    child.args(["--timeout", "10ms"]);
    let ran = common::finish(&mut child);
    ran.ended(4)
        .complains("waits for HUP, INT, USR1, USR2 and TERM");
    line("catch ALL --timeout 10ms")
        .ended(0)
        .complains("waits for every signal");
}

#[test]
fn what_is_not_asked_for_does_what_it_does() {
    let catcher = Catcher::start("USR1");
    catcher.send(Signal::INT);
    catcher.ends(None, Some(2));
}

/// A shell without job control starts what is in its background with INT and QUIT ignored.
#[test]
fn ignored_ones_are_caught_when_they_are_asked_for() {
    let ignoring = ExecSignals::new().ignore([Signal::INT, Signal::HUP]);
    let mut catcher = Catcher::start_with("INT HUP --count 2", &ignoring);
    for signal in [Signal::INT, Signal::HUP] {
        catcher.send(signal);
        assert!(catcher.line().contains(&format!(" {signal} from pid")));
    }
    catcher.ends(Some(0), None);
}

/// The stop signals and ABRT are not captured but caught.
#[test]
fn all_that_can_be_had_are() {
    let mut catcher = Catcher::start("all --exit-on USR2");
    let own = [
        Signal::KILL,
        Signal::STOP,
        Signal::SEGV,
        Signal::BUS,
        Signal::ILL,
        Signal::FPE,
    ];
    for signal in Signal::all().filter(|signal| !own.contains(signal) && *signal != Signal::USR2) {
        catcher.send(signal);
        let text = catcher.line();
        assert!(
            text.contains(&format!(" {signal} from ")),
            "{signal}: {text}"
        );
    }
    catcher.send(Signal::USR2);
    assert!(catcher.line().contains(" USR2 "));
    catcher.ends(Some(0), None);
}

/// As nohup and the background of a script have it.
#[test]
fn what_is_ignored_and_not_asked_for_stays_so() {
    let ignoring = ExecSignals::new().ignore([Signal::INT, Signal::HUP]);
    let mut catcher = Catcher::start_with("USR1 --count 1", &ignoring);
    for signal in [Signal::INT, Signal::HUP, Signal::USR1] {
        catcher.send(signal);
    }
    assert!(catcher.line().contains(" USR1 from pid"));
    catcher.ends(Some(0), None);
}

/// The one child that it can have is what the program before it has started.
#[test]
fn a_child_is_told_like_the_others() {
    for (more, says) in [("", " CHLD child "), (" --json", "\"sender\":{\"pid\":")] {
        let line = format!("exec 3<&0; cat <&3 & exec \"$W\" catch CHLD --count 1{more} 3<&-");
        let mut child = Command::new("sh")
            .args(["-c", &line])
            .env("W", env!("CARGO_BIN_EXE_wigwag"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut start = String::new();
        BufReader::new(child.stderr.as_mut().unwrap())
            .read_line(&mut start)
            .unwrap();
        assert!(start.contains("waits for CHLD"), "{start}");
        // Now its child's input is over. Catch has the same one for its own, and does not read it.
        let out = child.wait_with_output().unwrap();
        let told = String::from_utf8(out.stdout).unwrap();
        assert_eq!(out.status.code(), Some(0), "{told}");
        assert!(told.contains(says) && !told.contains("CHLD:"), "{told}");
    }
}

#[test]
fn the_time_may_be_over() {
    line("catch HUP --timeout 50ms").ended(0);
    line("catch HUP --timeout 50ms --count 1").ended(4);
    line("catch --timeout 50ms --exit-on HUP").ended(4);
}

/// At once, not at the next signal, and not as if all had been told.
#[test]
fn who_does_not_read_any_more_ends_it() {
    for words in ["USR1", "USR1 --count 3 --json", "USR1 --timeout 1h"] {
        let mut catcher = Catcher::start(words);
        catcher.send(Signal::USR1);
        assert!(catcher.line().contains("USR1"));
        let Catcher { mut child, out } = catcher;
        drop(out);
        ends(&mut child, Some(5), None);
    }
}

/// Who reads late gets everything, in order.
#[test]
fn a_slow_reader_gets_all() {
    let mut catcher = Catcher::start("RTMIN --count 2000");
    // More than its pipe holds.
    for value in 0..2_000 {
        catcher.queue(Signal::rtmin(), value);
    }
    let held = || rustix::io::ioctl_fionread(catcher.out.get_ref()).unwrap();
    Deadline::usual().wait_for("a full pipe", || (held() > 60_000).then_some(()));
    for value in 0..2_000 {
        let text = catcher.line();
        assert!(text.contains(&format!(", value {value} [")), "{text}");
    }
    catcher.ends(Some(0), None);
}

#[test]
fn what_cannot_be_had_is_refused() {
    for (words, says) in [
        ("KILL", "no process can catch or block it"),
        ("USR1 SEGV", "the thread whose fault it is"),
        ("TREM", "did you mean TERM?"),
        ("32", "reserved"),
        ("0", "0"),
        ("HUP --count 0", "write a whole number, 1 or more"),
        ("HUP --count -1", "write a whole number, 1 or more"),
        ("HUP --count many", "write a whole number, 1 or more"),
        ("HUP --timeout soon", "soon"),
        ("HUP --timeout -1", "\"-1\" is no time"),
        ("HUP --timeout 1e3", "a number of seconds (10, 0.5)"),
        ("RTMIN-1", "is no real-time signal"),
        ("RTMAX+1", "is no real-time signal"),
        ("--exit-on HUP,KILL", "no process can catch or block it"),
        ("", "required"),
    ] {
        let ran = line(&format!("catch {words}"));
        ran.ended(2).complains(says);
    }
}

#[test]
fn quiet_it_says_nothing() {
    let ran = line("catch HUP --timeout 20ms --quiet");
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
}
