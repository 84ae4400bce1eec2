//! The proofs by name: one command for each.

use std::time::{Duration, Instant};

use crate::steps::step;
use crate::{machine, start};

/// A proof that is an integration test.
struct Proof {
    name: &'static str,
    says: &'static str,
    package: &'static str,
    test: &'static str,
    /// Whether more rounds prove more.
    races: bool,
}

const PROOFS: &[Proof] = &[
    Proof {
        name: "innocents",
        says: "a pid that is recycled at any system call on the way never costs an innocent",
        package: "wigwag-cli",
        test: "proof_innocents",
        races: true,
    },
    Proof {
        name: "predictions",
        says: "what is predicted is what the kernel does, cell by cell",
        package: "wigwag-process",
        test: "proof_predictions",
        races: false,
    },
    Proof {
        name: "scale",
        says: "2,000 processes that ignore TERM are stopped within 3 s, one receipt each",
        package: "wigwag-cli",
        test: "proof_scale",
        races: false,
    },
    Proof {
        name: "input",
        says: "bad input is told clearly, by exit status, and signals nobody",
        package: "wigwag-cli",
        test: "proof_input",
        races: false,
    },
];

/// The proof that is a bench.
const SCAN_SAYS: &str =
    "10,000 processes are searched by name as fast as their stat files can be read";

/// What `cargo xtask proof` prints.
pub fn list() -> String {
    let mut text = String::new();
    for proof in PROOFS {
        text.push_str(&format!("{:<12} {}\n", proof.name, proof.says));
    }
    text.push_str(&format!("{:<12} {SCAN_SAYS}\n", "scan"));
    text.push_str(&format!("{:<12} {}\n", "start", start::SAYS));
    text
}

/// Runs the proof of that name.
pub fn run(name: &str) -> Result<(), String> {
    if name == "start" {
        machine::prepare(machine::FOR_BENCHES)?;
        return start::measure();
    }
    if name == "scan" {
        machine::prepare(machine::FOR_BENCHES)?;
        return step(
            "cargo",
            &["bench", "--package", "wigwag-process", "--bench", "scan"],
            &[],
        );
    }
    let proof = PROOFS.iter().find(|proof| proof.name == name);
    let proof =
        proof.ok_or_else(|| format!("no proof is named {name:?}; there are:\n{}", list()))?;
    machine::prepare(machine::FOR_TESTS)?;
    test(proof, "1")
}

/// Runs the storms for half of this time, then the proofs that race, again and again until it is over.
pub fn soak(minutes: u32) -> Result<(), String> {
    let began = Instant::now();
    let all = Duration::from_secs(60) * minutes;
    // The two storms of `churn` last so long, the rest as ever.
    let seconds = (all / 4).as_secs().to_string();
    let storms = "test --package wigwag --all-features --test kernel -- storm";
    let storms: Vec<&str> = storms.split(' ').collect();
    step("cargo", &storms, &[("WIGWAG_STORM_SECONDS", &seconds)])?;
    loop {
        PROOFS
            .iter()
            .filter(|proof| proof.races)
            .try_for_each(|proof| test(proof, "1"))?;
        if began.elapsed() >= all {
            return Ok(());
        }
    }
}

fn test(proof: &Proof, times: &str) -> Result<(), String> {
    step(
        "cargo",
        &[
            "test",
            "--package",
            proof.package,
            "--test",
            proof.test,
            "--",
            "--nocapture",
            "--test-threads=1",
        ],
        &[("WIGWAG_SOAK", times)],
    )
}
