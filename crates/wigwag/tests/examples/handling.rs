//! The examples that handle signals with callbacks, flags and handlers, send them, or hold them off.

use std::path::{Path, PathBuf};

use wigwag::{Signal, send};

use crate::program::{Program, build, profile_dir};

#[test]
fn the_valid_signals() {
    let program = Program::start("list_signals");
    for signal in Signal::all() {
        let line = program.line();
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(
            words[..2],
            [signal.number().to_string(), signal.to_string()]
        );
        assert!(line.contains(&*signal.description()), "{line}");
        let kept = matches!(signal, Signal::KILL | Signal::STOP);
        assert_eq!(line.ends_with("(cannot be caught)"), kept, "{line}");
    }
    program.ends_well();
}

#[test]
fn faults_raised_by_hand() {
    let program = Program::start("raise_ill_and_fpe");
    // Those of two processes that run at a time.
    let mut lines: Vec<String> = (0..6).map(|_| program.line()).collect();
    lines.sort();
    for (line, signal) in lines.iter().zip(["FPE", "ILL"]) {
        let refused = format!("cannot receive {signal}: EINVAL (invalid argument); ");
        assert!(line.starts_with(&refused), "{line}");
    }
    let rest = [
        "handler: FPE, sent by itself: true",
        "handler: ILL, sent by itself: true",
        "the process of FPE exited with status 0",
        "the process of ILL exited with status 0",
    ];
    assert_eq!(lines[2..], rest);
    program.ends_well();
}

#[test]
fn hup_goes_to_a_child() {
    let program = Program::start("hup_to_child_by_pidfd");
    program.prints(&[
        "child: ready",
        "child: HUP, from its parent: true",
        "parent: it exited with status 0",
        "parent: once more: ESRCH (no such process)",
    ]);
    program.ends_well();
}

#[test]
fn term_ends_it_cleanly() {
    let program = Program::start("catch_term");
    for signal in ["KILL", "STOP"] {
        program.line_after(&format!(
            "cannot receive {signal}: EINVAL (invalid argument)"
        ));
    }
    program.prints(&["ready"]);
    program.send(Signal::TERM);
    program.prints(&["TERM: exiting cleanly"]);
    program.ends_well();
}

#[test]
fn three_terms_do_not_end_it() {
    let program = Program::start("term_three_times");
    program.prints(&["ready"]);
    for count in 1..=3 {
        program.send(Signal::TERM);
        program.prints(&[&format!("TERM {count}: still alive")]);
    }
    assert!(program.is_alive());
    program.send(Signal::USR2);
    program.prints(&["USR2: enough"]);
    program.ends_well();
}

#[test]
fn the_sender_is_told() {
    let program = Program::start("who_sent_it");
    program.prints(&["ready"]);
    program.send(Signal::TERM);
    let (pid, uid) = (send::process_id(), rustix::process::getuid().as_raw());
    program.prints(&[&format!("TERM from pid {pid} of user {uid}")]);
    program.ends_well();
}

/// As it is built here, and with full optimisation.
#[test]
fn a_busy_loop_sees_the_flag() {
    let name = "busy_loop";
    build(&["--release", "--example", name]);
    let release = profile_dir().with_file_name("release");
    for profile in [profile_dir(), release] {
        let program = Program::start_at(&profile.join("examples").join(name), &[] as &[&str]);
        program.prints(&["ready"]);
        assert!(program.is_alive());
        program.send(Signal::TERM);
        let rounds = program.line_after("stopped after ");
        assert!(rounds.ends_with(" rounds"), "{rounds}");
        program.ends_well();
    }
}

#[test]
fn hup_reloads() {
    let file = Scratch::new("limit");
    std::fs::write(file.path(), "10\n").unwrap();
    let program = Program::start_with("reload_on_hup", &[file.path()]);
    program.prints(&["ready: limit 10"]);
    std::fs::write(file.path(), "20\n").unwrap();
    program.send(Signal::HUP);
    program.prints(&["limit 20"]);
    std::fs::write(file.path(), "many\n").unwrap();
    program.send(Signal::HUP);
    program.line_after("not reloaded: ");
    program.prints(&["limit 20"]);
    program.send(Signal::TERM);
    program.prints(&["ended with limit 20"]);
    program.ends_well();
}

#[test]
fn shutting_down_takes_its_time_or_is_forced() {
    let program = Program::start("shutdown");
    program.prints(&["ready"]);
    for _ in 0..2 {
        program.send(Signal::HUP);
        program.prints(&["configuration read again"]);
    }
    program.send(Signal::TERM);
    program.prints(&["TERM asks, finishing", "finished"]);
    program.ends_by(Signal::TERM);

    let program = Program::start_with("shutdown", &["3600"]);
    program.prints(&["ready"]);
    program.send(Signal::TERM);
    program.prints(&["TERM asks, finishing"]);
    program.send(Signal::INT);
    program.ends_by(Signal::INT);
}

#[test]
fn temporary_files_go() {
    for signal in [Signal::INT, Signal::HUP, Signal::TERM] {
        let program = Program::start("temporary_files");
        let path = PathBuf::from(program.line_after("ready "));
        assert!(path.exists());
        program.send(signal);
        program.prints(&["removed"]);
        assert!(!path.exists());
        program.ends_by(signal);
    }
}

#[test]
fn a_critical_section_is_whole() {
    let program = Program::start("critical_section");
    program.prints(&["from 70, to 0", "pending: TERM", "from 70, to 30"]);
    program.ends_by(Signal::TERM);
}

/// A file that is removed when the test ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let name = format!("wigwag-test-{}-{name}", std::process::id());
        Scratch(std::env::temp_dir().join(name))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
