//! Processes of all kinds to look for, in a namespace of the test's own.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use wigwag_testkit::namespace::has_nobody;
use wigwag_testkit::{Deadline, Puppet, Recipe, proc};

use crate::compare::{Said, finish, ours, real};

/// Those that there are, by the words that stand for their numbers.
pub struct Stage {
    pub puppets: Vec<(&'static str, Puppet)>,
    odd: Child,
}

/// Ended when the stage is dropped.
impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.odd.kill();
        let _ = self.odd.wait();
    }
}

impl Stage {
    pub fn new() -> Stage {
        let alpha = || Recipe::named("wig-alpha");
        let mut recipes = vec![
            ("first", alpha()),
            (
                "threads",
                Recipe {
                    workers: 2,
                    ..alpha()
                },
            ),
            (
                "beta",
                Recipe {
                    catch: vec![10],
                    ..Recipe::named("wig-Beta")
                },
            ),
            ("long", Recipe::named("wig-longer-than-fifteen")),
            ("gone", Recipe::named("wig-zombie")),
            ("stopped", Recipe::named("wig-stopped")),
            (
                "alone",
                Recipe {
                    orphaned: true,
                    ..Recipe::named("wig-alone")
                },
            ),
            ("strange", Recipe::named("wig (x) é+.*")),
        ];
        if has_nobody() {
            recipes.push((
                "nobody",
                Recipe {
                    user: Some(65534),
                    ..Recipe::named("wig-nobody")
                },
            ));
        }
        let mut puppets: Vec<(&str, Puppet)> = recipes
            .iter()
            .map(|(word, recipe)| (*word, Puppet::spawn(recipe)))
            .collect();
        for (word, puppet) in &mut puppets {
            match *word {
                "gone" => puppet.become_zombie(),
                "stopped" => puppet.stop(),
                _ => {}
            }
        }
        // It reads until its end, with arguments of all kinds.
        let odd = Command::new("sh")
            .arg0("wig-odd")
            .args([
                "-c",
                "read x; :",
                "",
                "two words",
                "line\nbreak",
                "tab\there",
                "quote's",
                "é",
                "trail",
                "",
            ])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = i32::try_from(odd.id()).unwrap();
        Deadline::usual().wait_for("the odd one to read", || {
            (proc::state(pid) == Some('S')).then_some(())
        });
        Stage { puppets, odd }
    }

    pub fn pid(&self, word: &str) -> i32 {
        let found = self.puppets.iter().find(|(known, _)| *known == word);
        found.unwrap_or_else(|| panic!("nobody is {word}")).1.pid()
    }

    /// `{word}` as the number.
    pub fn fill(&self, text: &str) -> String {
        let mut text = text.replace("{me}", &std::process::id().to_string());
        text = text.replace("{odd}", &self.odd.id().to_string());
        for (word, puppet) in &self.puppets {
            text = text.replace(&format!("{{{word}}}"), &puppet.pid().to_string());
        }
        text
    }

    pub fn words(&self, words: &[&str]) -> Vec<String> {
        words.iter().map(|word| self.fill(word)).collect()
    }

    /// What our tool says in a locale.
    pub fn ours(&self, name: &str, words: &[&str], locale: &str) -> Said {
        in_locale(&mut ours(name), &self.words(words), locale)
    }

    /// What the real one says; `None` where there is none.
    pub fn theirs(&self, name: &str, words: &[&str], locale: &str) -> Option<Said> {
        Some(in_locale(&mut real(name)?, &self.words(words), locale))
    }

    /// The same words to both: the same answer.
    #[track_caller]
    pub fn same(&self, name: &str, words: &[&str], locale: &str) -> Option<Said> {
        let theirs = self.theirs(name, words, locale)?;
        let said = self.ours(name, words, locale);
        assert_eq!(
            said, theirs,
            "{name} {words:?} in {locale}: ours is on the left"
        );
        Some(said)
    }
}

/// Through env(1): [`finish`] sets the C locale.
fn in_locale(command: &mut Command, words: &[String], locale: &str) -> Said {
    let name = command.get_program().to_owned();
    let base = std::path::Path::new(&name).file_name().unwrap().to_owned();
    if locale == "C" {
        return finish(command.arg0(base).args(words));
    }
    let mut inner = Command::new("sh");
    inner
        .args([
            "-c",
            r#"export LC_ALL="$1"; shift; exec "$@""#,
            "sh",
            locale,
        ])
        .arg(name)
        .args(words);
    finish(&mut inner)
}
