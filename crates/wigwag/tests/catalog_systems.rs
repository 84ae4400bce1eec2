//! The systems of the catalogue against known numbers, and the reading of statuses and phrases.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use wigwag::catalog::{Kind, System, convert, read, suggest};

fn system(name: &str) -> &'static System {
    System::find(Some(name), None).unwrap()
}

fn linux(arch: &str) -> &'static System {
    System::find(None, Some(arch)).unwrap()
}

/// Numbers that the headers of each system give, one line a system: those where it differs from its neighbours.
#[test]
fn other_systems_have_their_numbers() {
    let table: &[(&System, &[(&str, i32)])] = &[
        (
            linux("alpha"),
            &[
                ("EMT", 7),
                ("SYS", 12),
                ("URG", 16),
                ("IO", 23),
                ("INFO", 29),
                ("PWR", 29),
                ("USR2", 31),
            ],
        ),
        (
            linux("mips"),
            &[
                ("EMT", 7),
                ("USR1", 16),
                ("CLD", 18),
                ("PWR", 19),
                ("STOP", 23),
                ("PROF", 29),
                ("XCPU", 30),
            ],
        ),
        (
            linux("hppa"),
            &[
                ("STKFLT", 7),
                ("XCPU", 12),
                ("VTALRM", 20),
                ("URG", 29),
                ("XFSZ", 30),
                ("SYS", 31),
            ],
        ),
        (
            linux("sparc64"),
            &[
                ("EMT", 7),
                ("SYS", 12),
                ("LOST", 29),
                ("PWR", 29),
                ("USR1", 30),
            ],
        ),
        (
            system("freebsd"),
            &[
                ("INFO", 29),
                ("THR", 32),
                ("LIBRT", 33),
                ("RTMIN", 65),
                ("RTMAX", 126),
            ],
        ),
        (
            system("openbsd"),
            &[("INFO", 29), ("USR2", 31), ("THR", 32)],
        ),
        (
            system("netbsd"),
            &[("PWR", 32), ("RTMIN", 33), ("RTMAX", 63)],
        ),
        (
            system("macos"),
            &[
                ("EMT", 7),
                ("BUS", 10),
                ("CHLD", 20),
                ("INFO", 29),
                ("USR1", 30),
            ],
        ),
        (
            system("illumos"),
            &[
                ("USR1", 16),
                ("POLL", 22),
                ("LOST", 37),
                ("INFO", 41),
                ("RTMIN", 42),
                ("RTMAX", 73),
            ],
        ),
        (
            system("hp-ux"),
            &[
                ("IO", 22),
                ("WINCH", 23),
                ("LOST", 30),
                ("XCPU", 33),
                ("RTMIN", 37),
                ("RTMAX", 44),
            ],
        ),
    ];
    for (system, numbers) in table {
        for (name, number) in *numbers {
            assert_eq!(
                system.number(name),
                Some(*number),
                "{name} on {}",
                system.title()
            );
        }
    }
    for none in ["openbsd", "macos", "bsd"] {
        assert_eq!(system(none).number("RTMIN"), None);
    }
    assert_eq!(linux("x86").number("EMT"), None);
}

#[test]
fn the_historical_table_has_31() {
    let bsd = system("sunos");
    let names = "HUP INT QUIT ILL TRAP ABRT EMT FPE KILL BUS SEGV SYS PIPE ALRM TERM URG STOP TSTP CONT CHLD TTIN TTOU \
                 IO XCPU XFSZ VTALRM PROF WINCH LOST USR1 USR2";
    let all: Vec<String> = bsd.signals().map(|s| s.name).collect();
    assert_eq!(all, names.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn every_name_of_every_system_reads_back() {
    for system in System::all() {
        for signal in system.signals() {
            assert_eq!(
                system.number(&signal.name),
                Some(signal.number),
                "{} on {}",
                signal.name,
                system.title()
            );
            assert_eq!(system.name(signal.number), Some(signal.name.clone()));
            let back = convert(signal.number, system, system);
            assert_eq!(back.number, Some(signal.number));
        }
    }
}

#[test]
fn conversion_goes_by_name() {
    let (mac, x86) = (system("macos"), linux("x86_64"));
    assert_eq!(convert(30, mac, x86).number, Some(10));
    assert_eq!(convert(10, x86, mac).number, Some(30));
    assert_eq!(convert(29, mac, x86).number, None, "INFO is not there");
    assert_eq!(convert(16, x86, mac).name.as_deref(), Some("STKFLT"));
    assert_eq!(
        convert(35, x86, system("freebsd")).number,
        Some(66),
        "RTMIN+1"
    );
    assert_eq!(convert(99, x86, mac).name, None);
    assert_eq!(
        system("freebsd").number("CLD"),
        Some(20),
        "under its other name"
    );
}

#[test]
fn statuses_and_phrases_are_read() {
    let x86 = linux("x86_64");
    let cases = [
        ("143", Kind::ShellStatus, "TERM"),
        ("137", Kind::ShellStatus, "KILL"),
        ("139", Kind::ShellStatus, "SEGV"),
        ("15", Kind::Number, "TERM"),
        ("sigterm", Kind::Name, "TERM"),
        ("SIGRTMAX-2", Kind::Name, "RTMAX-2"),
        ("-9", Kind::NegativeNumber, "KILL"),
        ("0x8b", Kind::WaitStatus, "SEGV"),
        ("0xf", Kind::WaitStatus, "TERM"),
        ("0x137f", Kind::WaitStatus, "STOP"),
        ("Killed", Kind::Phrase, "KILL"),
        ("Segmentation fault (core dumped)", Kind::Phrase, "SEGV"),
        ("bash: line 1: 4711 Killed    ./a.out", Kind::Phrase, "KILL"),
        ("User defined signal 2", Kind::Phrase, "USR2"),
        ("Stopped (tty input)", Kind::Phrase, "TTIN"),
        ("code=killed, status=9/KILL", Kind::Phrase, "KILL"),
        (
            "terminated by signal SIGBUS (Misaligned address error)",
            Kind::Phrase,
            "BUS",
        ),
        ("Out of memory: Killed process 12 (x)", Kind::Phrase, "KILL"),
        ("exited with code 137", Kind::ShellStatus, "KILL"),
    ];
    for (text, kind, name) in cases {
        let found = read(text, x86).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(
            (found.kind, found.name.as_deref()),
            (kind, Some(name)),
            "{text}"
        );
    }
    assert!(read("0x8b", x86).unwrap().core_dumped);
    assert!(
        read("Segmentation fault (core dumped)", x86)
            .unwrap()
            .core_dumped
    );
    assert!(read("0x137f", x86).unwrap().stopped);
    assert_eq!(read("exit 1", x86).unwrap().exit, Some(1));
    assert_eq!(read("0x100", x86).unwrap().exit, Some(1));
    assert_eq!(read("EMT", x86).unwrap().number, None, "known elsewhere");
}

/// What the kernel says of a status is what is read from it.
#[test]
fn real_wait_statuses_are_read() {
    for (command, name, exit) in [
        ("ulimit -c 0; kill -SEGV $$", Some("SEGV"), None),
        ("kill -TERM $$", Some("TERM"), None),
        ("exit 3", None, Some(3)),
    ] {
        let status = Command::new("sh")
            .args(["-c", command])
            .current_dir("/")
            .status()
            .unwrap()
            .into_raw();
        let found = read(&format!("{status:#x}"), System::here()).unwrap();
        assert_eq!(
            (found.name.as_deref(), found.exit),
            (name, exit),
            "{command}: {status:#x}"
        );
    }
}

#[test]
fn nonsense_is_refused_with_a_reason() {
    let x86 = linux("x86_64");
    for (text, says) in [
        ("", "empty"),
        ("0", "no signal"),
        ("32", "C library"),
        ("33", "C library"),
        ("65", "no signal"),
        ("128", "no signal"),
        ("200", "nor 128 plus one"),
        ("99999999999", "too large"),
        ("99999", "16 bits"),
        ("0xzz", "hexadecimal"),
        ("RTMIN+31", "RTMIN+30"),
        ("RTMIN-1", "RTMIN+30"),
        ("TREM", "did you mean TERM"),
        ("+15", "unknown"),
        ("exit 300", "0 to 255"),
        ("0x+8b", "no hexadecimal"),
        ("0x-1", "no hexadecimal"),
        ("0x", "no hexadecimal"),
        ("0xffffffff", "more than the 16 bits"),
        ("no such words", "no signal"),
    ] {
        let error = read(text, x86).expect_err(text).to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
    assert!(
        read("RTMIN", system("macos"))
            .unwrap_err()
            .to_string()
            .contains("no real-time")
    );
    for (typed, meant) in [
        ("HPU", "HUP"),
        ("sigkil", "KILL"),
        ("CHDL", "CHLD"),
        ("WNICH", "WINCH"),
    ] {
        assert_eq!(suggest(typed), Some(meant));
    }
    assert!(
        System::find(Some("plan9"), None)
            .unwrap_err()
            .to_string()
            .contains("freebsd")
    );
    assert!(
        System::find(None, Some("z80"))
            .unwrap_err()
            .to_string()
            .contains("sparc")
    );
}
