//! TERM handled three times, and the program still alive; USR2 besides, with a callback of its own, which ends it.

use std::error::Error;
use std::sync::mpsc;

use wigwag::{Signal, receive};

fn main() -> Result<(), Box<dyn Error>> {
    receive::block_everywhere([Signal::TERM, Signal::USR2])?;
    let mut count = 0;
    let term = receive::on(Signal::TERM, move |_| {
        count += 1;
        println!("TERM {count}: still alive");
    })?;
    let (sender, asked) = mpsc::channel();
    let usr2 = receive::on(Signal::USR2, move |received| {
        let _ = sender.send(received.signal);
    })?;

    println!("ready");
    println!("{}: enough", asked.recv()?);
    drop((term, usr2));
    Ok(())
}
