//! A catcher for TERM that exits cleanly, and the refusal for KILL and STOP, which nobody can catch.

use wigwag::Signal;
use wigwag::receive::{self, Signals};

fn main() -> wigwag::Result<()> {
    receive::block_everywhere(Signal::TERM)?;
    for signal in [Signal::KILL, Signal::STOP] {
        if let Err(error) = Signals::new(signal) {
            println!("{error}");
        }
    }

    let signals = Signals::new(Signal::TERM)?;
    println!("ready");
    if let Some(received) = signals.next() {
        println!("{}: exiting cleanly", received.signal);
    }
    Ok(())
}
