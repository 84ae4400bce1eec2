//! What wigwag's tests against the real kernel are made of.
//!
//! * [`Puppet`]: a process made to a [`Recipe`]: dispositions, masks, threads, a signalfd, a waiting thread, a name.
//! * [`observe`](Puppet::observe): what a signal really did to a puppet, from the kernel's own mouth.
//! * [`namespace!`]: runs a test in a pid namespace of its own, where pids may be recycled and names signalled.
//! * [`recycle`]: the next process gets a chosen pid.
//! * [`Swapper`]: runs a command and, at its k-th system call, has the test swap one process for another.
//! * [`delay`]: the same by strace's fault injection.
//! * [`Filter`]: runs a command as on a kernel that lacks calls, flags or ioctls; [`shared_inode`]: whose pidfds share an inode.
//!
//! A test binary that uses this crate is its own puppet: started again with a recipe in its environment, it becomes
//! that process before `main` is entered, single-threaded and with untouched dispositions.
#![allow(clippy::unwrap_used, clippy::expect_used)]

pub mod deadline;
pub mod delay;
pub mod filter;
pub mod namespace;
pub mod observe;
pub mod proc;
pub mod puppet;
pub mod recipe;
pub mod recycle;
mod role;
pub mod shared_inode;
pub mod swapper;
mod sys;
mod tracee;

pub use deadline::Deadline;
pub use filter::Filter;
pub use observe::{Observation, Observed};
pub use puppet::{Event, Puppet};
pub use recipe::{Blocking, Recipe};
pub use swapper::{Ran, Swapper};
pub use sys::{
    ask_in_new_namespace, change_user, kill, kill_thread, reap, refuse_group_signals, signal_probe,
};
