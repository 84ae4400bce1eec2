//! `pgrep`, `pkill`, `pidwait` and `pwait`, beside procps-ng's.

mod errors;
mod listing;
mod newer;
mod scale;
mod signalling;
mod stage;
mod waiting;

/// Where our link of that name is.
fn stage_path(name: &str) -> String {
    let path = crate::compare::folder().join(name);
    path.to_str().unwrap().to_owned()
}
