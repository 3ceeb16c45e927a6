//! The methods that take a path, each as one function, for rules that hold for all of them.

use crate::{Answer, CREATE, Descriptor, NOFOLLOW, NewTimestamp, PLAIN, R, W};

/// One method on one of its paths: `base` and `path` are what is tried; where the method
/// takes two paths, the other one is good and in `good`, a directory in which the file `f`
/// exists and `new` does not.
pub type Method = fn(base: &Descriptor, path: &str, good: &Descriptor) -> Answer;

const NOW: NewTimestamp = NewTimestamp::Now;

/// Methods that only look.
pub const LOOKING: &[(&str, Method)] = &[
    ("open-at", |base, path, _| base.open_at(NOFOLLOW, path, PLAIN, R).map(drop)),
    ("stat-at", |base, path, _| base.stat_at(NOFOLLOW, path).map(drop)),
    ("metadata-hash-at", |base, path, _| base.metadata_hash_at(NOFOLLOW, path).map(drop)),
    ("readlink-at", |base, path, _| base.readlink_at(path).map(drop)),
];

/// Methods that change something.
pub const CHANGING: &[(&str, Method)] = &[
    ("open-at, create", |base, path, _| base.open_at(NOFOLLOW, path, CREATE, R).map(drop)),
    ("open-at, write", |base, path, _| base.open_at(NOFOLLOW, path, PLAIN, W).map(drop)),
    ("create-directory-at", |base, path, _| base.create_directory_at(path)),
    ("set-times-at", |base, path, _| base.set_times_at(NOFOLLOW, path, NOW, NOW)),
    ("remove-directory-at", |base, path, _| base.remove_directory_at(path)),
    ("unlink-file-at", |base, path, _| base.unlink_file_at(path)),
    ("symlink-at", |base, path, _| base.symlink_at("f", path)),
    ("link-at, old", |base, path, good| base.link_at(NOFOLLOW, path, good, "new")),
    ("link-at, new", |base, path, good| good.link_at(NOFOLLOW, "f", base, path)),
    ("rename-at, old", |base, path, good| base.rename_at(path, good, "new")),
    ("rename-at, new", |base, path, good| good.rename_at("f", base, path)),
];

/// All of them.
pub fn all() -> impl Iterator<Item = &'static (&'static str, Method)> {
    LOOKING.iter().chain(CHANGING)
}
