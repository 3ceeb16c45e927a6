//! What `OpenOptions` makes of each set of options, for a file, a missing name and a
//! directory.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};

use guest_tests::expect;

/// The options; kinds of error for a file, a missing name, a directory; the file afterwards.
type Row = (&'static str, Answer, Answer, Answer, &'static str);
type Answer = Option<ErrorKind>;

fn main() -> io::Result<()> {
    let (exists, missing) = (Some(ErrorKind::AlreadyExists), Some(ErrorKind::NotFound));
    let dir = Some(ErrorKind::IsADirectory);
    let invalid = Some(ErrorKind::InvalidInput);
    let rows: [Row; 13] = [
        ("read", None, missing, None, "content"),
        ("write", None, missing, dir, "content"),
        ("append", None, missing, dir, "content"),
        ("read write", None, missing, dir, "content"),
        ("read append", None, missing, dir, "content"),
        ("write truncate", None, missing, dir, ""),
        ("write create", None, None, dir, "content"),
        ("append create", None, None, dir, "content"),
        ("write create truncate", None, None, dir, ""),
        ("write create_new", exists, None, exists, "content"),
        ("read write create_new", exists, None, exists, "content"),
        ("read create", invalid, invalid, invalid, "content"),
        ("read truncate", invalid, invalid, invalid, "content"),
    ];
    fs::create_dir("work/dir")?;
    for (words, file, absent, directory, content) in rows {
        let has = |word| words.split(' ').any(|one| one == word);
        let mut options = OpenOptions::new();
        options.read(has("read")).write(has("write")).append(has("append"));
        options.create(has("create")).create_new(has("create_new")).truncate(has("truncate"));
        fs::write("work/file", "content")?;
        for (path, expected) in
            [("work/file", file), ("work/missing", absent), ("work/dir", directory)]
        {
            let came = options.open(path).err().map(|error| error.kind());
            expect(format_args!("{path}, {words}"), expected, came);
        }
        expect(
            format_args!("content, {words}"),
            content.to_owned(),
            fs::read_to_string("work/file")?,
        );
        expect(format_args!("made, {words}"), absent.is_none(), fs::exists("work/missing")?);
        if absent.is_none() {
            fs::remove_file("work/missing")?;
        }
    }
    Ok(())
}
