//! The guardian's own process.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::Pid;
use wigwag::{PidFd, Signal, SignalFd, WaitStatus};
use wigwag_process::selector::{Filter, Selector};

use super::message::{News, Socket};
use super::{Charge, MARK, Token};
use crate::OnLoss;
use crate::children;
use crate::ended::Usage;
use crate::sys::{self, Whose};

/// How often what is left of the tree is looked for anew.
const ROUNDS: u32 = 16;

/// Which command it guards.
pub(super) enum Of<'a, C> {
    /// One that it starts itself.
    Started {
        command: C,
        own_group: bool,
        /// For the runner alone to hold, so that the command sees its end.
        gate: [&'a OwnedFd; 2],
    },
    /// One that has become the runner's child.
    Running(i32),
}

/// Guards until the runner says that all is done, or is gone: its exit status.
pub(super) fn keep<'a, C: FnOnce() -> i32>(
    charge: &'a Charge,
    token: &mut Token,
    socket: &'a Socket,
    runner: Pid,
    of: Of<'_, C>,
) -> i32 {
    match Keeper::arm(charge, token, socket, runner, of) {
        Ok(mut keeper) => keeper.work(token),
        Err(_) => 1,
    }
}

struct Keeper<'a> {
    charge: &'a Charge,
    socket: &'a Socket,
    runner: PidFd,
    command: i32,
    is_parent: bool,
    /// The runner holds the command, so that its number may be given away.
    may_collect: bool,
    ended: bool,
    children: SignalFd,
}

impl<'a> Keeper<'a> {
    fn arm<C: FnOnce() -> i32>(
        charge: &'a Charge,
        token: &mut Token,
        socket: &'a Socket,
        runner: Pid,
        of: Of<'_, C>,
    ) -> io::Result<Keeper<'a>> {
        let failed = |error: io::Error| {
            socket.tell(News::Failed(error.raw_os_error().unwrap_or(libc::EIO)));
            error
        };
        sys::set_name(c"wigwag-guardian");
        token.will_not_finish();
        let is_parent = matches!(of, Of::Started { .. });
        let command = match of {
            Of::Started {
                command,
                own_group,
                gate,
            } => {
                sys::become_subreaper().map_err(failed)?;
                // It has the caller's descriptors, session and group, which this process leaves now.
                let command = sys::fork(|| {
                    // So that the runner sees the guardian's end.
                    sys::close(socket);
                    command()
                })
                .map_err(failed)?;
                gate.into_iter().for_each(sys::close);
                // A group of its own has ties to the session only through this process.
                match own_group {
                    true => rustix::process::setpgid(None, None),
                    false => rustix::process::setsid().map(drop),
                }
                .map_err(|error| failed(error.into()))?;
                command
            }
            Of::Running(command) => {
                rustix::process::setsid().map_err(|error| failed(error.into()))?;
                command
            }
        };
        let children = SignalFd::new(Signal::CHLD).map_err(|error| failed(error.into()))?;
        let held =
            PidFd::open(runner.as_raw_nonzero().get()).map_err(|error| failed(error.into()))?;
        let mut kept = vec![
            socket.as_fd().as_raw_fd(),
            children.as_fd().as_raw_fd(),
            held.as_fd().as_raw_fd(),
        ];
        kept.extend(token.descriptors().into_iter().map(AsRawFd::as_raw_fd));
        sys::close_all_but(&mut kept).map_err(failed)?;
        let keeper = Keeper {
            charge,
            socket,
            runner: held,
            command,
            is_parent,
            may_collect: !is_parent,
            ended: false,
            children,
        };
        if rustix::process::getppid() == Some(runner) {
            keeper.socket.tell(News::Armed(command));
        }
        Ok(keeper)
    }

    fn work(&mut self, token: &Token) -> i32 {
        loop {
            self.collect();
            let mut fds = [
                PollFd::new(&self.children, PollFlags::IN),
                PollFd::new(&self.socket, PollFlags::IN),
                PollFd::new(&self.runner, PollFlags::IN),
            ];
            if poll(&mut fds, None).is_err() {
                continue;
            }
            let gone = !fds[2].revents().is_empty();
            while let Ok(Some(_)) = self.children.read() {}
            while let Some(word) = self.socket.word() {
                match word {
                    b'a' => self.may_collect = true,
                    _ => return 0,
                }
            }
            if gone {
                return self.alone(token);
            }
        }
    }

    /// News of children: of the command it is told, then the command is collected.
    fn collect(&mut self) {
        if self.is_parent && !self.ended {
            while let Some(status) = sys::stop_of(self.command) {
                self.socket.tell(News::Command(status, Usage::default()));
            }
            if self.may_collect
                && let Some((status, usage)) = sys::end_of(self.command)
            {
                // Told before it is collected: where this process ends between the two, the runner collects it.
                self.socket.tell(News::Command(status, usage));
                sys::wait_for(self.command);
                self.ended = true;
            }
        }
        if self.ended || !self.is_parent {
            while sys::news(Whose::Anybody).is_some() {}
        } else if let Some(pids) = children::of(std::process::id() as i32) {
            for pid in pids.into_iter().filter(|pid| *pid != self.command) {
                let _ = sys::news(Whose::Child(pid));
            }
        }
    }

    /// The runner is gone.
    fn alone(&mut self, token: &Token) -> i32 {
        self.may_collect = true;
        if !token.is_there() {
            // The runner had begun to clean up: the command has ended.
            if !token.wait() {
                self.say("the clean-up was begun and interrupted: it is not done again");
                return 1;
            }
            return 0;
        }
        if self.charge.on_loss == OnLoss::Wait {
            self.await_command();
        } else {
            self.end_tree();
        }
        let errors = self.errors();
        if let Some(errors) = &errors {
            sys::become_output(errors);
        }
        let status = match self.charge.cleaning.start(self.command, token) {
            Ok(pid) => sys::wait_for(pid),
            Err(_) => None,
        };
        match status {
            Some(WaitStatus::Exited(0)) => 0,
            Some(WaitStatus::Exited(_)) => {
                self.say("a clean-up ended with a failure");
                1
            }
            Some(status) => {
                self.say(&format!(
                    "the clean-up was interrupted ({status}): it is not done again"
                ));
                1
            }
            None => {
                self.say("the clean-up could not be started");
                1
            }
        }
    }

    fn await_command(&mut self) {
        if !self.is_parent {
            if let Ok(held) = PidFd::open(self.command) {
                let _ = held.wait(None);
            }
            return;
        }
        while !self.ended {
            let _ = poll(&mut [PollFd::new(&self.children, PollFlags::IN)], None);
            while let Ok(Some(_)) = self.children.read() {}
            self.collect();
        }
    }

    /// Ends the command and all of its tree: its children's, as long as there are any; and those who bear the mark.
    fn end_tree(&mut self) {
        for _ in 0..ROUNDS {
            self.collect();
            let mut roots = match self.is_parent {
                true => children::of(std::process::id() as i32).unwrap_or_default(),
                false => Vec::new(),
            };
            let marked = Selector {
                filter: Filter {
                    env: vec![(MARK.into(), Some(self.charge.mark.clone()))],
                    ..Filter::default()
                },
                ..Selector::default()
            };
            roots.extend(children::selected(&marked));
            roots.sort_unstable();
            roots.dedup();
            if roots.is_empty() {
                return;
            }
            match children::stopper(roots, &self.charge.ladder) {
                Ok(pid) => {
                    sys::wait_for(pid);
                }
                Err(_) => return,
            }
        }
    }

    fn errors(&self) -> Option<File> {
        let path = self.charge.errors.as_ref()?;
        let mut options = File::options();
        options.append(true);
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NOCTTY).open(path).ok()
    }

    fn say(&self, text: &str) {
        if let Some(mut errors) = self.errors() {
            let _ = writeln!(errors, "wigwag: {text}");
        }
    }
}
