//! A thread that waits for a signal with a time-out, and the signal comes too late. That is no error, and the signal is not lost:
//! it stays pending until it is asked for again.

use std::error::Error;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use wigwag::{Signal, receive, send, wait};

fn main() -> Result<(), Box<dyn Error>> {
    receive::block_everywhere(Signal::USR1)?;
    let (too_late, over) = mpsc::channel();
    let (sent, arrived) = mpsc::channel();
    let waiter = thread::spawn(move || -> wigwag::Result<()> {
        match wait::wait_timeout(Signal::USR1, Duration::from_millis(50))? {
            Some(info) => println!("in time: {info}"),
            None => println!("nothing within 50 ms"),
        }
        let _ = too_late.send(send::thread_id());
        let _ = arrived.recv();
        if let Some(info) = wait::try_wait(Signal::USR1)? {
            println!("too late: {}", info.signal);
        }
        Ok(())
    });

    let thread = over.recv()?;
    send::send_thread(send::process_id(), thread, Signal::USR1)?;
    sent.send(())?;
    waiter.join().map_err(|_| "the thread panicked")??;
    Ok(())
}
