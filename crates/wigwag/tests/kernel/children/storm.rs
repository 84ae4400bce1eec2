//! Many children.

use std::collections::HashMap;
use std::io::Read;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Instant;

use wigwag::receive::{self, ChildEnd, ChildRegistration};
use wigwag::{Error, WaitStatus, send};

use super::{KILLED, SOON, capture, end, sleeper, until_zombie};
use crate::tools::{collect, fork, has_zombie};

/// How many children most storms usually have.
const SMALLER: i32 = 2_000;

/// How many children a storm has.
fn count(usually: i32) -> i32 {
    let asked = std::env::var("WIGWAG_CHILDREN").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(usually)
}

/// How many times longer than usual most storms are.
pub fn growth() -> u32 {
    u32::try_from(count(SMALLER) / SMALLER).unwrap().max(1)
}

/// Children of others: `Child`s that end meanwhile, and are collected by their owner alone.
struct Others {
    waited: std::thread::JoinHandle<()>,
    left: Vec<(Child, i32)>,
}

fn program(status: i32) -> Child {
    Command::new("sh")
        .args(["-c", &format!("exit {status}")])
        .spawn()
        .unwrap()
}

impl Others {
    /// Half of them are waited for at once; half lie as zombies, at the head of the kernel's list, until all is over.
    fn begin() -> Others {
        let left: Vec<_> = (0..50).map(|status| (program(status), status)).collect();
        left.iter()
            .for_each(|(child, _)| until_zombie(child.id() as i32));
        let waited = std::thread::spawn(|| {
            for status in 50..100 {
                assert_eq!(program(status).wait().unwrap().code(), Some(status));
            }
        });
        Others { waited, left }
    }

    fn have_theirs(self) {
        self.waited.join().unwrap();
        for (mut child, status) in self.left {
            assert!(has_zombie(child.id() as i32));
            assert_eq!(child.wait().unwrap().code(), Some(status));
        }
    }
}

type Told = mpsc::Receiver<(i32, Result<ChildEnd, Error>)>;

/// Each of them is told once, with its own status.
fn each_once(told: &Told, mut expected: HashMap<i32, WaitStatus>) {
    while !expected.is_empty() {
        let told = told.recv_timeout(SOON);
        let Ok((pid, end)) = told else {
            panic!(
                "{} are not told, {} of them are zombies",
                expected.len(),
                expected.keys().filter(|pid| has_zombie(**pid)).count()
            );
        };
        let end = end.unwrap();
        assert_eq!(end.pid, pid);
        assert_eq!(expected.remove(&pid), Some(end.status));
    }
    assert!(receive::drain(SOON));
    assert!(told.try_recv().is_err(), "none is told twice");
    assert_eq!(receive::panics(), 0);
}

fn register(pid: i32, tell: &mpsc::Sender<(i32, Result<ChildEnd, Error>)>) -> ChildRegistration {
    let tell = tell.clone();
    receive::on_child(pid, move |end| tell.send((pid, end)).unwrap()).unwrap()
}

/// Made and ended one after the other, while others are still running.
pub fn one_after_the_other(is_captured: bool) {
    capture(is_captured);
    let others = Others::begin();
    let (tell, told) = mpsc::channel();
    // Pids are given out again: what is expected of one is taken over before another can have it.
    let (mut left, mut in_flight) = (count(10_000), HashMap::new());
    let mut registrations = HashMap::new();
    while left > 0 || !in_flight.is_empty() {
        if left > 0 && in_flight.len() < 64 {
            left -= 1;
            let child = match left % 3 {
                0 => sleeper(),
                _ => fork(|| left % 256),
            };
            let expected = match left % 3 {
                0 => KILLED,
                _ => WaitStatus::Exited(left % 256),
            };
            registrations.insert(child, register(child, &tell));
            assert_eq!(in_flight.insert(child, expected), None);
            if expected == KILLED {
                end(child);
            }
        } else {
            let (pid, told) = told.recv_timeout(SOON).unwrap();
            assert_eq!(in_flight.remove(&pid), Some(told.unwrap().status));
            registrations.remove(&pid);
        }
    }
    each_once(&told, in_flight);
    others.have_theirs();
}

/// All run, and end at the same moment.
pub fn all_at_once(is_captured: bool) {
    capture(is_captured);
    let others = Others::begin();
    let (tell, told) = mpsc::channel();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut expected = HashMap::new();
    let mut writer = Some(writer);
    for n in 0..count(SMALLER) {
        let child = fork(|| {
            drop(writer.take());
            assert_eq!(reader.read(&mut [0]).unwrap(), 0);
            n % 256
        });
        expected.insert(child, WaitStatus::Exited(n % 256));
    }
    let registrations: Vec<_> = expected.keys().map(|pid| register(*pid, &tell)).collect();
    assert!(receive::drain(SOON));
    assert!(told.try_recv().is_err());
    let begun = Instant::now();
    drop(writer);
    let many = expected.len();
    each_once(&told, expected);
    println!("{many} children were told within {:?}", begun.elapsed());
    others.have_theirs();
    drop(registrations);
}

/// Dropped while they end: either it has been told, or the child is its owner's.
pub fn dropped_while_they_end() {
    let (mut called, mut collected) = (0, 0);
    for n in 0..count(SMALLER) {
        let was_told = Arc::new(AtomicBool::new(false));
        let tells = Arc::clone(&was_told);
        let child = fork(|| 9);
        let registration = receive::on_child(child, move |end| {
            assert_eq!(end.unwrap().status, WaitStatus::Exited(9));
            tells.store(true, Ordering::SeqCst);
        });
        for _ in 0..n % 400 * 20 {
            std::hint::spin_loop();
        }
        drop(registration);
        if was_told.load(Ordering::SeqCst) {
            called += 1;
            assert!(send::probe(child).unwrap_err().is_gone());
        } else {
            assert_eq!(collect(child), WaitStatus::Exited(9));
            assert!(!was_told.load(Ordering::SeqCst));
            collected += 1;
        }
    }
    println!("{called} were told, {collected} were left");
    assert_eq!(receive::panics(), 0);
}

/// Every child of the process is told to those who want all, and once.
pub fn all_collected() {
    let ends: Arc<Mutex<HashMap<i32, u32>>> = Arc::default();
    let added = Arc::clone(&ends);
    let (tell, told) = mpsc::channel();
    let _registration = receive::on_any_child(move |end| {
        *added.lock().unwrap().entry(end.pid).or_default() += 1;
        tell.send((end.pid, Ok(end))).unwrap();
    });
    let expected: HashMap<i32, WaitStatus> = (0..count(SMALLER))
        .map(|n| (fork(|| n % 256), WaitStatus::Exited(n % 256)))
        .collect();
    each_once(&told, expected);
    assert!(ends.lock().unwrap().values().all(|times| *times == 1));
}
