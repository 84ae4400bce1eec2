//! How `wigwag catch` ends: on a terminal, as process 1, and where nobody reads.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::io::{BufRead, BufReader, PipeReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use common::{command, ends};
use wigwag::{PidFd, Signal, send};
use wigwag_testkit::Deadline;

/// One whose pipe is full already, and stays so while the reader is there.
fn start_stuck(words: &str) -> (Child, PipeReader) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    while writer.write(&[b'x'; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    let mut child = command()
        .arg("catch")
        .args(words.split_whitespace())
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut start = String::new();
    BufReader::new(child.stderr.take().unwrap())
        .read_line(&mut start)
        .unwrap();
    assert!(start.contains(" waits for "), "{start}");
    (child, reader)
}

#[test]
fn a_full_pipe_does_not_hold_up_its_time() {
    for words in ["USR1 TERM --timeout 2s", "TERM USR1 --timeout 2s --count 1"] {
        let (mut child, _reader) = start_stuck(words);
        send::send(child.id() as i32, Signal::USR1).unwrap();
        ends(&mut child, Some(5), None);
    }
}

#[test]
fn a_full_pipe_is_left_at_a_second_asking() {
    let (mut child, _reader) = start_stuck("USR1 TERM INT");
    let pid = child.id() as i32;
    let pidfd = PidFd::open(pid).unwrap();
    let waits = || pidfd.wait(Some(Duration::from_millis(200))).unwrap();
    send::send(pid, Signal::USR1).unwrap();
    // One alone does not end it, nor do two before the reader has been still for a second.
    for signal in [Signal::TERM, Signal::INT] {
        send::send(pid, signal).unwrap();
        assert!(!waits());
    }
    Deadline::usual().wait_for("its end", || {
        send::send(pid, Signal::TERM).unwrap();
        waits().then_some(())
    });
    ends(&mut child, Some(5), None);
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
