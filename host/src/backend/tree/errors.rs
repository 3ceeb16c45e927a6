//! What OPFS throws, as error codes: the only table of it. Free of JavaScript, so
//! that it is tested natively too.

use crate::error::ErrorCode;

/// What a call was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A file's entry.
    File,
    /// A directory, or its entry.
    Directory,
    /// The content of an open file.
    Content,
}

/// The code for an exception by its `name`.
pub(crate) fn code(name: &str, wanted: Wanted) -> ErrorCode {
    match (name, wanted) {
        // An open file that is gone is no question of names.
        ("NotFoundError", Wanted::Content) => ErrorCode::Io,
        ("NotFoundError", _) => ErrorCode::NoEntry,
        // The other kind stands there; for `move`, at the new name.
        ("TypeMismatchError" | "InvalidModificationError", Wanted::File) => ErrorCode::IsDirectory,
        ("TypeMismatchError", Wanted::Directory) => ErrorCode::NotDirectory,
        ("InvalidModificationError", Wanted::Directory) => ErrorCode::NotEmpty,
        // An access handle or a writable stream is open, perhaps in another tab;
        // older engines called that a state.
        ("NoModificationAllowedError", _) | ("InvalidStateError", Wanted::File) => ErrorCode::Busy,
        ("QuotaExceededError" | "NS_ERROR_FILE_NO_DEVICE_SPACE", _) => ErrorCode::InsufficientSpace,
        ("NotAllowedError" | "SecurityError", _) => ErrorCode::Access,
        ("NotSupportedError", _) => ErrorCode::Unsupported,
        // A name that the engine takes for dangerous.
        ("TypeError", Wanted::File | Wanted::Directory) => ErrorCode::Invalid,
        // The set is open: engines add names of their own.
        _ => ErrorCode::Io,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exception_has_its_code() {
        use Wanted::{Content, Directory, File};
        for (name, wanted, expected) in [
            ("NotFoundError", File, ErrorCode::NoEntry),
            ("NotFoundError", Directory, ErrorCode::NoEntry),
            ("NotFoundError", Content, ErrorCode::Io),
            ("TypeMismatchError", File, ErrorCode::IsDirectory),
            ("TypeMismatchError", Directory, ErrorCode::NotDirectory),
            ("InvalidModificationError", File, ErrorCode::IsDirectory),
            ("InvalidModificationError", Directory, ErrorCode::NotEmpty),
            ("NoModificationAllowedError", File, ErrorCode::Busy),
            ("NoModificationAllowedError", Directory, ErrorCode::Busy),
            ("InvalidStateError", File, ErrorCode::Busy),
            ("InvalidStateError", Content, ErrorCode::Io),
            ("QuotaExceededError", File, ErrorCode::InsufficientSpace),
            ("QuotaExceededError", Content, ErrorCode::InsufficientSpace),
            ("NS_ERROR_FILE_NO_DEVICE_SPACE", Content, ErrorCode::InsufficientSpace),
            ("NotAllowedError", File, ErrorCode::Access),
            ("SecurityError", Directory, ErrorCode::Access),
            ("NotSupportedError", File, ErrorCode::Unsupported),
            ("TypeError", File, ErrorCode::Invalid),
            ("TypeError", Directory, ErrorCode::Invalid),
            ("TypeError", Content, ErrorCode::Io),
            ("NotReadableError", File, ErrorCode::Io),
            ("AbortError", File, ErrorCode::Io),
            ("", Content, ErrorCode::Io),
        ] {
            assert_eq!(code(name, wanted), expected, "{name} {wanted:?}");
        }
    }
}
