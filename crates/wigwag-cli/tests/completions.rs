//! The completions, asked for by the three shells themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use common::line;
use wigwag_testkit::{Puppet, Recipe};

/// A line, and a word that the shell must come to offer for its end.
const LINES: [(&str, &str); 9] = [
    ("wigwag fre", "freeze"),
    ("wigwag send HU", "HUP"),
    ("wigwag reload usr1", "USR1"),
    ("wigwag send -s TER", "TERM"),
    ("wigwag list --os mac", "macos"),
    ("wigwag completions fi", "fish"),
    ("wigwag man relo", "reload"),
    ("wigwag stop --user roo", "root"),
    ("wigwag send --ignore-m", "--ignore-missing"),
];

/// A directory with the script of `shell` as `name`; removed when dropped.
struct Scripts(PathBuf);

impl Scripts {
    fn of(shell: &str, name: &str) -> Scripts {
        let dir = std::env::temp_dir().join(format!("wigwag-{shell}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let script = line(&format!("completions {shell}"));
        std::fs::write(dir.join(name), &script.ended(0).out).unwrap();
        Scripts(dir)
    }
}

impl Drop for Scripts {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What `shell` prints for `script`, with the scripts' directory as `$1` and the program in its PATH; `None` where there is no
/// such shell.
fn run(shell: &[&str], script: &str, words: &[&str]) -> Option<String> {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_wigwag"));
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", program.parent()?.display());
    // A shell that waits for something that never comes ends too.
    let out = Command::new("timeout")
        .arg("60")
        .args(shell)
        .arg(script)
        .args(words)
        .env("PATH", path)
        .env("HOME", words[0])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    if out.status.code() == Some(127) {
        assert!(std::env::var_os("CI").is_none(), "{} is missing", shell[0]);
        eprintln!("skipped: there is no {}", shell[0]);
        return None;
    }
    let err = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{shell:?}: {out:?}");
    assert!(!err.contains("rror"), "{err}");
    Some(String::from_utf8(out.stdout).unwrap())
}

/// What bash offers for the end of `typed`: the function is called as readline does, which splits words at colons and equals signs.
fn bash(typed: &str) -> Option<Vec<String>> {
    let scripts = Scripts::of("bash", "wigwag");
    let mut words: Vec<String> = Vec::new();
    for word in typed.split(' ') {
        let mut rest = word;
        while let Some(at) = rest.find([':', '=']) {
            if at > 0 {
                words.push(rest[..at].to_owned());
            }
            words.push(rest[at..=at].to_owned());
            rest = &rest[at + 1..];
        }
        if !rest.is_empty() || rest.len() == word.len() {
            words.push(rest.to_owned());
        }
    }
    let script = r#"
        source "$0/wigwag"
        COMP_LINE=$1 COMP_POINT=${#1}
        COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2))
        complete -p wigwag >/dev/null && _wigwag wigwag "${COMP_WORDS[-1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let scripts = scripts.0.to_str().unwrap();
    let mut all = vec![scripts, typed];
    all.extend(words.iter().map(String::as_str));
    let out = run(&["bash", "--norc", "-c"], script, &all)?;
    Some(out.lines().map(str::to_owned).collect())
}

#[test]
fn bash_offers_what_may_come() {
    for (typed, word) in LINES {
        let Some(found) = bash(typed) else { return };
        assert_eq!(found, [word], "{typed}");
    }
    let puppet = Puppet::spawn(&Recipe::named("a b"));
    let pid = puppet.pid().to_string();
    // Readline puts these behind the colon or the equals sign.
    for (typed, word) in [
        (format!("wigwag stop tree:{pid}"), pid.as_str()),
        ("wigwag show tree:".to_owned(), &pid),
        ("wigwag send --signal=HU".to_owned(), "HUP"),
        ("wigwag show a".to_owned(), "a\\ b"),
        (format!("wigwag show {pid}"), &pid),
        ("wigwag stop por".to_owned(), "port:"),
        ("wigwag stop --ladder INT:2s,KI".to_owned(), "2s,KILL"),
    ] {
        let found = bash(&typed).unwrap();
        assert!(found.iter().any(|one| one == word), "{typed}: {found:?}");
    }
    let first = bash("wigwag send ").unwrap();
    for word in ["TERM", "RTMIN", "port:", "a\\ b"] {
        assert!(first.iter().any(|one| one == word), "{word}: {first:?}");
    }
    assert!(!first.iter().any(|one| one.starts_with('-')), "{first:?}");
}

#[test]
fn fish_offers_what_may_come() {
    let scripts = Scripts::of("fish", "wigwag.fish");
    let fish = |typed: &str| {
        let script = "source $argv[1]/wigwag.fish; complete -C $argv[2]";
        let dir = scripts.0.to_str().unwrap();
        run(&["fish", "--no-config", "-c"], script, &[dir, typed])
    };
    for (typed, word) in LINES {
        let Some(found) = fish(typed) else { return };
        let words: Vec<&str> = found.lines().filter_map(|l| l.split('\t').next()).collect();
        assert_eq!(words, [word], "{typed}");
    }
    let puppet = Puppet::spawn(&Recipe::named("chorister"));
    let found = fish("wigwag stop tree:").unwrap();
    assert!(
        found.contains(&format!("tree:{}\t", puppet.pid())),
        "{found}"
    );
    assert!(
        fish("wigwag show choris")
            .unwrap()
            .starts_with("chorister\t")
    );
    assert_eq!(fish("wigwag completions bash ").unwrap(), "");
}

/// On a terminal of its own, with the key pressed: what is offered replaces what was typed.
#[test]
fn zsh_offers_what_may_come() {
    let scripts = Scripts::of("zsh", "_wigwag");
    let script = r#"
        zmodload zsh/zpty || exit 127
        zpty wigwag zsh -f -i
        zpty -w wigwag "stty -echo; PROMPT=; fpath=($0 \$fpath); autoload -U compinit; compinit -u -D; bindkey '^I' complete-word; print -r -- rea''dy"
        zpty -m -r wigwag out '*ready*'
        while (($#)); do
            zpty -w -n wigwag "$1"$'\t'
            zpty -m -r wigwag out "*$2*" || exit 1
            zpty -w -n wigwag $'\C-u'
            shift 2
        done
        zpty -d wigwag
        print all
    "#;
    let _puppet = Puppet::spawn(&Recipe::named("chorister"));
    let mut words = vec![scripts.0.to_str().unwrap()];
    words.extend(LINES.iter().flat_map(|(typed, word)| [*typed, *word]));
    words.extend(["wigwag show choris", "chorister"]);
    if let Some(out) = run(&["zsh", "-f", "-c"], script, &words) {
        assert_eq!(out.trim(), "all");
    }
}
