//! What holds for every signal, set and status, tried with many.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use proptest::prelude::*;
use wigwag::{Signal, SignalSet, WaitStatus};

fn set() -> impl Strategy<Value = SignalSet> {
    any::<u64>().prop_map(SignalSet::from_bits)
}

fn signal() -> impl Strategy<Value = Signal> {
    (1..=64).prop_map(|number| Signal::from_kernel(number).unwrap())
}

#[test]
fn every_signal_reads_back_from_all_its_spellings() {
    for signal in Signal::all() {
        let mut spellings = vec![
            signal.to_string(),
            format!("{signal:#}"),
            signal.number().to_string(),
        ];
        spellings.extend(signal.aliases().iter().map(|alias| (*alias).to_owned()));
        for text in spellings.clone() {
            spellings.push(text.to_lowercase());
        }
        for text in spellings {
            assert_eq!(text.parse(), Ok(signal), "{text}");
        }
    }
}

proptest! {
    #[test]
    fn a_number_is_a_signal_or_an_error(number in any::<i32>()) {
        match Signal::new(number) {
            Ok(signal) => prop_assert_eq!(signal.number(), number),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
        prop_assert_eq!(Signal::from_kernel(number).is_some(), (1..=64).contains(&number));
        prop_assert_eq!(number.to_string().parse::<Signal>(), Signal::new(number));
    }

    #[test]
    fn any_word_reads_without_panic(word in ".{0,20}", tail in "(?i)(SIG)?(RTMIN|RTMAX)[+-]?[0-9]{0,11}") {
        for text in [word.as_str(), tail.as_str()] {
            if let Ok(signal) = text.parse::<Signal>() {
                prop_assert!(Signal::new(signal.number()).is_ok());
            }
        }
    }

    #[test]
    fn a_swapped_letter_is_found_again(name in 0_usize..31, at in 0_usize..8) {
        let name = Signal::all().nth(name).unwrap().name().into_owned();
        let mut letters: Vec<char> = name.chars().collect();
        let at = at % (letters.len() - 1).max(1);
        if at + 1 < letters.len() && letters[at] != letters[at + 1] {
            letters.swap(at, at + 1);
            let word: String = letters.iter().collect();
            if let Err(error) = word.parse::<Signal>() {
                prop_assert!(error.suggestion().is_some(), "{}", word);
            }
        }
    }

    #[test]
    fn sets_are_an_algebra(a in set(), b in set(), c in set(), one in signal()) {
        prop_assert_eq!(a & (b | c), (a & b) | (a & c));
        prop_assert_eq!(!(a | b), !a & !b);
        prop_assert_eq!(a - b, a & !b);
        prop_assert_eq!((a | b).len() + (a & b).len(), a.len() + b.len());
        prop_assert!(a.is_superset(a & b) && (a | b).is_superset(a));
        prop_assert_eq!(a.intersects(b), !(a & b).is_empty());
        let mut with = a;
        prop_assert_eq!(with.insert(one), !a.contains(one));
        prop_assert_eq!(with, a | one.into());
        prop_assert!(with.remove(one) && !with.contains(one));
        prop_assert_eq!(with, a - one.into());
    }

    #[test]
    fn a_set_is_its_signals(a in set()) {
        prop_assert_eq!(a.iter().collect::<SignalSet>(), a);
        prop_assert_eq!(a.iter().len(), a.len());
        let mut back: Vec<_> = a.iter().rev().collect();
        back.reverse();
        prop_assert_eq!(a.iter().collect::<Vec<_>>(), back);
        prop_assert_eq!(SignalSet::from_hex(&format!("{:016x}", a.bits())), Some(a));
    }

    #[test]
    fn only_a_mask_is_read(text in "[0-9a-fA-F+x ]{0,20}") {
        let is_mask = (1..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        prop_assert_eq!(SignalSet::from_hex(&text).is_some(), is_mask);
    }

    #[test]
    fn a_status_is_its_number(raw in any::<i32>(), low in 0..=0xffff) {
        for raw in [raw, low] {
            if let Some(status) = WaitStatus::from_raw(raw) {
                prop_assert_eq!(status.to_raw(), raw);
            }
        }
    }

    #[test]
    fn an_ended_status_survives_the_shell(code in 0..=128, number in 1..=64) {
        let exited = WaitStatus::Exited(code);
        prop_assert_eq!(exited.shell_code().and_then(WaitStatus::from_shell), Some(exited));
        let killed = WaitStatus::Killed { signal: Signal::from_kernel(number).unwrap(), core_dumped: false };
        prop_assert_eq!(killed.shell_code().and_then(WaitStatus::from_shell), Some(killed));
    }
}

#[cfg(feature = "serde")]
mod json {
    use super::*;

    proptest! {
        #[test]
        fn comes_back(a in set(), number in 1..=64, dumped in any::<bool>(), code in 0..256) {
            let text = serde_json::to_string(&a).unwrap();
            prop_assert_eq!(serde_json::from_str::<SignalSet>(&text).unwrap(), a);
            let signal = Signal::from_kernel(number).unwrap();
            for status in [
                WaitStatus::Exited(code),
                WaitStatus::Killed { signal, core_dumped: dumped },
                WaitStatus::Stopped(signal),
                WaitStatus::Continued,
            ] {
                let text = serde_json::to_string(&status).unwrap();
                prop_assert_eq!(serde_json::from_str::<WaitStatus>(&text).unwrap(), status);
            }
        }
    }

    #[test]
    fn names_and_numbers_are_read() {
        assert_eq!(serde_json::to_string(&Signal::TERM).unwrap(), r#""TERM""#);
        assert_eq!(
            serde_json::from_str::<Vec<Signal>>(r#"["sigterm", 15, "15"]"#).unwrap(),
            [Signal::TERM; 3]
        );
        assert!(serde_json::from_str::<Signal>("65").is_err());
        assert!(serde_json::from_str::<Signal>("-1").is_err());
    }
}
