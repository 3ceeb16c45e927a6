//! `set-times` sets either time of a file or directory, to the nanosecond, whatever it was
//! opened for.

use guest_tests::ErrorCode::{Overflow, Unsupported};
use guest_tests::NewTimestamp::{NoChange, Now, Timestamp};
use guest_tests::wall_clock::{self, Datetime};
use guest_tests::{Descriptor, NewTimestamp, PLAIN, R, W, expect, lacks, ok, refused, time, work};

const EARLY: Datetime = Datetime { seconds: 1_000_000_007, nanoseconds: 123_456_789 };
const LATE: Datetime = Datetime { seconds: 2_000_000_011, nanoseconds: 999_999_999 };

fn check(object: &Descriptor, accessed: NewTimestamp, modified: NewTimestamp, then: [u128; 2]) {
    let asked = format!("set-times({accessed:?}, {modified:?})");
    ok(&asked, object.set_times(accessed, modified));
    let stat = object.stats();
    expect(
        format_args!("access after {asked}"),
        Some(then[0]),
        stat.data_access_timestamp.map(time),
    );
    let came = stat.data_modification_timestamp.map(time);
    expect(format_args!("modification after {asked}"), Some(then[1]), came);
}

fn main() {
    let work = work();
    work.put("file", "content");
    work.make_dir("dir");
    let objects = [work.open("file", PLAIN, R), work.open("file", PLAIN, W), work.dir("dir")];
    for object in &objects {
        ok("set-times of nothing", object.set_times(NoChange, NoChange));
        if lacks("set-times") {
            for new in [Now, Timestamp(EARLY)] {
                let asked = format!("set-times({new:?})");
                refused(&asked, Unsupported, object.set_times(new, new));
                refused(&asked, Unsupported, object.set_times(new, NoChange));
                refused(&asked, Unsupported, object.set_times(NoChange, new));
            }
            continue;
        }
        let (early, late) = (time(EARLY), time(LATE));
        check(object, Timestamp(EARLY), Timestamp(LATE), [early, late]);
        check(object, NoChange, NoChange, [early, late]);
        check(object, Timestamp(LATE), NoChange, [late, late]);
        check(object, NoChange, Timestamp(EARLY), [late, early]);
        // Nanoseconds carry over into seconds.
        let carried = Datetime { seconds: 9, nanoseconds: 2_000_000_000 };
        check(object, Timestamp(carried), NoChange, [11_000_000_000, early]);
        let never = Datetime { seconds: u64::MAX, nanoseconds: 0 };
        let came = object.set_times(NoChange, Timestamp(never));
        refused("set-times to the end of time", Overflow, came);

        ok("set-times to now", object.set_times(NoChange, Now));
        let now = time(wall_clock::now());
        let came = object.stats().data_modification_timestamp.map(time).expect("just set");
        let apart = now.abs_diff(came);
        assert!(apart < 10_000_000_000, "now: expected about {now}, came {came}");
    }
    expect("content", b"content".to_vec(), work.get("file"));
}
