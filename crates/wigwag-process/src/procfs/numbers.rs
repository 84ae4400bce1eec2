//! Numbers to and from the text of `/proc`, without allocation.

use std::ffi::CStr;

/// The decimal number that is all of `bytes`; `None` for anything else, overflow and signs included.
pub(crate) fn parse_u64(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    bytes.iter().try_fold(0u64, |sum, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        sum.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// As [`parse_u64`] for numbers that fit an `i32`.
pub(crate) fn parse_i32(bytes: &[u8]) -> Option<i32> {
    parse_u64(bytes).and_then(|n| i32::try_from(n).ok())
}

/// As [`parse_u64`], with a minus sign allowed.
pub(crate) fn parse_i64(bytes: &[u8]) -> Option<i64> {
    match bytes.strip_prefix(b"-") {
        Some(rest) => parse_u64(rest).and_then(|n| 0i64.checked_sub_unsigned(n)),
        None => parse_u64(bytes).and_then(|n| i64::try_from(n).ok()),
    }
}

/// The hexadecimal number that is all of `bytes`, with or without `0x`.
pub(crate) fn parse_hex(bytes: &[u8]) -> Option<u64> {
    let digits = bytes.strip_prefix(b"0x").unwrap_or(bytes);
    let text = std::str::from_utf8(digits).ok()?;
    if text.starts_with('+') {
        return None;
    }
    u64::from_str_radix(text, 16).ok()
}

/// `PID` or `PID/leaf` as a C string on the stack.
pub(crate) struct PidName {
    bytes: [u8; 48],
    len: usize,
}

impl PidName {
    /// The name of a process's directory.
    pub(crate) fn new(pid: i32) -> PidName {
        let mut digits = [0u8; 12];
        let mut at = digits.len();
        let mut rest = pid.unsigned_abs();
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        let mut name = PidName {
            bytes: [0; 48],
            len: digits.len() - at,
        };
        name.bytes[..name.len].copy_from_slice(&digits[at..]);
        name
    }

    /// The name of a file in it. A leaf too long for the buffer (none in `/proc` is) gives the directory's name.
    pub(crate) fn with(pid: i32, leaf: &CStr) -> PidName {
        let mut name = PidName::new(pid);
        let leaf = leaf.to_bytes();
        let start = name.len + 1;
        if let Some(room) = name.bytes.get_mut(start..start + leaf.len() + 1) {
            room[..leaf.len()].copy_from_slice(leaf);
            name.bytes[name.len] = b'/';
            name.len = start + leaf.len();
        }
        name
    }

    /// As the system calls take it.
    pub(crate) fn as_c_str(&self) -> &CStr {
        // The bytes after `len` are zero, so there always is an end.
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or(c"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_or_nothing() {
        assert_eq!(parse_u64(b"0"), Some(0));
        assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse_u64(b"18446744073709551616"), None);
        for bad in [&b""[..], b"+1", b"-1", b"1 ", b"1a"] {
            assert_eq!(parse_u64(bad), None);
        }
        assert_eq!(parse_i64(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(parse_i64(b"-"), None);
        assert_eq!(parse_hex(b"0xff"), Some(255));
        assert_eq!(parse_hex(b"+f"), None);
    }

    #[test]
    fn names_of_processes_and_their_files() {
        assert_eq!(PidName::new(0).as_c_str(), c"0");
        assert_eq!(PidName::new(i32::MAX).as_c_str(), c"2147483647");
        assert_eq!(PidName::with(42, c"stat").as_c_str(), c"42/stat");
        let long = std::ffi::CString::new(vec![b'x'; 60]).unwrap_or_default();
        assert_eq!(PidName::with(42, &long).as_c_str(), c"42");
    }
}
