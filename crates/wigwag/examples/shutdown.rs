//! The shutdown that every program needs: the first INT or TERM asks, and the work that was begun is finished; a second one ends the
//! program at once, also while it hangs. HUP reads the configuration again.
//!
//! An argument says how many seconds the work that is to be finished takes.

use std::error::Error;
use std::thread;
use std::time::Duration;

use wigwag::receive::{self, Shutdown, Told};
use wigwag::{Signal, send};

fn main() -> Result<(), Box<dyn Error>> {
    let seconds = match std::env::args().nth(1) {
        Some(word) => word.parse()?,
        None => 0,
    };
    receive::block_everywhere([Signal::INT, Signal::TERM, Signal::HUP])?;
    let shutdown = Shutdown::new()?;
    println!("ready");
    loop {
        match shutdown.next() {
            Told::Reload(_) => println!("configuration read again"),
            Told::End(received) => {
                println!("{} asks, finishing", received.signal);
                thread::sleep(Duration::from_secs(seconds));
                println!("finished");
                send::end_by(received.signal);
            }
        }
    }
}
