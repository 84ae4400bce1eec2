use loom::sync::atomic::{AtomicU64, Ordering};
use loom::sync::{Arc, Mutex, Notify};
use loom::thread;

use crate::holding::{Answer, Holding};
use crate::ring::{Ring, Words};
use crate::sleeper::Sleeper;

fn model(run: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(run);
}

fn record(who: u64) -> Words {
    [who, 0, 0, 0, 0, 0, !who]
}

fn who(words: Words) -> u64 {
    assert_eq!(words[6], !words[0], "not torn");
    words[0]
}

#[test]
fn two_writers_and_the_reader() {
    model(|| {
        let ring: Arc<Ring<2>> = Arc::new(Ring::new());
        let writers = [1, 2].map(|who| {
            let ring = Arc::clone(&ring);
            thread::spawn(move || assert!(ring.push(&record(who)).is_some()))
        });
        let mut seen: Vec<u64> = ring.pop().map(who).into_iter().collect();
        for writer in writers {
            writer.join().unwrap();
        }
        seen.extend(std::iter::from_fn(|| ring.pop()).map(who));
        seen.sort_unstable();
        assert_eq!(seen, [1, 2]);
    });
}

/// One writer's records come in order, over a full ring, and what finds no room is told.
#[test]
fn a_full_ring_loses_only_what_it_says() {
    model(|| {
        let ring: Arc<Ring<2>> = Arc::new(Ring::new());
        let writing = Arc::clone(&ring);
        let writer = thread::spawn(move || {
            (1..=3)
                .filter(|n| writing.push(&record(*n)).is_some())
                .collect::<Vec<u64>>()
        });
        let mut seen: Vec<u64> = ring.pop().map(who).into_iter().collect();
        let pushed = writer.join().unwrap();
        seen.extend(std::iter::from_fn(|| ring.pop()).map(who));
        assert_eq!(seen, pushed);
        assert!(ring.is_empty());
    });
}

/// The library's thread never sleeps while something lies in the ring. A sleeper that nobody wakes is a deadlock, which loom finds.
#[test]
fn no_wake_up_is_lost() {
    model(|| {
        let ring: Arc<Ring<2>> = Arc::new(Ring::new());
        let sleeper = Arc::new(Sleeper::new());
        let bed = Arc::new(Notify::new());
        let writers = [1, 2].map(|who| {
            let (ring, sleeper, bed) = (Arc::clone(&ring), Arc::clone(&sleeper), Arc::clone(&bed));
            thread::spawn(move || {
                ring.push(&record(who)).unwrap();
                if sleeper.to_wake().is_some() {
                    bed.notify();
                }
            })
        });
        let mut seen = 0;
        while seen < 2 {
            if ring.pop().is_some() {
                seen += 1;
                continue;
            }
            sleeper.about_to_sleep(-1);
            if ring.is_empty() {
                bed.wait();
            }
            sleeper.awake();
        }
        for writer in writers {
            writer.join().unwrap();
        }
    });
}

/// The task of a stream takes its own record just as the library's thread looks whether anything is there: what lies behind it is for
/// that thread, which does not sleep then.
#[test]
fn what_lies_behind_a_task_s_own_is_seen() {
    model(|| {
        let ring: Arc<Ring<2>> = Arc::new(Ring::new());
        let reader = Arc::new(Mutex::new(()));
        let sleeper = Arc::new(Sleeper::new());
        let bed = Arc::new(Notify::new());
        let writer = {
            let (ring, sleeper, bed) = (Arc::clone(&ring), Arc::clone(&sleeper), Arc::clone(&bed));
            thread::spawn(move || {
                // For the first the task is woken.
                ring.push(&record(1)).unwrap();
                ring.push(&record(2)).unwrap();
                if sleeper.to_wake().is_some() {
                    bed.notify();
                }
            })
        };
        let task = {
            let (ring, reader) = (Arc::clone(&ring), Arc::clone(&reader));
            thread::spawn(move || {
                let _reader = reader.lock().unwrap();
                ring.pop_if(|words| who(*words) == 1);
            })
        };
        loop {
            let popped = {
                let _reader = reader.lock().unwrap();
                ring.pop().map(who)
            };
            match popped {
                Some(2) => break,
                Some(_) => continue,
                None => {}
            }
            sleeper.about_to_sleep(-1);
            if ring.is_empty() {
                bed.wait();
            }
            sleeper.awake();
        }
        writer.join().unwrap();
        task.join().unwrap();
    });
}

const TID: i32 = 7;
const BIT: u64 = 4;

/// A thread that has opened catches the next signal; the library's thread takes the next from the kernel only where no thread can
/// have. Both take numbers from one kernel: each comes once, and in order.
fn one_taker(asks: usize) {
    model(move || {
        let holding: Arc<Holding<2>> = Arc::new(Holding::new());
        // What is in the kernel's queue, by the number of the next one.
        let kernel = Arc::new(AtomicU64::new(1));
        let ring: Arc<Ring<4>> = Arc::new(Ring::new());
        assert!(holding.hold(TID, BIT));
        let thread = {
            let (holding, kernel, ring) =
                (Arc::clone(&holding), Arc::clone(&kernel), Arc::clone(&ring));
            thread::spawn(move || {
                // The request may come at any time, also after it has been withdrawn.
                if holding.release_if_asked(TID, 0) & BIT != 0 {
                    // Opened. It catches one, and there is no more room.
                    let number = kernel.fetch_add(1, Ordering::SeqCst);
                    ring.push(&record(number)).unwrap();
                    assert!(holding.hold(TID, BIT));
                }
            })
        };
        let mut seen = Vec::new();
        let take_all = |seen: &mut Vec<u64>| {
            loop {
                seen.extend(std::iter::from_fn(|| ring.pop()).map(who));
                let held = holding.held(0);
                if held.bits != 0 && !ring.is_clear() {
                    thread::yield_now();
                    continue;
                }
                if held.taken & BIT != 0 {
                    seen.push(kernel.fetch_add(1, Ordering::SeqCst));
                }
                return;
            }
        };
        for _ in 0..asks {
            holding.ask(0, |_| Answer::Sent);
            take_all(&mut seen);
            holding.withdraw();
            take_all(&mut seen);
        }
        thread.join().unwrap();
        seen.extend(std::iter::from_fn(|| ring.pop()).map(who));
        let all: Vec<u64> = (1..kernel.load(Ordering::SeqCst)).collect();
        assert_eq!(seen, all);
    });
}

/// What a thread holds back is not taken, nor opened, before what others have claimed: they may not have written it yet.
#[test]
fn what_is_claimed_comes_first() {
    model(|| {
        let holding: Arc<Holding<2>> = Arc::new(Holding::new());
        let ring: Arc<Ring<4>> = Arc::new(Ring::new());
        let kernel = Arc::new(AtomicU64::new(1));
        let other = {
            let (ring, kernel) = (Arc::clone(&ring), Arc::clone(&kernel));
            thread::spawn(move || {
                let claimed = ring.claim().unwrap();
                kernel.fetch_add(1, Ordering::SeqCst);
                ring.publish(claimed, &record(0));
            })
        };
        let thread = {
            let (holding, ring, kernel) =
                (Arc::clone(&holding), Arc::clone(&ring), Arc::clone(&kernel));
            thread::spawn(move || {
                // It holds back after the other has claimed, if it has.
                let after = kernel.load(Ordering::SeqCst) > 1;
                ring.push(&record(1)).unwrap();
                assert!(holding.hold(TID, BIT));
                after
            })
        };
        let mut seen: Vec<u64> = std::iter::from_fn(|| ring.pop()).map(who).collect();
        let may_take = holding.held(0).taken & BIT != 0 && ring.is_clear();
        seen.extend(may_take.then_some(2));
        other.join().unwrap();
        if thread.join().unwrap() && may_take {
            assert_eq!(seen, [0, 1, 2], "all that was caught before");
        }
    });
}

#[test]
fn what_is_held_back_has_one_taker() {
    one_taker(1);
}

#[test]
fn what_is_held_back_has_one_taker_asked_twice() {
    one_taker(2);
}

/// What is full stays, what is not is opened.
#[test]
fn what_has_no_room_stays_closed() {
    model(|| {
        let holding: Arc<Holding<1>> = Arc::new(Holding::new());
        assert!(holding.hold(TID, BIT | 1));
        assert!(!holding.hold(TID + 1, BIT), "no place is left");
        let asked = Arc::clone(&holding);
        let thread = thread::spawn(move || asked.release_if_asked(TID, BIT));
        assert!(holding.ask(BIT, |_| Answer::Sent));
        let opened = thread.join().unwrap() | holding.release_if_asked(TID, BIT);
        assert_eq!(opened, 1);
        assert_eq!(holding.held(0).taken, BIT);
    });
}
