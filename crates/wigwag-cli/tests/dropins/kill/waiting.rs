//! `--timeout`: by the manual of util-linux.

use std::time::{Duration, Instant};

use wigwag_testkit::{Deadline, Event, Observed, Puppet, Recipe, Swapper, namespace};

use super::says;
use crate::compare::ours;

fn deaf() -> Puppet {
    Puppet::spawn(&Recipe {
        ignore: vec![15],
        catch: vec![1, 10],
        ..Recipe::named("deaf")
    })
}

#[test]
fn follows_up_until_it_ends() {
    let mut puppet = deaf();
    let pid = puppet.pid();
    says(
        &format!("--verbose --timeout 20 HUP --timeout 20 KILL --timeout 60000 INT -s TERM {pid}"),
        0,
        &format!(
            "sending signal 15 to pid {pid}\ntimeout, sending signal 1 to pid {pid}\ntimeout, sending signal 9 to pid {pid}\n"
        ),
        "",
    );
    assert!(puppet.wait_event(&Event::Handler(1), Deadline::usual()));
    assert_eq!(puppet.observe(9), [Observed::Killed].into());
}

#[test]
fn goes_on_as_soon_as_it_has_ended() {
    let (one, two) = (
        Puppet::spawn(&Recipe::named("one")),
        Puppet::spawn(&Recipe::named("two")),
    );
    let began = Instant::now();
    says(
        &format!("--timeout 60000 KILL {} {}", one.pid(), two.pid()),
        0,
        "",
        "",
    );
    says(&format!("--timeout -1 KILL {}", one.pid()), 0, "", "");
    assert!(began.elapsed() < Duration::from_secs(20));
}

/// A stopped process gets no CONT: nothing is sent that was not asked for.
#[test]
fn sends_nothing_else() {
    let mut puppet = Puppet::spawn(&Recipe::named("stopped"));
    puppet.stop();
    says(&format!("--timeout 10 TERM {}", puppet.pid()), 0, "", "");
    assert!(wigwag_testkit::proc::pending(puppet.pid(), 15));
    assert_eq!(wigwag_testkit::proc::state(puppet.pid()), Some('T'));
    // 0 asks, and the signal comes only after the time.
    let mut puppet = deaf();
    says(&format!("-0 --timeout 10 USR1 {}", puppet.pid()), 0, "", "");
    assert!(puppet.wait_event(&Event::Handler(10), Deadline::usual()));
}

#[test]
fn by_name_and_some() {
    namespace!();
    let (mut one, mut two) = (deaf(), deaf());
    let said = super::line("--timeout 10 KILL deaf 9999999");
    assert_eq!(said.status, 64);
    assert_eq!(
        said.err,
        "kill: pidfd_open() failed: 9999999: No such process\n"
    );
    assert_eq!(one.observe(9), [Observed::Killed].into());
    assert_eq!(two.observe(9), [Observed::Killed].into());
}

/// Whoever gets the number of a process that was held is never signalled: it is swapped at one system call after another.
#[test]
fn no_signal_to_a_newcomer() {
    namespace!();
    const PID: i32 = 300;
    let innocent = Recipe {
        catch: (1..=64).filter(|n| ![9, 19, 32, 33].contains(n)).collect(),
        ..Recipe::named("innocent")
    };
    for words in [
        "-TERM 300",
        "-TERM victim",
        "--timeout 5 USR1 300",
        "-q 3 300",
    ] {
        let (mut at, mut swaps, mut held) = (1, 0, 0);
        loop {
            let mut victim = Puppet::spawn_as(PID, &Recipe::named("victim"));
            let mut newcomer = None;
            let mut command = ours("kill");
            command.args(words.split_whitespace());
            command.stderr(std::process::Stdio::null());
            let ran = Swapper::run(command, at, || {
                victim.end();
                newcomer = Some(Puppet::spawn_as(PID, &innocent));
            });
            let Some(mut newcomer) = newcomer else {
                victim.end();
                break;
            };
            swaps += 1;
            // Said to be done: it had the number before it was looked for.
            let meant = ran.status == 0 && !words.contains("victim");
            let touched = newcomer.was_touched();
            assert!(meant || !touched, "kill {words}: hit at call {at}: {ran:?}");
            held += usize::from(!touched);
            newcomer.end();
            at += 1;
        }
        assert!(
            swaps > 20 && held > 2,
            "kill {words}: {swaps} swaps, {held} misses"
        );
    }
}
