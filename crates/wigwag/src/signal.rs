//! What a signal is: a checked number with a name.

mod parse;

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU8;

pub use parse::InvalidSignal;

use crate::sys;

/// A signal of this system: 1 to 31, and the real-time ones from `SIGRTMIN` to `SIGRTMAX`.
///
/// It is a checked number and not an enum, since real-time signals exist and their range is known at run time only.
/// Signal 0 is no signal but a test whether one could be sent: see [`probe`](crate::send::probe).
///
/// ```
/// use wigwag::Signal;
/// assert_eq!(Signal::TERM.to_string(), "TERM");
/// assert_eq!(format!("{:#}", Signal::TERM), "SIGTERM");
/// assert_eq!(Signal::new(9)?, Signal::KILL);
/// assert!(Signal::new(32).is_err()); // the C library keeps it for itself
/// assert_eq!(Signal::all().count(), 62);
/// # Ok::<(), wigwag::InvalidSignal>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(NonZeroU8);

/// What a signal does to a process that has neither a handler for it nor ignores it (see signal(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
pub enum DefaultAction {
    /// The process ends.
    Terminate,
    /// The process ends and its memory is written to a core file, where the limits allow one.
    CoreDump,
    /// Nothing happens.
    Ignore,
    /// All threads stop.
    Stop,
    /// The process goes on if it was stopped.
    Continue,
}

impl fmt::Display for DefaultAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            DefaultAction::Terminate => "terminate",
            DefaultAction::CoreDump => "core dump",
            DefaultAction::Ignore => "ignore",
            DefaultAction::Stop => "stop",
            DefaultAction::Continue => "continue",
        })
    }
}

/// A standard signal: its names, the C library's description, its default action.
struct Standard {
    signal: Signal,
    name: &'static str,
    aliases: &'static [&'static str],
    description: &'static str,
    action: DefaultAction,
}

macro_rules! standard {
    ($($name:ident $number:ident $action:ident $description:literal [$($alias:ident)*] $doc:literal;)*) => {
        impl Signal {
            $(#[doc = $doc] pub const $name: Signal = Signal::known(libc::$number);)*
            $($(
                #[doc = concat!("Another name of [`", stringify!($name), "`](Signal::", stringify!($name), ").")]
                pub const $alias: Signal = Signal::$name;
            )*)*
        }

        /// The standard signals, by number: on Linux they are exactly 1 to 31.
        static STANDARD: [Standard; 31] = [$(Standard {
            signal: Signal::$name,
            name: stringify!($name),
            aliases: &[$(stringify!($alias)),*],
            description: $description,
            action: DefaultAction::$action,
        }),*];
    };
}

standard! {
    HUP SIGHUP Terminate "Hangup" [] "The terminal is gone, or: read your configuration again.";
    INT SIGINT Terminate "Interrupt" [] "Ctrl-C.";
    QUIT SIGQUIT CoreDump "Quit" [] "Ctrl-\\\\.";
    ILL SIGILL CoreDump "Illegal instruction" [] "An instruction the processor does not have.";
    TRAP SIGTRAP CoreDump "Trace/breakpoint trap" [] "A breakpoint.";
    ABRT SIGABRT CoreDump "Aborted" [IOT] "The program gave up on itself: `abort`.";
    BUS SIGBUS CoreDump "Bus error" [] "Memory that cannot be had: a file cut short under its mapping, bad alignment.";
    FPE SIGFPE CoreDump "Floating point exception" [] "Arithmetic that has no result, integers included.";
    KILL SIGKILL Terminate "Killed" [] "Ends a process; cannot be caught, blocked or ignored.";
    USR1 SIGUSR1 Terminate "User defined signal 1" [] "The program's own.";
    SEGV SIGSEGV CoreDump "Segmentation fault" [] "Memory that is not there or not allowed.";
    USR2 SIGUSR2 Terminate "User defined signal 2" [] "The program's own.";
    PIPE SIGPIPE Terminate "Broken pipe" [] "Written to a pipe or socket that nobody reads.";
    ALRM SIGALRM Terminate "Alarm clock" [] "`alarm` or the real-time interval timer ran out.";
    TERM SIGTERM Terminate "Terminated" [] "Please end.";
    STKFLT SIGSTKFLT Terminate "Stack fault" [] "Historical; the kernel never sends it.";
    CHLD SIGCHLD Ignore "Child exited" [CLD] "A child ended, stopped or went on.";
    CONT SIGCONT Continue "Continued" [] "Go on after a stop.";
    STOP SIGSTOP Stop "Stopped (signal)" [] "Stops a process; cannot be caught, blocked or ignored.";
    TSTP SIGTSTP Stop "Stopped" [] "Ctrl-Z.";
    TTIN SIGTTIN Stop "Stopped (tty input)" [] "A background process read from the terminal.";
    TTOU SIGTTOU Stop "Stopped (tty output)" [] "A background process wrote to the terminal.";
    URG SIGURG Ignore "Urgent I/O condition" [] "Out-of-band data on a socket.";
    XCPU SIGXCPU CoreDump "CPU time limit exceeded" [] "The limit of CPU time is reached.";
    XFSZ SIGXFSZ CoreDump "File size limit exceeded" [] "The limit of file size is reached.";
    VTALRM SIGVTALRM Terminate "Virtual timer expired" [] "The timer of the process's own CPU time ran out.";
    PROF SIGPROF Terminate "Profiling timer expired" [] "The timer of CPU time, the kernel's included, ran out.";
    WINCH SIGWINCH Ignore "Window changed" [] "The terminal has another size.";
    IO SIGIO Terminate "I/O possible" [POLL] "A descriptor is ready.";
    PWR SIGPWR Terminate "Power failure" [] "The power fails; to init also an order of the system's.";
    SYS SIGSYS CoreDump "Bad system call" [UNUSED] "A system call that seccomp forbids.";
}

impl Signal {
    /// A number known to be from 1 to 64.
    const fn known(number: i32) -> Signal {
        match NonZeroU8::new(number as u8) {
            Some(number) => Signal(number),
            None => Signal(NonZeroU8::MIN),
        }
    }

    /// The signal with this number: 1 to 31, or `SIGRTMIN` to `SIGRTMAX` of the C library, asked at run time.
    ///
    /// # Errors
    /// [`InvalidSignal`], with the reason, for every other number; 32 and 33 are reserved by the C library.
    ///
    /// ```
    /// use wigwag::Signal;
    /// assert_eq!(Signal::new(15)?, Signal::TERM);
    /// assert_eq!(Signal::new(0).unwrap_err().to_string(), "0 is no signal: it only tests whether one could be sent");
    /// assert_eq!(Signal::new(33).unwrap_err().to_string(), "33 is reserved by the C library");
    /// # Ok::<(), wigwag::InvalidSignal>(())
    /// ```
    pub fn new(number: i32) -> Result<Signal, InvalidSignal> {
        match number {
            1..=31 => Ok(Signal::known(number)),
            _ if (sys::rtmin()..=sys::rtmax()).contains(&number) => Ok(Signal::known(number)),
            0 => Err(InvalidSignal::Zero),
            _ if (32..sys::rtmin()).contains(&number) => Err(InvalidSignal::Reserved(number)),
            _ => Err(InvalidSignal::OutOfRange(number.to_string())),
        }
    }

    /// The signal with this number as the kernel knows it: 1 to 64, also those that the C library reserves.
    ///
    /// Masks that the kernel shows and statuses that it returns may hold a reserved one; there is no other use for it.
    ///
    /// ```
    /// use wigwag::Signal;
    /// assert!(Signal::from_kernel(32).is_some_and(Signal::is_reserved));
    /// assert_eq!(Signal::from_kernel(65), None);
    /// ```
    #[must_use]
    pub const fn from_kernel(number: i32) -> Option<Signal> {
        match number {
            1..=64 => Some(Signal::known(number)),
            _ => None,
        }
    }

    /// The number, which depends on the system: see [`catalog`](crate::catalog) for others, and signal(7).
    ///
    /// ```
    /// assert_eq!(wigwag::Signal::KILL.number(), 9);
    /// ```
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0.get() as i32
    }

    /// The first real-time signal that programs may use, asked of the C library: 34 with glibc, 35 with musl. See signal(7).
    ///
    /// ```
    /// use wigwag::Signal;
    /// assert!(Signal::rtmin().is_realtime());
    /// assert_eq!("RTMIN".parse(), Ok(Signal::rtmin()));
    /// ```
    #[must_use]
    pub fn rtmin() -> Signal {
        Signal::known(sys::rtmin())
    }

    /// The last real-time signal, asked of the C library: 64.
    ///
    /// ```
    /// assert_eq!("RTMAX".parse(), Ok(wigwag::Signal::rtmax()));
    /// ```
    #[must_use]
    pub fn rtmax() -> Signal {
        Signal::known(sys::rtmax())
    }

    /// The signals of this system that a program may use, by number: 62 with glibc on Linux.
    ///
    /// ```
    /// use wigwag::Signal;
    /// assert!(Signal::all().all(|signal| Signal::new(signal.number()) == Ok(signal)));
    /// ```
    pub fn all() -> impl DoubleEndedIterator<Item = Signal> + Clone {
        (1..=31)
            .chain(sys::rtmin()..=sys::rtmax())
            .map(Signal::known)
    }

    /// Whether it is one of the 31 standard signals, which do not queue: a second one that comes while the first is
    /// still pending is lost.
    ///
    /// ```
    /// use wigwag::Signal;
    /// assert!(Signal::TERM.is_standard() && !Signal::rtmin().is_standard());
    /// ```
    #[must_use]
    pub const fn is_standard(self) -> bool {
        self.number() <= 31
    }

    /// Whether it is a real-time signal for programs, from [`rtmin`](Signal::rtmin) to [`rtmax`](Signal::rtmax). They queue.
    ///
    /// ```
    /// use wigwag::Signal;
    /// assert_eq!(Signal::all().find(|signal| signal.is_realtime()), Some(Signal::rtmin()));
    /// ```
    #[must_use]
    pub fn is_realtime(self) -> bool {
        self.number() >= sys::rtmin()
    }

    /// Whether the C library keeps it for itself (32 and 33 with glibc, for threads; see nptl(7)).
    ///
    /// ```
    /// use wigwag::Signal;
    /// assert!(Signal::from_kernel(32).is_some_and(Signal::is_reserved));
    /// assert!(!Signal::all().any(Signal::is_reserved));
    /// ```
    #[must_use]
    pub fn is_reserved(self) -> bool {
        self.number() > 31 && self.number() < sys::rtmin()
    }

    /// Whether a program can catch, block or ignore it: all but KILL and STOP.
    ///
    /// ```
    /// use wigwag::Signal;
    /// assert!(Signal::TERM.can_be_caught() && !Signal::KILL.can_be_caught());
    /// ```
    #[must_use]
    pub const fn can_be_caught(self) -> bool {
        !matches!(self.number(), libc::SIGKILL | libc::SIGSTOP)
    }

    /// The name without `SIG`: `TERM`, `RTMIN+3`, `RTMAX-2`, or the number of a reserved one.
    ///
    /// The upper half of the real-time signals is counted from the end, as shells do.
    ///
    /// ```
    /// use wigwag::Signal;
    /// assert_eq!(Signal::new(49)?.name(), "RTMIN+15");
    /// assert_eq!(Signal::new(50)?.name(), "RTMAX-14");
    /// # Ok::<(), wigwag::InvalidSignal>(())
    /// ```
    #[must_use]
    pub fn name(self) -> Cow<'static, str> {
        if let Some(standard) = self.standard() {
            return Cow::Borrowed(standard.name);
        }
        let (low, high) = (sys::rtmin(), sys::rtmax());
        let number = self.number();
        match number {
            _ if number < low => Cow::Owned(number.to_string()),
            _ if number == low => Cow::Borrowed("RTMIN"),
            _ if number == high => Cow::Borrowed("RTMAX"),
            _ if number - low <= (high - low) / 2 => Cow::Owned(format!("RTMIN+{}", number - low)),
            _ => Cow::Owned(format!("RTMAX-{}", high - number)),
        }
    }

    /// Other names of the same signal on this system: `IOT` of ABRT, `CLD` of CHLD, `POLL` of IO, `UNUSED` of SYS.
    ///
    /// ```
    /// assert_eq!(wigwag::Signal::ABRT.aliases(), ["IOT"]);
    /// ```
    #[must_use]
    pub fn aliases(self) -> &'static [&'static str] {
        self.standard().map_or(&[], |standard| standard.aliases)
    }

    /// The C library's description, in English whatever the locale: `"Terminated"`, `"Real-time signal 3"`. See strsignal(3).
    ///
    /// ```
    /// assert_eq!(wigwag::Signal::SEGV.description(), "Segmentation fault");
    /// ```
    #[must_use]
    pub fn description(self) -> Cow<'static, str> {
        match self.standard() {
            Some(standard) => Cow::Borrowed(standard.description),
            None if self.is_realtime() => {
                Cow::Owned(format!("Real-time signal {}", self.number() - sys::rtmin()))
            }
            None => Cow::Owned(format!("Unknown signal {}", self.number())),
        }
    }

    /// What it does by default (see signal(7)); every real-time signal terminates.
    ///
    /// ```
    /// use wigwag::{DefaultAction, Signal};
    /// assert_eq!(Signal::CHLD.default_action(), DefaultAction::Ignore);
    /// assert_eq!(Signal::QUIT.default_action(), DefaultAction::CoreDump);
    /// ```
    #[must_use]
    pub fn default_action(self) -> DefaultAction {
        self.standard()
            .map_or(DefaultAction::Terminate, |standard| standard.action)
    }

    fn standard(self) -> Option<&'static Standard> {
        STANDARD.iter().find(|standard| standard.signal == self)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() && !self.is_reserved() {
            f.pad(&format!("SIG{}", self.name()))
        } else {
            f.pad(&self.name())
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl TryFrom<i32> for Signal {
    type Error = InvalidSignal;

    fn try_from(number: i32) -> Result<Signal, InvalidSignal> {
        Signal::new(number)
    }
}

impl From<Signal> for i32 {
    fn from(signal: Signal) -> i32 {
        signal.number()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Signal {
    /// The name, as a string.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Signal {
    /// A name in any spelling, or a number; the numbers that the C library reserves are taken too, as the kernel has them.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Signal, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Signal;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a signal's name or number")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Signal, E> {
                match text.parse::<Signal>() {
                    Err(InvalidSignal::Reserved(number)) => self.visit_i64(number.into()),
                    other => other.map_err(E::custom),
                }
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Signal, E> {
                i32::try_from(number)
                    .ok()
                    .and_then(Signal::from_kernel)
                    .ok_or_else(|| E::custom(format!("{number} is no signal")))
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Signal, E> {
                self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests;
