//! Real-time signals from a second process, each with a value: all arrive, in the order of sending.

use std::error::Error;
use std::process::Command;

use wigwag::exec::CommandSignals;
use wigwag::receive::{self, Signals};
use wigwag::{Signal, WaitStatus, send};

const COUNT: i32 = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let signal = Signal::rtmin();
    if let Some(receiver) = std::env::args().nth(1) {
        let receiver = receiver.parse()?;
        for value in 0..COUNT {
            send::queue(receiver, signal, value * value)?;
        }
        return Ok(());
    }
    receive::block_everywhere(signal)?;
    let signals = Signals::new(signal)?;
    let mut sender = Command::new(std::env::current_exe()?)
        .arg(send::process_id().to_string())
        .signals_as_before()
        .spawn()?;
    for received in (&signals).take(COUNT as usize) {
        let from_child = received.pid() == Some(sender.id() as i32);
        if let Some(value) = received.value() {
            println!("{signal} value {value}, from the second process: {from_child}");
        }
    }
    println!("sender {}", WaitStatus::try_from(sender.wait()?)?);
    Ok(())
}
