//! Sets of signals, as the kernel keeps them: 64 bits.

use std::fmt;
use std::ops::{BitAnd, BitAndAssign, BitOr, BitOrAssign, Not, Sub, SubAssign};

use crate::Signal;

/// A set of signals 1 to 64, those that the C library reserves included, in the kernel's own form.
///
/// ```
/// use wigwag::{Signal, SignalSet};
/// let set = SignalSet::from([Signal::HUP, Signal::TERM]);
/// assert!(set.contains(Signal::TERM));
/// assert_eq!((set | SignalSet::from(Signal::INT)).to_string(), "HUP INT TERM");
/// assert_eq!(set, SignalSet::from_hex("0000000000004001").unwrap());
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct SignalSet(u64);

impl SignalSet {
    /// No signal.
    pub const EMPTY: SignalSet = SignalSet(0);
    /// All 64, also KILL, STOP and those that the C library reserves.
    pub const ALL: SignalSet = SignalSet(u64::MAX);
    /// The signals that an instruction of the program itself causes: ILL, TRAP, BUS, FPE, SEGV, SYS.
    pub const FAULTS: SignalSet = SignalSet::of(&[
        Signal::ILL,
        Signal::TRAP,
        Signal::BUS,
        Signal::FPE,
        Signal::SEGV,
        Signal::SYS,
    ]);

    /// The set of these, also in constants.
    ///
    /// ```
    /// use wigwag::{Signal, SignalSet};
    /// const ENDS: SignalSet = SignalSet::of(&[Signal::INT, Signal::TERM]);
    /// assert_eq!(ENDS.len(), 2);
    /// ```
    #[must_use]
    pub const fn of(signals: &[Signal]) -> SignalSet {
        let mut bits = 0;
        let mut i = 0;
        while i < signals.len() {
            bits |= bit(signals[i]);
            i += 1;
        }
        SignalSet(bits)
    }

    /// The set with these bits: bit `n - 1` is signal `n`.
    ///
    /// ```
    /// use wigwag::{Signal, SignalSet};
    /// assert_eq!(SignalSet::from_bits(1 << 14), Signal::TERM.into());
    /// ```
    #[must_use]
    pub const fn from_bits(bits: u64) -> SignalSet {
        SignalSet(bits)
    }

    /// The bits: bit `n - 1` is signal `n`.
    ///
    /// ```
    /// use wigwag::{Signal, SignalSet};
    /// assert_eq!(SignalSet::from(Signal::HUP).bits(), 1);
    /// ```
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Reads a mask as `/proc/PID/status` shows it, see proc_pid_status(5): hexadecimal, 1 to 16 digits; `None` for anything else.
    ///
    /// ```
    /// use wigwag::{Signal, SignalSet};
    /// assert_eq!(SignalSet::from_hex("0000000000004000"), Some(Signal::TERM.into()));
    /// assert_eq!(SignalSet::from_hex("0x4000"), None);
    /// ```
    #[must_use]
    pub fn from_hex(text: &str) -> Option<SignalSet> {
        // Checked here, since the parser below also takes a sign and any number of zeros.
        if text.len() <= 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            u64::from_str_radix(text, 16).ok().map(SignalSet)
        } else {
            None
        }
    }

    /// Puts it in; true when it was not there.
    ///
    /// ```
    /// use wigwag::{Signal, SignalSet};
    /// let mut set = SignalSet::EMPTY;
    /// assert!(set.insert(Signal::HUP) && !set.insert(Signal::HUP));
    /// ```
    pub fn insert(&mut self, signal: Signal) -> bool {
        let new = !self.contains(signal);
        self.0 |= bit(signal);
        new
    }

    /// Takes it out; true when it was there.
    ///
    /// ```
    /// use wigwag::{Signal, SignalSet};
    /// let mut set = SignalSet::from(Signal::HUP);
    /// assert!(set.remove(Signal::HUP) && !set.remove(Signal::HUP));
    /// ```
    pub fn remove(&mut self, signal: Signal) -> bool {
        let was = self.contains(signal);
        self.0 &= !bit(signal);
        was
    }

    /// Whether it is in the set.
    ///
    /// ```
    /// use wigwag::{Signal, SignalSet};
    /// assert!(SignalSet::FAULTS.contains(Signal::SEGV));
    /// ```
    #[must_use]
    pub const fn contains(self, signal: Signal) -> bool {
        self.0 & bit(signal) != 0
    }

    /// Whether every signal of the other set is in this one.
    ///
    /// ```
    /// use wigwag::SignalSet;
    /// assert!(SignalSet::ALL.is_superset(SignalSet::FAULTS));
    /// ```
    #[must_use]
    pub const fn is_superset(self, other: SignalSet) -> bool {
        other.0 & !self.0 == 0
    }

    /// Whether the two share a signal.
    ///
    /// ```
    /// use wigwag::{Signal, SignalSet};
    /// assert!(!SignalSet::FAULTS.intersects([Signal::INT, Signal::TERM].into()));
    /// ```
    #[must_use]
    pub const fn intersects(self, other: SignalSet) -> bool {
        self.0 & other.0 != 0
    }

    /// How many there are.
    ///
    /// ```
    /// assert_eq!(wigwag::SignalSet::ALL.len(), 64);
    /// ```
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether there is none.
    ///
    /// ```
    /// assert!(wigwag::SignalSet::EMPTY.is_empty());
    /// ```
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The signals, by number.
    ///
    /// ```
    /// use wigwag::{Signal, SignalSet};
    /// let set = SignalSet::from([Signal::TERM, Signal::HUP]);
    /// assert_eq!(set.iter().collect::<Vec<_>>(), [Signal::HUP, Signal::TERM]);
    /// ```
    #[must_use]
    pub const fn iter(self) -> Iter {
        Iter(self.0)
    }

    /// The same without the signals that the C library reserves for its threads, which nobody else may block.
    pub(crate) fn without_reserved(self) -> SignalSet {
        SignalSet(self.0 & !crate::sys::reserved_bits())
    }
}

const fn bit(signal: Signal) -> u64 {
    1 << (signal.number() - 1)
}

/// The signals of a set, by number.
#[derive(Clone, Debug)]
pub struct Iter(u64);

impl Iterator for Iter {
    type Item = Signal;

    fn next(&mut self) -> Option<Signal> {
        if self.0 == 0 {
            return None;
        }
        let signal = Signal::from_kernel(self.0.trailing_zeros() as i32 + 1);
        self.0 &= self.0 - 1;
        signal
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.0.count_ones() as usize;
        (left, Some(left))
    }
}

impl DoubleEndedIterator for Iter {
    fn next_back(&mut self) -> Option<Signal> {
        let signal = Signal::from_kernel(64 - self.0.leading_zeros() as i32)?;
        self.0 &= !bit(signal);
        Some(signal)
    }
}

impl ExactSizeIterator for Iter {}

impl IntoIterator for SignalSet {
    type Item = Signal;
    type IntoIter = Iter;

    fn into_iter(self) -> Iter {
        self.iter()
    }
}

impl FromIterator<Signal> for SignalSet {
    fn from_iter<I: IntoIterator<Item = Signal>>(signals: I) -> SignalSet {
        let mut set = SignalSet::EMPTY;
        set.extend(signals);
        set
    }
}

impl Extend<Signal> for SignalSet {
    fn extend<I: IntoIterator<Item = Signal>>(&mut self, signals: I) {
        for signal in signals {
            self.insert(signal);
        }
    }
}

impl From<Signal> for SignalSet {
    fn from(signal: Signal) -> SignalSet {
        SignalSet(bit(signal))
    }
}

impl<const N: usize> From<[Signal; N]> for SignalSet {
    fn from(signals: [Signal; N]) -> SignalSet {
        SignalSet::of(&signals)
    }
}

impl BitOr for SignalSet {
    type Output = SignalSet;

    fn bitor(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 | other.0)
    }
}

impl BitOrAssign for SignalSet {
    fn bitor_assign(&mut self, other: SignalSet) {
        self.0 |= other.0;
    }
}

impl BitAnd for SignalSet {
    type Output = SignalSet;

    fn bitand(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 & other.0)
    }
}

impl BitAndAssign for SignalSet {
    fn bitand_assign(&mut self, other: SignalSet) {
        self.0 &= other.0;
    }
}

impl Sub for SignalSet {
    type Output = SignalSet;

    fn sub(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 & !other.0)
    }
}

impl SubAssign for SignalSet {
    fn sub_assign(&mut self, other: SignalSet) {
        self.0 &= !other.0;
    }
}

impl Not for SignalSet {
    type Output = SignalSet;

    fn not(self) -> SignalSet {
        SignalSet(!self.0)
    }
}

impl fmt::Display for SignalSet {
    /// The names, by number, with a space between.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, signal) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            f.write_str(&signal.name())?;
        }
        Ok(())
    }
}

impl fmt::Debug for SignalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for SignalSet {
    /// A list of names.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for SignalSet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<SignalSet, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = SignalSet;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of signals")
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut list: A,
            ) -> Result<SignalSet, A::Error> {
                let mut set = SignalSet::EMPTY;
                while let Some(signal) = list.next_element()? {
                    set.insert(signal);
                }
                Ok(set)
            }
        }
        deserializer.deserialize_seq(Visitor)
    }
}
