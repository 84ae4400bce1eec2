//! A thread that waits with sigwait, is woken by a signal to it alone (tgkill, which pthread_kill uses), and has the callback
//! called that is registered for the signal.
//!
//! The signal is captured, so that every thread blocks it, which sigwait needs: it takes the signal before any callback sees it.

use std::error::Error;
use std::sync::mpsc;
use std::thread;

use wigwag::{Signal, receive, send, wait};

fn main() -> Result<(), Box<dyn Error>> {
    receive::block_everywhere(Signal::USR1)?;
    let registration = receive::on(Signal::USR1, |received| {
        println!("callback: {}", received.signal);
    })?;

    let (sender, id) = mpsc::channel();
    let waiter = thread::spawn(move || -> wigwag::Result<()> {
        let _ = sender.send(send::thread_id());
        let signal = wait::wait(Signal::USR1)?;
        println!("thread: woken by {signal}");
        // Finds the callbacks of the signal, and returns when they have run.
        receive::raise_signal(signal)?;
        println!("thread: the callback has run");
        Ok(())
    });

    // Whether the thread waits already does not matter: the signal is blocked, and stays pending until it does.
    send::send_thread(send::process_id(), id.recv()?, Signal::USR1)?;
    waiter.join().map_err(|_| "the thread panicked")??;
    drop(registration);
    Ok(())
}
