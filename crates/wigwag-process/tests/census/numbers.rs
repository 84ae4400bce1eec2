//! By number: processes, threads, groups, sessions, trees, ports.

use std::io::Read;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use wigwag_process::selector::Filter;

use crate::tools::{Sleeper, find, pids, why};

#[test]
fn by_number_in_the_order_given_and_each_once() {
    let (a, b) = (Sleeper::plain(), Sleeper::plain());
    let (first, second) = (b.pid().to_string(), a.pid().to_string());
    let group = format!("group:{}", rustix::process::getpgrp().as_raw_nonzero());
    let found = find(&[&first, &second, &first, &group], Filter::default());
    assert_eq!(pids(&found)[..2], [b.pid(), a.pid()]);
    assert_eq!(pids(&found).iter().filter(|&&p| p == a.pid()).count(), 1);
    assert!(found.missing.is_empty());
    let gone = a.pid();
    drop(a);
    assert_eq!(why(&gone.to_string()), format!("no process {gone}"));
}

#[test]
fn a_thread_is_no_process() {
    let (send, receive) = std::sync::mpsc::channel();
    let (end, wait) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        send.send(std::fs::read_link("/proc/thread-self").unwrap())
            .unwrap();
        let _ = wait.recv();
    });
    let link = receive.recv().unwrap();
    let tid = link.file_name().unwrap().to_str().unwrap();
    let me = std::process::id();
    assert!(why(tid).starts_with(&format!("{tid} is a thread of process {me} (")));
    assert!(why(&format!("tree:{tid}")).contains(&format!("thread of process {me}")));
    let found = find(&[&format!("tid:{tid}")], Filter::default());
    assert_eq!(found.threads[0].task.pid().to_string(), tid);
    assert_eq!(found.threads[0].process.pid(), me as i32);
    assert!(found.missing.is_empty() && found.found.is_empty());
    drop(end);
    thread.join().unwrap();
}

#[test]
fn by_group_session_and_tree() {
    let grouped = Sleeper::run("sh", "", |c| {
        c.process_group(0);
    });
    assert_eq!(
        pids(&find(&[&format!("-{}", grouped.pid())], Filter::default())),
        [grouped.pid()]
    );
    let script = "exec 3<&0; (sh -c 'echo >&4; read x <&3; :') 4>&1 >/dev/null & read y <&3";
    let parent = {
        let mut command = Command::new("setsid");
        command
            .args(["sh", "-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        Sleeper(child)
    };
    for target in [
        format!("tree:{}", parent.pid()),
        format!("session:{}", parent.pid()),
    ] {
        let found = pids(&find(&[&target], Filter::default()));
        assert!(
            found.len() >= 2 && found[0] == parent.pid(),
            "{target}: {found:?}"
        );
    }
    assert_eq!(why("group:4194304"), "no process group 4194304");
    assert_eq!(why("session:4194304"), "no session 4194304");
    assert_eq!(why("tree:4194304"), "no process 4194304");
}

#[test]
fn by_port() {
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let me = [std::process::id() as i32];
    let mut ports = vec![
        tcp.local_addr().unwrap().port(),
        udp.local_addr().unwrap().port(),
    ];
    let six = TcpListener::bind((Ipv6Addr::LOCALHOST, 0));
    ports.extend(six.as_ref().map(|s| s.local_addr().unwrap().port()));
    for port in ports {
        assert_eq!(
            pids(&find(&[&format!("port:{port}")], Filter::default())),
            me
        );
    }
    let of = |socket: &str| pids(&find(&[socket], Filter::default()));
    let (one, other) = (
        tcp.local_addr().unwrap().port(),
        udp.local_addr().unwrap().port(),
    );
    assert_eq!(of(&format!("port:{one}/tcp")), me);
    assert_eq!(of(&format!("port:{other}/udp")), me);
    let wrong = why(&format!("port:{other}/tcp"));
    assert_eq!(wrong, format!("nothing listens on port {other}/tcp"));
    let free = tcp.local_addr().unwrap().port();
    drop(tcp);
    assert_eq!(
        why(&format!("port:{free}")),
        format!("nothing listens on port {free}")
    );
}
