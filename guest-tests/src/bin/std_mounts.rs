//! Mounts as `std::fs` sees them: read-only ones, ones apart, and ones inside others.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};

use guest_tests::{EXDEV, errno, expect, kind};

fn main() -> io::Result<()> {
    expect("frozen", "inside\n".to_owned(), fs::read_to_string("frozen/dir/inside.txt")?);
    expect("frozen", 3, fs::read_dir("frozen")?.count());
    let denied = ErrorKind::PermissionDenied;
    kind("write", denied, fs::write("frozen/hello.txt", "x"));
    kind("create", denied, File::create("frozen/new"));
    kind("append", denied, OpenOptions::new().append(true).open("frozen/hello.txt"));
    kind("create_dir", denied, fs::create_dir("frozen/new"));
    kind("remove_file", denied, fs::remove_file("frozen/hello.txt"));
    kind("remove_dir", denied, fs::remove_dir("frozen/dir"));
    kind("rename", denied, fs::rename("frozen/empty", "frozen/new"));

    fs::write("work/file", "content")?;
    errno("rename to another mount", EXDEV, fs::rename("work/file", "other/file"));
    errno("hard_link to another mount", EXDEV, fs::hard_link("work/file", "other/file"));
    kind("rename into frozen", denied, fs::rename("work/file", "frozen/file"));
    expect("other", 0, fs::read_dir("other")?.count());

    fs::write("nest/inner/file", "inner")?;
    fs::write("nest/file", "nest")?;
    expect("nest", 2, fs::read_dir("nest")?.count());
    expect("inner", 1, fs::read_dir("nest/inner")?.count());
    expect("inner", "inner".to_owned(), fs::read_to_string("nest/inner/file")?);
    errno("rename out of inner", EXDEV, fs::rename("nest/inner/file", "nest/moved"));
    kind("outside of every mount", ErrorKind::NotFound, fs::read("elsewhere/file"));
    Ok(())
}
