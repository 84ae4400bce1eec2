//! HUP to a child through a pidfd, which names that very process for ever: nobody else can get the signal, even once the child is
//! gone and its number is given out again.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::os::unix::process::parent_id;
use std::process::{Command, Stdio};

use wigwag::receive::{self, Signals};
use wigwag::{PidFd, Signal, WaitStatus};

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some("child") {
        return Ok(child()?);
    }
    let mut child = Command::new(std::env::current_exe()?)
        .arg("child")
        .stdout(Stdio::piped())
        .spawn()?;
    // Opened before the child is collected: its number is still its own.
    let pidfd = PidFd::open(child.id() as i32)?;
    let output = BufReader::new(child.stdout.take().ok_or("the child has no output")?);
    for line in output.lines() {
        let line = line?;
        println!("child: {line}");
        if line == "ready" {
            pidfd.send(Signal::HUP)?;
        }
    }
    println!("parent: it {}", WaitStatus::try_from(child.wait()?)?);
    if let Err(error) = pidfd.send(Signal::HUP) {
        println!("parent: once more: {}", error.errno());
    }
    Ok(())
}

fn child() -> wigwag::Result<()> {
    receive::block_everywhere(Signal::HUP)?;
    let signals = Signals::new(Signal::HUP)?;
    println!("ready");
    if let Some(received) = signals.next() {
        let from_parent = received.pid() == Some(parent_id() as i32);
        println!("{}, from its parent: {from_parent}", received.signal);
    }
    Ok(())
}
