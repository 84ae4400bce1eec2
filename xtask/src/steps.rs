//! The steps of `test`, `soak` and `bench`, each a command that is shown before it runs.

use std::process::Command;
use std::sync::OnceLock;
use std::time::Instant;

use crate::{machine, proofs, start};

/// Runs one command in the workspace, shown first and timed; any other end than 0 is an error.
pub fn step(program: &str, words: &[&str], environment: &[(&str, &str)]) -> Result<(), String> {
    let shown = format!("{program} {}", words.join(" "));
    println!("\n==> {shown}");
    let began = Instant::now();
    let status = with_default_signals(program)
        .args(words)
        .envs(environment.iter().copied())
        .status()
        .map_err(|error| format!("cannot start {program}: {error}"))?;
    println!(
        "==> {shown}: {status}, {:.1} s",
        began.elapsed().as_secs_f32()
    );
    if status.success() {
        Ok(())
    } else {
        Err(format!("{shown}: {status}"))
    }
}

/// A command that begins with every signal at its default: nohup(1), and a shell's `&`, have HUP, INT and QUIT ignored, which the tests
/// of what signals do would inherit.
fn with_default_signals(program: &str) -> Command {
    static ENV_CAN: OnceLock<bool> = OnceLock::new();
    let asks = || {
        Command::new("env")
            .args(["--default-signal", "true"])
            .output()
    };
    if *ENV_CAN.get_or_init(|| asks().is_ok_and(|ran| ran.status.success())) {
        let mut command = Command::new("env");
        command.args(["--default-signal", program]);
        command
    } else {
        Command::new(program)
    }
}

/// All that must hold before a change lands. Every step runs, so that one run shows all that is wrong.
pub fn test() -> Result<(), String> {
    machine::prepare(machine::FOR_TESTS)?;
    let deny = [("RUSTDOCFLAGS", "-D warnings")];
    let mut wrong = Vec::new();
    let mut note = |done: Result<(), String>| wrong.extend(done.err());
    if machine::has_component("fmt") {
        note(step("cargo", &["fmt", "--all", "--check"], &[]));
    }
    if machine::has_component("clippy") {
        note(step(
            "cargo",
            &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--all-features",
                "--",
                "-D",
                "warnings",
            ],
            &[],
        ));
    }
    // The doc tests are part of it: `cargo test` runs them last. They are linked by rustdoc, which is not given the flags that
    // the libraries under them were built with.
    let linked_alike = "-C target-feature=+crt-static -C relocation-model=static";
    note(step(
        "cargo",
        &["test", "--workspace", "--all-features", "--no-fail-fast"],
        &[("RUSTDOCFLAGS", linked_alike)],
    ));
    note(step(
        "cargo",
        &["doc", "--workspace", "--all-features", "--no-deps"],
        &deny,
    ));
    note(step(
        "cargo",
        &["build", "--release", "--package", "wigwag-cli"],
        &[],
    ));
    note(step(
        "cargo",
        &[
            "run",
            "--quiet",
            "--release",
            "--package",
            "wigwag-cli",
            "--",
            "tour",
        ],
        &[],
    ));
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(format!("failed:\n  {}", wrong.join("\n  ")))
    }
}

/// The storms and the proofs that race, for so many minutes.
pub fn soak(minutes: u32) -> Result<(), String> {
    machine::prepare(machine::FOR_TESTS)?;
    proofs::soak(minutes.max(1))
}

/// The benches of every crate, then the measured proofs.
pub fn bench() -> Result<(), String> {
    machine::prepare(machine::FOR_BENCHES)?;
    step("cargo", &["bench", "--workspace", "--benches"], &[])?;
    start::measure()
}
