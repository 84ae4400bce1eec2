//! A loop that only computes, and is ended by a flag that TERM sets. The flag is atomic, so that no optimisation may take the look
//! at it out of the loop.
//!
//! TERM is caught here, as in a program that does not own its `main`. Captured, it would set the flag just the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wigwag::{Signal, receive};

fn main() -> wigwag::Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    let registration = receive::flag(Signal::TERM, Arc::clone(&stop))?;

    println!("ready");
    let mut rounds: u64 = 0;
    while !stop.load(Ordering::Relaxed) {
        rounds = rounds.wrapping_add(1);
    }
    println!("stopped after {rounds} rounds");
    drop(registration);
    Ok(())
}
