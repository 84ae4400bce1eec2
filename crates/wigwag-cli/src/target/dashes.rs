//! `-9`, `-TERM`, `-4242`, and a signal as the first word.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use wigwag::{InvalidSignal, Signal};
use wigwag_process::order::parse_duration;

/// What words with a dash, and a signal as the first word, mean to a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dashes {
    /// Nothing: they are options or what the verb makes of them.
    Plain,
    /// `-9` and `-TERM` are the signal, later numbers are groups; the first word may be a signal's name.
    Signal,
    /// As `Signal`, but the first word is a target.
    Look,
    /// Numbers are groups; the signals are in `--ladder`.
    Ladder,
    /// Numbers are groups; the signal is fixed.
    Group,
}

/// Why the words cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable(String);

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The long options whose value may be the next word. A test holds this against the descriptions.
const LONG: &[&str] = &[
    "after", "allow", "cgroup", "count", "env", "every", "group-id", "handles", "ladder", "max",
    "name", "ns", "older", "parent", "signal", "state", "thread", "timeout", "tty", "user",
    "value", "younger",
];

/// Whether the word after this long option may be its value.
pub fn takes_word(long: &str) -> bool {
    LONG.contains(&long)
}

/// Whether the word after this short option is its value.
pub fn short_takes_word(short: char) -> bool {
    matches!(short, 's' | 'u')
}

/// The words with dashes as clap reads them: signals as `--signal=NAME`, groups as `group:N`.
///
/// # Errors
/// Words that could mean two things, and signals that are none.
pub fn read_dashes(dashes: Dashes, words: Vec<OsString>) -> Result<Vec<OsString>, Unreadable> {
    if dashes == Dashes::Plain {
        return Ok(words);
    }
    let mut reader = Reader {
        dashes,
        signal: None,
        targets: 0,
        doubtful: None,
        read: Vec::with_capacity(words.len() + 1),
    };
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let bytes = word.as_bytes();
        if bytes == b"--" {
            let rest: Vec<OsString> = words.by_ref().collect();
            reader.targets += rest.len();
            reader.read.push(word);
            reader.read.extend(rest);
            break;
        }
        if let Some(long) = bytes.strip_prefix(b"--") {
            let takes = std::str::from_utf8(long).is_ok_and(takes_word);
            if long == b"wait"
                && let Some(time) = words.as_slice().first().and_then(|next| next.to_str())
                && parse_duration(time).is_some()
            {
                let other = match time.bytes().all(|byte| byte.is_ascii_digit()) {
                    true => format!("; a process of that number is pid:{time}, before --wait"),
                    false => String::new(),
                };
                return Err(Unreadable(format!(
                    "--wait {time}: write --wait={time} for the time{other}"
                )));
            }
            if long == b"signal" || long.starts_with(b"signal=") {
                let next = words.as_slice().first();
                let value = word.to_string_lossy();
                let value = value.strip_prefix("--signal=").map(str::to_owned);
                let value = value.or_else(|| Some(next?.to_string_lossy().into_owned()));
                reader.refuse_signal(value.as_deref())?;
                reader.signal = Some(word.to_string_lossy().into_owned());
            }
            reader.read.push(word);
            if takes {
                reader.read.extend(words.next());
            }
        } else if bytes.len() > 1 && bytes[0] == b'-' {
            let short = char::from(bytes[1]);
            if bytes.len() == 2 && short == 's' {
                let next = words.as_slice().first().map(|next| next.to_string_lossy());
                reader.refuse_signal(next.as_deref())?;
                if let (Some(first), Some(next)) = (&reader.signal, &next) {
                    return Err(Unreadable(format!(
                        "two signals, {first} and -s {next}: give one"
                    )));
                }
                reader.signal = Some("-s".to_owned());
                match words.next() {
                    Some(value) => {
                        let mut long = OsString::from("--signal=");
                        long.push(value);
                        reader.read.push(long);
                    }
                    None => reader.read.push(word),
                }
            } else if bytes.len() == 2 && short_takes_word(short) {
                reader.read.push(word);
                reader.read.extend(words.next());
            } else {
                reader.dash(word)?;
            }
        } else {
            reader.plain(word)?;
        }
    }
    match &reader.doubtful {
        Some(number) if reader.signal.is_none() && reader.targets > 1 => {
            Err(Unreadable(reader.doubt(number)))
        }
        _ => Ok(reader.read),
    }
}

struct Reader {
    dashes: Dashes,
    /// The signal as it was given.
    signal: Option<String>,
    /// How many targets there were so far.
    targets: usize,
    /// A first bare number that could be meant as a signal.
    doubtful: Option<String>,
    read: Vec<OsString>,
}

impl Reader {
    fn takes_signal(&self) -> bool {
        matches!(self.dashes, Dashes::Signal | Dashes::Look)
    }

    /// A word with one dash.
    fn dash(&mut self, word: OsString) -> Result<(), Unreadable> {
        let Some(rest) = word
            .to_str()
            .and_then(|text| text.strip_prefix('-'))
            .map(str::to_owned)
        else {
            return Err(Unreadable(format!("{} is not UTF-8", word.display())));
        };
        if rest.bytes().all(|b| b.is_ascii_digit()) {
            return self.dash_number(&rest);
        }
        match rest.parse::<Signal>() {
            Ok(_) if self.takes_signal() => self.dash_signal(&rest),
            Ok(signal) => Err(Unreadable(self.takes_none(&rest, signal))),
            Err(InvalidSignal::Unknown { .. })
                if !rest.starts_with(|c: char| c.is_ascii_uppercase()) =>
            {
                // An option; clap says what is wrong with it where it is none.
                self.read.push(word);
                Ok(())
            }
            Err(error) => Err(Unreadable(format!("{error}"))),
        }
    }

    fn dash_number(&mut self, digits: &str) -> Result<(), Unreadable> {
        let small = digits.parse::<u32>().is_ok_and(|n| n <= 64);
        if small && self.targets == 0 && self.signal.is_none() {
            if self.takes_signal() {
                return self.dash_signal(digits);
            }
            return Err(Unreadable(
                match digits.parse::<i32>().ok().and_then(|n| Signal::new(n).ok()) {
                    Some(signal) => self.takes_none(digits, signal),
                    None => format!("-{digits} is no process group here: write group:{digits}"),
                },
            ));
        }
        match digits {
            "0" => Err(Unreadable("-0 after a signal or a target means nobody: write --own-group for one's own process group".into())),
            "1" => Err(Unreadable("-1 would mean every process that may be signalled: write --everyone for that".into())),
            "65" if self.targets == 0 && self.signal.is_none() && self.takes_signal() => Err(Unreadable(
                "-65 is no signal, the last one is 64; the process group is group:65".into(),
            )),
            _ => {
                self.targets += 1;
                self.read.push(format!("group:{digits}").into());
                Ok(())
            }
        }
    }

    fn dash_signal(&mut self, text: &str) -> Result<(), Unreadable> {
        if let Some(first) = &self.signal {
            return Err(Unreadable(format!(
                "two signals, {first} and -{text}: give one"
            )));
        }
        if self.targets > 0 {
            return Err(Unreadable(format!(
                "-{text} comes after a target: write the signal before the targets, or as -s {text}"
            )));
        }
        if text != "0" {
            // Says at once what is wrong with it: 32, 33.
            text.parse::<Signal>()
                .map_err(|error| Unreadable(error.to_string()))?;
        }
        self.signal = Some(format!("-{text}"));
        self.read.push(format!("--signal={text}").into());
        Ok(())
    }

    /// `-s SIGNAL` where the verb has its own.
    fn refuse_signal(&self, signal: Option<&str>) -> Result<(), Unreadable> {
        let signal = signal.unwrap_or("SIGNAL");
        match self.dashes {
            Dashes::Signal | Dashes::Look | Dashes::Plain => Ok(()),
            Dashes::Ladder => Err(Unreadable(format!(
                "stop takes no -s, it sends a ladder of signals: --ladder {signal}, or `wigwag send -s {signal}`"
            ))),
            Dashes::Group => Err(Unreadable(format!(
                "this verb takes no -s, its signal is fixed: `wigwag send -s {signal}` sends that one"
            ))),
        }
    }

    /// The verb takes no signal, and was given one.
    fn takes_none(&self, text: &str, signal: Signal) -> String {
        let number = text.bytes().all(|b| b.is_ascii_digit());
        let group = if number {
            format!("; the process group is group:{text}")
        } else {
            String::new()
        };
        if self.dashes == Dashes::Ladder {
            format!(
                "-{text} is no option of stop, which sends a ladder of signals: --ladder {signal}, or `wigwag send -{text}`{group}"
            )
        } else {
            format!(
                "-{text} is no option here, this verb's signal is fixed: `wigwag send -{text}` sends that one{group}"
            )
        }
    }

    /// A word without a dash.
    fn plain(&mut self, word: OsString) -> Result<(), Unreadable> {
        let first = self.targets == 0;
        let text = word.to_str();
        let may_be_signal = first && self.dashes == Dashes::Signal && self.signal.is_none();
        if let Some(name) = text.filter(|text| may_be_signal && is_signal_name(text)) {
            self.signal = Some(name.to_owned());
            self.read.push(format!("--signal={name}").into());
            return Ok(());
        }
        let in_capitals =
            |text: &&str| !text.bytes().any(|b| b.is_ascii_lowercase()) && is_signal_name(text);
        if let Some(name) = text
            .filter(in_capitals)
            .filter(|_| first && self.dashes != Dashes::Signal)
        {
            return Err(Unreadable(self.no_first_word(name)));
        }
        // A habit from kill: `stop 9 4242`. Where nothing is sent by that habit, a number is a process.
        if first && matches!(self.dashes, Dashes::Signal | Dashes::Ladder) {
            self.doubtful = text.filter(|text| is_small(text)).map(str::to_owned);
        }
        self.targets += 1;
        self.read.push(word);
        Ok(())
    }

    /// A signal's name stands first, where the verb takes targets only.
    fn no_first_word(&self, name: &str) -> String {
        let instead = match self.dashes {
            Dashes::Ladder => format!("--ladder {name}, or `wigwag send {name}`"),
            Dashes::Look => format!("--signal {name}"),
            _ => format!("`wigwag send {name}` sends it"),
        };
        format!(
            "{name} is a signal, and this verb's words are processes: {instead}; a process of that name is name:{name}"
        )
    }

    fn doubt(&self, number: &str) -> String {
        if number == "0" {
            return "0 is neither a process nor a signal: to test whether processes may be signalled write -s 0, \
                    and --own-group for one's own process group"
                .into();
        }
        if self.dashes == Dashes::Signal {
            format!(
                "is {number} a signal or a process? Write -s {number} for the signal, pid:{number} for the process"
            )
        } else {
            format!(
                "is {number} a signal or a process? Write pid:{number} for the process; this verb takes no signal as a word"
            )
        }
    }
}

fn is_signal_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit() || c == '+') && text.parse::<Signal>().is_ok()
}

fn is_small(text: &str) -> bool {
    OsStr::new(text).as_bytes().iter().all(u8::is_ascii_digit)
        && text.parse::<u32>().is_ok_and(|n| n <= 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(dashes: Dashes, line: &str) -> Result<String, String> {
        let words = line.split_whitespace().map(OsString::from).collect();
        read_dashes(dashes, words)
            .map(|words| words.join(OsStr::new(" ")).into_string().unwrap())
            .map_err(|e| e.to_string())
    }

    #[test]
    fn signals_as_fingers_know_them() {
        for (line, read_as) in [
            ("TERM nginx", "--signal=TERM nginx"),
            ("-9 4242", "--signal=9 4242"),
            ("-TERM 4242", "--signal=TERM 4242"),
            ("-term 4242", "--signal=term 4242"),
            ("-RTMIN+3 4242", "--signal=RTMIN+3 4242"),
            ("-0 4242", "--signal=0 4242"),
            ("-9 -4242", "--signal=9 group:4242"),
            ("-9 -9", "--signal=9 group:9"),
            ("-1 4242", "--signal=1 4242"),
            ("4242 -9", "4242 group:9"),
            ("-4242", "group:4242"),
            ("-s 9 4242", "--signal=9 4242"),
            ("-s TERM 9 10", "--signal=TERM 9 10"),
            ("9", "9"),
            ("nginx TERM", "nginx TERM"),
            ("HPU nginx", "HPU nginx"),
            ("--value -3 USR1 4242", "--value -3 --signal=USR1 4242"),
            ("USR1 4242 --value -3", "--signal=USR1 4242 --value -3"),
            ("TERM -- -4242", "--signal=TERM -- -4242"),
            ("-q TERM x", "-q --signal=TERM x"),
            ("-u bob TERM", "-u bob --signal=TERM"),
        ] {
            assert_eq!(read(Dashes::Signal, line).as_deref(), Ok(read_as), "{line}");
        }
    }

    #[test]
    fn what_could_mean_two_things_is_refused() {
        for (line, says) in [
            ("9 4242", "-s 9"),
            ("-65 4242", "group:65"),
            ("USR1 4242 --wait 30", "--wait=30"),
            ("USR1 4242 --wait 2s", "--wait=2s"),
            ("15 nginx", "pid:15"),
            ("0 4242", "-s 0"),
            ("-9 -1", "--everyone"),
            ("4242 -1", "--everyone"),
            ("4242 -0", "--own-group"),
            ("-TERM -KILL 4242", "two signals"),
            ("4242 -KILL", "before the targets"),
            ("-HPU nginx", "did you mean HUP?"),
            ("-32 nginx", "reserved"),
            ("-RTMIN+99 nginx", "real-time"),
        ] {
            let error = read(Dashes::Signal, line).unwrap_err();
            assert!(error.contains(says), "{line}: {error}");
        }
        assert!(
            read(Dashes::Ladder, "-9 nginx")
                .unwrap_err()
                .contains("--ladder KILL")
        );
        assert!(
            read(Dashes::Ladder, "9 nginx")
                .unwrap_err()
                .contains("pid:9")
        );
        for line in ["-s INT nginx", "--signal INT nginx", "nginx --signal=INT"] {
            let error = read(Dashes::Ladder, line).unwrap_err();
            assert!(error.contains("--ladder INT"), "{line}: {error}");
            let error = read(Dashes::Group, line).unwrap_err();
            assert!(error.contains("wigwag send -s INT"), "{line}: {error}");
        }
        assert!(
            read(Dashes::Group, "-TERM nginx")
                .unwrap_err()
                .contains("wigwag send")
        );
    }

    #[test]
    fn other_verbs_take_groups_and_names() {
        assert_eq!(read(Dashes::Ladder, "-4242").as_deref(), Ok("group:4242"));
        assert_eq!(read(Dashes::Ladder, "term").as_deref(), Ok("term"));
        assert!(
            read(Dashes::Ladder, "TERM x")
                .unwrap_err()
                .contains("--ladder TERM")
        );
        assert!(
            read(Dashes::Look, "TERM 4242")
                .unwrap_err()
                .contains("--signal TERM")
        );
        assert!(
            read(Dashes::Group, "KILL")
                .unwrap_err()
                .contains("name:KILL")
        );
        assert_eq!(
            read(Dashes::Look, "-HUP 1 2").as_deref(),
            Ok("--signal=HUP 1 2")
        );
        assert_eq!(read(Dashes::Look, "1 2").as_deref(), Ok("1 2"));
        assert_eq!(read(Dashes::Plain, "-9 -1").as_deref(), Ok("-9 -1"));
    }
}
