//! `port:N`, `port:N/udp`, `port:SERVICE`.

use std::fmt;

use super::target::TargetError;
use crate::procfs::Transport;

/// A port that somebody listens on, of TCP, UDP, or either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Port {
    /// From 1 to 65535.
    pub number: u16,
    /// Which of the two; `None` for both.
    pub transport: Option<Transport>,
}

impl Port {
    /// Reads `8080`, `53/udp`, or a name of `/etc/services` (services(5)), which stands for the protocols that it has there.
    pub(super) fn parse(word: &str) -> Result<Port, TargetError> {
        let (name, transport) = match word.split_once('/') {
            Some((name, "tcp")) => (name, Some(Transport::Tcp)),
            Some((name, "udp")) => (name, Some(Transport::Udp)),
            Some(_) => return Err(TargetError::Port(word.to_owned())),
            None => (word, None),
        };
        if name.bytes().all(|b| b.is_ascii_digit()) {
            return match name.parse() {
                Ok(number) if number != 0 => Ok(Port { number, transport }),
                _ => Err(TargetError::Port(word.to_owned())),
            };
        }
        let text = std::fs::read("/etc/services").unwrap_or_default();
        service(&String::from_utf8_lossy(&text), name, transport)
            .map_err(|why| why(word.to_owned()))
    }

    /// Whether somebody who listens so is meant.
    pub(crate) fn is(&self, number: u16, transport: Transport) -> bool {
        self.number == number && self.transport.is_none_or(|only| only == transport)
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number)?;
        match self.transport {
            Some(Transport::Tcp) => f.write_str("/tcp"),
            Some(Transport::Udp) => f.write_str("/udp"),
            None => Ok(()),
        }
    }
}

/// Finds a service by its name or another that it has: lines of `name 53/udp other # comment`.
fn service(
    text: &str,
    name: &str,
    transport: Option<Transport>,
) -> Result<Port, fn(String) -> TargetError> {
    let mut found: Option<Port> = None;
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let (Some(first), Some(at)) = (words.next(), words.next()) else {
            continue;
        };
        if first != name && !words.any(|other| other == name) {
            continue;
        }
        let Some((number, kind)) = at.split_once('/') else {
            continue;
        };
        let kind = match kind {
            "tcp" => Transport::Tcp,
            "udp" => Transport::Udp,
            _ => continue,
        };
        let Some(number) = number.parse().ok().filter(|n| *n != 0) else {
            continue;
        };
        if transport.is_some_and(|only| only != kind) {
            continue;
        }
        found = Some(match found {
            None => Port {
                number,
                transport: Some(kind),
            },
            Some(one) if one.number != number => return Err(TargetError::Services),
            Some(one) if one.transport == Some(kind) => one,
            Some(_) => Port {
                number,
                transport: None,
            },
        });
    }
    found.ok_or(TargetError::Port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_by_name_and_by_their_other_names() {
        let text = "domain 53/tcp # names\ndomain 53/udp\nhttp 80/tcp www\nlogin 513/tcp\nwho 513/udp whod\n\
                    odd 7/tcp\nodd 8/udp\nsctp 9/sctp\n#http 81/tcp\nbare\n";
        let both = |number| Port {
            number,
            transport: None,
        };
        let only = |number, kind| Port {
            number,
            transport: Some(kind),
        };
        let read = |name, transport| service(text, name, transport).ok();
        let (tcp, udp) = (Transport::Tcp, Transport::Udp);
        assert_eq!(read("domain", None), Some(both(53)));
        assert_eq!(read("domain", Some(udp)), Some(only(53, udp)));
        assert_eq!(read("http", None), Some(only(80, tcp)));
        assert_eq!(read("www", None), Some(only(80, tcp)));
        assert_eq!(read("whod", None), Some(only(513, udp)));
        assert_eq!(read("odd", Some(udp)), Some(only(8, udp)));
        for none in ["odd", "sctp", "bare", "#http", "53/tcp", "htt"] {
            assert_eq!(read(none, None), None, "{none}");
        }
    }
}
