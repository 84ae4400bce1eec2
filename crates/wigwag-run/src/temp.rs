//! A folder for the command, gone at the end.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::sys;

/// Makes one in `$TMPDIR`, or in `/tmp`, for the user alone.
pub(crate) fn make() -> io::Result<PathBuf> {
    sys::make_folder(&std::env::temp_dir().join("wigwag-run."))
}

/// Removes it and all that is in it. Symbolic links are removed, not followed.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(_) => {
            // A folder within that its owner may not write to.
            open_up(folder);
            std::fs::remove_dir_all(folder)
        }
    }
}

fn open_up(folder: &Path) {
    let _ = std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700));
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}
