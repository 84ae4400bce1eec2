//! By what they hold open, and by control group.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use wigwag_process::census::{SelectError, Why, census};
use wigwag_process::procfs::Proc;
use wigwag_process::selector::{Filter, Selector};
use wigwag_testkit::{Puppet, Recipe};

use crate::tools::{Folder, Sleeper, eventually, find, pids, unique, why};

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
    let top = mount.point.join(unique("wigwag-top") + ".slice");
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
    // A group of that name within another unit, as a container has it, is none of this machine's units.
    let container = top.join("docker-abc.scope");
    let nested = container
        .join("system.slice")
        .join(format!("{unit}.service"));
    std::fs::create_dir_all(&nested).unwrap();
    let contained = Sleeper::plain();
    std::fs::write(nested.join("cgroup.procs"), contained.pid().to_string()).unwrap();
    let of_unit = |unit: &str| pids(&find(&[&format!("unit:{unit}")], Filter::default()));
    let slice = top.file_name().unwrap().to_str().unwrap();
    assert_eq!(of_unit(&unit), [sleeper.pid()]);
    assert_eq!(of_unit("docker-abc.scope"), [contained.pid()]);
    assert_eq!(of_unit(slice).len(), 2);
    drop((sleeper, contained));
    for group in [&nested, nested.parent().unwrap(), &container] {
        eventually("emptied", || std::fs::remove_dir(group).is_ok());
    }
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

/// Another file by the same name, in a mount namespace of its own, is not the one that is meant.
#[test]
fn a_file_of_another_mount_is_another_file() {
    let folder = Folder::new("mounts");
    let path = folder.0.join("program");
    std::fs::copy("/bin/sh", &path).unwrap();
    let here = Sleeper::run(&path, "", |_| {});
    let script = "mount -t tmpfs none \"$F\" && cp /bin/sh \"$F/program\" && \
                  exec 4>\"$F/open\" && exec \"$F/program\" -c 'echo; read x'";
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", script])
        .env("F", &folder.0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut there = Sleeper(command.spawn().unwrap());
    let mut ready = [0];
    if there
        .0
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut ready)
        .is_err()
    {
        return eprintln!("skipped: no mount namespaces");
    }
    std::fs::File::create(folder.0.join("open")).unwrap();
    let of = |name: &str| {
        let target = format!("file:{}", folder.0.join(name).display());
        pids(&find(&[&target], Filter::default()))
    };
    assert_eq!(of("program"), [here.pid()]);
    assert!(of("open").is_empty());
    // The same file, seen from elsewhere.
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", there.pid())).unwrap();
    assert!(maps.contains(path.to_str().unwrap()), "{maps}");
    let inside = format!("file:/proc/{}/root{}", there.pid(), path.display());
    assert_eq!(pids(&find(&[&inside], Filter::default())), [there.pid()]);
}

#[test]
fn by_working_directory_and_root() {
    let folder = Folder::new("places");
    let (work, jail) = (folder.0.join("work"), folder.0.join("jail"));
    std::fs::create_dir_all(&work).unwrap();
    std::fs::create_dir_all(&jail).unwrap();
    let of = |path: &Path| {
        pids(&find(
            &[&format!("file:{}", path.display())],
            Filter::default(),
        ))
    };
    let worker = Sleeper::run("sh", "", |command| {
        command.current_dir(&work);
    });
    assert_eq!(of(&work), [worker.pid()]);
    // Another directory is not meant by the one above it.
    assert!(of(&folder.0).is_empty());
    if rustix::process::geteuid().is_root() {
        let puppet = Puppet::spawn(&Recipe {
            root: Some(jail.display().to_string()),
            ..Recipe::default()
        });
        assert_eq!(of(&jail), [puppet.pid()]);
    }
}
