//! Every call that takes a path, with every odd path.

use std::fmt::Display;
use std::fs::{self, File};
use std::io;

use crate::say::{did, fixture, say, seen, tree};
use crate::sys;

const HERE: &str = "work/paths";

/// Written behind the directory, as they are.
const ODD: &[&str] = &[
    "",
    "/",
    "/.",
    "/./",
    "//",
    "/..",
    "/../paths/file",
    "/../..",
    "/../../elsewhere",
    "/file",
    "//file",
    "/./file",
    "/file/",
    "/file//",
    "/file/.",
    "/file/..",
    "/file/inner",
    "/dir",
    "/dir/",
    "/dir//",
    "/dir/.",
    "/dir/./inner",
    "/dir//inner",
    "/dir/../file",
    "/dir/..",
    "/nope",
    "/nope/",
    "/nope/.",
    "/nope/..",
    "/nope/../file",
    "/nope/inner",
    "/empty",
    "/empty/",
    "/link",
    "/link/",
    "/link/.",
    "/link/inner",
    "/dirlink",
    "/dirlink/",
    "/dirlink/.",
    "/dirlink/..",
    "/dirlink/inner",
    "/dirlink/nope",
    "/dangling",
    "/dangling/",
    "/dangling/x",
    "/loop",
    "/loop/",
    "/loop/x",
    "/out",
    "/out/",
    "/out/x",
    "/roundabout",
    "/roundabout/",
    "/slashed",
    "/a:b",
    "/*",
    "/con",
    "/x.",
    "/ blank ",
    "/tab\t",
    "/line\nline",
    "/\u{e9}",
    "/e\u{301}",
    "/\u{1f4c4}",
    "/nul\0nul",
];

/// A call by its name.
type Call<T> = (&'static str, fn(&str) -> io::Result<T>);

/// Calls that change nothing.
const LOOKING: &[Call<String>] = &[
    ("stat", |path| seen(path, true)),
    ("lstat", |path| seen(path, false)),
    ("exists", |path| fs::exists(path).map(|exists| exists.to_string())),
    ("open", |path| File::open(path).map(|_| String::new())),
    ("open for writing", |path| File::options().write(true).open(path).map(|_| String::new())),
    ("open as a directory", |path| {
        sys::open(path, libc::O_RDONLY | libc::O_DIRECTORY).map(|_| String::new())
    }),
    ("open without following", |path| {
        sys::open(path, libc::O_RDONLY | libc::O_NOFOLLOW).map(|_| String::new())
    }),
    ("list", |path| fs::read_dir(path).map(|entries| entries.count().to_string())),
    ("read_link", |path| fs::read_link(path).map(|target| target.display().to_string())),
    ("canonicalize", |path| fs::canonicalize(path).map(|path| path.display().to_string())),
    ("set times to what they are", |path| {
        sys::set_times(path, [sys::OMIT; 2], true).map(|()| String::new())
    }),
];

/// Calls that change something; each finds everything as it was.
const CHANGING: &[Call<()>] = &[
    ("create", |path| File::create(path).map(drop)),
    ("create anew", |path| File::create_new(path).map(drop)),
    ("truncate", |path| File::options().write(true).truncate(true).open(path).map(drop)),
    ("append", |path| File::options().append(true).create(true).open(path).map(drop)),
    ("create_dir", |path| fs::create_dir(path)),
    ("create_dir_all", |path| fs::create_dir_all(path)),
    ("remove_file", |path| fs::remove_file(path)),
    ("remove_dir", |path| fs::remove_dir(path)),
    ("rename", |path| fs::rename(path, format!("{HERE}/empty/renamed"))),
    ("rename a file to", |path| fs::rename(format!("{HERE}/other"), path)),
    ("rename a directory to", |path| fs::rename(format!("{HERE}/dir"), path)),
    ("link", |path| fs::hard_link(path, format!("{HERE}/linked"))),
    ("link a file to", |path| fs::hard_link(format!("{HERE}/other"), path)),
    ("symlink at", |path| crate::say::symlink("file", path)),
    ("symlink to", |path| crate::say::symlink(path, &format!("{HERE}/new link"))),
    ("copy from", |path| fs::copy(path, format!("{HERE}/copy")).map(drop)),
    ("copy to", |path| fs::copy(format!("{HERE}/other"), path).map(drop)),
];

pub(crate) fn section() -> io::Result<()> {
    fixture(HERE)?;
    tree(HERE)?;
    for odd in ODD {
        all(&format!("{HERE}{odd}"), format_args!("{odd:?}"))?;
    }
    for (what, path) in [
        ("nothing", String::new()),
        ("a name of 255", format!("{HERE}/{}", "n".repeat(255))),
        ("a name of 256", format!("{HERE}/{}", "n".repeat(256))),
        ("a name of 255 in UTF-8", format!("{HERE}/{}n", "\u{e9}".repeat(127))),
        ("a name of 256 in UTF-8", format!("{HERE}/{}", "\u{e9}".repeat(128))),
        ("a long path", format!("{HERE}{}/file", "/.".repeat(1900))),
        ("a path too long", format!("{HERE}{}/file", "/.".repeat(2100))),
        ("a rooted path", format!("/{HERE}/file")),
        ("outside of every mount", "elsewhere/file".to_owned()),
        ("outside of every mount, rooted", "/elsewhere/file".to_owned()),
        ("a preopen", "work".to_owned()),
        ("a preopen with a slash", "work/".to_owned()),
        ("above a preopen", "work/..".to_owned()),
    ] {
        all(&path, what)?;
    }
    Ok(())
}

fn all(path: &str, shown: impl Display) -> io::Result<()> {
    for (name, call) in LOOKING {
        say(format_args!("{name} {shown}"), call(path));
    }
    for (name, call) in CHANGING {
        let came = call(path);
        let changed = came.is_ok();
        did(format_args!("{name} {shown}"), came);
        if changed {
            tree(HERE)?;
            fixture(HERE)?;
        }
    }
    Ok(())
}
