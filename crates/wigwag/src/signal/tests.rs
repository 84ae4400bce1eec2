use super::*;

fn says(text: &str) -> String {
    text.parse::<Signal>().unwrap_err().to_string()
}

#[test]
fn reads_every_spelling() {
    for text in ["TERM", "SIGTERM", "sigterm", "Term", "15", "015"] {
        assert_eq!(text.parse(), Ok(Signal::TERM), "{text}");
    }
    for (text, signal) in [
        ("IOT", Signal::ABRT),
        ("CLD", Signal::CHLD),
        ("SIGPOLL", Signal::IO),
        ("unused", Signal::SYS),
    ] {
        assert_eq!(text.parse(), Ok(signal), "{text}");
    }
    for (text, number) in [
        ("RTMIN", 34),
        ("RTMIN+3", 37),
        ("SIGRTMAX-2", 62),
        ("rtmax", 64),
        ("RTMIN+30", 64),
        ("34", 34),
    ] {
        assert_eq!(
            text.parse::<Signal>().map(Signal::number),
            Ok(number),
            "{text}"
        );
    }
}

#[test]
fn says_what_is_wrong() {
    assert_eq!(says(""), "an empty word is no signal");
    assert_eq!(
        says("0"),
        "0 is no signal: it only tests whether one could be sent"
    );
    assert_eq!(says("32"), "32 is reserved by the C library");
    assert_eq!(says("65"), "65 is no signal: they are 1 to 31 and 34 to 64");
    assert_eq!(says("-5"), "-5 is no signal: they are 1 to 31 and 34 to 64");
    assert_eq!(
        says("99999999999"),
        "99999999999 is no signal: they are 1 to 31 and 34 to 64"
    );
    assert_eq!(says("TREM"), "unknown signal TREM: did you mean TERM?");
    assert_eq!(says("HPU"), "unknown signal HPU: did you mean HUP?");
    assert_eq!(says("STOPP"), "unknown signal STOPP: did you mean STOP?");
    assert_eq!(says("nginx"), "unknown signal nginx");
    assert_eq!(says("SIG"), "unknown signal SIG");
    assert_eq!(
        says("TE\u{1b}[M"),
        "unknown signal TE\\u{1b}[M: did you mean TERM?"
    );
    assert_eq!(
        says("RTMIN+31"),
        "RTMIN+31 is no real-time signal: they are RTMIN to RTMIN+30"
    );
    assert_eq!(
        says("RTMAX-99999999999"),
        "RTMAX-99999999999 is no real-time signal: they are RTMIN to RTMIN+30"
    );
    for text in ["RTMIN-1", "RTMAX+1", "sigrtmin-30"] {
        let says = says(text);
        assert!(
            says.contains("is no real-time signal: they are RTMIN to"),
            "{says}"
        );
    }
    assert_eq!(
        says(" TERM"),
        "unknown signal \" TERM\": did you mean TERM?"
    );
    for text in [
        "RTMIN-1",
        "RTMIN+",
        "RTMIN+ 1",
        "RTMAX+1",
        "RTMIN++1",
        "SIGSIGTERM",
        " TERM",
        "+15",
        "-",
        "TERM\0",
        "ſigterm",
        "1️⃣",
    ] {
        assert!(text.parse::<Signal>().is_err(), "{text:?}");
    }
}

#[test]
fn the_table_is_that_of_the_c_library() {
    for (number, standard) in (1..).zip(&STANDARD) {
        assert_eq!(standard.signal.number(), number);
    }
    for signal in Signal::all() {
        assert_eq!(
            signal.description(),
            sys::strsignal(signal.number()),
            "{signal}"
        );
    }
    assert_eq!(Signal::all().count(), 62);
    assert_eq!(Signal::BUS.number(), 7);
}

#[test]
fn shows_short_and_long_names() {
    assert_eq!(
        format!("[{:<6}] [{:>#8}]", Signal::HUP, Signal::HUP),
        "[HUP   ] [  SIGHUP]"
    );
    let reserved = Signal::from_kernel(32).unwrap();
    assert_eq!(format!("{reserved} {reserved:#}"), "32 32");
    assert!(reserved.is_reserved() && !reserved.is_realtime() && !reserved.is_standard());
}

#[test]
fn knows_what_linux_does_by_default() {
    use DefaultAction::*;
    for signal in [Signal::URG, Signal::CHLD, Signal::WINCH] {
        assert_eq!(signal.default_action(), Ignore);
    }
    for (signal, action) in [
        (Signal::IO, Terminate),
        (Signal::CONT, Continue),
        (Signal::SYS, CoreDump),
        (Signal::TTOU, Stop),
    ] {
        assert_eq!(signal.default_action(), action);
    }
    assert_eq!(Signal::rtmax().default_action(), Terminate);
}
