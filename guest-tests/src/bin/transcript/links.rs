//! Hard and symbolic links.

use std::fs;
use std::io;

use crate::say::{did, fixture, say, seen, symlink, tree};
use crate::sys;

const HERE: &str = "work/links";

pub(crate) fn section() -> io::Result<()> {
    fixture(HERE)?;
    hard()?;
    fixture(HERE)?;
    symbolic()?;
    chains();
    fs::remove_dir_all(HERE)
}

fn hard() -> io::Result<()> {
    let at = |name: &str| format!("{HERE}/{name}");
    for (old, new) in [
        ("file", "one"),
        ("file", "one"),
        ("file", "file"),
        ("file", "dir/two"),
        ("file", "dirlink/three"),
        ("file", "empty/"),
        ("file", "new/"),
        ("file", "nope/new"),
        ("file", "other/new"),
        ("file/", "new"),
        ("dir", "new"),
        ("dir/", "new"),
        ("dir/.", "new"),
        ("nope", "new"),
        ("link", "to link"),
        ("dangling", "to dangling"),
        ("dirlink", "to dirlink"),
        ("file", "dangling"),
        ("file", "dir"),
        ("..", "new"),
        ("dir/../file", "through"),
    ] {
        did(format_args!("link {old} to {new}"), fs::hard_link(at(old), at(new)));
    }
    tree(HERE)?;
    for name in ["one", "dir/two", "dir/three", "other", "to link", "through"] {
        let same = sys::stat(&at(name), false)
            .and_then(|stat| Ok(stat.id == sys::stat(&at("file"), false)?.id));
        say(format_args!("{name} is the same as file"), same);
    }
    did("write through one", fs::write(at("one"), "changed"));
    did("remove file", fs::remove_file(at("file")));
    say("read the second", fs::read_to_string(at("dir/two")));
    say("links", seen(&at("dir/two"), true));
    did("remove the second", fs::remove_file(at("dir/two")));
    tree(HERE)
}

fn symbolic() -> io::Result<()> {
    let at = |name: &str| format!("{HERE}/{name}");
    let long = "t".repeat(255);
    let longer = format!("{}t", "t/".repeat(2047));
    for (target, name) in [
        ("", "empty target"),
        (".", "here"),
        ("..", "up"),
        ("/", "root"),
        ("/file", "rooted"),
        ("dir/", "slash"),
        ("dir//inner", "two slashes"),
        ("nope/../file", "through nothing"),
        ("../links/file", "around"),
        ("a\0b", "nul"),
        ("\u{e9}", "text"),
        (&long, "long"),
        (&longer, "longer"),
        ("file", "dir/x"),
        ("file", "nope/x"),
        ("file", "file/x"),
        ("file", "new/"),
        ("file", "dir"),
        ("file", "dangling"),
        ("file", "dangling/"),
        ("file", "dirlink/y"),
    ] {
        let shown = if target.len() > 40 { "a long one" } else { target };
        did(format_args!("symlink to {shown:?} at {name}"), symlink(target, &at(name)));
        say("  stat", seen(&at(name), true));
        say("  lstat", seen(&at(name), false));
        let read = fs::read_link(at(name)).map(|read| read.to_str() == Some(target));
        say("  read_link", read);
        say("  read", fs::read_to_string(at(name)));
    }
    did("write through a dangling link", fs::write(at("dangling"), "made"));
    say("what it names", fs::read_to_string(at("nowhere")));
    did("create_dir at a link to a directory", fs::create_dir(at("dirlink")));
    did("create_dir_all through it", fs::create_dir_all(at("dirlink/a/b")));
    did("remove_dir of it", fs::remove_dir(at("dirlink")));
    did("remove_dir_all of it", fs::remove_dir_all(at("dirlink")));
    did("remove_file of a link", fs::remove_file(at("link")));
    say("what it named", fs::read_to_string(at("file")));
    did("copy of a link", fs::copy(at("roundabout"), at("copied")));
    tree(HERE)
}

/// As many links one after the other as are followed, and one more.
fn chains() {
    did("chains", fs::create_dir(format!("{HERE}/chain")));
    did("write", fs::write(format!("{HERE}/chain/0"), "end"));
    for number in 1..45 {
        let made = symlink(&(number - 1).to_string(), &format!("{HERE}/chain/{number}"));
        if made.is_err() {
            did("symlink", made);
            return;
        }
    }
    for number in [1, 8, 20, 32, 39, 40, 41, 44] {
        let path = format!("{HERE}/chain/{number}");
        say(format_args!("read through {number} links"), fs::read_to_string(&path));
        say("  stat", seen(&path, true));
        let listed = fs::read_dir(format!("{path}/.")).map(Iterator::count);
        say("  list", listed);
    }
}
