//! Which key sends which signal on a terminal now, read from the terminal.
//!
//! See termios(3) and stty(1). A program that has set its terminal raw (an editor, a shell's line editing) is seen so too.

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use rustix::termios::{ControlModes, InputModes, LocalModes, SpecialCodeIndex, Termios};

use crate::{Errno, Error, Result};

/// The settings of a terminal that have to do with signals.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Terminal {
    /// Its device: `/dev/pts/0`.
    pub device: Option<PathBuf>,
    /// Columns and rows, where it knows them.
    pub size: Option<(u16, u16)>,
    /// The process group that its keys signal; none if this process has another controlling terminal.
    pub foreground: Option<i32>,
    /// Whether keys send signals (`isig`). If not, they reach the program as characters.
    pub keys_send_signals: bool,
    /// Whether it reads by lines (`icanon`): only then does the end-of-file key mean anything.
    pub by_lines: bool,
    /// Whether the stop and start keys hold output (`ixon`).
    pub flow_control: bool,
    /// Whether a background job that writes gets TTOU (`tostop`).
    pub background_output_stops: bool,
    /// Whether the line hangs up: with `clocal` a modem's hang-up sends no HUP.
    pub hang_up: bool,
    /// The keys, those that send signals first.
    pub keys: Vec<Key>,
}

/// One key with a meaning to the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Key {
    /// Its name in stty(1): `intr`.
    pub setting: &'static str,
    /// The byte that it is bound to; none if it is disabled.
    pub code: Option<u8>,
    /// The key as one says it: `Ctrl-C`; none if it is disabled.
    pub label: Option<String>,
    /// The signal that it sends to the foreground process group; none for a key that sends none.
    pub signal: Option<&'static str>,
    /// What it does.
    pub effect: &'static str,
    /// Whether it does so with the terminal's settings of now.
    pub active: bool,
}

/// Reads the settings of the terminal that `fd` is, with tcgetattr(3).
///
/// Works in any thread and after a fork; changes nothing. The name of the device comes from ttyname(3), which reads
/// `/proc/self/fd`; without it there is none.
///
/// # Errors
/// ENOTTY if `fd` is no terminal; EIO if the terminal has hung up.
///
/// ```no_run
/// let terminal = wigwag::keys::read(std::io::stdin())?;
/// for key in terminal.keys.iter().filter(|key| key.active) {
///     println!("{:?} sends {:?}", key.label, key.signal);
/// }
/// # Ok::<(), wigwag::Error>(())
/// ```
pub fn read(fd: impl AsFd) -> Result<Terminal> {
    let fd = fd.as_fd();
    let settings = rustix::termios::tcgetattr(fd).map_err(|errno| {
        Error::new(
            "read the settings of the terminal",
            Errno::new(errno.raw_os_error()),
        )
    })?;
    let device = rustix::termios::ttyname(fd, Vec::new()).ok();
    Ok(Terminal {
        device: device.map(|name| PathBuf::from(OsString::from_vec(name.into_bytes()))),
        size: rustix::termios::tcgetwinsize(fd)
            .ok()
            .map(|s| (s.ws_col, s.ws_row))
            .filter(|(columns, rows)| *columns != 0 && *rows != 0),
        foreground: rustix::termios::tcgetpgrp(fd)
            .ok()
            .map(|pid| pid.as_raw_pid()),
        keys_send_signals: settings.local_modes.contains(LocalModes::ISIG),
        by_lines: settings.local_modes.contains(LocalModes::ICANON),
        flow_control: settings.input_modes.contains(InputModes::IXON),
        background_output_stops: settings.local_modes.contains(LocalModes::TOSTOP),
        hang_up: !settings.control_modes.contains(ControlModes::CLOCAL),
        keys: keys(&settings),
    })
}

fn keys(settings: &Termios) -> Vec<Key> {
    let signals = settings.local_modes.contains(LocalModes::ISIG);
    let lines = settings.local_modes.contains(LocalModes::ICANON);
    let flow = settings.input_modes.contains(InputModes::IXON);
    let key = |setting, index, signal, effect, on: bool| {
        // Linux and POSIX: a code of 0 (_POSIX_VDISABLE) turns a key off.
        let code = Some(settings.special_codes[index]).filter(|code| *code != 0);
        Key {
            setting,
            code,
            label: code.map(label),
            signal,
            effect,
            active: on && code.is_some(),
        }
    };
    vec![
        key(
            "intr",
            SpecialCodeIndex::VINTR,
            Some("INT"),
            "interrupts the foreground job",
            signals,
        ),
        key(
            "quit",
            SpecialCodeIndex::VQUIT,
            Some("QUIT"),
            "ends it with a core dump",
            signals,
        ),
        key(
            "susp",
            SpecialCodeIndex::VSUSP,
            Some("TSTP"),
            "stops it; `fg` resumes it",
            signals,
        ),
        key(
            "eof",
            SpecialCodeIndex::VEOF,
            None,
            "end-of-file: sends no signal",
            lines,
        ),
        key(
            "stop",
            SpecialCodeIndex::VSTOP,
            None,
            "holds the output: sends no signal",
            flow,
        ),
        key(
            "start",
            SpecialCodeIndex::VSTART,
            None,
            "lets the output go on: sends no signal",
            flow,
        ),
    ]
}

/// The key that gives a byte, as one says it.
///
/// ```
/// use wigwag::keys::label;
/// assert_eq!(label(3), "Ctrl-C");
/// assert_eq!(label(28), "Ctrl-\\");
/// assert_eq!(label(127), "Backspace");
/// assert_eq!(label(b'x'), "x");
/// ```
#[must_use]
pub fn label(code: u8) -> String {
    match code {
        0..=31 => format!("Ctrl-{}", char::from(code + 64)),
        32 => "Space".to_owned(),
        127 => "Backspace".to_owned(),
        33..=126 => char::from(code).to_string(),
        128.. => format!("byte {code:#x}"),
    }
}
