//! A worker made by fork(2) that waits for an alarm of its own, while its parent's goes on beside it.
//!
//! The worker begins with the mask from before [`receive::block_everywhere`], without its parent's timers, and with nothing that its
//! parent receives: what it wants, it sets up itself. [`std::process`] has no plain fork, so this is one call into libc.
#![allow(unsafe_code)]

use std::error::Error;
use std::process::exit;

use rustix::process::{Pid, WaitOptions, waitpid};
use wigwag::receive::{self, Signals};
use wigwag::timer::alarm;
use wigwag::{Signal, WaitStatus, send};

fn main() -> Result<(), Box<dyn Error>> {
    receive::block_everywhere(Signal::ALRM)?;
    let signals = Signals::new(Signal::ALRM)?;
    alarm(60);

    // SAFETY: this process has only this one thread (a captured `Signals` makes none), so the child is as whole as its parent: no
    // lock is held by a thread that it does not have.
    let child = unsafe { libc::fork() };
    match child {
        -1 => return Err(std::io::Error::last_os_error().into()),
        0 => exit(match worker(&signals) {
            Ok(()) => 0,
            Err(error) => {
                eprintln!("worker: {error}");
                1
            }
        }),
        _ => {}
    }
    let worker = Pid::from_raw(child).ok_or("no pid")?;
    let ended = waitpid(Some(worker), WaitOptions::empty())?;
    if let Some(status) = ended.and_then(|(_, status)| WaitStatus::from_raw(status.as_raw())) {
        println!("parent: worker {child} {status}");
    }
    if let Some(left) = alarm(0) {
        println!("parent: {left} s of its own alarm were left");
    }
    Ok(())
}

fn worker(inherited: &Signals) -> wigwag::Result<()> {
    // Its parent's is closed here, and gives nothing.
    println!("worker: inherited {:?}", inherited.next());
    receive::block_everywhere(Signal::ALRM)?;
    let signals = Signals::new(Signal::ALRM)?;
    alarm(1);
    if let Some(received) = signals.next() {
        println!("worker {}: {}", send::process_id(), received.info);
    }
    Ok(())
}
