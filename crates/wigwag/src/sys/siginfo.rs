//! The kernel's two forms of siginfo, brought into one.

/// Every field that either form can have; which of them mean something follows from the signal and the code.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RawInfo {
    pub(crate) signo: i32,
    pub(crate) errno: i32,
    pub(crate) code: i32,
    pub(crate) pid: i32,
    pub(crate) uid: u32,
    pub(crate) value: u64,
    pub(crate) status: i32,
    pub(crate) utime: i64,
    pub(crate) stime: i64,
    pub(crate) timer: i32,
    pub(crate) overrun: i32,
    pub(crate) address: u64,
    pub(crate) address_lsb: u16,
    /// Bounds of SEGV_BNDERR; `None` from a signalfd.
    pub(crate) bounds: Option<(u64, u64)>,
    /// The key of SEGV_PKUERR; `None` from a signalfd.
    pub(crate) protection_key: Option<u32>,
    /// Data, type and flags of TRAP_PERF; `None` from a signalfd.
    pub(crate) perf: Option<(u64, u32, u32)>,
    pub(crate) band: i64,
    pub(crate) fd: i32,
    pub(crate) call_address: u64,
    pub(crate) syscall: i32,
    pub(crate) arch: u32,
}

/// Reads the union of a siginfo in all its forms. The offsets are those of `asm-generic/siginfo.h`.
pub(crate) fn of_siginfo(info: &libc::siginfo_t) -> RawInfo {
    const WORD: usize = size_of::<usize>();
    /// The union is aligned as its pointers are.
    const UNION: usize = if WORD == 8 { 16 } else { 12 };
    const { assert!(size_of::<libc::siginfo_t>() == 128) };
    // SAFETY: a siginfo has 128 bytes; all that is handed in here was zeroed, then written by the kernel, or is what the
    // kernel gives a handler, which it zeroes as far as it has nothing to say.
    let bytes = unsafe { &*std::ptr::from_ref(info).cast::<[u8; 128]>() };
    let four = |offset: usize| -> [u8; 4] {
        let mut out = [0; 4];
        out.copy_from_slice(&bytes[UNION + offset..UNION + offset + 4]);
        out
    };
    let int = |offset| i32::from_ne_bytes(four(offset));
    let unsigned = |offset| u32::from_ne_bytes(four(offset));
    let word = |offset: usize| -> u64 {
        let mut out = [0; WORD];
        out.copy_from_slice(&bytes[UNION + offset..UNION + offset + WORD]);
        usize::from_ne_bytes(out) as u64
    };
    let long = |offset| word(offset) as isize as i64;
    RawInfo {
        signo: info.si_signo,
        errno: info.si_errno,
        code: info.si_code,
        pid: int(0),
        uid: unsigned(4),
        value: word(8),
        status: int(8),
        utime: long(if WORD == 8 { 16 } else { 12 }),
        stime: long(if WORD == 8 { 24 } else { 16 }),
        timer: int(0),
        overrun: int(4),
        address: word(0),
        address_lsb: u16::from_ne_bytes([bytes[UNION + WORD], bytes[UNION + WORD + 1]]),
        bounds: Some((word(2 * WORD), word(3 * WORD))),
        protection_key: Some(unsigned(2 * WORD)),
        perf: Some((word(WORD), unsigned(2 * WORD), unsigned(2 * WORD + 4))),
        band: long(0),
        fd: int(WORD),
        call_address: word(0),
        syscall: int(WORD),
        arch: unsigned(WORD + 4),
    }
}

/// Takes over what a signalfd gives. Addresses were widened there as signed numbers, which only shows on 32 bits.
pub(crate) fn of_signalfd(info: &libc::signalfd_siginfo) -> RawInfo {
    RawInfo {
        signo: info.ssi_signo as i32,
        errno: info.ssi_errno,
        code: info.ssi_code,
        pid: info.ssi_pid as i32,
        uid: info.ssi_uid,
        value: info.ssi_ptr as usize as u64,
        status: info.ssi_status,
        utime: info.ssi_utime as i64,
        stime: info.ssi_stime as i64,
        timer: info.ssi_tid as i32,
        overrun: info.ssi_overrun as i32,
        address: info.ssi_addr as usize as u64,
        address_lsb: info.ssi_addr_lsb,
        bounds: None,
        protection_key: None,
        perf: None,
        band: i64::from(info.ssi_band as i32),
        fd: info.ssi_fd,
        call_address: info.ssi_call_addr as usize as u64,
        syscall: info.ssi_syscall,
        arch: info.ssi_arch,
    }
}
