//! Proof: what is predicted is what the kernel does. Each cell is a real process, made so, sent the signal by kill(2).
//!
//! Every signal x {default, ignored, caught} x {unblocked, blocked in all threads, in the leader only, in the others only,
//! taken by signalfd, waited for by sigwaitinfo} x {running, stopped, zombie, namespace init from outside and from inside}, and
//! for every signal: ptraced, orphaned group, exited leader with living threads, frozen cgroup (v1 and v2), core files allowed.
//!
//! Cells that cannot be made: KILL and STOP are never ignored, caught, blocked, in a signalfd or waited for (the kernel
//! refuses or forgets it); 32 and 33 are the C library's. A namespace init is not seen stopped from inside.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::BTreeMap;
use std::process::Command;

use wigwag::Signal;
use wigwag_process::dispositions::SignalView;
use wigwag_process::prediction::{Effect, Prediction, To, predict};
use wigwag_process::procfs::Proc;
use wigwag_testkit::{Blocking, Deadline, Observation, Observed, Puppet, Recipe, namespace};

/// A way to have a signal blocked or taken, by name, and what it makes of a recipe.
type Way = (&'static str, fn(&mut Recipe, i32));

const DISPOSITIONS: [Way; 3] = [
    ("default", |_, _| ()),
    ("ignored", |recipe, signal| recipe.ignore = vec![signal]),
    ("caught", |recipe, signal| recipe.catch = vec![signal]),
];

const MASKS: [Way; 6] = [
    ("unblocked", |_, _| ()),
    ("blocked in all", |recipe, signal| {
        recipe.block = vec![signal]
    }),
    ("blocked in the leader", |recipe, signal| {
        (recipe.block, recipe.blocking) = (vec![signal], Blocking::LeaderOnly);
    }),
    ("blocked in the others", |recipe, signal| {
        (recipe.block, recipe.blocking) = (vec![signal], Blocking::WorkersOnly);
    }),
    ("signalfd", |recipe, signal| recipe.signalfd = vec![signal]),
    ("sigwait", |recipe, signal| recipe.sigwait = vec![signal]),
];

/// All cells of the matrix that can be made, with a name for each.
fn cells(base: &Recipe) -> Vec<(String, Signal, Recipe)> {
    let mut cells = Vec::new();
    for signal in Signal::all() {
        for (disposition, dispose) in DISPOSITIONS {
            for (mask, block) in MASKS {
                let plain = disposition == "default" && mask == "unblocked";
                if !signal.can_be_caught() && !plain {
                    continue;
                }
                let mut recipe = base.clone();
                dispose(&mut recipe, signal.number());
                block(&mut recipe, signal.number());
                cells.push((format!("{signal} {disposition}, {mask}"), signal, recipe));
            }
        }
    }
    cells
}

/// What a prediction says will be seen: any one of these.
fn expected(prediction: &Prediction, stopped: bool) -> Vec<Observation> {
    let one = |effect: &Effect| -> Observation {
        match effect {
            Effect::Kills => Some(Observed::Killed),
            Effect::DumpsCore => Some(Observed::DumpedCore),
            Effect::Stops => Some(Observed::Stopped),
            Effect::Continues => Some(Observed::Continued),
            Effect::RunsHandler => Some(Observed::RanHandler),
            Effect::Waited => Some(Observed::SigWait),
            // Its reader is stopped too.
            Effect::SignalFd if stopped && !prediction.has(Effect::Continues) => {
                Some(Observed::StaysPending)
            }
            Effect::SignalFd => Some(Observed::SignalFd),
            Effect::StaysPending | Effect::Coalesces => Some(Observed::StaysPending),
            Effect::TracerDecides => Some(Observed::TracerStopped),
            Effect::Ignored | Effect::Discarded | Effect::Nothing => None,
            Effect::Denied | Effect::QueueFull => panic!("not in this matrix: {prediction:?}"),
        }
        .into_iter()
        .collect()
    };
    if prediction.has(Effect::Continues) {
        let all: Observation = prediction.effects.iter().flat_map(one).collect();
        // CONT interrupts a stopped sigwaitinfo; the program, awake, calls it again and finds CONT pending. What the program does
        // next is its own affair: both are as predicted.
        let mut taken = all.clone();
        if taken.remove(&Observed::StaysPending) {
            taken.insert(Observed::SigWait);
        }
        return vec![all, taken];
    }
    if prediction.has(Effect::TracerDecides) {
        // A seized process is told of CONT by a stop of ptrace's own before the delivery: the signal is pending meanwhile.
        return vec![
            [Observed::TracerStopped].into(),
            [Observed::TracerStopped, Observed::StaysPending].into(),
        ];
    }
    prediction.effects.iter().map(one).collect()
}

fn predicted(proc: &Proc, pid: i32, signal: Signal) -> Prediction {
    let view = SignalView::read(proc, &proc.dir(pid).unwrap()).unwrap();
    predict(&view, signal, To::Process, false)
}

/// Collects the cells that do not agree, grouped by what is wrong with them.
#[derive(Default)]
struct Tally {
    cells: usize,
    uncertain: usize,
    wrong: BTreeMap<String, Vec<String>>,
}

impl Tally {
    fn compare(&mut self, cell: &str, prediction: &Prediction, stopped: bool, seen: &Observation) {
        self.cells += 1;
        self.uncertain += usize::from(!prediction.certain);
        if !expected(prediction, stopped).contains(seen) {
            let what = format!(
                "predicted {:?} ({}), seen {seen:?}",
                prediction.effects, prediction.reason
            );
            self.wrong.entry(what).or_default().push(cell.to_owned());
        }
    }

    fn judge(self, what: &str) {
        println!(
            "{what}: {} cells, {} of them predicted without certainty",
            self.cells, self.uncertain
        );
        let wrong: usize = self.wrong.values().map(Vec::len).sum();
        let text: Vec<String> = self
            .wrong
            .iter()
            .map(|(what, cells)| {
                format!(
                    "{what}: {} cells, as {}",
                    cells.len(),
                    cells[..cells.len().min(4)].join("; ")
                )
            })
            .collect();
        assert!(
            wrong == 0,
            "{what}: {wrong} of {} cells disagree:\n{}",
            self.cells,
            text.join("\n")
        );
        assert!(
            self.cells > 0 && self.uncertain == 0,
            "root may read all that decides"
        );
    }
}

/// Predicts, sends, observes.
fn try_cell(
    tally: &mut Tally,
    proc: &Proc,
    cell: &str,
    signal: Signal,
    puppet: &mut Puppet,
    stopped: bool,
) {
    let prediction = predicted(proc, puppet.pid(), signal);
    puppet.kill(signal.number()).unwrap();
    let seen = puppet.observe(signal.number());
    tally.compare(cell, &prediction, stopped, &seen);
}

fn usual() -> Recipe {
    Recipe {
        workers: 2,
        ..Recipe::default()
    }
}

#[test]
fn running_processes() {
    namespace!();
    let (proc, mut tally) = (Proc::open().unwrap(), Tally::default());
    for (cell, signal, recipe) in cells(&usual()) {
        try_cell(
            &mut tally,
            &proc,
            &cell,
            signal,
            &mut Puppet::spawn(&recipe),
            false,
        );
    }
    tally.judge("running");
}

/// To one thread, by tgkill: an idle one beside the leader.
#[test]
fn threads_of_running_processes() {
    namespace!();
    let (proc, mut tally) = (Proc::open().unwrap(), Tally::default());
    for (cell, signal, recipe) in cells(&usual()) {
        let mut puppet = Puppet::spawn(&recipe);
        // The last to start is idle: the readers and waiters are before it.
        let tid = wigwag_testkit::proc::threads(puppet.pid())
            .last()
            .unwrap()
            .tid;
        let view = SignalView::read(&proc, &proc.dir(puppet.pid()).unwrap()).unwrap();
        let prediction = predict(&view, signal, To::Thread(tid), false);
        wigwag_testkit::kill_thread(puppet.pid(), tid, signal.number()).unwrap();
        let seen = puppet.observe(signal.number());
        tally.compare(&cell, &prediction, false, &seen);
    }
    tally.judge("one thread");
}

#[test]
fn stopped_processes() {
    namespace!();
    let (proc, mut tally) = (Proc::open().unwrap(), Tally::default());
    for (cell, signal, recipe) in cells(&usual()) {
        let mut puppet = Puppet::spawn(&recipe);
        puppet.stop();
        try_cell(&mut tally, &proc, &cell, signal, &mut puppet, true);
    }
    tally.judge("stopped");
}

#[test]
fn zombies() {
    namespace!();
    let (proc, mut tally) = (Proc::open().unwrap(), Tally::default());
    for (cell, signal, recipe) in cells(&Recipe::default()) {
        let mut puppet = Puppet::spawn(&recipe);
        puppet.become_zombie();
        try_cell(&mut tally, &proc, &cell, signal, &mut puppet, false);
    }
    tally.judge("zombie");
}

#[test]
fn the_init_of_a_namespace_below() {
    namespace!();
    let (proc, mut tally) = (Proc::open().unwrap(), Tally::default());
    for (cell, signal, recipe) in cells(&Recipe {
        namespace_init: true,
        ..usual()
    }) {
        try_cell(
            &mut tally,
            &proc,
            &cell,
            signal,
            &mut Puppet::spawn(&recipe),
            false,
        );
    }
    tally.judge("init, from outside");
}

/// What another run of this binary has printed.
fn prediction_in(output: &std::process::Output) -> Prediction {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let (_, json) = text.split_once("prediction ").expect("a prediction");
    serde_json::from_str(json.lines().next().unwrap()).unwrap()
}

/// The variable that tells `the_sender_inside` which signal to send to pid 1 of its namespace.
const INSIDE: &str = "WIGWAG_SENDS_TO_INIT";

#[test]
fn the_init_of_ones_own_namespace() {
    namespace!();
    let mut tally = Tally::default();
    for (cell, signal, recipe) in cells(&Recipe {
        namespace_init: true,
        ..usual()
    }) {
        let mut puppet = Puppet::spawn(&recipe);
        let output = Command::new("nsenter")
            .args([
                "--target",
                &puppet.pid().to_string(),
                "--pid",
                "--mount",
                "--",
            ])
            .arg(std::env::current_exe().unwrap())
            .args([
                "the_sender_inside",
                "--exact",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(INSIDE, signal.number().to_string())
            .output()
            .unwrap();
        let prediction = prediction_in(&output);
        let seen = puppet.observe(signal.number());
        tally.compare(&cell, &prediction, false, &seen);
    }
    tally.judge("init, from inside");
}

/// The part of the test above that runs inside; without its variable there is nothing to do.
#[test]
fn the_sender_inside() {
    let Some(signal) = std::env::var(INSIDE)
        .ok()
        .map(|number| number.parse::<Signal>().unwrap())
    else {
        return;
    };
    assert!(std::process::id() != 1, "a process beside the init");
    let prediction = predicted(&Proc::open().unwrap(), 1, signal);
    wigwag_testkit::kill(1, signal.number()).unwrap();
    println!("prediction {}", serde_json::to_string(&prediction).unwrap());
}

#[test]
fn orphaned_groups_exited_leaders_and_core_files() {
    namespace!();
    let directory = std::env::temp_dir().join(format!("wigwag-predictions-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let bases = [
        (
            "orphaned",
            Recipe {
                orphaned: true,
                ..usual()
            },
        ),
        (
            "exited leader",
            Recipe {
                leader_exits: true,
                ..usual()
            },
        ),
        (
            "cores",
            Recipe {
                cores: true,
                directory: directory.to_str().map(Into::into),
                ..Recipe::default()
            },
        ),
        (
            "cores, exited leader",
            Recipe {
                cores: true,
                leader_exits: true,
                directory: directory.to_str().map(Into::into),
                ..usual()
            },
        ),
    ];
    let (proc, mut tally) = (Proc::open().unwrap(), Tally::default());
    for (name, base) in bases {
        for signal in Signal::all() {
            for (disposition, dispose) in DISPOSITIONS {
                if !signal.can_be_caught() && disposition != "default" {
                    continue;
                }
                let mut recipe = base.clone();
                dispose(&mut recipe, signal.number());
                let cell = format!("{name}: {signal} {disposition}");
                try_cell(
                    &mut tally,
                    &proc,
                    &cell,
                    signal,
                    &mut Puppet::spawn(&recipe),
                    false,
                );
            }
        }
    }
    std::fs::remove_dir_all(directory).unwrap();
    tally.judge("orphaned, exited leader, core files");
}

#[test]
fn traced_processes() {
    namespace!();
    let (proc, mut tally) = (Proc::open().unwrap(), Tally::default());
    for signal in Signal::all() {
        for (disposition, dispose) in DISPOSITIONS {
            if !signal.can_be_caught() && disposition != "default" {
                continue;
            }
            let mut recipe = usual();
            recipe.workers = 0;
            dispose(&mut recipe, signal.number());
            let mut puppet = Puppet::spawn(&recipe);
            let _tracer = Puppet::spawn(&Recipe {
                trace: Some(puppet.pid()),
                ..Recipe::default()
            });
            try_cell(
                &mut tally,
                &proc,
                &format!("{signal} {disposition}"),
                signal,
                &mut puppet,
                false,
            );
        }
    }
    tally.judge("ptraced");
}

/// The variable that tells `the_looker_without_rights` whom to look at.
const LOOKS_AT: &str = "WIGWAG_LOOKS_AT";

/// Whoever may not read a thread's system call cannot know whether it waits for a signal: never certain that it is fatal.
#[test]
fn without_rights_nothing_fatal_is_certain() {
    namespace!();
    if !namespace::has_nobody() {
        return;
    }
    let copy = std::env::temp_dir().join(format!(
        "wigwag-looker-{}-{}",
        std::process::id(),
        rand_by_time()
    ));
    std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    std::fs::set_permissions(&copy, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let term = Signal::TERM.number();
    let recipes = [
        (Recipe::default(), false),
        (
            Recipe {
                sigwait: vec![term],
                ..usual()
            },
            false,
        ),
        (
            Recipe {
                ignore: vec![term],
                ..usual()
            },
            true,
        ),
        (
            Recipe {
                catch: vec![term],
                ..usual()
            },
            true,
        ),
    ];
    let mut results = Vec::new();
    for (recipe, certain) in recipes {
        let mut puppet = Puppet::spawn(&recipe);
        let mut command = Command::new(&copy);
        command
            .args([
                "the_looker_without_rights",
                "--exact",
                "--nocapture",
                "--test-threads=1",
            ])
            .current_dir("/");
        wigwag_testkit::change_user(command.env(LOOKS_AT, puppet.pid().to_string()), 65534);
        let prediction = prediction_in(&command.output().unwrap());
        puppet.kill(term).unwrap();
        let seen = puppet.observe(term);
        results.push((recipe, certain, prediction, seen));
    }
    std::fs::remove_file(copy).unwrap();
    for (recipe, certain, prediction, seen) in results {
        assert_eq!(prediction.certain, certain, "{prediction:?} of {recipe:?}");
        assert!(
            !certain || expected(&prediction, false).contains(&seen),
            "{prediction:?}, seen {seen:?}"
        );
    }
}

/// Tells scratch files of different namespaces apart, whose pids are the same.
fn rand_by_time() -> u32 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .subsec_nanos()
}

/// The part of the test above that runs as nobody.
#[test]
fn the_looker_without_rights() {
    let Some(pid) = std::env::var(LOOKS_AT).ok() else {
        return;
    };
    let prediction = predicted(&Proc::open().unwrap(), pid.parse().unwrap(), Signal::TERM);
    println!("prediction {}", serde_json::to_string(&prediction).unwrap());
}

/// A signalfd that nobody reads shows the signal to nobody: it stays pending.
#[test]
fn an_unread_signalfd_keeps_the_signal_pending() {
    namespace!();
    let proc = Proc::open().unwrap();
    for signal in [Signal::TERM, Signal::USR1, Signal::rtmin()] {
        let mut puppet = Puppet::spawn(&Recipe {
            unread_signalfd: vec![signal.number()],
            ..usual()
        });
        let prediction = predicted(&proc, puppet.pid(), signal);
        assert!(prediction.has(Effect::SignalFd), "{prediction:?}");
        puppet.kill(signal.number()).unwrap();
        assert!(
            puppet
                .observe(signal.number())
                .contains(&Observed::StaysPending)
        );
        // A second one of a standard signal vanishes in the first.
        let again = predicted(&proc, puppet.pid(), signal);
        assert_eq!(
            again.has(Effect::Coalesces),
            signal.is_standard(),
            "{again:?}"
        );
    }
}

/// A freezer of one's own: `(its folder, the file to write, frozen, thawed, the file to read, what it says when frozen)`.
struct Freezer {
    folder: std::path::PathBuf,
    control: &'static str,
    words: (&'static str, &'static str),
    told: (&'static str, &'static str),
}

impl Freezer {
    /// The freezers of this machine in which a group can be made.
    fn all() -> Vec<(&'static str, Freezer)> {
        let name = format!(
            "wigwag-proof-{}-{}",
            std::process::id(),
            std::fs::read_link("/proc/self/ns/pid").unwrap().display()
        );
        let name = name.replace([':', '[', ']'], "-");
        let v1 = (
            "/sys/fs/cgroup/freezer",
            "freezer.state",
            ("FROZEN", "THAWED"),
            ("freezer.state", "FROZEN"),
        );
        let v2 = |root| {
            (
                root,
                "cgroup.freeze",
                ("1", "0"),
                ("cgroup.events", "frozen 1"),
            )
        };
        [
            ("v1", v1),
            ("v2", v2("/sys/fs/cgroup/unified")),
            ("v2", v2("/sys/fs/cgroup")),
        ]
        .into_iter()
        .filter_map(|(version, (root, control, words, told))| {
            let folder = std::path::Path::new(root).join(&name);
            std::fs::create_dir(&folder).ok()?;
            let freezer = Freezer {
                folder,
                control,
                words,
                told,
            };
            freezer
                .folder
                .join(control)
                .exists()
                .then_some((version, freezer))
        })
        .collect()
    }

    fn freeze(&self, puppet: &Puppet) {
        std::fs::write(self.folder.join("cgroup.procs"), puppet.pid().to_string()).unwrap();
        std::fs::write(self.folder.join(self.control), self.words.0).unwrap();
        Deadline::usual().wait_for("the freezer", || {
            std::fs::read_to_string(self.folder.join(self.told.0))
                .unwrap()
                .contains(self.told.1)
                .then_some(())
        });
    }

    fn thaw(&self) {
        std::fs::write(self.folder.join(self.control), self.words.1).unwrap();
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        self.thaw();
        for _ in 0..1000 {
            if std::fs::remove_dir(&self.folder).is_ok() || !self.folder.exists() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
}

#[test]
fn frozen_cgroups() {
    namespace!();
    let freezers = Freezer::all();
    if freezers.is_empty() {
        println!("skipped: no cgroup freezer in which a group can be made");
    }
    let proc = Proc::open().unwrap();
    let mut wrong = Vec::new();
    for (version, freezer) in &freezers {
        let mut cells = 0;
        for signal in Signal::all() {
            for (disposition, dispose) in DISPOSITIONS {
                if !signal.can_be_caught() && disposition != "default" {
                    continue;
                }
                let mut recipe = Recipe {
                    workers: 1,
                    ..Recipe::default()
                };
                dispose(&mut recipe, signal.number());
                let mut puppet = Puppet::spawn(&recipe);
                freezer.freeze(&puppet);
                let prediction = predicted(&proc, puppet.pid(), signal);
                puppet.kill(signal.number()).unwrap();
                cells += 1;
                // Frozen threads do nothing: whether it is pending is settled when kill returns, its end is waited for.
                let ended = prediction.is_fatal()
                    && puppet
                        .status(Deadline::after(std::time::Duration::from_secs(3)))
                        .is_some();
                let pending =
                    !ended && wigwag_testkit::proc::pending(puppet.pid(), signal.number());
                let agrees = match prediction.effects.as_slice() {
                    [Effect::Kills | Effect::DumpsCore] => ended,
                    [Effect::StaysPending] => {
                        pending
                            && puppet
                                .status(Deadline::after(std::time::Duration::ZERO))
                                .is_none()
                    }
                    [Effect::Ignored] => !pending,
                    _ => false,
                };
                freezer.thaw();
                if !agrees {
                    wrong.push(format!("{version}: {signal} {disposition}: {prediction:?}, ended {ended}, pending {pending}"));
                }
            }
        }
        println!("frozen, cgroup {version}: {cells} cells");
    }
    assert!(
        wrong.is_empty(),
        "{} cells disagree:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
