//! `env` beside coreutils'.

mod tables;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::compare::{self, Said, finish, folder, real};
use tables::{ALIKE, SPLIT};

fn words(line: &str) -> Vec<OsString> {
    // \xNN is that byte; words are between bars, so that blanks can be in them.
    let bytes = |word: &str| {
        let mut parts = word.split("\\x");
        let mut bytes = parts.next().unwrap().as_bytes().to_vec();
        for part in parts {
            bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
            bytes.extend_from_slice(&part.as_bytes()[2..]);
        }
        OsString::from_vec(bytes)
    };
    match line {
        "" => Vec::new(),
        line => line.split('|').map(bytes).collect(),
    }
}

/// By its bare name, which stands in its messages.
fn ours(name: &str) -> Command {
    let mut command = compare::ours(name);
    std::os::unix::process::CommandExt::arg0(&mut command, name);
    command
}

/// A small environment of one's own, and these files in the working directory.
fn scene(command: &mut Command) -> &mut Command {
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("FOO", "BAR")
        .env("_FOO", "x y")
        .env("EMPTY", "")
        .current_dir(place())
}

fn place() -> &'static Path {
    static PLACE: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    PLACE.get_or_init(|| {
        let place =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("env-{}", std::process::id()));
        std::fs::create_dir_all(place.join("it's")).unwrap();
        for (name, text, mode) in [
            ("plain", "echo plain $0 $@\n", 0o755),
            ("nobodys", "#!/bin/sh\n", 0o644),
            ("lost", "#!/no/such/interpreter\n", 0o755),
            ("empty", "", 0o755),
            ("a=b", "#!/bin/sh\necho never\n", 0o755),
        ] {
            let path = place.join(name);
            written(&path, text);
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        }
        place
    })
}

/// What ours says, and theirs.
fn both(line: &str) -> Option<(Said, Said)> {
    let words = words(line);
    let theirs = finish(scene(&mut real("env")?).args(&words));
    let own = finish(scene(&mut ours("env")).args(&words));
    Some((own, theirs))
}

#[test]
fn the_same_words_do_the_same() {
    let Some(_) = real("env") else { return };
    let check = |line: &str| {
        let (own, theirs) = both(line).unwrap();
        assert_eq!(own, theirs, "env {line:?}: ours is on the left");
    };
    ALIKE.iter().for_each(|line| check(line));
    for text in SPLIT {
        for form in ["-S|{}|Z", "-iS|{}", "-vS{}|Z", "--split-string={}|Z|-x"] {
            check(&form.replace("{}", text));
        }
    }
    check(&"x".repeat(300));
    check(&format!("A=1|{}", "y/".repeat(3000)));
}

/// What whoever calls it ignores and blocks, PIPE too, the program has; and no more.
#[test]
fn the_callers_signals_are_handed_on() {
    let Some(_) = real("env") else { return };
    let script = |setting: &str, env: &str| {
        format!("{setting} {env} grep -E 'Sig(Ign|Blk|Pnd)' /proc/self/status")
    };
    let own = folder().join("env").display().to_string();
    for setting in [
        "",
        "trap '' PIPE;",
        "trap '' HUP INT;",
        "trap '' PIPE SEGV BUS TERM;",
    ] {
        let said = |env: &str| finish(Command::new("bash").args(["-c", &script(setting, env)]));
        assert_eq!(said(&own), said("/usr/bin/env"), "{setting}");
    }
    // One env blocks, the other hands on.
    let said = |outer: &str, inner: &str| {
        let words = [
            "--block-signal=USR1,PIPE",
            "--ignore-signal=USR2",
            inner,
            "grep",
            "Sig[IB]",
            "/proc/self/status",
        ];
        finish(Command::new(outer).args(words))
    };
    assert_eq!(
        said("/usr/bin/env", &own),
        said("/usr/bin/env", "/usr/bin/env")
    );
    assert_eq!(
        said(&own, "/usr/bin/env"),
        said("/usr/bin/env", "/usr/bin/env")
    );
}

/// Descriptors that are closed stay closed; what cannot be written is told.
#[test]
fn descriptors_and_output() {
    let Some(_) = real("env") else { return };
    let own = folder().join("env").display().to_string();
    for script in [
        "ENV ls -l /proc/self/fd <&- 2>&1 | sed 's/.* \\([0-9]* -> .*\\)/\\1/; s/[0-9][0-9]*.fd$/fd/; s/pipe:.*/pipe/' | tail -n +2",
        "ENV >&- 2>&1; echo $?",
        "{ ENV; echo $? >&2; } 2>&1 >&- | sed 's/^.*env:/env:/'",
        "{ ENV -i; echo $? >&2; } 2>&1 >&-",
        "{ ENV >/dev/full; echo $?; } 2>&1 | sed 's/^.*env:/env:/'",
        "{ ENV --help >/dev/full; echo $?; } 2>&1 | sed 's/^.*env:/env:/'",
        "{ ENV --version >/dev/full; echo $?; } 2>&1 | sed 's/^.*env:/env:/'",
        "ENV nosuch 2>&-; echo $?",
        "ENV nosuch 2>/dev/full; echo $?",
        "ENV -v true 2>&-; echo $?",
        "ENV -v -i A=b 2>&-; echo $?",
        "ENV sh -c 'echo x >&2' 2>&-; echo $?",
        "mkfifo P$$; sleep 100 <P$$ & exec 3>P$$; kill $!; wait $! 2>/dev/null; rm P$$; ENV >&3; echo $?",
        "trap '' PIPE; mkfifo P$$; sleep 100 <P$$ & exec 3>P$$; kill $!; wait $! 2>/dev/null; rm P$$; { ENV >&3; echo $?; } 2>&1 | sed 's/^.*env:/env:/'",
    ] {
        let said = |env: &str| {
            let mut bash = Command::new("bash");
            let said = finish(scene(&mut bash).args(["-c", &script.replace("ENV", env)]));
            (said.status, said.out)
        };
        assert_eq!(
            said(&own),
            said("/usr/bin/env"),
            "{script}: ours is on the left"
        );
    }
}

/// By another process: a child that a thread of this one makes at the same time would have the file open for writing.
fn written(path: &Path, text: &str) {
    let mut sh = Command::new("sh");
    sh.args(["-c", "printf %s \"$1\" >\"$0\" && chmod 755 \"$0\""]);
    assert!(sh.arg(path).arg(text).status().unwrap().success());
}

/// As the first line of a script.
#[test]
fn starts_scripts() {
    let Some(_) = real("env") else { return };
    for (name, line) in [
        ("one", "ENV sh\necho $0 $1"),
        ("split", "ENV -S printf x%sx\\n A B"),
        ("quoted", "ENV -S printf x%sx\\n \"A B\""),
        ("joined", "ENV -Sprintf\\_x%sx\\n\\_Y"),
        ("comment", "ENV -Sprintf x%sx\\n A#B #C D"),
        ("debug", "ENV -vS sh -u\necho $0"),
        ("wrong", "ENV sh -u\necho $0"),
        ("worse", "ENV -i sh\necho $0"),
    ] {
        let said = |env: &Path| {
            let path = place().join(name);
            let text = format!("#!{}\n", line.replacen("ENV", env.to_str().unwrap(), 1));
            written(&path, &text);
            let mut command = Command::new(format!("./{name}"));
            let said = finish(scene(&mut command).args(["C", "E F"]));
            let err = said.err.replace(env.to_str().unwrap(), "env");
            Said { err, ..said }
        };
        assert_eq!(
            said(&folder().join("env")),
            said(Path::new("/usr/bin/env")),
            "{line}"
        );
    }
}

/// By the manual of 9.7: -a.
#[test]
fn a_name_of_its_own() {
    let said = |words: &[&str]| finish(scene(&mut ours("env")).args(words));
    let out = |words: &[&str]| said(words).out;
    assert_eq!(out(&["-a", "other", "sh", "-c", "echo $0"]), "other\n");
    assert_eq!(out(&["--argv0=other", "sh", "-c", "echo $0"]), "other\n");
    assert_eq!(
        out(&["-aother", "A=1", "sh", "-c", "echo $0 $A"]),
        "other 1\n"
    );
    assert_eq!(out(&["-S-a 'x y' sh -c 'echo \"$0\"'"]), "x y\n");
    let alone = said(&["-a", "x"]);
    let program = "env";
    let text = format!(
        "{program}: must specify command with --argv0 (-a)\nTry '{program} --help' for more information.\n"
    );
    assert_eq!((alone.status, alone.err), (125, text));
    let debug = said(&["-v", "-a", "x", "sh", "-c", ":"]);
    assert_eq!(
        debug.err,
        "argv0:     'x'\nexecuting: sh\n   arg[0]= 'x'\n   arg[1]= '-c'\n   arg[2]= ':'\n"
    );
    assert_eq!(
        said(&["-a", "x", "nosuch"]).err,
        format!("{program}: 'nosuch': No such file or directory\n")
    );
}

#[test]
fn says_what_it_is() {
    let help = finish(ours("env").arg("--help"));
    assert_eq!((help.status, help.err.as_str()), (0, ""));
    assert!(
        help.out
            .starts_with("Usage: env [OPTION]... [-] [NAME=VALUE]... [COMMAND [ARG]...]\n")
    );
    for option in [
        "-a, --argv0",
        "-i, --ignore-environment",
        "-0, --null",
        "-u, --unset",
        "-C, --chdir",
        "-S, --split-string",
        "--block-signal",
        "--default-signal",
        "--ignore-signal",
        "--list-signal-handling",
        "-v, --debug",
        "--help",
        "--version",
    ] {
        assert!(help.out.contains(option), "{option}");
    }
    let version = finish(ours("env").arg("--version"));
    assert!(
        version.out.starts_with("env from wigwag ")
            && version.out.ends_with(" (GNU coreutils) 9.7\n")
    );
}

/// Messages quote as the locale does.
#[test]
fn quotes_as_the_locale_has_it() {
    let Some(_) = real("env") else { return };
    for locale in [
        "C",
        "POSIX",
        "C.UTF-8",
        "C.utf8",
        "xx_YY.UTF-8",
        "en_US",
        "",
    ] {
        let said = |mut command: Command| {
            let done = command
                .env("LC_ALL", locale)
                .args(["é\u{a0}’'"])
                .output()
                .unwrap();
            done.stderr
        };
        let own = ours("env");
        assert_eq!(
            String::from_utf8_lossy(&said(own)),
            String::from_utf8_lossy(&said(real("env").unwrap())),
            "{locale}"
        );
    }
}
