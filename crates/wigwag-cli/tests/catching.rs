//! `wigwag catch` and real senders.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use common::{command, line};
use wigwag::exec::{CommandSignals, ExecSignals};
use wigwag::{PidFd, Signal, send};
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

#[track_caller]
fn ends(child: &mut Child, code: Option<i32>, signal: Option<i32>) {
    let pidfd = PidFd::open(child.id() as i32).unwrap();
    assert!(
        pidfd.wait(Some(Duration::from_secs(10))).unwrap(),
        "it goes on"
    );
    let status = child.wait().unwrap();
    assert_eq!((status.code(), status.signal()), (code, signal));
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
        send::queue(catcher.pid(), realtime, value).unwrap();
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
        send::queue(catcher.pid(), Signal::rtmin(), value).unwrap();
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
            text.contains(&format!(" {signal} from pid")),
            "{signal}: {text}"
        );
    }
    catcher.send(Signal::USR2);
    assert!(catcher.line().contains(" USR2 "));
    catcher.ends(Some(0), None);
}

/// The kernel lets nothing end process 1 but what it does itself.
#[test]
fn as_process_1_it_ends_by_what_it_is_not_to_tell() {
    for (words, signal, says) in [
        ("USR1", Signal::TERM, ""),
        ("USR1 --timeout 1h", Signal::INT, ""),
        ("USR1", Signal::HUP, ""),
        (
            "HUP --exit-on TERM",
            Signal::TERM,
            "TERM from outside this pid namespace",
        ),
    ] {
        let mut child = Command::new("unshare")
            .args([
                "--pid",
                "--fork",
                "--kill-child",
                env!("CARGO_BIN_EXE_wigwag"),
            ])
            .arg("catch")
            .args(words.split_whitespace())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut start = String::new();
        BufReader::new(child.stderr.take().unwrap())
            .read_line(&mut start)
            .unwrap();
        if start.starts_with("unshare: ") {
            println!("skipped: {start}");
            child.wait().unwrap();
            return;
        }
        assert!(start.contains("process 1 waits for "), "{start}");
        let unshare = child.id();
        let inner = std::fs::read_to_string(format!("/proc/{unshare}/task/{unshare}/children"));
        send::send(inner.unwrap().trim().parse().unwrap(), signal).unwrap();
        let out = child.wait_with_output().unwrap();
        let told = String::from_utf8(out.stdout).unwrap();
        let code = if says.is_empty() {
            128 + signal.number()
        } else {
            0
        };
        assert_eq!(out.status.code(), Some(code), "{told}");
        assert!(
            told.contains(says) && told.is_empty() == says.is_empty(),
            "{told}"
        );
    }
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

/// A terminal of script(1)'s, in which `catch` runs; gone with it.
struct Terminal {
    script: Child,
    out: BufReader<ChildStdout>,
}

impl Terminal {
    /// With what it has said first; `None` where script(1) is missing.
    fn start(words: &str) -> Option<(Terminal, String)> {
        let program = env!("CARGO_BIN_EXE_wigwag");
        let line = format!("stty sane cols 80 rows 24; exec {program} catch {words}");
        let mut script = Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let out = BufReader::new(script.stdout.take().unwrap());
        let mut terminal = Terminal { script, out };
        let start = terminal.line();
        Some((terminal, start))
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line
    }

    /// Presses Ctrl-C, and sees that it is told, not behind its echo.
    #[track_caller]
    fn interrupt(&mut self) {
        let keys = self.script.stdin.as_mut().unwrap();
        keys.write_all(b"\x03").unwrap();
        let line = self.line();
        assert!(line.contains(" INT from the kernel"), "{line:?}");
        assert!(!line.contains("^C") || line.contains("^C\r"), "{line:?}");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

#[test]
fn where_no_key_would_end_it_two_do() {
    let Some((mut terminal, start)) = Terminal::start("all") else {
        return;
    };
    let says = "waits for every signal; two Ctrl-C within 1 s end it\r\n";
    assert!(start.ends_with(says), "{start:?}");
    terminal.interrupt();
    terminal.interrupt();
    ends(&mut terminal.script, Some(130), None);
}

#[test]
fn where_something_else_ends_it_ctrl_c_does_not() {
    let Some((mut terminal, start)) = Terminal::start("all --count 4") else {
        return;
    };
    assert!(!start.contains("Ctrl-C"), "{start:?}");
    for _ in 0..4 {
        terminal.interrupt();
    }
    ends(&mut terminal.script, Some(0), None);
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
fn what_the_kernel_sends_has_no_sender() {
    let Some((mut terminal, _)) = Terminal::start("INT --json --count 1") else {
        return;
    };
    let keys = terminal.script.stdin.as_mut().unwrap();
    keys.write_all(b"\x03").unwrap();
    let line = terminal.line();
    let says = "\"cause\":{\"kernel\":{}}";
    assert!(
        line.contains(says) && line.contains("\"sender\":null"),
        "{line}"
    );
    ends(&mut terminal.script, Some(0), None);
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

/// More than its pipe holds, which nobody reads; until it is full.
fn fill(catcher: &Catcher) {
    let limit = 2_000;
    for value in 0..limit {
        send::queue(catcher.pid(), Signal::rtmin(), value).unwrap();
    }
    let held = |catcher: &Catcher| rustix::io::ioctl_fionread(catcher.out.get_ref()).unwrap();
    Deadline::usual().wait_for("a full pipe", || (held(catcher) > 60_000).then_some(()));
}

#[test]
fn a_full_pipe_does_not_hold_up_its_time() {
    for words in ["RTMIN --timeout 1s", "RTMIN --timeout 1s --count 2000"] {
        let catcher = Catcher::start(words);
        fill(&catcher);
        catcher.ends(Some(5), None);
    }
}

#[test]
fn a_full_pipe_is_left_at_a_second_asking() {
    let catcher = Catcher::start("RTMIN TERM INT");
    fill(&catcher);
    // The first ones may come before the reader has been still for a second.
    let pidfd = PidFd::open(catcher.pid()).unwrap();
    Deadline::usual().wait_for("its end", || {
        catcher.send(Signal::TERM);
        pidfd
            .wait(Some(Duration::from_millis(200)))
            .unwrap()
            .then_some(())
    });
    catcher.ends(Some(5), None);
}

/// Who reads late gets everything, in order.
#[test]
fn a_slow_reader_gets_all() {
    let mut catcher = Catcher::start("RTMIN --count 2000");
    fill(&catcher);
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
