//! A pause until somebody presses Ctrl-C, which sends INT.
//!
//! The wait needs a handler that runs in this thread, so INT is caught here, not captured. [`wait::suspend`] is the pause without a
//! gap: INT is blocked until the very moment at which the thread waits, so that one that comes earlier is not missed.

use std::error::Error;
use std::sync::mpsc;

use wigwag::{Signal, mask, receive, wait};

fn main() -> Result<(), Box<dyn Error>> {
    let blocked = mask::block(Signal::INT);
    let (sender, taken) = mpsc::channel();
    let registration = receive::on(Signal::INT, move |received| {
        let _ = sender.send(received.info);
    })?;

    println!("ready: press Ctrl-C");
    wait::suspend(blocked.before());
    println!("{}", taken.recv()?);
    drop(registration);
    Ok(())
}
