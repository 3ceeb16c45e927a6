//! What the behaviour suite cannot ask: it knows no host, no other programs on it, and
//! no way around the backend.

use std::fs;
use std::os::unix::fs::symlink;

use pollster::block_on;

use super::Dir;
use crate::backend::{
    Access, Backend, Changes, Destination, Fresh, Kind, NewTime, Node, Position, Source, Time,
};
use crate::error::ErrorCode;
use crate::path::Name;

const BOTH: Access = Access { read: true, write: true };
const READ: Access = Access { read: true, write: false };

fn name(text: &str) -> Name {
    Name::new(text.as_bytes()).expect("a name")
}

fn walk(dir: &Dir, path: &str) -> (usize, Node) {
    let names: Vec<_> = path.split('/').map(name).collect();
    let walk = block_on(dir.walk(&dir.root(), &names)).expect(path);
    (walk.walked, walk.node)
}

fn read(dir: &Dir, node: &Node) -> String {
    let file = block_on(dir.open(node, READ)).expect("open");
    let mut bytes = [0; 100];
    let count = file.read(Destination::Slice(&mut bytes), 0).expect("read");
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

#[test]
fn what_cannot_be_opened_is_named_with_a_next_step() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("a file");
    for (path, code, step) in [
        (folder.path().join("missing"), ErrorCode::NoEntry, "create it first"),
        (file, ErrorCode::NotDirectory, "path of a directory"),
    ] {
        let error = Dir::open(&path).err().expect("no directory");
        let message = error.to_string();
        assert_eq!(error.code(), code, "{message}");
        assert!(message.contains(&path.display().to_string()), "{message}");
        assert!(message.contains(step), "{message}");
    }
}

#[test]
fn nothing_outside_is_reached() {
    let outside = tempfile::tempdir().expect("a folder");
    fs::write(outside.path().join("secret"), "secret").expect("a file");
    let folder = tempfile::tempdir().expect("a folder");
    symlink(outside.path(), folder.path().join("absolute")).expect("a link");
    symlink("..", folder.path().join("up")).expect("a link");
    symlink("/proc/self/root", folder.path().join("magic")).expect("a link");
    fs::create_dir(folder.path().join("d")).expect("a directory");
    symlink("../..", folder.path().join("d/up")).expect("a link");
    let dir = Dir::open(folder.path()).expect("opened");
    for (path, walked) in
        [("absolute/secret", 1), ("up/x", 1), ("magic/etc/passwd", 1), ("d/up/x/y", 2), ("d/up", 2)]
    {
        let (there, node) = walk(&dir, path);
        assert_eq!((there, node.kind()), (walked, Kind::Symlink), "{path}");
        let answer = block_on(dir.open(&node, READ)).err();
        assert_eq!(answer, Some(ErrorCode::Loop), "{path} was opened");
    }
    // A directory that becomes a link while a node holds it stays the directory.
    let (_, d) = walk(&dir, "d");
    fs::rename(folder.path().join("d"), folder.path().join("old")).expect("renamed");
    symlink(outside.path(), folder.path().join("d")).expect("a link");
    let created = block_on(dir.create(&d, &name("made"), Fresh::FILE, BOTH));
    assert!(created.is_ok());
    assert!(folder.path().join("old/made").exists() && !outside.path().join("made").exists());
}

#[test]
fn nodes_follow_what_other_programs_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |path: &str| folder.path().join(path);
    fs::create_dir(at("d")).expect("a directory");
    fs::write(at("d/f"), "content").expect("a file");
    let dir = Dir::open(folder.path()).expect("opened");
    let (_, d) = walk(&dir, "d");
    let (_, f) = walk(&dir, "d/f");
    fs::rename(at("d"), at("e")).expect("renamed");
    assert_eq!(read(&dir, &f), "content");
    assert_eq!(block_on(dir.list(&d, 0)).expect("list").len(), 1);
    fs::remove_file(at("e/f")).expect("removed");
    assert_eq!(read(&dir, &f), "content");
    assert_eq!(block_on(dir.attributes(&f)).expect("attributes").links, 0);
    fs::remove_dir(at("e")).expect("removed");
    assert!(block_on(dir.list(&d, 0)).expect("list").is_empty());
}

#[test]
fn pipes_and_sockets_are_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = Dir::open(folder.path()).expect("opened");
    let root = dir.root();
    let fifo = block_on(dir.make_node(&root, &name("p"), Kind::Fifo, (0, 0), Fresh::FILE));
    let fifo = fifo.expect("a pipe");
    let write = Access { read: false, write: true };
    assert_eq!(block_on(dir.open(&fifo, write)).err(), Some(ErrorCode::NoSuchDevice));
    let file = block_on(dir.open(&fifo, BOTH)).expect("both ends");
    let appended = file.write(Source::Slice(b"hello"), Position::End).expect("written");
    assert_eq!(appended.count, 5);
    let read = file.read(Destination::Slice(&mut [0; 10]), 0);
    assert_eq!(read, Err(ErrorCode::InvalidSeek));
    assert_eq!(file.sync(false), Ok(()));
    let socket = block_on(dir.make_node(&root, &name("s"), Kind::Socket, (0, 0), Fresh::FILE));
    let opened = block_on(dir.open(&socket.expect("a socket"), READ)).err();
    assert_eq!(opened, Some(ErrorCode::NoSuchDevice));
}

#[test]
fn a_running_program_is_busy() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::copy("/bin/sleep", folder.path().join("program")).expect("a program");
    let mut child = std::process::Command::new(folder.path().join("program"))
        .arg("60")
        .spawn()
        .expect("it runs");
    let dir = Dir::open(folder.path()).expect("opened");
    let opened = block_on(dir.open(&walk(&dir, "program").1, BOTH)).err();
    child.kill().expect("it stops");
    child.wait().expect("it has stopped");
    assert_eq!(opened, Some(ErrorCode::TextFileBusy));
}

#[test]
fn links_themselves_get_times_before_1970() {
    let folder = tempfile::tempdir().expect("a folder");
    symlink("nowhere", folder.path().join("l")).expect("a link");
    let dir = Dir::open(folder.path()).expect("opened");
    let (_, link) = walk(&dir, "l");
    let time = Time { seconds: -1_000_000_000, nanoseconds: 123_456_789 };
    let changes = Changes { modified: Some(NewTime::At(time)), ..Changes::default() };
    block_on(dir.set_attributes(&link, changes)).expect("set");
    let found = block_on(dir.attributes(&link)).expect("attributes");
    assert_eq!(found.modified, Some(time));

    let mode = Changes { mode: Some(0o600), ..changes };
    assert_eq!(block_on(dir.set_attributes(&link, mode)), Err(ErrorCode::Unsupported));
    // What the kernel would read as "now" is no number of nanoseconds.
    let odd = NewTime::At(Time { seconds: 0, nanoseconds: 0x3fff_ffff });
    let odd = Changes { accessed: Some(odd), ..Changes::default() };
    assert_eq!(block_on(dir.set_attributes(&link, odd)), Err(ErrorCode::Invalid));
}
