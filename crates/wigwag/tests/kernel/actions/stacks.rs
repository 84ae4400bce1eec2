//! The stacks that handlers run on.

use std::ops::Range;
use std::sync::atomic::Ordering;

use wigwag::disposition::{AltStack, Flags, Handler};
use wigwag::{Signal, SignalSet, WaitStatus, send};

use super::{PLACE, install, leave, note};
use crate::tools::{collect, fork, no_core, overflow_the_stack};

fn ran_in(bounds: &Range<usize>) -> bool {
    send::raise(Signal::USR1).unwrap();
    bounds.contains(&PLACE.load(Ordering::SeqCst))
}

pub(super) fn handlers_run_on_their_stack() {
    let stack = AltStack::install(100_000).unwrap();
    let bounds = stack.bounds();
    assert!(bounds.len() >= 100_000);
    install(
        Signal::USR1,
        Handler::Function(note),
        SignalSet::EMPTY,
        Flags::ONSTACK,
    );
    assert!(ran_in(&bounds));
    // Without the flag it is not used, and another thread has it not.
    install(
        Signal::USR1,
        Handler::Function(note),
        SignalSet::EMPTY,
        Flags::empty(),
    );
    assert!(!ran_in(&bounds));
    install(
        Signal::USR1,
        Handler::Function(note),
        SignalSet::EMPTY,
        Flags::ONSTACK,
    );
    let there = bounds.clone();
    assert!(!std::thread::spawn(move || ran_in(&there)).join().unwrap());
    // A child made by fork has it.
    let child = fork(|| i32::from(ran_in(&bounds)));
    assert_eq!(collect(child), WaitStatus::Exited(1));
    drop(stack);
    assert!(!ran_in(&bounds));
    let child = fork(|| {
        // One more of the least size holds a handler of this kind.
        let least = AltStack::install(1).unwrap();
        i32::from(ran_in(&least.bounds()))
    });
    assert_eq!(collect(child), WaitStatus::Exited(1));
}

pub(super) fn stacks_in_any_order() {
    install(
        Signal::USR1,
        Handler::Function(note),
        SignalSet::EMPTY,
        Flags::ONSTACK,
    );
    let one = AltStack::install(65536).unwrap();
    let other = AltStack::install(65536).unwrap();
    let bounds = (one.bounds(), other.bounds());
    // Not the thread's now: it stays mapped, since the other puts it back.
    drop(one);
    assert!(ran_in(&bounds.1));
    drop(other);
    assert!(ran_in(&bounds.0), "what was before the other");
}

pub(super) fn a_stack_outlives_the_standard_librarys() {
    thread_local! {
        static KEPT: std::cell::RefCell<Option<AltStack>> = const { std::cell::RefCell::new(None) };
    }
    install(
        Signal::USR1,
        Handler::Function(note),
        SignalSet::EMPTY,
        Flags::ONSTACK,
    );
    for _ in 0..50 {
        std::thread::spawn(|| {
            let stack = AltStack::install(65536).unwrap();
            assert!(ran_in(&stack.bounds()));
            // Dropped with the thread, after the standard library's own stack is gone.
            KEPT.set(Some(stack));
        })
        .join()
        .unwrap();
    }
}

pub(super) fn a_full_stack_is_handled() {
    no_core();
    let child = fork(|| {
        let thread = std::thread::Builder::new().stack_size(256 * 1024);
        let overflowing = thread.spawn(|| {
            let _stack = AltStack::install(65536).unwrap();
            install(
                Signal::SEGV,
                Handler::WithInfo(leave),
                SignalSet::EMPTY,
                Flags::ONSTACK,
            );
            overflow_the_stack();
        });
        overflowing.unwrap().join().unwrap();
        0
    });
    assert_eq!(
        collect(child),
        WaitStatus::Exited(Signal::SEGV.number() + 100)
    );
}
