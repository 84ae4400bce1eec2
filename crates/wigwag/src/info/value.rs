//! The value that comes with a signal.

use std::fmt;

/// The value that comes with a signal: a number of 32 bits or a pointer, as the sender meant it.
///
/// With the feature `serde` it is `value`, the number, and where the word holds more than that, `pointer`, the whole word as `"0x..."`;
/// in a [`Cause`](super::Cause) both stand beside the other fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(into = "form::Form", try_from = "form::Form")
)]
pub struct Value(pub(super) u64);

/// The number is at the beginning of the union: on a big-endian machine of 64 bits in the upper half of the word.
const SHIFT: u32 = if cfg!(all(target_pointer_width = "64", target_endian = "big")) {
    32
} else {
    0
};

impl fmt::Display for Value {
    /// The number; where the rest of the word is neither zero nor its sign, the word besides: "5 (0x100000005)".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let int = self.int();
        write!(f, "{int}")?;
        if self.0 == Value::from_int(int).0 || self.0 == i64::from(int) as u64 {
            return Ok(());
        }
        write!(f, " ({:#x})", self.0)
    }
}

impl Value {
    /// The word of a number alone.
    const fn from_int(int: i32) -> Value {
        Value((int as u32 as u64) << SHIFT)
    }

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
        (self.0 >> SHIFT) as i32
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

/// How it is written: the number for everybody, and nothing of the word is lost.
#[cfg(feature = "serde")]
mod form {
    use super::Value;

    #[derive(serde::Serialize, serde::Deserialize)]
    pub(super) struct Form {
        value: i32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pointer: Option<String>,
    }

    impl From<Value> for Form {
        fn from(value: Value) -> Form {
            let int = value.int();
            let is_more = value != Value::from_int(int);
            Form {
                value: int,
                pointer: is_more.then(|| format!("{:#x}", value.0)),
            }
        }
    }

    impl TryFrom<Form> for Value {
        type Error = String;

        fn try_from(form: Form) -> Result<Value, String> {
            let Some(text) = form.pointer else {
                return Ok(Value::from_int(form.value));
            };
            let digits = text.strip_prefix("0x");
            let word = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
            match word.map(Value) {
                Some(value) if value.int() == form.value => Ok(value),
                _ => Err(format!(
                    "the pointer {text:?} is no word whose number is {}",
                    form.value
                )),
            }
        }
    }
}
