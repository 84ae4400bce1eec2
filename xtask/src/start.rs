//! The proof of a fast start: `wigwag send -s 0 PID` against procps' `kill -0 PID`, paired and interleaved.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::machine::found;
use crate::steps::step;

/// The proof in a line.
pub const SAYS: &str = "`wigwag send -s 0 PID` takes no longer than procps' `kill -0 PID`, the link `kill` at most 0.85 of it";

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

    let ratio = compare(
        ("wigwag send -s 0 PID", &wigwag, None, &ours),
        (kill, &theirs),
    )?;
    let link = compare(
        ("wigwag's kill -0 PID", &wigwag, Some("kill"), &theirs),
        (kill, &theirs),
    )?;
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
    let over = |what: &str, ratio: f64, limit: f64| match ratio <= limit {
        true => Ok(()),
        false => Err(format!(
            "{what} takes {ratio:.3} of kill's start, and may take {limit}"
        )),
    };
    over("wigwag send", ratio, 1.0)?;
    over("kill by a link to wigwag", link, 0.85)
}

/// Starts both in turn: ours, by its own name or another, and theirs. The median of the pairs' ratios.
fn compare(
    (title, wigwag, name, ours): (&str, &Path, Option<&str>, &[&str]),
    (kill, theirs): (&Path, &[&str]),
) -> Result<f64, String> {
    let mut pairs = Vec::with_capacity(PAIRS);
    for round in 0..WARM_UP + PAIRS {
        // Alternate who goes first: whoever follows finds warmer caches.
        let (a, b) = if round % 2 == 0 {
            let a = once(wigwag, name, ours)?;
            (a, once(kill, None, theirs)?)
        } else {
            let b = once(kill, None, theirs)?;
            (once(wigwag, name, ours)?, b)
        };
        if round >= WARM_UP {
            pairs.push((a, b));
        }
    }
    let a = median(pairs.iter().map(|pair| pair.0.as_secs_f64()));
    let b = median(pairs.iter().map(|pair| pair.1.as_secs_f64()));
    let ratios = pairs
        .iter()
        .map(|pair| pair.0.as_secs_f64() / pair.1.as_secs_f64());
    let ratio = median(ratios);
    println!("{title}: {:7.1} us (median of {PAIRS})", a * 1e6);
    println!("procps' kill -0 PID:  {:7.1} us", b * 1e6);
    println!(
        "ratio (median of the pairs' ratios): {ratio:.3}; ratio of the medians: {:.3}",
        a / b
    );
    Ok(ratio)
}

fn once(program: &Path, name: Option<&str>, words: &[&str]) -> Result<Duration, String> {
    let mut command = Command::new(program);
    if let Some(name) = name {
        command.arg0(name);
    }
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
