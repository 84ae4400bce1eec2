//! Files and programs.

use super::Candidate;

/// What can be executed in the folders of PATH.
pub(super) fn programs(current: &str) -> Vec<Candidate> {
    use std::os::unix::fs::PermissionsExt;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let entries = std::env::split_paths(&path).filter_map(|folder| folder.read_dir().ok());
    let executable = |entry: &std::fs::DirEntry| {
        let known = entry.path().metadata();
        known.is_ok_and(|known| known.is_file() && known.permissions().mode() & 0o111 != 0)
    };
    let mut names: Vec<String> = entries
        .flatten()
        .flatten()
        .filter(|entry| {
            entry
                .file_name()
                .to_str()
                .is_some_and(|name| name.starts_with(current))
        })
        .filter(executable)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .map(|name| Candidate::new(name, ""))
        .collect()
}

/// What is in the directory so far, directories with a slash.
pub(super) fn files(current: &str) -> Vec<Candidate> {
    let (directory, start) = current.split_at(current.rfind('/').map_or(0, |slash| slash + 1));
    let read = if directory.is_empty() { "." } else { directory };
    let mut found: Vec<Candidate> = std::fs::read_dir(read)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let hidden = name.starts_with('.') && !start.starts_with('.');
            let slash = if entry.path().is_dir() { "/" } else { "" };
            (name.starts_with(start) && !hidden)
                .then(|| Candidate::new(format!("{directory}{name}{slash}"), ""))
        })
        .collect();
    found.sort_unstable_by(|a, b| a.word.cmp(&b.word));
    found
}
