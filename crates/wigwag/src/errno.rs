//! The kernel's error numbers, by name.

use std::fmt;
use std::io;

/// An error number of the kernel, shown by its name and what it means.
///
/// ```
/// use wigwag::Errno;
/// assert_eq!(Errno::PERM.to_string(), "EPERM (operation not permitted)");
/// assert_eq!(Errno::new(3).name(), Some("ESRCH"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(transparent)
)]
pub struct Errno(i32);

impl Errno {
    /// EPERM: the caller may not do this.
    pub const PERM: Errno = Errno(libc::EPERM);
    /// ESRCH: no such process, thread or group.
    pub const SRCH: Errno = Errno(libc::ESRCH);
    /// EINTR: a signal handler ran meanwhile.
    pub const INTR: Errno = Errno(libc::EINTR);
    /// EAGAIN: not now; for a send with a value, the queue limit is reached.
    pub const AGAIN: Errno = Errno(libc::EAGAIN);
    /// EBUSY: something is in use.
    pub const BUSY: Errno = Errno(libc::EBUSY);
    /// EEXIST: there is one already.
    pub const EXIST: Errno = Errno(libc::EEXIST);
    /// EBADF: not an open descriptor, or one of the wrong kind.
    pub const BADF: Errno = Errno(libc::EBADF);
    /// EINVAL: an argument the kernel does not take.
    pub const INVAL: Errno = Errno(libc::EINVAL);
    /// ENOSYS: this kernel lacks the system call.
    pub const NOSYS: Errno = Errno(libc::ENOSYS);
    /// ENOTTY: this descriptor lacks the ioctl.
    pub const NOTTY: Errno = Errno(libc::ENOTTY);

    /// The errno with this number, see errno(3); any number is taken.
    ///
    /// ```
    /// use wigwag::Errno;
    /// assert_eq!(Errno::new(1), Errno::PERM);
    /// assert_eq!(Errno::new(-7).to_string(), "errno -7");
    /// ```
    #[must_use]
    pub const fn new(number: i32) -> Errno {
        Errno(number)
    }

    /// The number, as in `errno.h`.
    ///
    /// ```
    /// assert_eq!(wigwag::Errno::SRCH.number(), 3);
    /// ```
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The name, such as `"EPERM"`; `None` for a number without one.
    ///
    /// ```
    /// use wigwag::Errno;
    /// assert_eq!(Errno::AGAIN.name(), Some("EAGAIN"));
    /// assert_eq!(Errno::new(0).name(), None);
    /// ```
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        NAMES
            .iter()
            .find(|(number, _)| *number == self.0)
            .map(|(_, name)| *name)
    }

    /// The C library's words for it, such as `"operation not permitted"`: strerror(3), with a small first letter.
    ///
    /// ```
    /// assert_eq!(wigwag::Errno::SRCH.message(), "no such process");
    /// ```
    #[must_use]
    pub fn message(self) -> String {
        let text = io::Error::from_raw_os_error(self.0).to_string();
        let text = text.split(" (os error").next().unwrap_or_default();
        let mut letters = text.chars();
        match (letters.next(), letters.next()) {
            (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
                let mut lowered: String = first.to_lowercase().collect();
                lowered.extend(text.chars().skip(1));
                lowered
            }
            _ => text.to_owned(),
        }
    }

    /// The errno that the last system call of this thread left.
    pub(crate) fn last() -> Errno {
        Errno(io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.message()),
            None => write!(f, "errno {}", self.0),
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "Errno({})", self.0),
        }
    }
}

impl From<Errno> for io::Error {
    fn from(errno: Errno) -> io::Error {
        io::Error::from_raw_os_error(errno.0)
    }
}

impl TryFrom<&io::Error> for Errno {
    type Error = ();

    /// The errno inside an [`io::Error`]; `Err(())` where it did not come from the system.
    fn try_from(error: &io::Error) -> Result<Errno, ()> {
        error.raw_os_error().map(Errno).ok_or(())
    }
}

macro_rules! names {
    ($($name:ident)*) => {
        /// Every errno of Linux that has a name of its own, by number.
        const NAMES: &[(i32, &str)] = &[$((libc::$name, stringify!($name))),*];
    };
}

names! {
    EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST
    EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM
    ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG
    EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG
    EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC
    ELIBBAD ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE
    ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL
    ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT
    ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT
    ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL
    EHWPOISON
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_name_and_meaning() {
        assert_eq!(Errno::SRCH.to_string(), "ESRCH (no such process)");
        assert_eq!(Errno::new(libc::EIO).message(), "input/output error");
        assert_eq!(
            Errno::new(libc::ESRMNT).to_string(),
            "ESRMNT (srmount error)"
        );
        assert_eq!(Errno::new(-7).to_string(), "errno -7");
        assert_eq!(format!("{:?}", Errno::AGAIN), "EAGAIN");
    }

    #[test]
    fn comes_from_and_goes_to_an_io_error() {
        let error: io::Error = Errno::PERM.into();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(Errno::try_from(&error), Ok(Errno::PERM));
        assert_eq!(Errno::try_from(&io::Error::other("x")), Err(()));
    }
}
