//! A program that reads its configuration again on HUP, keeps the old one where the new one is no good, and ends on TERM.
//!
//! Usage: `reload_on_hup FILE`, where the file is one line, a number.

use std::error::Error;
use std::fs;

use wigwag::Signal;
use wigwag::receive::{self, Signals};

fn main() -> Result<(), Box<dyn Error>> {
    receive::block_everywhere([Signal::HUP, Signal::TERM])?;
    // Even under nohup: here HUP is an order to reload, and no hang-up.
    let options = receive::Options::new().even_ignored();
    let signals = Signals::with([Signal::HUP, Signal::TERM], &options)?;

    let path = std::env::args().nth(1).ok_or("which file?")?;
    let mut limit = read(&path)?;
    println!("ready: limit {limit}");
    for received in &signals {
        if received.signal == Signal::TERM {
            break;
        }
        match read(&path) {
            Ok(new) => limit = new,
            Err(error) => println!("not reloaded: {error}"),
        }
        println!("limit {limit}");
    }
    println!("ended with limit {limit}");
    Ok(())
}

fn read(path: &str) -> Result<u32, Box<dyn Error>> {
    Ok(fs::read_to_string(path)?.trim().parse()?)
}
