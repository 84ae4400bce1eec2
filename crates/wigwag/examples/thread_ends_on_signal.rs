//! A thread that works at each USR1, and ends itself on TERM. The rest of the program goes on.
//!
//! The signals are captured, so that every thread blocks them and only the one that waits takes them.

use std::error::Error;
use std::sync::mpsc;
use std::thread;

use wigwag::{Signal, receive, send, wait};

fn main() -> Result<(), Box<dyn Error>> {
    receive::block_everywhere([Signal::USR1, Signal::TERM])?;
    let (sender, told) = mpsc::channel();
    let worker = thread::spawn(move || -> wigwag::Result<u32> {
        let mut done = 0;
        loop {
            let _ = sender.send(send::thread_id());
            match wait::wait([Signal::USR1, Signal::TERM])? {
                Signal::TERM => return Ok(done),
                _ => done += 1,
            }
        }
    });

    for signal in [Signal::USR1, Signal::USR1, Signal::TERM] {
        // It tells each time before it waits: a USR1 that is still pending would stand for both.
        let thread = told.recv()?;
        send::send_thread(send::process_id(), thread, signal)?;
        println!("sent {signal}");
    }
    let done = worker.join().map_err(|_| "the thread panicked")??;
    println!("the thread has ended, after {done} USR1");
    Ok(())
}
