//! What the program is to have of signals: dispositions and mask.

use wigwag::disposition::{self, Handling};
use wigwag::{Error, Signal, SignalSet, mask};

use crate::dropin::gnu::signal::{name, number};

/// What was asked for one signal.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mode {
    ignore: bool,
    /// It was named: that it cannot be done is an error.
    named: bool,
}

/// What was asked for all of them.
#[derive(Default)]
pub struct Signals {
    modes: Vec<(Signal, Mode)>,
    block: SignalSet,
    unblock: SignalSet,
    /// The result is to be shown.
    pub list: bool,
}

/// The signals that a word names; the part of it that names none.
fn named(word: &[u8]) -> Result<Vec<Signal>, Vec<u8>> {
    word.split(|byte| *byte == b',')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let signal = number(part).and_then(|number| Signal::new(number).ok());
            signal.ok_or_else(|| part.to_vec())
        })
        .collect()
}

impl Signals {
    /// Their default action, and unblocked.
    pub fn default_action(&mut self, word: Option<&[u8]>) -> Result<(), Vec<u8>> {
        self.set(word, false)?;
        self.change_mask(word, false)
    }

    pub fn ignore(&mut self, word: Option<&[u8]>) -> Result<(), Vec<u8>> {
        self.set(word, true)
    }

    pub fn block(&mut self, word: Option<&[u8]>) -> Result<(), Vec<u8>> {
        self.change_mask(word, true)
    }

    fn set(&mut self, word: Option<&[u8]>, ignore: bool) -> Result<(), Vec<u8>> {
        let named_ones = word.map(named).transpose()?;
        let named = named_ones.is_some();
        let signals = named_ones.unwrap_or_else(|| Signal::all().collect());
        for signal in signals {
            self.modes.retain(|(known, _)| *known != signal);
            self.modes.push((signal, Mode { ignore, named }));
        }
        Ok(())
    }

    fn change_mask(&mut self, word: Option<&[u8]>, block: bool) -> Result<(), Vec<u8>> {
        let signals: SignalSet = match word {
            Some(word) => named(word)?.into_iter().collect(),
            None => Signal::all().collect(),
        };
        let (more, less) = match block {
            true => (&mut self.block, &mut self.unblock),
            false => (&mut self.unblock, &mut self.block),
        };
        *more |= signals;
        *less -= signals;
        Ok(())
    }

    /// Puts it in force, step by step, each told to `note`; the signal that cannot be had so.
    pub fn put(&self, note: impl Fn(String)) -> Result<(), (i32, Error)> {
        let mut modes = self.modes.clone();
        modes.sort_by_key(|(signal, _)| signal.number());
        for (signal, mode) in modes {
            let result = match mode.ignore {
                true => disposition::ignore(signal),
                false => disposition::default(signal),
            };
            let number = signal.number();
            let failed = match result {
                Ok(_) => "",
                Err(error) if mode.named => return Err((number, error)),
                Err(_) => " (failure ignored)",
            };
            let shown = name(number).unwrap_or_default();
            let action = if mode.ignore { "IGNORE" } else { "DEFAULT" };
            note(format!(
                "Reset signal {shown} ({number}) to {action}{failed}"
            ));
        }
        if self.block.is_empty() && self.unblock.is_empty() {
            return Ok(());
        }
        for signal in Signal::all() {
            let change = match (self.block.contains(signal), self.unblock.contains(signal)) {
                (true, _) => "BLOCK",
                (_, true) => "UNBLOCK",
                _ => continue,
            };
            let number = signal.number();
            let shown = name(number).unwrap_or_default();
            note(format!("signal {shown} ({number}) mask set to {change}"));
        }
        mask::set((mask::current() | self.block) - self.unblock).keep();
        Ok(())
    }
}

/// What is blocked or ignored now, a line each.
pub fn listed() -> String {
    let blocked = mask::current();
    let mut lines = String::new();
    for signal in Signal::all() {
        let ignored = disposition::get(signal).is_ok_and(|d| d.handling == Handling::Ignore);
        let how = match (blocked.contains(signal), ignored) {
            (true, true) => "BLOCK,IGNORE",
            (true, false) => "BLOCK",
            (false, true) => "IGNORE",
            (false, false) => continue,
        };
        let number = signal.number();
        let shown = name(number).unwrap_or_default();
        lines.push_str(&format!("{shown:<10} ({number:2}): {how}\n"));
    }
    lines
}
