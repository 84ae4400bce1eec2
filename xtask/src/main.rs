//! The project's own chores: `cargo xtask test | soak | bench | proof NAME`.
//!
//! No dependencies, so that it builds in a second on an empty machine.

mod machine;
mod proofs;
mod start;
mod steps;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test          everything that must hold before a change lands: format, lints, all tests and
                doc tests, the documentation, then the release binary's own tour
  soak [MINUTES]
                storms of signals while all else changes, then the proofs that race, for ten minutes
  bench         the benches, and the measured proofs
  proof NAME    one proof (`cargo xtask proof` lists them)
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["test"] => steps::test(),
        ["soak"] => steps::soak(10),
        ["soak", minutes] => match minutes.parse() {
            Ok(minutes) => steps::soak(minutes),
            Err(_) => Err(format!("soak: {minutes:?} is not a number of minutes")),
        },
        ["bench"] => steps::bench(),
        ["proof"] => {
            print!("{}", proofs::list());
            Ok(())
        }
        ["proof", name] => proofs::run(name),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}
