//! A tokio server with a graceful shutdown: the first TERM or INT ends accepting and lets open connections finish, a second one
//! ends them too (exit status 1).

use std::error::Error;
use std::process::ExitCode;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use wigwag::{Signal, receive};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    // Before tokio makes its threads, so that all of them block the signals; `#[tokio::main]` would come too late.
    receive::block_everywhere([Signal::TERM, Signal::INT])?;
    tokio::runtime::Runtime::new()?.block_on(serve())
}

async fn serve() -> Result<ExitCode, Box<dyn Error>> {
    let mut signals = receive::stream([Signal::TERM, Signal::INT])?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("ready {}", listener.local_addr()?);

    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            _ = signals.recv() => break,
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                open.spawn(echo(stream));
            }
            Some(_) = open.join_next() => {} // a connection has ended
        }
    }
    drop(listener);
    println!("shutting down");

    loop {
        tokio::select! {
            ended = open.join_next() => if ended.is_none() {
                println!("all connections have ended");
                return Ok(ExitCode::SUCCESS);
            },
            _ = signals.recv() => {
                println!("{} cut off", open.len());
                return Ok(ExitCode::FAILURE);
            }
        }
    }
}

async fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    let (mut from, mut to) = stream.split();
    tokio::io::copy(&mut from, &mut to).await?;
    Ok(())
}
