//! Processes that a cgroup freezer holds, of either version.

use wigwag::Signal;
use wigwag_process::prediction::Effect;
use wigwag_process::procfs::Proc;
use wigwag_testkit::{Deadline, Puppet, Recipe, namespace};

use crate::cells::DISPOSITIONS;
use crate::tally::predicted;

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
            let root = std::path::Path::new(root);
            // Not the plain directory that the hierarchies are mounted in: what is written there becomes a file.
            root.join("cgroup.procs").exists().then_some(())?;
            let folder = root.join(&name);
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
        let folder = &self.folder;
        let removed = || (std::fs::remove_dir(folder).is_ok() || !folder.exists()).then_some(());
        if std::thread::panicking() {
            removed();
        } else {
            Deadline::usual().wait_for("the group to be empty", removed);
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
