//! The codes that belong to one signal: data, to be checked against `asm-generic/siginfo.h`.

use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $kind:ident { $($variant:ident = $code:literal $name:ident $text:literal,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
            #[non_exhaustive]
            pub enum $kind {
                $(#[doc = concat!("`", stringify!($name), "`: ", $text, ".")] $variant = $code,)*
            }

            impl $kind {
                /// All of them, by number.
                pub const ALL: &[$kind] = &[$($kind::$variant),*];

                /// The one with this number; `None` where Linux has none.
                ///
                /// ```
                #[doc = concat!("use wigwag::info::", stringify!($kind), ";")]
                #[doc = concat!("assert_eq!(", stringify!($kind), "::from_code(1), Some(", stringify!($kind), "::ALL[0]));")]
                #[doc = concat!("assert_eq!(", stringify!($kind), "::from_code(0), None);")]
                /// ```
                #[must_use]
                pub const fn from_code(code: i32) -> Option<$kind> {
                    match code {
                        $($code => Some($kind::$variant),)*
                        _ => None,
                    }
                }

                /// The number, the `si_code` of sigaction(2).
                ///
                /// ```
                #[doc = concat!("assert_eq!(wigwag::info::", stringify!($kind), "::ALL[0].code(), 1);")]
                /// ```
                #[must_use]
                pub const fn code(self) -> i32 {
                    self as i32
                }

                /// The name as in sigaction(2).
                ///
                /// ```
                #[doc = concat!("use wigwag::info::", stringify!($kind), ";")]
                #[doc = concat!("assert!(", stringify!($kind), "::ALL.iter().all(|code| code.name().contains('_')));")]
                /// ```
                #[must_use]
                pub const fn name(self) -> &'static str {
                    match self {
                        $($kind::$variant => stringify!($name),)*
                    }
                }
            }

            impl fmt::Display for $kind {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.pad(match self {
                        $($kind::$variant => $text,)*
                    })
                }
            }
        )*
    };
}

codes! {
    /// Why ILL.
    IllegalCode {
        Opcode = 1 ILL_ILLOPC "illegal opcode",
        Operand = 2 ILL_ILLOPN "illegal operand",
        Addressing = 3 ILL_ILLADR "illegal addressing mode",
        Trap = 4 ILL_ILLTRP "illegal trap",
        PrivilegedOpcode = 5 ILL_PRVOPC "privileged opcode",
        PrivilegedRegister = 6 ILL_PRVREG "privileged register",
        Coprocessor = 7 ILL_COPROC "coprocessor error",
        Stack = 8 ILL_BADSTK "internal stack error",
        Address = 9 ILL_BADIADDR "unimplemented instruction address",
        Break = 10 __ILL_BREAK "illegal break",
        Bundle = 11 __ILL_BNDMOD "bundle update in progress",
    }
    /// Why FPE.
    ArithmeticCode {
        IntegerDivide = 1 FPE_INTDIV "integer divided by zero",
        IntegerOverflow = 2 FPE_INTOVF "integer overflow",
        FloatDivide = 3 FPE_FLTDIV "floating point divided by zero",
        FloatOverflow = 4 FPE_FLTOVF "floating point overflow",
        FloatUnderflow = 5 FPE_FLTUND "floating point underflow",
        FloatInexact = 6 FPE_FLTRES "floating point result inexact",
        FloatInvalid = 7 FPE_FLTINV "invalid floating point operation",
        Subscript = 8 FPE_FLTSUB "subscript out of range",
        DecimalOverflow = 9 __FPE_DECOVF "decimal overflow",
        DecimalDivide = 10 __FPE_DECDIV "decimal divided by zero",
        DecimalError = 11 __FPE_DECERR "packed decimal error",
        InvalidDigitAscii = 12 __FPE_INVASC "invalid ASCII digit",
        InvalidDigitDecimal = 13 __FPE_INVDEC "invalid decimal digit",
        FloatUnknown = 14 FPE_FLTUNK "undiagnosed floating point exception",
        Condition = 15 FPE_CONDTRAP "trap on condition",
    }
    /// Why SEGV.
    SegmentCode {
        NotMapped = 1 SEGV_MAPERR "address not mapped",
        NotAllowed = 2 SEGV_ACCERR "access not allowed",
        Bounds = 3 SEGV_BNDERR "failed address bounds checks",
        ProtectionKey = 4 SEGV_PKUERR "failed protection key checks",
        AdiDisabled = 5 SEGV_ACCADI "ADI not enabled for the memory",
        AdiMismatch = 6 SEGV_ADIDERR "disrupting MCD error",
        AdiPrecise = 7 SEGV_ADIPERR "precise MCD exception",
        TagAsynchronous = 8 SEGV_MTEAERR "memory tag mismatch, found later",
        TagSynchronous = 9 SEGV_MTESERR "memory tag mismatch",
        ControlProtection = 10 SEGV_CPERR "control protection fault",
    }
    /// Why BUS.
    BusCode {
        Alignment = 1 BUS_ADRALN "invalid address alignment",
        NoMemory = 2 BUS_ADRERR "no such physical address",
        Object = 3 BUS_OBJERR "error of the hardware behind the memory",
        MemoryNow = 4 BUS_MCEERR_AR "damaged memory used",
        MemoryLater = 5 BUS_MCEERR_AO "damaged memory found, not used yet",
    }
    /// Why TRAP.
    TrapCode {
        Breakpoint = 1 TRAP_BRKPT "breakpoint",
        Trace = 2 TRAP_TRACE "trace trap",
        Branch = 3 TRAP_BRANCH "branch taken",
        Hardware = 4 TRAP_HWBKPT "hardware breakpoint or watchpoint",
        Unknown = 5 TRAP_UNK "undiagnosed trap",
        Perf = 6 TRAP_PERF "perf event",
    }
    /// Why EMT, which Linux has on SPARC only.
    EmulationCode {
        TagOverflow = 1 EMT_TAGOVF "tag overflow",
    }
    /// What happened to a child, for CHLD.
    ChildCode {
        Exited = 1 CLD_EXITED "child exited",
        Killed = 2 CLD_KILLED "child killed",
        Dumped = 3 CLD_DUMPED "child killed with core dump",
        Trapped = 4 CLD_TRAPPED "traced child trapped",
        Stopped = 5 CLD_STOPPED "child stopped",
        Continued = 6 CLD_CONTINUED "child continued",
    }
    /// What happened to a descriptor, for IO and whichever signal `F_SETSIG` chose.
    PollCode {
        In = 1 POLL_IN "data to read",
        Out = 2 POLL_OUT "room to write",
        Message = 3 POLL_MSG "message to read",
        Error = 4 POLL_ERR "I/O error",
        Priority = 5 POLL_PRI "urgent data to read",
        HangUp = 6 POLL_HUP "other side gone",
    }
    /// Who stopped a system call, for SYS.
    SyscallCode {
        Seccomp = 1 SYS_SECCOMP "system call stopped by seccomp",
        UserDispatch = 2 SYS_USER_DISPATCH "system call handed over to the program",
    }
}
