//! Taking signals from the kernel: one by waiting, or many at once.

use std::time::Duration;

use super::shared::{self, KICK};
use crate::{Errno, Signal, SignalFd, SignalInfo, SignalSet, sys};

/// How a wait in the kernel ended.
pub(crate) enum Taken {
    Signal(SignalInfo),
    /// URG that was no kick, and that nobody waits for here.
    Other(SignalInfo),
    Kick,
    Nothing,
}

/// Waits for these signals or for a kick, which the calling thread blocks.
pub(crate) fn wait_for(bits: u64, timeout: Option<std::time::Duration>) -> Taken {
    let kick = shared::bit(KICK);
    match sys::mask::timedwait(bits | kick, timeout) {
        Ok(raw) if sys::handler::opened(&raw, bits & kick != 0) => Taken::Kick,
        Ok(raw)
            if raw.signo == KICK
                && raw.code == libc::SI_TKILL
                && raw.pid == sys::send::getpid() =>
        {
            Taken::Kick
        }
        Ok(raw) => match SignalInfo::from_raw(&raw) {
            Some(info) if bits & shared::bit(info.signal.number()) != 0 => Taken::Signal(info),
            Some(info) => Taken::Other(info),
            None => Taken::Kick,
        },
        Err(Errno::AGAIN) => Taken::Nothing,
        // A handler has run, or the process was stopped and goes on.
        Err(_) => Taken::Kick,
    }
}

/// Whether a signal can be received at all.
pub(crate) fn refuses(signal: Signal) -> Option<&'static str> {
    if !signal.can_be_caught() {
        return Some("no process can catch or block it");
    }
    let fault = [Signal::ILL, Signal::BUS, Signal::FPE, Signal::SEGV].contains(&signal);
    fault.then_some(
        "it tells of a fault of the very thread that it interrupts: only a handler there can (disposition::sigaction)",
    )
}

/// Reads many signals at once.
#[derive(Default)]
pub(crate) struct Batch {
    fd: Option<SignalFd>,
    of: u64,
    /// The last time there was one: there may be more at once.
    pub(crate) busy: bool,
    /// How often there was not, one after the other.
    vain: u8,
    /// How many are still to come one by one before it looks for many.
    single: u8,
}

impl Batch {
    /// A wait has brought one. Where looking for more was in vain of late, it is looked less often: at every 16th in the end.
    pub(crate) fn one(&mut self, may_read: bool) {
        self.busy = may_read && self.single == 0;
        self.single = self.single.saturating_sub(1);
    }

    pub(crate) fn read(&mut self, bits: u64) -> Vec<SignalInfo> {
        let mut infos = Vec::new();
        self.busy = false;
        let set = SignalSet::from_bits(bits);
        if self.fd.is_none() {
            self.fd = SignalFd::new(set).ok();
            self.of = bits;
        }
        if let Some(fd) = &self.fd {
            if self.of != bits && fd.set(set).is_ok() {
                self.of = bits;
            }
            if self.of == bits {
                let _ = fd.read_batch(&mut infos);
            }
        } else if let Ok(raw) = sys::mask::timedwait(bits, Some(Duration::ZERO)) {
            infos.extend(SignalInfo::from_raw(&raw));
        }
        self.busy = !infos.is_empty();
        self.vain = if self.busy { 0 } else { (self.vain + 1).min(4) };
        self.single = (1 << self.vain) - 1;
        infos
    }
}
