//! A delay before a system call, injected by strace(1), and a swap while it lasts.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::proc;

/// Runs `program words` under strace with a delay before the first `call`, and calls `swap` within that delay.
///
/// Gives the output of the command, or None when no delay was seen (the call is never made) or it was over before
/// the swap was: then the run proves nothing. Panics when strace cannot be started.
pub fn swap_within(
    program: &str,
    words: &[&str],
    call: &str,
    delay: Duration,
    swap: impl FnOnce(),
) -> Option<std::process::Output> {
    let mut strace = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!(
            "inject={call}:delay_enter={}:when=1",
            delay.as_micros()
        ))
        .arg(program)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("strace starts");
    let held = held(&mut strace, delay);
    let mut whole = false;
    if let Some(pid) = held {
        swap();
        whole = proc::state(pid) == Some('t');
    }
    let output = strace.wait_with_output().expect("strace ends");
    whole.then_some(output)
}

/// The traced process once it is seen held in one stop, far longer than tracing alone holds it.
fn held(strace: &mut std::process::Child, delay: Duration) -> Option<i32> {
    let tracer = strace.id();
    let mut since: Option<(i32, String, Instant)> = None;
    while strace.try_wait().ok()?.is_none() {
        let children = std::fs::read_to_string(format!("/proc/{tracer}/task/{tracer}/children"))
            .unwrap_or_default();
        for pid in children
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
        {
            let switches = format!("{:?}", proc::threads(pid));
            if proc::state(pid) != Some('t') {
                since = None;
                continue;
            }
            match &since {
                Some((same, seen, began)) if *same == pid && *seen == switches => {
                    if began.elapsed() > delay / 4 {
                        return Some(pid);
                    }
                }
                _ => since = Some((pid, switches, Instant::now())),
            }
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    None
}
