//! Words that make no sense.

use wigwag_testkit::namespace;

use crate::compare::{Said, finish, ours, real};

/// What both say, and how they end, on standard error before how it is used, which each says in his own words.
fn first_words(said: &Said) -> (i32, String) {
    let before = said.err.split("\nUsage:").next().unwrap_or_default();
    (said.status, before.to_owned())
}

fn ask(name: &str, words: &[&str]) -> Option<(Said, Said)> {
    let theirs = finish(real(name)?.args(words));
    Some((finish(ours(name).args(words)), theirs))
}

const WRONG: &[(&str, &[&str])] = &[
    ("pgrep", &[]),
    ("pkill", &[]),
    ("pidwait", &[]),
    ("pgrep", &["a", "b"]),
    ("pkill", &["a", "b"]),
    ("pidwait", &["a", "b"]),
    ("pgrep", &["-L", "x"]),
    ("pgrep", &["-u", "no-such-user"]),
    ("pgrep", &["-U", "no-such-user,root"]),
    ("pgrep", &["-G", "no-such-group"]),
    ("pgrep", &["-P", "x"]),
    ("pgrep", &["-P", "1,1x"]),
    ("pgrep", &["-g", "x"]),
    ("pgrep", &["-s", "1.5"]),
    ("pgrep", &["-P", "99999999999999999999"]),
    ("pgrep", &["--nslist", "foo", "x"]),
    ("pgrep", &["--nslist", ""]),
    ("pgrep", &["-Z"]),
    ("pgrep", &["-e", "x"]),
    ("pkill", &["-v", "x"]),
    ("pkill", &["-l", "x"]),
    ("pkill", &["-w", "x"]),
    ("pidwait", &["-v", "x"]),
    ("pidwait", &["-q", "1", "x"]),
    ("pgrep", &["--foo"]),
    ("pgrep", &["--full=3", "x"]),
    ("pgrep", &["--delimiter"]),
    ("pgrep", &["-d"]),
    ("pgrep", &["--old", "1"]),
    ("pgrep", &["-no", "x"]),
    ("pgrep", &["-nn", "x"]),
    ("pgrep", &["-v", "-n", "x"]),
    ("pgrep", &["-o", "-v", "x"]),
    ("pgrep", &["-u", ""]),
    ("pgrep", &["-?"]),
    ("pgrep", &["-P", ""]),
    ("pgrep", &["-U", ""]),
    ("pgrep", &["-t", ""]),
    ("pgrep", &["--cgroup", ""]),
    ("pgrep", &["a["]),
    ("pgrep", &["("]),
    ("pgrep", &["a{"]),
    ("pgrep", &["a{2,1}"]),
    ("pgrep", &["*"]),
    ("pgrep", &["a\\"]),
    ("pgrep", &["\\1"]),
    ("pgrep", &["[z-a]"]),
    ("pgrep", &["[[:foo:]]"]),
    ("pgrep", &["a{99999}"]),
    ("pgrep", &["-x", "a)(b"]),
    ("pgrep", &["[[.foo.]]"]),
    ("pkill", &["-0garbage", "x"]),
    ("pkill", &["-RTMAX", "x"]),
    ("pkill", &["-HUP"]),
    ("pkill", &["-9", "-9"]),
    ("pgrep", &["-9", "x"]),
    ("pkill", &["-q"]),
    ("pkill", &["--sig"]),
    ("pgrep", &["nosuchnamethatisverylong"]),
    ("pkill", &["-0", "nosuchnamethatisverylong"]),
    ("pidwait", &["nosuchnamethatisverylong"]),
    ("pgrep", &["-f", "[n]osuchnamethatisverylong"]),
    ("pgrep", &["nosuch"]),
    ("pkill", &["nosuch-name"]),
    ("pidwait", &["nosuch-name"]),
    ("pgrep", &["-\u{e9}"]),
    ("pgrep", &["-F"]),
];

#[test]
fn pgrep_and_the_others_refuse_in_the_same_words() {
    namespace!();
    for (name, words) in WRONG {
        let Some((said, theirs)) = ask(name, words) else {
            return;
        };
        assert_eq!(
            first_words(&said),
            first_words(&theirs),
            "{name} {words:?}: ours is on the left"
        );
        let usage = |said: &Said| {
            said.err.contains(&format!(
                "\nUsage:\n {name} [options] <pattern>\n\nOptions:\n"
            ))
        };
        assert_eq!(usage(&said), usage(&theirs), "{name} {words:?}: {said:?}");
        assert_eq!(said.out, theirs.out, "{name} {words:?}");
    }
    println!("pgrep: {} refusals compared", WRONG.len());
}

/// Nothing but a status.
#[test]
fn pgrep_and_the_others_find_nobody() {
    namespace!();
    for name in ["pgrep", "pkill", "pidwait"] {
        for words in [
            &["nosuch-name"][..],
            &["-x", "nosuch"],
            &["-P", "999999"],
            &["-f", "[n]osuch-name"],
        ] {
            crate::compare::same(name, words);
        }
    }
}

/// A signal is the first word that looks like one, wherever it stands, as upstream's own tests have it.
#[test]
fn pkill_takes_its_signal_out_of_the_words() {
    namespace!();
    for words in [
        &["-d", "-9", "nosuch"][..],
        &["nosuch-name", "-0"],
        &["--", "-9", "nosuch-name"],
        &["-u", "-1", "nosuch-name"],
        &["-io", "nosuch-name"],
    ] {
        let Some((said, theirs)) = ask("pkill", words) else {
            return;
        };
        assert_eq!(first_words(&said), first_words(&theirs), "{words:?}");
    }
}

#[test]
fn pgrep_and_the_others_say_how_they_are_used() {
    namespace!();
    for name in ["pgrep", "pkill", "pidwait"] {
        for words in [
            &["--help"][..],
            &["-h"],
            &["-hZ"],
            &["-i", "-i"],
            &["--hel"],
        ] {
            let Some((said, theirs)) = ask(name, words) else {
                return;
            };
            assert_eq!((said.status, theirs.status), (0, 0), "{name} {words:?}");
            assert_eq!((said.err.as_str(), theirs.err.as_str()), ("", ""));
            // Every option that theirs has, and those of 4.0.5, at the same place in a line.
            let option = |line: &str| {
                line.get(..5)
                    .map(str::to_owned)
                    .filter(|o| o.starts_with(" -") && o.ends_with(" -"))
            };
            for known in theirs.out.lines().filter_map(option) {
                assert!(
                    said.out.lines().any(|line| line.starts_with(&known)),
                    "{name}: {known}"
                );
            }
        }
        for words in [&["--version"][..], &["-V"], &["-V", "-Z"]] {
            let said = finish(ours(name).args(words));
            let version = env!("CARGO_PKG_VERSION");
            let line = format!("{name} from wigwag {version} (procps-ng 4.0.5)\n");
            assert_eq!((said.status, said.out, said.err), (0, line, String::new()));
        }
    }
}

/// The first operand ends the options where POSIX asks for it.
#[test]
fn pgrep_with_posixly_correct() {
    namespace!();
    let words = ["nosuch-name", "-l"];
    let Some(mut theirs) = real("pgrep") else {
        return;
    };
    let theirs = finish(theirs.args(words).env("POSIXLY_CORRECT", "1"));
    let said = finish(ours("pgrep").args(words).env("POSIXLY_CORRECT", "1"));
    assert_eq!(said, theirs);
    assert_eq!(said.status, 2);
}

/// Standard output that cannot be written.
#[test]
fn pgrep_with_nowhere_to_write() {
    namespace!();
    for tool in [super::stage_path("pgrep"), "/usr/bin/pgrep".into()] {
        let full = finish(
            std::process::Command::new("sh").args(["-c", &format!("{tool} -v nosuch >/dev/full")]),
        );
        assert_eq!(full.status, 1, "{full:?}");
        assert!(
            full.err.contains("write error: No space left on device"),
            "{full:?}"
        );
        let closed =
            finish(std::process::Command::new("sh").args(["-c", &format!("{tool} nosuch >&-")]));
        assert_eq!(closed.status, 1, "{closed:?}");
    }
}
