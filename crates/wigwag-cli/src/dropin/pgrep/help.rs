//! How it is used.

use super::Tool;

/// For standard output where it is asked for, for standard error where the words made no sense.
pub(super) fn text(name: &str, tool: Tool) -> String {
    let own = match tool {
        Tool::Grep => {
            " -d, --delimiter <text>    put this between the numbers, in place of a line break\n \
             -l, --list-name           show the name of each process too\n \
             -a, --list-full           show the command line of each process too\n \
             -v, --inverse             those that do not match\n \
             -w, --lightweight         threads, each by its own number\n     \
                 --quiet               write nothing, answer by the exit status\n"
        }
        Tool::Kill => {
            " -<signal>                 send this signal, by name or number, not TERM\n \
             -q, --queue <number>      a number that goes with the signal\n \
             -e, --echo                say who is signalled\n \
             -m, --mrelease            free the memory of those killed at once\n"
        }
        Tool::Wait => " -e, --echo                say who is waited for\n",
    };
    let shared = " -c, --count               show how many match\n \
         -f, --full                match against the whole command line\n \
         -g, --pgroup <PGID,...>   in one of these process groups; 0 is one's own\n \
         -G, --group <GID,...>     of one of these real groups\n \
         -i, --ignore-case         capital and small letters are the same\n \
         -n, --newest              of those that match the one started last\n \
         -o, --oldest              of those that match the one started first\n \
         -O, --older <seconds>     started at least so long ago\n \
         -p, --pid <PID,...>       of one of these numbers\n \
         -P, --parent <PPID,...>   children of one of these\n \
         -s, --session <SID,...>   in one of these sessions; 0 is one's own\n     \
             --signal <signal>     the signal, by name or number\n \
         -t, --terminal <tty,...>  with one of these controlling terminals\n \
         -u, --euid <user,...>     of one of these effective users\n \
         -U, --uid <user,...>      of one of these real users\n \
         -x, --exact               the whole name must match\n \
         -F, --pidfile <file>      the number is in this file\n \
         -L, --logpidfile          fail where nobody has that file locked\n \
         -r, --runstates <state>   in one of these states, e.g. D,S,Z\n \
         -A, --ignore-ancestors    not those that have started this one\n \
         -H, --require-handler     only who has a handler for the signal\n \
         -Q, --shell-quote         names and command lines as a shell reads them\n     \
             --cgroup <path,...>   in one of these control groups of version 2\n     \
             --env <name=val,...>  started with one of these in the environment\n     \
             --ns <PID>            in the same namespaces as this process\n     \
             --nslist <ns,...>     which of them for --ns: ipc, mnt, net, pid, user, uts\n\n \
         -h, --help                show this\n \
         -V, --version             show the version\n";
    format!(
        "\nUsage:\n {name} [options] <pattern>\n\nOptions:\n{own}{shared}\n\
         The pattern is an extended regular expression, regex(7). See pgrep(1), and docs/names.md for what differs.\n"
    )
}

/// The version, and whose dialect it is.
pub(super) fn version(name: &str) -> String {
    format!(
        "{name} from wigwag {} (procps-ng 4.0.5)\n",
        env!("CARGO_PKG_VERSION")
    )
}
