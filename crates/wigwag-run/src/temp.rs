//! A folder for the command, gone at the end.

use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A name for one in `$TMPDIR`, or in `/tmp`, that nobody else has.
pub(crate) fn name() -> io::Result<PathBuf> {
    std::path::absolute(std::env::temp_dir().join(format!("wigwag-run.{}", word()?)))
}

/// A word of 16 letters that nobody else has.
pub(crate) fn word() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    Ok(bytes
        .iter()
        .map(|byte| char::from(b"abcdefghijklmnopqrstuvwxyz234567"[usize::from(byte % 32)]))
        .collect())
}

/// Makes it, for the user alone.
///
/// # Errors
/// EEXIST: it is somebody else's.
pub(crate) fn make(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().mode(0o700).create(folder)
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
