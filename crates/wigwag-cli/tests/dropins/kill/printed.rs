//! The list of names, help and version, and a standard output that cannot be written.

use super::line;
use crate::compare::{finish, real};

/// POSIX: `-l` lists names that `-s` takes, and nothing else, without SIG, with blanks or line ends between.
#[test]
fn the_list_holds_names() {
    let listed = line("-l");
    assert_eq!((listed.status, listed.err.as_str()), (0, ""));
    let names: Vec<&str> = listed.out.split_whitespace().collect();
    let posix = "ABRT ALRM BUS CHLD CONT FPE HUP ILL INT KILL PIPE POLL PROF QUIT SEGV STOP SYS TERM TRAP TSTP TTIN TTOU URG \
                 USR1 USR2 VTALRM WINCH XCPU XFSZ";
    for name in posix.split_whitespace() {
        assert!(names.contains(&name), "{name}");
    }
    for name in &names {
        let said = line(&format!("-s {name} 9999999"));
        assert!(said.err.contains("No such process"), "{name}: {said:?}");
        assert_eq!(said.status, 1);
    }
    // procps's own test: capitals, 1, 2, + and - alone; GNU's: the last line is a name.
    let bytes = listed.out.bytes();
    assert!(
        bytes
            .into_iter()
            .all(|b| b.is_ascii_uppercase() || b"12+- \n".contains(&b))
    );
    assert_eq!(
        line(&format!("-l -- {}", listed.out.lines().last().unwrap())).out,
        "64\n"
    );
    let Some(mut real) = real("kill") else { return };
    let theirs = finish(real.arg("-l")).out;
    for name in theirs.split_whitespace() {
        assert!(names.contains(&name), "procps lists {name}");
    }
}

#[test]
fn help_and_version() {
    for words in ["--help", "-h", "--he"] {
        let said = line(words);
        assert_eq!((said.status, said.err.as_str()), (0, ""));
        assert!(
            said.out.starts_with("\nUsage:\n kill [options] <pid>"),
            "{said:?}"
        );
    }
    for words in ["--version", "-V", "-v", "--vers"] {
        let said = line(words);
        let version = env!("CARGO_PKG_VERSION");
        let text = format!(
            "kill from wigwag {version} (util-linux 2.41) (with: sigqueue, pidfd, pidfdino)\n"
        );
        assert_eq!((said.status, said.out, said.err), (0, text, String::new()));
    }
    assert_eq!(line("--ver").status, 1, "--verbose or --version");
}

#[test]
fn what_cannot_be_written() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut command = crate::compare::ours("kill");
    let done = command.arg("-l").stdout(full).output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(done.stderr, b"kill: write error: No space left on device\n");
    // A reader that has gone ends it by PIPE.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = crate::compare::ours("kill");
    let status = command.arg("-l").stdout(writer).status().unwrap();
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(13)
    );
}
