//! An environment, as it lies in memory: strings, in their order.

use std::ffi::{CStr, CString};

/// The strings; most are `NAME=VALUE`.
pub struct Variables(Vec<CString>);

impl Variables {
    pub fn of_this_process() -> Variables {
        Variables(wigwag::exec::environment())
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The value of the first of this name.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.0.iter().find_map(|string| value(string, name))
    }

    /// Takes away all of this name.
    pub fn unset(&mut self, name: &[u8]) {
        self.0.retain(|string| value(string, name).is_none());
    }

    /// In the place of the first of the same name, or at the end.
    pub fn put(&mut self, string: CString) {
        let bytes = string.to_bytes();
        let end = bytes.iter().position(|byte| *byte == b'=');
        let name = &bytes[..end.unwrap_or(bytes.len())];
        match self.0.iter().position(|old| value(old, name).is_some()) {
            Some(at) => self.0[at] = string,
            None => self.0.push(string),
        }
    }

    pub fn strings(&self) -> Vec<&CStr> {
        self.0.iter().map(CString::as_c_str).collect()
    }

    /// Each with this byte after it.
    pub fn lines(&self, end: u8) -> Vec<u8> {
        let mut lines = Vec::new();
        for string in &self.0 {
            lines.extend_from_slice(string.to_bytes());
            lines.push(end);
        }
        lines
    }
}

fn value<'s>(string: &'s CStr, name: &[u8]) -> Option<&'s [u8]> {
    string.to_bytes().strip_prefix(name)?.strip_prefix(b"=")
}
