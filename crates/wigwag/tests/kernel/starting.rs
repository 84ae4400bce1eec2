//! What a program that is started has blocked and ignored, as the kernel shows it.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use wigwag::disposition::{self, Handling};
use wigwag::exec::{self, CommandSignals, ExecSignals};
use wigwag::receive::{self, Options};
use wigwag::{Errno, Signal, SignalSet, WaitStatus, mask, send};

use crate::Case;
use crate::forge::block_reserved as block_behind_its_back;
use crate::tools::{collect, fork, ignore_behind_its_back, touch_pre_exec};

pub const CASES: &[Case] = &[
    (
        "starting::what_the_standard_library_does",
        what_the_standard_library_does,
    ),
    (
        "starting::as_before_where_captured",
        as_before_where_captured,
    ),
    ("starting::as_before_where_caught", as_before_where_caught),
    (
        "starting::as_before_the_first_change",
        as_before_the_first_change,
    ),
    (
        "starting::what_nohup_ignores_stays_ignored",
        what_nohup_ignores_stays_ignored,
    ),
    (
        "starting::from_the_librarys_thread",
        from_the_librarys_thread,
    ),
    ("starting::sigpipe_is_kept_or_not", sigpipe_is_kept_or_not),
    ("starting::as_it_is_told", as_it_is_told),
    (
        "starting::this_process_stays_as_it_was",
        this_process_stays_as_it_was,
    ),
    ("starting::by_a_plain_exec", by_a_plain_exec),
    ("starting::a_plain_exec_that_fails", a_plain_exec_that_fails),
    ("starting::a_child_that_starts_one", a_child_that_starts_one),
    ("starting::in_this_ones_place", in_this_ones_place),
    #[cfg(feature = "started")]
    ("starting::before_main", before_main),
    (
        "starting::what_is_pending_is_not_inherited",
        what_is_pending_is_not_inherited,
    ),
];

const SOON: Duration = Duration::from_secs(20);
const NONE: SignalSet = SignalSet::EMPTY;

/// What is blocked and what is ignored, from a status of `/proc`.
fn read(status: &[u8]) -> (SignalSet, SignalSet) {
    let status = String::from_utf8_lossy(status);
    let field = |name: &str| {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap();
        SignalSet::from_hex(line.trim()).unwrap()
    };
    // posix_spawn(3) of glibc has the child ignore the signals that it keeps for itself, as whoever started this program had.
    let ignored = field("SigIgn:")
        .into_iter()
        .filter(|signal| !signal.is_reserved());
    (field("SigBlk:"), ignored.collect())
}

fn cat() -> Command {
    let mut command = Command::new("cat");
    command.arg("/proc/self/status");
    command
}

/// What is blocked and ignored in the program that the command starts.
fn started(command: &mut Command) -> (SignalSet, SignalSet) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    read(&output.stdout)
}

fn set(signals: impl Into<SignalSet>) -> SignalSet {
    signals.into()
}

/// By posix_spawn, and by fork, as it does where there is a `pre_exec`.
fn what_the_standard_library_does() {
    assert_eq!(
        read(&std::fs::read("/proc/self/status").unwrap()),
        (NONE, set(Signal::PIPE))
    );
    let pipe_is_reset = (NONE, NONE);
    assert_eq!(started(&mut cat()), pipe_is_reset);
    assert_eq!(started(touch_pre_exec(&mut cat())), pipe_is_reset);
    disposition::ignore(Signal::HUP).unwrap();
    let guard = mask::block(Signal::USR1);
    let inherited = (set(Signal::USR1), set(Signal::HUP));
    assert_eq!(started(&mut cat()), inherited);
    assert_eq!(started(touch_pre_exec(&mut cat())), inherited);
    drop(guard);
    receive::block_everywhere(Signal::TERM).unwrap();
    assert_eq!(started(&mut cat()), (set(Signal::TERM), set(Signal::HUP)));
    // After fork, unlike posix_spawn, the library has opened again what it blocked.
    assert_eq!(
        started(touch_pre_exec(&mut cat())),
        (NONE, set(Signal::HUP))
    );
}

fn as_before_where_captured() {
    block_behind_its_back(Signal::USR2);
    ignore_behind_its_back(Signal::INT);
    receive::block_everywhere([Signal::TERM, Signal::USR2, Signal::HUP]).unwrap();
    disposition::ignore(Signal::QUIT).unwrap();
    let before = (set(Signal::USR2), set(Signal::INT));
    assert_eq!(started(cat().signals_as_before()), before);
    // Whatever the thread that starts it has blocked.
    std::thread::spawn(move || {
        mask::block(SignalSet::ALL).keep();
        assert_eq!(started(cat().signals_as_before()), before);
    })
    .join()
    .unwrap();
    let (blocked, ignored) = started(&mut cat());
    assert!(blocked.contains(Signal::TERM) && ignored.contains(Signal::QUIT));
}

fn as_before_where_caught() {
    block_behind_its_back(Signal::USR2);
    let registration = receive::on([Signal::USR1, Signal::CHLD], |_| ()).unwrap();
    let guard = mask::block([Signal::TERM, Signal::USR1]);
    assert_eq!(
        started(cat().signals_as_before()),
        (set(Signal::USR2), NONE)
    );
    drop(guard);
    drop(registration);
    assert_eq!(
        started(cat().signals_as_before()),
        (set(Signal::USR2), NONE)
    );
}

/// Each by itself: a disposition does not fix what the mask was, nor a mask what was ignored.
fn as_before_the_first_change() {
    disposition::ignore(Signal::HUP).unwrap();
    block_behind_its_back(Signal::USR2);
    let guard = mask::block(Signal::TERM);
    let signals = ExecSignals::new();
    assert_eq!(
        (signals.blocked(), signals.ignored()),
        (set(Signal::USR2), NONE)
    );
    drop(guard);
    let inner = mask::set(SignalSet::ALL);
    assert_eq!(started(cat().signals(&signals)), (set(Signal::USR2), NONE));
    assert_eq!(ExecSignals::default(), signals);
    drop(inner);
}

fn what_nohup_ignores_stays_ignored() {
    ignore_behind_its_back(Signal::HUP);
    let plain = receive::on(Signal::HUP, |_| ()).unwrap();
    assert!(plain.is_ignored());
    assert_eq!(started(cat().signals_as_before()), (NONE, set(Signal::HUP)));
    // Caught all the same by this program; a program that it starts is under nohup still.
    let _registration = Options::new()
        .even_ignored()
        .on(Signal::HUP, |_| ())
        .unwrap();
    assert_eq!(started(&mut cat()), (NONE, NONE), "by itself it is not");
    assert_eq!(started(cat().signals_as_before()), (NONE, set(Signal::HUP)));
    disposition::default(Signal::HUP).unwrap();
    assert_eq!(started(cat().signals_as_before()), (NONE, set(Signal::HUP)));
}

fn from_the_librarys_thread() {
    let (tell, hear) = mpsc::channel();
    let _registration = receive::on(Signal::USR1, move |_| {
        let by_itself = started(&mut cat()).0;
        tell.send((by_itself, started(cat().signals_as_before()).0))
            .unwrap();
    })
    .unwrap();
    send::raise(Signal::USR1).unwrap();
    let (by_itself, as_before) = hear.recv_timeout(SOON).unwrap();
    assert!(by_itself.contains(Signal::TERM), "{by_itself:?}");
    assert_eq!(as_before, NONE);
}

fn sigpipe_is_kept_or_not() {
    let kept = || ExecSignals::new().keep_sigpipe();
    assert_eq!(started(cat().signals_as_before()).1, NONE);
    assert_eq!(started(cat().signals(&kept())).1, set(Signal::PIPE));
    // As it is now, not as it was.
    disposition::default(Signal::PIPE).unwrap();
    assert_eq!(started(cat().signals(&kept())).1, NONE);
    assert_eq!(
        started(cat().signals(&ExecSignals::new().ignore(Signal::PIPE))).1,
        set(Signal::PIPE)
    );
}

fn as_it_is_told() {
    ignore_behind_its_back(Signal::INT);
    block_behind_its_back(Signal::USR2);
    let reserved = Signal::from_kernel(32).unwrap();
    block_behind_its_back(reserved);
    let signals = ExecSignals::new();
    assert_eq!(signals.blocked(), [Signal::USR2, reserved].into());
    let told = signals
        .ignore([
            Signal::HUP,
            Signal::QUIT,
            Signal::KILL,
            Signal::STOP,
            reserved,
        ])
        .default_action([Signal::QUIT, Signal::INT])
        .mask([Signal::TERM, Signal::KILL]);
    let expected = (set([Signal::TERM, reserved]), set(Signal::HUP));
    assert_eq!((told.blocked(), told.ignored()), expected);
    assert_eq!(started(cat().signals(&told)), expected);
    // The last one counts.
    assert_eq!(
        started(cat().signals(&told).signals(&signals)),
        (signals.blocked(), set(Signal::INT))
    );
    let everything = signals.ignore(SignalSet::ALL).mask(SignalSet::ALL);
    let (blocked, ignored) = started(cat().signals(&everything));
    let all = Signal::all()
        .filter(|signal| signal.can_be_caught())
        .collect::<SignalSet>();
    assert_eq!((blocked - set(reserved), ignored), (all, all));
    let error = Command::new("/no/such/program")
        .signals(&told)
        .spawn()
        .unwrap_err();
    assert_eq!(Errno::try_from(&error), Ok(Errno::new(libc::ENOENT)));
}

fn this_process_stays_as_it_was() {
    receive::block_everywhere(Signal::TERM).unwrap();
    disposition::ignore(Signal::HUP).unwrap();
    let (_tell, _registration) = (mask::current(), receive::on(Signal::USR1, |_| ()).unwrap());
    let before = std::fs::read("/proc/thread-self/status").unwrap();
    started(cat().signals(&ExecSignals::new().ignore(Signal::INT).mask(Signal::USR2)));
    assert_eq!(
        read(&std::fs::read("/proc/thread-self/status").unwrap()),
        read(&before)
    );
    assert!(!_registration.is_displaced());
}

/// Has a child take a program's place by exec, and gives what that has blocked and ignored.
fn exec(change: impl FnOnce(&mut Command)) -> (SignalSet, SignalSet) {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let child = fork(|| {
        let mut command = cat();
        command.stdout(Stdio::from(writer.try_clone().unwrap()));
        change(&mut command);
        panic!("{}", command.exec());
    });
    drop(writer);
    let mut status = Vec::new();
    std::io::Read::read_to_end(&mut reader, &mut status).unwrap();
    assert_eq!(collect(child), WaitStatus::Exited(0));
    read(&status)
}

fn by_a_plain_exec() {
    block_behind_its_back(Signal::USR2);
    receive::block_everywhere(Signal::TERM).unwrap();
    disposition::ignore(Signal::HUP).unwrap();
    let before = (set(Signal::USR2), NONE);
    let told = ExecSignals::new().ignore(Signal::INT).mask(Signal::QUIT);
    assert_eq!(exec(|command| _ = command.signals_as_before()), before);
    assert_eq!(
        exec(|_| std::mem::forget(ExecSignals::new().apply().unwrap())),
        before
    );
    assert_eq!(
        exec(|_| std::mem::forget(told.apply().unwrap())),
        (set(Signal::QUIT), set(Signal::INT))
    );
    // The standard library's exec resets PIPE itself, before what the command was told.
    let kept = ExecSignals::new().keep_sigpipe();
    assert_eq!(exec(|_| std::mem::forget(kept.apply().unwrap())).1, NONE);
    assert_eq!(
        exec(|command| _ = command.signals(&kept)).1,
        set(Signal::PIPE)
    );
}

fn a_plain_exec_that_fails() {
    let _registration = receive::on(Signal::USR1, |_| ()).unwrap();
    let _guard = mask::block(Signal::TERM);
    disposition::ignore(Signal::HUP).unwrap();
    let all = || {
        Signal::all()
            .map(|signal| disposition::get(signal).unwrap())
            .collect::<Vec<_>>()
    };
    let (before, blocked) = (all(), mask::current());
    let told = ExecSignals::new()
        .ignore([Signal::USR1, Signal::INT])
        .mask(Signal::QUIT);
    let in_force = told.apply().unwrap();
    assert_eq!(mask::current(), set(Signal::QUIT));
    for (signal, handling) in [
        (Signal::USR1, Handling::Ignore),
        (Signal::INT, Handling::Ignore),
        (Signal::HUP, Handling::Default),
        (Signal::PIPE, Handling::Default),
    ] {
        assert_eq!(
            disposition::get(signal).unwrap().handling,
            handling,
            "{signal}"
        );
    }
    assert!(format!("{in_force:?}").contains("HUP"), "{in_force:?}");
    let error = Command::new("/no/such/program").exec();
    assert_eq!(Errno::try_from(&error), Ok(Errno::new(libc::ENOENT)));
    drop(in_force);
    assert_eq!((all(), mask::current()), (before, blocked));
    assert!(!_registration.is_displaced());
}

/// A child made by fork goes on with what was before in its parent.
fn a_child_that_starts_one() {
    block_behind_its_back(Signal::USR2);
    ignore_behind_its_back(Signal::HUP);
    receive::block_everywhere(Signal::TERM).unwrap();
    let child = fork(|| {
        disposition::ignore(Signal::INT).unwrap();
        receive::block_everywhere(Signal::QUIT).unwrap();
        assert_eq!(
            started(cat().signals_as_before()),
            (set(Signal::USR2), set(Signal::HUP))
        );
        0
    });
    assert_eq!(collect(child), WaitStatus::Exited(0));
}

fn what_is_pending_is_not_inherited() {
    receive::block_everywhere(Signal::TERM).unwrap();
    send::send(send::process_id(), Signal::TERM).unwrap();
    assert_eq!(started(cat().signals_as_before()), (NONE, NONE));
    assert!(mask::pending().contains(Signal::TERM));
}

fn in_this_ones_place() {
    let strings = exec::environment();
    let own = std::fs::read("/proc/self/environ").unwrap();
    let all: Vec<u8> = strings
        .iter()
        .flat_map(|s| s.to_bytes_with_nul().to_vec())
        .collect();
    assert_eq!(all, own);
    let script = c"test \"$0 $A $B\" = 'name 1 2' && test -z \"$PATH_TO_NOTHING\" && exit 7";
    let child = fork(|| {
        let error = exec::replace(
            c"/bin/sh",
            &[c"sh", c"-c", script, c"name"],
            &[c"A=1", c"B=2"],
        );
        error.errno().number()
    });
    assert_eq!(collect(child), WaitStatus::Exited(7));
    for (path, errno) in [
        (c"/no/such", "ENOENT"),
        (c"/", "EACCES"),
        (c"/etc/passwd", "EACCES"),
        (c"/bin/sh/x", "ENOTDIR"),
    ] {
        assert_eq!(
            exec::replace(path, &[c"x"], &[]).errno().name(),
            Some(errno)
        );
    }
}

/// What Rust's own start has hidden: told by a child that was started so.
#[cfg(feature = "started")]
fn before_main() {
    let shown = exec::as_started();
    if let Ok(wanted) = std::env::var("WIGWAG_STARTED") {
        let closed = shown.closed.map(u8::from);
        assert_eq!(
            wanted,
            format!("{} {closed:?}", u8::from(shown.pipe_ignored))
        );
        // What can be seen by now.
        assert_eq!(
            disposition::get(Signal::PIPE).unwrap().handling,
            Handling::Ignore
        );
        return;
    }
    assert!(!shown.pipe_ignored);
    for (setting, redirection, wanted) in [
        ("", "", "0 [0, 0, 0]"),
        ("trap '' PIPE;", "", "1 [0, 0, 0]"),
        ("", "<&-", "0 [1, 0, 0]"),
        ("trap '' PIPE;", "<&- >&-", "1 [1, 1, 0]"),
        ("", "2>&-", "0 [0, 0, 1]"),
    ] {
        let script = format!("{setting} exec \"$0\" --case starting::before_main {redirection}");
        let mut sh = Command::new("sh");
        sh.args(["-c", &script])
            .arg(std::env::current_exe().unwrap());
        assert!(
            sh.env("WIGWAG_STARTED", wanted).status().unwrap().success(),
            "{script}"
        );
    }
}
