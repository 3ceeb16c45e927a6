//! `rename`, of everything over everything.

use std::fs;
use std::io;

use crate::say::{did, fixture, say, tree};

const HERE: &str = "work/moving";

const THINGS: &[&str] = &[
    "file",
    "file/",
    "other",
    "dir",
    "dir/",
    "empty",
    "empty/",
    "nope",
    "nope/",
    "link",
    "link/",
    "dirlink",
    "dirlink/",
    "dangling",
    "loop",
    "dir/inner",
    "dir/new",
    "empty/new",
    "dirlink/inner",
    "dirlink/new",
    "nope/new",
    "file/new",
    ".",
    "dir/.",
    "..",
    "dir/..",
    "dir/deep/er",
];

pub(crate) fn section() -> io::Result<()> {
    fixture(HERE)?;
    for old in THINGS {
        for new in THINGS {
            let came = fs::rename(format!("{HERE}/{old}"), format!("{HERE}/{new}"));
            let moved = came.is_ok();
            did(format_args!("{old} to {new}"), came);
            if moved {
                tree(HERE)?;
                fixture(HERE)?;
            }
        }
    }
    linked()?;
    deep()?;
    fs::remove_dir_all(HERE)
}

/// Two names of one file.
fn linked() -> io::Result<()> {
    did("link", fs::hard_link(format!("{HERE}/file"), format!("{HERE}/second")));
    did("onto its other name", fs::rename(format!("{HERE}/file"), format!("{HERE}/second")));
    did("onto a copy", fs::rename(format!("{HERE}/second"), format!("{HERE}/other")));
    tree(HERE)?;
    fixture(HERE)
}

/// A whole tree moves, with all that is in it.
fn deep() -> io::Result<()> {
    let deep = format!("{HERE}/dir/a/b/c/d/e/f/g");
    did("create_dir_all", fs::create_dir_all(&deep));
    did("write deep inside", fs::write(format!("{deep}/file"), "deep"));
    did("move the top", fs::rename(format!("{HERE}/dir"), format!("{HERE}/empty")));
    say("read", fs::read_to_string(format!("{HERE}/empty/a/b/c/d/e/f/g/file")));
    did("into itself", fs::rename(format!("{HERE}/empty"), format!("{HERE}/empty/a/b/new")));
    did("over its parent", fs::rename(format!("{HERE}/empty/a/b"), format!("{HERE}/empty/a")));
    did("out of the middle", fs::rename(format!("{HERE}/empty/a/b"), format!("{HERE}/middle")));
    did("remove_dir_all", fs::remove_dir_all(format!("{HERE}/empty")));
    tree(HERE)
}
