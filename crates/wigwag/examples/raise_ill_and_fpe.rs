//! ILL and FPE raised by hand, each in a process of its own with a handler for it.
//!
//! It uses the sigaction view, and so `unsafe`: both are faults, for the very thread that they interrupt, and `receive::on` refuses
//! them. A handler in signal context may do next to nothing; these store to atomics.
#![allow(unsafe_code)]

use std::error::Error;
use std::ffi::{c_int, c_void};
use std::process::Command;
use std::sync::atomic::{AtomicI32, Ordering};

use wigwag::disposition::{self, Flags, Handler};
use wigwag::info::Siginfo;
use wigwag::{Signal, SignalSet, WaitStatus, receive, send};

static TAKEN: AtomicI32 = AtomicI32::new(0);
static SENDER: AtomicI32 = AtomicI32::new(0);

extern "C" fn note(signal: c_int, info: &Siginfo, _: *mut c_void) {
    let sender = info.decode().and_then(|info| info.pid());
    SENDER.store(sender.unwrap_or(0), Ordering::Relaxed);
    TAKEN.store(signal, Ordering::Relaxed);
}

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(name) = std::env::args().nth(1) {
        return Ok(child(name.parse()?)?);
    }
    let mut children = Vec::new();
    for signal in [Signal::ILL, Signal::FPE] {
        if let Err(error) = receive::on(signal, |_| ()) {
            println!("{error}");
        }
        let program = std::env::current_exe()?;
        let child = Command::new(program).arg(signal.to_string()).spawn()?;
        children.push((signal, child));
    }
    for (signal, mut child) in children {
        let status = WaitStatus::try_from(child.wait()?)?;
        println!("the process of {signal} {status}");
    }
    Ok(())
}

fn child(signal: Signal) -> wigwag::Result<()> {
    let handler = Handler::WithInfo(note);
    // SAFETY: `note` decodes, which allocates nothing, and stores to atomics; it is there as long as the program. The signal is
    // raised by a call and not by a faulty instruction, so returning goes on after the call.
    let before =
        unsafe { disposition::sigaction(signal, handler, SignalSet::EMPTY, Flags::empty())? };
    send::raise(signal)?; // returns when the handler has run
    let own = SENDER.load(Ordering::Relaxed) == send::process_id();
    if let Some(taken) = Signal::from_kernel(TAKEN.load(Ordering::Relaxed)) {
        println!("handler: {taken}, sent by itself: {own}");
    }
    before.restore()?;
    Ok(())
}
