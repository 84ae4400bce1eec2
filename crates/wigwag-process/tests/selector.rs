//! The grammar of targets and filters.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use proptest::prelude::*;
use wigwag_process::procfs::{Namespace, Transport};
use wigwag_process::selector::{Filter, NamespaceFilter, Port, Selector, Target, TargetError};

#[test]
fn every_spelling() {
    let name = |word: &str| Target::Name(word.to_owned());
    let port = |number, transport| Target::Port(Port { number, transport });
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
        ("port:8080", port(8080, None), "port:8080"),
        ("port:53/udp", port(53, Some(Transport::Udp)), "port:53/udp"),
        (
            "port:080/tcp",
            port(80, Some(Transport::Tcp)),
            "port:80/tcp",
        ),
        (
            "cgroup:/a b/c",
            Target::Cgroup("/a b/c".into()),
            "cgroup:/a b/c",
        ),
        ("file:./x:y", Target::File("./x:y".into()), "file:./x:y"),
        ("unit:nginx", Target::Unit("nginx".into()), "unit:nginx"),
        ("name:42", name("42"), "name:42"),
        ("name:-x", name("-x"), "name:-x"),
        ("name:name:foo", name("name:foo"), "name:name:foo"),
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
        ("port:80/sctp", "/tcp or /udp"),
        ("port:/tcp", "1 to 65535"),
        ("port:no-such-service", "/etc/services"),
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
        word in "(pid:|group:|session:|tree:|tid:|port:|cgroup:|file:|unit:|name:|-|--){0,3}([0-9]{1,8}|[a-z:/ é-]{1,12})",
    ) {
        if let Ok(target) = Target::parse(&word) {
            prop_assert_eq!(Target::parse(&target.to_string()), Ok(target));
        }
    }

    #[test]
    fn what_is_written_is_read_as_the_same(target in targets()) {
        prop_assert_eq!(target.to_string().parse(), Ok(target.clone()));
        let json = serde_json::to_string(&target).unwrap();
        prop_assert_eq!(serde_json::from_str::<Target>(&json).unwrap(), target);
    }
}

/// Any target whose number can be one, and whose words are not empty and without NUL.
fn targets() -> impl Strategy<Value = Target> {
    let number = || 1..=wigwag_process::procfs::PID_MAX_LIMIT;
    let prefix =
        "(--?|[0-9]+|pid:|group:|session:|tree:|tid:|port:|cgroup:|file:|unit:|name:){0,2}";
    let words = (prefix, "[^\\x00]{1,12}").prop_map(|(prefix, rest)| prefix + &rest);
    let transport = prop::option::of(prop_oneof![Just(Transport::Tcp), Just(Transport::Udp)]);
    prop_oneof![
        number().prop_map(Target::Pid),
        number().prop_map(Target::Group),
        number().prop_map(Target::Session),
        number().prop_map(Target::Tree),
        number().prop_map(Target::Thread),
        (1..=u16::MAX, transport)
            .prop_map(|(number, transport)| Target::Port(Port { number, transport })),
        words.clone().prop_map(|path| Target::Cgroup(path.into())),
        words.clone().prop_map(|path| Target::File(path.into())),
        words.clone().prop_map(Target::Unit),
        words.prop_map(Target::Name),
        prop_oneof!["--own-group", "--everyone", "-1", "0", "-42"].prop_map(Target::Name),
        Just(Target::OwnGroup),
        Just(Target::Everyone),
    ]
}
