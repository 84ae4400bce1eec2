//! `killall`: signals by name, as psmisc's.

mod choose;
mod send;
mod words;

use super::Call;
use words::Outcome;

/// Whatever goes wrong, and where nobody was found.
const FAILED: u8 = 1;

const USAGE: &str = "\
Usage: killall [OPTION]... [--] NAME...
       killall -l, --list
       killall -V, --version

  -e,--exact          of names of 15 bytes and more: only where the whole is known
  -I,--ignore-case    capital and small letters are the same
  -g,--process-group  the process group of each that is found
  -y,--younger-than T started less than T ago: a number and s, m, h, d, w, M or y
  -o,--older-than T   started at least T ago
  -i,--interactive    ask before each
  -l,--list           the names of the signals
  -q,--quiet          nothing about names that nobody has
  -r,--regexp         NAME is an extended regular expression
  -s,--signal SIGNAL  this one, not TERM; -SIGNAL too
  -u,--user USER      only processes of USER
  -v,--verbose        tell of each signal that was sent
  -V,--version        the version
  -w,--wait           wait until they have ended
  -n,--ns PID         only in the pid namespace of PID
  -Z,--context REGEXP only with such a security context (before the other words)

";

/// Carries it out.
pub fn run(call: Call) -> u8 {
    let asked = match words::read(call.words) {
        Outcome::Do(asked) => asked,
        Outcome::List => {
            return match super::print(words::listed().as_bytes()) {
                Ok(()) => 0,
                Err(error) => {
                    eprint_all(&format!(
                        "killall: write error: {}\n",
                        super::gnu::words(&error)
                    ));
                    FAILED
                }
            };
        }
        Outcome::Version => {
            eprint_all(concat!(
                "killall from wigwag ",
                env!("CARGO_PKG_VERSION"),
                " (PSmisc) 23.7\n"
            ));
            return 0;
        }
        Outcome::Wrong(text) => {
            eprint_all(&text);
            return FAILED;
        }
    };
    send::carry_out(&asked)
}

/// To standard error. Whether it can be written is not asked.
fn eprint_all(text: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
}
