//! A thread that waits with sigwaitinfo, and is told everything: who sent the signal, as whom, by which call, with which value.

use std::error::Error;
use std::sync::mpsc;
use std::thread;

use wigwag::{Cause, Signal, receive, send, wait};

fn main() -> Result<(), Box<dyn Error>> {
    let signal = Signal::rtmin();
    receive::block_everywhere(signal)?;
    let (sender, id) = mpsc::channel();
    let waiter = thread::spawn(move || -> wigwag::Result<()> {
        let _ = sender.send(send::thread_id());
        for _ in 0..2 {
            let info = wait::wait_info(signal)?;
            let code = info.code_name().unwrap_or("?");
            match info.cause {
                Cause::Queue { pid, uid, value } => {
                    let value = value.int();
                    println!("{} {code} pid {pid} user {uid} value {value}", info.signal);
                }
                Cause::Thread { pid, uid } => {
                    println!("{} {code} pid {pid} user {uid}", info.signal);
                }
                other => println!("{} {code} {other:?}", info.signal),
            }
        }
        Ok(())
    });

    let (process, thread) = (send::process_id(), id.recv()?);
    send::queue_thread(process, thread, signal, 42)?; // rt_tgsigqueueinfo(2)
    send::send_thread(process, thread, signal)?; // tgkill(2)
    waiter.join().map_err(|_| "the thread panicked")??;
    Ok(())
}
