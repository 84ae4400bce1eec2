//! Reading keys from a pseudo-terminal of the test's own.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unsafe_code)]

use std::fs::File;
use std::os::fd::{FromRawFd, OwnedFd};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
use wigwag::{Errno, keys};

/// Both ends of a new pseudo-terminal, with the settings that a new one has.
fn pty() -> (OwnedFd, OwnedFd) {
    let (mut master, mut slave) = (-1, -1);
    // SAFETY: both places are valid for the results; no name, settings or size are given.
    let opened = unsafe {
        libc::openpty(
            &raw mut master,
            &raw mut slave,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        )
    };
    assert_eq!(opened, 0, "a pseudo-terminal can be had");
    // SAFETY: openpty has just returned both descriptors, and nobody else has them.
    unsafe { (OwnedFd::from_raw_fd(master), OwnedFd::from_raw_fd(slave)) }
}

fn key<'a>(terminal: &'a keys::Terminal, setting: &str) -> &'a keys::Key {
    terminal
        .keys
        .iter()
        .find(|key| key.setting == setting)
        .unwrap()
}

#[test]
fn a_new_terminal_has_the_usual_keys() {
    let (_master, slave) = pty();
    let terminal = keys::read(&slave).unwrap();
    assert!(terminal.keys_send_signals && terminal.by_lines && terminal.flow_control);
    assert!(terminal.device.as_ref().unwrap().starts_with("/dev/pts"));
    for (setting, label, signal) in [
        ("intr", "Ctrl-C", "INT"),
        ("quit", "Ctrl-\\", "QUIT"),
        ("susp", "Ctrl-Z", "TSTP"),
    ] {
        let key = key(&terminal, setting);
        assert_eq!(
            (key.label.as_deref(), key.signal, key.active),
            (Some(label), Some(signal), true)
        );
    }
    let eof = key(&terminal, "eof");
    assert_eq!(
        (eof.label.as_deref(), eof.signal),
        (Some("Ctrl-D"), None),
        "Ctrl-D sends no signal"
    );
}

#[test]
fn changed_and_disabled_keys_are_seen() {
    let (_master, slave) = pty();
    let mut settings = tcgetattr(&slave).unwrap();
    settings.special_codes[SpecialCodeIndex::VINTR] = 0x18;
    settings.special_codes[SpecialCodeIndex::VQUIT] = 0;
    tcsetattr(&slave, OptionalActions::Now, &settings).unwrap();
    let terminal = keys::read(&slave).unwrap();
    assert_eq!(key(&terminal, "intr").label.as_deref(), Some("Ctrl-X"));
    let quit = key(&terminal, "quit");
    assert_eq!(
        (quit.code, quit.label.as_ref(), quit.active),
        (None, None, false)
    );
}

#[test]
fn a_raw_terminal_sends_no_signals() {
    let (_master, slave) = pty();
    let mut settings = tcgetattr(&slave).unwrap();
    settings.make_raw();
    tcsetattr(&slave, OptionalActions::Now, &settings).unwrap();
    let terminal = keys::read(&slave).unwrap();
    assert!(!settings.local_modes.contains(LocalModes::ISIG));
    assert!(!terminal.keys_send_signals && terminal.keys.iter().all(|key| !key.active));
}

#[test]
fn what_is_no_terminal_gives_enotty() {
    let error = keys::read(File::open("/dev/null").unwrap()).unwrap_err();
    assert_eq!(error.errno(), Errno::NOTTY);
}

#[test]
fn a_terminal_that_hung_up_gives_eio() {
    let (master, slave) = pty();
    drop(master);
    assert_eq!(keys::read(&slave).unwrap_err().errno().name(), Some("EIO"));
}
