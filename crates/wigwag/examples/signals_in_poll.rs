//! Signals as a descriptor in poll(2), beside a socket: one loop, one thread, and no signal between looking and waiting is missed.

use std::error::Error;
use std::net::UdpSocket;

use rustix::event::{PollFd, PollFlags, poll};
use wigwag::Signal;
use wigwag::receive::{self, Signals};

fn main() -> Result<(), Box<dyn Error>> {
    receive::block_everywhere([Signal::USR1, Signal::TERM])?;
    let signals = Signals::new([Signal::USR1, Signal::TERM])?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_nonblocking(true)?;
    println!("ready {}", socket.local_addr()?);

    let descriptor = signals.descriptor()?;
    loop {
        let mut watched = [
            PollFd::new(&descriptor, PollFlags::IN),
            PollFd::new(&socket, PollFlags::IN),
        ];
        poll(&mut watched, None)?;

        let mut buffer = [0; 512];
        while let Ok((count, _)) = socket.recv_from(&mut buffer) {
            println!("socket: {}", String::from_utf8_lossy(&buffer[..count]));
        }
        while let Some(received) = signals.try_next() {
            println!("signal: {}", received.signal);
            if received.signal == Signal::TERM {
                return Ok(());
            }
        }
    }
}
