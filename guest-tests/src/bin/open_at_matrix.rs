//! What `open-at` answers for every kind of target and every set of open flags.

use guest_tests::ErrorCode::{Exist, Invalid, IsDirectory, NoEntry, NotDirectory};
use guest_tests::{
    Answer, CREATE, DIRECTORY, Descriptor, DescriptorFlags, DescriptorType, EXCLUSIVE, NOFOLLOW,
    NONE, OpenFlags, PLAIN, R, RW, TRUNCATE, W, answer, expect, ok, one_of, refused, work,
};

const CONTENT: &[u8] = b"content";

/// Open flags; answers for a missing name, a missing name with a slash, a file, a directory
/// without `write`, a directory with it; whether a file is then empty.
type Row = (OpenFlags, Answer, Answer, Answer, Answer, Answer, bool);

fn main() {
    let work = work();
    let rows: [Row; 7] = [
        (PLAIN, Err(NoEntry), Err(NoEntry), Ok(()), Ok(()), Err(IsDirectory), false),
        (CREATE, Ok(()), Err(IsDirectory), Ok(()), Err(IsDirectory), Err(IsDirectory), false),
        (CREATE | EXCLUSIVE, Ok(()), Err(IsDirectory), Err(Exist), Err(Exist), Err(Exist), false),
        (TRUNCATE, Err(NoEntry), Err(NoEntry), Ok(()), Err(IsDirectory), Err(IsDirectory), true),
        (
            CREATE | TRUNCATE,
            Ok(()),
            Err(IsDirectory),
            Ok(()),
            Err(IsDirectory),
            Err(IsDirectory),
            true,
        ),
        (DIRECTORY, Err(NoEntry), Err(NoEntry), Err(NotDirectory), Ok(()), Err(IsDirectory), false),
        // Without `create`, `exclusive` says nothing.
        (EXCLUSIVE, Err(NoEntry), Err(NoEntry), Ok(()), Ok(()), Err(IsDirectory), false),
    ];
    let mutate = DescriptorFlags::MUTATE_DIRECTORY;
    for (open, missing, missing_slash, file, dir, dir_written, empties) in rows {
        for flags in [NONE, R, W, RW, R | mutate] {
            let writes = flags.contains(W);
            let dir = if writes { dir_written } else { dir };
            work.put("file", CONTENT);
            work.make_dir("dir");
            check(&work, "missing", open, flags, missing);
            let made = work.kind_of("missing");
            expect(
                format_args!("stat-at a created file, {open:?}"),
                missing.is_ok().then_some(DescriptorType::RegularFile),
                made,
            );
            check(
                &work,
                "missing/slash/",
                open,
                flags,
                if missing.is_ok() { Err(NotDirectory) } else { Err(NoEntry) },
            );
            check(&work, "gone/", open, flags, missing_slash);
            check(&work, "file", open, flags, file);
            let left = if file.is_ok() && empties { b"" } else { CONTENT };
            expect(format_args!("content after {open:?}"), left.to_vec(), work.get("file"));
            check(&work, "dir", open, flags, dir);
            let slash = work.open_at(NOFOLLOW, "file/", open, flags);
            if open.contains(CREATE) {
                // POSIX and Linux differ in what is noticed first.
                one_of("open-at \"file/\", create", &[Err(NotDirectory), Err(IsDirectory)], slash);
            } else {
                refused(format_args!("open-at \"file/\", {open:?}"), NotDirectory, slash);
            }
            if made.is_some() {
                ok("unlink-file-at", work.unlink_file_at("missing"));
            }
            ok("remove-directory-at", work.remove_directory_at("dir"));
        }
    }
    // A directory is never made by opening; that is said before anything is looked up.
    for beside in [CREATE, EXCLUSIVE, TRUNCATE, CREATE | EXCLUSIVE | TRUNCATE] {
        for path in ["missing", "file", "nope/x"] {
            check(&work, path, DIRECTORY | beside, R, Err(Invalid));
        }
    }
}

#[track_caller]
fn check(dir: &Descriptor, path: &str, open: OpenFlags, flags: DescriptorFlags, expected: Answer) {
    let asked = format!("open-at {path:?}, {open:?}, {flags:?}");
    answer(asked, expected, dir.open_at(NOFOLLOW, path, open, flags));
}
