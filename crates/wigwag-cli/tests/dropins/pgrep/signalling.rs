//! Who is signalled, and with what: the real pkill and ours, each on processes of his own.

use std::io::BufRead;

use wigwag_testkit::namespace::has_nobody;
use wigwag_testkit::{Observation, Puppet, Recipe, namespace, proc};

use crate::compare::{Said, finish, ours, real};

/// Who is there, by name: fresh for each command.
fn cast() -> Vec<(&'static str, Puppet)> {
    let recipes = [
        ("{first}", Recipe::named("wig-alpha")),
        (
            "{catcher}",
            Recipe {
                catch: vec![1, 10, 15, 34],
                ..Recipe::named("wig-alpha")
            },
        ),
        (
            "{blocker}",
            Recipe {
                block: vec![15, 34],
                ..Recipe::named("wig-alpha")
            },
        ),
        (
            "{ignorer}",
            Recipe {
                ignore: vec![15],
                ..Recipe::named("wig-beta")
            },
        ),
        ("{other}", Recipe::named("other")),
        ("{gone}", Recipe::named("wig-gone")),
    ];
    let mut cast: Vec<(&str, Puppet)> = recipes
        .iter()
        .map(|(word, recipe)| (*word, Puppet::spawn(recipe)))
        .collect();
    cast.last_mut().unwrap().1.become_zombie();
    cast
}

/// What it said, with names in the place of numbers, and what became of each.
type Done = (Said, Vec<(&'static str, Observation)>);

fn run(tool: &str, theirs: bool, words: &[&str], signal: i32) -> Option<Done> {
    let mut cast = cast();
    let words: Vec<String> = words
        .iter()
        .map(|word| {
            let mut text = word.replace("{me}", &std::process::id().to_string());
            for (name, puppet) in &cast {
                text = text.replace(name, &puppet.pid().to_string());
            }
            text
        })
        .collect();
    let mut command = if theirs { real(tool)? } else { ours(tool) };
    let mut said = finish(command.args(&words));
    for (name, puppet) in &cast {
        let number = format!("{}", puppet.pid());
        for text in [&mut said.out, &mut said.err] {
            *text = text.replace(&format!("pid {number}"), &format!("pid {name}"));
        }
    }
    let seen = cast
        .iter_mut()
        .map(|(name, puppet)| (*name, puppet.observe(signal)));
    let seen = seen.collect();
    Some((said, seen))
}

/// The words, and the number of the signal that is looked for.
const CASES: &[(&[&str], i32)] = &[
    (&["wig-alpha"], 15),
    (&["-e", "wig"], 15),
    (&["--echo", "-x", "wig-beta"], 15),
    (&["nosuch"], 15),
    (&["-e", "nosuch"], 15),
    (&["-HUP", "wig-alpha"], 1),
    (&["-SIGHUP", "wig"], 1),
    (&["-hup", "wig"], 1),
    (&["-1", "wig-alpha"], 1),
    (&["wig-alpha", "-1"], 1),
    (&["-e", "wig-alpha", "-0"], 15),
    (&["-0", "-e", "wig"], 15),
    (&["-9", "-e", "wig-alpha"], 9),
    (&["-KILL", "other"], 9),
    (&["--signal", "USR1", "-e", "wig-alpha"], 10),
    (&["--signal=10", "wig-alpha"], 10),
    (&["-USR1", "--signal", "HUP", "wig-alpha"], 1),
    (&["-STOP", "wig-alpha"], 19),
    (&["-s", "0", "-TERM", "-e", "wig-alpha"], 15),
    (&["-RTMIN", "wig-alpha"], 34),
    (&["-RTMIN+0", "-e", "wig-a"], 34),
    (&["-34", "-e", "wig-a"], 34),
    (&["-65", "wig-alpha"], 15),
    (&["-93", "-c", "wig-alpha"], 15),
    (&["--signal", "94", "wig-alpha"], 15),
    (&["-c", "wig"], 15),
    (&["-ce", "wig"], 15),
    (&["-c", "nosuch"], 15),
    (&["-n", "-e", "wig-alpha"], 15),
    (&["-o", "-e", "wig-alpha"], 15),
    (&["-f", "-e", "wig-beta"], 15),
    (&["-x", "wig", "-e"], 15),
    (&["-i", "WIG-B", "-e"], 15),
    (&["-P", "{me}", "-e", "wig-a"], 15),
    (&["-g", "{first}", "-e", "wig"], 15),
    (&["-g", "{first},{other}", "-e", "."], 15),
    (&["-u", "root", "-e", "wig-alpha"], 15),
    (&["-U", "nobody", "wig"], 15),
    (&["-r", "Z", "-e", "wig"], 15),
    (&["-A", "-e", "wig-alpha"], 15),
    (&["-q", "5", "-e", "wig-alpha"], 15),
    (&["-q", "5", "-RTMIN", "wig-alpha"], 34),
    (&["--queue", "x", "-USR1", "-e", "wig-alpha"], 10),
    (&["-q", "-1", "-HUP", "wig-alpha"], 1),
    (&["-q7", "-0", "-e", "wig-alpha"], 15),
    (&["--inverse", "-0", "-c", "."], 15),
    (&["-O", "0", "-e", "wig-alpha"], 15),
    (&["-CONT", "-e", "wig-alpha"], 18),
    (&["-CHLD", "-e", "wig-alpha"], 17),
    (&["-IO", "-e", "wig-alpha"], 29),
    (&["-t", "?", "-e", "other"], 15),
    (&["-e", "-f", "wig-gone"], 15),
    (&["--list-name", "-e", "other"], 15),
    (&["--delimiter", "x", "other"], 15),
    (&["-32", "-e", "other"], 32),
    (&["-PIPE", "-e", "other"], 13),
    (&["-EXIT", "-e", "other"], 15),
    (&["-WINCH", "-e", "wig-alpha"], 28),
];

#[test]
fn pkill_signals_whom_the_other_signals() {
    namespace!();
    let mut compared = 0;
    for (words, signal) in CASES {
        let Some(theirs) = run("pkill", true, words, *signal) else {
            return;
        };
        let done = run("pkill", false, words, *signal).unwrap();
        assert_eq!(done, theirs, "pkill {words:?}: ours is on the left");
        compared += 1;
    }
    println!("pkill: {compared} comparisons");
}

/// By pidfile, as services are stopped.
#[test]
fn pkill_by_pidfile() {
    namespace!();
    let path = std::env::temp_dir().join(wigwag_testkit::namespace::unique("pkill-pidfile"));
    let file = path.to_str().unwrap();
    for words in [
        &["-F", file][..],
        &["-e", "-F", file, "wig"],
        &["-F", file, "nosuch"],
        &["-HUP", "-F", file],
    ] {
        let mut answers = Vec::new();
        for theirs in [true, false] {
            let mut puppet = Puppet::spawn(&Recipe::named("wig-served"));
            std::fs::write(&path, format!("{}\n", puppet.pid())).unwrap();
            let Some(mut command) = (if theirs {
                real("pkill")
            } else {
                Some(ours("pkill"))
            }) else {
                return;
            };
            let mut said = finish(command.args(words));
            said.out = said.out.replace(&puppet.pid().to_string(), "N");
            answers.push((said, puppet.observe(15), puppet.observe(1)));
        }
        assert_eq!(answers[1], answers[0], "{words:?}: ours is on the left");
    }
    std::fs::remove_file(path).unwrap();
}

/// It never means itself, but whoever started it; kernel threads are not in a namespace of one's own.
#[test]
fn pkill_means_its_parent_and_never_itself() {
    namespace!();
    for tool in [super::stage_path("pkill"), "/usr/bin/pkill".to_owned()] {
        // The shell is the parent, and the only one of that name; the words of both tools have it too.
        let line = format!("exec -a wig-parent bash -c '{tool} -f wig-parent; echo survived'");
        let said = finish(std::process::Command::new("bash").args(["-c", &line]));
        assert_eq!(
            (said.status, said.out.as_str()),
            (-15, ""),
            "{tool}: {said:?}"
        );
        let line =
            format!("exec -a wig-parent bash -c '{tool} -A -f wig-parent; echo survived $?'");
        let said = finish(std::process::Command::new("bash").args(["-c", &line]));
        assert_eq!(
            (said.status, said.out.as_str()),
            (0, "survived 1\n"),
            "{tool}: {said:?}"
        );
        let me = std::path::Path::new(&tool);
        let said = finish(std::process::Command::new(me).args(["-x", "-e", "pkill|wigwag"]));
        assert_eq!(
            (said.status, said.out.as_str()),
            (1, ""),
            "{tool}: {said:?}"
        );
    }
}

/// Somebody else's processes: what the kernel refuses is told, each for itself.
#[test]
fn pkill_is_refused() {
    namespace!();
    if !has_nobody() {
        return;
    }
    let mut mine = Puppet::spawn(&Recipe {
        user: Some(65534),
        ..Recipe::named("wig-mine")
    });
    let theirs = Puppet::spawn(&Recipe::named("wig-theirs"));
    let as_nobody = |tool: &str, words: &[&str]| {
        let mut command = std::process::Command::new("setpriv");
        command
            .args(["--reuid=65534", "--clear-groups", tool])
            .args(words);
        let mut said = finish(&mut command);
        said.err = said.err.replace(&format!("{tool}:"), "pkill:");
        said
    };
    // A copy that everybody may run.
    let path = std::env::temp_dir().join(wigwag_testkit::namespace::unique("pkill-copy"));
    std::fs::create_dir_all(&path).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_wigwag"), path.join("pkill")).unwrap();
    for words in [
        &["-0", "-e", "wig-"][..],
        &["-0", "wig-theirs"],
        &["-c", "-0", "wig-theirs"],
        &["-0", "-x", "wig-mine"],
        &["-CONT", "-e", "wig-"],
    ] {
        let copy = path.join("pkill");
        let (said, real) = (
            as_nobody(copy.to_str().unwrap(), words),
            as_nobody("/usr/bin/pkill", words),
        );
        assert_eq!(said, real, "{words:?}: ours is on the left");
    }
    let copy = path.join("pkill");
    let said = as_nobody(copy.to_str().unwrap(), &["-e", "wig-"]);
    assert_eq!(said.status, 0, "{said:?}");
    let refused = format!(
        "pkill: killing pid {} failed: Operation not permitted\n",
        theirs.pid()
    );
    assert_eq!(said.err, refused);
    assert_eq!(mine.status(wigwag_testkit::Deadline::usual()), Some(15));
    assert_eq!(proc::state(theirs.pid()), Some('S'));
    std::fs::remove_dir_all(path).unwrap();
}

/// The value that is sent along.
#[test]
fn pkill_sends_a_value() {
    namespace!();
    let mut values = Vec::new();
    for tool in [super::stage_path("pkill"), "/usr/bin/pkill".to_owned()] {
        let mut catch = std::process::Command::new(env!("CARGO_BIN_EXE_wigwag"));
        let mut child = catch
            .args([
                "catch",
                "USR1",
                "--count",
                "1",
                "--timeout",
                "30s",
                "--json",
            ])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
        stderr.read_line(&mut line).unwrap();
        assert!(line.contains("waits for USR1"), "{line}");
        let said =
            finish(std::process::Command::new(&tool).args(["-q", "42", "-USR1", "-x", "wigwag"]));
        assert_eq!(said.status, 0, "{said:?}");
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let value = text
            .split("\"value\":")
            .nth(1)
            .unwrap_or(&text)
            .trim_start();
        values.push(
            value
                .chars()
                .take_while(char::is_ascii_digit)
                .collect::<String>(),
        );
    }
    if values != ["42", "42"] && queue_is_full() {
        println!(
            "skipped: the user's queue of signals is full, and then no value is sent along (sigqueue(3))"
        );
        return;
    }
    assert_eq!(values, ["42", "42"]);
}

/// Whether the queue that all processes of this user share is nearly full, by others.
fn queue_is_full() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("SigQ:"));
    let (used, limit) = line.unwrap().trim().split_once('/').unwrap();
    used.parse::<u64>().unwrap() + 100 >= limit.parse().unwrap()
}
