//! An alarm, and a pause until it rings.
//!
//! pause(2) waits for a handler to run in this thread, so ALRM is caught here, not captured: a captured signal interrupts nothing.
//! A signal that comes just before the call is missed. This one is a second away; where it may come at any time, wait as
//! `interrupt_and_pause` does.

use std::error::Error;
use std::sync::mpsc;

use wigwag::timer::alarm;
use wigwag::{Signal, receive, wait};

fn main() -> Result<(), Box<dyn Error>> {
    let (sender, taken) = mpsc::channel();
    let registration = receive::on(Signal::ALRM, move |received| {
        let _ = sender.send(received.info);
    })?;

    println!("waiting");
    alarm(1);
    wait::pause();
    println!("pause is over");

    // The callback has its own thread, and may run a moment later than pause returns.
    println!("{}", taken.recv()?);
    drop(registration);
    Ok(())
}
