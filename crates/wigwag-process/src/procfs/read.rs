//! Reading a small file whole into a buffer that is used again.

use std::ffi::CStr;
use std::io;
use std::os::fd::AsFd;

use rustix::fs::{Mode, OFlags};

/// Replaces what is in `buffer` with the contents of `path`, relative to `base`.
///
/// Most files of `/proc` come with the first read(2); a second is needed only where the buffer was filled or the file is
/// written in parts.
pub(crate) fn read_at(base: impl AsFd, path: &CStr, buffer: &mut Vec<u8>) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(base, path, flags, Mode::empty())?;
    buffer.clear();
    loop {
        if buffer.capacity() - buffer.len() < 1024 {
            buffer.reserve(4096);
        }
        match rustix::io::read(&file, rustix::buffer::spare_capacity(buffer)) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// The contents of a file of at most `N` bytes, in one read(2): for files that the kernel gives whole (`comm`, `stat`).
pub(crate) fn read_once<const N: usize>(
    base: impl AsFd,
    path: &CStr,
    buffer: &mut [u8; N],
) -> io::Result<usize> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(base, path, flags, Mode::empty())?;
    loop {
        match rustix::io::read(&file, &mut buffer[..]) {
            Err(rustix::io::Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
}
