//! A temporary file that is removed when INT, HUP or TERM ends the program. It then ends by that signal, so that whoever waits for it, a
//! shell with a script say, sees what happened.

use std::error::Error;
use std::fs;

use wigwag::receive::{self, Signals};
use wigwag::{Signal, send};

fn main() -> Result<(), Box<dyn Error>> {
    let ending = [Signal::INT, Signal::HUP, Signal::TERM];
    receive::block_everywhere(ending)?;
    let signals = Signals::new(ending)?;

    let name = format!("wigwag-example-{}", send::process_id());
    let path = std::env::temp_dir().join(name);
    fs::write(&path, "half of the work")?;
    println!("ready {}", path.display());

    let received = signals.next();
    fs::remove_file(&path)?;
    println!("removed");
    match received {
        Some(received) => send::end_by(received.signal),
        None => Ok(()),
    }
}
