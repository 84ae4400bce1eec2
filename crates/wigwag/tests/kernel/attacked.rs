//! Defects that were found by an attack, so that they do not come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use wigwag::{Signal, WaitStatus, receive, send};

use crate::Case;
use crate::tools::{collect, fork};

pub const CASES: &[Case] = &[("attacked::a_child_made_in_a_storm_receives", forks)];

const SOON: Duration = Duration::from_secs(10);

/// Other threads are within the handler as the process forks.
fn forks() {
    let _registration = receive::on(Signal::USR1, |_| ()).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let threads = [(); 2].map(|()| {
        let over = Arc::clone(&over);
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                send::raise(Signal::USR1).unwrap();
            }
        })
    });
    for round in 0..400 {
        let child = fork(|| {
            let seen = Arc::new(AtomicBool::new(false));
            let _flag = receive::flag(Signal::USR2, Arc::clone(&seen)).unwrap();
            send::raise(Signal::USR2).unwrap();
            let until = Instant::now() + SOON;
            while !seen.load(Ordering::SeqCst) && Instant::now() < until {
                std::thread::yield_now();
            }
            i32::from(!seen.load(Ordering::SeqCst))
        });
        assert_eq!(collect(child), WaitStatus::Exited(0), "{round}");
    }
    over.store(true, Ordering::Relaxed);
    threads.map(|thread| thread.join().unwrap());
}
