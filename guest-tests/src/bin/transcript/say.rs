//! The lines of the transcript, and the trees that they are about.

use std::fmt::{Debug, Display};
use std::fs::{self, File};
use std::io;

use crate::sys;

/// Prints what a call was answered: what it has seen, or the kind and the number of the error.
pub(crate) fn say<T: Debug>(asked: impl Display, came: io::Result<T>) {
    match came {
        Ok(seen) => {
            let seen = format!("{seen:?}");
            println!("{asked}: ok {}", if seen == "()" { "" } else { &seen });
        }
        Err(error) => match error.raw_os_error() {
            Some(number) => println!("{asked}: {:?} {number}", error.kind()),
            None => println!("{asked}: {:?}", error.kind()),
        },
    }
}

/// The same of what says no more than that it was done.
pub(crate) fn did<T>(asked: impl Display, came: io::Result<T>) {
    say(asked, came.map(drop));
}

/// What a name stands for, without what may differ.
pub(crate) fn seen(path: &str, follow: bool) -> io::Result<String> {
    let stat = sys::stat(path, follow)?;
    Ok(match stat.kind {
        sys::Kind::File => format!("file of {}, {} links", stat.size, stat.links),
        sys::Kind::Link => format!("link of {}", stat.size),
        kind => format!("{kind:?}"),
    })
}

/// Prints all that lies below a directory, in the order of names.
pub(crate) fn tree(path: &str) -> io::Result<()> {
    let mut names = fs::read_dir(path)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    for name in names {
        let below = format!("{path}/{name}");
        let shown = if name.len() > 40 { format!("{}…", &name[..40]) } else { name };
        let kind = seen(&below, false)?;
        let content = match fs::symlink_metadata(&below)? {
            stat if stat.is_symlink() => format!(" to {}", fs::read_link(&below)?.display()),
            stat if stat.is_file() && stat.len() < 100 => {
                format!(" {:?}", String::from_utf8_lossy(&fs::read(&below)?))
            }
            _ => String::new(),
        };
        println!("  {path}/{shown:?}: {kind}{content}");
        if kind == "Directory" {
            tree(&below)?;
        }
    }
    Ok(())
}

/// Makes a symbolic link. Where there are none, what it is for finds nothing.
pub(crate) fn symlink(target: &str, path: &str) -> io::Result<()> {
    #[expect(deprecated, reason = "the other names are not stable on WASI")]
    fs::soft_link(target, path)
}

/// Makes a directory anew, with one of everything in it.
pub(crate) fn fixture(path: &str) -> io::Result<()> {
    if fs::exists(path)? {
        fs::remove_dir_all(path)?;
    }
    fs::create_dir(path)?;
    fs::write(format!("{path}/file"), "content")?;
    fs::write(format!("{path}/other"), "another")?;
    fs::create_dir(format!("{path}/dir"))?;
    fs::write(format!("{path}/dir/inner"), "inside")?;
    fs::create_dir(format!("{path}/empty"))?;
    for (target, name) in [
        ("file", "link"),
        ("dir", "dirlink"),
        ("nowhere", "dangling"),
        ("loop", "loop"),
        ("../../..", "out"),
        ("dir/../file", "roundabout"),
        ("file/", "slashed"),
    ] {
        let made = symlink(target, &format!("{path}/{name}"));
        if made.is_err() {
            did(format_args!("symlink {name}"), made);
        }
    }
    Ok(())
}

/// A file for reading and writing, with `content`.
pub(crate) fn file(path: &str, content: &str) -> io::Result<File> {
    fs::write(path, content)?;
    File::options().read(true).write(true).open(path)
}
