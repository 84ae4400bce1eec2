//! Becoming a program, looked for as execvp(3) does.

use std::ffi::{CStr, CString};

use wigwag::{Errno, exec};

use super::variables::Variables;

/// Where programs are looked for when `PATH` is not set: the C library's.
const PATH: &[u8] = b"/bin:/usr/bin";
/// What a file that the kernel does not know how to start is given to.
const SHELL: &CStr = c"/bin/sh";

/// Returns only where it fails.
pub fn start(program: &CStr, arguments: &[&CStr], variables: &Variables) -> Errno {
    let environment = variables.strings();
    let file = program.to_bytes();
    if file.is_empty() {
        return Errno::new(rustix::io::Errno::NOENT.raw_os_error());
    }
    if file.contains(&b'/') {
        return one(program, arguments, &environment);
    }
    let path = variables.get(b"PATH").unwrap_or(PATH);
    let mut denied = None;
    let mut last = Errno::new(rustix::io::Errno::NOENT.raw_os_error());
    for folder in path.split(|byte| *byte == b':') {
        let mut candidate = folder.to_vec();
        if !candidate.is_empty() {
            candidate.push(b'/');
        }
        candidate.extend_from_slice(file);
        let Ok(candidate) = CString::new(candidate) else {
            continue;
        };
        last = one(&candidate, arguments, &environment);
        match last.name() {
            Some("EACCES") => denied = Some(last),
            Some("ENOENT" | "ESTALE" | "ENOTDIR" | "ENODEV" | "ETIMEDOUT") => {}
            _ => return last,
        }
    }
    denied.unwrap_or(last)
}

fn one(path: &CStr, arguments: &[&CStr], environment: &[&CStr]) -> Errno {
    let errno = exec::replace(path, arguments, environment).errno();
    if errno.name() != Some("ENOEXEC") {
        return errno;
    }
    let script = [SHELL, path];
    let rest = arguments.iter().skip(1).copied();
    let arguments: Vec<&CStr> = script.into_iter().chain(rest).collect();
    exec::replace(SHELL, &arguments, environment).errno()
}
