//! The library against the real kernel. Every case runs in a process of its own, on its only thread, so that it may
//! change masks and dispositions: this program starts itself once for each, and ends one that takes too long.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod actions;
mod attacked;
mod causes;
mod children;
mod churn;
mod coexisting;
mod facts;
mod forge;
mod held;
mod interrupted;
mod mended;
mod receive;
mod receiving;
mod sending;
mod shutdown;
mod starting;
mod storms;
mod streams;
mod timers;
mod tools;

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use wigwag::{PidFd, Signal, disposition};

type Case = (&'static str, fn());

const LIMIT: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let cases: Vec<Case> = [
        actions::CASES,
        attacked::CASES,
        causes::CASES,
        children::CASES,
        churn::CASES,
        coexisting::CASES,
        facts::CASES,
        held::CASES,
        interrupted::CASES,
        mended::CASES,
        receive::CASES,
        receiving::CASES,
        sending::CASES,
        shutdown::CASES,
        starting::CASES,
        storms::CASES,
        streams::CASES,
        timers::CASES,
    ]
    .concat();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name] = arguments.as_slice()
        && flag == "--case"
    {
        let (_, case) = cases
            .iter()
            .find(|(other, _)| other == name)
            .expect("a case of this name");
        case();
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|argument| argument == "--list") {
        cases.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    // A shell without job control has what it starts in the background ignore INT and QUIT, and nohup HUP: what the cases send themselves.
    for signal in [Signal::INT, Signal::QUIT, Signal::HUP] {
        disposition::default(signal).expect("what is done by default");
    }
    let words: Vec<&String> = arguments
        .iter()
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let chosen =
        |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let mut failed = 0;
    for (name, _) in cases.iter().filter(|(name, _)| chosen(name)) {
        let began = Instant::now();
        let passed = run(name);
        let how = if passed { "ok" } else { "FAILED" };
        println!(
            "test {name} ... {how} <{:.1}s>",
            began.elapsed().as_secs_f64()
        );
        failed += i32::from(!passed);
    }
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run(name: &str) -> bool {
    let mut child = Command::new(std::env::current_exe().expect("the path of this program"))
        .args(["--case", name])
        .stdin(Stdio::null())
        .spawn()
        .expect("start a case");
    let pidfd = PidFd::open(child.id() as i32).expect("hold the case");
    let limit = LIMIT * storms::growth() + churn::time();
    if !pidfd.wait(Some(limit)).expect("wait for the case") {
        pidfd
            .send(Signal::KILL)
            .expect("end a case that takes too long");
        println!("{name} took longer than {limit:?}");
    }
    child.wait().expect("the case's status").success()
}
