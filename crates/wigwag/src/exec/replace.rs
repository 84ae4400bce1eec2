//! Another program in this one's place.

use std::ffi::{CStr, CString};

use crate::sys::execve;
use crate::{Error, sys};

/// The environment of this process, string by string, in its order: also what has no `=`, or a name twice, as
/// [`std::env::vars_os`] does not show it. environ(7).
///
/// ```
/// let strings = wigwag::exec::environment();
/// assert_eq!(strings.iter().any(|s| s.to_bytes().starts_with(b"PATH=")), std::env::var_os("PATH").is_some());
/// ```
#[must_use]
#[doc(alias = "environ")]
pub fn environment() -> Vec<CString> {
    sys::execve::environment()
}

/// Starts `program`, a path, in this program's place, with exactly these arguments (the first is its name) and this environment:
/// execve(2). Returns only where that fails, and nothing has changed then.
///
/// The program has the mask of the calling thread, the signals that the process ignores, and what is pending; handlers become
/// the default action. Of Rust's own start it inherits that PIPE is ignored, unless that is undone before:
/// `as_started` (feature `started`), [`ExecSignals::apply`](super::ExecSignals::apply). Other threads end; descriptors stay open but for those that are
/// close-on-exec. No `PATH` is searched, and a file that begins with no `#!` is not given to a shell.
///
/// # Errors
/// The errno of execve(2): ENOENT, EACCES, ENOEXEC, E2BIG and others.
///
/// ```
/// use wigwag::{Errno, exec};
/// let error = exec::replace(c"/no/such/program", &[c"program"], &[c"PATH=/bin"]);
/// assert_eq!(error.errno().name(), Some("ENOENT"));
/// ```
#[doc(alias = "execve")]
pub fn replace(program: &CStr, arguments: &[&CStr], environment: &[&CStr]) -> Error {
    let errno = execve::execve(program, arguments, environment);
    Error::new(format!("start {}", program.to_string_lossy()), errno)
}
