//! Times are those of the last change: of the content, and of anything for the status. What a
//! storage does not know it does not report.

use std::thread::sleep;
use std::time::Duration;

use guest_tests::wall_clock::{self, Datetime};
use guest_tests::{Descriptor, NewTimestamp, expect, lacks, ok, time, work};

fn modified(object: &Descriptor) -> u128 {
    object.stats().data_modification_timestamp.map(time).expect("a file has one")
}

fn wait() {
    sleep(Duration::from_millis(50));
}

fn main() {
    let work = work();
    let before = time(wall_clock::now());
    let file = work.put("file", "content");
    let dir = work.make_dir("dir");
    let written = modified(&file);
    // Clocks of storages are coarse.
    let apart = before.abs_diff(written);
    assert!(apart < 10_000_000_000, "modification: expected about {before}, came {written}");
    wait();
    file.put_at(0, b"C");
    let again = modified(&file);
    assert!(again > written, "modification after write: expected after {written}, came {again}");
    wait();
    ok("set-size", file.set_size(3));
    let cut = modified(&file);
    assert!(cut > again, "modification after set-size: expected after {again}, came {cut}");

    let stat = dir.stats();
    if lacks("times") {
        expect("access of a directory", None, stat.data_access_timestamp.map(time));
        expect("modification of a directory", None, stat.data_modification_timestamp.map(time));
        expect("status of a directory", None, stat.status_change_timestamp.map(time));
        return expect("access of a file", None, file.stats().data_access_timestamp.map(time));
    }
    let made = modified(&dir);
    wait();
    dir.put("inside", "");
    let filled = modified(&dir);
    assert!(filled > made, "modification of a directory: expected after {made}, came {filled}");

    let status = |file: &Descriptor| file.stats().status_change_timestamp.map(time);
    let old = status(&file);
    assert!(old.is_some(), "status of a file: expected a time, came none");
    wait();
    let past = NewTimestamp::Timestamp(Datetime { seconds: 1, nanoseconds: 0 });
    if lacks("set-times") {
        file.put_at(0, b"c");
    } else {
        ok("set-times", file.set_times(past, past));
        expect("modification after set-times", 1_000_000_000, modified(&file));
    }
    let new = status(&file);
    assert!(new > old, "status after a change: expected after {old:?}, came {new:?}");
}
