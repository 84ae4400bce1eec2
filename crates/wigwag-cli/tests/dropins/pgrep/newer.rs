//! What is newer than Debian's 4.0.2, against the manual of the version that has it; and what differs on purpose.

use std::process::{Command, Stdio};

use wigwag_testkit::{Deadline, Puppet, Recipe, namespace, proc};

use super::stage::Stage;
use crate::compare::{finish, ours, real};

fn lines(stage: &Stage, words: &[&str]) -> Vec<String> {
    let said = stage.ours("pgrep", words, "C.UTF-8");
    assert_eq!(said.err, "", "{words:?}");
    assert_eq!(said.status, i32::from(said.out.is_empty()), "{words:?}");
    said.out.lines().map(str::to_owned).collect()
}

/// By the manual: `words`, and the lines that they answer.
#[track_caller]
fn answers(stage: &Stage, words: &[&str], expected: &[&str]) {
    assert_eq!(lines(stage, words), stage.words(expected), "{words:?}");
}

#[test]
fn pgrep_by_number() {
    namespace!();
    let stage = Stage::new();
    answers(&stage, &["-p", "{first}"], &["{first}"]);
    answers(
        &stage,
        &["--pid", "{threads},{first},{first},999999", "wig"],
        &["{first}", "{threads}"],
    );
    answers(
        &stage,
        &["-p", "{first},{beta}", "-l", "Beta"],
        &["{beta} wig-Beta"],
    );
    answers(&stage, &["-p", "{first}", "nosuch"], &[]);
    answers(
        &stage,
        &["-v", "-p", "{first}", "-x", "wig-alpha", "-c"],
        &lines(&stage, &["-vc", "nosuch"])
            .iter()
            .map(|n| &*Box::leak((n.parse::<i32>().unwrap() - 1).to_string().into_boxed_str()))
            .collect::<Vec<_>>(),
    );
    assert_eq!(lines(&stage, &["-w", "-p", "{threads}"]).len(), 3);
    let both = stage.ours("pgrep", &["-p", "42", "-F", "/dev/null"], "C");
    let text = "pgrep: Cannot use pidfile and pid option together\nTry `pgrep --help' for more information.\n";
    assert_eq!((both.status, both.err.as_str()), (1, text));
    // The number of a thread is no process's.
    let threads = lines(&stage, &["-w", "-p", "{threads}"]);
    answers(&stage, &["-p", &threads[1]], &[]);
}

#[test]
fn pgrep_shell_quoted() {
    namespace!();
    let stage = Stage::new();
    answers(
        &stage,
        &["-Ql", "wig-alpha"],
        &["{first} wig-alpha", "{threads} wig-alpha"],
    );
    answers(&stage, &["-Ql", "x\\)"], &["{strange} 'wig (x) é+.*'"]);
    answers(&stage, &["--shell-quote", "wig-Beta"], &["{beta}"]);
    let odd = "{odd} wig-odd -c 'read x; :' '' 'two words' 'line";
    assert_eq!(lines(&stage, &["-Qaf", "wig-odd"])[0], stage.fill(odd));
    answers(
        &stage,
        &["-Qa", "zombie"],
        &["{gone} '[wig-zombie] <defunct>'"],
    );
    // A shell reads the words again as they were.
    let said = stage.ours("pgrep", &["-Qaf", "wig-odd"], "C.UTF-8");
    let words = said.out.split_once(' ').unwrap().1;
    let script = format!("set -- {words}\nprintf '<%s>' \"$@\"");
    let read = finish(Command::new("sh").args(["-c", &script]));
    assert_eq!(
        read.out,
        "<wig-odd><-c><read x; :><><two words><line\nbreak><tab\there><quote's><é><trail><>"
    );
}

#[test]
fn pgrep_by_handler() {
    namespace!();
    let stage = Stage::new();
    answers(&stage, &["-H", "--signal", "USR1", "wig"], &["{beta}"]);
    answers(
        &stage,
        &["--require-handler", "--signal", "10", "-l", "wig"],
        &["{beta} wig-Beta"],
    );
    answers(&stage, &["-H", "wig"], &[]);
    answers(&stage, &["-H", "--signal", "0", "wig"], &[]);
    let mut catcher = Puppet::spawn(&Recipe {
        catch: vec![1],
        ..Recipe::named("wig-catcher")
    });
    let mut plain = Puppet::spawn(&Recipe::named("wig-catcher"));
    let said = finish(ours("pkill").args(["-HUP", "-H", "-e", "wig-catcher"]));
    assert_eq!(
        said.out,
        format!("wig-catcher killed (pid {})\n", catcher.pid())
    );
    assert!(!catcher.observe(1).is_empty() && plain.observe(1).is_empty());
}

#[test]
fn pgrep_by_environment() {
    namespace!();
    let stage = Stage::new();
    let spawn = |value: &str| {
        let mut command = Command::new("sleep");
        let child = command
            .arg("1000")
            .env("WIG_COLOUR", value)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        Deadline::usual().wait_for("sleep", || (proc::name(pid)? == "sleep").then_some(()));
        child
    };
    let mut children = [spawn("red"), spawn("blue")];
    let pids: Vec<String> = children
        .iter()
        .map(|child| child.id().to_string())
        .collect();
    let all = [pids[0].as_str(), pids[1].as_str()];
    answers(&stage, &["--env", "WIG_COLOUR=red"], &all[..1]);
    answers(
        &stage,
        &["--env", "WIG_COLOUR=green,WIG_COLOUR=blue"],
        &all[1..],
    );
    answers(&stage, &["--env", "WIG_COLOUR"], &all);
    answers(&stage, &["--env", "WIG_COLOUR", "-n", "sleep"], &all[1..]);
    answers(&stage, &["--env", "WIG_COLOUR=", "sleep"], &[]);
    // Differs on purpose: upstream takes every name that begins so, against its manual.
    answers(&stage, &["--env", "WIG_COL", "sleep"], &[]);
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn pgrep_quiet_and_from_standard_input() {
    namespace!();
    let stage = Stage::new();
    for (words, status) in [
        (&["--quiet", "wig"][..], 0),
        (&["--quiet", "nosuch"], 1),
        (&["-c", "--quiet", "wig"], 0),
        (&["-p", "{first}", "--quiet"], 0),
    ] {
        let said = stage.ours("pgrep", words, "C");
        assert_eq!(
            (said.status, said.out.as_str(), said.err.as_str()),
            (status, "", ""),
            "{words:?}"
        );
    }
    let line = format!(
        "echo {} | {} -F - -l",
        stage.pid("first"),
        super::stage_path("pgrep")
    );
    let said = finish(Command::new("sh").args(["-c", &line]));
    assert_eq!(said.out, stage.fill("{first} wig-alpha\n"));
    let path = std::env::temp_dir().join(wigwag_testkit::namespace::unique("pidfile"));
    for (text, err) in [
        ("-5", ""),
        ("0", ""),
        (
            "99999999999999999999",
            "pgrep: pidfile not valid\nTry `pgrep --help' for more information.\n",
        ),
    ] {
        std::fs::write(&path, text).unwrap();
        let said = stage.ours("pgrep", &["-F", path.to_str().unwrap()], "C");
        assert_eq!(
            (said.status, said.out.as_str(), said.err.as_str()),
            (1, "", err),
            "{text}"
        );
    }
    std::fs::remove_file(path).unwrap();
    let said = stage.ours("pgrep", &["-F", "/nonexistent"], "C");
    assert_eq!(
        (said.status, said.err.as_str()),
        (
            1,
            "pgrep: Unable to open pidfile: No such file or directory\n"
        )
    );
    for (name, words) in [
        ("pgrep", &["--signal", "foo", "x"][..]),
        ("pkill", &["--signal", "TREM", "x"]),
    ] {
        let said = stage.ours(name, words, "C");
        let begin = format!("Unknown signal \"{}\".\nUsage:\n {name} ", words[1]);
        assert!(said.status == 2 && said.err.starts_with(&begin), "{said:?}");
    }
}

/// The memory of those that are killed.
#[test]
fn pkill_releases_memory() {
    namespace!();
    for words in [
        &["-9", "-m", "-e", "wig-large"][..],
        &["--mrelease", "-KILL", "wig-large"],
    ] {
        let mut puppet = Puppet::spawn(&Recipe::named("wig-large"));
        let said = finish(ours("pkill").args(words));
        assert_eq!((said.status, said.err.as_str()), (0, ""), "{words:?}");
        assert_eq!(puppet.status(Deadline::usual()), Some(9));
    }
    // One that does not end keeps its memory, and that is told.
    let mut puppet = Puppet::spawn(&Recipe {
        catch: vec![1],
        ..Recipe::named("wig-large")
    });
    let said = finish(ours("pkill").args(["-HUP", "-m", "wig-large"]));
    let text = format!(
        "pkill: pid {} killed, but process_mrelease failed: Invalid argument\n",
        puppet.pid()
    );
    assert_eq!((said.status, said.err), (1, text));
    assert!(!puppet.observe(1).is_empty());
}

/// What cannot be shown is a question mark everywhere, as since 4.0.3; Debian's shows some as points.
#[test]
fn pgrep_shows_what_cannot_be_shown() {
    namespace!();
    let stage = Stage::new();
    let _odd = Puppet::spawn(&Recipe::named("wig-x\ty\u{7f}é"));
    for (locale, name) in [("C", "wig-x?y???"), ("C.UTF-8", "wig-x?y?é")] {
        let said = stage.ours("pgrep", &["-l", "wig-x"], locale);
        assert_eq!(said.out.split_once(' ').unwrap().1.trim_end(), name);
        let said = stage.ours("pgrep", &["-c", "^wig-x.y.é$"], locale);
        assert_eq!(said.out.trim(), if locale == "C" { "0" } else { "1" });
    }
    let line = lines(&stage, &["-af", "wig-odd"]);
    assert_eq!(
        line,
        stage.words(&["{odd} wig-odd -c read x; :  two words line break tab?here quote's é trail"])
    );
}

/// What differs on purpose: each with what the real one does, as far as it is at hand.
#[test]
fn pgrep_and_pkill_where_they_differ() {
    namespace!();
    let stage = Stage::new();
    // Without a pattern the real one echoes no name (or memory that it has not filled).
    let said = stage.ours("pkill", &["-0", "-e", "-P", "{me}", "-r", "T"], "C");
    assert_eq!(said.out, stage.fill("wig-stopped killed (pid {stopped})\n"));
    if let Some(theirs) = stage.theirs("pkill", &["-0", "-e", "-P", "{me}", "-r", "T"], "C") {
        assert_eq!(theirs.out, stage.fill(" killed (pid {stopped})\n"));
    }
    // `--lightweight` is disabled for pkill, as its manual says: the real one signals a process once a thread.
    let words = ["-0", "--lightweight", "-e", "wig-alpha"];
    let said = stage.ours("pkill", &words, "C");
    assert_eq!(said.out.lines().count(), 2);
    if let Some(theirs) = stage.theirs("pkill", &words, "C") {
        assert_eq!(theirs.out.lines().count(), 4);
    }
    // A list for `--nslist` means all that are in it; the real one takes the last alone.
    let said = stage.ours(
        "pgrep",
        &["--ns", "1", "--nslist", "pid,net", "wig-alpha"],
        "C",
    );
    assert_eq!(said.status, 0);
    // Back-references are refused, not misread.
    let said = stage.ours("pgrep", &["(l)\\1"], "C");
    assert_eq!(
        (said.status, said.err.as_str()),
        (2, "pgrep: regex error: back-references are not supported\n")
    );
    // pwait is pidwait; the real one by that name would be pgrep.
    if real("pidwait").is_some() {
        assert_eq!(finish(ours("pwait").arg("nosuch-name")).status, 1);
    }
}

/// Kernel threads: pgrep finds them, and pkill's signals reach them, which they ignore.
#[test]
fn pgrep_finds_kernel_threads() {
    // Their numbers are those of the machine, so nothing is signalled but with 0.
    if proc::name(2).as_deref() != Some("kthreadd") {
        println!("skipped: no kernel threads are to be seen here");
        return;
    }
    for words in [
        &["-x", "-l", "kthreadd"][..],
        &["-fa", "^\\[kthreadd\\]$"],
        &["-xQa", "kthreadd"],
    ] {
        let said = finish(ours("pgrep").args(words));
        assert!(
            said.out
                .lines()
                .any(|line| line.split(' ').next() == Some("2")),
            "{words:?}: {said:?}"
        );
        if let Some(mut theirs) = real("pgrep").filter(|_| words[0] != "-xQa") {
            assert_eq!(said, finish(theirs.args(words)), "{words:?}");
        }
    }
}
