//! The grammar of targets and filters.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use proptest::prelude::*;
use wigwag_process::procfs::Namespace;
use wigwag_process::selector::{Filter, NamespaceFilter, Selector, Target, TargetError};

#[test]
fn every_spelling() {
    let name = |word: &str| Target::Name(word.to_owned());
    for (word, target, shown) in [
        ("42", Target::Pid(42), "42"),
        ("pid:9", Target::Pid(9), "9"),
        ("007", Target::Pid(7), "7"),
        ("4194304", Target::Pid(4_194_304), "4194304"),
        ("-42", Target::Group(42), "group:42"),
        ("group:1", Target::Group(1), "group:1"),
        ("session:42", Target::Session(42), "session:42"),
        ("tree:42", Target::Tree(42), "tree:42"),
        ("tid:42", Target::Thread(42), "tid:42"),
        ("port:8080", Target::Port(8080), "port:8080"),
        (
            "cgroup:/a b/c",
            Target::Cgroup("/a b/c".into()),
            "cgroup:/a b/c",
        ),
        ("file:./x:y", Target::File("./x:y".into()), "file:./x:y"),
        ("unit:nginx", Target::Unit("nginx".into()), "unit:nginx"),
        ("name:42", name("42"), "name:42"),
        ("name:-x", name("-x"), "name:-x"),
        ("name:port:80", name("port:80"), "name:port:80"),
        ("nginx", name("nginx"), "nginx"),
        ("kworker/0:1", name("kworker/0:1"), "kworker/0:1"),
        ("+5", name("+5"), "+5"),
        ("--own-group", Target::OwnGroup, "--own-group"),
        ("--everyone", Target::Everyone, "--everyone"),
    ] {
        assert_eq!(Target::parse(word).as_ref(), Ok(&target), "{word}");
        assert_eq!(target.to_string(), shown);
        assert_eq!(Target::parse(shown), Ok(target));
    }
}

#[test]
fn what_is_refused_says_what_to_write() {
    for (word, part) in [
        ("0", "--own-group"),
        ("pid:0", "--own-group"),
        ("group:0", "--own-group"),
        ("-0", "--own-group"),
        ("-1", "--everyone"),
        ("", "empty"),
        ("port:", "empty target after \"port:\""),
        ("file:", "empty target after \"file:\""),
        ("99999999999", "from 1 to 4194304"),
        ("4194305", "from 1 to 4194304"),
        ("-99999999999999999999", "from 1 to 4194304"),
        ("tid:0", "process group"),
        ("tree:sshd", "tree:N takes a process number"),
        ("port:0", "1 to 65535"),
        ("port:65536", "1 to 65535"),
        ("port:+80", "1 to 65535"),
        ("-x", "name:-x"),
        ("a\0b", "NUL"),
    ] {
        let error = Target::parse(word).unwrap_err().to_string();
        assert!(error.contains(part), "{word}: {error}");
    }
}

#[test]
fn paths_need_not_be_utf8_but_names_must() {
    let target = Target::parse_os(OsStr::from_bytes(b"file:/\xff")).unwrap();
    assert_eq!(target, Target::File(OsStr::from_bytes(b"/\xff").into()));
    assert!(serde_json::to_string(&target).is_err());
    let name = Target::parse_os(OsStr::from_bytes(b"\xff"));
    assert!(matches!(name, Err(TargetError::NotText(_))));
}

#[test]
fn a_selector_survives_json() {
    let selector = Selector {
        targets: vec![
            Target::Pid(4),
            Target::Name("42".into()),
            Target::File("/a".into()),
        ],
        filter: Filter {
            name: vec!["x".into()],
            older: Some(jiff::SignedDuration::from_secs(90)),
            env: vec![("K".into(), Some("V".into())), ("L".into(), None)],
            ns: vec!["7:net".parse().unwrap()],
            state: vec!['Z'],
            handles: Some(wigwag::Signal::TERM),
            ..Filter::default()
        },
    };
    let text = serde_json::to_string(&selector).unwrap();
    assert!(text.contains(r#"["4","name:42","file:/a"]"#), "{text}");
    assert_eq!(serde_json::from_str::<Selector>(&text).unwrap(), selector);
    assert!(serde_json::from_str::<Selector>("{}").unwrap().is_empty());
    assert!(serde_json::from_str::<Target>("\"0\"").is_err());
}

#[test]
fn emptiness_ignores_how_a_name_would_be_read() {
    assert!(
        Filter {
            full: true,
            regex: true,
            ..Filter::default()
        }
        .is_empty()
    );
    assert!(
        !Filter {
            newest: true,
            ..Filter::default()
        }
        .is_empty()
    );
}

#[test]
fn namespaces_to_compare() {
    let all: NamespaceFilter = "12".parse().unwrap();
    assert_eq!((all.pid, all.kinds.len()), (12, 8));
    let two: NamespaceFilter = "12:pid,uts".parse().unwrap();
    assert_eq!(two.kinds, [Namespace::Pid, Namespace::Uts]);
    for (bad, part) in [
        ("12:nett", "cgroup, ipc, mnt, net"),
        ("x", "PID:KIND"),
        ("12:", "\"\""),
    ] {
        let error = bad.parse::<NamespaceFilter>().unwrap_err();
        assert!(error.contains(part), "{bad}: {error}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = Target::parse_os(OsStr::from_bytes(&bytes));
    }

    #[test]
    fn what_is_read_is_shown_so_that_it_reads_the_same(
        word in "(pid:|group:|session:|tree:|tid:|port:|cgroup:|file:|unit:|name:|-|--)?([0-9]{1,8}|[a-z:/ é-]{1,12})",
    ) {
        if let Ok(target) = Target::parse(&word) {
            prop_assert_eq!(Target::parse(&target.to_string()), Ok(target));
        }
    }
}
