//! Metadata says what a path is, how large, and when it was changed; times can be set.

use std::fs::{self, File, FileTimes};
use std::io::{self, ErrorKind};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use guest_tests::{expect, kind, lacks};

fn main() -> io::Result<()> {
    let started = SystemTime::now() - Duration::from_secs(10);
    fs::write("work/file", "content")?;
    fs::create_dir("work/dir")?;
    let file = fs::metadata("work/file")?;
    let dir = fs::metadata("work/dir")?;
    expect("is_file", (true, false), (file.is_file(), dir.is_file()));
    expect("is_dir", (false, true), (file.is_dir(), dir.is_dir()));
    expect("len", 7, file.len());
    let modified = file.modified()?;
    let range = started..SystemTime::now() + Duration::from_secs(10);
    assert!(range.contains(&modified), "modified: expected within {range:?}, came {modified:?}");
    sleep(Duration::from_millis(50));
    fs::write("work/file", "content!")?;
    let again = fs::metadata("work/file")?.modified()?;
    assert!(again > modified, "modified: expected after {modified:?}, came {again:?}");

    let early = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_007, 123_456_789);
    let late = SystemTime::UNIX_EPOCH + Duration::new(2_000_000_011, 5);
    let file = File::options().write(true).open("work/file")?;
    let set = file.set_times(FileTimes::new().set_accessed(early).set_modified(late));
    if lacks("set-times") {
        kind("set_times", ErrorKind::Unsupported, set);
        kind("set_modified", ErrorKind::Unsupported, file.set_modified(early));
        return Ok(());
    }
    set?;
    let stat = fs::metadata("work/file")?;
    expect("accessed", early, stat.accessed()?);
    expect("modified", late, stat.modified()?);
    file.set_modified(early)?;
    expect("modified", early, fs::metadata("work/file")?.modified()?);
    expect("accessed", early, file.metadata()?.accessed()?);
    Ok(())
}
