//! POSIX timers: what arrives, when, where, and what becomes of them.

use std::collections::HashSet;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use wigwag::receive::{self, Received};
use wigwag::timer::{Clock, Notify, PosixTimer, Setting};
use wigwag::{Cause, Errno, Signal, SignalInfo, WaitStatus, mask, send, wait};

use crate::Case;
use crate::tools::{become_user, collect, fork, is_root, limit_pending};

pub const CASES: &[Case] = &[
    (
        "timers::id_value_and_overrun_arrive_by_waiting",
        id_value_and_overrun_arrive_by_waiting,
    ),
    ("timers::id_value_and_overrun_arrive_caught", || {
        arrive_by_callback(false)
    }),
    ("timers::id_value_and_overrun_arrive_captured", || {
        arrive_by_callback(true)
    }),
    ("timers::every_clock_runs", every_clock_runs),
    ("timers::alarm_clocks_say_why_not", alarm_clocks_say_why_not),
    (
        "timers::several_share_a_standard_signal",
        several_share_a_standard_signal,
    ),
    (
        "timers::one_thread_gets_what_is_for_it",
        one_thread_gets_what_is_for_it,
    ),
    (
        "timers::a_thread_that_has_ended_gets_nothing",
        a_thread_that_has_ended_gets_nothing,
    ),
    ("timers::times_are_kept", times_are_kept),
    ("timers::absurd_times_are_refused", absurd_times_are_refused),
    ("timers::what_is_pending_goes", what_is_pending_goes),
    ("timers::the_limit_is_told", the_limit_is_told),
    ("timers::a_child_has_none", a_child_has_none),
    ("timers::exec_deletes_them", exec_deletes_them),
    (
        "timers::ids_are_of_those_that_live",
        ids_are_of_those_that_live,
    ),
];

const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_secs(20);

fn process(signal: Signal, value: i32) -> Notify {
    Notify::Process { signal, value }
}

fn parts(info: &SignalInfo) -> (i32, i32, i32) {
    assert_eq!(info.code_name(), Some("SI_TIMER"));
    let Cause::Timer {
        timer,
        overrun,
        value,
    } = info.cause
    else {
        panic!("{info:?}");
    };
    (timer, overrun, value.int())
}

fn id_value_and_overrun_arrive_by_waiting() {
    for signal in [Signal::rtmin(), Signal::USR1] {
        let _guard = mask::block(signal);
        // One before it, so that its id is not 0 like much else.
        let _other = PosixTimer::new(Clock::Monotonic, Notify::Nothing).unwrap();
        for value in [42, -1, i32::MIN] {
            let timer = PosixTimer::new(Clock::Monotonic, process(signal, value)).unwrap();
            assert_ne!(timer.id(), 0);
            timer.set(SHORT, None).unwrap();
            let info = wait::wait_info(signal).unwrap();
            assert_eq!(parts(&info), (timer.id(), 0, value));
            assert_eq!(timer.get().unwrap(), Setting::default());

            let begun = Clock::Monotonic.now().unwrap();
            timer.set_at(begun + SHORT, Some(SHORT)).unwrap();
            while Clock::Monotonic.now().unwrap() < begun + 20 * SHORT {}
            let info = wait::wait_info(signal).unwrap();
            let (id, overrun, given) = parts(&info);
            let passed = (Clock::Monotonic.now().unwrap() - begun).as_millis() as i32;
            assert_eq!((id, given), (timer.id(), value));
            assert!((19..passed).contains(&overrun), "{overrun} of {passed}");
            assert_eq!(timer.overrun().unwrap(), overrun as u32);
            drop(timer);
            while wait::try_wait(signal).unwrap().is_some() {}
        }
    }
}

fn arrive_by_callback(captured: bool) {
    let signals = [Signal::rtmin(), Signal::USR1];
    if captured {
        receive::block_everywhere(signals).unwrap();
    }
    let (tell, hear) = mpsc::channel::<Received>();
    let _registration = receive::on(signals, move |received| {
        let _ = tell.send(*received);
    })
    .unwrap();
    let _other = PosixTimer::new(Clock::Monotonic, Notify::Nothing).unwrap();
    for signal in signals {
        // The timer of the signal before it may have sent more.
        let next = || {
            let of_this = |received: &Received| received.signal == signal;
            std::iter::from_fn(|| hear.recv_timeout(SOON).ok())
                .find(of_this)
                .unwrap()
        };
        let timer = PosixTimer::new(Clock::Monotonic, process(signal, -77)).unwrap();
        timer.set(SHORT, None).unwrap();
        let received = next();
        assert_eq!(
            (received.signal, parts(&received)),
            (signal, (timer.id(), 0, -77))
        );
        // Twenty intervals that have passed before the first signal.
        let now = Clock::Monotonic.now().unwrap();
        timer
            .set_at(now.saturating_sub(20 * SHORT), Some(SHORT))
            .unwrap();
        let received = next();
        let (id, overrun, value) = parts(&received);
        assert_eq!((id, value), (timer.id(), -77));
        assert!(overrun >= 20, "{overrun}");
    }
}

fn every_clock_runs() {
    let signal = Signal::rtmin();
    let _guard = mask::block(signal);
    for clock in Clock::ALL.into_iter().filter(|clock| !clock.is_alarm()) {
        for absolute in [false, true] {
            let timer = PosixTimer::new(clock, process(signal, 5)).unwrap();
            let deadline = clock.now().unwrap() + 3 * SHORT;
            let before = match absolute {
                true => timer.set_at(deadline, None),
                false => timer.set(3 * SHORT, None),
            };
            assert_eq!(before.unwrap(), Setting::default());
            // CPU time passes only while there is work; others do anyway.
            while !mask::pending().contains(signal) {}
            assert!(clock.now().unwrap() >= deadline, "{clock} is never early");
            assert_eq!(parts(&wait::wait_info(signal).unwrap()), (timer.id(), 0, 5));
        }
    }
}

/// Whether they are to be had depends on the machine; the reason does not.
fn alarm_clocks_say_why_not() {
    let signal = Signal::rtmin();
    let _guard = mask::block(signal);
    for clock in [Clock::RealtimeAlarm, Clock::BoottimeAlarm] {
        match PosixTimer::new(clock, process(signal, 5)) {
            Ok(timer) => {
                timer.set_at(clock.now().unwrap() + SHORT, None).unwrap();
                assert_eq!(parts(&wait::wait_info(signal).unwrap()), (timer.id(), 0, 5));
            }
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains(clock.name()), "{text}");
                match error.errno().number() {
                    libc::EPERM => assert!(text.contains("CAP_WAKE_ALARM"), "{text}"),
                    libc::EOPNOTSUPP => {
                        assert!(text.contains("/sys/class/rtc"), "{text}");
                        assert_eq!(clock.now().unwrap_err().errno(), Errno::INVAL);
                    }
                    _ => panic!("{text}"),
                }
            }
        }
    }
    if is_root() {
        become_user(65534);
        let error = PosixTimer::new(Clock::BoottimeAlarm, Notify::Nothing).unwrap_err();
        assert!(
            [libc::EPERM, libc::EOPNOTSUPP].contains(&error.errno().number()),
            "{error}"
        );
    }
}

/// A timer's signal has a place of its own: those of several queue where kill(2) would lose one.
fn several_share_a_standard_signal() {
    let _guard = mask::block(Signal::USR1);
    let timers: Vec<PosixTimer> = (0..5)
        .map(|value| PosixTimer::new(Clock::Monotonic, process(Signal::USR1, value)).unwrap())
        .collect();
    for timer in &timers {
        timer.set_at(Duration::ZERO, None).unwrap();
    }
    let came: HashSet<_> = timers
        .iter()
        .map(|_| {
            let info = wait::wait_timeout(Signal::USR1, SOON).unwrap().unwrap();
            parts(&info)
        })
        .collect();
    let sent = (0..5)
        .zip(&timers)
        .map(|(value, timer)| (timer.id(), 0, value));
    assert_eq!(came, sent.collect());
    assert_eq!(wait::try_wait(Signal::USR1).unwrap(), None);
}

fn one_thread_gets_what_is_for_it() {
    let signal = Signal::rtmin();
    mask::block(signal).keep();
    let (tell, hear) = mpsc::channel();
    let other = std::thread::spawn(move || {
        tell.send(send::thread_id()).unwrap();
        wait::wait_timeout(signal, SOON).unwrap().unwrap()
    });
    let thread = hear.recv().unwrap();
    let notify = Notify::Thread {
        signal,
        value: 9,
        thread,
    };
    let timer = PosixTimer::new(Clock::Monotonic, notify).unwrap();
    timer.set_at(Duration::ZERO, None).unwrap();
    // The one that makes the timer waits, too, and gets nothing.
    let info = other.join().unwrap();
    assert_eq!(parts(&info), (timer.id(), 0, 9));
    assert_eq!(wait::try_wait(signal).unwrap(), None);
    for thread in [0, -1, 1, i32::MAX] {
        let notify = Notify::Thread {
            signal,
            value: 0,
            thread,
        };
        let error = PosixTimer::new(Clock::Monotonic, notify).unwrap_err();
        assert_eq!(error.errno(), Errno::INVAL, "{thread}");
        assert!(
            error.to_string().contains(&format!("thread {thread}")),
            "{error}"
        );
    }
}

fn a_thread_that_has_ended_gets_nothing() {
    let signal = Signal::rtmin();
    mask::block(signal).keep();
    let make = move || {
        let notify = Notify::Thread {
            signal,
            value: 9,
            thread: send::thread_id(),
        };
        let of_monotonic = PosixTimer::new(Clock::Monotonic, notify).unwrap();
        let of_cpu = PosixTimer::new(Clock::ThreadCpu, notify).unwrap();
        (send::thread_id(), of_monotonic, of_cpu)
    };
    let (thread, of_monotonic, of_cpu) = std::thread::spawn(make).join().unwrap();
    // Joining returns a moment before the kernel has forgotten the thread.
    while send::probe_thread(send::process_id(), thread).is_ok() {}
    of_monotonic.set_at(Duration::ZERO, None).unwrap();
    let later = PosixTimer::new(Clock::Monotonic, process(signal, 1)).unwrap();
    later.set_at(Duration::ZERO, None).unwrap();
    let info = wait::wait_timeout(signal, SOON).unwrap().unwrap();
    assert_eq!(parts(&info), (later.id(), 0, 1));
    assert_eq!(wait::try_wait(signal).unwrap(), None);
    let error = of_cpu.set(SHORT, None).unwrap_err();
    assert_eq!(error.errno(), Errno::SRCH, "{error}");
    assert!(error.to_string().contains("has ended"), "{error}");
}

fn times_are_kept() {
    let signal = Signal::rtmin();
    let _guard = mask::block(signal);
    for clock in [Clock::Monotonic, Clock::Realtime, Clock::ProcessCpu] {
        for notify in [Notify::Nothing, process(signal, 0)] {
            kept(&PosixTimer::new(clock, notify).unwrap());
            while wait::try_wait(signal).unwrap().is_some() {}
        }
    }
}

fn kept(timer: &PosixTimer) {
    assert_eq!(timer.get().unwrap(), Setting::default());
    timer.set(LONG, Some(SHORT)).unwrap();
    let before = timer.set(2 * LONG, None).unwrap();
    let near = |left: Option<Duration>, all: Duration| {
        left.is_some_and(|left| left <= all && left > all - Duration::from_secs(60))
    };
    assert!(near(before.remaining, LONG), "{before:?}");
    assert_eq!(before.interval, Some(SHORT));
    let at = timer.clock().now().unwrap() + LONG;
    assert!(near(timer.set_at(at, None).unwrap().remaining, 2 * LONG));
    assert!(near(timer.get().unwrap().remaining, LONG), "relative again");
    assert!(near(timer.disarm().unwrap().remaining, LONG));
    assert_eq!(timer.get().unwrap(), Setting::default(), "{timer:?}");
    // The shortest is a time, not none.
    timer.set(Duration::from_nanos(1), None).unwrap();
    while timer.get().unwrap().remaining.is_some() {}
    timer.set(LONG, None).unwrap();
    let before = timer.set(Duration::ZERO, Some(LONG)).unwrap();
    assert!(near(before.remaining, LONG));
    assert_eq!(
        timer.get().unwrap().remaining,
        None,
        "a first time of zero stops it"
    );
    assert_eq!(timer.disarm().unwrap().remaining, None);
}

fn absurd_times_are_refused() {
    let signal = Signal::rtmin();
    let _guard = mask::block(signal);
    let years = |n: u64| Duration::from_secs(n * 31_557_600);
    for clock in Clock::ALL.into_iter().filter(|clock| !clock.is_alarm()) {
        let timer = PosixTimer::new(clock, process(signal, 0)).unwrap();
        for (first, interval) in [
            (Duration::MAX, None),
            (years(147), None),
            (Duration::from_secs(i64::MAX as u64), None),
            (LONG, Some(Duration::MAX)),
            (LONG, Some(years(147))),
        ] {
            let error = timer.set(first, interval).unwrap_err();
            assert_eq!(error.errno().name(), Some("EOVERFLOW"), "{error}");
            assert!(error.to_string().contains("146 years"), "{error}");
        }
        for time in [Duration::MAX, years(293)] {
            let error = timer.set_at(time, None).unwrap_err();
            assert_eq!(error.errno().name(), Some("EOVERFLOW"), "{error}");
        }
        assert_eq!(timer.get().unwrap(), Setting::default());
        // The longest that are taken neither run out nor are cut.
        timer.set(years(146), Some(years(146))).unwrap();
        let setting = timer.get().unwrap();
        assert!(
            setting.remaining.unwrap() > years(145),
            "{clock} {setting:?}"
        );
        assert_eq!(setting.interval, Some(years(146)));
        timer.set_at(years(292), None).unwrap();
        assert!(
            timer.get().unwrap().remaining.unwrap() > years(200),
            "{clock}"
        );
        assert_eq!(wait::try_wait(signal).unwrap(), None);
    }
}

/// A signal of a timer that was set anew or dropped since: Linux 6.13 throws it away.
fn what_is_pending_goes() {
    let signal = Signal::rtmin();
    let _guard = mask::block(signal);
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse::<u32>().ok());
    let goes = (numbers.next().unwrap(), numbers.next().unwrap()) >= (6, 13);
    for dropped in [false, true] {
        let timer = PosixTimer::new(Clock::Monotonic, process(signal, 3)).unwrap();
        timer.set_at(Duration::ZERO, None).unwrap();
        while !mask::pending().contains(signal) {}
        match dropped {
            true => drop(timer),
            false => drop(timer.disarm().unwrap()),
        }
        assert_eq!(
            wait::try_wait(signal).unwrap().is_none(),
            goes,
            "{dropped} {release}"
        );
    }
}

fn the_limit_is_told() {
    limit_pending(0);
    let error = PosixTimer::new(Clock::Monotonic, process(Signal::USR1, 0)).unwrap_err();
    assert!(
        error.is_queue_full() && error.to_string().contains("RLIMIT_SIGPENDING"),
        "{error}"
    );
    let reserved = Signal::from_kernel(32).unwrap();
    let error = PosixTimer::new(Clock::Monotonic, process(reserved, 0)).unwrap_err();
    assert_eq!(error.errno(), Errno::INVAL);
}

fn a_child_has_none() {
    let signal = Signal::rtmin();
    let _guard = mask::block(signal);
    let timer = PosixTimer::new(Clock::Monotonic, process(signal, 1)).unwrap();
    timer.set(LONG, None).unwrap();
    let child = fork(|| {
        // The ids begin anew, so that this one has the parent's.
        let mine = PosixTimer::new(Clock::Monotonic, process(signal, 2)).unwrap();
        assert_eq!(mine.id(), timer.id());
        for error in [
            timer.get().unwrap_err(),
            timer.set(SHORT, None).unwrap_err(),
            timer.overrun().unwrap_err(),
        ] {
            assert_eq!(error.errno(), Errno::INVAL);
            assert!(error.to_string().contains("before a fork"), "{error}");
        }
        drop(timer);
        mine.set_at(Duration::ZERO, None).unwrap();
        let info = wait::wait_timeout(signal, SOON).unwrap().unwrap();
        assert_eq!(parts(&info), (mine.id(), 0, 2));
        0
    });
    assert_eq!(collect(child), WaitStatus::Exited(0));
}

/// `/proc/PID/timers` lists them, where the kernel has it.
fn exec_deletes_them() {
    let timers = || std::fs::read_to_string("/proc/self/timers");
    let timer = PosixTimer::new(Clock::Monotonic, process(Signal::TERM, 1)).unwrap();
    timer.set(LONG, Some(LONG)).unwrap();
    let Ok(listed) = timers() else {
        println!("skipped: this kernel has no /proc/PID/timers (CONFIG_CHECKPOINT_RESTORE)");
        return;
    };
    assert!(
        listed.starts_with(&format!("ID: {}\n", timer.id())),
        "{listed}"
    );
    let child = fork(|| {
        let mine = PosixTimer::new(Clock::Monotonic, process(Signal::TERM, 1)).unwrap();
        mine.set(LONG, Some(LONG)).unwrap();
        assert_ne!(timers().unwrap(), "");
        let error = Command::new("sh")
            .args(["-c", r#"read -r line < /proc/$$/timers; test -z "$line""#])
            .exec();
        panic!("{error}");
    });
    assert_eq!(collect(child), WaitStatus::Exited(0));
}

fn ids_are_of_those_that_live() {
    let mut ids = HashSet::new();
    let many: Vec<PosixTimer> = (0..500)
        .map(|_| PosixTimer::new(Clock::Monotonic, Notify::Nothing).unwrap())
        .collect();
    assert!(many.iter().all(|timer| ids.insert(timer.id())));
    drop(many);
    if let Ok(listed) = std::fs::read_to_string("/proc/self/timers") {
        assert_eq!(listed, "", "dropping deletes");
    }
}
