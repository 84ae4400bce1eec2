//! Recycled pids, on demand.

/// Has the next fork in this pid namespace take `pid`, if it is free. Needs a pid namespace of the test's own:
/// anywhere else another process may fork first.
///
/// # Errors
/// EPERM or EACCES without CAP_SYS_ADMIN in the namespace's owner.
pub fn next_pid(pid: i32) -> std::io::Result<()> {
    std::fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string())
}
