//! Looking at every process with a question of one's own, and holding those that are meant.
//!
//! What a [`Selector`](crate::selector::Selector) says is asked by [`census`](super::census); this is for choices that it cannot
//! say, as those of another tool. Whoever is to be signalled is held first, and the question asked again through the descriptor
//! that the signal goes through ([`prepare_held`](crate::plan::prepare_held)).

use std::io;
use std::os::fd::AsFd;

use super::held::leads;
use super::view::{Answer, Buffers, Stop, View};
use crate::procfs::{PidName, Proc, ProcDir, is_gone, numbers_in, open_dir};

/// Looks at every process that can be seen, in rising order, zombies and kernel threads too. Those that end meanwhile, and those
/// of which something may not be read that was asked for, are passed over. Nothing is held: what is read one after the other may
/// be of two processes of the same number.
///
/// # Errors
/// What `/proc` says about itself, e.g. EMFILE.
///
/// ```
/// use wigwag_process::{census::look_at_all, procfs::Proc};
/// let mut names = Vec::new();
/// look_at_all(&Proc::open()?, |one| {
///     names.push((one.pid(), one.comm()?.to_vec()));
///     Ok(())
/// })?;
/// assert!(names.iter().any(|(pid, _)| *pid == std::process::id() as i32));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn look_at_all(
    proc: &Proc,
    mut look: impl FnMut(&mut View<'_>) -> Answer<()>,
) -> io::Result<()> {
    let mut buffers = Buffers::new();
    for pid in proc.pids()? {
        unless_fatal(look(&mut View::passing(proc, pid, &mut buffers)))?;
    }
    Ok(())
}

/// The same for one process; nothing where there is none of that number, or it is a thread's.
///
/// # Errors
/// As [`look_at_all`].
///
/// ```
/// use wigwag_process::{census::look_at, procfs::Proc};
/// let (me, mut parent) = (std::process::id() as i32, 0);
/// look_at(&Proc::open()?, me, |one| {
///     parent = one.stat()?.ppid;
///     Ok(())
/// })?;
/// assert_eq!(parent, std::os::unix::process::parent_id() as i32);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn look_at(
    proc: &Proc,
    pid: i32,
    look: impl FnOnce(&mut View<'_>) -> Answer<()>,
) -> io::Result<()> {
    let mut buffers = Buffers::new();
    let mut view = View::passing(proc, pid, &mut buffers);
    let answer = match view.status() {
        Ok(status) if status.tgid != pid => Ok(()),
        Ok(_) => look(&mut view),
        Err(stop) => Err(stop),
    };
    unless_fatal(answer).map(|_| ())
}

/// The same for the threads of one process, of which the first has the process's number. None where the process has ended.
///
/// # Errors
/// As [`look_at_all`].
///
/// ```
/// use wigwag_process::{census::look_at_threads, procfs::Proc};
/// let mut threads = 0;
/// look_at_threads(&Proc::open()?, std::process::id() as i32, |_| {
///     threads += 1;
///     Ok(())
/// })?;
/// assert!(threads >= 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn look_at_threads(
    proc: &Proc,
    pid: i32,
    mut look: impl FnMut(&mut View<'_>) -> Answer<()>,
) -> io::Result<()> {
    let mut buffers = Buffers::new();
    let opened = open_dir(proc, PidName::with(pid, c"task").as_c_str());
    let listed = opened.and_then(|tasks| Ok((numbers_in(tasks.as_fd())?, tasks)));
    let (threads, tasks) = match listed {
        Ok(found) => found,
        Err(error) if is_gone(&error) => return Ok(()),
        Err(error) => return Err(error),
    };
    for tid in threads {
        unless_fatal(look(&mut View::thread(tasks.as_fd(), tid, &mut buffers)))?;
    }
    Ok(())
}

/// Opens process `pid`, and gives it if `is_meant` holds of what is read through that descriptor. `None` for one that has ended, of
/// which that may not be read, or whose number is a thread's by now.
///
/// # Errors
/// As [`look_at_all`]; EMFILE where too many are held already.
///
/// ```
/// use wigwag_process::{census::hold_if, procfs::Proc};
/// let (proc, me) = (Proc::open()?, std::process::id() as i32);
/// let held = hold_if(&proc, me, |one| Ok(one.stat()?.pid == me))?;
/// assert!(held.is_some_and(|dir| dir.pid() == me));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn hold_if(
    proc: &Proc,
    pid: i32,
    is_meant: impl FnOnce(&mut View<'_>) -> Answer<bool>,
) -> io::Result<Option<ProcDir>> {
    let dir = match proc.dir(pid) {
        Ok(dir) => dir,
        Err(error) if is_gone(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut buffers = Buffers::new();
    let meant = unless_fatal(is_meant(&mut View::held(&dir, &mut buffers)))?;
    if meant != Some(true) {
        return Ok(None);
    }
    let is_process = leads(&dir) || dir.status().is_ok_and(|status| status.tgid == pid);
    Ok(is_process.then_some(dir))
}

fn unless_fatal<T>(answer: Answer<T>) -> io::Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Stop::Gone | Stop::Unreadable(_)) => Ok(None),
        Err(Stop::Fatal(error)) => Err(error),
    }
}
