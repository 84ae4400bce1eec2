//! Words that send nothing: lists, conversions, messages and statuses. By the manual of util-linux 2.41 where nothing else is said; each was
//! seen with util-linux 2.41.5 as well. `real` compares with the tools at hand.

use super::{line, says};
use crate::compare::{finish, real, same};

/// The words, the status, standard output and standard error.
type Case = (&'static str, i32, &'static str, &'static str);

const UTIL_LINUX: &[Case] = &[
    // Conversions of one.
    ("-l 9", 0, "KILL\n", ""),
    ("-l 15", 0, "TERM\n", ""),
    ("-l=9", 0, "KILL\n", ""),
    ("--list 9", 0, "KILL\n", ""),
    ("--list=9", 0, "KILL\n", ""),
    ("-l 143", 0, "TERM\n", ""),
    ("-l 137", 0, "KILL\n", ""),
    ("--list=143", 0, "TERM\n", ""),
    ("-l 6", 0, "ABRT\n", ""),
    ("-l 17", 0, "CHLD\n", ""),
    ("-l 29", 0, "IO\n", ""),
    ("-l 0", 0, "0\n", ""),
    ("-l 128", 0, "0\n", ""),
    ("-l 32", 0, "32\n", ""),
    ("-l 34", 0, "RT0\n", ""),
    ("--list=34", 0, "RT0\n", ""),
    ("-l 64", 0, "RT30\n", ""),
    ("-l 192", 0, "RT30\n", ""),
    ("-l HUP", 0, "HUP\n", ""),
    ("-l sigiot", 0, "ABRT\n", ""),
    ("-l RTMIN+2", 0, "RT2\n", ""),
    (
        "-l 0x00000000000044aa",
        0,
        "INT\nILL\nABRT\nFPE\nSEGV\nTERM\n",
        "",
    ),
    (
        "-l 0x0000000000003015",
        0,
        "HUP\nQUIT\nTRAP\nPIPE\nALRM\n",
        "",
    ),
    ("--list=0x0000000000000200", 0, "USR1\n", ""),
    ("-l 0x0000000000384000", 0, "TERM\nTSTP\nTTIN\nTTOU\n", ""),
    ("-l 0x8000000180000000", 0, "32\n33\nRT30\n", ""),
    ("-l 0x0", 0, "", ""),
    ("-l FOO", 1, "", "kill: unknown signal: FOO\n"),
    ("-l=FOO", 1, "", "kill: unknown signal: FOO\n"),
    ("-l 65", 1, "", "kill: unknown signal: 65\n"),
    ("-l 200", 1, "", "kill: unknown signal: 200\n"),
    ("-l -1", 1, "", "kill: unknown signal: -1\n"),
    ("-l -l", 1, "", "kill: unknown signal: -l\n"),
    ("-l 9x", 1, "", "kill: unknown signal: 9x\n"),
    ("-l 0x", 1, "", "kill: invalid sigmask format: 0x\n"),
    (
        "-l 0xg0000",
        1,
        "",
        "kill: invalid sigmask format: 0xg0000\n",
    ),
    (
        "-l 0x1ffffffffffffffff",
        1,
        "",
        "kill: invalid sigmask format: 0x1ffffffffffffffff\n",
    ),
    ("-l -s 1", 1, "", "kill: too many arguments\n"),
    // What is missing, and what excludes what.
    ("", 1, "", "kill: not enough arguments\n"),
    ("--", 1, "", "kill: not enough arguments\n"),
    ("-s", 1, "", "kill: not enough arguments\n"),
    ("-9", 1, "", "kill: not enough arguments\n"),
    ("-1", 1, "", "kill: not enough arguments\n"),
    ("-s TERM", 1, "", "kill: not enough arguments\n"),
    ("-a", 1, "", "kill: not enough arguments\n"),
    ("-q", 1, "", "kill: option '-q' requires an argument\n"),
    (
        "--queue",
        1,
        "",
        "kill: option '--queue' requires an argument\n",
    ),
    ("-q x 5", 1, "", "kill: argument error: 'x'\n"),
    (
        "-q 99999999999 5",
        1,
        "",
        "kill: argument error: '99999999999': Numerical result out of range\n",
    ),
    (
        "--timeout",
        1,
        "",
        "kill: option '--timeout' requires an argument\n",
    ),
    ("--timeout x TERM 1", 1, "", "kill: argument error: 'x'\n"),
    ("-d", 1, "", "kill: too few arguments\n"),
    ("-d 1 2", 1, "", "kill: too many arguments\n"),
    ("-d x", 1, "", "kill: invalid pid argument: 'x'\n"),
    ("-d=x", 1, "", "kill: invalid pid argument: 'x'\n"),
    (
        "--show-process-state=0x1",
        1,
        "",
        "kill: invalid pid argument: '0x1'\n",
    ),
    (
        "-d 9999999",
        1,
        "",
        "kill: failed to initialize procfs handler: No such file or directory\n",
    ),
    (
        "-p -s 9 5",
        1,
        "",
        "kill: --pid and --signal are mutually exclusive\n",
    ),
    (
        "-s 9 -p 5",
        1,
        "",
        "kill: --pid and --signal are mutually exclusive\n",
    ),
    (
        "-p -9 5",
        1,
        "",
        "kill: --pid and --signal are mutually exclusive\n",
    ),
    (
        "-9 -p 5",
        1,
        "",
        "kill: --pid and --signal are mutually exclusive\n",
    ),
    (
        "-1 -p",
        1,
        "",
        "kill: --pid and --signal are mutually exclusive\n",
    ),
    (
        "-q 3 -p 5",
        1,
        "",
        "kill: --pid and --queue are mutually exclusive\n",
    ),
    (
        "-p -q 3 5",
        1,
        "",
        "kill: --pid and --queue are mutually exclusive\n",
    ),
    ("-x 1", 1, "", "kill: invalid signal name or number: x\n"),
    (
        "-FOO 1",
        1,
        "",
        "kill: invalid signal name or number: FOO\n",
    ),
    ("-99 1", 1, "", "kill: invalid signal name or number: 99\n"),
    (
        "--foo 1",
        1,
        "",
        "kill: invalid signal name or number: -foo\n",
    ),
    (
        "-RTMIN+40 5",
        1,
        "",
        "kill: invalid signal name or number: RTMIN+40\n",
    ),
    (
        "-99999999",
        1,
        "",
        "kill: invalid signal name or number: 99999999\n",
    ),
    // Nobody there.
    (
        "9999999",
        1,
        "",
        "kill: sending signal to 9999999 failed: No such process\n",
    ),
    (
        "-0 9999999",
        1,
        "",
        "kill: sending signal to 9999999 failed: No such process\n",
    ),
    (
        "-- -9999999",
        1,
        "",
        "kill: sending signal to -9999999 failed: No such process\n",
    ),
    (
        "-0 -- -9999999",
        1,
        "",
        "kill: sending signal to -9999999 failed: No such process\n",
    ),
    (
        "-s TERM -9999999",
        1,
        "",
        "kill: sending signal to -9999999 failed: No such process\n",
    ),
    (
        "-q 3 9999999",
        1,
        "",
        "kill: sending signal to 9999999 failed: No such process\n",
    ),
    (
        "-q 3 -- -9999999",
        1,
        "",
        "kill: sending signal to -9999999 failed: No such process\n",
    ),
    (
        "-0 +9999999",
        1,
        "",
        "kill: sending signal to +9999999 failed: No such process\n",
    ),
    ("-9 -foo", 1, "", "kill: cannot find process \"-foo\"\n"),
    (
        "wigwag-nosuch",
        1,
        "",
        "kill: cannot find process \"wigwag-nosuch\"\n",
    ),
    ("-0 1x", 1, "", "kill: cannot find process \"1x\"\n"),
    (
        "99999999999999999999",
        1,
        "",
        "kill: cannot find process \"99999999999999999999\"\n",
    ),
    (
        "--timeout 5 TERM 9999999",
        1,
        "",
        "kill: pidfd_open() failed: 9999999: No such process\n",
    ),
    (
        "--timeout 5 TERM -- -5",
        1,
        "",
        "kill: pidfd_open() failed: -5: Invalid argument\n",
    ),
    ("-r 9999999", 1, "", ""),
    ("-r -- -9999999", 1, "", ""),
    ("-p 5 -6", 0, "5\n-6\n", ""),
    (
        "-p 5 wigwag-nosuch",
        64,
        "5\n",
        "kill: cannot find process \"wigwag-nosuch\"\n",
    ),
    // By the manual of util-linux 2.42, which has these first.
    (
        "9999999:1",
        1,
        "",
        "kill: failed to obtain a valid file descriptor for PID 9999999: No such process\n",
    ),
    ("1:0", 1, "", "kill: cannot find process \"1:0\"\n"),
    ("1:x", 1, "", "kill: cannot find process \"1:x\"\n"),
    (":1", 1, "", "kill: cannot find process \":1\"\n"),
];

#[test]
fn as_util_linux() {
    for &(words, status, out, err) in UTIL_LINUX {
        says(words, status, out, err);
    }
    let table = [
        " 1 HUP      2 INT      3 QUIT     4 ILL      5 TRAP     6 ABRT    \n",
        " 6 IOT      7 BUS      8 FPE      9 KILL    10 USR1    11 SEGV    \n",
        "12 USR2    13 PIPE    14 ALRM    15 TERM    16 STKFLT  17 CHLD    \n",
        "17 CLD     18 CONT    19 STOP    20 TSTP    21 TTIN    22 TTOU    \n",
        "23 URG     24 XCPU    25 XFSZ    26 VTALRM  27 PROF    28 WINCH   \n",
        "29 IO      29 POLL    30 PWR     31 SYS     34 RTMIN   64 RTMAX   \n",
    ]
    .concat();
    for words in ["-s FOO 1", "--timeout 5 FOO 1"] {
        says(
            words,
            1,
            "",
            &format!("kill: unknown signal FOO; valid signals:\n{table}"),
        );
    }
    // The table, one a line where nobody looks: what util-linux's own test of `-d` reads.
    let lines = line("-L").out;
    let columns: Vec<&str> = table.split_whitespace().collect();
    assert_eq!(lines.split_whitespace().collect::<Vec<_>>(), columns);
    assert_eq!(lines.lines().count(), columns.len() / 2);
    assert_eq!(line("--table 3").out, lines);
}

/// Forms of procps and GNU that util-linux has not.
const OTHERS: &[Case] = &[
    // procps: the signal joined to the option.
    ("-l9", 0, "KILL\n", ""),
    ("-lHUP", 0, "1\n", ""),
    ("-lSIGHUP", 0, "1\n", ""),
    // GNU: several, and an operand after `--`; names to numbers, numbers and statuses to names.
    ("-l 9 15", 0, "KILL\nTERM\n", ""),
    ("-l HUP TERM", 0, "1\n15\n", ""),
    ("-l -- TERM", 0, "15\n", ""),
    ("-l -- 143", 0, "TERM\n", ""),
    ("-l 143 271 0x8f", 0, "TERM\nTERM\nTERM\n", ""),
    ("-l 271", 0, "TERM\n", ""),
    ("-l 0x8f", 0, "TERM\n", ""),
    ("-l 0x89", 0, "KILL\n", ""),
    ("-l 34 35 64 0", 0, "RTMIN\nRTMIN+1\nRTMAX\nEXIT\n", ""),
    ("-l RTMIN RTMAX RTMIN+1", 0, "34\n64\n35\n", ""),
    ("-l FOO TERM", 1, "15\n", "kill: unknown signal: FOO\n"),
    ("-l -- -1 0", 1, "EXIT\n", "kill: unknown signal: -1\n"),
    ("-l -t", 1, "", "kill: unknown signal: -t\n"),
    (
        "-t TERM HUP 34",
        0,
        "15 TERM     Terminated\n 1 HUP      Hangup\n34 RTMIN    Real-time signal 0\n",
        "",
    ),
    ("-t FOO", 1, "", "kill: unknown signal: FOO\n"),
    ("-t -s 1", 1, "", "kill: too many arguments\n"),
    ("-t -l", 1, "", "kill: too many arguments\n"),
    ("-n", 1, "", "kill: not enough arguments\n"),
    (
        "-nFOOBAR 1",
        1,
        "",
        "kill: invalid signal name or number: nFOOBAR\n",
    ),
    (
        "-sFOOBAR 1",
        1,
        "",
        "kill: invalid signal name or number: sFOOBAR\n",
    ),
    (
        "-q5x 1",
        1,
        "",
        "kill: invalid signal name or number: q5x\n",
    ),
    // A number that no process has; util-linux cuts it to 32 bits, and would signal process 1 here.
    (
        "-0 4294967297",
        1,
        "",
        "kill: sending signal to 4294967297 failed: No such process\n",
    ),
    (
        "-0 -- -4294967297",
        1,
        "",
        "kill: sending signal to -4294967297 failed: No such process\n",
    ),
    (
        "-0 -- -2147483648",
        1,
        "",
        "kill: sending signal to -2147483648 failed: No such process\n",
    ),
    // util-linux crashes.
    ("--timeout 5", 1, "", "kill: not enough arguments\n"),
];

#[test]
fn as_procps_and_gnu() {
    for &(words, status, out, err) in OTHERS {
        says(words, status, out, err);
    }
    let all: Vec<String> = (0..=64).map(|number| number.to_string()).collect();
    for list in ["-l", "-t"] {
        let said = line(&format!("{list} -- {}", all.join(" ")));
        assert_eq!((said.status, said.out.lines().count()), (0, 65), "{list}");
    }
    let table = line("-t").out;
    assert!(
        table
            .lines()
            .any(|line| line == "11 SEGV     Segmentation fault"),
        "{table}"
    );
    assert!(
        line("-n 0 1 -n").err.contains("\"-n\""),
        "whom, after the first of them"
    );
}

/// Where both mean the same, the same bytes as Debian's tools.
#[test]
fn conversions_as_the_tools_at_hand() {
    for number in (1..=31).filter(|number| *number != 29) {
        for words in [format!("-l{number}"), format!("--list={number}")] {
            same("kill", &[words]);
        }
        same("kill", &["-l".to_owned(), number.to_string()]);
    }
    for word in ["-lHUP", "-lSIGTERM", "-lUSR2", "-lWINCH"] {
        same("kill", &[word]);
    }
    // What shells have built in: the name for the status of a command that a signal ended.
    for shell in ["dash", "bash"] {
        let Some(_) = real(shell) else { continue };
        for status in [129, 130, 137, 141, 143, 9, 15] {
            let mut shell = real(shell).unwrap();
            let theirs = finish(shell.args(["-c", &format!("kill -l {status}")]));
            assert_eq!(line(&format!("-l {status}")), theirs, "{shell:?} {status}");
        }
    }
}
