//! pidwait, and pwait by another name.

use std::process::{Child, Command, Stdio};

use wigwag_testkit::{Deadline, Puppet, Recipe, namespace, proc};

use crate::compare::{finish, ours, real};

fn start(mut command: Command, words: &[&str]) -> Child {
    command
        .args(words)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Whether it sleeps with an epoll that watches so many descriptors.
fn waits(child: &Child, many: usize) {
    Deadline::usual().wait_for("it to wait", || {
        let pid = i32::try_from(child.id()).unwrap();
        let watched: usize = std::fs::read_dir(format!("/proc/{pid}/fdinfo"))
            .ok()?
            .flatten()
            .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
            .map(|text| text.lines().filter(|line| line.starts_with("tfd:")).count())
            .sum();
        (watched == many && proc::state(pid) == Some('S')).then_some(())
    });
}

fn tools(name: &str) -> Vec<(&'static str, Command)> {
    let mut tools = vec![("ours", ours(name))];
    let other = if name == "pwait" { "pidwait" } else { name };
    tools.extend(real(other).map(|command| ("theirs", command)));
    tools
}

#[test]
fn pidwait_waits_for_all_that_it_found() {
    namespace!();
    for name in ["pidwait", "pwait"] {
        for (words, many, text) in [
            (&["wig-alpha"][..], 2, ""),
            (
                &["-e", "wig-alpha"],
                2,
                "waiting for wig-alpha (pid {0})\nwaiting for wig-alpha (pid {1})\n",
            ),
            (
                &["-ce", "-x", "wig-alpha"],
                2,
                "2\nwaiting for wig-alpha (pid {0})\nwaiting for wig-alpha (pid {1})\n",
            ),
            (&["-c", "wig"], 3, "3\n"),
            (
                &["-n", "-e", "wig-alpha"],
                1,
                "waiting for wig-alpha (pid {1})\n",
            ),
            (&["-f", "wig-alpha", "-P", "{me}"], 2, ""),
        ] {
            for (whose, command) in tools(name) {
                let mut puppets = [
                    Puppet::spawn(&Recipe::named("wig-alpha")),
                    Puppet::spawn(&Recipe::named("wig-alpha")),
                    Puppet::spawn(&Recipe::named("wig-other")),
                ];
                let me = std::process::id().to_string();
                let words: Vec<&str> = words
                    .iter()
                    .map(|w| if *w == "{me}" { &me } else { *w })
                    .collect();
                let child = start(command, &words);
                waits(&child, many);
                let mut text = text.to_owned();
                for (index, puppet) in puppets.iter().enumerate() {
                    text = text.replace(&format!("{{{index}}}"), &puppet.pid().to_string());
                }
                // The one that was found last ends last: none but the last end lets it go.
                let last = if many == 3 { 2 } else { 1 };
                for index in (0..3).filter(|index| *index != last) {
                    puppets[index].end();
                }
                let pid = i32::try_from(child.id()).unwrap();
                // The real one counts an end that its epoll tells twice as two, and may leave early.
                let only_ours = || (whose == "theirs").then_some(());
                Deadline::usual().wait_for("it to go on waiting", || {
                    if let Some(()) = only_ours() {
                        return Some(());
                    }
                    let state = proc::state(pid).filter(|state| *state != 'R')?;
                    assert_eq!(state, 'S', "{whose} {name} {words:?}");
                    Some(())
                });
                puppets[last].end();
                let output = child.wait_with_output().unwrap();
                let said = String::from_utf8_lossy(&output.stdout).into_owned();
                assert_eq!(
                    (output.status.code(), said),
                    (Some(0), text),
                    "{whose} {name} {words:?}"
                );
            }
        }
    }
}

#[test]
fn pidwait_of_nobody_and_of_one_that_has_ended() {
    namespace!();
    let mut gone = Puppet::spawn(&Recipe::named("wig-gone"));
    gone.become_zombie();
    for words in [
        &["nosuch"][..],
        &["-e", "nosuch"],
        &["-c", "nosuch"],
        &["wig-gone"],
        &["-e", "wig-gone"],
        &["-r", "Z", "-c"],
    ] {
        let Some(mut theirs) = real("pidwait") else {
            return;
        };
        let theirs = finish(theirs.args(words));
        for name in ["pidwait", "pwait"] {
            let said = finish(ours(name).args(words));
            assert_eq!(said, theirs, "{name} {words:?}: ours is on the left");
        }
    }
}

/// It sleeps until the end comes: in half a second it is never awake.
#[test]
fn pidwait_polls_nothing() {
    namespace!();
    let mut puppet = Puppet::spawn(&Recipe::named("wig-alpha"));
    let child = start(ours("pidwait"), &["wig-alpha"]);
    waits(&child, 1);
    let awoken = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let switches = status.lines().filter(|line| line.contains("ctxt_switches"));
        switches.map(str::to_owned).collect::<Vec<_>>()
    };
    let before = awoken();
    // Not to wait for anything: for nothing to happen.
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(awoken(), before);
    let ended = std::time::Instant::now();
    puppet.end();
    let output = child.wait_with_output().unwrap();
    let took = ended.elapsed();
    println!("pidwait: over {took:?} after the end, which took the kernel part of that");
    assert_eq!(output.status.code(), Some(0));
}

/// Ctrl-C ends it as it ends every program.
#[test]
fn pidwait_is_ended_by_int() {
    namespace!();
    let _puppet = Puppet::spawn(&Recipe::named("wig-alpha"));
    for (whose, command) in tools("pidwait") {
        let child = start(command, &["wig-alpha"]);
        waits(&child, 1);
        wigwag_testkit::kill(i32::try_from(child.id()).unwrap(), 2).unwrap();
        let output = child.wait_with_output().unwrap();
        use std::os::unix::process::ExitStatusExt;
        assert_eq!(output.status.signal(), Some(2), "{whose}");
    }
}
