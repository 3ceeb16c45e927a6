//! `set-times-at` sets the times of what a path names: of a link, or of what it leads to.

use guest_tests::ErrorCode::{NoEntry, NotDirectory, Unsupported};
use guest_tests::NewTimestamp::{NoChange, Timestamp};
use guest_tests::wall_clock::Datetime;
use guest_tests::{FOLLOW, NOFOLLOW, expect, lacks, ok, refused, symlink, time, work};

fn main() {
    let work = work();
    work.put("file", "content");
    work.make_dir("dir");
    let new = |seconds| Timestamp(Datetime { seconds, nanoseconds: 5 });
    for (path, code) in
        [("nope", NoEntry), ("nope/x", NoEntry), ("file/", NotDirectory), ("file/x", NotDirectory)]
    {
        for times in [NoChange, new(7)] {
            let asked = format!("set-times-at({path:?}, {times:?})");
            refused(asked, code, work.set_times_at(NOFOLLOW, path, times, times));
        }
    }
    if lacks("set-times") {
        for path in ["file", "dir", "."] {
            let came = work.set_times_at(NOFOLLOW, path, NoChange, new(7));
            refused(format_args!("set-times-at({path:?})"), Unsupported, came);
        }
        return;
    }
    let modified = |path: &str| work.stats_at(path).data_modification_timestamp.map(time);
    for (seconds, path) in [(1_000_000, "file"), (2_000_000, "dir"), (3_000_000, "dir/"), (4, ".")]
    {
        let asked = format!("set-times-at({path:?})");
        ok(&asked, work.set_times_at(NOFOLLOW, path, new(8), new(seconds)));
        let then = u128::from(seconds) * 1_000_000_000 + 5;
        expect(format_args!("modification after {asked}"), Some(then), modified(path));
        let accessed = work.stats_at(path).data_access_timestamp.map(time);
        expect(format_args!("access after {asked}"), Some(8_000_000_005), accessed);
    }
    if !symlink(&work, "file", "link") || !symlink(&work, "nowhere", "dangling") {
        return;
    }
    let file = modified("file");
    ok("set-times-at a link", work.set_times_at(NOFOLLOW, "link", NoChange, new(11)));
    expect("modification of the link", Some(11_000_000_005), modified("link"));
    expect("modification of the file", file, modified("file"));
    ok("set-times-at through a link", work.set_times_at(FOLLOW, "link", NoChange, new(12)));
    expect("modification of the link", Some(11_000_000_005), modified("link"));
    expect("modification of the file", Some(12_000_000_005), modified("file"));
    ok("a dangling link", work.set_times_at(NOFOLLOW, "dangling", NoChange, new(13)));
    let came = work.set_times_at(FOLLOW, "dangling", NoChange, new(14));
    refused("through a dangling link", NoEntry, came);
}
