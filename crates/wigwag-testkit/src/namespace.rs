//! A test in namespaces of its own.

use std::process::Command;

/// The variable that tells a test that it already is inside.
const VARIABLE: &str = "WIGWAG_NAMESPACE";

/// What beside pids and mounts is the test's own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Also {
    /// A network with nothing but a loopback, which is down.
    pub network: bool,
}

/// Runs the rest of a test in a pid and a mount namespace of its own, with its own `/proc`.
///
/// Outside, runs this one test again inside and passes on how it ended: the macro returns from the test. Inside, the
/// test's process is a child of pid 1, a shell that waits for it. As root, or with user namespaces; else the test is skipped, said aloud, and never in CI.
///
/// ```no_run
/// # fn main() {}
/// #[test]
/// fn alone() {
///     wigwag_testkit::namespace!();
///     assert_eq!(std::os::unix::process::parent_id(), 1);
/// }
/// ```
#[macro_export]
macro_rules! namespace {
    () => {
        $crate::namespace!($crate::namespace::Also::default())
    };
    ($also:expr) => {
        fn here() {}
        if !$crate::namespace::enter(std::any::type_name_of_val(&here), $also) {
            return;
        }
    };
}

/// The macro's work: true inside, false when the test has been run, or skipped, from outside.
#[must_use]
pub fn enter(here: &str, also: Also) -> bool {
    // "proof_name::module::test::here": the test harness leaves out the first and knows nothing of the last.
    let test = here
        .split_once("::")
        .and_then(|(_, rest)| rest.strip_suffix("::here"))
        .expect("a path of a test");
    if std::env::var_os(VARIABLE).is_some_and(|name| name == test) {
        return true;
    }
    let mut words = vec!["--pid", "--fork", "--kill-child", "--mount-proc"];
    if also.network {
        words.push("--net");
    }
    if !works(&words) {
        words.splice(0..0, ["--user", "--map-root-user"]);
        if !works(&words) {
            assert!(
                std::env::var_os("CI").is_none(),
                "{test}: CI must be allowed namespaces (unshare {words:?} fails)"
            );
            println!(
                "skipped: {test} needs namespaces of its own, and `unshare {}` is refused",
                words.join(" ")
            );
            return false;
        }
    }
    let status = Command::new("unshare")
        .args(&words)
        // A shell that has something left to do stays, as pid 1.
        .args(["--", "sh", "-c", r#""$0" "$@"; exit $?"#])
        .arg(std::env::current_exe().unwrap())
        .args([
            test,
            "--exact",
            "--nocapture",
            "--test-threads=1",
            "--include-ignored",
        ])
        .env(VARIABLE, test)
        .status()
        .expect("unshare starts");
    assert!(
        status.success(),
        "{test}, in namespaces of its own: {status}"
    );
    false
}

/// Whether commands can be started as nobody (65534): a user namespace of one user has no other. Says so where not; panics in CI.
#[must_use]
pub fn has_nobody() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let found = map.lines().any(|line| {
        let mut numbers = line
            .split_whitespace()
            .filter_map(|n| n.parse::<u64>().ok());
        let (first, _, count) = (numbers.next(), numbers.next(), numbers.next());
        first
            .zip(count)
            .is_some_and(|(first, count)| (first..first + count).contains(&65534))
    });
    if !found {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI must have the user nobody"
        );
        println!("skipped: no user nobody in this user namespace");
    }
    found
}

/// A name that no other test has at this time, of whatever namespace: they share a file system, and pids are the same in all.
#[must_use]
pub fn unique(name: &str) -> String {
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let namespace = namespace.to_string_lossy();
    let number: String = namespace.chars().filter(char::is_ascii_digit).collect();
    format!("wigwag-{name}-{number}-{}", std::process::id())
}

fn works(words: &[&str]) -> bool {
    Command::new("unshare")
        .args(words)
        .arg("true")
        .output()
        .is_ok_and(|output| output.status.success())
}
