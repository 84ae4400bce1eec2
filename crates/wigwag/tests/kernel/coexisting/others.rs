//! Others who handle signals, each counting those that he sees.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use wigwag::{Signal, SignalSet, mask};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// signal-hook. Its handler stays for good, and calls the one before.
    Hook,
    /// tokio::signal: signal-hook's registry, and signals that coalesce.
    Tokio,
    /// A handler of C with `SA_SIGINFO` that calls the one before.
    WithInfo,
    /// One without, which has nothing to call another with.
    Plain,
    /// Another copy of this crate.
    Copy,
}

impl Kind {
    pub fn calls_the_one_before(self) -> bool {
        self != Kind::Plain
    }

    /// Whether he puts back what was there before.
    pub fn puts_back(self) -> bool {
        !matches!(self, Kind::Hook | Kind::Tokio)
    }
}

pub struct Other {
    kind: Kind,
    signal: Signal,
    seen: Arc<AtomicU64>,
    there: There,
}

enum There {
    Gone,
    Hook(signal_hook::SigId),
    Tokio(Arc<AtomicBool>, std::thread::JoinHandle<()>),
    C,
    Copy(wigwag_again::receive::Registration),
}

impl Other {
    pub fn new(kind: Kind, signal: Signal) -> Other {
        let seen = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&seen);
        let there = match kind {
            Kind::Hook => {
                let count = move || {
                    counted.fetch_add(1, Ordering::SeqCst);
                };
                // SAFETY: it adds to an atomic.
                There::Hook(
                    unsafe { signal_hook::low_level::register(signal.number(), count) }.unwrap(),
                )
            }
            Kind::Tokio => tokio(signal, counted),
            Kind::WithInfo | Kind::Plain => {
                c::install(signal.number(), kind == Kind::WithInfo);
                There::C
            }
            Kind::Copy => {
                let count = move |_: &_| {
                    counted.fetch_add(1, Ordering::SeqCst);
                };
                let signal = wigwag_again::Signal::new(signal.number()).unwrap();
                There::Copy(wigwag_again::receive::on(signal, count).unwrap())
            }
        };
        Other {
            kind,
            signal,
            seen,
            there,
        }
    }

    pub fn coalesces(&self) -> bool {
        self.kind == Kind::Tokio
    }

    pub fn seen(&self) -> u64 {
        if self.kind == Kind::Copy {
            assert!(wigwag_again::receive::drain(
                std::time::Duration::from_secs(10)
            ));
        }
        match self.kind {
            Kind::WithInfo | Kind::Plain => c::SEEN.load(Ordering::SeqCst),
            _ => self.seen.load(Ordering::SeqCst),
        }
    }

    pub fn go(&mut self) {
        match std::mem::replace(&mut self.there, There::Gone) {
            There::Gone => {}
            There::Hook(id) => assert!(signal_hook::low_level::unregister(id)),
            There::Tokio(over, thread) => {
                over.store(true, Ordering::SeqCst);
                thread.join().unwrap();
            }
            There::C => c::remove(self.signal.number()),
            There::Copy(registration) => drop(registration),
        }
    }
}

fn tokio(signal: Signal, counted: Arc<AtomicU64>) -> There {
    let over = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&over);
    let (ready, is_ready) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        // So that all handlers run in one thread, in order.
        let _blocked = mask::block(SignalSet::ALL);
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            let kind = tokio::signal::unix::SignalKind::from_raw(signal.number());
            let mut signals = tokio::signal::unix::signal(kind).unwrap();
            ready.send(()).unwrap();
            while !ended.load(Ordering::SeqCst) {
                let moment = std::time::Duration::from_millis(20);
                if let Ok(Some(())) = tokio::time::timeout(moment, signals.recv()).await {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
    });
    is_ready.recv().unwrap();
    There::Tokio(over, thread)
}

/// As a library of C does it.
mod c {
    use super::*;

    pub static SEEN: AtomicU64 = AtomicU64::new(0);
    static THERE: AtomicBool = AtomicBool::new(false);
    static BEFORE: std::sync::OnceLock<libc::sigaction> = std::sync::OnceLock::new();

    type Handler = extern "C" fn(i32, *mut libc::siginfo_t, *mut c_void);

    extern "C" fn plain(_: i32) {
        if THERE.load(Ordering::SeqCst) {
            SEEN.fetch_add(1, Ordering::SeqCst);
        }
    }

    extern "C" fn with_info(signo: i32, info: *mut libc::siginfo_t, context: *mut c_void) {
        plain(signo);
        if let Some(before) = BEFORE.get()
            && before.sa_sigaction > libc::SIG_IGN
        {
            assert_ne!(before.sa_flags & libc::SA_SIGINFO, 0);
            // SAFETY: what was installed as a handler with SA_SIGINFO is one, called as the kernel calls it.
            let handler: Handler = unsafe { std::mem::transmute(before.sa_sigaction) };
            handler(signo, info, context);
        }
    }

    fn address(info: bool) -> usize {
        let (one, other): (extern "C" fn(i32), Handler) = (plain, with_info);
        if info {
            other as *const () as usize
        } else {
            one as *const () as usize
        }
    }

    pub fn install(signo: i32, info: bool) {
        THERE.store(true, Ordering::SeqCst);
        // SAFETY: zero is valid for every field; the handlers use atomics, and call what was there before.
        unsafe {
            let mut before: libc::sigaction = std::mem::zeroed();
            assert_eq!(libc::sigaction(signo, std::ptr::null(), &raw mut before), 0);
            assert!(BEFORE.set(before).is_ok(), "once in a process");
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = address(info);
            action.sa_flags = libc::SA_RESTART | if info { libc::SA_SIGINFO } else { 0 };
            libc::sigfillset(&raw mut action.sa_mask);
            assert_eq!(
                libc::sigaction(signo, &raw const action, std::ptr::null_mut()),
                0
            );
        }
    }

    /// Puts back what was there before, if nobody has come since.
    pub fn remove(signo: i32) {
        THERE.store(false, Ordering::SeqCst);
        let before = BEFORE.get().unwrap();
        // SAFETY: what is set was read from here.
        unsafe {
            let mut current: libc::sigaction = std::mem::zeroed();
            assert_eq!(
                libc::sigaction(signo, std::ptr::null(), &raw mut current),
                0
            );
            if [address(true), address(false)].contains(&current.sa_sigaction) {
                assert_eq!(libc::sigaction(signo, before, std::ptr::null_mut()), 0);
            }
        }
    }
}
