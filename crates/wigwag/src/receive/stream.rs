//! Signals as an asynchronous stream, in tokio's own reactor.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;

use super::queue::Next;
use super::watch::Side;
use super::{Options, Received, Signals};
use crate::{Errno, Error, Result, SignalSet, sys};

/// Receives these signals as a [`SignalStream`], in the tokio runtime that the caller runs in.
///
/// # Errors
/// As [`on`](super::on); EOPNOTSUPP: called outside a tokio runtime; EMFILE, ENFILE: too many descriptors (it takes two). ENOMEM,
/// ENOSPC: of what epoll needs.
///
/// # Panics
/// In a runtime whose reactor is off (made without `enable_io` or `enable_all`), as everything of tokio's that needs it.
///
/// ```
/// use wigwag::{Signal, receive, send};
/// receive::block_everywhere([Signal::TERM, Signal::rtmin()])?; // before tokio makes its threads
/// let runtime = tokio::runtime::Runtime::new()?;
/// runtime.block_on(async {
///     let mut signals = receive::stream([Signal::TERM, Signal::rtmin()])?;
///     send::queue(send::process_id(), Signal::rtmin(), 7)?;
///     let received = signals.recv().await.unwrap();
///     assert_eq!(received.value(), Some(7));
///     Ok::<(), wigwag::Error>(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn stream(signals: impl Into<SignalSet>) -> Result<SignalStream> {
    SignalStream::with(signals, &Options::new())
}

/// Signals as a [`Stream`]. Captured ones whose only subscriber it is are taken from the kernel by the task that polls, with no
/// thread between; else the library's thread takes them. Nothing is lost: what the task has no time for stays in the kernel, but
/// for the up to 128 that are read at once (captured), or in the queue of 1,024 and then in the kernel (caught).
///
/// The task that polls last is the one that is woken. Dropped, it leaves captured signals that nobody has taken to the next
/// subscriber.
pub struct SignalStream {
    /// `None` once it has been dropped.
    fds: Option<[AsyncFd<Side>; 2]>,
    signals: Signals,
    /// How many it has given without a pause.
    streak: u8,
}

/// After so many without a pause other tasks have their turn.
const STREAK: u8 = 128;

impl SignalStream {
    /// As [`stream`], with options; those that are about callbacks do nothing here.
    ///
    /// # Errors
    /// As [`stream`].
    ///
    /// # Panics
    /// As [`stream`].
    ///
    /// ```
    /// use wigwag::{Signal, receive::{Options, SignalStream}};
    /// let runtime = tokio::runtime::Runtime::new()?;
    /// let _inside = runtime.enter();
    /// let signals = SignalStream::with(Signal::HUP, &Options::new().even_ignored())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with(signals: impl Into<SignalSet>, options: &Options) -> Result<SignalStream> {
        let signals = signals.into();
        let failed = |errno| Error::new(format!("receive {signals} as a stream"), errno);
        if Handle::try_current().is_err() {
            return Err(
                failed(Errno::new(libc::EOPNOTSUPP)).with_note("call it within a tokio runtime")
            );
        }
        let receiver = Signals::with(signals, options)?;
        let register = |side| sys::reactor::register(side).map_err(failed);
        let watch = receiver.watch_by_task()?;
        let here = register(Side::Here(Arc::clone(watch)))?;
        let kernel = register(Side::Kernel(Arc::clone(watch)))?;
        Ok(SignalStream {
            fds: Some([here, kernel]),
            signals: receiver,
            streak: 0,
        })
    }

    /// The signals that it receives: without those that the process was told to ignore.
    ///
    /// ```
    /// use wigwag::{Signal, SignalSet, receive};
    /// let runtime = tokio::runtime::Runtime::new()?;
    /// let _inside = runtime.enter();
    /// assert_eq!(receive::stream(Signal::USR1)?.signals(), SignalSet::from(Signal::USR1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn signals(&self) -> SignalSet {
        self.signals.signals()
    }

    /// The next one; `None` where there will be none any more: it was for one signal only, the runtime
    /// shuts down, or this is a child made by fork(2). Nothing is lost when the future is
    /// dropped before it is ready, as in `select!`.
    ///
    /// ```
    /// use wigwag::{Signal, receive, send};
    /// let runtime = tokio::runtime::Runtime::new()?;
    /// runtime.block_on(async {
    ///     let mut signals = receive::stream(Signal::USR1)?;
    ///     send::raise(Signal::USR1)?;
    ///     assert_eq!(signals.recv().await.map(|received| received.signal), Some(Signal::USR1));
    ///     Ok::<(), wigwag::Error>(())
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn recv(&mut self) -> Option<Received> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    /// As [`recv`](SignalStream::recv), for futures that are written by hand.
    ///
    /// ```
    /// use std::task::{Context, Poll, Waker};
    /// use wigwag::{Signal, receive};
    /// let runtime = tokio::runtime::Runtime::new()?;
    /// let _inside = runtime.enter();
    /// let mut signals = receive::stream(Signal::USR1)?;
    /// assert!(signals.poll_recv(&mut Context::from_waker(Waker::noop())).is_pending());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<Received>> {
        if self.streak >= STREAK {
            self.streak = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        loop {
            match self.signals.pull_by_task() {
                Next::Signal(received) => {
                    self.streak += 1;
                    return Poll::Ready(Some(received));
                }
                Next::Closed => return Poll::Ready(None),
                Next::Nothing => {}
            }
            // Ready for the task only where the descriptor had told of something since; then look again.
            let mut told = false;
            for fd in self.fds.iter().flatten() {
                if let Poll::Ready(guard) = fd.poll_read_ready(context) {
                    // An error says that the runtime shuts down: there is nothing to wait for.
                    let Ok(mut guard) = guard else {
                        return Poll::Ready(None);
                    };
                    guard.clear_ready();
                    told = true;
                }
            }
            if !told {
                self.streak = 0;
                return Poll::Pending;
            }
        }
    }
}

impl Stream for SignalStream {
    type Item = Received;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Received>> {
        self.get_mut().poll_recv(context)
    }
}

impl Drop for SignalStream {
    fn drop(&mut self) {
        // In a child made by fork: the reactor's epoll is shared with the parent, which would be deaf.
        if self.signals.is_inherited() {
            std::mem::forget(self.fds.take());
        }
    }
}

impl fmt::Debug for SignalStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SignalStream")
            .field(&self.signals.signals())
            .finish()
    }
}
