//! Proof: what is predicted is what the kernel does. Each cell is a real process, made so, sent the signal by kill(2).
//!
//! Every signal x {default, ignored, caught} x {unblocked, blocked in all threads, in the leader only, in the others only,
//! taken by signalfd, waited for by sigwaitinfo} x {running, stopped, zombie, namespace init from outside and from inside}, and
//! for every signal: ptraced (seized and attached), orphaned group, exited leader with living threads, frozen cgroup (v1 and v2), core files allowed.
//!
//! Cells that cannot be made: KILL and STOP are never ignored, caught, blocked, in a signalfd or waited for (the kernel
//! refuses or forgets it); 32 and 33 are the C library's. A namespace init is not seen stopped from inside.
//! Kernel threads are asked with signal 0 only.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod cells;
mod frozen;
mod inits;
mod kernel_threads;
mod rights;
mod running;
mod states;
mod tally;
