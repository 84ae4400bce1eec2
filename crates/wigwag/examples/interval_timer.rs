//! An interval timer: once, then repeating, and asked for its remaining time.

use std::time::{Duration, Instant};

use wigwag::timer::Timer;
use wigwag::{Signal, mask, wait};

fn main() -> wigwag::Result<()> {
    // What is waited for is blocked first: the default action of ALRM would end the program.
    let blocked = mask::block(Signal::ALRM);

    let begun = Instant::now();
    Timer::Real.set(Duration::from_millis(50), None)?;
    wait::wait(Signal::ALRM)?;
    println!("once: after {} ms", begun.elapsed().as_millis());
    println!("once: runs on: {}", Timer::Real.get()?.remaining.is_some());

    let begun = Instant::now();
    Timer::Real.set(Duration::from_millis(20), Some(Duration::from_millis(10)))?;
    for count in 1..=3 {
        wait::wait(Signal::ALRM)?;
        println!(
            "repeating: {count} after {} ms",
            begun.elapsed().as_millis()
        );
    }

    // Setting it anew ends the old setting.
    Timer::Real.set(Duration::from_secs(60), Some(Duration::from_secs(5)))?;
    let setting = Timer::Real.disarm()?;
    if let (Some(left), Some(interval)) = (setting.remaining, setting.interval) {
        println!(
            "stopped: {} ms left, then every {interval:?}",
            left.as_millis()
        );
    }
    drop(blocked);
    Ok(())
}
