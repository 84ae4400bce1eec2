//! The examples that wait: for an alarm, a key, a child, in a thread, for a timer.

use wigwag::{Signal, send};

use crate::program::Program;

/// The number before " ms", which is at least this.
#[track_caller]
fn at_least(milliseconds: u64, text: &str) {
    let number: u64 = text.split(' ').next().unwrap().parse().unwrap();
    assert!(number >= milliseconds, "{text}");
}

/// The parent's alarm of 60 s beside the worker's of 1 s.
#[track_caller]
fn own_alarm_goes_on(program: &Program) {
    let line = program.line_after("parent: ");
    let (left, rest) = line.split_once(' ').unwrap();
    assert_eq!(rest, "s of its own alarm were left");
    assert!((1..60).contains(&left.parse::<u32>().unwrap()), "{line}");
}

#[test]
fn an_alarm_rings_while_it_sleeps() {
    let program = Program::start("alarm_while_sleeping");
    program.prints(&["sleeping"]);
    at_least(1000, &program.line_after("rang after "));
    at_least(2000, &program.line_after("slept "));
    program.ends_well();
}

#[test]
fn an_alarm_ends_a_pause() {
    let program = Program::start("alarm_and_pause");
    program.prints(&["waiting", "pause is over", "ALRM from the kernel"]);
    program.ends_well();
}

#[test]
fn an_interrupt_ends_a_pause() {
    let program = Program::start("interrupt_and_pause");
    program.prints(&["ready: press Ctrl-C"]);
    program.send(Signal::INT);
    let sender = format!("INT from pid {} ", send::process_id());
    assert!(program.line_after(&sender).ends_with("by kill"));
    program.ends_well();
}

#[test]
fn a_child_program_has_its_own_alarm() {
    let program = Program::start("child_with_own_alarm");
    program.prints(&[
        "child: started with 0 blocked",
        "child: ALRM from the kernel",
        "parent: the child exited with status 0",
    ]);
    own_alarm_goes_on(&program);
    program.ends_well();
}

#[test]
fn a_forked_worker_has_its_own_alarm() {
    let program = Program::start("forked_worker");
    program.prints(&["worker: inherited None"]);
    let line = program.line_after("worker ");
    let (worker, rest) = line.split_once(": ").unwrap();
    assert_eq!(rest, "ALRM from the kernel");
    assert_ne!(worker, program.pid().to_string());
    program.prints(&[&format!("parent: worker {worker} exited with status 0")]);
    own_alarm_goes_on(&program);
    program.ends_well();
}

#[test]
fn a_thread_that_waits_has_the_callback_called() {
    let program = Program::start("sigwait_calls_handler");
    program.prints(&[
        "thread: woken by USR1",
        "callback: USR1",
        "thread: the callback has run",
    ]);
    program.ends_well();
}

#[test]
fn a_thread_ends_itself() {
    let program = Program::start("thread_ends_on_signal");
    program.prints(&["sent USR1", "sent USR1", "sent TERM"]);
    program.prints(&["the thread has ended, after 2 USR1"]);
    program.ends_well();
}

#[test]
fn a_signal_comes_too_late() {
    let program = Program::start("sigwait_timeout");
    program.prints(&["nothing within 50 ms", "too late: USR1"]);
    program.ends_well();
}

#[test]
fn a_thread_is_told_everything() {
    let program = Program::start("sigwaitinfo");
    let (pid, uid) = (program.pid(), rustix::process::getuid().as_raw());
    program.prints(&[
        &format!("RTMIN SI_QUEUE pid {pid} user {uid} value 42"),
        &format!("RTMIN SI_TKILL pid {pid} user {uid}"),
    ]);
    program.ends_well();
}

#[test]
fn a_timer_once_and_repeating() {
    let program = Program::start("interval_timer");
    at_least(50, &program.line_after("once: after "));
    program.prints(&["once: runs on: false"]);
    for count in 1..=3 {
        let after = program.line_after(&format!("repeating: {count} after "));
        at_least(20, &after);
    }
    let left = program.line_after("stopped: ");
    assert!(left.ends_with("ms left, then every 5s"), "{left}");
    at_least(1000, &left);
    program.ends_well();
}
