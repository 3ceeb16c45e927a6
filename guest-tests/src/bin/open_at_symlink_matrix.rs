//! What `open-at` answers for a final symbolic link, with every set of open flags.

use guest_tests::ErrorCode::{Exist, IsDirectory, Loop, NoEntry, NotDirectory};
use guest_tests::{
    Answer, CREATE, DIRECTORY, DescriptorType, EXCLUSIVE, FOLLOW, NOFOLLOW, OpenFlags, PLAIN, R,
    TRUNCATE, answer, expect, ok, symlink, work,
};

/// Open flags; answer for any link that is not followed; for one followed to a file, to a
/// directory, to nothing; whether a file is then empty.
type Row = (OpenFlags, Answer, Answer, Answer, Answer, bool);

fn main() {
    let work = work();
    let rows: [Row; 7] = [
        (PLAIN, Err(Loop), Ok(()), Ok(()), Err(NoEntry), false),
        (CREATE, Err(Loop), Ok(()), Err(IsDirectory), Ok(()), false),
        (CREATE | EXCLUSIVE, Err(Exist), Err(Exist), Err(Exist), Err(Exist), false),
        (TRUNCATE, Err(Loop), Ok(()), Err(IsDirectory), Err(NoEntry), true),
        (CREATE | TRUNCATE, Err(Loop), Ok(()), Err(IsDirectory), Ok(()), true),
        (DIRECTORY, Err(Loop), Err(NotDirectory), Ok(()), Err(NoEntry), false),
        (EXCLUSIVE, Err(Loop), Ok(()), Ok(()), Err(NoEntry), false),
    ];
    work.make_dir("dir");
    for (target, path) in [("file", "to-file"), ("dir", "to-dir"), ("target", "dangling")] {
        if !symlink(&work, target, path) {
            return;
        }
    }
    for (open, plain, to_file, to_dir, dangling, empties) in rows {
        work.put("file", "content");
        for path in ["to-file", "to-dir", "dangling"] {
            let asked = format!("open-at {path:?}, not followed, {open:?}");
            answer(asked, plain, work.open_at(NOFOLLOW, path, open, R));
        }
        expect(format_args!("size, {open:?} not followed"), 7, work.stats_at("file").size);
        for (path, expected) in [("to-file", to_file), ("to-dir", to_dir), ("dangling", dangling)] {
            let asked = format!("open-at {path:?}, followed, {open:?}");
            answer(asked, expected, work.open_at(FOLLOW, path, open, R));
        }
        let size = if empties { 0 } else { 7 };
        expect(format_args!("size, {open:?} followed"), size, work.stats_at("file").size);
        let created = dangling.is_ok().then_some(DescriptorType::RegularFile);
        expect(
            format_args!("the dangling link's target, {open:?}"),
            created,
            work.kind_of("target"),
        );
        if created.is_some() {
            ok("unlink-file-at", work.unlink_file_at("target"));
        }
    }
}
