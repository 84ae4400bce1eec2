//! The value that comes with a signal.

/// The value that comes with a signal: a number of 32 bits or a pointer, as the sender meant it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(transparent)
)]
pub struct Value(pub(super) u64);

impl Value {
    /// As a number (`sival_int`).
    #[must_use]
    pub const fn int(self) -> i32 {
        // The number is at the beginning of the union, so on a big machine in the upper half of the word.
        let [a, b, c, d, ..] = self.0.to_ne_bytes();
        i32::from_ne_bytes([a, b, c, d])
    }

    /// As the address that a sender put there (`sival_ptr`).
    #[must_use]
    pub const fn pointer(self) -> u64 {
        self.0
    }
}
