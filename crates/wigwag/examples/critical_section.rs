//! A mask across a critical section: TERM comes in the middle of a change, and ends the program only when the change is whole.
//!
//! Nothing is received here. The mask holds off what TERM does by default.

use wigwag::{Signal, mask, send};

fn main() -> wigwag::Result<()> {
    let (mut from, mut to) = (100, 0);
    let blocked = mask::block([Signal::INT, Signal::TERM]);
    from -= 30;
    println!("from {from}, to {to}");
    send::send(send::process_id(), Signal::TERM)?; // as anybody might just now
    println!("pending: {}", mask::pending());
    to += 30;
    println!("from {from}, to {to}");
    drop(blocked); // TERM is delivered before this returns
    println!("not reached");
    Ok(())
}
