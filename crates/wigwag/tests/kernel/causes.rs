//! What a signal tells of its cause, by both ways to take it.

use std::io::Write;
use std::os::fd::AsRawFd;

use wigwag::info::{
    BusCode, ChildCode, PerfEvent, PollCode, SegmentCode, SyscallCode, TrapCode, Value,
};
use wigwag::{Cause, Errno, Signal, SignalFd, SignalInfo, WaitStatus, mask, send, wait};

use crate::Case;
use crate::forge::{Forged, TRAPPED, caught, getppid, send_when_ready, start_timer, trap_getppid};
use crate::tools::{collect, fork, limit_pending};

pub const CASES: &[Case] = &[
    (
        "causes::a_trapped_system_call_is_told",
        a_trapped_system_call_is_told,
    ),
    (
        "causes::a_trapped_system_call_ends_the_process",
        a_trapped_system_call_ends_the_process,
    ),
    ("causes::every_layout_is_read", every_layout_is_read),
    ("causes::others_may_claim_a_timer", others_may_claim_a_timer),
    ("causes::a_timer_is_told", a_timer_is_told),
    ("causes::a_descriptor_is_told", a_descriptor_is_told),
    (
        "causes::a_full_queue_loses_the_value_of_a_standard_signal",
        a_full_queue_loses_the_value_of_a_standard_signal,
    ),
];

/// Sends the siginfo to this process twice, and takes it once by waiting and once from a descriptor.
fn both_ways(forged: &Forged, signal: Signal) -> [SignalInfo; 2] {
    let _guard = mask::block(signal);
    let me = send::process_id();
    forged.send(me).unwrap();
    let waited = wait::wait_info(signal).unwrap();
    forged.send(me).unwrap();
    let read = SignalFd::blocking(signal).unwrap().read().unwrap().unwrap();
    [waited, read]
}

#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 0xc000_00b7;
#[cfg(target_arch = "riscv64")]
const ARCH: u32 = 0xc000_00f3;

fn a_trapped_system_call_is_told() {
    let child = fork(|| {
        trap_getppid(77);
        let got = caught(Signal::SYS, getppid);
        for info in both_ways(&got, Signal::SYS) {
            assert_eq!(
                (info.signal, info.errno, info.code_name()),
                (Signal::SYS, 77, Some("SYS_SECCOMP"))
            );
            let Cause::Syscall {
                what,
                number,
                arch,
                address,
            } = info.cause
            else {
                panic!("{info:?}");
            };
            assert_eq!(what, SyscallCode::Seccomp);
            assert_eq!(i64::from(number), TRAPPED);
            assert_ne!(address, 0);
            #[cfg(any(
                target_arch = "x86_64",
                target_arch = "aarch64",
                target_arch = "riscv64"
            ))]
            assert_eq!(arch, ARCH, "{arch:#x}");
            assert_eq!(
                info.to_string(),
                format!(
                    "SYS system call stopped by seccomp, number {TRAPPED}, {}",
                    Errno::new(77)
                )
            );
        }
        0
    });
    assert_eq!(collect(child), WaitStatus::Exited(0));
}

/// Neither blocking nor ignoring helps, and it cannot be waited for.
fn a_trapped_system_call_ends_the_process() {
    let child = fork(|| {
        trap_getppid(0);
        wigwag::disposition::ignore(Signal::SYS).unwrap();
        mask::block(Signal::SYS).keep();
        getppid();
        0
    });
    assert_eq!(collect(child).signal(), Some(Signal::SYS));
}

fn every_layout_is_read() {
    const WORD: usize = size_of::<usize>();
    let int = |number: i32| number.to_ne_bytes();
    let word = |number: usize| number.to_ne_bytes();
    let [waited, read] = both_ways(
        &Forged::new(Signal::SEGV, 4, &[(0, &word(0x1000)), (2 * WORD, &int(0))]),
        Signal::SEGV,
    );
    let key = |protection_key| Cause::Segment {
        what: SegmentCode::ProtectionKey,
        address: 0x1000,
        bounds: None,
        protection_key,
    };
    assert_eq!(
        (waited.cause, read.cause),
        (key(Some(0)), key(None)),
        "key 0 is a key"
    );

    let fields: [(usize, &[u8]); 3] = [
        (0, &word(0x1000)),
        (2 * WORD, &word(0x10)),
        (3 * WORD, &word(0x20)),
    ];
    let [waited, read] = both_ways(&Forged::new(Signal::SEGV, 3, &fields), Signal::SEGV);
    let left = |bounds| Cause::Segment {
        what: SegmentCode::Bounds,
        address: 0x1000,
        bounds,
        protection_key: None,
    };
    assert_eq!(
        (waited.cause, read.cause),
        (left(Some((0x10, 0x20))), left(None))
    );

    let fields: [(usize, &[u8]); 4] = [
        (0, &word(0x1000)),
        (WORD, &word(0x1234_5678)),
        (2 * WORD, &int(5)),
        (2 * WORD + 4, &int(1)),
    ];
    let [waited, read] = both_ways(&Forged::new(Signal::TRAP, 6, &fields), Signal::TRAP);
    let Cause::Trap {
        what: TrapCode::Perf,
        address: 0x1000,
        perf:
            Some(PerfEvent {
                data: 0x1234_5678,
                kind: 5,
                late: true,
                ..
            }),
    } = waited.cause
    else {
        panic!("{waited:?}");
    };
    assert!(matches!(read.cause, Cause::Trap { perf: None, .. }));

    let fields: [(usize, &[u8]); 2] = [(0, &word(0x1000)), (WORD, &[12, 0, 0, 0])];
    if cfg!(target_endian = "little") {
        for info in both_ways(&Forged::new(Signal::BUS, 5, &fields), Signal::BUS) {
            let cause = Cause::Bus {
                what: BusCode::MemoryLater,
                address: 0x1000,
                damaged: Some(4096),
            };
            assert_eq!(info.cause, cause);
        }
    }

    let (ticks, more) = if WORD == 8 { (16, 24) } else { (12, 16) };
    let fields: [(usize, &[u8]); 5] = [
        (0, &int(42)),
        (4, &int(7)),
        (8, &int(11)),
        (ticks, &word(5)),
        (more, &word(6)),
    ];
    for info in both_ways(&Forged::new(Signal::CHLD, 3, &fields), Signal::CHLD) {
        let cause = Cause::Child {
            what: ChildCode::Dumped,
            pid: 42,
            uid: 7,
            status: 11,
            user_ticks: 5,
            system_ticks: 6,
        };
        assert_eq!(info.cause, cause);
        assert_eq!(
            info.child_status().unwrap().to_string(),
            "killed by SEGV (core dumped)"
        );
    }

    let fields: [(usize, &[u8]); 3] = [(0, &int(42)), (4, &int(7)), (8, &int(-3))];
    for info in both_ways(&Forged::new(Signal::TERM, -42, &fields), Signal::TERM) {
        assert!(matches!(info.cause, Cause::Other { .. }));
        assert_eq!(
            (info.pid(), info.uid(), info.value()),
            (Some(42), Some(7), Some(-3))
        );
    }
    for info in both_ways(
        &Forged::new(Signal::SEGV, 99, &[(0, &word(0x1000))]),
        Signal::SEGV,
    ) {
        assert!(matches!(
            info.cause,
            Cause::Other {
                pid: None,
                uid: None,
                value: None
            }
        ));
    }
}

/// The kernel vouches for kill(2), tgkill(2) and what it makes itself, but not for the codes below 0.
fn others_may_claim_a_timer() {
    let signal = Signal::rtmin();
    let _guard = mask::block(signal);
    let parent = send::process_id();
    let child = fork(|| {
        for code in [0, -6, 1, 0x80] {
            let refused = Forged::new(signal, code, &[]).send(parent);
            assert_eq!(refused, Err(Errno::PERM), "code {code}");
        }
        Forged::new(signal, -2, &[(0, &9_i32.to_ne_bytes())])
            .send(parent)
            .unwrap();
        0
    });
    assert_eq!(collect(child), WaitStatus::Exited(0));
    let info = wait::wait_info(signal).unwrap();
    assert!(
        matches!(info.cause, Cause::Timer { timer: 9, .. }),
        "{info:?}"
    );
    assert_eq!(wait::try_wait(signal).unwrap(), None);
}

fn a_timer_is_told() {
    let signal = Signal::rtmin();
    let _guard = mask::block(signal);
    start_timer(signal, 42);
    let info = wait::wait_info(signal).unwrap();
    assert_eq!(
        (info.code_name(), info.value()),
        (Some("SI_TIMER"), Some(42))
    );
    let Cause::Timer { overrun, value, .. } = info.cause else {
        panic!("{info:?}");
    };
    assert_eq!((overrun, Value::pointer(value)), (0, 42));
}

fn a_descriptor_is_told() {
    let signal = Signal::rtmin();
    // For good: the closing of the pipe sends it once more.
    mask::block(signal).keep();
    let (reader, mut writer) = std::io::pipe().unwrap();
    send_when_ready(reader.as_raw_fd(), signal);
    writer.write_all(b"x").unwrap();
    let info = wait::wait_info(signal).unwrap();
    let Cause::Poll {
        what: Some(PollCode::In),
        events,
        fd,
    } = info.cause
    else {
        panic!("{info:?}");
    };
    assert_eq!(fd, reader.as_raw_fd());
    assert_ne!(events & i64::from(libc::POLLIN), 0);
}

/// A real-time signal would be refused with EAGAIN; a standard one is sent all the same, without what came with it.
fn a_full_queue_loses_the_value_of_a_standard_signal() {
    let _guard = mask::block(Signal::USR1);
    limit_pending(0);
    send::queue(send::process_id(), Signal::USR1, 5).unwrap();
    let info = wait::wait_info(Signal::USR1).unwrap();
    assert_eq!(
        (info.cause, info.value()),
        (Cause::User { pid: 0, uid: 0 }, None)
    );
}
