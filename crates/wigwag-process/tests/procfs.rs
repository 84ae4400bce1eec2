//! Reading `/proc`: the parsers on anything, and the directories of real processes.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::process::{Child, Command, Stdio};

use proptest::prelude::*;
use wigwag::Signal;
use wigwag_process::identity::Process;
use wigwag_process::procfs::{
    Limits, Namespace, Proc, ProcError, Stat, Status, cgroup_mounts, is_gone, parse_cgroups,
    parse_maps,
};

fn cat() -> Child {
    Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// A child that ends when its input does.
fn end(mut child: Child) {
    drop(child.stdin.take());
    child.wait().unwrap();
}

#[test]
fn a_child_as_the_kernel_shows_it() {
    let child = cat();
    let pid = child.id() as i32;
    let proc = Proc::open().unwrap();
    let dir = proc.dir(pid).unwrap();
    let (stat, status) = (dir.stat().unwrap(), dir.status().unwrap());
    assert_eq!(
        (stat.pid, stat.comm.to_str(), stat.num_threads),
        (pid, Some("cat"), 1)
    );
    assert_eq!(
        (stat.ppid, status.ppid),
        (std::process::id() as i32, std::process::id() as i32)
    );
    assert_eq!((status.tgid, status.pid, status.threads), (pid, pid, 1));
    assert_eq!(status.uids[1], rustix::process::geteuid().as_raw());
    assert!(!stat.is_kernel_thread() && !stat.is_zombie());
    assert!(proc.uptime() >= proc.ticks(stat.start_ticks));
    assert!(status.sigq.1 > 0 && status.vm_rss.unwrap() > 0);
    assert_eq!(dir.comm().unwrap(), "cat");
    assert_eq!(dir.cmdline().unwrap(), ["cat"]);
    assert!(
        dir.environ()
            .unwrap()
            .iter()
            .any(|v| v.to_str().unwrap().starts_with("PATH="))
    );
    assert!(dir.fds().unwrap().starts_with(&[0, 1, 2]));
    assert!(
        dir.fd_link(0)
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("pipe:[")
    );
    assert!(dir.fdinfo(0).unwrap().contains("flags:"));
    assert_eq!(dir.tasks().unwrap(), [pid]);
    assert_eq!(dir.task(pid).unwrap().stat().unwrap().pid, pid);
    assert_eq!(dir.namespace(Namespace::Pid).unwrap(), proc.pid_namespace());
    assert_eq!(dir.limits().unwrap(), proc.own().unwrap().limits().unwrap());
    assert!(dir.exe().unwrap().is_absolute());
    assert_eq!(dir.cwd().unwrap(), std::env::current_dir().unwrap());
    assert!(!dir.cgroups().unwrap().is_empty());
    assert!(parse_maps(&dir.maps().unwrap()).any(|m| m.path == dir.exe().unwrap()));
    end(child);
    assert!(is_gone(&dir.stat().unwrap_err()));
    assert!(is_gone(&dir.fds().unwrap_err()));
    assert!(is_gone(&dir.namespace(Namespace::Net).unwrap_err()));
    assert!(is_gone(&proc.dir(pid).unwrap_err()));
}

#[test]
fn a_sleeping_child_tells_its_system_call() {
    let child = cat();
    let dir = Proc::open().unwrap().dir(child.id() as i32).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        // read(2) is 0 on x86_64 and 63 on aarch64.
        match dir.syscall().unwrap() {
            Some((0 | 63, [0, ..])) => break,
            _ => assert!(std::time::Instant::now() < deadline, "cat never reads"),
        }
        std::thread::yield_now();
    }
    end(child);
}

#[test]
fn masks_and_names_of_a_child() {
    let mut child = Command::new("sh")
        .args([
            "-c",
            "trap '' HUP; trap : USR1; printf 'a) (b\\nc' >/proc/self/comm; echo; read x",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = [0];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
    let dir = Proc::open().unwrap().dir(child.id() as i32).unwrap();
    let status = dir.status().unwrap();
    assert!(status.ignored.contains(Signal::HUP) && !status.ignored.contains(Signal::USR1));
    assert!(status.caught.contains(Signal::USR1));
    assert_eq!(dir.stat().unwrap().pid, child.id() as i32);
    end(child);
}

#[test]
fn a_name_with_everything_in_it() {
    // Of a thread of one's own: the name is set through /proc, which takes any bytes but NUL.
    std::thread::spawn(|| {
        let name = "a) (b\n) R 1";
        std::fs::write("/proc/thread-self/comm", name).unwrap();
        let link = std::fs::read_link("/proc/thread-self").unwrap();
        let tid: i32 = link.file_name().unwrap().to_str().unwrap().parse().unwrap();
        let task = Proc::open().unwrap().own().unwrap().task(tid).unwrap();
        let stat = task.stat().unwrap();
        assert_eq!((stat.pid, stat.comm.to_str()), (tid, Some(name)));
        assert_eq!(task.comm().unwrap(), name);
        // In `status` the kernel escapes it, so that no line can be faked.
        assert_eq!(task.status().unwrap().pid, tid);
    })
    .join()
    .unwrap();
}

#[test]
fn what_is_no_proc_is_refused() {
    assert!(matches!(Proc::at("/"), Err(ProcError::NotProc { .. })));
    assert!(matches!(
        Proc::at("/no/such/folder"),
        Err(ProcError::Open { .. })
    ));
}

/// A child in a new pid namespace that has inherited the `Proc` of its parent: number 1 there is not number 1 here.
#[test]
fn a_proc_becomes_foreign_in_a_child_of_a_new_namespace() {
    wigwag_testkit::namespace!();
    let proc = Proc::open().unwrap();
    let init = Process::open(&proc, 1).unwrap();
    assert!(proc.is_own());
    let refused = wigwag_testkit::ask_in_new_namespace(|| {
        let error = init.pidfd(&proc).unwrap_err();
        !proc.is_own() && error.raw_os_error() == Some(libc::EXDEV)
    });
    assert!(refused.unwrap());
    assert!(proc.is_own() && init.pidfd(&proc).is_ok());
}

/// Run by [`a_foreign_proc_is_refused`] in a pid namespace of its own, with the outer `/proc`.
#[test]
fn inner_foreign() {
    if std::env::var_os("WIGWAG_INNER").is_none_or(|what| what != "foreign") {
        return;
    }
    let error = Proc::open().unwrap_err();
    assert!(matches!(error, ProcError::Foreign { .. }), "{error}");
    println!("refused as foreign");
}

#[test]
fn a_foreign_proc_is_refused() {
    let output = Command::new("unshare")
        .args(["--pid", "--fork"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "inner_foreign", "--nocapture"])
        .env("WIGWAG_INNER", "foreign")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    if String::from_utf8_lossy(&output.stderr).contains("Operation not permitted") {
        eprintln!("skipped: no pid namespace can be made here");
        return;
    }
    assert!(text.contains("refused as foreign"), "{text}");
}

proptest! {
    #[test]
    fn parsers_take_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Stat::parse(&bytes);
        let _ = Status::parse(&bytes);
        let _ = Limits::parse(&bytes);
        let _ = parse_cgroups(&bytes);
        let _ = cgroup_mounts(&bytes);
        let _ = parse_maps(&bytes).count();
    }

    #[test]
    fn parsers_take_real_text_with_bytes_changed(at in 0usize..2000, byte: u8, cut in 0usize..2000) {
        let proc = Proc::open().unwrap();
        for file in [c"self/stat", c"self/status", c"self/limits", c"self/cgroup", c"self/mountinfo", c"self/maps"] {
            let mut text = proc.read(file).unwrap();
            let len = text.len();
            text[at % len] = byte;
            for text in [&text[..], &text[..cut % len]] {
                let _ = Stat::parse(text);
                let _ = Status::parse(text);
                let _ = Limits::parse(text);
                let _ = parse_cgroups(text);
                let _ = cgroup_mounts(text);
                let _ = parse_maps(text).count();
            }
        }
    }

    #[test]
    fn any_name_is_read_back(comm in prop::collection::vec(1u8..=255, 0..16), ppid in 0i32..9999, start: u64) {
        use std::os::unix::ffi::OsStrExt;
        let mut text = b"77 (".to_vec();
        text.extend(&comm);
        text.extend(format!(") S {ppid} 7 7 34816 -1 4194560 9 0 0 {} 1 2 0 0 20 -5 3 0 {start} 4096 3 {}\n", u64::MAX, u64::MAX).bytes());
        let stat = Stat::parse(&text).unwrap();
        prop_assert_eq!(stat.comm.as_bytes(), &comm[..]);
        prop_assert_eq!((stat.ppid, stat.start_ticks, stat.nice, stat.num_threads), (ppid, start, -5, 3));
    }
}
