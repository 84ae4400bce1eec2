//! `wigwag tour`: the main job, shown on real processes of the tour's own.
//!
//! Every step runs this same program as a user would type it and compares its exit status and its words with what must come.
//! The actors read a pipe or watch their parent, and end by themselves when the tour does, however that ends.

use std::io::Write;
use std::process::{Child, Command as Program, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::{Arg, ArgMatches, Command};
use wigwag::{Signal, mask};
use wigwag_process::census::census;
use wigwag_process::dispositions::SignalView;
use wigwag_process::procfs::Proc;
use wigwag_process::selector::Target;

use crate::output::{Output, wrap};

const EXAMPLES: &str = "\
Examples:
  wigwag tour              starts a few processes, works them, ends them
  wigwag tour | less -R    read it slowly

Everything shown is real: the commands, their output, the processes. The tour
signals only what it started.
Exit status: 0 all did as predicted, 1 something did not.";

/// Lives until the pipe that the tour holds is closed, and so no longer than the tour.
const LIVE: &str = "exec cat";
/// The same for a shell that keeps its traps: it waits for one that reads the pipe.
const WAIT: &str = "exec 3<&0; cat <&3 & while kill -0 $! 2>/dev/null; do wait $!; done";

/// The clap tree of this verb.
pub fn command() -> Command {
    Command::new("tour")
        .about("See the main job done, on real processes of the tour's own")
        .override_usage("wigwag tour")
        .after_help(EXAMPLES)
        .arg(
            Arg::new("actor")
                .long("actor")
                .value_name("ROLE")
                .value_parser(["blocks", "recycles"])
                .hide(true),
        )
}

/// Carries it out: 0 where all did as predicted.
pub fn run(matches: &ArgMatches, out: &mut Output) -> anyhow::Result<u8> {
    match matches.get_one::<String>("actor").map(String::as_str) {
        Some("blocks") => blocks(),
        Some(_) => recycles(out),
        None => tour(out),
    }
}

fn tour(out: &mut Output) -> anyhow::Result<u8> {
    let began = Instant::now();
    out.print_styled(&bold(
        "wigwag: a signal to exactly the process meant, and proof of what it did\n",
    ))?;
    let mut stage = Stage { out, wrong: 0 };

    stage.title("One that handles HUP: reload it, and only because it does")?;
    let handles = Actor::shell(
        &format!("trap 'r=1' HUP; {WAIT}"),
        Ready::Caught(Signal::HUP),
    )?;
    let pid = handles.pid();
    stage.expect(&["show", &pid, "--signal", "HUP"], 0, "runs its handler")?;
    stage.expect(&["reload", &pid], 0, "")?;

    stage.title("One that does not: HUP would end it, so the reload is refused")?;
    let plain = Actor::shell(LIVE, Ready::Named("cat"))?;
    stage.expect(&["reload", &plain.pid()], 3, "refused")?;
    stage.expect(&["send", "--dry-run", "TERM", &plain.pid()], 0, "kills")?;

    stage.title("One that blocks TERM: the signal stays pending, and the receipt says so")?;
    let blocks = Actor::role("blocks")?;
    stage.expect(&["send", "TERM", &blocks.pid()], 0, "pending")?;
    stage.expect(&["show", &blocks.pid(), "--signal", "TERM"], 0, "coalesces")?;

    stage.title("One to freeze, look at and thaw")?;
    stage.expect(&["freeze", &plain.pid()], 0, "stopped")?;
    stage.expect(
        &["send", "--dry-run", "TERM", &plain.pid()],
        0,
        "stays pending",
    )?;
    stage.expect(&["thaw", &plain.pid()], 0, "resumed")?;

    stage.title("One that ignores TERM: the ladder goes on to KILL")?;
    let ignores = Actor::shell(
        &format!("trap '' TERM; {LIVE}"),
        Ready::Ignored(Signal::TERM),
    )?;
    stage.expect(
        &["stop", "--ladder", "TERM:300ms,KILL", &ignores.pid()],
        0,
        "killed by KILL",
    )?;

    stage.title("A tree of processes, stopped as a whole")?;
    let tree = Actor::shell("exec 3<&0; cat <&3 & cat <&3 & wait", Ready::Children(2))?;
    stage.expect(
        &["stop", &format!("tree:{}", tree.pid())],
        0,
        "killed by TERM",
    )?;

    stage.title("A spelling mistake signals nobody")?;
    stage.expect(&["send", "HPU", &plain.pid()], 1, "HUP")?;

    stage.title("A number that is used again: a saved plan does not reach the newcomer")?;
    stage.recycled()?;

    let Stage { wrong, .. } = stage;
    drop((handles, plain, blocks, ignores, tree));
    let time = began.elapsed().as_secs_f64();
    if wrong == 0 {
        out.print_styled(&format!(
            "\n{} in {time:.1} s\n",
            bold("All did as predicted")
        ))?;
        Ok(0)
    } else {
        out.print_styled(&format!(
            "\n{wrong} steps did not do as predicted, in {time:.1} s\n"
        ))?;
        Ok(1)
    }
}

fn bold(text: &str) -> String {
    let style = anstyle::Style::new().bold();
    format!("{style}{text}{style:#}")
}

/// Where the steps are shown.
struct Stage<'a> {
    out: &'a mut Output,
    wrong: u32,
}

impl Stage<'_> {
    fn title(&mut self, text: &str) -> anyhow::Result<()> {
        let text = match self.out.terminal_width() {
            Some(width) => wrap(text, width, ""),
            None => format!("{text}\n"),
        };
        self.out
            .print_styled(&format!("\n{}\n", bold(text.trim_end())))
    }

    /// Runs `wigwag WORDS`, shows it, and holds it against the exit status and the words that must come.
    fn expect(&mut self, words: &[&str], code: i32, says: &str) -> anyhow::Result<()> {
        let dim = anstyle::Style::new().dimmed();
        self.out
            .print_styled(&format!("{dim}${dim:#} wigwag {}\n", words.join(" ")))?;
        let done = own_program()?
            .args(words)
            .output()
            .context("cannot run wigwag itself")?;
        let text = [done.stdout, done.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        for line in text.lines() {
            show(self.out, line)?;
        }
        if done.status.code() != Some(code) || !text.contains(says) {
            self.wrong += 1;
            let bad = anstyle::AnsiColor::Red.on_default();
            self.out.print_styled(&format!(
                "{bad}  not as predicted: exit status {code} and '{says}' were, it was {}{bad:#}\n",
                done.status
            ))?;
        }
        Ok(())
    }

    /// The same inside a pid namespace, where a number can be given out again at will.
    fn recycled(&mut self) -> anyhow::Result<()> {
        let can = Program::new("unshare")
            .args(["--pid", "--fork", "--mount-proc", "true"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !can {
            return self.out.print(
                "  left out: this needs root and unshare(1), for a pid namespace of its own\n",
            );
        }
        let done = Program::new("unshare")
            .args(["--pid", "--fork", "--kill-child", "--mount-proc"])
            .arg(std::env::current_exe()?)
            .args(["tour", "--actor", "recycles"])
            .output()
            .context("cannot run unshare")?;
        self.out.print(&String::from_utf8_lossy(&done.stdout))?;
        self.out.print(&String::from_utf8_lossy(&done.stderr))?;
        if !done.status.success() {
            self.wrong += 1;
        }
        Ok(())
    }
}

/// A line that a command has printed; on a terminal broken between words where it is too long.
fn show(out: &mut Output, line: &str) -> anyhow::Result<()> {
    match out.terminal_width() {
        Some(width) if line.chars().count() + 2 > width => out.print(&wrap(line, width, "  ")),
        _ => out.print(&format!("  {line}\n")),
    }
}

fn own_program() -> anyhow::Result<Program> {
    let mut program =
        Program::new(std::env::current_exe().context("cannot find this program's own file")?);
    program.stdin(Stdio::null());
    Ok(program)
}

/// What is waited for before an actor is on stage.
#[derive(Clone, Copy)]
enum Ready {
    Caught(Signal),
    Ignored(Signal),
    Blocked(Signal),
    Named(&'static str),
    Children(usize),
}

/// A process of the tour's own, ended and collected when dropped.
struct Actor(Child);

impl Actor {
    fn shell(script: &str, ready: Ready) -> anyhow::Result<Actor> {
        let mut program = Program::new("sh");
        Actor::start(program.args(["-c", script]), ready)
    }

    fn role(name: &str) -> anyhow::Result<Actor> {
        Actor::start(
            own_program()?.args(["tour", "--actor", name]),
            Ready::Blocked(Signal::TERM),
        )
    }

    fn start(program: &mut Program, ready: Ready) -> anyhow::Result<Actor> {
        let child = program.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        let actor = Actor(child.context("cannot start a process")?);
        let proc = Proc::open()?;
        let pid = i32::try_from(actor.0.id())?;
        let dir = proc.dir(pid)?;
        let is_ready = || -> anyhow::Result<bool> {
            let view = SignalView::read(&proc, &dir)?;
            let asleep = view.state == 'S';
            let blocks = |signal| {
                view.threads
                    .iter()
                    .all(|thread| thread.blocked.contains(signal))
            };
            Ok(asleep
                && match ready {
                    Ready::Caught(signal) => view.caught.contains(signal) && !blocks(signal),
                    Ready::Ignored(signal) => {
                        view.ignored.contains(signal) && dir.comm()?.to_str() == Some("cat")
                    }
                    Ready::Blocked(signal) => blocks(signal),
                    Ready::Named(name) => dir.comm()?.to_str() == Some(name),
                    Ready::Children(count) => {
                        census(&proc, &Target::Tree(pid).into())?.found.len() == count + 1
                    }
                })
        };
        wait_until("a process of the tour to be ready", || {
            is_ready().unwrap_or(false)
        })?;
        Ok(actor)
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) -> anyhow::Result<()> {
    let began = Instant::now();
    while !condition() {
        if began.elapsed() > Duration::from_secs(10) {
            bail!("waited 10 s for {what}");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// The actor that blocks TERM, until its parent has gone.
fn blocks() -> anyhow::Result<u8> {
    let parent = rustix::process::getppid();
    let _guard = mask::block(Signal::TERM);
    while rustix::process::getppid() == parent {
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(0)
}

/// The step in a namespace: a plan is saved, its process ends, and another gets the number.
fn recycles(out: &mut Output) -> anyhow::Result<u8> {
    let victim = Actor::shell(LIVE, Ready::Named("cat"))?;
    let pid = victim.0.id();
    let plan = own_program()?
        .args(["send", "--dry-run", "--json", "TERM", &pid.to_string()])
        .output()?;
    out.print(&format!(
        "  $ wigwag send --dry-run --json TERM {pid} > plan.json\n"
    ))?;
    drop(victim);
    let mut newcomer = None;
    for _ in 0..50 {
        std::fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string())
            .context("cannot write ns_last_pid")?;
        let actor = Actor::shell(LIVE, Ready::Named("cat"))?;
        if actor.0.id() == pid {
            newcomer = Some(actor);
            break;
        }
    }
    let Some(mut newcomer) = newcomer else {
        bail!("the number {pid} was not given out again")
    };
    out.print(&format!(
        "  ({pid} has ended; another process is {pid} now)\n  $ wigwag apply plan.json\n"
    ))?;
    let mut apply = own_program()?
        .args(["apply", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = apply.stdin.take() {
        stdin.write_all(&plan.stdout)?;
    }
    let done = apply.wait_with_output()?;
    for line in String::from_utf8_lossy(&done.stdout).lines() {
        show(out, line)?;
    }
    let unharmed = newcomer.0.try_wait()?.is_none();
    let said = String::from_utf8_lossy(&done.stdout).contains("gone before");
    out.print(if unharmed {
        "  the newcomer lives\n"
    } else {
        "  the newcomer was hit\n"
    })?;
    Ok(u8::from(!(unharmed && said)))
}
