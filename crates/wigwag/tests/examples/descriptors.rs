//! The examples with descriptors and values: reads, poll, another process, tokio.

use std::net::UdpSocket;

use wigwag::Signal;

use crate::program::Program;

#[test]
fn a_read_is_interrupted_and_one_restarted() {
    let program = Program::start("interrupted_read");
    program.prints(&["interrupted: Interrupted", "3 signals", "restarted: 1 byte"]);
    program.ends_well();
}

#[test]
fn poll_has_signals_beside_a_socket() {
    let program = Program::start("signals_in_poll");
    let address = program.line_after("ready ");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"one", &address).unwrap();
    program.prints(&["socket: one"]);
    program.send(Signal::USR1);
    program.prints(&["signal: USR1"]);
    socket.send_to(b"two", &address).unwrap();
    program.prints(&["socket: two"]);
    program.send(Signal::TERM);
    program.prints(&["signal: TERM"]);
    program.ends_well();
}

#[test]
fn values_come_in_order() {
    let program = Program::start("realtime_values");
    for value in [0, 1, 4, 9, 16] {
        let line = format!("RTMIN value {value}, from the second process: true");
        program.prints(&[&line]);
    }
    program.prints(&["sender exited with status 0"]);
    program.ends_well();
}

#[cfg(feature = "tokio")]
mod tokio {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::time::Duration;

    use wigwag::{Signal, WaitStatus};

    use crate::program::Program;

    struct Client(TcpStream);

    impl Client {
        fn new(address: &str) -> Client {
            let stream = TcpStream::connect(address).unwrap();
            let limit = Some(Duration::from_secs(60));
            stream.set_read_timeout(limit).unwrap();
            Client(stream)
        }

        /// The connection is open, and answers.
        fn talks(&mut self) {
            let mut answer = [0; 5];
            self.0.write_all(b"hello").unwrap();
            self.0.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"hello");
        }
    }

    #[test]
    fn a_server_lets_connections_finish() {
        let program = Program::start("tokio_shutdown");
        let address = program.line_after("ready ");
        let mut client = Client::new(&address);
        client.talks();
        program.send(Signal::TERM);
        program.prints(&["shutting down"]);
        assert!(
            TcpStream::connect(&address).is_err(),
            "nobody listens any more"
        );
        client.talks();
        assert!(program.is_alive());
        drop(client);
        program.prints(&["all connections have ended"]);
        program.ends_well();
    }

    #[test]
    fn a_second_signal_cuts_them_off() {
        let program = Program::start("tokio_shutdown");
        let mut client = Client::new(&program.line_after("ready "));
        client.talks();
        program.send(Signal::TERM);
        program.prints(&["shutting down"]);
        program.send(Signal::INT);
        program.prints(&["1 cut off"]);
        assert_eq!(program.ends(), WaitStatus::Exited(1));
    }
}
