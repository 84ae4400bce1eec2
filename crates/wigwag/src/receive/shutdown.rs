//! The pattern that every program needs: the first INT or TERM asks it to end, a second one ends it at once, HUP has it read its
//! configuration again.

mod options;

use std::collections::HashMap;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::{Received, Registration, watch};
use crate::Result;
pub use options::ShutdownOptions;

/// What a program is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// To read its configuration again.
    Reload(Received),
    /// To end. What was received last, and first, and nothing after it counts.
    End(Received),
}

/// The first INT or TERM asks, a second one forces, HUP reloads.
///
/// Once it is asked to end, the program has its time to finish what it does; how it learns of it is its choice: [`next`](Shutdown::next) waits,
/// [`is_asked`](Shutdown::is_asked) looks, [`descriptor`](Shutdown::descriptor) is for poll(2), [`told`](Shutdown::told) and [`asked`](Shutdown::asked) for async code, of any runtime. A
/// second INT or TERM ends the process by that signal at once, also while the program does not look any more: it is received on the library's thread.
///
/// Clones are the same shutdown. When the last is dropped the signals have the actions from before. A HUP that the process was told to
/// ignore (nohup) stays ignored, and so does an INT (a background job of a shell without job control). In a child made by fork(2) it is
/// told nothing, for ever; the child makes its own.
///
/// ```
/// use wigwag::{Signal, receive::{Shutdown, Told}, send};
/// let shutdown = Shutdown::new()?;
/// send::raise(Signal::HUP)?;
/// assert!(matches!(shutdown.next(), Told::Reload(_)));
/// send::raise(Signal::TERM)?;
/// let Told::End(received) = shutdown.next() else { unreachable!() };
/// assert_eq!((received.signal, received.pid()), (Signal::TERM, Some(send::process_id())));
/// // clean up, then: send::end_by(received.signal), or just return from main
/// # Ok::<(), wigwag::Error>(())
/// ```
#[derive(Clone)]
pub struct Shutdown {
    state: Arc<State>,
    /// Their drop, with the last clone, gives the signals back.
    registrations: Arc<[Registration]>,
}

#[derive(Default)]
struct Inner {
    /// The first that asked.
    asked: Option<Received>,
    /// A reload that nobody has been told of yet. Several are one: the configuration is read as it is then.
    reload: Option<Received>,
    /// Of the futures that wait.
    wakers: HashMap<u64, Waker>,
    next_key: u64,
}

impl Inner {
    fn take(&mut self) -> Option<Told> {
        let asked = self.asked.map(Told::End);
        asked.or_else(|| self.reload.take().map(Told::Reload))
    }
}

/// What the callbacks and the clones share.
#[derive(Default)]
struct State {
    inner: Mutex<Inner>,
    told: Condvar,
    /// Made when somebody asks for it.
    descriptor: OnceLock<OwnedFd>,
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is the first that asks.
    fn ask(&self, received: &Received) -> bool {
        self.tell(|inner| {
            let first = inner.asked.is_none();
            inner.asked.get_or_insert(*received);
            first
        })
    }

    fn reload(&self, received: &Received) {
        self.tell(|inner| inner.reload = Some(*received));
    }

    fn tell<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.lock();
        let answer = change(&mut inner);
        if let Some(descriptor) = self.descriptor.get() {
            watch::ring(descriptor);
        }
        let wakers = std::mem::take(&mut inner.wakers);
        drop(inner);
        self.told.notify_all();
        wakers.into_values().for_each(Waker::wake);
        answer
    }

    /// After a look: the descriptor says whether there is more.
    fn looked(&self, inner: &Inner) {
        if let Some(descriptor) = self.descriptor.get()
            && inner.asked.is_none()
        {
            let _ = rustix::io::read(descriptor, &mut [0; 8]);
        }
    }
}

impl Shutdown {
    /// INT and TERM ask, HUP reloads.
    ///
    /// # Errors
    /// As [`on`](fn@super::on): EAGAIN, ENOMEM: no thread can be made.
    ///
    /// ```
    /// use wigwag::{Signal, receive::{self, Shutdown}};
    /// let shutdown = Shutdown::new()?;
    /// receive::raise_signal(Signal::TERM)?;
    /// assert!(shutdown.is_asked());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new() -> Result<Shutdown> {
        ShutdownOptions::new().install()
    }

    /// Whether the program was asked to end.
    ///
    /// ```
    /// let shutdown = wigwag::receive::Shutdown::new()?;
    /// while !shutdown.is_asked() {
    ///     # break
    ///     // one piece of the work
    /// }
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.asked_by().is_some()
    }

    /// What asked it to end.
    ///
    /// ```
    /// assert_eq!(wigwag::receive::Shutdown::new()?.asked_by(), None);
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[must_use]
    pub fn asked_by(&self) -> Option<Received> {
        match self.is_inherited() {
            true => None,
            false => self.state.lock().asked,
        }
    }

    /// Whether this is a child made by fork: the lock may have been held there, and nothing comes any more.
    fn is_inherited(&self) -> bool {
        self.registrations.iter().all(Registration::is_over)
    }

    /// Waits until the program is told something. Asked to end, it says so again and again; a reload is told to one who waits, the first.
    ///
    /// ```
    /// use wigwag::{Signal, receive::{self, Shutdown, Told}};
    /// let shutdown = Shutdown::new()?;
    /// # receive::raise_signal(Signal::HUP)?;
    /// # receive::raise_signal(Signal::TERM)?;
    /// # let mut n = 0;
    /// loop {
    ///     match shutdown.next() {
    ///         Told::Reload(_) => println!("reading the configuration"),
    ///         Told::End(by) => break println!("{} from {:?}", by.signal, by.pid()),
    ///     }
    ///     # n += 1; assert!(n < 2);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn next(&self) -> Told {
        loop {
            if let Some(told) = self.wait(None) {
                return told;
            }
        }
    }

    /// The same for this long at most.
    ///
    /// ```
    /// use std::time::Duration;
    /// let shutdown = wigwag::receive::Shutdown::new()?;
    /// assert_eq!(shutdown.next_timeout(Duration::from_millis(1)), None);
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[must_use]
    pub fn next_timeout(&self, time: Duration) -> Option<Told> {
        match Instant::now().checked_add(time) {
            None => Some(self.next()),
            until => self.wait(until),
        }
    }

    /// What it is told by now, if anything.
    ///
    /// ```
    /// use wigwag::{Signal, receive::{self, Shutdown, Told}};
    /// let shutdown = Shutdown::new()?;
    /// receive::raise_signal(Signal::HUP)?;
    /// assert!(matches!(shutdown.try_next(), Some(Told::Reload(_))));
    /// assert_eq!(shutdown.try_next(), None);
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[must_use]
    pub fn try_next(&self) -> Option<Told> {
        self.wait(Some(Instant::now()))
    }

    fn wait(&self, until: Option<Instant>) -> Option<Told> {
        while self.is_inherited() {
            match until {
                None => std::thread::park(),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    std::thread::sleep(left);
                    return None;
                }
            }
        }
        let mut inner = self.state.lock();
        loop {
            let told = inner.take();
            if told.is_some() {
                self.state.looked(&inner);
                return told;
            }
            inner = match until {
                None => self
                    .state
                    .told
                    .wait(inner)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return None;
                    }
                    let waited = self.state.told.wait_timeout(inner, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Waits as [`next`](Shutdown::next) does, in async code of any runtime. Nothing is lost when the future is dropped before it is
    /// ready, as in `select!`.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use wigwag::{Signal, receive::{Shutdown, Told}, send};
    /// let shutdown = Shutdown::new()?;
    /// let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// runtime.block_on(async {
    ///     send::raise(Signal::TERM)?;
    ///     assert!(matches!(shutdown.told().await, Told::End(_)));
    ///     Ok::<(), wigwag::Error>(())
    /// })?;
    /// # }
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    pub async fn told(&self) -> Told {
        self.wait_for(Inner::take).await
    }

    /// Waits until the program is asked to end, in async code of any runtime: what every task of a server waits for beside its work. Reloads
    /// are left to who waits for them.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use wigwag::{Signal, receive::Shutdown, send};
    /// let shutdown = Shutdown::new()?;
    /// let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// runtime.block_on(async {
    ///     send::raise(Signal::HUP)?;
    ///     send::raise(Signal::INT)?;
    ///     assert_eq!(shutdown.asked().await.signal, Signal::INT);
    ///     Ok::<(), wigwag::Error>(())
    /// })?;
    /// # }
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    pub async fn asked(&self) -> Received {
        self.wait_for(|inner| inner.asked).await
    }

    fn wait_for<T>(&self, what: fn(&mut Inner) -> Option<T>) -> Waiting<'_, T> {
        Waiting {
            shutdown: self,
            what,
            key: None,
        }
    }

    /// A descriptor for poll(2), select(2) or epoll(7), readable while [`try_next`](Shutdown::try_next) has something to say. For nothing else: it is not
    /// read. Made at the first call, an eventfd(2) that is close-on-exec and does not wait.
    ///
    /// # Errors
    /// EMFILE, ENFILE: too many descriptors. ENOMEM. EINVAL: this is a child made by fork.
    ///
    /// ```
    /// use rustix::event::{PollFd, PollFlags, poll};
    /// use wigwag::{Signal, receive::{Shutdown, Told}, send};
    /// let shutdown = Shutdown::new()?;
    /// send::raise(Signal::TERM)?;
    /// poll(&mut [PollFd::new(&shutdown.descriptor()?, PollFlags::IN)], None).unwrap();
    /// assert!(matches!(shutdown.try_next(), Some(Told::End(_))));
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    pub fn descriptor(&self) -> Result<BorrowedFd<'_>> {
        if self.is_inherited() {
            return Err(crate::Error::new("watch for the end", crate::Errno::INVAL)
                .with_note("it is told to the process that this one was forked from"));
        }
        // Under the lock: what comes meanwhile rings afterwards.
        let inner = self.state.lock();
        if let Some(fd) = self.state.descriptor.get() {
            return Ok(fd.as_fd());
        }
        let fd = watch::eventfd()?;
        if inner.asked.is_some() || inner.reload.is_some() {
            watch::ring(&fd);
        }
        Ok(self.state.descriptor.get_or_init(|| fd).as_fd())
    }
}

/// A future that takes its waker away with it.
struct Waiting<'a, T> {
    shutdown: &'a Shutdown,
    what: fn(&mut Inner) -> Option<T>,
    /// Of its waker.
    key: Option<u64>,
}

impl<T> Future for Waiting<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        if self.shutdown.is_inherited() {
            return Poll::Pending;
        }
        let state = &self.shutdown.state;
        let mut inner = state.lock();
        if let Some(what) = (self.what)(&mut inner) {
            state.looked(&inner);
            return Poll::Ready(what);
        }
        let key = self.key.unwrap_or_else(|| {
            inner.next_key += 1;
            inner.next_key
        });
        inner.wakers.insert(key, context.waker().clone());
        drop(inner);
        self.key = Some(key);
        Poll::Pending
    }
}

impl<T> Drop for Waiting<'_, T> {
    fn drop(&mut self) {
        if let Some(key) = self.key
            && !self.shutdown.is_inherited()
        {
            let waker = self.shutdown.state.lock().wakers.remove(&key);
            // It may run code of its own: not under the lock.
            drop(waker);
        }
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown")
            .field("asked_by", &self.asked_by())
            .finish_non_exhaustive()
    }
}
