//! Streams of bytes.

use std::fmt::Display;

use crate::{Descriptor, ErrorCode, InputStream, OutputStream, StreamError, filesystem_error_code};

fn describe(error: &StreamError) -> String {
    match error {
        StreamError::Closed => "closed".to_owned(),
        StreamError::LastOperationFailed(cause) => format!(
            "last-operation-failed, {}",
            filesystem_error_code(cause)
                .map_or_else(|| cause.to_debug_string(), |code| code.name().to_owned())
        ),
    }
}

/// An operation on a stream has to succeed.
#[track_caller]
pub fn streamed<T>(asked: impl Display, came: Result<T, StreamError>) -> T {
    came.unwrap_or_else(|error| panic!("{asked}: expected ok, came {}", describe(&error)))
}

/// An operation on a stream has to find it closed.
#[track_caller]
pub fn closed<T>(asked: impl Display, came: Result<T, StreamError>) {
    match came {
        Err(StreamError::Closed) => (),
        Err(error) => panic!("{asked}: expected closed, came {}", describe(&error)),
        Ok(_) => panic!("{asked}: expected closed, came ok"),
    }
}

/// An operation on a stream has to fail with one code of the file system.
#[track_caller]
pub fn failed<T>(asked: impl Display, expected: ErrorCode, came: Result<T, StreamError>) {
    let name = expected.name();
    match came {
        Err(StreamError::LastOperationFailed(cause))
            if filesystem_error_code(&cause) == Some(expected) => {}
        Err(error) => {
            panic!("{asked}: expected last-operation-failed, {name}, came {}", describe(&error))
        }
        Ok(_) => panic!("{asked}: expected last-operation-failed, {name}, came ok"),
    }
}

/// Everything up to the end of the stream.
#[must_use]
#[track_caller]
pub fn read_to_end(stream: &InputStream) -> Vec<u8> {
    let mut content = Vec::new();
    loop {
        match stream.blocking_read(1 << 20) {
            Err(StreamError::Closed) => return content,
            bytes => {
                let bytes = streamed(format_args!("blocking-read at {}", content.len()), bytes);
                assert!(!bytes.is_empty(), "blocking-read: expected at least one byte, came none");
                content.extend_from_slice(&bytes);
            }
        }
    }
}

/// Writes all of `content`, 4,096 bytes at a time, as the WIT limits it.
#[track_caller]
pub fn write_all(stream: &OutputStream, content: impl AsRef<[u8]>) {
    for chunk in content.as_ref().chunks(4096) {
        streamed("blocking-write-and-flush", stream.blocking_write_and_flush(chunk));
    }
}

/// Writes all of `content` to the end of a file, through a stream of its own.
#[track_caller]
pub fn append_all(file: &Descriptor, content: impl AsRef<[u8]>) {
    write_all(&crate::ok("append-via-stream", file.append_via_stream()), content);
}
