//! Who listens: `/proc/net/{tcp,tcp6,udp,udp6,unix}` (proc_pid_net(5)).

use std::collections::BTreeSet;
use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::numbers::{parse_hex, parse_u64};
use super::{Proc, is_gone};

/// The protocol of a [`Listener`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// TCP over IPv4 or IPv6.
    Tcp,
    /// UDP over IPv4 or IPv6.
    Udp,
}

/// A socket that waits for others: TCP in state LISTEN, or UDP bound to a port and connected to nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Listener {
    /// TCP or UDP.
    pub transport: Transport,
    /// The local port.
    pub port: u16,
    /// The socket's inode number, as in the links of `/proc/PID/fd`.
    pub inode: u64,
}

const TCP_LISTEN: u64 = 0x0a;
const UDP_UNCONNECTED: u64 = 0x07;

impl Proc {
    /// The sockets of this process's network namespace that listen, in the order of the kernel's tables.
    ///
    /// # Errors
    /// What openat(2) and read(2) say. A kernel without IPv6 has no tables for it, which is no error.
    ///
    /// ```
    /// use wigwag_process::procfs::Proc;
    /// let socket = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let port = socket.local_addr()?.port();
    /// assert!(Proc::open()?.listeners()?.iter().any(|l| l.port == port));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn listeners(&self) -> std::io::Result<Vec<Listener>> {
        let tables: [(&CStr, Transport); 4] = [
            (c"self/net/tcp", Transport::Tcp),
            (c"self/net/tcp6", Transport::Tcp),
            (c"self/net/udp", Transport::Udp),
            (c"self/net/udp6", Transport::Udp),
        ];
        let mut found = Vec::new();
        for (path, transport) in tables {
            match self.read(path) {
                Ok(text) => found.extend(parse_table(&text, transport)),
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// The inodes of the Unix sockets bound to `path` in this process's network namespace (`self/net/unix`).
    ///
    /// # Errors
    /// What openat(2) and read(2) say.
    pub fn unix_sockets(&self, path: &Path) -> std::io::Result<BTreeSet<u64>> {
        let text = self.read(c"self/net/unix")?;
        let line = |line: &[u8]| {
            let words: Vec<&[u8]> = line
                .split(|&b| b == b' ')
                .filter(|w| !w.is_empty())
                .take(7)
                .collect();
            let inode = words.get(6).copied().and_then(parse_u64)?;
            // The name is the rest of the line after the inode, blanks and all.
            let end = words[6].as_ptr() as usize - line.as_ptr() as usize + words[6].len();
            let name = line.get(end + 1..)?;
            (Path::new(OsStr::from_bytes(name)) == path).then_some(inode)
        };
        Ok(text.split(|&b| b == b'\n').filter_map(line).collect())
    }
}

/// The listeners in the text of one table; lines of another form are left out.
fn parse_table(text: &[u8], transport: Transport) -> impl Iterator<Item = Listener> {
    text.split(|&b| b == b'\n').skip(1).filter_map(move |line| {
        let mut words = line
            .split(|b| b.is_ascii_whitespace())
            .filter(|w| !w.is_empty());
        let local = words.nth(1)?;
        let state = words.nth(1).and_then(parse_hex)?;
        let inode = words.nth(5).and_then(parse_u64)?;
        let wanted = match transport {
            Transport::Tcp => TCP_LISTEN,
            Transport::Udp => UDP_UNCONNECTED,
        };
        let colon = local.iter().position(|&b| b == b':')?;
        let port = parse_hex(&local[colon + 1..]).and_then(|n| u16::try_from(n).ok())?;
        (state == wanted && inode != 0).then_some(Listener {
            transport,
            port,
            inode,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listening_sockets_of_a_table() {
        let text = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
           0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100\n\
           1: 0100007F:1F91 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100\n\nrubbish\n";
        let found: Vec<Listener> = parse_table(text, Transport::Tcp).collect();
        assert_eq!(
            found,
            [Listener {
                transport: Transport::Tcp,
                port: 8080,
                inode: 4711
            }]
        );
    }
}
