//! The proof of a fast start: `wigwag send -s 0 PID` against procps' `kill -0 PID`, paired and interleaved.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::machine::found;
use crate::steps::step;

/// The proof in a line.
pub const SAYS: &str = "`wigwag send -s 0 PID` takes no longer than procps' `kill -0 PID`";

const PAIRS: usize = 2000;
const WARM_UP: usize = 200;

/// Builds the release binary, measures, prints, and fails where wigwag's median is above kill's.
pub fn measure() -> Result<(), String> {
    step(
        "cargo",
        &["build", "--release", "--package", "wigwag-cli"],
        &[],
    )?;
    let wigwag = release_binary()?;
    let kill = ["/bin/kill", "/usr/bin/kill"]
        .into_iter()
        .map(Path::new)
        .find(|path| path.is_file());
    let kill = kill.ok_or("no /bin/kill: the package procps brings it")?;
    let pid = std::process::id().to_string();
    let ours: Vec<&str> = vec!["send", "-s", "0", &pid];
    let theirs: Vec<&str> = vec!["-0", &pid];

    let mut pairs = Vec::with_capacity(PAIRS);
    for round in 0..WARM_UP + PAIRS {
        // Alternate who goes first: whoever follows finds warmer caches.
        let (a, b) = if round % 2 == 0 {
            let a = once(&wigwag, &ours)?;
            (a, once(kill, &theirs)?)
        } else {
            let b = once(kill, &theirs)?;
            (once(&wigwag, &ours)?, b)
        };
        if round >= WARM_UP {
            pairs.push((a, b));
        }
    }
    let a = median(pairs.iter().map(|pair| pair.0.as_secs_f64()));
    let b = median(pairs.iter().map(|pair| pair.1.as_secs_f64()));
    let ratio = median(
        pairs
            .iter()
            .map(|pair| pair.0.as_secs_f64() / pair.1.as_secs_f64()),
    );
    println!(
        "wigwag send -s 0 PID: {:7.1} us (median of {PAIRS})",
        a * 1e6
    );
    println!("kill -0 PID:          {:7.1} us", b * 1e6);
    println!(
        "ratio (median of the pairs' ratios): {ratio:.3}; ratio of the medians: {:.3}",
        a / b
    );
    println!(
        "size of wigwag: {} KiB",
        std::fs::metadata(&wigwag).map_err(|e| e.to_string())?.len() / 1024
    );
    for (name, program, words) in [("wigwag", wigwag.as_path(), &ours), ("kill", kill, &theirs)] {
        match instructions(program, words) {
            Some(count) => println!("instructions of {name}, in user space: {count}"),
            None => println!(
                "instructions of {name}: not counted (valgrind and perf are not there, or refused)"
            ),
        }
    }
    if ratio <= 1.0 {
        Ok(())
    } else {
        Err(format!(
            "wigwag's start takes {ratio:.3} of kill's, and may take 1.0"
        ))
    }
}

fn once(program: &Path, words: &[&str]) -> Result<Duration, String> {
    let mut command = Command::new(program);
    command
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let began = Instant::now();
    let status = command
        .status()
        .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
    let took = began.elapsed();
    if status.success() {
        Ok(took)
    } else {
        Err(format!(
            "{} {}: {status}",
            program.display(),
            words.join(" ")
        ))
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// `target/TRIPLE/release/wigwag`: cargo says where.
fn release_binary() -> Result<PathBuf, String> {
    let said = Command::new("cargo")
        .args([
            "build",
            "--release",
            "--package",
            "wigwag-cli",
            "--message-format=json",
            "--quiet",
        ])
        .output()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    let said = String::from_utf8_lossy(&said.stdout);
    let mut path = said
        .lines()
        .filter_map(|line| line.split_once("\"executable\":\"")?.1.split_once('"'))
        .map(|(path, _)| path);
    path.rfind(|path| path.ends_with("/wigwag"))
        .map(PathBuf::from)
        .ok_or_else(|| "cargo named no wigwag binary".into())
}

/// Counted by valgrind where it is there, else by perf.
fn instructions(program: &Path, words: &[&str]) -> Option<u64> {
    if found("valgrind") {
        let said = Command::new("valgrind")
            .args(["--tool=none", "--log-fd=2"])
            .arg("--help")
            .output()
            .ok()?;
        if said.status.success() {
            let said = Command::new("valgrind")
                .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
                .arg(program)
                .args(words)
                .output()
                .ok()?;
            let said = String::from_utf8_lossy(&said.stderr).into_owned();
            let count = said
                .lines()
                .filter_map(|line| line.split_once("Collected : "))
                .next_back();
            if let Some((_, count)) = count {
                return count.trim().parse().ok();
            }
        }
    }
    let said = Command::new("perf")
        .args(["stat", "-x,", "-e", "instructions:u"])
        .arg(program)
        .args(words)
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    said.lines()
        .find(|line| line.contains("instructions"))?
        .split(',')
        .next()?
        .parse()
        .ok()
}
