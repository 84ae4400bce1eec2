//! Handlers in signal context: each kind, each flag, faults, and the stack that they run on.
#![allow(unsafe_code)]

mod stacks;

use std::ffi::{c_int, c_void};
use std::io::{PipeWriter, Read};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use wigwag::disposition::{self, Flags, Handler, Handling, Previous, sigaction};
use wigwag::info::Siginfo;
use wigwag::receive::{self, Signals};
use wigwag::timer::{Clock, Notify, PosixTimer};
use wigwag::{Cause, Errno, Signal, SignalSet, WaitStatus, mask, send, wait};

use crate::Case;
use crate::tools::{
    COUNT, collect, exit, fork, no_core, touch_beyond_the_file, touch_nothing, until_stopped,
};

pub const CASES: &[Case] = &[
    ("actions::each_kind_of_handler", each_kind_of_handler),
    ("actions::what_comes_is_decoded", what_comes_is_decoded),
    ("actions::masks_and_nodefer", masks_and_nodefer),
    ("actions::resethand", resethand),
    ("actions::restart_or_not", restart_or_not),
    (
        "actions::children_that_stop_or_leave_no_status",
        children_that_stop_or_leave_no_status,
    ),
    ("actions::what_cannot_be_caught", what_cannot_be_caught),
    ("actions::faults_raised_by_hand", faults_raised_by_hand),
    ("actions::faults_that_happen", faults_that_happen),
    (
        "actions::handlers_run_on_their_stack",
        stacks::handlers_run_on_their_stack,
    ),
    ("actions::stacks_in_any_order", stacks::stacks_in_any_order),
    (
        "actions::a_stack_outlives_the_standard_librarys",
        stacks::a_stack_outlives_the_standard_librarys,
    ),
    (
        "actions::a_full_stack_is_handled",
        stacks::a_full_stack_is_handled,
    ),
    (
        "actions::over_and_under_a_registration",
        over_and_under_a_registration,
    ),
    ("actions::over_a_captured_signal", over_a_captured_signal),
    ("actions::children_and_exec", children_and_exec),
];

const SOON: Duration = Duration::from_secs(20);

static SIGNAL: AtomicI32 = AtomicI32::new(0);
static MASK: AtomicU64 = AtomicU64::new(0);
static PLACE: AtomicUsize = AtomicUsize::new(0);
static VALUE: AtomicI32 = AtomicI32::new(0);
static SENDER: AtomicI32 = AtomicI32::new(0);
static ADDRESS: AtomicU64 = AtomicU64::new(0);

extern "C" fn note(signal: c_int) {
    let here = 0_u8;
    PLACE.store((&raw const here).addr(), Ordering::SeqCst);
    MASK.store(mask::current().bits(), Ordering::SeqCst);
    SIGNAL.store(signal, Ordering::SeqCst);
    COUNT.fetch_add(1, Ordering::SeqCst);
}

extern "C" fn keep(signal: c_int, info: &Siginfo, context: *mut c_void) {
    note(signal);
    let Some(info) = info.decode().filter(|_| !context.is_null()) else {
        return;
    };
    VALUE.store(info.value().unwrap_or(-1), Ordering::SeqCst);
    SENDER.store(info.pid().unwrap_or(-1), Ordering::SeqCst);
    if let Cause::Segment { address, .. } | Cause::Bus { address, .. } = info.cause {
        ADDRESS.store(address, Ordering::SeqCst);
    }
}

/// Ends the process with the number of the signal, and 100 more where it was not for the address 8.
extern "C" fn leave(signal: c_int, info: &Siginfo, context: *mut c_void) {
    keep(signal, info, context);
    let more = if ADDRESS.load(Ordering::SeqCst) == 8 {
        0
    } else {
        100
    };
    exit(signal + more);
}

fn install(signal: Signal, handler: Handler, mask: impl Into<SignalSet>, flags: Flags) -> Previous {
    // SAFETY: every handler of this file uses atomics and system calls, and is there as long as the program.
    unsafe { sigaction(signal, handler, mask, flags) }.unwrap()
}

fn count() -> i32 {
    COUNT.load(Ordering::SeqCst)
}

fn blocked_meanwhile() -> SignalSet {
    SignalSet::from_bits(MASK.load(Ordering::SeqCst))
}

fn each_kind_of_handler() {
    let signal = Signal::USR1;
    let none = install(
        signal,
        Handler::Function(note),
        [Signal::TERM],
        Flags::RESTART,
    );
    assert_eq!(none.disposition().handling, Handling::Default);
    send::raise(signal).unwrap();
    assert_eq!(
        (count(), SIGNAL.load(Ordering::SeqCst)),
        (1, signal.number())
    );
    // SIGINFO follows from the handler, whatever is said.
    let plain = install(
        signal,
        Handler::WithInfo(keep),
        SignalSet::EMPTY,
        Flags::empty(),
    );
    assert_eq!(plain.disposition().flags, Flags::RESTART);
    assert_eq!(plain.disposition().mask, Signal::TERM.into());
    assert_eq!(disposition::get(signal).unwrap().flags, Flags::SIGINFO);
    send::raise(signal).unwrap();
    assert_eq!(SENDER.load(Ordering::SeqCst), send::process_id());
    let with_info = install(signal, Handler::Ignore, SignalSet::EMPTY, Flags::SIGINFO);
    assert_eq!(disposition::get(signal).unwrap().flags, Flags::empty());
    send::raise(signal).unwrap();
    assert_eq!(count(), 2);
    let ignored = install(signal, Handler::Default, SignalSet::EMPTY, Flags::empty());
    assert_eq!(ignored.disposition().handling, Handling::Ignore);
    // Each is put back as it was.
    with_info.restore().unwrap();
    send::raise(signal).unwrap();
    assert_eq!(
        (count(), disposition::get(signal).unwrap()),
        (3, with_info.disposition())
    );
    plain.restore().unwrap();
    send::raise(signal).unwrap();
    assert_eq!(
        (count(), disposition::get(signal).unwrap()),
        (4, plain.disposition())
    );
    assert!(blocked_meanwhile().contains(Signal::TERM));
    none.restore().unwrap();
    let child = fork(|| {
        send::raise(signal).unwrap();
        0
    });
    assert_eq!(collect(child).signal(), Some(signal));
}

fn what_comes_is_decoded() {
    install(
        Signal::rtmin(),
        Handler::WithInfo(keep),
        SignalSet::EMPTY,
        Flags::empty(),
    );
    for value in [7, -7] {
        send::queue_thread(
            send::process_id(),
            send::thread_id(),
            Signal::rtmin(),
            value,
        )
        .unwrap();
        assert_eq!(VALUE.load(Ordering::SeqCst), value);
    }
    let notify = Notify::Process {
        signal: Signal::rtmin(),
        value: 99,
    };
    let timer = PosixTimer::new(Clock::Monotonic, notify).unwrap();
    timer.set_at(Duration::ZERO, None).unwrap();
    while VALUE.load(Ordering::SeqCst) != 99 {}
}

fn masks_and_nodefer() {
    let signal = Signal::USR1;
    let all = SignalSet::ALL;
    let never = SignalSet::of(&[Signal::KILL, Signal::STOP]);
    for (asked, flags, expected) in [
        (SignalSet::EMPTY, Flags::empty(), signal.into()),
        (SignalSet::EMPTY, Flags::NODEFER, SignalSet::EMPTY),
        (
            Signal::HUP.into(),
            Flags::empty(),
            [signal, Signal::HUP].into(),
        ),
        (Signal::HUP.into(), Flags::NODEFER, Signal::HUP.into()),
        (
            all,
            Flags::empty(),
            Signal::all().collect::<SignalSet>() - never,
        ),
    ] {
        install(signal, Handler::Function(note), asked, flags);
        send::raise(signal).unwrap();
        assert_eq!(blocked_meanwhile(), expected, "{asked:?} {flags:?}");
        assert!(mask::current().is_empty(), "as before afterwards");
    }
}

fn resethand() {
    let before = install(
        Signal::USR1,
        Handler::Function(note),
        SignalSet::EMPTY,
        Flags::RESETHAND,
    );
    send::raise(Signal::USR1).unwrap();
    assert_eq!(count(), 1);
    assert_eq!(
        disposition::get(Signal::USR1).unwrap().handling,
        Handling::Default
    );
    before.restore().unwrap();
}

static WRITER: AtomicI32 = AtomicI32::new(-1);

/// Writes to the pipe when it runs for the third time.
extern "C" fn write_in_the_end(_: c_int) {
    if COUNT.fetch_add(1, Ordering::SeqCst) == 2 {
        // SAFETY: the descriptor is the test's, open until it ends.
        let fd = unsafe { BorrowedFd::borrow_raw(WRITER.load(Ordering::SeqCst)) };
        let _ = rustix::io::write(fd, b"x");
    }
}

fn restart_or_not() {
    let (mut reader, writer): (_, PipeWriter) = std::io::pipe().unwrap();
    WRITER.store(writer.as_raw_fd(), Ordering::SeqCst);
    let notify = Notify::Process {
        signal: Signal::ALRM,
        value: 0,
    };
    let timer = PosixTimer::new(Clock::Monotonic, notify).unwrap();
    let often = Duration::from_millis(2);
    let mut byte = [0];
    // Without the flag nobody writes, and the first signal that comes while it reads ends the call.
    install(
        Signal::ALRM,
        Handler::Function(note),
        SignalSet::EMPTY,
        Flags::empty(),
    );
    timer.set(often, Some(often)).unwrap();
    let error = reader.read(&mut byte).unwrap_err();
    assert_eq!(Errno::try_from(&error), Ok(Errno::INTR));
    timer.disarm().unwrap();
    COUNT.store(0, Ordering::SeqCst);
    install(
        Signal::ALRM,
        Handler::Function(write_in_the_end),
        SignalSet::EMPTY,
        Flags::RESTART,
    );
    timer.set(often, Some(often)).unwrap();
    assert_eq!(reader.read(&mut byte).unwrap(), 1);
    // siginterrupt(3) of a handler that restarts.
    install(
        Signal::ALRM,
        Handler::Function(note),
        SignalSet::EMPTY,
        Flags::RESTART,
    );
    disposition::interrupt(Signal::ALRM, true).unwrap();
    let error = reader.read(&mut byte).unwrap_err();
    assert_eq!(Errno::try_from(&error), Ok(Errno::INTR));
    timer.disarm().unwrap();
}

fn children_that_stop_or_leave_no_status() {
    for (flags, told) in [(Flags::empty(), 1), (Flags::NOCLDSTOP, 0)] {
        install(
            Signal::CHLD,
            Handler::Function(note),
            SignalSet::EMPTY,
            flags | Flags::RESTART,
        );
        let child = fork(|| {
            wait::pause();
            0
        });
        let before = count();
        send::send(child, Signal::STOP).unwrap();
        until_stopped(child);
        // The wait may be told a moment before the signal is sent.
        while count() < before + told {}
        send::send(child, Signal::KILL).unwrap();
        collect(child);
        while count() < before + told + 1 {}
        assert_eq!(count() - before, told + 1, "{flags:?}");
    }
    install(
        Signal::CHLD,
        Handler::Function(note),
        SignalSet::EMPTY,
        Flags::NOCLDWAIT | Flags::RESTART,
    );
    let mut child = std::process::Command::new("true").spawn().unwrap();
    assert_eq!(
        Errno::try_from(&child.wait().unwrap_err()),
        Ok(Errno::new(libc::ECHILD))
    );
}

fn what_cannot_be_caught() {
    for signal in [Signal::KILL, Signal::STOP, Signal::from_kernel(32).unwrap()] {
        // SAFETY: as in `install`.
        let result = unsafe {
            sigaction(
                signal,
                Handler::Function(note),
                SignalSet::EMPTY,
                Flags::empty(),
            )
        };
        let error = result.unwrap_err();
        assert_eq!(error.errno(), Errno::INVAL);
        assert!(error.to_string().contains(&signal.to_string()), "{error}");
    }
}

const FAULTS: [Signal; 4] = [Signal::ILL, Signal::FPE, Signal::BUS, Signal::SEGV];

fn faults_raised_by_hand() {
    no_core();
    for signal in FAULTS {
        let child = fork(|| {
            install(
                signal,
                Handler::WithInfo(keep),
                SignalSet::EMPTY,
                Flags::empty(),
            );
            send::raise(signal).unwrap();
            assert_eq!(SIGNAL.load(Ordering::SeqCst), signal.number());
            assert_eq!(SENDER.load(Ordering::SeqCst), send::process_id());
            // And it goes on, since there was no fault.
            signal.number() + 50
        });
        assert_eq!(collect(child), WaitStatus::Exited(signal.number() + 50));
    }
}

fn faults_that_happen() {
    no_core();
    let ends = |signal, fault: &dyn Fn()| {
        collect(fork(|| {
            install(
                signal,
                Handler::WithInfo(leave),
                SignalSet::EMPTY,
                Flags::empty(),
            );
            fault();
            0
        }))
    };
    let segv = ends(Signal::SEGV, &touch_nothing);
    assert_eq!(segv, WaitStatus::Exited(Signal::SEGV.number()));
    let file = rustix::fs::memfd_create("empty", rustix::fs::MemfdFlags::CLOEXEC);
    let file = file.unwrap().into();
    let bus = ends(Signal::BUS, &|| touch_beyond_the_file(&file));
    assert_eq!(bus, WaitStatus::Exited(Signal::BUS.number() + 100));
}

fn over_and_under_a_registration() {
    let (tell, hear) = mpsc::channel();
    let on = || {
        let tell = tell.clone();
        receive::on(Signal::USR1, move |received| {
            tell.send(received.pid()).unwrap()
        })
        .unwrap()
    };
    // Over it: it gets nothing until what was before is restored.
    let registration = on();
    let librarys = install(
        Signal::USR1,
        Handler::Function(note),
        SignalSet::EMPTY,
        Flags::empty(),
    );
    assert!(registration.is_displaced());
    receive::raise_signal(Signal::USR1).unwrap();
    assert_eq!((count(), hear.try_recv().ok()), (1, None));
    let mine = librarys.restore().unwrap();
    assert!(!registration.is_displaced());
    receive::raise_signal(Signal::USR1).unwrap();
    assert_eq!(
        (count(), hear.recv_timeout(SOON).ok()),
        (1, Some(Some(send::process_id())))
    );
    // Dropped meanwhile, it leaves the handler.
    mine.restore().unwrap();
    drop(registration);
    assert_eq!(disposition::get(Signal::USR1).unwrap(), mine.disposition());
    // Under it: called after the library's, with every signal blocked, and put back.
    install(
        Signal::USR1,
        Handler::WithInfo(keep),
        [Signal::HUP],
        Flags::empty(),
    );
    let registration = on();
    assert!(!registration.is_displaced());
    receive::raise_signal(Signal::USR1).unwrap();
    assert_eq!((count(), hear.recv_timeout(SOON).is_ok()), (2, true));
    assert_eq!(SENDER.load(Ordering::SeqCst), send::process_id());
    assert!(blocked_meanwhile().contains(Signal::TERM));
    drop(registration);
    send::raise(Signal::USR1).unwrap();
    assert_eq!(
        (count(), blocked_meanwhile()),
        (3, [Signal::USR1, Signal::HUP].into())
    );
}

fn over_a_captured_signal() {
    receive::block_everywhere(Signal::USR1).unwrap();
    let signals = Signals::new(Signal::USR1).unwrap();
    install(
        Signal::USR1,
        Handler::Function(note),
        SignalSet::EMPTY,
        Flags::empty(),
    );
    send::send(send::process_id(), Signal::USR1).unwrap();
    assert_eq!(signals.next_timeout(SOON).unwrap().signal, Signal::USR1);
    assert_eq!(count(), 0);
}

fn children_and_exec() {
    install(
        Signal::USR1,
        Handler::Function(note),
        SignalSet::EMPTY,
        Flags::empty(),
    );
    let child = fork(|| {
        send::raise(Signal::USR1).unwrap();
        count()
    });
    assert_eq!(collect(child), WaitStatus::Exited(1));
    use std::os::unix::process::ExitStatusExt;
    let status = std::process::Command::new("sh")
        .args(["-c", "kill -USR1 $$; exit 3"])
        .status();
    assert_eq!(status.unwrap().signal(), Some(Signal::USR1.number()));
}
