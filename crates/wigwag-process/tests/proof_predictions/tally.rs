//! What a prediction lets one expect, what was seen, and where they do not agree.

use std::collections::BTreeMap;

use wigwag::Signal;
use wigwag_process::dispositions::SignalView;
use wigwag_process::prediction::{Effect, Prediction, To, predict};
use wigwag_process::procfs::Proc;
use wigwag_testkit::{Observation, Observed, Puppet};

/// What a prediction says will be seen: any one of these.
pub fn expected(prediction: &Prediction, stopped: bool) -> Vec<Observation> {
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
    let (resumes, others): (Vec<Effect>, Vec<Effect>) = prediction
        .effects
        .iter()
        .partition(|effect| **effect == Effect::Continues);
    let mut expected: Vec<Observation> = others.iter().map(one).collect();
    if others.contains(&Effect::TracerDecides) {
        // Its tracer may be told while the signal is pending.
        expected.push(expected.iter().flatten().copied().collect());
    }
    // CONT resumes, and does one of the others besides.
    if !resumes.is_empty() {
        expected.extend(others.is_empty().then(Observation::new));
        for observation in &mut expected {
            observation.insert(Observed::Continued);
        }
    }
    expected
}

pub fn predicted(proc: &Proc, pid: i32, signal: Signal) -> Prediction {
    let view = SignalView::read(proc, &proc.dir(pid).unwrap()).unwrap();
    predict(&view, signal, To::Process, false)
}

/// Collects the cells that do not agree, grouped by what is wrong with them.
#[derive(Default)]
pub struct Tally {
    cells: usize,
    uncertain: usize,
    wrong: BTreeMap<String, Vec<String>>,
}

impl Tally {
    pub fn compare(
        &mut self,
        cell: &str,
        prediction: &Prediction,
        stopped: bool,
        seen: &Observation,
    ) {
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

    pub fn judge(self, what: &str) {
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
pub fn try_cell(
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

/// What another run of this binary has printed.
pub fn prediction_in(output: &std::process::Output) -> Prediction {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let (_, json) = text.split_once("prediction ").expect("a prediction");
    serde_json::from_str(json.lines().next().unwrap()).unwrap()
}
