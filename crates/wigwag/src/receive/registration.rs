//! How a registration is made, and what it is.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread;

use super::hub::{self, Entry, Hub, Sink};
use super::queue::{Next, Queue};
use super::{ROOM, Received, Way, way};
use crate::{Errno, Error, Result, SignalSet, sys};

/// How a registration is made.
///
/// ```
/// use wigwag::{Signal, receive::Options};
/// let slow = Options::new().own_thread().on(Signal::HUP, |_| println!("reading the configuration"))?;
/// let first = Options::new().once().on(Signal::INT, |_| println!("once more to force it"))?;
/// # Ok::<(), wigwag::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Options {
    pub(crate) once: bool,
    pub(crate) even_ignored: bool,
    pub(crate) no_restart: bool,
    no_child_stop: bool,
    no_child_wait: bool,
    own_thread: bool,
}

impl Options {
    /// As [`on`](fn@super::on) has it.
    ///
    /// ```
    /// use wigwag::{Signal, receive::Options};
    /// let registration = Options::new().on(Signal::HUP, |received| println!("{received}"))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new() -> Options {
        Options::default()
    }

    /// For the first signal only; then the registration is over.
    ///
    /// ```
    /// use wigwag::{Signal, receive::{self, Options}};
    /// let registration = Options::new().once().on(Signal::USR1, |_| println!("the first one"))?;
    /// receive::raise_signal(Signal::USR1)?;
    /// assert!(registration.is_over());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn once(mut self) -> Options {
        self.once = true;
        self
    }

    /// Also where the process was told to ignore the signal (nohup, or a shell's `trap ''`).
    ///
    /// ```
    /// use wigwag::{Signal, disposition, receive::Options};
    /// disposition::ignore(Signal::HUP)?; // as nohup does before it starts a program
    /// let registration = Options::new().on(Signal::HUP, |_| ())?;
    /// assert!(registration.is_ignored());
    /// let registration = Options::new().even_ignored().on(Signal::HUP, |_| ())?;
    /// assert!(!registration.is_ignored());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn even_ignored(mut self) -> Options {
        self.even_ignored = true;
        self
    }

    /// System calls that the handler interrupts end with EINTR: without `SA_RESTART`. Only where the signal is caught, and for all who
    /// receive it, as long as this registration lives.
    ///
    /// ```
    /// use std::{io::{self, Read}, os::unix::net::UnixStream, time::Duration};
    /// use wigwag::{Signal, receive::Options, timer::Timer};
    /// let registration = Options::new().no_restart().on(Signal::ALRM, |_| println!("too late"))?;
    /// let (mut ours, _theirs) = UnixStream::pair()?;
    /// // Again and again: one that comes before the read interrupts nothing.
    /// let soon = Duration::from_millis(10);
    /// Timer::Real.set(soon, Some(soon))?;
    /// let error = ours.read(&mut [0]).unwrap_err();
    /// assert_eq!(error.kind(), io::ErrorKind::Interrupted);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn no_restart(mut self) -> Options {
        self.no_restart = true;
        self
    }

    /// No CHLD for children that stop or go on: `SA_NOCLDSTOP`. Only where CHLD is caught, and all who receive it say so.
    ///
    /// ```
    /// use wigwag::{Signal, disposition::{self, Flags}, receive::Options};
    /// let registration = Options::new().no_child_stop().on(Signal::CHLD, |_| println!("one has ended"))?;
    /// assert!(disposition::get(Signal::CHLD)?.flags.contains(Flags::NOCLDSTOP));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn no_child_stop(mut self) -> Options {
        self.no_child_stop = true;
        self
    }

    /// Children leave no zombie and no status: `SA_NOCLDWAIT`. Only where CHLD is caught, and all who receive it say so.
    ///
    /// ```
    /// use std::process::Command;
    /// use wigwag::{Signal, receive::Options};
    /// let registration = Options::new().no_child_wait().on(Signal::CHLD, |_| ())?;
    /// let mut child = Command::new("true").spawn()?;
    /// // It waits for the end of all children, and finds no status.
    /// assert_eq!(child.wait().unwrap_err().raw_os_error(), Some(10)); // ECHILD
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn no_child_wait(mut self) -> Options {
        self.no_child_wait = true;
        self
    }

    /// The callback runs on a thread of its own, with a queue of 1,024 signals: it holds up nobody else.
    ///
    /// ```
    /// use std::{sync::mpsc, time::Duration};
    /// use wigwag::{Signal, receive::{self, Options}};
    /// let (go, wait) = mpsc::channel::<()>();
    /// let slow = Options::new().own_thread().on(Signal::HUP, move |_| { let _ = wait.recv(); })?;
    /// let quick = receive::on(Signal::USR1, |_| println!("not held up"))?;
    /// receive::raise_signal(Signal::HUP)?;
    /// receive::raise_signal(Signal::USR1)?; // returns when `quick` has run
    /// go.send(())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn own_thread(mut self) -> Options {
        self.own_thread = true;
        self
    }

    /// Runs a callback for these signals, as [`on`](fn@super::on) with these options.
    ///
    /// # Errors
    /// As [`on`](fn@super::on).
    ///
    /// ```
    /// use wigwag::{Signal, receive::{self, Options}};
    /// let registration = Options::new().once().on([Signal::USR1, Signal::USR2], |received| {
    ///     println!("{} from {:?}", received.signal, received.pid());
    /// })?;
    /// receive::raise_signal(Signal::USR2)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on(
        &self,
        signals: impl Into<SignalSet>,
        mut callback: impl FnMut(&Received) + Send + 'static,
    ) -> Result<Registration> {
        let signals = signals.into();
        if !self.own_thread {
            let sink = Sink::Callback(Mutex::new(Some(Box::new(callback))));
            return self.register(signals, sink, None);
        }
        let queue = Arc::new(Queue::new(ROOM, true));
        let attended = Arc::clone(&queue);
        let mut registration =
            self.register(signals, Sink::Queue(Arc::clone(&queue)), Some(queue))?;
        let hub = registration.hub;
        let guard = crate::mask::block(SignalSet::ALL);
        let started = thread::Builder::new()
            .name("wigwag callback".into())
            .spawn(move || {
                hub::is_ours();
                loop {
                    match attended.next(true, None) {
                        Next::Signal(received) => {
                            hub.call(&mut callback, &received);
                        }
                        Next::Nothing => {}
                        Next::Closed => return,
                    }
                }
            });
        drop(guard);
        match started {
            Ok(thread) => {
                registration.thread = Some(thread);
                Ok(registration)
            }
            Err(error) => Err(Error::new(
                "start a thread for a callback",
                Errno::new(error.raw_os_error().unwrap_or(libc::EAGAIN)),
            )),
        }
    }

    pub(super) fn register(
        &self,
        signals: SignalSet,
        sink: Sink,
        queue: Option<Arc<Queue>>,
    ) -> Result<Registration> {
        let hub = hub::hub()?;
        let entry = hub.subscribe(signals, self, sink)?;
        Ok(Registration {
            hub,
            entry,
            queue,
            thread: None,
        })
    }

    pub(crate) fn flags(&self) -> i32 {
        let stop = if self.no_child_stop {
            libc::SA_NOCLDSTOP
        } else {
            0
        };
        let wait = if self.no_child_wait {
            libc::SA_NOCLDWAIT
        } else {
            0
        };
        stop | wait
    }
}

/// A subscription, which ends when this is dropped.
///
/// Dropping returns when no callback of it runs or will run; within the callback itself it returns at once. In a child made by
/// fork(2) it is over.
#[must_use = "the registration ends when it is dropped"]
pub struct Registration {
    hub: &'static Hub,
    entry: Arc<Entry>,
    queue: Option<Arc<Queue>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Registration {
    /// The signals that it receives.
    ///
    /// ```
    /// use wigwag::{Signal, SignalSet, receive};
    /// let registration = receive::on([Signal::HUP, Signal::USR1], |_| ())?;
    /// assert_eq!(registration.signals(), SignalSet::of(&[Signal::HUP, Signal::USR1]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn signals(&self) -> SignalSet {
        self.entry.signals
    }

    /// Whether it receives nothing, since the process was told to ignore all its signals ([`Options::even_ignored`]).
    ///
    /// ```
    /// use wigwag::{Signal, disposition, receive};
    /// disposition::ignore(Signal::HUP)?; // as nohup does before it starts a program
    /// assert!(receive::on(Signal::HUP, |_| ())?.is_ignored());
    /// assert!(!receive::on(Signal::TERM, |_| ())?.is_ignored());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_ignored(&self) -> bool {
        self.entry.signals.is_empty()
    }

    /// Whether it is over: it was for one signal, which has come, or this is a child made by fork(2).
    ///
    /// ```
    /// use wigwag::{Signal, receive::{self, Options}};
    /// let registration = Options::new().once().on(Signal::USR1, |_| ())?;
    /// assert!(!registration.is_over());
    /// receive::raise_signal(Signal::USR1)?;
    /// assert!(registration.is_over());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.entry.over.load(Ordering::Acquire) || !hub::is_current(self.hub)
    }

    /// Whether something else has been installed over the library's handler, so that the signal may not arrive. Where that calls
    /// the library's in turn, it does arrive; that cannot be seen. A captured signal is displaced where the calling thread does not
    /// block it.
    ///
    /// ```
    /// use wigwag::{Signal, disposition, receive};
    /// let registration = receive::on(Signal::USR1, |_| ())?;
    /// assert!(!registration.is_displaced());
    /// disposition::ignore(Signal::USR1)?;
    /// assert!(registration.is_displaced());
    /// # Ok::<(), wigwag::Error>(())
    /// ```
    #[must_use]
    pub fn is_displaced(&self) -> bool {
        self.entry.signals.iter().any(|signal| match way(signal) {
            Way::Caught => !sys::handler::is_installed(signal.number()).unwrap_or(false),
            Way::Captured => !crate::mask::current().contains(signal),
        })
    }

    /// Leaves the subscription as it is for the rest of the program.
    ///
    /// ```
    /// use wigwag::{Signal, disposition::{self, Handling}, receive};
    /// receive::on(Signal::HUP, |_| println!("reading the configuration"))?.keep();
    /// assert!(matches!(disposition::get(Signal::HUP)?.handling, Handling::Caught(_)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn keep(self) {
        std::mem::forget(self);
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("signals", &self.entry.signals)
            .field("over", &self.is_over())
            .finish_non_exhaustive()
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.hub.unsubscribe(&self.entry);
        if !hub::is_current(self.hub) {
            // A child made by fork: the lock of the queue may have been held, and the thread is not there, nor perhaps its stack.
            std::mem::forget(self.thread.take());
            return;
        }
        if let Some(queue) = &self.queue {
            queue.close();
        }
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            let _ = thread.join();
        }
    }
}
