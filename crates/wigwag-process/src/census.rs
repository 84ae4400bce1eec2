//! Finding the processes that a selector means, reading no more of `/proc` than it needs.
//!
//! A first pass reads through paths below `/proc`; whatever passes is opened, held and looked at again through its own
//! descriptor, so that what is returned is what was tested, whatever became of the number in between. Processes that end
//! during the scan are passed over; those that may not be read are counted.

mod anchor;
mod error;
mod file;
mod filters;
mod held;
mod look;
mod missing;
mod name;
mod nearest;
mod rules;
mod tree;
mod unit;
mod view;

pub(crate) use anchor::{census_again, census_below};
pub use error::SelectError;
pub use look::{hold_if, look_at, look_at_all, look_at_threads};
pub(crate) use missing::processes;
pub use missing::{Missing, Why};
pub use nearest::nearest;
pub use view::{Answer, Stop, View};

use std::collections::{BTreeSet, HashSet};
use std::io;

use crate::procfs::{Proc, ProcDir, is_gone};
use crate::selector::{Selector, Target};
use anchor::Ties;
use held::{Held, One, leads};
use rules::{Rule, Rules};
use view::Buffers;

/// What a census has found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Census {
    /// The processes, each once: in the order of the targets, within one in rising order. Zombies are among them.
    pub found: Vec<ProcDir>,
    /// The threads that [`Target::Thread`] named; their processes are not in `found` for that.
    pub threads: Vec<Thread>,
    /// The targets that no process has passed for, and why.
    pub missing: Vec<Missing>,
    /// How many processes could be neither taken nor left, since something of them may not be read.
    pub unreadable: usize,
    /// Which files of theirs those were: `environ`, `fd`, ...
    pub unreadable_files: BTreeSet<&'static str>,
    /// How many ended while they were looked at.
    pub vanished: usize,
    /// Those of the spared that were chosen, and not by number: they are not in `found`.
    pub(crate) left_out: Vec<i32>,
    /// The processes by whose numbers others are named: roots of trees, parents.
    pub(crate) anchors: Vec<ProcDir>,
}

/// One thread and the process it is of.
#[derive(Debug)]
#[non_exhaustive]
pub struct Thread {
    /// The process.
    pub process: ProcDir,
    /// The thread's own directory, below the process's.
    pub task: ProcDir,
}

/// Finds the processes that `selector` means; an empty selector means all.
///
/// Opens one descriptor for each process found, all close-on-exec.
///
/// # Errors
/// [`SelectError`] where the selector cannot be understood, `/proc` not be read, or more are found than may be held. A target
/// that means no process is no error here but [`Census::missing`].
///
/// ```
/// use wigwag_process::{census::census, procfs::Proc, selector::Target};
/// let me = std::process::id() as i32;
/// let census = census(&Proc::open()?, &Target::Pid(me).into())?;
/// assert_eq!(census.found[0].pid(), me);
/// assert!(census.missing.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn census(proc: &Proc, selector: &Selector) -> Result<Census, SelectError> {
    search(proc, selector, None, None, &[])
}

/// As [`census`], without the processes of these numbers: the caller and those that have started him. Only where they are
/// named by a number, their own or that of a tree, group, session or control group, they are found as others are.
pub(crate) fn census_sparing(
    proc: &Proc,
    selector: &Selector,
    spared: &[i32],
) -> Result<Census, SelectError> {
    search(proc, selector, None, None, spared)
}

fn search(
    proc: &Proc,
    selector: &Selector,
    known: Option<&[&ProcDir]>,
    below: Option<&[&ProcDir]>,
    spared: &[i32],
) -> Result<Census, SelectError> {
    if selector.filter.newest && selector.filter.oldest {
        return Err(SelectError::NewestOldest);
    }
    let rules = Rules::compile(proc, selector, known)?;
    let mut search = Search {
        proc,
        ties: Ties::new(proc, selector, &rules, known),
        held: Held::default(),
        hits: vec![Hit::default(); selector.targets.len()],
        census: Census::default(),
        buffers: Buffers::new(),
        one: match (selector.filter.newest, selector.filter.oldest) {
            (true, _) => Some(One::Newest),
            (_, true) => Some(One::Oldest),
            _ => None,
        },
        rules: &rules,
        targets: &selector.targets,
        spared,
        names: selector
            .targets
            .iter()
            .any(|t| matches!(t, Target::Name(_)))
            .then(HashSet::new),
        took: false,
    };
    for (index, target) in selector.targets.iter().enumerate() {
        match target {
            Target::Tree(root) => search.one_tree(index, *root)?,
            _ if known.is_some() => {}
            Target::Pid(pid) => search.one_process(index, *pid)?,
            Target::Thread(tid) => search.one_thread(index, *tid)?,
            _ => {}
        }
    }
    if let Some(below) = below {
        let families = tree::Families::read(proc)?;
        let walked = families.walk_below(proc, below, &mut |dir| search.keep(dir));
        walked.map_err(|error| match error {
            SelectError::Io(error) => search.no_more(error),
            other => other,
        })?;
    }
    if rules.must_scan() && (below.is_none() || !selector.targets.is_empty()) {
        for pid in proc.pids()? {
            search.look_at(pid)?;
        }
    }
    let Search {
        held,
        hits,
        names,
        mut census,
        ..
    } = search;
    census.found = held.into_order();
    missing::explain(
        proc,
        selector,
        &rules,
        &hits,
        &names.unwrap_or_default(),
        &mut census,
    );
    census.anchors = anchor::into_anchors(rules);
    Ok(census)
}

fn note_name(names: &mut Option<HashSet<Vec<u8>>>, view: &View<'_>) {
    if let (Some(names), Some(name)) = (names, view.comm_as_read())
        && !names.contains(name)
    {
        names.insert(name.to_vec());
    }
}

/// What became of one target.
#[derive(Debug, Clone, Default)]
struct Hit {
    /// Processes it took.
    taken: usize,
    /// Processes of these that passed the filters.
    passed: usize,
    /// Known already while opening it.
    why: Option<Why>,
    /// Others were found that may have the number only since those found before have ended.
    replaced: bool,
}

struct Search<'a> {
    proc: &'a Proc,
    rules: &'a Rules,
    targets: &'a [Target],
    spared: &'a [i32],
    ties: Ties<'a>,
    one: Option<One>,
    held: Held,
    hits: Vec<Hit>,
    census: Census,
    buffers: Buffers,
    /// Where a target is a name, the names read on the way, in case the nearest is wanted.
    names: Option<HashSet<Vec<u8>>>,
    /// Whether the last one looked at was meant.
    took: bool,
}

impl Search<'_> {
    /// A process given by its number: opened, never looked for.
    fn one_process(&mut self, index: usize, pid: i32) -> Result<(), SelectError> {
        let dir = match self.proc.dir(pid) {
            Ok(dir) => dir,
            Err(error) if is_gone(&error) => {
                self.hits[index].why = Some(missing::absent(pid));
                return Ok(());
            }
            Err(error) => return Err(self.no_more(error)),
        };
        self.hold(dir, Some(index))
    }

    /// A thread given by its number.
    fn one_thread(&mut self, index: usize, tid: i32) -> Result<(), SelectError> {
        let open = || -> io::Result<Thread> {
            let tgid = self.proc.dir(tid)?.status()?.tgid;
            let process = self.proc.dir(tgid)?;
            let task = process.task(tid)?;
            Ok(Thread { process, task })
        };
        let thread = match open() {
            Ok(thread) => thread,
            Err(error) if is_gone(&error) => {
                self.hits[index].why = Some(Why::NoThread);
                return Ok(());
            }
            Err(error) => return Err(self.no_more(error)),
        };
        self.hits[index].taken += 1;
        let mut view = View::held(&thread.process, &mut self.buffers);
        match self.rules.filters.pass(&mut view) {
            Ok(true) => {
                self.hits[index].passed += 1;
                self.census.threads.push(thread);
            }
            Ok(false) => {}
            Err(stop) => self.stopped(stop)?,
        }
        Ok(())
    }

    /// A process and all below it, from the root down.
    fn one_tree(&mut self, index: usize, root: i32) -> Result<(), SelectError> {
        let rules = self.rules;
        let (Rule::Tree(anchor), Some(families)) = (&rules.targets[index], &rules.families) else {
            return Ok(());
        };
        let dir = match self.proc.dir(root) {
            Ok(dir) => dir,
            Err(error) if is_gone(&error) => return Ok(()),
            Err(error) => return Err(self.no_more(error)),
        };
        if !anchor.holds() {
            self.hits[index].replaced = true;
            return Ok(());
        }
        let proc = self.proc;
        let walked = families.walk(proc, dir, |dir| self.hold(dir, Some(index)));
        walked.map_err(|error| match error {
            SelectError::Io(error) => self.no_more(error),
            other => other,
        })
    }

    /// One number of the scan.
    fn look_at(&mut self, pid: i32) -> Result<(), SelectError> {
        // Processes that are meant often follow one another: after one, the pass through paths only costs.
        if !std::mem::take(&mut self.took) {
            let mut view = View::passing(self.proc, pid, &mut self.buffers);
            let answer = self.rules.may_take(&mut view);
            note_name(&mut self.names, &view);
            match answer {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(stop) => return self.stopped(stop),
            }
        }
        match self.proc.dir(pid) {
            Ok(dir) => self.hold(dir, None),
            Err(error) if is_gone(&error) => {
                self.census.vanished += 1;
                Ok(())
            }
            Err(error) => Err(self.no_more(error)),
        }
    }

    /// Tests a process through its own descriptor, and keeps it if it is meant.
    fn hold(&mut self, dir: ProcDir, direct: Option<usize>) -> Result<(), SelectError> {
        let mut view = View::held(&dir, &mut self.buffers);
        let mut takers = Vec::new();
        let taken = match direct {
            Some(index) => {
                takers.push(index);
                Ok(true)
            }
            None => self.rules.takers(&mut view, &mut takers),
        };
        note_name(&mut self.names, &view);
        for &index in &takers {
            self.hits[index].taken += 1;
        }
        let some = !takers.is_empty();
        takers.retain(|&index| {
            let same = self.ties.are_with(index, &self.held);
            self.hits[index].replaced |= !same;
            same
        });
        if some && takers.is_empty() {
            return Ok(());
        }
        // A number is also a thread's, and what is sent to it goes to the whole process of that thread.
        let tgid = |view: &mut View<'_>| match !view.has_status() && leads(&dir) {
            true => Ok(dir.pid()),
            false => view.status().map(|status| status.tgid),
        };
        let filters = &self.rules.filters;
        let passed = match (taken, direct) {
            (Ok(true), None) => match filters.pass(&mut view) {
                Ok(true) => tgid(&mut view).map(Some),
                Ok(false) => Ok(None),
                Err(stop) => Err(stop),
            },
            (Ok(true), Some(_)) => match tgid(&mut view) {
                Ok(tgid) if tgid == dir.pid() => {
                    filters.pass(&mut view).map(|yes| yes.then_some(tgid))
                }
                other => other.map(Some),
            },
            (Ok(false), _) => Ok(None),
            (Err(stop), _) => Err(stop),
        };
        let start = match (&passed, self.one) {
            (Ok(Some(_)), Some(_)) => view.stat().map(|stat| stat.start_ticks),
            _ => Ok(0),
        };
        let start = match (passed, start) {
            (Ok(Some(tgid)), _) if tgid != dir.pid() => {
                self.is_thread_of(tgid, direct);
                return Ok(());
            }
            (Ok(Some(_)), Ok(start)) => start,
            (Ok(None), _) => return Ok(()),
            (Err(stop), _) | (_, Err(stop)) => {
                self.cannot_be_read(&stop, direct);
                return self.stopped(stop);
            }
        };
        if direct.is_none() && self.spares(dir.pid(), &takers) {
            self.census.left_out.push(dir.pid());
            for &index in &takers {
                self.hits[index].why.get_or_insert(Why::LeftOut);
            }
            return Ok(());
        }
        for &index in &takers {
            self.hits[index].passed += 1;
        }
        let first = takers.first().copied().unwrap_or(0);
        self.took = true;
        let at = self.held.add(dir, first, start, self.one);
        self.ties.add(&takers, at);
        Ok(())
    }

    /// Keeps one that is meant whatever the targets are, if it passes the filters.
    fn keep(&mut self, dir: ProcDir) -> Result<(), SelectError> {
        let mut view = View::held(&dir, &mut self.buffers);
        match self.rules.filters.pass(&mut view) {
            Ok(true) => {
                self.held.add(dir, 0, 0, None);
                Ok(())
            }
            Ok(false) => Ok(()),
            Err(stop) => self.stopped(stop),
        }
    }

    /// Whether it is one of the spared, and nobody has named it by a number.
    fn spares(&self, pid: i32, takers: &[usize]) -> bool {
        let by_number = |index: &usize| {
            matches!(
                self.targets[*index],
                Target::Group(_)
                    | Target::Session(_)
                    | Target::Cgroup(_)
                    | Target::OwnGroup
                    | Target::Everyone
            )
        };
        self.spared.contains(&pid)
            && !takers.iter().any(by_number)
            && !self.held.index.contains_key(&pid)
    }

    /// The number turned out to be a thread's: named so it is refused, found so it has become that since it was listed.
    fn is_thread_of(&mut self, tgid: i32, direct: Option<usize>) {
        match direct {
            Some(index) => {
                self.hits[index].taken -= 1;
                let why = missing::thread_of(self.proc, tgid);
                self.hits[index].why.get_or_insert(why);
            }
            None => self.census.vanished += 1,
        }
    }

    /// One that is given by its number, and has ended or may not be read.
    fn cannot_be_read(&mut self, stop: &Stop, direct: Option<usize>) {
        let Some(index) = direct else { return };
        self.hits[index].taken -= 1;
        match stop {
            Stop::Gone => {}
            Stop::Unreadable(_) => {
                self.hits[index].why.get_or_insert(Why::Hidden);
            }
            Stop::Fatal(_) => {}
        }
    }

    fn stopped(&mut self, stop: Stop) -> Result<(), SelectError> {
        match stop {
            Stop::Gone => self.census.vanished += 1,
            Stop::Unreadable(file) => {
                self.census.unreadable += 1;
                self.census.unreadable_files.insert(file);
            }
            Stop::Fatal(error) => return Err(self.no_more(error)),
        }
        Ok(())
    }

    fn no_more(&self, error: io::Error) -> SelectError {
        match rustix::io::Errno::from_io_error(&error) {
            Some(rustix::io::Errno::MFILE) => SelectError::Descriptors {
                found: self.held.list.len(),
                limit: rustix::process::getrlimit(rustix::process::Resource::Nofile)
                    .current
                    .unwrap_or(u64::MAX),
            },
            _ => SelectError::Io(error),
        }
    }
}
