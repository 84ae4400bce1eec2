//! `/proc/PID/maps` (proc_pid_maps(5)).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::numbers::{parse_hex, parse_u64};

/// One line of `/proc/PID/maps` that maps a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapping<'a> {
    /// Where it is mapped, as `00400000-00452000`.
    pub range: &'a [u8],
    /// Major and minor number of the device that holds the file.
    pub device: (u32, u32),
    /// The file's inode number.
    pub inode: u64,
    /// The file's name as the kernel shows it, ` (deleted)` included.
    pub path: &'a Path,
}

/// The file mappings in the text of `maps`; lines of another form are left out.
///
/// ```
/// use wigwag_process::procfs::parse_maps;
/// let text = b"00400000-00452000 r-xp 00000000 08:02 173521  /usr/bin/dbus daemon\n";
/// let file = parse_maps(text).next().ok_or("none")?;
/// assert_eq!((file.device, file.inode), ((8, 2), 173521));
/// assert_eq!(file.path.to_str(), Some("/usr/bin/dbus daemon"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn parse_maps(text: &[u8]) -> impl Iterator<Item = Mapping<'_>> {
    text.split(|&b| b == b'\n').filter_map(parse_line)
}

fn parse_line(line: &[u8]) -> Option<Mapping<'_>> {
    let mut parts = line.splitn(6, |&b| b == b' ');
    let range = parts.next()?;
    let device = parts.nth(2)?;
    let inode = parse_u64(parts.next()?).filter(|&n| n != 0)?;
    let path = parts.next()?.trim_ascii_start();
    let colon = device.iter().position(|&b| b == b':')?;
    let half = |text| parse_hex(text).and_then(|n| u32::try_from(n).ok());
    Some(Mapping {
        range,
        device: (half(&device[..colon])?, half(&device[colon + 1..])?),
        inode,
        path: Path::new(OsStr::from_bytes(path)),
    })
}
