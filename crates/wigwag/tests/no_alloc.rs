//! Nothing is allocated in signal context: under a storm, with an allocator that ends the process if it is called there.
//!
//! All threads that take signals have their alternate stacks in one region, which handlers run on (`SA_ONSTACK`) and nothing else:
//! who is called on it is in signal context. That the allocator notices is shown by a handler that allocates, beneath the library's.
#![allow(clippy::unwrap_used, clippy::expect_used, unsafe_code, missing_docs)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::c_void;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use wigwag::{Errno, Signal, receive, send};

const THREADS: usize = 3;
const SENDERS: u64 = 4;
const STACK: usize = 64 << 10;

#[repr(align(4096))]
struct Stacks(#[allow(dead_code)] [u8; THREADS * STACK]);

static mut STACKS: Stacks = Stacks([0; THREADS * STACK]);

/// Whether the caller runs on one of them.
fn in_signal_context() -> bool {
    let here = 0_u8;
    let begin = (&raw const STACKS).addr();
    (begin..begin + THREADS * STACK).contains(&(&raw const here).addr())
}

struct Outside;

#[global_allocator]
static ALLOCATOR: Outside = Outside;

fn check() {
    if in_signal_context() {
        let said = b"allocated in signal context\n";
        // SAFETY: writes bytes that are there, and ends the process; both are async-signal-safe.
        unsafe {
            libc::write(2, said.as_ptr().cast(), said.len());
            libc::abort();
        }
    }
}

// SAFETY: the system's allocator, asked as it was asked.
unsafe impl GlobalAlloc for Outside {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        check();
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        check();
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        check();
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// How often the handler beneath has run on one of the stacks, and elsewhere.
static ON: AtomicU64 = AtomicU64::new(0);
static OFF: AtomicU64 = AtomicU64::new(0);

extern "C" fn counts(_: i32, _: *mut libc::siginfo_t, _: *mut c_void) {
    let count = if in_signal_context() { &ON } else { &OFF };
    count.fetch_add(1, Ordering::SeqCst);
}

extern "C" fn allocates(_: i32, _: *mut libc::siginfo_t, _: *mut c_void) {
    drop(std::hint::black_box(Box::new(1)));
}

type Handler = extern "C" fn(i32, *mut libc::siginfo_t, *mut c_void);

/// Installs a handler, for the library's to lie over.
fn beneath(handler: Handler) {
    // SAFETY: zero is valid for every field; the handler uses atomics, or is to be caught at what it does.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        let set = libc::sigaction(wind().number(), &raw const action, ptr::null_mut());
        assert_eq!(set, 0);
    }
}

/// Gives the calling thread one of the stacks.
fn take_stack() {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::SeqCst);
    assert!(number < THREADS);
    // SAFETY: the part of the region with this number is for this thread's handlers alone.
    unsafe {
        let stack = libc::stack_t {
            ss_sp: (&raw mut STACKS).cast::<u8>().add(number * STACK).cast(),
            ss_flags: 0,
            ss_size: STACK,
        };
        assert_eq!(libc::sigaltstack(&raw const stack, ptr::null_mut()), 0);
    }
}

fn wind() -> Signal {
    Signal::rtmin()
}

fn count() -> u64 {
    let asked = std::env::var("WIGWAG_STORM").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(100_000) / SENDERS
}

fn storm() {
    take_stack();
    let seen = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&seen);
    let _registration = receive::on(wind(), move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
    })
    .unwrap();
    let over = AtomicBool::new(false);
    let ready = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for _ in 1..THREADS {
            scope.spawn(|| {
                take_stack();
                ready.wait();
                // It allocates all the time, so that a handler that does so, too, would also come upon a lock of the allocator's.
                while !over.load(Ordering::Relaxed) {
                    drop(std::hint::black_box(vec![0_u8; 100]));
                }
            });
        }
        ready.wait();
        let senders: Vec<Child> = (0..SENDERS)
            .map(|_| start("sender", &std::process::id().to_string()))
            .collect();
        for mut sender in senders {
            assert!(sender.wait().unwrap().success());
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        let all = || seen.load(Ordering::SeqCst) + receive::lost(wind());
        while all() < count() * SENDERS && Instant::now() < deadline {
            receive::drain(Duration::from_secs(5));
        }
        over.store(true, Ordering::Relaxed);
    });
    let (seen, lost) = (seen.load(Ordering::SeqCst), receive::lost(wind()));
    assert_eq!((seen, lost), (count() * SENDERS, 0));
}

fn start(role: &str, argument: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--role", role, argument]).spawn().unwrap()
}

/// The end of a process of its own.
fn end(role: &str) -> ExitStatus {
    start(role, "").wait().unwrap()
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, flag, role, argument] = arguments.as_slice() else {
        if arguments.iter().any(|argument| argument == "--list") {
            return println!("no_alloc: test");
        }
        assert!(end("alone").success());
        assert!(end("over_another").success());
        assert_eq!(end("over_one_that_allocates").signal(), Some(libc::SIGABRT));
        return println!("test no_alloc ... ok");
    };
    assert_eq!(flag, "--role");
    match role.as_str() {
        "sender" => {
            for value in 0..count() {
                let pid = argument.parse().unwrap();
                while let Err(error) = send::queue(pid, wind(), value as i32) {
                    assert_eq!(error.errno(), Errno::AGAIN);
                    std::thread::yield_now();
                }
            }
        }
        "alone" => storm(),
        "over_another" => {
            beneath(counts);
            storm();
            let ran = (ON.load(Ordering::SeqCst), OFF.load(Ordering::SeqCst));
            assert_eq!(ran, (count() * SENDERS, 0));
        }
        _ => {
            let none = rustix::process::Rlimit {
                current: Some(0),
                maximum: Some(0),
            };
            rustix::process::setrlimit(rustix::process::Resource::Core, none).unwrap();
            take_stack();
            beneath(allocates);
            let _registration = receive::on(wind(), |_| ()).unwrap();
            send::raise(wind()).unwrap();
        }
    }
}
