//! By name.

use wigwag_process::census::census;
use wigwag_process::procfs::Proc;
use wigwag_process::selector::{Filter, Selector};

use crate::tools::{Folder, Sleeper, find, pids, unique, why};

#[test]
fn by_name_also_where_the_kernel_cuts_it() {
    let folder = Folder::new("name");
    let short = unique("wwn");
    let (long, other) = (unique("wigwag-census-one-"), unique("wigwag-census-two-"));
    let sleepers = [&short, &long, &other].map(|name| Sleeper::named(&folder, name));
    assert_eq!(
        pids(&find(&[&short], Filter::default())),
        [sleepers[0].pid()]
    );
    assert_eq!(
        pids(&find(&[&long], Filter::default())),
        [sleepers[1].pid()]
    );
    let filter = |name: &str| Filter {
        name: vec![name.to_owned()],
        ..Filter::default()
    };
    assert_eq!(pids(&find(&[], filter(&other))), [sleepers[2].pid()]);
    let expression = format!("-t.o-{}$", std::process::id());
    assert_eq!(
        pids(&find(
            &[],
            Filter {
                regex: true,
                ..filter(&expression)
            }
        )),
        [sleepers[2].pid()]
    );
    assert!(
        find(
            &[],
            Filter {
                regex: true,
                exact: true,
                ..filter(&expression)
            }
        )
        .found
        .is_empty()
    );
    let line = format!("{}/{long} -c", folder.0.display());
    assert_eq!(
        pids(&find(
            &[],
            Filter {
                full: true,
                ..filter(&line)
            }
        )),
        [sleepers[1].pid()]
    );
    assert!(
        find(
            &[],
            Filter {
                full: true,
                exact: true,
                ..filter(&line)
            }
        )
        .found
        .is_empty()
    );
    assert_eq!(
        pids(&find(
            &[],
            Filter {
                full: true,
                regex: true,
                ..filter(&format!("^{line}"))
            }
        )),
        [sleepers[1].pid()]
    );
    let bad = Selector {
        filter: Filter {
            regex: true,
            ..filter("a(b")
        },
        ..Selector::default()
    };
    let error = census(&Proc::open().unwrap(), &bad).unwrap_err();
    assert_eq!(
        error.to_string(),
        "\"a(b\" is no regular expression: unclosed group"
    );
    let text = why(&format!("x{short}"));
    assert_eq!(
        text,
        format!("no process named x{short}; did you mean {short}?")
    );
}

#[test]
fn a_misspelt_signal_or_target_is_told() {
    assert_eq!(why("HPU"), "no process named HPU; did you mean HUP?");
    assert_eq!(
        why("prot:8080"),
        "no process named prot:8080; did you mean port:8080?"
    );
}
