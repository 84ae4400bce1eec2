//! The systems of the catalogue: their numbers, default actions and real-time ranges.

use super::table::table;
use super::{Entry, Offset, bare_name, entry, offset, realtime};
use crate::DefaultAction;

/// The real-time signals of a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Realtime {
    /// The first that programs may use.
    pub min: i32,
    /// The last that programs may use.
    pub max: i32,
    /// The kernel's first; those below `min` are the C library's own.
    pub kernel_min: i32,
    /// The kernel's last.
    pub kernel_max: i32,
}

/// One system, or one processor family of Linux: a column of the table.
///
/// ```
/// use wigwag::catalog::System;
/// let mips = System::find(Some("linux"), Some("mips"))?;
/// assert_eq!(mips.number("USR1"), Some(16));
/// assert_eq!(mips.name(16).as_deref(), Some("USR1"));
/// # Ok::<(), wigwag::catalog::UnknownSystem>(())
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct System {
    id: &'static str,
    os: &'static [&'static str],
    arch: &'static [&'static str],
    title: &'static str,
    header: &'static str,
    realtime: Option<Realtime>,
    note: &'static str,
}

const LINUX: &[&str] = &["linux", "gnu/linux"];

const fn range(kernel_min: i32, min: i32, max: i32, kernel_max: i32) -> Option<Realtime> {
    Some(Realtime {
        min,
        max,
        kernel_min,
        kernel_max,
    })
}

/// In the order of the table's columns.
#[rustfmt::skip]
const SYSTEMS: &[System] = &[
    System { id: "linux", os: LINUX,
        arch: &["x86", "x86_64", "x86-64", "amd64", "i386", "i686", "arm", "armv7", "arm64", "aarch64", "riscv", "riscv64",
            "powerpc", "powerpc64", "ppc", "ppc64", "ppc64le", "s390x", "loongarch64", "m68k"],
        title: "Linux (x86, ARM and most others)", header: "linux: include/uapi/asm-generic/signal.h",
        realtime: range(32, 34, 64, 64),
        note: "The C library keeps 32 and 33 for itself (musl 34 too), so RTMIN is asked at run time." },
    System { id: "alpha", os: LINUX, arch: &["alpha"],
        title: "Linux on Alpha", header: "linux: arch/alpha/include/uapi/asm/signal.h",
        realtime: range(32, 34, 64, 64),
        note: "The numbers of OSF/1. 29 is INFO and PWR in one." },
    System { id: "mips", os: LINUX, arch: &["mips", "mipsel", "mips64", "mips64el"],
        title: "Linux on MIPS", header: "linux: arch/mips/include/uapi/asm/signal.h",
        realtime: range(32, 34, 127, 128),
        note: "The numbers of IRIX, and 128 signals; the C library uses them up to 127. A shell's 128+n can reach 255." },
    System { id: "parisc", os: LINUX, arch: &["parisc", "parisc64", "pa-risc", "hppa", "hppa64"],
        title: "Linux on PA-RISC", header: "linux: arch/parisc/include/uapi/asm/signal.h",
        realtime: range(32, 34, 64, 64),
        note: "The numbers since Linux 3.18; those before were of HP-UX." },
    System { id: "sparc", os: LINUX, arch: &["sparc", "sparc64"],
        title: "Linux on SPARC", header: "linux: arch/sparc/include/uapi/asm/signal.h",
        realtime: range(32, 34, 64, 64),
        note: "The numbers of SunOS 4. 29 is LOST and PWR in one." },
    System { id: "freebsd", os: &["freebsd", "ghostbsd"], arch: &[],
        title: "FreeBSD", header: "freebsd: sys/sys/signal.h",
        realtime: range(65, 65, 126, 126),
        note: "34 to 64 are free. 32 and 33 are the thread and the real-time library's." },
    System { id: "openbsd", os: &["openbsd"], arch: &[],
        title: "OpenBSD", header: "openbsd: sys/sys/signal.h",
        realtime: None,
        note: "No real-time signals. 32 is the thread library's." },
    System { id: "netbsd", os: &["netbsd"], arch: &[],
        title: "NetBSD", header: "netbsd: sys/sys/signal.h",
        realtime: range(33, 33, 63, 63),
        note: "PWR is 32; the kernel never sends it." },
    System { id: "macos", os: &["macos", "darwin", "osx", "mac", "ios"], arch: &[],
        title: "macOS", header: "xnu: bsd/sys/signal.h",
        realtime: None,
        note: "No real-time signals. POLL is 7 for programs that ask for POSIX alone, EMT for all others; neither is sent." },
    System { id: "illumos", os: &["illumos", "solaris", "sunos5", "smartos", "omnios", "openindiana"], arch: &[],
        title: "illumos and Solaris", header: "illumos: usr/src/uts/common/sys/iso/signal_iso.h",
        realtime: range(42, 42, 73, 73),
        note: "The range is asked at run time; Solaris 10 has 41 to 48 and no INFO, older ones 8 signals from 37 or 38." },
    System { id: "hpux", os: &["hpux", "hp-ux"], arch: &[],
        title: "HP-UX", header: "HP-UX: /usr/include/sys/signal.h",
        realtime: range(37, 37, 44, 44),
        note: "Numbers from 33 on are of HP-UX 11. WINDOW is an old name of WINCH." },
    System { id: "bsd", os: &["bsd", "4.3bsd", "sunos", "sunos4", "historical"], arch: &[],
        title: "4.3BSD and SunOS 4", header: "SunOS 4: <sys/signal.h>",
        realtime: None,
        note: "The historical table of 31. 4.4BSD put INFO in the place of LOST; today's BSDs and macOS follow it." },
];

/// No system of the catalogue has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} {word:?}: known are {known}")]
pub struct UnknownSystem {
    what: &'static str,
    word: String,
    known: String,
}

impl System {
    /// All systems, in the order of the table's columns.
    ///
    /// ```
    /// use wigwag::catalog::System;
    /// assert!(System::all().iter().any(|system| system.id() == "freebsd"));
    /// ```
    #[must_use]
    pub fn all() -> &'static [System] {
        SYSTEMS
    }

    /// The system this library was built for. On a Linux of a processor the table does not name, the common column.
    ///
    /// ```
    /// use wigwag::{Signal, catalog::System};
    /// assert_eq!(System::here().number("USR1"), Some(Signal::USR1.number()));
    /// ```
    #[must_use]
    pub fn here() -> &'static System {
        Self::find(Some(std::env::consts::OS), Some(std::env::consts::ARCH))
            .or_else(|_| Self::find(Some(std::env::consts::OS), None))
            .unwrap_or(&SYSTEMS[0])
    }

    /// The system of that name, and on Linux of that processor; without a name Linux, without a processor this one's
    /// where the system is this one, else the most common. On other systems numbers do not depend on the processor, and
    /// `arch` is not looked at.
    ///
    /// # Errors
    /// [`UnknownSystem`] for a system or, on Linux, a processor that is not in the catalogue; it lists those that are.
    ///
    /// ```
    /// use wigwag::catalog::System;
    /// assert_eq!(System::find(Some("Darwin"), None)?.id(), "macos");
    /// assert_eq!(System::find(None, Some("mips64"))?.id(), "mips");
    /// assert!(System::find(Some("plan9"), None).is_err());
    /// # Ok::<(), wigwag::catalog::UnknownSystem>(())
    /// ```
    pub fn find(os: Option<&str>, arch: Option<&str>) -> Result<&'static System, UnknownSystem> {
        let os = os.unwrap_or("linux").trim().to_ascii_lowercase();
        let mut of_os = SYSTEMS
            .iter()
            .filter(|s| s.os.contains(&os.as_str()))
            .peekable();
        let Some(first) = of_os.peek().copied() else {
            let known = SYSTEMS.iter().filter_map(|s| s.os.first().copied());
            return Err(UnknownSystem {
                what: "system",
                word: os,
                known: join(known),
            });
        };
        if first.arch.is_empty() {
            return Ok(first);
        }
        let here = cfg!(target_os = "linux").then_some(std::env::consts::ARCH);
        let Some(asked) = arch.or(here) else {
            return Ok(first);
        };
        let word = asked.trim().to_ascii_lowercase();
        match of_os.find(|s| s.arch.contains(&word.as_str())) {
            Some(found) => Ok(found),
            None if arch.is_none() => Ok(first),
            None => {
                let known = SYSTEMS.iter().filter_map(|s| s.arch.first().copied());
                Err(UnknownSystem {
                    what: "processor",
                    word,
                    known: join(known),
                })
            }
        }
    }

    /// The name of its column: `linux`, `mips`, `macos`.
    ///
    /// ```
    /// use wigwag::catalog::System;
    /// assert_eq!(System::find(Some("solaris"), None)?.id(), "illumos");
    /// # Ok::<(), wigwag::catalog::UnknownSystem>(())
    /// ```
    #[must_use]
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// What to call it in a sentence: `Linux on MIPS`.
    ///
    /// ```
    /// use wigwag::catalog::System;
    /// assert_eq!(System::find(None, Some("mips"))?.title(), "Linux on MIPS");
    /// # Ok::<(), wigwag::catalog::UnknownSystem>(())
    /// ```
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.title
    }

    /// The header its numbers are from.
    ///
    /// ```
    /// use wigwag::catalog::System;
    /// assert!(System::all().iter().all(|system| system.header().contains("signal")));
    /// ```
    #[must_use]
    pub fn header(&self) -> &'static str {
        self.header
    }

    /// What else to know about its numbers.
    ///
    /// ```
    /// use wigwag::catalog::System;
    /// assert!(System::all().iter().all(|system| !system.note().is_empty()));
    /// ```
    #[must_use]
    pub fn note(&self) -> &'static str {
        self.note
    }

    /// Its real-time range; none where it has no real-time signals. For [`System::here`] the C library in use may keep other
    /// numbers for itself than the table says: [`Signal::rtmin`](crate::Signal::rtmin) asks it.
    ///
    /// ```
    /// use wigwag::catalog::System;
    /// assert_eq!(System::find(Some("netbsd"), None)?.realtime().map(|range| range.min), Some(33));
    /// assert_eq!(System::find(Some("macos"), None)?.realtime(), None);
    /// # Ok::<(), wigwag::catalog::UnknownSystem>(())
    /// ```
    #[must_use]
    pub fn realtime(&self) -> Option<Realtime> {
        self.realtime
    }

    /// Its signals by number, the real-time ones after the others.
    ///
    /// ```
    /// use wigwag::catalog::System;
    /// let bsd = System::find(Some("bsd"), None)?;
    /// assert_eq!(bsd.signals().count(), 31);
    /// # Ok::<(), wigwag::catalog::UnknownSystem>(())
    /// ```
    pub fn signals(&self) -> impl Iterator<Item = SystemSignal> + use<> {
        let mut numbers: Vec<i32> = self.cells().map(|(_, cell)| cell.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let realtime = self.realtime.into_iter().flat_map(|r| r.min..=r.max);
        let mut found: Vec<SystemSignal> = Vec::new();
        for number in numbers.into_iter().chain(realtime) {
            found.extend(self.signal(number));
        }
        found.into_iter()
    }

    /// The signal of that number, if the system has one that programs may use.
    ///
    /// ```
    /// use wigwag::catalog::System;
    /// let mac = System::find(Some("macos"), None)?;
    /// assert_eq!(mac.signal(29).map(|signal| signal.name), Some("INFO".to_owned()));
    /// assert_eq!(mac.signal(32), None);
    /// # Ok::<(), wigwag::catalog::UnknownSystem>(())
    /// ```
    #[must_use]
    pub fn signal(&self, number: i32) -> Option<SystemSignal> {
        let mut named = self.cells().filter(|(_, cell)| cell.number == number);
        if let Some((name, cell)) = named.next() {
            let aliases = named.map(|(alias, _)| alias).collect();
            return Some(SystemSignal {
                number,
                name: name.to_owned(),
                aliases,
                action: cell.action,
                entry: entry(name)?,
            });
        }
        let name = self.realtime_name(number)?;
        let action = Some(DefaultAction::Terminate);
        Some(SystemSignal {
            number,
            name,
            aliases: Vec::new(),
            action,
            entry: realtime(),
        })
    }

    /// The name of that number: `TERM`; a real-time signal by its distance from the nearer end, as `kill -l` does it.
    ///
    /// ```
    /// use wigwag::catalog::System;
    /// let linux = System::find(None, Some("x86_64"))?;
    /// assert_eq!(linux.name(15).as_deref(), Some("TERM"));
    /// assert_eq!(linux.name(62).as_deref(), Some("RTMAX-2"));
    /// # Ok::<(), wigwag::catalog::UnknownSystem>(())
    /// ```
    #[must_use]
    pub fn name(&self, number: i32) -> Option<String> {
        self.cells()
            .find(|(_, cell)| cell.number == number)
            .map(|(name, _)| name.to_owned())
            .or_else(|| self.realtime_name(number))
    }

    /// The number of that name or alias, with or without `SIG`, in any case; `RTMIN+3` and `RTMAX-2` too. A name that the
    /// system has under another one (`CLD` on FreeBSD) gives that one's number.
    ///
    /// ```
    /// use wigwag::catalog::System;
    /// let freebsd = System::find(Some("freebsd"), None)?;
    /// assert_eq!(freebsd.number("sigcld"), Some(20));
    /// assert_eq!(freebsd.number("RTMIN+1"), Some(66));
    /// assert_eq!(freebsd.number("PWR"), None);
    /// # Ok::<(), wigwag::catalog::UnknownSystem>(())
    /// ```
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i32> {
        let name = bare_name(name);
        if let Some(at) = offset(&name) {
            let r = self.realtime?;
            let number = match at {
                Offset::FromMin(n) => r.min.checked_add(n)?,
                Offset::FromMax(n) => r.max.checked_sub(n)?,
            };
            return (r.min..=r.max).contains(&number).then_some(number);
        }
        let exact = |wanted: &str| {
            self.cells()
                .find(|(n, _)| *n == wanted)
                .map(|(_, cell)| cell.number)
        };
        exact(&name).or_else(|| {
            let entry = entry(&name)?;
            exact(entry.name).or_else(|| entry.aliases.iter().find_map(|alias| exact(alias)))
        })
    }

    /// The names and cells of its column, in the table's order.
    fn cells(&self) -> impl Iterator<Item = (&'static str, super::table::Cell)> + use<> {
        let table = table();
        let at = table.columns.iter().position(|column| *column == self.id);
        table
            .rows
            .iter()
            .filter_map(move |row| Some((row.name, row.cells.get(at?).copied().flatten()?)))
    }

    fn realtime_name(&self, number: i32) -> Option<String> {
        let r = self
            .realtime
            .filter(|r| (r.min..=r.max).contains(&number))?;
        Some(match (number - r.min, r.max - number) {
            (0, _) => "RTMIN".to_owned(),
            (_, 0) => "RTMAX".to_owned(),
            (up, down) if up <= down => format!("RTMIN+{up}"),
            (_, down) => format!("RTMAX-{down}"),
        })
    }
}

fn join(names: impl Iterator<Item = &'static str>) -> String {
    let mut seen: Vec<&str> = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen.join(", ")
}

/// One signal of one system.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SystemSignal {
    /// Its number there.
    pub number: i32,
    /// Its name there, without `SIG`: `TERM`, `RTMIN+3`.
    pub name: String,
    /// Other names that its headers give the same number.
    pub aliases: Vec<&'static str>,
    /// What it does to a process that has not said otherwise; none where that is not established.
    pub action: Option<DefaultAction>,
    /// What is the same everywhere.
    pub entry: &'static Entry,
}

/// A number of one system as a number of another: see [`convert`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Conversion {
    /// What it is called where it comes from; none if there is no such signal.
    pub name: Option<String>,
    /// The number on the other system; none if that has no such signal.
    pub number: Option<i32>,
    /// What it is called there.
    pub there: Option<String>,
}

/// The number on `to` of the signal that has `number` on `from`, by its name or, where `to` has no such name, by another
/// name that `from` gives the same number (on Alpha 29 is `INFO` and `PWR`).
///
/// ```
/// use wigwag::catalog::{System, convert};
/// let alpha = System::find(None, Some("alpha"))?;
/// let x86 = System::find(None, Some("x86"))?;
/// let c = convert(29, alpha, x86);
/// assert_eq!((c.name.as_deref(), c.there.as_deref(), c.number), (Some("INFO"), Some("PWR"), Some(30)));
/// # Ok::<(), wigwag::catalog::UnknownSystem>(())
/// ```
#[must_use]
pub fn convert(number: i32, from: &System, to: &System) -> Conversion {
    let Some(signal) = from.signal(number) else {
        return Conversion {
            name: None,
            number: None,
            there: None,
        };
    };
    let names = std::iter::once(signal.name.as_str()).chain(signal.aliases.iter().copied());
    let number = names.into_iter().find_map(|name| to.number(name));
    let there = number.and_then(|n| to.name(n));
    Conversion {
        name: Some(signal.name),
        number,
        there,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_systems_are_the_same() {
        let ids: Vec<_> = SYSTEMS.iter().map(|s| s.id).collect();
        assert_eq!(ids, table().columns);
    }

    #[test]
    fn no_number_has_two_unrelated_names() {
        for system in SYSTEMS {
            for signal in system.signals() {
                assert!(
                    signal.aliases.iter().all(|alias| {
                        signal.entry.aliases.contains(alias)
                            || matches!(
                                (system.id, *alias),
                                ("alpha" | "sparc", "PWR") | ("freebsd", "LWP")
                            )
                    }),
                    "{}: {signal:?}",
                    system.id
                );
            }
        }
    }
}
