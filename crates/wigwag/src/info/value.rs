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
        // The number is at the beginning of the union: on a big-endian machine of 64 bits in the upper half of the word.
        if cfg!(all(target_pointer_width = "64", target_endian = "big")) {
            (self.0 >> 32) as i32
        } else {
            self.0 as i32
        }
    }

    /// As the address that a sender put there (`sival_ptr`).
    #[must_use]
    pub const fn pointer(self) -> u64 {
        self.0
    }
}
