//! A kernel that lacks system calls, flags or ioctls: a seccomp filter (seccomp(2)) that a command is started with.
//!
//! Unlike strace's injection it looks at arguments: `pidfd_open` works and `pidfd_open` with `PIDFD_THREAD` does not. What runs
//! under it is not traced.

use std::process::Command;

pub use libc::{
    EACCES, EINVAL, ENOSYS, ENOTTY, EPERM, P_PIDFD, SYS_epoll_create1 as EPOLL_CREATE,
    SYS_epoll_pwait as EPOLL_PWAIT, SYS_getrandom as GETRANDOM, SYS_ioctl as IOCTL,
    SYS_kill as KILL, SYS_pidfd_open as PIDFD_OPEN, SYS_pidfd_send_signal as PIDFD_SEND_SIGNAL,
    SYS_rseq as RSEQ, SYS_signalfd4 as SIGNALFD, SYS_statx as STATX, SYS_tgkill as TGKILL,
    SYS_waitid as WAITID,
};

use crate::sys;

/// The first system call that came after Linux 5.10 (`epoll_pwait2`, 5.11); all architectures count alike there.
pub const FIRST_AFTER_5_10: i64 = 441;

/// What is refused, and with which errno. Everything else is allowed.
#[derive(Clone, Debug, Default)]
pub struct Filter(Vec<Rule>);

#[derive(Clone, Copy, Debug)]
struct Rule {
    call: i64,
    /// Also those with a higher number.
    and_later: bool,
    test: Option<Test>,
    errno: i32,
}

#[derive(Clone, Copy, Debug)]
struct Test {
    argument: u32,
    jump: u32,
    value: u32,
}

impl Filter {
    /// Refuses nothing.
    #[must_use]
    pub fn new() -> Filter {
        Filter::default()
    }

    /// A call is missing.
    #[must_use]
    pub fn without(self, call: i64, errno: i32) -> Filter {
        self.with(Rule {
            call,
            and_later: false,
            test: None,
            errno,
        })
    }

    /// That call and all with a higher number are missing.
    #[must_use]
    pub fn without_from(self, call: i64, errno: i32) -> Filter {
        self.with(Rule {
            call,
            and_later: true,
            test: None,
            errno,
        })
    }

    /// A call does not know the flags `bits` of its argument (from 0).
    #[must_use]
    pub fn without_flags(self, call: i64, argument: u32, bits: u32, errno: i32) -> Filter {
        self.tested(call, argument, libc::BPF_JSET, bits, errno)
    }

    /// A call does not know this value of its argument (from 0), such as an ioctl.
    #[must_use]
    pub fn without_value(self, call: i64, argument: u32, value: u32, errno: i32) -> Filter {
        self.tested(call, argument, libc::BPF_JEQ, value, errno)
    }

    fn tested(self, call: i64, argument: u32, jump: u32, value: u32, errno: i32) -> Filter {
        assert!(argument < 6);
        self.with(Rule {
            call,
            and_later: false,
            test: Some(Test {
                argument,
                jump,
                value,
            }),
            errno,
        })
    }

    fn with(mut self, rule: Rule) -> Filter {
        self.0.push(rule);
        self
    }

    /// Has a command, and all it starts, run under the filter.
    pub fn install(&self, command: &mut Command) {
        sys::filter_calls(command, self.program());
    }

    /// Whether this machine lets a filter be installed. Says so where not; panics in CI.
    #[must_use]
    pub fn is_available() -> bool {
        let mut command = Command::new("true");
        Filter::new().install(&mut command);
        let works = command.status().is_ok_and(|status| status.success());
        if !works {
            assert!(std::env::var_os("CI").is_none(), "CI must have seccomp");
            println!("skipped: no seccomp filter can be installed here");
        }
        works
    }

    /// Each rule loads what it compares and jumps over its own answer where it does not match.
    ///
    /// The architecture is not asked: a test runs binaries of its own only.
    fn program(&self) -> Vec<libc::sock_filter> {
        const NUMBER: u32 = 0;
        const ARGUMENTS: u32 = 16;
        let low = if cfg!(target_endian = "big") { 4 } else { 0 };
        let load = |offset| statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset);
        let answer = |value| statement(libc::BPF_RET | libc::BPF_K, value);
        let mut program = Vec::new();
        for rule in &self.0 {
            let over = if rule.test.is_some() { 3 } else { 1 };
            let call = u32::try_from(rule.call).unwrap();
            let jump = if rule.and_later {
                libc::BPF_JGE
            } else {
                libc::BPF_JEQ
            };
            program.extend([load(NUMBER), unless(jump, call, over)]);
            if let Some(test) = rule.test {
                program.extend([
                    load(ARGUMENTS + 8 * test.argument + low),
                    unless(test.jump, test.value, 1),
                ]);
            }
            let errno = u32::try_from(rule.errno).unwrap();
            program.push(answer(libc::SECCOMP_RET_ERRNO | errno));
        }
        program.push(answer(libc::SECCOMP_RET_ALLOW));
        program
    }
}

fn statement(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter {
        code: u16::try_from(code).unwrap(),
        jt: 0,
        jf: 0,
        k,
    }
}

/// Over so many instructions, unless what was loaded compares.
fn unless(jump: u32, k: u32, over: u8) -> libc::sock_filter {
    libc::sock_filter {
        jf: over,
        ..statement(libc::BPF_JMP | jump | libc::BPF_K, k)
    }
}
