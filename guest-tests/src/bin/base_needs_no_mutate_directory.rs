//! A directory that was opened with `read` alone, or with nothing, is a full base: what a
//! guest may change is decided by the mount.

use guest_tests::{CREATE, DIRECTORY, DescriptorFlags, FOLLOW, NONE, R, RW, expect, ok, work};

fn main() {
    let work = work();
    for (number, flags) in [NONE, R, R | DescriptorFlags::MUTATE_DIRECTORY].into_iter().enumerate()
    {
        let name = format!("dir{number}");
        work.make_dir(&name);
        let base = work.open(&name, DIRECTORY, flags);
        expect(
            format_args!("get-flags, opened with {flags:?}"),
            R,
            ok("get-flags", base.get_flags()),
        );
        ok("open-at to create", base.open_at(FOLLOW, "file", CREATE, RW));
        ok("rename-at", base.rename_at("file", &base, "renamed"));
        ok("unlink-file-at", base.unlink_file_at("renamed"));
        ok("create-directory-at", base.create_directory_at("sub"));
        ok("remove-directory-at", base.remove_directory_at("sub"));
    }
}
