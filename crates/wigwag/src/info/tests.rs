use super::*;

fn info(signal: Signal, code: i32) -> SignalInfo {
    let raw = RawInfo {
        signo: signal.number(),
        code,
        pid: 42,
        uid: 7,
        address: 0x1000,
        address_lsb: 12,
        status: 9,
        fd: 3,
        ..RawInfo::default()
    };
    SignalInfo::from_raw(&raw).unwrap()
}

#[test]
fn names_every_code_of_the_header() {
    let mut names: Vec<&str> = Vec::new();
    for (code, name) in GENERAL {
        let info = info(Signal::USR1, code);
        assert_eq!(info.code_name(), Some(name));
        assert!(!matches!(info.cause, Cause::Other { .. }), "{name}");
        names.push(name);
    }
    for signal in [
        Signal::ILL,
        Signal::FPE,
        Signal::SEGV,
        Signal::BUS,
        Signal::TRAP,
        Signal::CHLD,
        Signal::IO,
        Signal::SYS,
    ] {
        let known: Vec<_> = (1..0x80)
            .map_while(|code| info(signal, code).code_name())
            .collect();
        assert!(!known.is_empty(), "{signal}");
        names.extend(known);
    }
    assert_eq!(names.len(), 10 + 11 + 15 + 10 + 5 + 6 + 6 + 6 + 2);
    assert_eq!(EmulationCode::ALL[0].name(), "EMT_TAGOVF");
}

#[test]
fn agrees_with_the_header_of_this_machine() {
    let Ok(header) = std::fs::read_to_string("/usr/include/asm-generic/siginfo.h") else {
        return;
    };
    let mut checked = 0;
    for line in header.lines() {
        let mut words = line.split_whitespace();
        let (Some("#define"), Some(name), Some(code)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let signal = match name.trim_start_matches('_').split_once('_') {
            Some(("SI", _)) => Signal::USR1,
            Some(("ILL", _)) => Signal::ILL,
            Some(("FPE", _)) => Signal::FPE,
            Some(("SEGV", _)) => Signal::SEGV,
            Some(("BUS", _)) => Signal::BUS,
            Some(("TRAP", _)) => Signal::TRAP,
            Some(("CLD", _)) => Signal::CHLD,
            Some(("POLL", _)) => Signal::IO,
            Some(("SYS", _)) => Signal::SYS,
            _ => continue,
        };
        let code = code
            .strip_prefix("0x")
            .map_or_else(|| code.parse(), |hex| i32::from_str_radix(hex, 16));
        // A code of IA-64, whose number PKUERR has elsewhere; and a size.
        let (Ok(code), false) = (code, ["__SEGV_PSTKOVF", "SI_MAX_SIZE"].contains(&name)) else {
            continue;
        };
        assert_eq!(info(signal, code).code_name(), Some(name));
        checked += 1;
    }
    assert!(checked >= 60, "{checked}");
}

#[test]
fn an_unknown_code_keeps_what_there_is() {
    let made_up = info(Signal::TERM, -42);
    assert!(matches!(made_up.cause, Cause::Other { .. }));
    assert_eq!(
        (made_up.code_name(), made_up.pid(), made_up.uid()),
        (None, Some(42), Some(7))
    );
    assert_eq!(made_up.value(), Some(0));
    // Of a newer kernel: the pid's place may hold half of an address.
    let newer = info(Signal::SEGV, 11);
    assert_eq!(
        newer.cause,
        Cause::Other {
            pid: None,
            uid: None,
            value: None
        }
    );
    assert_eq!((newer.pid(), newer.value()), (None, None));
    assert_eq!(newer.to_string(), "SEGV with code 11");
}

#[test]
fn a_descriptors_codes_come_with_any_signal() {
    assert!(matches!(
        info(Signal::rtmin(), 1).cause,
        Cause::Poll {
            what: Some(PollCode::In),
            fd: 3,
            ..
        }
    ));
    assert!(matches!(
        info(Signal::IO, -5).cause,
        Cause::Poll { what: None, .. }
    ));
}

#[test]
fn reads_as_a_sentence() {
    assert_eq!(
        info(Signal::TERM, 0).to_string(),
        "TERM from pid 42 (user 7) by kill"
    );
    assert_eq!(
        info(Signal::SEGV, 1).to_string(),
        "SEGV address not mapped, at 0x1000"
    );
    assert_eq!(
        info(Signal::CHLD, 2).to_string(),
        "CHLD child killed 42, by KILL"
    );
    let nobody = |code, uid| {
        let raw = RawInfo {
            signo: Signal::TERM.number(),
            code,
            uid,
            ..RawInfo::default()
        };
        SignalInfo::from_raw(&raw).unwrap().to_string()
    };
    for (code, uid, says) in [
        (
            0,
            7,
            "TERM from outside this pid namespace (user 7) by kill",
        ),
        (
            0,
            0,
            "TERM from outside this pid namespace or unknown (user 0) by kill",
        ),
        (
            -1,
            0,
            "TERM from outside this pid namespace (user 0) by sigqueue, value 0",
        ),
    ] {
        assert_eq!(nobody(code, uid), says);
    }
    assert!(matches!(
        info(Signal::BUS, 4).cause,
        Cause::Bus {
            damaged: Some(4096),
            ..
        }
    ));
    assert_eq!(
        info(Signal::CHLD, 3).child_status().unwrap().to_string(),
        "killed by KILL (core dumped)"
    );
}

fn with_value(word: u64) -> SignalInfo {
    let raw = RawInfo {
        signo: Signal::rtmin().number(),
        code: -1,
        pid: 42,
        uid: 7,
        value: word,
        ..RawInfo::default()
    };
    SignalInfo::from_raw(&raw).unwrap()
}

#[test]
#[cfg(target_endian = "little")]
fn a_value_is_a_number_and_a_pointer_where_it_is_more() {
    for (word, says) in [
        (5, "value 5"),
        (0xffff_fffe, "value -2"),
        (0xffff_ffff_ffff_fffe, "value -2"),
        (0x1_0000_0005, "value 5 (0x100000005)"),
        (0x1_ffff_fffe, "value -2 (0x1fffffffe)"),
    ] {
        let text = with_value(word).to_string();
        assert!(text.ends_with(&format!("by sigqueue, {says}")), "{text}");
    }
}

#[cfg(feature = "serde")]
mod forms {
    use super::*;

    fn again(info: SignalInfo) -> serde_json::Value {
        let json = serde_json::to_value(info).unwrap();
        assert_eq!(
            serde_json::from_value::<SignalInfo>(json.clone()).unwrap(),
            info
        );
        // Also as text, which has another reader.
        let text = serde_json::to_string(&info).unwrap();
        assert_eq!(serde_json::from_str::<SignalInfo>(&text).unwrap(), info);
        json
    }

    /// Every one of them, so that one path leads to a field whatever it is.
    #[test]
    fn a_cause_is_an_object_in_an_object() {
        let codes = GENERAL.map(|(code, _)| info(Signal::USR1, code));
        let faults = (1..4).flat_map(|code| {
            [
                Signal::ILL,
                Signal::FPE,
                Signal::SEGV,
                Signal::BUS,
                Signal::TRAP,
                Signal::CHLD,
                Signal::SYS,
                Signal::IO,
            ]
            .map(|signal| info(signal, code))
        });
        let others = [info(Signal::TERM, -42), info(Signal::SEGV, 11)];
        for info in codes.into_iter().chain(faults).chain(others) {
            let json = again(info);
            let cause = json["cause"].as_object().unwrap();
            assert!(
                cause.len() == 1 && cause.values().all(|of| of.is_object()),
                "{json}"
            );
        }
        let kernel = again(info(Signal::INT, 0x80));
        assert_eq!(kernel["cause"], serde_json::json!({"kernel": {}}));
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn a_value_comes_back_as_it_was() {
        let sender = |more: serde_json::Value| {
            let mut all = serde_json::json!({"pid": 42, "uid": 7});
            all.as_object_mut()
                .unwrap()
                .append(&mut more.as_object().unwrap().clone());
            serde_json::json!({ "queue": all })
        };
        for (word, form) in [
            (0, serde_json::json!({"value": 0})),
            (0xffff_fffe, serde_json::json!({"value": -2})),
            (
                0x1_0000_0005,
                serde_json::json!({"value": 5, "pointer": "0x100000005"}),
            ),
            (
                u64::MAX - 1,
                serde_json::json!({"value": -2, "pointer": "0xfffffffffffffffe"}),
            ),
        ] {
            assert_eq!(again(with_value(word))["cause"], sender(form));
        }
        for wrong in ["5", "0x", "0x6", "0x1ffffffffffffffff"] {
            let form = serde_json::json!({"value": 5, "pointer": wrong});
            assert!(serde_json::from_value::<Value>(form).is_err(), "{wrong}");
        }
    }
}
