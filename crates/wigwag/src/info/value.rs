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
    /// As a number (`sival_int` of sigevent(3type)).
    ///
    /// ```
    /// use wigwag::{Cause, Signal, mask, send, wait};
    /// let guard = mask::block(Signal::USR1);
    /// send::queue(send::process_id(), Signal::USR1, 42)?;
    /// let Cause::Queue { value, .. } = wait::wait_info(Signal::USR1)?.cause else { panic!() };
    /// assert_eq!(value.int(), 42);
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[must_use]
    pub const fn int(self) -> i32 {
        // The number is at the beginning of the union: on a big-endian machine of 64 bits in the upper half of the word.
        if cfg!(all(target_pointer_width = "64", target_endian = "big")) {
            (self.0 >> 32) as i32
        } else {
            self.0 as i32
        }
    }

    /// As the address that a sender put there (`sival_ptr`). It means something only if the sender is this process.
    ///
    /// ```
    /// use wigwag::{Cause, Signal, mask, send, wait};
    /// let guard = mask::block(Signal::USR1);
    /// send::queue(send::process_id(), Signal::USR1, 42)?;
    /// let Cause::Queue { value, .. } = wait::wait_info(Signal::USR1)?.cause else { panic!() };
    /// # if cfg!(target_endian = "little") {
    /// assert_eq!(value.pointer(), 42);
    /// # }
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[must_use]
    pub const fn pointer(self) -> u64 {
        self.0
    }
}
