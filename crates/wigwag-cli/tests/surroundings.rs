//! Machines that show less than usual: no /proc, somebody else's /proc, processes that are hidden.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::process::Command;

use common::{Ran, finish, untouched};
use wigwag_testkit::{Puppet, Recipe};

/// Runs a shell line in namespaces of its own, with the command as `$W` and `pid` as `$P`; `None` where that is refused.
fn inside(unshare: &[&str], line: &str, pid: i32) -> Option<Ran> {
    let allowed = Command::new("unshare")
        .args(unshare)
        .arg("true")
        .output()
        .unwrap();
    if !allowed.status.success() {
        println!("skipped: `unshare {}` is refused", unshare.join(" "));
        return None;
    }
    Some(finish(
        Command::new("unshare")
            .args(unshare)
            .args(["sh", "-c", line])
            .env("W", env!("CARGO_BIN_EXE_wigwag"))
            .env("P", pid.to_string()),
    ))
}

#[test]
fn without_proc_nothing_is_done() {
    let mut puppet = Puppet::spawn(&Recipe::default());
    let Some(ran) = inside(
        &["--mount"],
        "mount -t tmpfs none /proc; exec \"$W\" send \"$P\"",
        puppet.pid(),
    ) else {
        return;
    };
    ran.ended(5).complains("not a proc file system");
    let ran = inside(
        &["--mount"],
        "umount -l /proc; exec \"$W\" send \"$P\"",
        puppet.pid(),
    )
    .unwrap();
    ran.ended(5).complains("/proc");
    untouched(&mut puppet);
}

#[test]
fn the_proc_of_another_namespace_is_refused() {
    let mut puppet = Puppet::spawn(&Recipe::default());
    let Some(ran) = inside(
        &["--pid", "--fork", "--kill-child"],
        "\"$W\" send \"$P\"; exit $?",
        puppet.pid(),
    ) else {
        return;
    };
    ran.ended(5).complains("another pid namespace");
    untouched(&mut puppet);
}

#[test]
fn a_hidden_process_is_said_to_be_hidden() {
    let mut puppet = Puppet::spawn(&Recipe::default());
    let line = "mount -t proc -o hidepid=2 proc /proc; \
                exec setpriv --reuid 65534 --regid 65534 --clear-groups \"$W\" send \"$P\"";
    let Some(ran) = inside(&["--mount"], line, puppet.pid()) else {
        return;
    };
    ran.ended(1).complains("hide");
    untouched(&mut puppet);
}
