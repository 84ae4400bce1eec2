//! An alarm that rings while the program sleeps: its callback runs at once, and the sleep still takes its full time.
//!
//! ALRM is caught here, to show that a handler may interrupt the sleep: [`thread::sleep`] goes on with the time that is left. One that
//! is captured would not even interrupt it.

use std::thread;
use std::time::{Duration, Instant};

use wigwag::timer::alarm;
use wigwag::{Signal, receive};

fn main() -> wigwag::Result<()> {
    let begun = Instant::now();
    let registration = receive::on(Signal::ALRM, move |_| {
        println!("rang after {} ms", begun.elapsed().as_millis());
    })?;

    alarm(1);
    println!("sleeping");
    thread::sleep(Duration::from_secs(2));

    // The callback runs on the library's thread: on a busy machine it may still be at it.
    receive::drain(Duration::from_secs(10));
    println!("slept {} ms", begun.elapsed().as_millis());
    drop(registration);
    Ok(())
}
