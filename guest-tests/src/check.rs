//! Assertions.

use std::fmt::{Debug, Display};
use std::io;

use crate::ErrorCode;

/// What a method answers, when the value itself does not matter.
pub type Answer = Result<(), ErrorCode>;

fn name(answer: Answer) -> &'static str {
    match answer {
        Ok(()) => "ok",
        Err(code) => code.name(),
    }
}

/// Two values have to be equal.
#[track_caller]
#[allow(clippy::needless_pass_by_value, reason = "both are mostly made on the spot")]
pub fn expect<T: Debug + PartialEq>(asked: impl Display, expected: T, came: T) {
    assert!(came == expected, "{asked}: expected {expected:?}, came {came:?}");
}

/// A method has to succeed.
#[track_caller]
pub fn ok<T, E: Debug>(asked: impl Display, came: Result<T, E>) -> T {
    came.unwrap_or_else(|error| panic!("{asked}: expected ok, came {error:?}"))
}

/// A method has to give one answer, whatever value comes with success.
#[track_caller]
pub fn answer<T>(asked: impl Display, expected: Answer, came: Result<T, ErrorCode>) {
    let came = came.map(drop);
    assert!(came == expected, "{asked}: expected {}, came {}", name(expected), name(came));
}

/// A method has to fail with one code.
#[track_caller]
pub fn refused<T>(asked: impl Display, expected: ErrorCode, came: Result<T, ErrorCode>) {
    answer(asked, Err(expected), came);
}

/// A method has to give one of several answers, where the storage decides.
#[track_caller]
pub fn one_of<T>(asked: impl Display, expected: &[Answer], came: Result<T, ErrorCode>) {
    let came = came.map(drop);
    let names: Vec<_> = expected.iter().copied().map(name).collect();
    assert!(expected.contains(&came), "{asked}: expected one of {names:?}, came {}", name(came));
}

/// A call of the standard library has to fail with one kind of error.
#[track_caller]
pub fn kind<T>(asked: impl Display, expected: io::ErrorKind, came: io::Result<T>) {
    match came {
        Ok(_) => panic!("{asked}: expected {expected:?}, came ok"),
        Err(error) if error.kind() == expected => (),
        Err(error) => panic!("{asked}: expected {expected:?}, came {:?}: {error}", error.kind()),
    }
}

/// A call of the standard library has to fail with one number of wasi-libc, where the
/// standard library has no kind for it.
#[track_caller]
pub fn errno<T>(asked: impl Display, expected: i32, came: io::Result<T>) {
    match came {
        Ok(_) => panic!("{asked}: expected error {expected}, came ok"),
        Err(error) if error.raw_os_error() == Some(expected) => (),
        Err(error) => panic!("{asked}: expected error {expected}, came {error}"),
    }
}
