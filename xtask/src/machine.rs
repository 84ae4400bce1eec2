//! What the tests need from the machine: Debian packages, installed when root and missing.

use std::path::Path;
use std::process::{Command, Stdio};

/// A program that tests or benches call, the Debian package that brings it, and what is skipped without it.
pub struct Need {
    program: &'static str,
    package: &'static str,
    without: &'static str,
}

const fn need(program: &'static str, package: &'static str, without: &'static str) -> Need {
    Need {
        program,
        package,
        without,
    }
}

/// What `cargo xtask test` uses.
pub const FOR_TESTS: &[Need] = &[
    need("pkill", "procps", "the comparisons with pkill and kill"),
    need("killall", "psmisc", "the comparisons with killall"),
    need(
        "strace",
        "strace",
        "the delays injected before system calls",
    ),
    need("ip", "iproute2", "the loopback inside network namespaces"),
    need(
        "unshare",
        "util-linux",
        "every test in a namespace of its own",
    ),
    need("setpriv", "util-linux", "the tests as another user"),
    need("nginx", "nginx-light", "the run on a real nginx"),
    need("zsh", "zsh", "the completions of zsh"),
    need("fish", "fish", "the completions of fish"),
    need("mandoc", "mandoc", "the check of the manual pages"),
    need("tini", "tini", "the comparisons with tini"),
    need("dumb-init", "dumb-init", "the comparisons with dumb-init"),
    need("catatonit", "catatonit", "the comparisons with catatonit"),
];

/// What `cargo xtask bench` uses.
pub const FOR_BENCHES: &[Need] = &[
    need("kill", "procps", "the comparison with kill"),
    need("pgrep", "procps", "the comparison with pgrep"),
    need("killall", "psmisc", "the comparison with killall"),
    need(
        "unshare",
        "util-linux",
        "every bench in a namespace of its own",
    ),
];

/// Installs what is missing, as root; as anybody else says what will be skipped.
pub fn prepare(needs: &[Need]) -> Result<(), String> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !found(need.program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !is_root() || !found("apt-get") {
        for need in missing {
            println!(
                "skipped, for want of {} (package {}): {}",
                need.program, need.package, need.without
            );
        }
        return Ok(());
    }
    let mut packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    packages.sort_unstable();
    packages.dedup();
    apt(&["update", "-q"])?;
    let mut words = vec!["install", "-q", "-y", "--no-install-recommends"];
    words.extend(&packages);
    apt(&words)
}

fn apt(words: &[&str]) -> Result<(), String> {
    println!("==> apt-get {}", words.join(" "));
    // Packages may start services of their own (nginx): policy says no, the tests start what they need.
    let status = Command::new("apt-get")
        .args(words)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("RUNLEVEL", "1")
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("cannot start apt-get: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("apt-get {}: {status}", words.join(" ")))
    }
}

/// Whether `cargo NAME` is there; without it the step is skipped, said aloud, but never in CI.
pub fn has_component(name: &str) -> bool {
    let there = Command::new("cargo")
        .args([name, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let ci = std::env::var_os("CI").is_some();
    if !there && !ci {
        println!("skipped: cargo {name} is not installed (rustup component add {name})");
    }
    there || ci
}

/// Whether a program is on the path, or where Debian keeps what is root's.
pub fn found(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(Into::into))
        .any(|folder| Path::new(&folder).join(program).is_file())
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .is_some_and(|ids| ids.split_whitespace().nth(1) == Some("0"))
}
