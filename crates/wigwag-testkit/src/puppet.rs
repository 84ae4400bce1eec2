//! The harness's side of a puppet.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::deadline::Deadline;
use crate::recipe::Recipe;
use crate::{proc, recycle, role, sys};

/// What a puppet reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is all that its recipe says.
    Ready,
    /// The answer to a ping.
    Pong,
    /// Its handler ran for this number.
    Handler(i32),
    /// Its signalfd's reader took this number.
    SignalFd(i32),
    /// Its waiting thread took this number.
    SigWait(i32),
    /// The process it traces is in a stop for this number.
    Tracer(i32),
    /// The thread that it was told to begin has this id; 0: that thread has ended.
    Thread(i32),
    /// Anything else, an error.
    Other(String),
}

/// A process made to a recipe; killed and reaped when dropped.
#[derive(Debug)]
pub struct Puppet {
    pid: i32,
    child: Child,
    read: Vec<u8>,
    ended: Option<i32>,
    changes: Vec<i32>,
    zombie: bool,
}

impl Puppet {
    /// Starts one and waits until it is ready.
    ///
    /// Panics when it cannot be made: a test has nothing to go on with.
    #[must_use]
    pub fn spawn(recipe: &Recipe) -> Puppet {
        let mut puppet = Puppet::start(recipe);
        puppet.wait_ready(recipe);
        puppet
    }

    /// Starts one that has a chosen pid, in a pid namespace of the test's own.
    #[must_use]
    pub fn spawn_as(pid: i32, recipe: &Recipe) -> Puppet {
        for _ in 0..100 {
            recycle::next_pid(pid)
                .expect("ns_last_pid is writable in a pid namespace of one's own");
            let mut puppet = Puppet::start(recipe);
            if puppet.pid == pid {
                puppet.wait_ready(recipe);
                return puppet;
            }
        }
        let out = Command::new("ps")
            .args(["-eLo", "pid,ppid,pgid,sid,stat,wchan:20,args"])
            .output();
        let who = String::from_utf8(out.unwrap().stdout).unwrap();
        panic!("no process could be given the pid {pid}: is it in use?\n{who}");
    }

    fn start(recipe: &Recipe) -> Puppet {
        sys::keep_entry();
        let mut command = Command::new("/proc/self/exe");
        if let Some(name) = &recipe.name {
            command.arg0(name);
        }
        let child = command
            .env(role::VARIABLE, serde_json::to_string(recipe).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test's own binary starts");
        let pid = i32::try_from(child.id()).unwrap();
        Puppet {
            pid,
            child,
            read: Vec::new(),
            ended: None,
            changes: Vec::new(),
            zombie: false,
        }
    }

    fn wait_ready(&mut self, recipe: &Recipe) {
        // The process started makes an init, which is our child too, and exits; their reports come in any order.
        let (mut ready, mut known) = (false, !recipe.namespace_init);
        while !(ready && known) {
            match self.next_event(Deadline::usual()) {
                Some(Event::Ready) => ready = true,
                Some(Event::Other(line)) if line.starts_with("init ") => {
                    let _ = sys::reap(self.pid);
                    self.pid = line["init ".len()..].parse().unwrap();
                    known = true;
                }
                other => panic!("no puppet: {other:?} for {recipe:?}"),
            }
        }
        if recipe.leader_exits {
            Deadline::usual().wait_for("the leader to exit", || {
                (proc::state(self.pid) == Some('Z')).then_some(())
            });
        }
        self.settle(Deadline::usual());
    }

    /// Its process id, as the test's namespace has it.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Sends a signal by kill(2).
    ///
    /// # Errors
    /// As kill(2).
    pub fn kill(&self, signal: i32) -> std::io::Result<()> {
        assert!(
            self.ended.is_none(),
            "its pid may be another's by now: {:?}",
            self.ended
        );
        sys::kill(self.pid, signal)
    }

    /// Whether its control thread answers.
    #[must_use]
    pub fn ping(&mut self) -> bool {
        if self
            .child
            .stdin
            .as_mut()
            .is_none_or(|stdin| stdin.write_all(b"ping\n").is_err())
        {
            return false;
        }
        let deadline = Deadline::usual();
        loop {
            match self.next_event(deadline) {
                Some(Event::Pong) => return true,
                Some(_) => {}
                None => return false,
            }
        }
    }

    /// The next report, None at the deadline or the puppet's end.
    pub fn next_event(&mut self, deadline: Deadline) -> Option<Event> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                return Some(parse(&String::from_utf8_lossy(&line[..end])));
            }
            let stdout = self.child.stdout.as_mut()?;
            if !sys::readable(stdout.as_fd(), deadline.left()) {
                return None;
            }
            let mut block = [0_u8; 4096];
            match stdout.read(&mut block) {
                Ok(0) | Err(_) => return None,
                Ok(n) => self.read.extend_from_slice(&block[..n]),
            }
        }
    }

    /// Waits for one report, passing over others.
    #[must_use]
    pub fn wait_event(&mut self, wanted: &Event, deadline: Deadline) -> bool {
        while let Some(event) = self.next_event(deadline) {
            if event == *wanted {
                return true;
            }
        }
        false
    }

    /// All reports that are already there.
    pub fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.next_event(Deadline::after(Duration::ZERO))).collect()
    }

    /// The changes (raw wait statuses: stops, continues, the end) since the last call.
    pub fn changes(&mut self) -> Vec<i32> {
        self.collect();
        std::mem::take(&mut self.changes)
    }

    fn collect(&mut self) {
        while self.ended.is_none() && !self.zombie {
            let Some(status) = sys::change(self.pid) else {
                break;
            };
            self.changes.push(status);
            if libc::WIFEXITED(status) || libc::WIFSIGNALED(status) {
                self.ended = Some(status);
            }
        }
    }

    /// The raw status of its end, None when it lives at the deadline.
    pub fn status(&mut self, deadline: Deadline) -> Option<i32> {
        loop {
            self.collect();
            if self.ended.is_some() || deadline.passed() {
                return self.ended;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Waits until no thread has anything left to do: all asleep, twice seen the same. False when it has ended.
    pub fn settle(&mut self, deadline: Deadline) -> bool {
        let mut before = Vec::new();
        loop {
            self.collect();
            if self.ended.is_some() {
                return false;
            }
            let now = proc::threads(self.pid);
            // One that is wholly dead is about to be ours to collect: a tracer is told first.
            let asleep = now.iter().any(|thread| thread.state != 'Z')
                && now
                    .iter()
                    .all(|thread| matches!(thread.state, 'S' | 'T' | 't' | 'Z'));
            if asleep && now == before {
                return true;
            }
            assert!(
                !deadline.passed(),
                "{} never came to rest: {now:?}",
                self.pid
            );
            std::thread::sleep(Duration::from_micros(if before.is_empty() {
                50
            } else {
                200
            }));
            before = if asleep { now } else { Vec::new() };
        }
    }

    /// Stops it, and waits until every thread has stopped.
    pub fn stop(&mut self) {
        self.kill(libc::SIGSTOP).unwrap();
        Deadline::usual().wait_for("every thread to stop", || {
            proc::threads(self.pid)
                .iter()
                .all(|thread| matches!(thread.state, 'T' | 'Z'))
                .then_some(())
        });
        self.changes();
    }

    fn tell(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Has its control thread unblock a signal. What is pending then is taken.
    pub fn unblock(&mut self, signal: i32) {
        self.tell(&format!("unblock {signal}"));
    }

    /// Has it begin an idle thread, one at a time; the thread's id.
    pub fn begin_thread(&mut self) -> i32 {
        self.tell("thread");
        self.thread_event()
    }

    /// Has that thread end: its number is free when this returns.
    pub fn end_thread(&mut self, tid: i32) {
        self.tell("no thread");
        assert_eq!(self.thread_event(), 0);
        Deadline::usual().wait_for("the thread's number", || {
            let threads = proc::threads(self.pid);
            threads.iter().all(|one| one.tid != tid).then_some(())
        });
    }

    fn thread_event(&mut self) -> i32 {
        loop {
            match self.next_event(Deadline::usual()) {
                Some(Event::Thread(tid)) => return tid,
                Some(_) => {}
                None => panic!("{} says nothing of its thread", self.pid),
            }
        }
    }

    /// Has it exit, and leaves it a zombie.
    pub fn become_zombie(&mut self) {
        self.tell("exit 0");
        Deadline::usual().wait_for("a zombie", || {
            let threads = proc::threads(self.pid);
            (threads.len() == 1 && threads[0].state == 'Z').then_some(())
        });
        self.zombie = true;
    }

    /// Whether it was left a zombie.
    #[must_use]
    pub fn is_zombie(&self) -> bool {
        self.zombie
    }

    /// Kills and reaps it: its pid is free when this returns.
    pub fn end(&mut self) {
        if self.ended.is_none() {
            let _ = sys::kill(self.pid, libc::SIGKILL);
            self.ended = sys::reap(self.pid);
        }
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        self.end();
    }
}

fn parse(line: &str) -> Event {
    let number = |text: &str| text.parse().unwrap_or(0);
    match line.split_once(' ') {
        None if line == "ready" => Event::Ready,
        None if line == "pong" => Event::Pong,
        Some(("handler", text)) => Event::Handler(number(text)),
        Some(("signalfd", text)) => Event::SignalFd(number(text)),
        Some(("sigwait", text)) => Event::SigWait(number(text)),
        Some(("tracer", text)) => Event::Tracer(number(text)),
        Some(("thread", text)) => Event::Thread(number(text)),
        _ => Event::Other(line.to_owned()),
    }
}
