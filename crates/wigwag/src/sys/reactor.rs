//! Descriptors in tokio's reactor.

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::Errno;
use crate::receive::watch::Side;

/// Has the reactor of the current runtime watch it for reading.
pub(crate) fn register(side: Side) -> Result<AsyncFd<Side>, Errno> {
    // SAFETY: what `side` names is a field of the watch that it shares in: never replaced, and closed with the last share only.
    unsafe { AsyncFd::register_with_interest(side, Interest::READABLE) }.map_err(|error| {
        let (_, error) = error.into_parts();
        Errno::new(error.raw_os_error().unwrap_or(libc::EIO))
    })
}
