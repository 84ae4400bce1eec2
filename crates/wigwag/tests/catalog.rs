//! The catalogue against the C library and the kernel of this machine.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unsafe_code)]

use std::ffi::CStr;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};

use wigwag::catalog::{System, entry, read};
use wigwag::{DefaultAction, Signal};

fn system(name: &str) -> &'static System {
    System::find(Some(name), None).unwrap()
}

#[test]
fn this_system_has_the_constants_of_the_c_library() {
    let here = System::here();
    let constants = [
        ("HUP", libc::SIGHUP),
        ("INT", libc::SIGINT),
        ("QUIT", libc::SIGQUIT),
        ("ILL", libc::SIGILL),
        ("TRAP", libc::SIGTRAP),
        ("ABRT", libc::SIGABRT),
        ("IOT", libc::SIGIOT),
        ("BUS", libc::SIGBUS),
        ("FPE", libc::SIGFPE),
        ("KILL", libc::SIGKILL),
        ("USR1", libc::SIGUSR1),
        ("SEGV", libc::SIGSEGV),
        ("USR2", libc::SIGUSR2),
        ("PIPE", libc::SIGPIPE),
        ("ALRM", libc::SIGALRM),
        ("TERM", libc::SIGTERM),
        ("CHLD", libc::SIGCHLD),
        ("CLD", libc::SIGCHLD),
        ("CONT", libc::SIGCONT),
        ("STOP", libc::SIGSTOP),
        ("TSTP", libc::SIGTSTP),
        ("TTIN", libc::SIGTTIN),
        ("TTOU", libc::SIGTTOU),
        ("URG", libc::SIGURG),
        ("XCPU", libc::SIGXCPU),
        ("XFSZ", libc::SIGXFSZ),
        ("VTALRM", libc::SIGVTALRM),
        ("PROF", libc::SIGPROF),
        ("WINCH", libc::SIGWINCH),
        ("IO", libc::SIGIO),
        ("POLL", libc::SIGPOLL),
        ("PWR", libc::SIGPWR),
        ("SYS", libc::SIGSYS),
        #[cfg(any(
            target_arch = "x86_64",
            target_arch = "aarch64",
            target_arch = "riscv64"
        ))]
        ("STKFLT", libc::SIGSTKFLT),
    ];
    for (name, number) in constants {
        assert_eq!(here.number(name), Some(number), "{name}");
    }
    #[cfg(target_env = "gnu")]
    {
        let range = here.realtime().unwrap();
        assert_eq!((range.min, range.max), (libc::SIGRTMIN(), libc::SIGRTMAX()));
    }
}

/// 1 to 31 and 34 to 64: 62 signals; 32 and 33 are there, but the C library's.
#[cfg(all(
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#[test]
fn sixty_two_signals_are_valid_here() {
    let numbers: Vec<i32> = System::here().signals().map(|s| s.number).collect();
    assert_eq!(numbers, (1..=31).chain(34..=64).collect::<Vec<_>>());
    assert!(
        read("32", System::here())
            .unwrap_err()
            .to_string()
            .contains("C library")
    );
}

#[test]
fn signals_say_the_same_as_the_catalogue() {
    for signal in Signal::all().filter(|s| s.is_standard() || cfg!(target_env = "gnu")) {
        let listed = System::here().signal(signal.number()).unwrap();
        assert_eq!(listed.name, signal.name());
        assert_eq!(listed.aliases, signal.aliases(), "{signal}");
        assert_eq!(listed.action, Some(signal.default_action()), "{signal}");
        assert_eq!(
            listed.entry.can_be_caught(),
            signal.can_be_caught(),
            "{signal}"
        );
        if signal.is_standard() {
            assert_eq!(listed.entry.description, signal.description());
        }
    }
}

#[test]
fn descriptions_are_those_of_strsignal() {
    for signal in System::here().signals().filter(|s| s.entry.name != "RT") {
        // SAFETY: strsignal returns a string that stays valid until the next call in this thread; it is copied at once.
        let said = unsafe { CStr::from_ptr(libc::strsignal(signal.number)) }
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(signal.entry.description, said, "{}", signal.name);
    }
}

#[cfg(target_env = "gnu")]
#[test]
fn names_are_those_of_the_c_library() {
    unsafe extern "C" {
        fn sigabbrev_np(signal: libc::c_int) -> *const libc::c_char;
    }
    for signal in System::here().signals().filter(|s| s.entry.name != "RT") {
        // SAFETY: sigabbrev_np takes any number and returns a static string or null; null is checked.
        let name = unsafe {
            let text = sigabbrev_np(signal.number);
            assert!(!text.is_null(), "{}", signal.number);
            CStr::from_ptr(text).to_str().unwrap()
        };
        assert!(
            signal.name == name || signal.aliases.contains(&name),
            "{} is {name}",
            signal.number
        );
    }
}

#[test]
fn names_are_those_of_kill_l() {
    let Ok(out) = Command::new("bash")
        .args(["-c", "for n in {1..64}; do echo $n $(kill -l $n); done"])
        .output()
    else {
        return;
    };
    let here = System::here();
    for line in String::from_utf8(out.stdout).unwrap().lines() {
        if let Some((number, name)) = line.split_once(' ').filter(|(_, name)| !name.is_empty()) {
            assert_eq!(here.number(name), number.parse().ok(), "{line}");
        }
    }
}

/// Every signal is sent to a process of its own that has said nothing about it.
#[test]
fn default_actions_are_those_of_the_kernel() {
    for signal in System::here().signals() {
        let mut sleep = Command::new("sleep");
        sleep.arg("60").process_group(0).stdin(Stdio::null());
        // SAFETY: setrlimit is async-signal-safe; no core file is wanted.
        unsafe {
            sleep.pre_exec(|| {
                libc::setrlimit(
                    libc::RLIMIT_CORE,
                    &libc::rlimit {
                        rlim_cur: 0,
                        rlim_max: 0,
                    },
                );
                Ok(())
            });
        }
        let mut child = sleep.spawn().expect("sleep is there");
        let pid = i32::try_from(child.id()).unwrap();
        let send = |number| {
            // SAFETY: kill has no memory effects; the child is not yet waited for, so the pid is its own.
            let sent = unsafe { libc::kill(pid, number) };
            assert_eq!(sent, 0);
        };
        send(signal.number);
        let action = signal.action.unwrap();
        match action {
            DefaultAction::Stop => {
                let mut status = 0;
                // SAFETY: status is a valid place for the result; the child is ours.
                let waited = unsafe { libc::waitpid(pid, &raw mut status, libc::WUNTRACED) };
                assert_eq!(waited, pid);
                assert!(
                    libc::WIFSTOPPED(status) && libc::WSTOPSIG(status) == signal.number,
                    "{}",
                    signal.name
                );
                send(libc::SIGKILL);
            }
            DefaultAction::Ignore | DefaultAction::Continue => send(libc::SIGKILL),
            DefaultAction::Terminate | DefaultAction::CoreDump => {}
        }
        let ended = child.wait().unwrap().signal();
        let expected = match action {
            DefaultAction::Terminate | DefaultAction::CoreDump => signal.number,
            _ => libc::SIGKILL,
        };
        assert_eq!(
            ended,
            Some(expected),
            "{} by default: {action:?}",
            signal.name
        );
    }
}

#[test]
fn facts_that_written_sources_get_wrong() {
    let here = System::here();
    let fact = |name| entry(name).unwrap();
    assert!(here.number("BUS").is_some(), "SIGBUS exists on Linux");
    assert!(fact("STKFLT").causes[0].contains("never sends"));
    assert!(fact("SYS").causes[0].contains("seccomp"));
    assert!(fact("VTALRM").causes[0].contains("ITIMER_VIRTUAL"));
    assert!(fact("QUIT").key.unwrap().starts_with("Ctrl-\\"));
    assert!(System::all().iter().all(|s| {
        s.signals()
            .all(|x| x.entry.key.is_none_or(|k| !k.contains("Ctrl-D")))
    }));
    for name in ["URG", "CHLD", "WINCH"] {
        assert_eq!(
            here.signal(here.number(name).unwrap()).unwrap().action,
            Some(DefaultAction::Ignore)
        );
    }
    assert_eq!(
        here.signal(here.number("IO").unwrap()).unwrap().action,
        Some(DefaultAction::Terminate)
    );
    let mac = system("macos");
    assert_eq!(
        mac.signal(23).unwrap().action,
        Some(DefaultAction::Ignore),
        "IO is ignored on the BSDs"
    );
}

#[test]
fn facts_are_complete() {
    for entry in wigwag::catalog::entries() {
        assert!(
            !entry.description.is_empty() && !entry.standard.is_empty(),
            "{}",
            entry.name
        );
        assert!(
            !entry.causes.is_empty() && !entry.advice.is_empty(),
            "{}",
            entry.name
        );
        for sentence in entry.causes.iter().chain(entry.advice) {
            assert!(sentence.ends_with(['.', ')']), "{}: {sentence}", entry.name);
        }
    }
}
