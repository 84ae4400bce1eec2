//! Whom a choice without numbers is about: never oneself, never the whole machine by accident.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use common::{Ran, line, untouched, wigwag};
use wigwag_testkit::{Puppet, Recipe, namespace};

const WINCH: i32 = 28;

fn catcher(name: &str) -> Puppet {
    Puppet::spawn(&Recipe {
        catch: vec![WINCH],
        ..Recipe::named(name)
    })
}

#[test]
fn oneself_is_left_out_where_the_command_line_is_looked_at() {
    namespace!();
    // The words of this command are in its own command line.
    let puppet = catcher("wigwag-chosen");
    let ran = line("send WINCH --full --name wigwag-chosen");
    let only = |ran: &Ran| {
        let receipt = format!("{} wigwag-chosen ", puppet.pid());
        assert!(ran.ended(0).out.starts_with(&receipt), "{ran:?}");
        assert_eq!(
            (ran.out.lines().count(), ran.err.as_str()),
            (1, ""),
            "{ran:?}"
        );
    };
    only(&ran);
    // It started last of all.
    only(&line("send WINCH --full --name wigwag-chosen --newest"));
    let plan = line("send WINCH --full --name wigwag-chosen --dry-run --json").json();
    assert_eq!(plan["notes"][0], "left out: wigwag itself (--allow self)");
    assert_eq!(plan["entries"].as_array().unwrap().len(), 1);
    let both = line("send WINCH --full --name wigwag-chosen --dry-run --allow self --json");
    assert_eq!(both.ended(0).json()["entries"].as_array().unwrap().len(), 2);
    line("send WINCH --full --name wigwag-nobody")
        .ended(1)
        .complains("no process is selected but wigwag itself");
}

#[test]
fn ancestors_are_left_out_by_name_and_refused_by_number() {
    namespace!();
    let me = std::process::id();
    let name = std::fs::read_to_string("/proc/self/comm").unwrap();
    let name = name.trim_end();
    wigwag(&["send", "WINCH", &format!("name:{name}")])
        .ended(1)
        .complains("what has started it is meant by");
    let others = ["--name", name, "--name", "wigwag-chosen"];
    let mut puppet = catcher("wigwag-chosen");
    let ran = wigwag(&[&["send", "WINCH"][..], &others].concat());
    ran.ended(0).says(" wigwag-chosen ");
    assert_eq!(ran.out.lines().count(), 1);
    wigwag(&[&["send", "WINCH", "--dry-run"][..], &others].concat())
        .ended(0)
        .complains("left out: 1 ancestor (--allow ancestors)");
    // A freeze looks again for those who have come meanwhile: they are none of these.
    wigwag(&[&["freeze"][..], &others].concat()).ended(0);
    wigwag(&[&["thaw"][..], &others].concat()).ended(0);
    let mut parents = vec![me.to_string(), format!("tree:{me}")];
    parents.push(format!("{me} name:wigwag-chosen"));
    for target in parents {
        line(&format!("send WINCH --dry-run {target}"))
            .ended(3)
            .says("refused: wigwag was started by it");
    }
    line(&format!("send WINCH --dry-run --allow ancestors {me}")).ended(0);
    assert!(puppet.ping());
}

#[test]
fn what_only_narrows_chooses_nobody() {
    namespace!();
    let mut puppet = catcher("wigwag-chosen");
    for narrow in [
        "--older 3",
        "--younger 1h",
        "--state S",
        "--newest",
        "--oldest",
        "--ns 1",
        "--older 0 --state S --ns 1:net --newest",
    ] {
        for verb in ["send WINCH", "stop", "freeze", "reload", "wait"] {
            line(&format!("{verb} {narrow}"))
                .ended(2)
                .complains("only narrow a choice");
        }
        let pid = puppet.pid();
        line(&format!(
            "send WINCH --dry-run {narrow} {pid} --ignore-missing"
        ));
    }
    untouched(&mut puppet);
    line("send WINCH --dry-run --state S --name wigwag-chosen").ended(0);
    line("send WINCH --dry-run --state S --everyone").ended(0);
    // Looking harms nobody.
    line("show --state S --name wigwag-chosen").ended(0);
    line("show --state S").ended(0).says("wigwag-chosen");
}

#[test]
fn users_in_one_word() {
    namespace!();
    let mut puppet = catcher("wigwag-chosen");
    for users in ["root,4242", "4242,root"] {
        line(&format!("send WINCH -n -u {users} --name wigwag-chosen")).ended(0);
    }
    line("send WINCH -n -u 4242,4243 --name wigwag-chosen").ended(1);
    line("send WINCH -n -u root,no-such-user --name wigwag-chosen")
        .ended(2)
        .complains("no user named \"no-such-user\"");
    untouched(&mut puppet);
}
