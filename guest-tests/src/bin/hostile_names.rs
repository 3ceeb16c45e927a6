//! Names that mean something to other systems are plain names here, for files and for
//! directories, and come back byte for byte.

use guest_tests::DescriptorType::{Directory, RegularFile};
use guest_tests::{expect, ok, work};

const NAMES: &[&str] = &[
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "prototype",
    "then",
    "length",
    "0",
    "a:b",
    "C:",
    "con",
    "NUL.txt",
    "*",
    "?",
    "\"quoted\"",
    "<tag>&amp;",
    "x.",
    "...",
    ".hidden",
    "-rf",
    " leading",
    "trailing ",
    " ",
    "tab\tin",
    "new\nline",
    "return\r",
    "bell\u{7}",
    "delete\u{7f}",
    "%2F",
    "%00",
    "$(x)",
    "~",
    "#",
    "ünïcode",
    "漢字",
    "👩‍🚀",
    "\u{202e}right to left",
    "\u{feff}",
    "\u{fffd}",
    "\u{10ffff}",
];

fn main() {
    let work = work();
    let dirs = work.make_dir("dirs");
    let files = work.make_dir("files");
    for name in NAMES {
        expect(format_args!("{name:?} before"), None, files.kind_of(name));
        files.put(name, name);
        dirs.make_dir(name).put(name, name);
    }
    let mut sorted: Vec<_> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    sorted.sort();
    expect("files", sorted.clone(), files.names());
    expect("directories", sorted, dirs.names());
    for name in NAMES {
        expect(format_args!("type of {name:?}"), Some(RegularFile), files.kind_of(name));
        expect(format_args!("type of {name:?}"), Some(Directory), dirs.kind_of(name));
        expect(format_args!("content of {name:?}"), name.as_bytes().to_vec(), files.get(name));
        let path = format!("{name}/{name}");
        expect(format_args!("content of {path:?}"), name.as_bytes().to_vec(), dirs.get(&path));
        ok(format_args!("rename-at {name:?}"), files.rename_at(name, &dirs, &path));
        ok(format_args!("unlink-file-at {path:?}"), dirs.unlink_file_at(&path));
        ok(format_args!("remove-directory-at {name:?}"), dirs.remove_directory_at(name));
    }
    expect("files afterwards", Vec::<String>::new(), files.names());
    expect("directories afterwards", Vec::<String>::new(), dirs.names());
}
