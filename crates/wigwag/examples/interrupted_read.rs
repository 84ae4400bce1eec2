//! A read that a signal interrupts (EINTR), and one that goes on after the signal (`SA_RESTART`, which is the default).
//!
//! ALRM is caught here, not captured: a captured signal interrupts nothing.

use std::error::Error;
use std::io::{Read, Write, pipe};
use std::time::Duration;

use wigwag::Signal;
use wigwag::receive::{self, Options};
use wigwag::timer::Timer;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut reader, mut writer) = pipe()?;
    let soon = Duration::from_millis(20);

    let interrupts = Options::new().no_restart().on(Signal::ALRM, |_| ())?;
    // It repeats: one that comes just before the read interrupts nothing.
    Timer::Real.set(soon, Some(soon))?;
    match reader.read(&mut [0]) {
        Err(error) => println!("interrupted: {:?}", error.kind()),
        Ok(count) => println!("not interrupted: {count} bytes"),
    }
    Timer::Real.disarm()?;
    drop(interrupts);

    // The third signal gives the read something to read; the two before it change nothing.
    let mut alarms = 0;
    let restarts = receive::on(Signal::ALRM, move |_| {
        alarms += 1;
        if alarms == 3 {
            println!("{alarms} signals");
            let _ = writer.write_all(b"x");
        }
    })?;
    Timer::Real.set(soon, Some(soon))?;
    match reader.read(&mut [0]) {
        Err(error) => println!("not restarted: {:?}", error.kind()),
        Ok(count) => println!("restarted: {count} byte"),
    }
    Timer::Real.disarm()?;
    drop(restarts);
    Ok(())
}
