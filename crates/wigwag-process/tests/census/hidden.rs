//! What may not be read, and what is hidden.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use wigwag_process::selector::Filter;

use crate::tools::{Sleeper, find};

/// Run by the tests below as another user, or with another `/proc`.
#[test]
fn inner() {
    let Ok(what) = std::env::var("WIGWAG_INNER") else {
        return;
    };
    let pid = std::env::var("WIGWAG_PID").unwrap_or_default();
    match what.as_str() {
        "unreadable" => {
            let env = vec![("WIGWAG_K".to_owned(), None)];
            let found = find(
                &[&pid],
                Filter {
                    env,
                    ..Filter::default()
                },
            );
            assert!(found.found.is_empty());
            let files: Vec<_> = found.unreadable_files.iter().collect();
            println!("{} unreadable {files:?}", found.unreadable);
        }
        _ => println!("{}", find(&["2"], Filter::default()).missing[0]),
    }
}

fn output_of(command: &mut Command) -> Option<String> {
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    if error.contains("not permitted") || error.contains("denied") {
        eprintln!("skipped: {error}");
        return None;
    }
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn what_may_not_be_read_is_counted() {
    if !rustix::process::geteuid().is_root() {
        return eprintln!("skipped: needs root to become another user");
    }
    let secret = Sleeper::plain();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "hidden::inner", "--nocapture"])
        .uid(65534)
        .gid(65534);
    command
        .env("WIGWAG_INNER", "unreadable")
        .env("WIGWAG_PID", secret.pid().to_string());
    let Some(text) = output_of(&mut command) else {
        return;
    };
    assert!(text.contains("1 unreadable [\"environ\"]"), "{text}");
}

#[test]
fn a_hidden_process_is_told_from_none() {
    let script = "mount -t proc -o hidepid=2 proc /proc && { read x <&3 & \
        exec setpriv --reuid 65534 --regid 65534 --clear-groups \"$0\" --exact hidden::inner --nocapture; }";
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--mount", "--kill-child", "sh", "-c"]);
    command
        .arg(format!("exec 3<&0; {script}"))
        .arg(std::env::current_exe().unwrap());
    command.env("WIGWAG_INNER", "hidden").stdin(Stdio::piped());
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let keep = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(keep);
    let error = String::from_utf8_lossy(&output.stderr);
    if error.contains("not permitted") || error.contains("denied") {
        return eprintln!("skipped: {error}");
    }
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("hides it (hidepid)") || text.contains("no process 2"),
        "{text}{error}"
    );
}
