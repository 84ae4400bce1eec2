//! execve, and the environment as it lies in memory.

use std::ffi::{CStr, CString, c_char};

use crate::Errno;

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// The strings of the environment, each as it is.
pub(crate) fn environment() -> Vec<CString> {
    let mut strings = Vec::new();
    // SAFETY: the C library keeps it null, or an array of pointers to strings that ends with a null. Whoever changes it while other
    // threads may read it (`std::env::set_var`) has to answer for it.
    unsafe {
        let mut at = environ;
        while !at.is_null() && !(*at).is_null() {
            strings.push(CStr::from_ptr(*at).to_owned());
            at = at.add(1);
        }
    }
    strings
}

/// Returns only where it fails.
pub(crate) fn execve(program: &CStr, arguments: &[&CStr], environment: &[&CStr]) -> Errno {
    let pointers = |strings: &[&CStr]| -> Vec<*const c_char> {
        let each = strings.iter().map(|string| string.as_ptr());
        each.chain([std::ptr::null()]).collect()
    };
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    // SAFETY: all strings end with a NUL and outlive the call, both arrays end with a null.
    unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    Errno::last()
}
