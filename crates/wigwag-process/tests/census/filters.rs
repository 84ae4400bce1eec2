//! The filters, one by one.

use std::process::Command;

use wigwag_process::census::{Why, census};
use wigwag_process::procfs::Proc;
use wigwag_process::selector::{Filter, Selector};

use crate::tools::{Folder, Sleeper, eventually, find, left, pids, unique};

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
