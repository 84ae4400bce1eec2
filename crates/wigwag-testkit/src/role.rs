//! The puppet's side: a process that makes itself what its recipe says, and reports.

use std::ffi::OsStr;
use std::io::{BufRead, Read};
use std::os::fd::OwnedFd;

use crate::recipe::{Blocking, Recipe};
use crate::sys;

/// The environment variable that holds the recipe, as JSON.
pub const VARIABLE: &str = "WIGWAG_PUPPET";

/// Never returns: ends with its standard input.
pub fn become_puppet(recipe: &OsStr) -> ! {
    let recipe: Recipe = serde_json::from_str(recipe.to_str().unwrap()).unwrap();
    match play(&recipe) {
        Ok(()) => sys::exit_now(0),
        Err(error) => {
            tell(&format!("error {error}"));
            sys::exit_now(70)
        }
    }
}

fn tell(line: &str) {
    // One write a line: those of several threads are never mixed.
    sys::write_out(format!("{line}\n").as_bytes());
}

fn play(recipe: &Recipe) -> std::io::Result<()> {
    if recipe.namespace_init {
        let pid = sys::fork_init()?;
        if pid != 0 {
            tell(&format!("init {pid}"));
            sys::exit_now(0);
        }
        sys::mount_proc()?;
    }
    sys::die_with_parent();
    match recipe.group {
        Some(group) => sys::join_group(group)?,
        None => sys::own_group(recipe.orphaned),
    }
    sys::limit_core(if recipe.cores { u64::MAX } else { 0 })?;
    if let Some(name) = &recipe.name {
        sys::set_name(name);
    }
    if let Some(directory) = &recipe.directory {
        std::env::set_current_dir(directory)?;
    }
    if let Some(root) = &recipe.root {
        std::os::unix::fs::chroot(root)?;
    }
    for &signal in &recipe.ignore {
        sys::ignore(signal)?;
    }
    for &signal in &recipe.catch {
        sys::catch(signal)?;
    }
    let taken = [
        recipe.signalfd.clone(),
        recipe.unread_signalfd.clone(),
        recipe.sigwait.clone(),
    ]
    .concat();
    sys::block(&taken);
    sys::block(&recipe.block);
    if recipe.brood > 0 {
        hatch(recipe)?;
    }
    if let Some(user) = recipe.user {
        sys::become_user(user)?;
    }
    if let Some(pid) = recipe.trace {
        trace(pid, recipe.attach)?;
    }
    // A signalfd shows the signals of whoever reads it: descriptors are made here, read in a thread.
    let unread = (!recipe.unread_signalfd.is_empty())
        .then(|| sys::signalfd(&recipe.unread_signalfd))
        .transpose()?;
    if !recipe.signalfd.is_empty() {
        let fd = sys::signalfd(&recipe.signalfd)?;
        std::thread::spawn(move || read_signals(fd));
    }
    if !recipe.sigwait.is_empty() {
        let (signals, once) = (recipe.sigwait.clone(), recipe.sigwait_once);
        std::thread::spawn(move || {
            loop {
                if let Some(signal) = sys::sigwait(&signals) {
                    tell(&format!("sigwait {signal}"));
                }
                if once {
                    idle();
                }
            }
        });
    }
    for _ in 0..recipe.workers {
        let unblock = if recipe.blocking == Blocking::LeaderOnly {
            recipe.block.clone()
        } else {
            Vec::new()
        };
        std::thread::spawn(move || {
            sys::unblock(&unblock);
            loop {
                sys::pause();
            }
        });
    }
    if recipe.blocking == Blocking::WorkersOnly {
        sys::unblock(&recipe.block);
    }
    if recipe.leader_exits {
        std::thread::spawn(obey);
        std::mem::forget(unread);
        sys::exit_thread();
    }
    obey();
    drop(unread);
    Ok(())
}

/// The command loop: `ping`, `exit N`, `unblock N`, `thread` and `no thread`, and the end of standard input.
fn obey() {
    let mut thread: Option<std::thread::JoinHandle<()>> = None;
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let ended = std::sync::Arc::new(std::sync::Mutex::new(ended));
    tell("ready");
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        match line.split_once(' ') {
            None if line == "ping" => tell("pong"),
            None if line == "thread" => {
                let ended = std::sync::Arc::clone(&ended);
                thread = Some(std::thread::spawn(move || {
                    tell(&format!("thread {}", sys::thread_id()));
                    let _ = ended.lock().unwrap().recv();
                }));
            }
            Some(("no", "thread")) => {
                let _ = end.send(());
                let ended = thread.take().is_some_and(|thread| thread.join().is_ok());
                tell(if ended { "thread 0" } else { "error no thread" });
            }
            Some(("unblock", signal)) => sys::unblock(&[signal.parse().unwrap_or(0)]),
            Some(("exit", code)) => sys::exit_now(code.parse().unwrap_or(0)),
            _ => tell(&format!("error unknown command {line:?}")),
        }
    }
    sys::exit_now(0)
}

fn idle() -> ! {
    loop {
        sys::pause();
    }
}

fn read_signals(fd: OwnedFd) {
    // One `struct signalfd_siginfo` a read; its first field is the number.
    let mut file = std::fs::File::from(fd);
    let mut record = [0_u8; 128];
    while file.read_exact(&mut record).is_ok() {
        let number = u32::from_ne_bytes([record[0], record[1], record[2], record[3]]);
        tell(&format!("signalfd {number}"));
    }
}

/// Children that sleep; they die with this process, which never collects them: the kernel does.
fn hatch(recipe: &Recipe) -> std::io::Result<()> {
    sys::ignore(libc::SIGCHLD)?;
    let mut parent = std::process::id();
    for left in (0..recipe.brood).rev() {
        if sys::fork()? == 0 {
            sys::die_with_parent();
            if std::os::unix::process::parent_id() != parent {
                // It died before the line above.
                sys::exit_now(0);
            }
            if recipe.deep && left > 0 {
                parent = std::process::id();
                continue;
            }
            idle();
        }
        if recipe.deep {
            if left + 1 < recipe.brood {
                idle();
            }
            break;
        }
    }
    // The name that the recipe gives is theirs alone.
    sys::set_name("brood-parent");
    Ok(())
}

/// A tracer that looks on: what it traces stays in every stop.
fn trace(pid: i32, attach: bool) -> std::io::Result<()> {
    if attach {
        sys::attach(pid)?;
    } else {
        sys::seize(pid)?;
    }
    std::thread::spawn(obey);
    // The tracer is this thread.
    loop {
        match sys::wait_any(pid, libc::__WALL) {
            Some((_, status)) if status & 0xff == 0x7f => {
                tell(&format!("tracer {}", status >> 8 & 0xff))
            }
            Some(_) => tell("traced process ended"),
            None => loop {
                sys::pause();
            },
        }
    }
}
