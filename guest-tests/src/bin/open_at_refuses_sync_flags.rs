//! `open-at` answers `unsupported` for flags that ask for synchronized writes: existing
//! programs rely on it, although the WIT calls them requests.

use guest_tests::ErrorCode::Unsupported;
use guest_tests::{CREATE, DescriptorFlags, NOFOLLOW, PLAIN, R, RW, expect, refused, work};

fn main() {
    let work = work();
    work.put("file", "content");
    let rows = [
        DescriptorFlags::FILE_INTEGRITY_SYNC,
        DescriptorFlags::DATA_INTEGRITY_SYNC,
        DescriptorFlags::REQUESTED_WRITE_SYNC,
    ];
    for sync in rows {
        for (path, open, flags) in [("file", PLAIN, R), ("file", PLAIN, RW), ("new", CREATE, RW)] {
            let asked = format!("open-at {path:?} with {sync:?}");
            refused(asked, Unsupported, work.open_at(NOFOLLOW, path, open, flags | sync));
        }
    }
    expect("names", vec!["file".to_owned()], work.names());
}
