//! Mounts: one that may only be read, ones apart, and one inside another.

use std::fs::{self, File};
use std::io;

use crate::say::{did, say, seen, symlink, tree};
use crate::sys;

pub(crate) fn section() -> io::Result<()> {
    frozen()?;
    apart()?;
    inside()
}

fn frozen() -> io::Result<()> {
    tree("frozen")?;
    for name in ["hello.txt", "dir", "dir/inside.txt", "nope", "nope/nope", "hello.txt/nope", ""] {
        let path = format!("frozen/{name}");
        say(format_args!("stat {name}"), seen(&path, true));
        did(format_args!("open {name}"), File::open(&path));
        did(format_args!("open {name} for writing"), File::options().write(true).open(&path));
        did(format_args!("append to {name}"), File::options().append(true).open(&path));
        did(format_args!("create {name}"), File::create(&path));
        did(format_args!("create {name} anew"), File::create_new(&path));
        did(format_args!("create_dir {name}"), fs::create_dir(&path));
        did(format_args!("remove_file {name}"), fs::remove_file(&path));
        did(format_args!("remove_dir {name}"), fs::remove_dir(&path));
        did(format_args!("rename {name}"), fs::rename(&path, "frozen/new"));
        did(format_args!("rename {name} out"), fs::rename(&path, "work/new"));
        did(format_args!("link {name}"), fs::hard_link(&path, "frozen/new"));
        did(format_args!("link {name} out"), fs::hard_link(&path, "work/new"));
        did(format_args!("symlink at {name}"), symlink("x", &path));
        did(format_args!("read_link {name}"), fs::read_link(&path));
        let now = [sys::NOW; 2];
        did(format_args!("set times of {name}"), sys::set_times(&path, now, true));
        let none = [sys::OMIT; 2];
        did(format_args!("set no times of {name}"), sys::set_times(&path, none, true));
    }
    let file = File::open("frozen/hello.txt")?;
    did("set_len", file.set_len(1));
    did("set_times", sys::set_times_of(&file, [sys::NOW; 2]));
    did("sync_all", file.sync_all());
    did("pwrite", sys::write_at(&file, "x", 0));
    let dir = File::open("frozen/dir")?;
    did("create in an open directory", sys::open_at(&dir, "x", libc::O_WRONLY | libc::O_CREAT));
    did("create_dir in an open directory", sys::make_directory_at(&dir, "x"));
    did("copy in", fs::copy("frozen/hello.txt", "frozen/copy"));
    did("copy out", fs::copy("frozen/hello.txt", "work/copy"));
    did("remove_dir_all", fs::remove_dir_all("frozen/dir"));
    did("remove the copy", fs::remove_file("work/copy"));
    tree("frozen")
}

fn apart() -> io::Result<()> {
    fs::write("work/file", "content")?;
    fs::create_dir("work/dir")?;
    for (old, new) in [
        ("work/file", "other/file"),
        ("work/dir", "other/dir"),
        ("work/file", "frozen/file"),
        ("work/nope", "other/file"),
        ("other/nope", "work/file"),
        ("work/file", "elsewhere/file"),
        ("work/file", "other"),
        ("work", "other"),
        ("work/file", "work"),
    ] {
        did(format_args!("rename {old} to {new}"), fs::rename(old, new));
        did(format_args!("link {old} to {new}"), fs::hard_link(old, new));
    }
    did("copy", fs::copy("work/file", "other/file"));
    let same = sys::stat("work/file", true)?.id == sys::stat("other/file", true)?.id;
    say("the copy is the same", Ok(same));
    did("symlink into another", symlink("../other/file", "work/across"));
    did("  read", fs::read("work/across"));
    did("remove a preopen", fs::remove_dir("work"));
    did("remove_file of a preopen", fs::remove_file("work"));
    did("create_dir of a preopen", fs::create_dir("work"));
    tree("work")?;
    tree("other")?;
    for path in ["work/across", "work/file", "other/file"] {
        did(format_args!("remove {path}"), fs::remove_file(path));
    }
    fs::remove_dir("work/dir")
}

fn inside() -> io::Result<()> {
    fs::write("nest/file", "nest")?;
    fs::write("nest/inner/file", "inner")?;
    fs::create_dir("nest/dir")?;
    let same = sys::stat("nest/inner", true)?.id == sys::stat("nest", true)?.id;
    say("inner is nest", Ok(same));
    tree("nest")?;
    let nest = File::open("nest")?;
    say(
        "kind from nest",
        sys::open_at(&nest, "inner", libc::O_RDONLY)
            .and_then(|inner| Ok(sys::fstat(&inner)?.id == sys::stat("nest/inner", true)?.id)),
    );
    did("down and up", sys::open_at(&nest, "inner/../file", libc::O_RDONLY));
    did("up from inner", File::open("nest/inner/../file"));
    did("up and around", File::open("nest/dir/../inner/file"));
    for (old, new) in [
        ("nest/inner/file", "nest/moved"),
        ("nest/file", "nest/inner/moved"),
        ("nest/dir", "nest/inner/dir"),
        ("nest/inner", "nest/moved"),
        ("nest/dir", "nest/inner"),
        ("nest/file", "nest/inner"),
        ("nest/inner", "nest/inner"),
    ] {
        did(format_args!("rename {old} to {new}"), fs::rename(old, new));
        did(format_args!("link {old} to {new}"), fs::hard_link(old, new));
    }
    did("remove_dir of the mount point", fs::remove_dir("nest/inner"));
    did("remove_file of the mount point", fs::remove_file("nest/inner"));
    did("create_dir of the mount point", fs::create_dir("nest/inner"));
    did("create at the mount point", File::create("nest/inner"));
    did("symlink at the mount point", symlink("x", "nest/inner"));
    did("symlink into inner", symlink("inner/file", "nest/way"));
    say("  read", fs::read_to_string("nest/way"));
    did("symlink out of inner", symlink("../file", "nest/inner/out"));
    did("  read", fs::read_to_string("nest/inner/out"));
    tree("nest")?;
    for path in ["nest/way", "nest/inner/out", "nest/inner/file", "nest/file"] {
        did(format_args!("remove {path}"), fs::remove_file(path));
    }
    fs::remove_dir("nest/dir")
}
