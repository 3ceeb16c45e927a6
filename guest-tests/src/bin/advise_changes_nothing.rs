//! `advise` takes every advice on a file, and none on a directory.

use guest_tests::ErrorCode::BadDescriptor;
use guest_tests::{Advice, PLAIN, R, W, expect, ok, refused, work};

fn main() {
    let work = work();
    let file = work.put("file", "content");
    let reader = work.open("file", PLAIN, R);
    let writer = work.open("file", PLAIN, W);
    let advices = [
        Advice::Normal,
        Advice::Sequential,
        Advice::Random,
        Advice::WillNeed,
        Advice::DontNeed,
        Advice::NoReuse,
    ];
    for advice in advices {
        for (offset, length) in [(0, 0), (0, 7), (3, 100), (1 << 40, 0)] {
            for file in [&file, &reader, &writer] {
                let asked = format!("advise({offset}, {length}, {advice:?})");
                ok(asked, file.advise(offset, length, advice));
            }
        }
        refused("advise on a directory", BadDescriptor, work.advise(0, 0, advice));
    }
    expect("content", b"content".to_vec(), file.content());
}
