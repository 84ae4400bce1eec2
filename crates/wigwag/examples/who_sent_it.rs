//! The pid and the user of whoever sends TERM.

use wigwag::Signal;
use wigwag::receive::{self, Signals};

fn main() -> wigwag::Result<()> {
    receive::block_everywhere(Signal::TERM)?;
    let signals = Signals::new(Signal::TERM)?;
    println!("ready");
    if let Some(received) = signals.next() {
        match (received.pid(), received.uid()) {
            (Some(pid), Some(uid)) => println!("TERM from pid {pid} of user {uid}"),
            // Nobody in particular: the kernel, say.
            _ => println!("{}", received.info),
        }
    }
    Ok(())
}
