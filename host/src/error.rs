//! The one vocabulary of errors: the cases of `error-code` in
//! `wasi:filesystem/types`, and what goes wrong before a guest runs.

use std::fmt;

macro_rules! error_codes {
    ($($case:ident = $name:literal, $text:literal;)*) => {
        /// Why a call failed: the cases of `wasi:filesystem`'s `error-code`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $(#[doc = $text] $case,)*
        }

        impl ErrorCode {
            /// Every case, in the order of the WIT.
            pub const ALL: &[Self] = &[$(Self::$case),*];

            /// The case's name in the WIT, as `no-entry`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$case => $name,)* }
            }

            const fn text(self) -> &'static str {
                match self { $(Self::$case => $text,)* }
            }
        }
    };
}

error_codes! {
    Access = "access", "permission denied";
    WouldBlock = "would-block", "the operation would block";
    Already = "already", "already in progress";
    BadDescriptor = "bad-descriptor", "the descriptor does not allow this";
    Busy = "busy", "in use";
    Deadlock = "deadlock", "the lock would never be granted";
    Quota = "quota", "the user's quota is used up";
    Exist = "exist", "the name exists already";
    FileTooLarge = "file-too-large", "the file would be too large";
    IllegalByteSequence = "illegal-byte-sequence", "the name is not valid Unicode";
    InProgress = "in-progress", "in progress";
    Interrupted = "interrupted", "interrupted";
    Invalid = "invalid", "an argument is invalid";
    Io = "io", "input or output failed";
    IsDirectory = "is-directory", "is a directory";
    Loop = "loop", "too many symbolic links";
    TooManyLinks = "too-many-links", "too many hard links";
    MessageSize = "message-size", "the message is too large";
    NameTooLong = "name-too-long", "the name is too long";
    NoDevice = "no-device", "no such device";
    NoEntry = "no-entry", "no such file or directory";
    NoLock = "no-lock", "no locks are left";
    InsufficientMemory = "insufficient-memory", "not enough memory";
    InsufficientSpace = "insufficient-space", "no space is left";
    NotDirectory = "not-directory", "is not a directory";
    NotEmpty = "not-empty", "the directory is not empty";
    NotRecoverable = "not-recoverable", "the state cannot be recovered";
    Unsupported = "unsupported", "not supported here";
    NoTty = "no-tty", "not a terminal";
    NoSuchDevice = "no-such-device", "no such device or address";
    Overflow = "overflow", "a value is too large";
    NotPermitted = "not-permitted", "not permitted";
    Pipe = "pipe", "broken pipe";
    ReadOnly = "read-only", "the file system is read-only";
    InvalidSeek = "invalid-seek", "seeking is not possible";
    TextFileBusy = "text-file-busy", "the program is being run";
    CrossDevice = "cross-device", "the two places are on different file systems";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for ErrorCode {}

/// The result of a call on files.
pub type Result<T, E = ErrorCode> = std::result::Result<T, E>;

/// Why a mount could not be made, or not be attached where it was wanted: for
/// the embedder, who can do something about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupError {
    message: String,
    code: ErrorCode,
}

impl SetupError {
    /// `message` names the thing, the cause and the next step.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { message: message.into(), code }
    }

    /// The case that fits best.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        self.code
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SetupError {}
