//! A name has up to 255 bytes, and a path up to 4,095.

use guest_tests::ErrorCode::NameTooLong;
use guest_tests::{CREATE, NOFOLLOW, RW, expect, ok, refused, work};

fn main() {
    let work = work();
    let mut names = ["n".repeat(255), "é".repeat(127) + "e", "漢".repeat(85)];
    for name in &names {
        work.put(name, name);
        expect("content behind a long name", name.as_bytes().to_vec(), work.get(name));
        let longer = format!("{name}n");
        refused("open-at, 256 bytes", NameTooLong, work.open_at(NOFOLLOW, &longer, CREATE, RW));
        refused("create-directory-at, 256 bytes", NameTooLong, work.create_directory_at(&longer));
        refused("rename-at to 256 bytes", NameTooLong, work.rename_at(name, &work, &longer));
    }
    names.sort();
    expect("read-directory", names.to_vec(), work.names());

    let name = "p".repeat(255);
    work.put(&name, "");
    for (length, fits) in [(4095, true), (4096, false)] {
        let padding = length - name.len();
        let path = format!("{}{}{name}", "./".repeat(padding / 2), "/".repeat(padding % 2));
        expect("bytes of the path", length, path.len());
        let stat = work.stat_at(NOFOLLOW, &path);
        if fits {
            ok(format_args!("stat-at, {length} bytes"), stat);
        } else {
            refused(format_args!("stat-at, {length} bytes"), NameTooLong, stat);
        }
    }
}
