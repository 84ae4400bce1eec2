//! Finding real processes by all that a selector can say.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::io::Read;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use wigwag_process::census::{Census, SelectError, Why, census};
use wigwag_process::procfs::Proc;
use wigwag_process::selector::{Filter, Selector, Target};

/// A folder of the test's own.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("wigwag-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(std::fs::canonicalize(path).unwrap())
    }

    /// A shell under another name.
    fn shell(&self, name: &str) -> PathBuf {
        let link = self.0.join(name);
        std::os::unix::fs::symlink(std::fs::canonicalize("/bin/sh").unwrap(), &link).unwrap();
        link
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A child that says when it is ready, and is killed and collected in the end.
struct Sleeper(Child);

impl Sleeper {
    /// Runs `script` in the shell, then reads until the end of its input.
    fn run(shell: impl AsRef<Path>, script: &str, prepare: impl FnOnce(&mut Command)) -> Sleeper {
        let mut command = Command::new(shell.as_ref());
        let script = format!("{script}\necho\nread x");
        command
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        prepare(&mut command);
        let mut child = command.spawn().unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        Sleeper(child)
    }

    fn named(folder: &Folder, name: &str) -> Sleeper {
        Sleeper::run(folder.shell(name), "", |_| {})
    }

    fn plain() -> Sleeper {
        Sleeper::run("sh", "", |_| {})
    }

    fn pid(&self) -> i32 {
        self.0.id() as i32
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn eventually(what: &str, mut test: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !test() {
        assert!(Instant::now() < deadline, "{what}: not in time");
        std::thread::yield_now();
    }
}

fn find(targets: &[&str], filter: Filter) -> Census {
    let targets = targets.iter().map(|t| Target::parse(t).unwrap()).collect();
    census(&Proc::open().unwrap(), &Selector { targets, filter }).unwrap()
}

fn pids(census: &Census) -> Vec<i32> {
    census.found.iter().map(|dir| dir.pid()).collect()
}

fn why(target: &str) -> String {
    let census = find(&[target], Filter::default());
    assert!(census.found.is_empty(), "{target} is {:?}", pids(&census));
    census.missing[0].to_string()
}

/// Whom the filter leaves of these.
fn left(of: &[&Sleeper], filter: Filter) -> Vec<i32> {
    let targets: Vec<String> = of.iter().map(|s| s.pid().to_string()).collect();
    pids(&find(
        &targets.iter().map(String::as_str).collect::<Vec<_>>(),
        filter,
    ))
}

fn unique(name: &str) -> String {
    format!("{name}{}", std::process::id())
}

#[test]
fn by_name_also_where_the_kernel_cuts_it() {
    let folder = Folder::new("name");
    let short = unique("wwn");
    let (long, other) = (unique("wigwag-census-one-"), unique("wigwag-census-two-"));
    let sleepers = [&short, &long, &other].map(|name| Sleeper::named(&folder, name));
    assert_eq!(
        pids(&find(&[&short], Filter::default())),
        [sleepers[0].pid()]
    );
    assert_eq!(
        pids(&find(&[&long], Filter::default())),
        [sleepers[1].pid()]
    );
    let filter = |name: &str| Filter {
        name: vec![name.to_owned()],
        ..Filter::default()
    };
    assert_eq!(pids(&find(&[], filter(&other))), [sleepers[2].pid()]);
    let expression = format!("-t.o-{}$", std::process::id());
    assert_eq!(
        pids(&find(
            &[],
            Filter {
                regex: true,
                ..filter(&expression)
            }
        )),
        [sleepers[2].pid()]
    );
    assert!(
        find(
            &[],
            Filter {
                regex: true,
                exact: true,
                ..filter(&expression)
            }
        )
        .found
        .is_empty()
    );
    let line = format!("{}/{long} -c", folder.0.display());
    assert_eq!(
        pids(&find(
            &[],
            Filter {
                full: true,
                ..filter(&line)
            }
        )),
        [sleepers[1].pid()]
    );
    assert!(
        find(
            &[],
            Filter {
                full: true,
                exact: true,
                ..filter(&line)
            }
        )
        .found
        .is_empty()
    );
    assert_eq!(
        pids(&find(
            &[],
            Filter {
                full: true,
                regex: true,
                ..filter(&format!("^{line}"))
            }
        )),
        [sleepers[1].pid()]
    );
    let bad = Selector {
        filter: Filter {
            regex: true,
            ..filter("a(b")
        },
        ..Selector::default()
    };
    let error = census(&Proc::open().unwrap(), &bad).unwrap_err();
    assert_eq!(
        error.to_string(),
        "\"a(b\" is no regular expression: unclosed group"
    );
    let text = why(&format!("x{short}"));
    assert_eq!(
        text,
        format!("no process named x{short}; did you mean {short}?")
    );
}

#[test]
fn a_misspelt_signal_or_target_is_told() {
    assert_eq!(why("HPU"), "no process named HPU; did you mean HUP?");
    assert_eq!(
        why("prot:8080"),
        "no process named prot:8080; did you mean port:8080?"
    );
}

#[test]
fn by_number_in_the_order_given_and_each_once() {
    let (a, b) = (Sleeper::plain(), Sleeper::plain());
    let (first, second) = (b.pid().to_string(), a.pid().to_string());
    let group = format!("group:{}", rustix::process::getpgrp().as_raw_nonzero());
    let found = find(&[&first, &second, &first, &group], Filter::default());
    assert_eq!(pids(&found)[..2], [b.pid(), a.pid()]);
    assert_eq!(pids(&found).iter().filter(|&&p| p == a.pid()).count(), 1);
    assert!(found.missing.is_empty());
    let gone = a.pid();
    drop(a);
    assert_eq!(why(&gone.to_string()), format!("no process {gone}"));
}

#[test]
fn a_thread_is_no_process() {
    let (send, receive) = std::sync::mpsc::channel();
    let (end, wait) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        send.send(std::fs::read_link("/proc/thread-self").unwrap())
            .unwrap();
        let _ = wait.recv();
    });
    let link = receive.recv().unwrap();
    let tid = link.file_name().unwrap().to_str().unwrap();
    let me = std::process::id();
    assert!(why(tid).starts_with(&format!("{tid} is a thread of process {me} (")));
    assert!(why(&format!("tree:{tid}")).contains(&format!("thread of process {me}")));
    let found = find(&[&format!("tid:{tid}")], Filter::default());
    assert_eq!(found.threads[0].task.pid().to_string(), tid);
    assert_eq!(found.threads[0].process.pid(), me as i32);
    assert!(found.missing.is_empty() && found.found.is_empty());
    drop(end);
    thread.join().unwrap();
}

#[test]
fn by_group_session_and_tree() {
    let grouped = Sleeper::run("sh", "", |c| {
        c.process_group(0);
    });
    assert_eq!(
        pids(&find(&[&format!("-{}", grouped.pid())], Filter::default())),
        [grouped.pid()]
    );
    let script = "exec 3<&0; (sh -c 'echo >&4; read x <&3; :') 4>&1 >/dev/null & read y <&3";
    let parent = {
        let mut command = Command::new("setsid");
        command
            .args(["sh", "-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        Sleeper(child)
    };
    for target in [
        format!("tree:{}", parent.pid()),
        format!("session:{}", parent.pid()),
    ] {
        let found = pids(&find(&[&target], Filter::default()));
        assert!(
            found.len() >= 2 && found[0] == parent.pid(),
            "{target}: {found:?}"
        );
    }
    assert_eq!(why("group:4194304"), "no process group 4194304");
    assert_eq!(why("session:4194304"), "no session 4194304");
    assert_eq!(why("tree:4194304"), "no process 4194304");
}

#[test]
fn by_port() {
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let me = [std::process::id() as i32];
    let mut ports = vec![
        tcp.local_addr().unwrap().port(),
        udp.local_addr().unwrap().port(),
    ];
    let six = TcpListener::bind((Ipv6Addr::LOCALHOST, 0));
    ports.extend(six.as_ref().map(|s| s.local_addr().unwrap().port()));
    for port in ports {
        assert_eq!(
            pids(&find(&[&format!("port:{port}")], Filter::default())),
            me
        );
    }
    let free = tcp.local_addr().unwrap().port();
    drop(tcp);
    assert_eq!(
        why(&format!("port:{free}")),
        format!("nothing listens on port {free}")
    );
}

#[test]
fn by_open_file_map_and_socket() {
    let folder = Folder::new("file");
    let path = folder.0.join("open");
    let file = std::fs::File::create(&path).unwrap();
    let target = format!("file:{}", path.display());
    let me = [std::process::id() as i32];
    assert_eq!(pids(&find(&[&target], Filter::default())), me);
    drop(file);
    // A child of another test may have been forked meanwhile, and closes what it has inherited only when it executes.
    eventually("closed", || {
        find(&[&target], Filter::default()).found.is_empty()
    });
    // Some process may be shown to nobody, as pid 1 of some sandboxes: then it is not claimed that nobody holds it.
    match find(&[&target], Filter::default()).missing[0].why {
        Why::Unheld => assert_eq!(
            why(&target),
            format!("no process holds {} open", path.display())
        ),
        Why::Unseen { unreadable } => assert!(unreadable > 0),
        ref other => panic!("{other:?}"),
    }
    let program = folder.0.join("program");
    std::fs::copy("/bin/sh", &program).unwrap();
    let sleeper = Sleeper::run(&program, "", |_| {});
    assert_eq!(
        pids(&find(
            &[&format!("file:{}", program.display())],
            Filter::default()
        )),
        [sleeper.pid()]
    );
    let name = folder.0.join("socket");
    let socket = std::os::unix::net::UnixListener::bind(&name).unwrap();
    assert_eq!(
        pids(&find(
            &[&format!("file:{}", name.display())],
            Filter::default()
        )),
        me
    );
    drop(socket);
    assert_eq!(why("file:/no/such"), "/no/such: No such file or directory");
}

#[test]
fn by_control_group_and_unit() {
    let proc = Proc::open().unwrap();
    let mounts = wigwag_process::procfs::cgroup_mounts(&proc.read(c"self/mountinfo").unwrap());
    let unit = unique("wigwag-census");
    let mounted = mounts
        .iter()
        .find(|m| m.controllers.is_empty() && m.root == Path::new("/"));
    let Some(mount) = mounted.or(mounts.first()) else {
        return eprintln!("skipped: no control groups are mounted");
    };
    let top = mount.point.join(unique("wigwag-top"));
    let group = top.join(format!("{unit}.service"));
    if std::fs::create_dir_all(&group).is_err() {
        return eprintln!("skipped: control groups cannot be made here");
    }
    assert!(
        why(&format!("cgroup:{}", group.display()))
            .starts_with("no process is in the control group")
    );
    let sleeper = Sleeper::plain();
    std::fs::write(group.join("cgroup.procs"), sleeper.pid().to_string()).unwrap();
    let bare = group
        .strip_prefix(&mount.point)
        .unwrap()
        .display()
        .to_string();
    for target in [
        format!("cgroup:{}", group.display()),
        format!("cgroup:{}", top.display()),
        format!("cgroup:/{bare}"),
        format!("cgroup:{bare}/"),
        format!("unit:{unit}"),
        format!("unit:{unit}.service"),
    ] {
        assert_eq!(
            pids(&find(&[&target], Filter::default())),
            [sleeper.pid()],
            "{target}"
        );
    }
    let filter = Filter {
        cgroup: vec![top.clone()],
        ..Filter::default()
    };
    assert_eq!(pids(&find(&[], filter)), [sleeper.pid()]);
    drop(sleeper);
    eventually("emptied", || std::fs::remove_dir(&group).is_ok());
    std::fs::remove_dir(&top).unwrap();
    assert_eq!(why("cgroup:/no/such"), "no control group /no/such");
    assert_eq!(
        why("unit:no-such"),
        "no process of the unit no-such.service"
    );
    let filter = Filter {
        cgroup: vec!["/no/such".into()],
        ..Filter::default()
    };
    let selector = Selector {
        targets: Vec::new(),
        filter,
    };
    assert!(matches!(
        census(&proc, &selector),
        Err(SelectError::Cgroup(_))
    ));
}

#[test]
fn every_filter() {
    let a = Sleeper::run("sh", "trap : USR1", |c| {
        c.env("WIGWAG_K", "V");
    });
    let b = Sleeper::run("sh", "", |c| {
        c.env("WIGWAG_K", "W");
    });
    let (both, only_a, none) = (vec![a.pid(), b.pid()], vec![a.pid()], Vec::<i32>::new());
    let check = |filter: Filter, expected: &Vec<i32>| {
        let shown = format!("{filter:?}");
        assert_eq!(&left(&[&a, &b], filter), expected, "{shown}");
    };
    let default = Filter::default;
    let env = |value: Option<&str>| vec![("WIGWAG_K".to_owned(), value.map(str::to_owned))];
    check(
        Filter {
            env: env(None),
            ..default()
        },
        &both,
    );
    check(
        Filter {
            env: env(Some("V")),
            ..default()
        },
        &only_a,
    );
    check(
        Filter {
            env: env(Some("")),
            ..default()
        },
        &none,
    );
    check(
        Filter {
            handles: Some(wigwag::Signal::USR1),
            ..default()
        },
        &only_a,
    );
    let user = rustix::process::geteuid().as_raw();
    check(
        Filter {
            user: vec![user.to_string()],
            ..default()
        },
        &both,
    );
    check(
        Filter {
            user: vec![(user + 1).to_string()],
            ..default()
        },
        &none,
    );
    let group = rustix::process::getegid().as_raw();
    check(
        Filter {
            group_id: vec![group.to_string()],
            ..default()
        },
        &both,
    );
    check(
        Filter {
            parent: vec![1, std::process::id() as i32],
            ..default()
        },
        &both,
    );
    check(
        Filter {
            parent: vec![a.pid()],
            ..default()
        },
        &none,
    );
    check(
        Filter {
            state: vec!['Z', 'T'],
            ..default()
        },
        &none,
    );
    check(
        Filter {
            state: vec!['S', 'R'],
            ..default()
        },
        &both,
    );
    check(
        Filter {
            younger: Some(jiff::SignedDuration::from_hours(1)),
            ..default()
        },
        &both,
    );
    check(
        Filter {
            older: Some(jiff::SignedDuration::from_hours(1)),
            ..default()
        },
        &none,
    );
    check(
        Filter {
            older: Some(jiff::SignedDuration::ZERO),
            newest: true,
            ..default()
        },
        &vec![b.pid().max(a.pid())],
    );
    check(
        Filter {
            oldest: true,
            ..default()
        },
        &only_a,
    );
    check(
        Filter {
            ns: vec![std::process::id().to_string().parse().unwrap()],
            ..default()
        },
        &both,
    );
    let tty = Proc::open()
        .unwrap()
        .dir(a.pid())
        .unwrap()
        .stat()
        .unwrap()
        .tty_nr;
    if tty == 0 {
        check(
            Filter {
                tty: vec!["none".into()],
                ..default()
            },
            &both,
        );
        check(
            Filter {
                tty: vec!["pts/77777".into()],
                ..default()
            },
            &none,
        );
    }
    let missing = find(
        &[&a.pid().to_string()],
        Filter {
            parent: vec![1],
            ..default()
        },
    );
    assert_eq!(missing.missing[0].why, Why::Filtered { found: 1 });
    for filter in [
        Filter {
            user: vec!["no such user".into()],
            ..default()
        },
        Filter {
            tty: vec!["no such tty".into()],
            ..default()
        },
        Filter {
            newest: true,
            oldest: true,
            ..default()
        },
        Filter {
            ns: vec!["4194304".parse().unwrap()],
            ..default()
        },
    ] {
        let selector = Selector {
            targets: Vec::new(),
            filter,
        };
        assert!(
            census(&Proc::open().unwrap(), &selector).is_err(),
            "{selector:?}"
        );
    }
}

#[test]
fn zombies_are_found() {
    let folder = Folder::new("zombie");
    let name = unique("wwz");
    let mut child = Command::new(folder.shell(&name))
        .args(["-c", ""])
        .spawn()
        .unwrap();
    let proc = Proc::open().unwrap();
    let dir = proc.dir(child.id() as i32).unwrap();
    eventually("ended", || dir.stat().unwrap().is_zombie());
    let filter = Filter {
        state: vec!['Z'],
        ..Filter::default()
    };
    assert_eq!(pids(&find(&[&name], filter)), [child.id() as i32]);
    child.wait().unwrap();
    assert!(find(&[&name], Filter::default()).found.is_empty());
}

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
        .args(["--exact", "inner", "--nocapture"])
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
        exec setpriv --reuid 65534 --regid 65534 --clear-groups \"$0\" --exact inner --nocapture; }";
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
