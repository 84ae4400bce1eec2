//! Proof that finding processes by name costs little: `cargo bench -p wigwag-process --bench scan [-- N...]`.
//!
//! Forks N sleeping processes (10,000, or the numbers given; `linear` for 1,000 to 20,000) and, in rounds that alternate,
//! times a bare read of every /proc/PID/stat, the census by name, and as whole programs pgrep, killall -0 and a program that
//! does the census; `WIGWAG=path/to/wigwag` adds the command itself. Prints medians, and ratios as medians of the rounds'
//! ratios. The processes end when this one does.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, RawDir};
use wigwag_process::census::census;
use wigwag_process::procfs::Proc;
use wigwag_process::selector::{Filter, Selector, Target};

/// A name that no process has.
const NOBODY: &str = "nosuch";

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    if arguments.first().is_some_and(|a| a == "--census") {
        return one_census(&arguments[1]);
    }
    let linear = arguments.iter().any(|a| a == "linear");
    let mut sizes: Vec<usize> = arguments.iter().filter_map(|a| a.parse().ok()).collect();
    if linear {
        sizes = vec![1_000, 2_000, 5_000, 10_000, 20_000];
    } else if sizes.is_empty() {
        sizes = vec![10_000];
    }
    let pid_max: usize = std::fs::read_to_string("/proc/sys/kernel/pid_max")
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    println!(
        "kernel {}, pid_max {pid_max}",
        std::fs::read_to_string("/proc/sys/kernel/osrelease")
            .unwrap()
            .trim()
    );
    for size in sizes {
        if size + 1_000 > pid_max {
            println!("\n{size} processes: skipped, since pid_max is {pid_max}");
            continue;
        }
        let flock = Flock::start(size);
        measure(size, &flock.name);
    }
}

/// One program's worth: starts, finds, says what memory that took.
fn one_census(name: &str) {
    let found = by_name(&Proc::open().unwrap(), name);
    let own = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = own.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
    println!("{found} found, peak resident memory {}", peak.trim());
}

fn by_name(proc: &Proc, name: &str) -> usize {
    census(proc, &Target::Name(name.to_owned()).into())
        .unwrap()
        .found
        .len()
}

/// The bare scan: what a program does that reads every stat file and nothing else.
fn read_every_stat(buffer: &mut [MaybeUninit<u8>]) -> usize {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let proc = rustix::fs::open("/proc", flags, Mode::empty()).unwrap();
    let mut entries = RawDir::new(&proc, buffer);
    let mut text = [0u8; 1024];
    let mut read = 0;
    while let Some(entry) = entries.next() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_bytes();
        if !name[0].is_ascii_digit() {
            continue;
        }
        let mut path = [0u8; 32];
        path[..name.len()].copy_from_slice(name);
        path[name.len()..name.len() + 5].copy_from_slice(b"/stat");
        let path = std::ffi::CStr::from_bytes_until_nul(&path).unwrap();
        let Ok(file) =
            rustix::fs::openat(&proc, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        else {
            continue;
        };
        let len = rustix::io::read(&file, &mut text).unwrap_or(0);
        // As plain as a search can be.
        read += usize::from(
            !black_box(&text[..len])
                .windows(6)
                .any(|w| w == NOBODY.as_bytes()),
        );
    }
    read
}

fn measure(size: usize, name: &str) {
    let proc = Proc::open().unwrap();
    let mut buffer = vec![MaybeUninit::uninit(); 64 * 1024];
    let me = std::env::current_exe().unwrap();
    let full = Selector {
        filter: Filter {
            name: vec![NOBODY.to_owned()],
            full: true,
            ..Filter::default()
        },
        ..Selector::default()
    };
    let mut cases: Vec<(String, Box<dyn FnMut()>)> = vec![
        (
            "every /proc/PID/stat, bare".into(),
            Box::new(|| assert!(read_every_stat(&mut buffer) >= size)),
        ),
        (
            "census, name of nobody".into(),
            Box::new(|| assert_eq!(by_name(&proc, NOBODY), 0)),
        ),
        (
            "census, whole command line".into(),
            Box::new(|| assert_eq!(census(&proc, &full).unwrap().found.len(), 0)),
        ),
    ];
    let hold_all = rustix::process::getrlimit(rustix::process::Resource::Nofile)
        .current
        .is_none_or(|limit| limit > size as u64 + 100);
    if hold_all {
        cases.push((
            "census, name of all, each held".into(),
            Box::new(|| assert_eq!(by_name(&proc, name), size)),
        ));
    }
    let programs = cases.len();
    let mut program = |command: &[&str]| {
        let command: Vec<String> = command.iter().map(|w| (*w).to_owned()).collect();
        let label = format!(
            "`{}`",
            command.join(" ").replace(me.to_str().unwrap(), "census")
        );
        cases.push((label, Box::new(move || run(&command))));
    };
    program(&["pgrep", NOBODY]);
    program(&["killall", "-0", NOBODY]);
    program(&[me.to_str().unwrap(), "--census", NOBODY]);
    if let Ok(wigwag) = std::env::var("WIGWAG") {
        program(&[&wigwag, "send", "-s", "0", "--name", NOBODY]);
    }
    let rounds = if size > 5_000 { 11 } else { 21 };
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); cases.len()];
    for _ in 0..rounds {
        for (case, times) in cases.iter_mut().zip(&mut times) {
            let start = Instant::now();
            case.1();
            times.push(start.elapsed());
        }
    }
    println!("\n{size} sleeping processes, {rounds} rounds\n");
    println!("| what | ms | us a process | / bare stat | / pgrep | / killall |");
    println!("|---|---|---|---|---|---|");
    for (index, (label, _)) in cases.iter().enumerate() {
        let ms = median(times[index].iter().map(|t| t.as_secs_f64() * 1e3).collect());
        let ratio = |base: usize| {
            median(
                times[index]
                    .iter()
                    .zip(&times[base])
                    .map(|(a, b)| a.as_secs_f64() / b.as_secs_f64())
                    .collect(),
            )
        };
        println!(
            "| {label} | {ms:.1} | {:.2} | {:.2} | {:.2} | {:.2} |",
            ms * 1e3 / size as f64,
            ratio(0),
            ratio(programs),
            ratio(programs + 1)
        );
    }
    drop(cases);
    let names = if hold_all {
        vec![NOBODY, name]
    } else {
        vec![NOBODY]
    };
    for name in names {
        let output = Command::new(&me).args(["--census", name]).output().unwrap();
        println!(
            "\nmemory: {}",
            String::from_utf8_lossy(&output.stdout).trim()
        );
    }
}

fn run(command: &[String]) {
    let null = Stdio::null;
    Command::new(&command[0])
        .args(&command[1..])
        .stdout(null())
        .stderr(null())
        .status()
        .unwrap();
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Forks of one shell, each blocked in a read from a pipe that this process keeps open.
struct Flock {
    shell: Child,
    folder: std::path::PathBuf,
    name: String,
}

impl Flock {
    fn start(size: usize) -> Flock {
        let folder = std::env::temp_dir().join(format!("wigwag-scan-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let name = format!("flock{}", std::process::id());
        let shell = std::fs::canonicalize("/bin/sh").unwrap();
        let link = folder.join(&name);
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(shell, &link).unwrap();
        let script = "exec 3<&0; i=1; while [ $i -lt $0 ]; do (read x <&3) & i=$((i+1)); done; echo ready; wait";
        let mut shell = Command::new(link)
            .args(["-c", script, &size.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 5];
        std::io::Read::read_exact(shell.stdout.as_mut().unwrap(), &mut ready).unwrap();
        Flock {
            shell,
            folder,
            name,
        }
    }
}

impl Drop for Flock {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
