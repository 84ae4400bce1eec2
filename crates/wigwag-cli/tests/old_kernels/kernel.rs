//! Kernels that lack something, and by which calls signals travel there.

use std::path::PathBuf;
use std::process::Command;

use crate::common::{Ran, command, finish};
use wigwag_testkit::filter::*;
use wigwag_testkit::{Filter, shared_inode};

/// `PIDFD_THREAD`, a flag of pidfd_open(2) since 6.9.
pub const THREAD: u32 = 0o200;
/// `PIDFD_SIGNAL_PROCESS_GROUP`, a flag of pidfd_send_signal(2) since 6.9.
pub const GROUP: u32 = 4;
/// All flags of pidfd_send_signal(2).
pub const ANY_FLAG: u32 = u32::MAX;
/// `PIDFD_GET_INFO` with the first size of its structure, since 6.13.
pub const GET_INFO: u32 = 0xc040_ff0b;
/// `GRND_INSECURE` of getrandom(2), since 5.6.
pub const INSECURE: u32 = 4;

/// A kernel, as far as it is another than this machine's.
#[derive(Clone, Debug)]
pub struct Kernel {
    pub filter: Filter,
    pub shared_inode: bool,
}

impl Kernel {
    pub fn lacking(filter: Filter) -> Kernel {
        Kernel {
            filter,
            shared_inode: false,
        }
    }

    /// Linux 5.10: everything that came later is missing at once.
    pub fn of_5_10() -> Kernel {
        let filter = Filter::new()
            .without_flags(PIDFD_OPEN, 1, THREAD, EINVAL)
            .without_flags(PIDFD_SEND_SIGNAL, 3, ANY_FLAG, EINVAL)
            .without_value(IOCTL, 1, GET_INFO, ENOTTY)
            .without_from(FIRST_AFTER_5_10, ENOSYS);
        Kernel {
            filter,
            shared_inode: true,
        }
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = command();
        command.args(words);
        self.filter.install(&mut command);
        command
    }

    pub fn run(&self, words: &[&str]) -> Ran {
        let mut command = self.command(words);
        if !self.shared_inode {
            return finish(&mut command);
        }
        let (_, ran) = shared_inode::run(command);
        assert_eq!(ran.status & 0x7f, 0, "it is not killed: {ran:?}");
        Ran {
            code: ran.status >> 8 & 0xff,
            out: ran.stdout,
            err: ran.stderr,
        }
    }

    pub fn line(&self, line: &str) -> Ran {
        self.run(&line.split_whitespace().collect::<Vec<_>>())
    }
}

/// A file that is removed, also when the test fails.
pub struct Saved(pub PathBuf);

impl Saved {
    pub fn new(text: &str) -> Saved {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!(
            "{}-{}.json",
            wigwag_testkit::namespace::unique("old"),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Saved(path)
    }

    pub fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Saved {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// By which calls signals are expected to travel.
#[derive(Clone, Copy)]
pub struct Doors {
    /// To a process: through its descriptor, or the errno with which that is refused.
    pub process: Result<&'static str, &'static str>,
    pub thread: &'static str,
    pub thread_with_value: &'static str,
    pub group: &'static str,
    /// Whether a process is known by the inode of its pidfd.
    pub inode: bool,
}

impl Doors {
    pub const NEW: Doors = Doors {
        process: Ok("pidfd"),
        thread: "pidfd_thread",
        thread_with_value: "pidfd_thread",
        group: "pidfd_group",
        inode: true,
    };

    pub fn threads_by_number(self) -> Doors {
        Doors {
            thread: "tgkill",
            thread_with_value: "tgsigqueue",
            ..self
        }
    }

    /// A group is not signalled by its number, which may be another's: one process after the other.
    pub fn groups_one_by_one(self) -> Doors {
        Doors {
            group: "pidfd",
            ..self
        }
    }

    pub fn without_inode(self) -> Doors {
        Doors {
            inode: false,
            ..self
        }
    }

    pub fn refused(self, errno: &'static str) -> Doors {
        Doors {
            process: Err(errno),
            ..self
        }
    }
}
