//! Who is found: option by option, with the real pgrep beside it.

use std::os::fd::AsRawFd;

use wigwag_testkit::namespace;

use super::stage::Stage;

/// Words with the same answer of both, in every locale that is asked.
const CASES: &[&[&str]] = &[
    // The pattern.
    &["wig"],
    &["wig-alpha"],
    &["^wig"],
    &["alpha$"],
    &["wig-(alpha|zombie)"],
    &["w.g-a"],
    &["nosuch"],
    &["WIG"],
    &["wig-[[:lower:]]+$"],
    &["[]a]lpha"],
    &["\\<wig\\>"],
    &["wig-\\w+"],
    &["l{1}pha"],
    &["a{0,1}lpha"],
    &["wig|"],
    &[""],
    &["\\(x\\)"],
    &["wig \\("],
    &["[+]"],
    &["wig-longer-than"],
    &["wig-longer-tha$"],
    // -x, --exact.
    &["-x", "wig-alpha"],
    &["-x", "wig"],
    &["-x", "wig-alpha|wig-zombie"],
    &["--exact", "wig-.*"],
    &["-xf", "wig-alpha"],
    &["-x", "wig-longer-than"],
    // -i, --ignore-case.
    &["-i", "WIG-ALPHA"],
    &["--ignore-case", "wig-beta"],
    &["-ix", "WIG-BETA"],
    &["-i", "[B]ETA"],
    &["wig-beta"],
    // -f, --full.
    &["-f", "wig-longer-than-fifteen"],
    &["-f", "wig-odd -c"],
    &["-f", "two words"],
    &["--full", "^wig-alpha$"],
    &["-f", "\\[wig-zombie\\]"],
    &["-f", "<defunct>$"],
    &["-fx", "wig-alpha"],
    &["-f", "line break"],
    // -l, --list-name; -a, --list-full; -d, --delimiter.
    &["-l", "wig"],
    &["--list-name", "wig-alpha"],
    &["-a", "wig-alpha"],
    &["--list-full", "wig-longer"],
    &["-la", "wig-alpha"],
    &["-al", "wig-zombie"],
    &["-fa", "wig-zombie"],
    &["-fl", "wig-odd"],
    &["-a", "-f", "wig-longer"],
    &["-d", ",", "wig"],
    &["-d,", "wig"],
    &["-d", "", "wig"],
    &["--delimiter=, ", "-l", "wig"],
    &["-d", "\\n", "wig-alpha"],
    &["-l", "nosuch"],
    &["-d:", "nosuch"],
    // -c, --count.
    &["-c", "wig"],
    &["--count", "nosuch"],
    &["-cl", "wig"],
    &["-cf", "wig-odd"],
    // -v, --inverse.
    &["-v", "wig-"],
    &["--inverse", "-l", "."],
    &["-v", "-P", "{me}"],
    &["-vx", "wig-alpha", "-P", "{me}"],
    &["-vc", "nosuch"],
    &["-v"],
    // -w, --lightweight.
    &["-w", "wig-alpha"],
    &["-wl", "wig-alpha"],
    &["--lightweight", "-c", "wig"],
    &["-w", "-P", "{me}", "alpha"],
    &["-wf", "wig-alpha"],
    &["-wn", "wig-alpha"],
    &["-wo", "wig-alpha"],
    // -n, --newest; -o, --oldest.
    &["-n", "wig"],
    &["-o", "wig"],
    &["--newest", "wig-alpha"],
    &["--oldest", "wig-alpha"],
    &["-n", "nosuch"],
    &["-nl", "wig-a"],
    &["-o"],
    &["-of", "wig-odd"],
    &["-c", "-n", "wig"],
    // -O, --older.
    &["-O", "0", "wig"],
    &["-O", "100000", "wig"],
    &["--older", "-5", "wig"],
    &["-O", "abc", "wig-alpha"],
    // -P, --parent.
    &["-P", "{me}"],
    &["-P", "{me}", "wig-alpha"],
    &["--parent", "{first}"],
    &["-P", "1,{me}", "wig"],
    &["-P", "0"],
    &["-P", "999999"],
    &["-P", ",", "wig"],
    &["-P", "+1"],
    &["-P", "-1"],
    // -g, --pgroup; -s, --session.
    &["-g", "{first}"],
    &["--pgroup", "{first},{alone}"],
    &["-g", "0", "wig"],
    &["-g", "999999"],
    &["-g", "{first},"],
    &["-s", "{alone}"],
    &["--session", "0", "wig-a"],
    &["-s", "{alone},0", "wig-al"],
    &["-s", "999999"],
    // -G, --group; -u, --euid; -U, --uid.
    &["-G", "0", "wig"],
    &["-G", "root", "wig-alpha"],
    &["--group", "12345"],
    &["-u", "root", "wig"],
    &["-u", "0,daemon", "wig-alpha"],
    &["-u", "nobody"],
    &["--euid", "65534", "wig"],
    &["-U", "nobody", "wig"],
    &["--uid", "root", "wig-a"],
    &["-U", "54321"],
    &["-u", "-1"],
    &["-u", "root,", "wig-a"],
    // -t, --terminal.
    &["-t", "pts/99999", "wig"],
    &["-t", "glass", "wig"],
    &["--terminal", "?", "wig"],
    &["-t", "-", "wig"],
    &["-t", "tty1,?", "wig-alpha"],
    &["-t", "/dev/null", "wig"],
    // -r, --runstates.
    &["-r", "Z"],
    &["-r", "S", "wig"],
    &["-r", "T,Z"],
    &["--runstates", "D", "wig"],
    &["-r", "", "wig"],
    &["-r", "ZT", "-l"],
    // -A, --ignore-ancestors.
    &["-A", "wig-alpha"],
    &["-A", "-P", "0"],
    &["--ignore-ancestors", "-x", "sh"],
    &["-A", "-v", "wig-alpha", "-P", "{me}"],
    // --ns, --nslist.
    &["--ns", "1", "wig-alpha"],
    &["--ns", "{first}", "wig"],
    &["--ns", "999999", "wig"],
    &["--ns", "{first}", "--nslist", "pid", "wig-a"],
    &["--nslist", "net", "--ns", "{me}", "wig-a"],
    &["--ns", "x", "wig"],
    &["--ns", "0", "wig"],
    &["--nslist", "net", "wig-alpha"],
    // --cgroup.
    &["--cgroup", "/nosuch"],
    &["--cgroup", "/no,/such", "wig"],
    // --signal means nothing to pgrep.
    &["--signal", "9", "wig-alpha"],
    &["--signal", "HUP", "wig-alpha"],
    // Long options shortened, and options after the pattern.
    &["--ful", "wig-odd"],
    &["--list-n", "wig-alpha"],
    &["--del=;", "wig"],
    &["wig-alpha", "-l"],
    &["wig", "--count"],
    &["--", "-x"],
    &["--", "wig-alpha"],
    &["-lf", "--", "wig-odd"],
    &["--echo", "wig-alpha"],
    &["--queue", "1", "wig-alpha"],
];

/// And with the name of an own cgroup of version 2, where there is one.
fn own_cgroup() -> Option<String> {
    let text = std::fs::read_to_string("/proc/self/cgroup").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(line.to_owned())
}

#[test]
fn pgrep_finds_whom_the_other_finds() {
    namespace!();
    let stage = Stage::new();
    let mut compared = 0;
    for words in CASES {
        for locale in ["C", "C.UTF-8"] {
            compared += usize::from(stage.same("pgrep", words, locale).is_some());
        }
    }
    if let Some(group) = own_cgroup() {
        stage.same("pgrep", &["--cgroup", &group, "wig-alpha"], "C");
        stage.same(
            "pgrep",
            &["--cgroup", &format!("/no,{group}"), "-c", "wig"],
            "C",
        );
        compared += 2;
    }
    println!("pgrep: {compared} comparisons of {} cases", CASES.len() + 2);
}

/// What an answer is about must be there, else all of the above proves nothing.
#[test]
fn pgrep_finds_them_at_all() {
    namespace!();
    let stage = Stage::new();
    let lines = |words: &[&str]| {
        let said = stage.ours("pgrep", words, "C");
        said.out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        lines(&["wig-alpha"]),
        stage.words(&["{first}", "{threads}"])
    );
    assert_eq!(lines(&["-w", "wig-alpha"]).len(), 4);
    assert_eq!(lines(&["-r", "T"]), stage.words(&["{stopped}"]));
    assert_eq!(lines(&["-s", "{alone}"]), stage.words(&["{alone}"]));
    assert_eq!(
        lines(&["-fa", "zombie"]),
        stage.words(&["{gone} [wig-zombie] <defunct>"])
    );
    assert_eq!(lines(&["-o", "wig"]), stage.words(&["{first}"]));
    assert_eq!(
        lines(&["-d", ",", "wig-alpha"]),
        stage.words(&["{first},{threads}"])
    );
}

/// The controlling terminal: both look at one that has one.
#[test]
fn pgrep_by_terminal() {
    namespace!();
    let stage = Stage::new();
    // script(1) gives its command a terminal; both tools run on it, and find the shell that they share.
    for tool in [super::stage_path("pgrep"), "/usr/bin/pgrep".into()] {
        let inner = format!(
            "exec 2>&1; t=$(tty); {tool} -t ${{t#/dev/}} -lx sh | grep -c sh; {tool} -t ${{t#/dev/}},glass -c sh; true"
        );
        let said = crate::compare::finish(
            std::process::Command::new("script")
                .env("SHELL", "/bin/sh")
                .args(["-qec", &inner, "/dev/null"]),
        );
        if said.status == -1 {
            println!("skipped: no script(1)");
            return;
        }
        let answers: Vec<&str> = said.out.split_whitespace().collect();
        assert_eq!(answers.len(), 2, "{tool}: {said:?}");
        assert!(
            answers.iter().all(|n| n.parse::<u32>().unwrap() >= 1),
            "{tool}: {said:?}"
        );
    }
    drop(stage);
}

/// A file with the number in it; locked, and not.
#[test]
fn pgrep_by_pidfile() {
    namespace!();
    let stage = Stage::new();
    let path = std::env::temp_dir().join(wigwag_testkit::namespace::unique("pidfile"));
    let file = path.to_str().unwrap();
    for (text, ours_only) in [
        ("{first}\n", false),
        ("{first}", false),
        ("  {first} of the others\n{beta}\n", false),
        ("abc\n", false),
        ("", false),
        ("{first}x\n", false),
        ("999999\n", false),
        // Debian's reads eleven bytes of it.
        ("\u{b}\t {first}\u{b}", true),
    ] {
        std::fs::write(&path, stage.fill(text)).unwrap();
        for words in [
            &["-F", file][..],
            &["-F", file, "wig-alpha"],
            &["--pidfile", file, "nosuch"],
            &["-v", "-F", file, "-P", "{me}"],
        ] {
            if ours_only {
                let said = stage.ours("pgrep", &["-F", file], "C");
                assert_eq!(said.out.trim(), stage.fill("{first}"));
            } else {
                stage.same("pgrep", words, "C");
            }
        }
    }
    std::fs::write(&path, stage.fill("{first}\n")).unwrap();
    let unlocked = stage.ours("pgrep", &["-L", "-F", file], "C");
    assert_eq!(unlocked.status, 1, "{unlocked:?}");
    let held = std::fs::File::options()
        .write(true)
        .read(true)
        .open(&path)
        .unwrap();
    assert!(held.as_raw_fd() > 2);
    held.lock().unwrap();
    stage.same("pgrep", &["-L", "-F", file], "C");
    stage.same("pgrep", &["-LF", file, "--logpidfile"], "C");
    std::fs::remove_file(path).unwrap();
}
