//! Signals as a blocking iterator.

use std::fmt;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::hub::{self, Entry, Hub, Sink};
use super::queue::{Next, Queue};
#[cfg(feature = "tokio")]
use super::watch::Watch;
use super::{Options, ROOM, Received};
use crate::{Errno, Error, Result, SignalSet};

/// Signals, one after the other, on the threads that ask for them.
///
/// Used by several threads (by reference, or in an [`Arc`]) it shares the work: together they get all, and none twice. Where the
/// signals are captured and nobody else receives them, no thread is made, and the calling thread takes them from the kernel.
/// In a child made by fork(2) it is closed and has nothing; the child makes its own.
///
/// ```
/// use std::time::Duration;
/// use wigwag::{Signal, receive::{self, Signals}, send};
/// receive::block_everywhere([Signal::rtmin(), Signal::HUP])?;
/// let signals = Signals::new([Signal::rtmin(), Signal::HUP])?;
/// for value in 0..3 {
///     send::queue(send::process_id(), Signal::rtmin(), value)?;
/// }
/// for expected in 0..3 {
///     let received = signals.next().unwrap();
///     assert_eq!(received.value(), Some(expected));
/// }
/// assert_eq!(signals.try_next(), None);
/// assert_eq!(signals.next_timeout(Duration::from_millis(1)), None);
/// # Ok::<(), wigwag::Error>(())
/// ```
pub struct Signals {
    hub: &'static Hub,
    entry: Arc<Entry>,
    queue: Arc<Queue>,
}

impl Signals {
    /// Receives these signals from now on.
    ///
    /// # Errors
    /// As [`on`](super::on).
    ///
    /// ```
    /// use wigwag::{Signal, receive::{self, Signals}};
    /// receive::block_everywhere(Signal::USR1)?;
    /// let signals = Signals::new(Signal::USR1)?;
    /// receive::raise_signal(Signal::USR1)?;
    /// assert_eq!(signals.next().unwrap().signal, Signal::USR1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(signals: impl Into<SignalSet>) -> Result<Signals> {
        Signals::with(signals, &Options::new())
    }

    /// The same with options; those that are about callbacks do nothing here.
    ///
    /// # Errors
    /// As [`on`](super::on).
    ///
    /// ```
    /// use wigwag::{Signal, receive::{self, Options, Signals}};
    /// // Also where it was started by nohup.
    /// let signals = Signals::with(Signal::HUP, &Options::new().even_ignored())?;
    /// receive::raise_signal(Signal::HUP)?;
    /// assert_eq!(signals.next().unwrap().signal, Signal::HUP);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with(signals: impl Into<SignalSet>, options: &Options) -> Result<Signals> {
        let hub = hub::hub()?;
        let queue = Arc::new(Queue::new(ROOM, false));
        let entry = hub.subscribe(signals.into(), options, Sink::Queue(Arc::clone(&queue)))?;
        Ok(Signals { hub, entry, queue })
    }

    /// For a stream: its task is woken by the handlers themselves where it alone receives the signals.
    #[cfg(feature = "tokio")]
    pub(crate) fn watch_by_task(&self) -> Result<&Arc<Watch>> {
        let watch = self.queue.watch_by_task()?;
        self.hub.route(self.entry.signals);
        Ok(watch)
    }

    /// What is there, for a stream.
    #[cfg(feature = "tokio")]
    pub(crate) fn pull_by_task(&self) -> Next {
        match self.pull(false, None) {
            Next::Nothing => self
                .hub
                .take_caught(&self.entry)
                .map_or(Next::Nothing, Next::Signal),
            next => next,
        }
    }

    /// Whether this is a child made by fork, and it is the parent's.
    #[cfg(feature = "tokio")]
    pub(crate) fn is_inherited(&self) -> bool {
        !hub::is_current(self.hub)
    }

    /// The signals that it receives: without those that the process was told to ignore.
    ///
    /// ```
    /// use wigwag::{Signal, SignalSet, disposition, receive::Signals};
    /// disposition::ignore(Signal::HUP)?; // as nohup does before it starts a program
    /// let signals = Signals::new([Signal::HUP, Signal::TERM])?;
    /// assert_eq!(signals.signals(), SignalSet::from(Signal::TERM));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn signals(&self) -> SignalSet {
        self.entry.signals
    }

    /// What [`Queue::next`] has; in a child made by fork nothing, for ever: the lock may have been held, the waiters are threads of
    /// the parent's, and the descriptors are shared with it.
    pub(crate) fn pull(&self, wait: bool, until: Option<Instant>) -> Next {
        match hub::is_current(self.hub) {
            true => self.queue.next(wait, until),
            false => Next::Closed,
        }
    }

    /// Waits for the next one. `None` once it has been closed and nothing is left.
    ///
    /// ```
    /// use wigwag::{Signal, receive::{self, Signals}, send};
    /// receive::block_everywhere(Signal::rtmin())?;
    /// let signals = Signals::new(Signal::rtmin())?;
    /// let sender = std::thread::spawn(|| send::queue(send::process_id(), Signal::rtmin(), 7));
    /// let received = signals.next().unwrap();
    /// assert_eq!((received.value(), received.pid()), (Some(7), Some(send::process_id())));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn next(&self) -> Option<Received> {
        loop {
            match self.pull(true, None) {
                Next::Signal(received) => return Some(received),
                Next::Nothing => {}
                Next::Closed => return None,
            }
        }
    }

    /// Waits for the next one for this long at most.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wigwag::{Signal, receive::Signals};
    /// let signals = Signals::new(Signal::USR1)?;
    /// assert_eq!(signals.next_timeout(Duration::from_millis(10)), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn next_timeout(&self, time: Duration) -> Option<Received> {
        match Instant::now().checked_add(time) {
            None => self.next(),
            Some(until) => self.pull(true, Some(until)).signal(),
        }
    }

    /// The next one if it is there already.
    ///
    /// ```
    /// use wigwag::{Signal, receive::{self, Signals}};
    /// receive::block_everywhere(Signal::USR1)?;
    /// let signals = Signals::new(Signal::USR1)?;
    /// assert_eq!(signals.try_next(), None);
    /// receive::raise_signal(Signal::USR1)?;
    /// assert_eq!(signals.try_next().unwrap().signal, Signal::USR1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn try_next(&self) -> Option<Received> {
        self.pull(false, None).signal()
    }

    /// A descriptor for poll(2), select(2) or epoll(7), readable while [`try_next`](Signals::try_next) has something to give, and once
    /// it is closed. For nothing else: it is not read. Made at the first call, close-on-exec, closed with the `Signals`.
    ///
    /// In a loop that is told of changes only (`EPOLLET`), take until there is nothing. One that a child made by fork(2) has inherited
    /// tells of its parent's signals: it is for the parent.
    ///
    /// # Errors
    /// EINVAL: this is a child made by fork. EMFILE, ENFILE: too many descriptors (it takes three). ENOMEM, ENOSPC: of what epoll needs.
    ///
    /// ```
    /// use rustix::event::{PollFd, PollFlags, poll};
    /// use wigwag::{Signal, receive::{self, Signals}, send};
    /// receive::block_everywhere(Signal::HUP)?;
    /// let signals = Signals::new(Signal::HUP)?;
    /// send::send(send::process_id(), Signal::HUP)?;
    /// poll(&mut [PollFd::new(&signals.descriptor()?, PollFlags::IN)], None).unwrap();
    /// assert_eq!(signals.try_next().unwrap().signal, Signal::HUP);
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    pub fn descriptor(&self) -> Result<BorrowedFd<'_>> {
        if !hub::is_current(self.hub) {
            let error = Error::new("watch for signals", Errno::INVAL);
            return Err(
                error.with_note("they are received by the process that this one was forked from")
            );
        }
        self.queue.watch()?.both()
    }

    /// Ends every wait, of every thread: what has arrived is still given, then `None`.
    ///
    /// ```
    /// use wigwag::{Signal, receive::Signals};
    /// let signals = Signals::new(Signal::USR1)?;
    /// std::thread::scope(|scope| {
    ///     let waits = scope.spawn(|| signals.next());
    ///     signals.close();
    ///     assert_eq!(waits.join().unwrap(), None);
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(&self) {
        self.hub.close(&self.entry);
    }
}

impl Iterator for &Signals {
    type Item = Received;

    fn next(&mut self) -> Option<Received> {
        Signals::next(self)
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signals").field(&self.entry.signals).finish()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.hub.unsubscribe(&self.entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Signal, mask, receive};

    /// A thread that has been kicked, and has yet to wait, when the library's handler of URG is taken away.
    #[test]
    fn a_kick_is_not_thrown_away_with_the_handler() {
        let signals = Signals::new(Signal::rtmax()).unwrap();
        signals.queue.is_about_to_wait();
        signals.close();
        let is_kicked = || mask::pending().contains(Signal::URG);
        assert!(is_kicked());
        drop(receive::on(Signal::URG, |_| ()).unwrap());
        assert!(is_kicked());
    }
}
