//! The limit of open files: a held process costs two descriptors.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit to the hard one, where that is allowed.
///
/// [`prepare`](crate::plan::prepare) does so by itself; whoever takes a [`census`](mod@crate::census) without a plan does it
/// first. It holds for the whole process; children inherit it.
///
/// ```
/// wigwag_process::limits::raise_open_files();
/// ```
pub fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        // A failure shows itself as EMFILE, with the limit named, when the descriptors run out.
        let _ = setrlimit(Resource::Nofile, raised);
    }
}
