//! A child *program* that waits for its own alarm, while its parent's alarm goes on beside it.
//!
//! What a program blocks, the programs that it starts have blocked too. `signals_as_before` starts the child with the signals
//! that this one was started with.

use std::error::Error;
use std::process::Command;

use wigwag::exec::CommandSignals;
use wigwag::timer::alarm;
use wigwag::{Signal, WaitStatus, mask, receive, wait};

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some("child") {
        return Ok(child()?);
    }
    receive::block_everywhere([Signal::ALRM, Signal::TERM])?;
    alarm(60);
    let status = Command::new(std::env::current_exe()?)
        .arg("child")
        .signals_as_before()
        .status()?;
    println!("parent: the child {}", WaitStatus::try_from(status)?);
    if let Some(left) = alarm(0) {
        println!("parent: {left} s of its own alarm were left");
    }
    Ok(())
}

fn child() -> wigwag::Result<()> {
    println!("child: started with {} blocked", mask::current().len());
    // What is waited for is blocked first: the default action of ALRM would end the program.
    let blocked = mask::block(Signal::ALRM);
    alarm(1);
    println!("child: {}", wait::wait_info(Signal::ALRM)?);
    drop(blocked);
    Ok(())
}
