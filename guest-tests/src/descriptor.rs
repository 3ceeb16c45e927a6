//! Short forms for what programs set up and look at. They panic where a program would.

use crate::{
    CREATE, DIRECTORY, Descriptor, DescriptorFlags, DescriptorStat, DescriptorType, ErrorCode,
    FOLLOW, NOFOLLOW, OpenFlags, PLAIN, R, RW, TRUNCATE, lacks, ok, refused, wall_clock,
};

#[allow(clippy::return_self_not_must_use, reason = "often only the file itself is wanted")]
impl Descriptor {
    /// Opens what `path` names, following links.
    #[must_use]
    #[track_caller]
    pub fn open(&self, path: &str, open: OpenFlags, flags: DescriptorFlags) -> Self {
        ok(format_args!("open-at({path:?})"), self.open_at(FOLLOW, path, open, flags))
    }

    /// Opens a directory.
    #[must_use]
    #[track_caller]
    pub fn dir(&self, path: &str) -> Self {
        self.open(path, DIRECTORY, R)
    }

    /// Creates a directory and opens it.
    #[track_caller]
    pub fn make_dir(&self, path: &str) -> Self {
        ok(format_args!("create-directory-at({path:?})"), self.create_directory_at(path));
        self.dir(path)
    }

    /// Creates or empties a file, writes `content`, and gives it back open for both.
    #[track_caller]
    pub fn put(&self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let file = self.open(path, CREATE | TRUNCATE, RW);
        file.put_at(0, content.as_ref());
        file
    }

    /// Writes all of `content` at `offset`, in as many calls as the host likes.
    #[track_caller]
    pub fn put_at(&self, offset: u64, content: &[u8]) {
        let mut done = 0;
        while done < content.len() {
            let at = offset + done as u64;
            let written = ok(format_args!("write at {at}"), self.write(&content[done..], at));
            assert!(written > 0, "write at {at}: expected at least one byte, came 0");
            done += usize::try_from(written).expect("no more than was given");
        }
    }

    /// The whole content of this file.
    #[must_use]
    #[track_caller]
    pub fn content(&self) -> Vec<u8> {
        let mut content = Vec::new();
        loop {
            let at = content.len() as u64;
            let (bytes, end) = ok(format_args!("read at {at}"), self.read(1 << 20, at));
            content.extend_from_slice(&bytes);
            if end {
                return content;
            }
            assert!(!bytes.is_empty(), "read at {at}: expected bytes or the end, came neither");
        }
    }

    /// The whole content of the file that `path` names.
    #[must_use]
    #[track_caller]
    pub fn get(&self, path: &str) -> Vec<u8> {
        self.open(path, PLAIN, R).content()
    }

    /// What is known of this object.
    #[must_use]
    #[track_caller]
    pub fn stats(&self) -> DescriptorStat {
        ok("stat", self.stat())
    }

    /// What is known of what `path` names, without following a final link.
    #[must_use]
    #[track_caller]
    pub fn stats_at(&self, path: &str) -> DescriptorStat {
        ok(format_args!("stat-at({path:?})"), self.stat_at(NOFOLLOW, path))
    }

    /// What `path` names, or `None` if it names nothing; a final link is not followed.
    #[must_use]
    #[track_caller]
    pub fn kind_of(&self, path: &str) -> Option<DescriptorType> {
        match self.stat_at(NOFOLLOW, path) {
            Err(ErrorCode::NoEntry) => None,
            stat => Some(ok(format_args!("stat-at({path:?})"), stat).type_),
        }
    }

    /// The entries of this directory, sorted by name.
    #[must_use]
    #[track_caller]
    pub fn entries(&self) -> Vec<(String, DescriptorType)> {
        let stream = ok("read-directory", self.read_directory());
        let mut entries = Vec::new();
        while let Some(entry) = ok("read-directory-entry", stream.read_directory_entry()) {
            entries.push((entry.name, entry.type_));
        }
        entries.sort_by(|one, other| one.0.cmp(&other.0));
        entries
    }

    /// The names in this directory, sorted.
    #[must_use]
    #[track_caller]
    pub fn names(&self) -> Vec<String> {
        self.entries().into_iter().map(|(name, _)| name).collect()
    }
}

/// Makes a symbolic link and says that it did. Where the backend lacks them, the method has
/// to answer `unsupported`.
#[must_use]
#[track_caller]
pub fn symlink(dir: &Descriptor, target: &str, path: &str) -> bool {
    let made = dir.symlink_at(target, path);
    if lacks("symlinks") {
        refused(format_args!("symlink-at({target:?}, {path:?})"), ErrorCode::Unsupported, made);
        return false;
    }
    ok(format_args!("symlink-at({target:?}, {path:?})"), made);
    true
}

/// A timestamp in nanoseconds, to compare.
#[must_use]
pub fn time(time: wall_clock::Datetime) -> u128 {
    u128::from(time.seconds) * 1_000_000_000 + u128::from(time.nanoseconds)
}
