//! Paths and names as they come from outside: what is refused before anything
//! is looked up. Nothing here touches a file system.

use std::fmt;

use smallvec::SmallVec;

use crate::error::{ErrorCode, Result};

/// The longest name, in bytes (Linux's `NAME_MAX`).
pub const NAME_MAX: usize = 255;

/// The longest path, in bytes (Linux's `PATH_MAX`, less the NUL at its end).
pub const PATH_MAX: usize = 4095;

/// One validated name in a directory: one to [`NAME_MAX`] bytes, none of them
/// `/` or NUL, and not `.` or `..`. Backends see names only in this form.
// Most are short: those are copied without asking for memory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(SmallVec<[u8; 24]>);

impl Name {
    /// The only way to make one.
    ///
    /// # Errors
    /// `no-entry` if empty, `name-too-long`, or `invalid` for `.`, `..`, and
    /// for bytes that no name can hold.
    pub fn new(bytes: &[u8]) -> Result<Self> {
        match bytes {
            b"" => Err(ErrorCode::NoEntry),
            b"." | b".." => Err(ErrorCode::Invalid),
            _ if bytes.len() > NAME_MAX => Err(ErrorCode::NameTooLong),
            _ if bytes.iter().any(|byte| matches!(byte, b'/' | 0)) => Err(ErrorCode::Invalid),
            _ => Ok(Self(bytes.into())),
        }
    }

    /// The bytes, as they came.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The name as text.
    ///
    /// # Errors
    /// `illegal-byte-sequence` if it is not UTF-8.
    pub fn as_str(&self) -> Result<&str> {
        std::str::from_utf8(&self.0).map_err(|_| ErrorCode::IllegalByteSequence)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// A part of a path that moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// To what a name leads to.
    Name(Name),
    /// `..`
    Up,
}

/// How a path ends. A slash or a dot asks for a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Plain,
    Slash,
    Dot,
}

/// A relative path, cut into its parts; dots and repeated slashes are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    pub(crate) parts: Vec<Part>,
    pub(crate) end: End,
}

impl Path {
    /// Cuts a path as a guest gives it.
    ///
    /// # Errors
    /// `no-entry` if empty; `not-permitted` if absolute; `invalid` with a NUL in
    /// it; `name-too-long` beyond [`PATH_MAX`], or [`NAME_MAX`] for one name.
    pub fn parse(path: &[u8]) -> Result<Self> {
        if path.is_empty() {
            return Err(ErrorCode::NoEntry);
        }
        // What is too long is not looked through.
        if path.len() <= PATH_MAX && path.contains(&0) {
            return Err(ErrorCode::Invalid);
        }
        if path[0] == b'/' {
            return Err(ErrorCode::NotPermitted);
        }
        if path.len() > PATH_MAX {
            return Err(ErrorCode::NameTooLong);
        }
        let mut parts = Vec::new();
        let mut end = End::Plain;
        for piece in path.split(|byte| *byte == b'/') {
            match piece {
                // After a dot a slash says nothing new.
                b"" => end = if end == End::Dot { End::Dot } else { End::Slash },
                b"." => end = End::Dot,
                b".." => {
                    parts.push(Part::Up);
                    end = End::Plain;
                }
                name => {
                    parts.push(Part::Name(Name::new(name)?));
                    end = End::Plain;
                }
            }
        }
        Ok(Self { parts, end })
    }

    /// Takes its names out, in a row.
    pub(crate) fn take_names(&mut self) -> Vec<Name> {
        let name = |part| match part {
            Part::Name(name) => Some(name),
            Part::Up => None,
        };
        std::mem::take(&mut self.parts).into_iter().filter_map(name).collect()
    }

    /// Whether the path asks for a directory by the way it ends.
    pub(crate) fn wants_directory(&self) -> bool {
        self.end != End::Plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_validated() {
        for (bytes, answer) in [
            (&b"a"[..], None),
            (b"...", None),
            (b"a:b\\c\n\xff", None),
            (&[b'x'; NAME_MAX], None),
            (&[b'x'; NAME_MAX + 1], Some(ErrorCode::NameTooLong)),
            (b"", Some(ErrorCode::NoEntry)),
            (b".", Some(ErrorCode::Invalid)),
            (b"..", Some(ErrorCode::Invalid)),
            (b"a/b", Some(ErrorCode::Invalid)),
            (b"a\0", Some(ErrorCode::Invalid)),
        ] {
            assert_eq!(Name::new(bytes).err(), answer, "{bytes:?}");
        }
    }

    #[test]
    fn paths_are_cut_into_parts() {
        for (path, parts, end) in [
            ("a", "a", End::Plain),
            ("a/b", "a b", End::Plain),
            ("a//b/", "a b", End::Slash),
            ("./a/.", "a", End::Dot),
            ("a/./", "a", End::Dot),
            (".", "", End::Dot),
            ("./", "", End::Dot),
            ("a/..", "a ..", End::Plain),
            ("a/../", "a ..", End::Slash),
        ] {
            let parsed = Path::parse(path.as_bytes()).expect(path);
            let names: Vec<_> = parsed
                .parts
                .iter()
                .map(|part| match part {
                    Part::Name(name) => name.as_str().expect("text"),
                    Part::Up => "..",
                })
                .collect();
            assert_eq!((names.join(" ").as_str(), parsed.end), (parts, end), "{path}");
        }
    }

    #[test]
    fn paths_are_refused_before_any_lookup() {
        let long = "a/".repeat(PATH_MAX);
        for (path, code) in [
            ("", ErrorCode::NoEntry),
            ("/", ErrorCode::NotPermitted),
            ("/a", ErrorCode::NotPermitted),
            ("a\0b", ErrorCode::Invalid),
            (&long, ErrorCode::NameTooLong),
            (&"n".repeat(NAME_MAX + 1), ErrorCode::NameTooLong),
        ] {
            assert_eq!(Path::parse(path.as_bytes()), Err(code), "{path:.20}");
        }
    }
}
