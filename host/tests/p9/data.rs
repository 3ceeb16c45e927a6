//! What files hold: opening, reading, writing, sizes, and files that have no name any more.

use wasi_opfs::door::p9::Request;

use crate::play::changes;
use crate::rig::{
    APPEND, CREAT, DIRECTORY, EBADF, EEXIST, EINVAL, EISDIR, ELOOP, ENOTDIR, EXCL, Local, RDONLY,
    RDWR, ROOT, Rig, TRUNC, WRONLY, name, on_each, with_each,
};

#[test]
fn opening_minds_its_flags() {
    with_each(|kind, rig| {
        rig.file("f", b"text");
        rig.mkdir("d");
        let link = Request::Tsymlink { fid: ROOT, name: name(b"l"), target: b"f", gid: 0 };
        rig.ask(&link).expect("made");
        for (path, flags, wanted) in [
            ("f", RDONLY, Ok(())),
            ("f", WRONLY, Ok(())),
            ("f", RDWR | 0o100_000, Ok(())),
            // Linux leaves these in.
            ("f", RDONLY | CREAT | EXCL, Ok(())),
            ("f", 3, Err(EINVAL)),
            ("f", DIRECTORY, Err(ENOTDIR)),
            ("f", DIRECTORY | RDWR | TRUNC, Err(ENOTDIR)),
            ("d", DIRECTORY | TRUNC, Err(EISDIR)),
            ("d", RDONLY, Ok(())),
            ("d", DIRECTORY, Ok(())),
            ("d", WRONLY, Err(EISDIR)),
            ("d", RDONLY | TRUNC, Err(EISDIR)),
            ("l", RDONLY, Err(ELOOP)),
        ] {
            let opened = rig.open(path, flags).map(|_| ());
            assert_eq!(opened, wanted, "{kind}: {path} {flags:o}");
        }
        assert_eq!(rig.content("f"), Ok(b"text".to_vec()), "{kind}");
        let fid = rig.open("f", RDONLY).expect("opened");
        assert_eq!(rig.open_fid(fid, RDONLY), Err(EINVAL), "{kind}: open already");
        assert_eq!(rig.write(fid, 0, b"x"), Err(EBADF), "{kind}");
        let fid = rig.open("f", WRONLY).expect("opened");
        assert_eq!(rig.read(fid, 0, 1), Err(EBADF), "{kind}");
        let fid = rig.walk("f").expect("walked");
        assert_eq!(rig.read(fid, 0, 1), Err(EBADF), "{kind}: not open");
        assert_eq!(rig.write(fid, 0, b"x"), Err(EBADF), "{kind}");
        let fid = rig.open("d", RDONLY).expect("opened");
        assert_eq!(rig.read(fid, 0, 1), Err(EBADF), "{kind}: a directory");
        let fid = rig.open("f", RDWR | TRUNC).expect("opened");
        assert_eq!(rig.attr(fid).expect("known").size, 0, "{kind}");
    });
}

#[test]
fn creating_opens_and_moves_the_fid() {
    with_each(|kind, rig| {
        let fid = rig.create_in(ROOT, b"f", RDWR | CREAT | EXCL).expect("made");
        assert_eq!(rig.write(fid, 0, b"text"), Ok(4), "{kind}");
        assert_eq!(rig.read(fid, 1, 2), Ok(b"ex".to_vec()), "{kind}");
        let attr = rig.attr(fid).expect("known");
        assert_eq!((attr.mode, attr.size), (0o100_644, 4), "{kind}");
        assert_eq!(attr.qid, rig.attr_of("f").expect("known").qid, "{kind}");
        // What exists is opened, unless it must not; what is cut is empty.
        assert_eq!(rig.create_in(ROOT, b"f", RDWR | CREAT | EXCL), Err(EEXIST), "{kind}");
        let again = rig.create_in(ROOT, b"f", RDWR | CREAT).expect("opened");
        assert_eq!(rig.read(again, 0, 9), Ok(b"text".to_vec()), "{kind}");
        rig.create_in(ROOT, b"f", RDWR | CREAT | TRUNC).expect("opened");
        assert_eq!(rig.read(again, 0, 9), Ok(vec![]), "{kind}");
        rig.mkdir("d");
        assert_eq!(rig.create_in(ROOT, b"d", RDWR | CREAT), Err(EISDIR), "{kind}");
        assert_eq!(rig.create_in(ROOT, b"d", RDWR | CREAT | EXCL), Err(EEXIST), "{kind}");
        let file = rig.walk("f").expect("walked");
        assert_eq!(rig.create_in(file, b"g", RDWR | CREAT), Err(ENOTDIR), "{kind}");
        // The kind in the mode has to be a file's.
        let fid = rig.walk("").expect("cloned");
        let odd = Request::Tlcreate { fid, name: name(b"o"), flags: RDWR, mode: 0o10_644, gid: 0 };
        assert_eq!(rig.ask(&odd), Err(EINVAL), "{kind}");
        assert_eq!(rig.attr(fid).expect("known").mode & 0o170_000, 0o40_000, "{kind}");
    });
}

#[test]
fn a_reply_has_nothing_of_the_one_before() {
    with_each(|kind, rig| {
        rig.file("long", &[7; 5000]);
        rig.file("short", b"text");
        let long = rig.open("long", RDONLY).expect("opened");
        let short = rig.open("short", RDWR).expect("opened");
        for (offset, count, wanted) in
            [(0, 4096, &b"text"[..]), (1, 2, b"ex"), (3, 9, b"t"), (4, 9, b""), (9, 4096, b"")]
        {
            assert_eq!(rig.read(long, 0, 5000), Ok(vec![7; 5000]), "{kind}");
            assert_eq!(rig.read(short, offset, count), Ok(wanted.to_vec()), "{kind}");
            assert_eq!(rig.write(long, 0, b"x"), Err(EBADF), "{kind}");
        }
    });
}

#[test]
fn a_file_lives_on_without_a_name() {
    with_each(|kind, rig| {
        rig.file("f", b"content");
        let open = rig.open("f", RDWR).expect("opened");
        let walked = rig.walk("f").expect("walked");
        rig.unlink("f");
        assert!(rig.names("").is_empty(), "{kind}");
        for fid in [open, walked] {
            let attr = rig.attr(fid).expect("still known");
            assert_eq!((attr.links, attr.size), (0, 7), "{kind}");
        }
        assert_eq!(rig.read(open, 0, 9), Ok(b"content".to_vec()), "{kind}");
        assert_eq!(rig.write(open, 7, b" and more"), Ok(9), "{kind}");
        let cut = |fid, size| changes(fid, 0x8 | 0x1, 0o100_600, size);
        rig.ask(&cut(open, 11)).expect("cut");
        rig.ask(&cut(walked, 9)).expect("cut");
        let attr = rig.attr(open).expect("known");
        assert_eq!((attr.size, attr.mode), (9, 0o100_600), "{kind}");
        // It can be opened again by whoever knows it, and a new file is another one.
        rig.open_fid(walked, RDONLY).expect("opened");
        assert_eq!(rig.read(walked, 0, 99), Ok(b"content a".to_vec()), "{kind}");
        rig.file("f", b"new");
        assert_ne!(rig.attr_of("f").expect("known").qid.path, attr.qid.path, "{kind}");
        assert_eq!(rig.read(open, 0, 3), Ok(b"con".to_vec()), "{kind}");
        rig.ask(&Request::Tfsync { fid: open, data_only: 0 }).expect("stored");
    });
}

#[test]
fn a_file_that_another_takes_the_place_of_lives_on() {
    with_each(|kind, rig| {
        rig.file("old", b"old");
        rig.file("new", b"new");
        let old = rig.open("old", RDWR).expect("opened");
        rig.rename("new", "old").expect("renamed");
        assert_eq!(rig.read(old, 0, 9), Ok(b"old".to_vec()), "{kind}");
        assert_eq!(rig.attr(old).expect("known").links, 0, "{kind}");
        assert_eq!(rig.content("old"), Ok(b"new".to_vec()), "{kind}");
        assert_eq!(rig.names(""), [b"old"], "{kind}");
    });
}

#[test]
fn two_who_append_do_not_meet() {
    on_each(|kind, server| {
        let mut one = Rig::new(Local::new(server));
        let mut two = Rig::new(Local::new(server));
        one.file("log", b"");
        let first = one.open("log", WRONLY | APPEND).expect("opened");
        let second = two.open("log", WRONLY | APPEND).expect("opened");
        for round in 0..50_u64 {
            // Each believes to know where the end is.
            assert_eq!(one.write(first, round * 4, b"one\n"), Ok(4), "{kind}");
            assert_eq!(two.write(second, round * 4, b"two\n"), Ok(4), "{kind}");
        }
        let log = one.content("log").expect("read");
        assert_eq!(log, b"one\ntwo\n".repeat(50), "{kind}");
    });
}

#[test]
fn large_offsets_and_sizes_are_kept() {
    with_each(|kind, rig| {
        let fid = rig.create("large");
        let far = (5 << 32) + 7;
        assert_eq!(rig.write(fid, far, b"end"), Ok(3), "{kind}");
        assert_eq!(rig.attr(fid).expect("known").size, far + 3, "{kind}");
        assert_eq!(rig.read(fid, far, 9), Ok(b"end".to_vec()), "{kind}");
        assert_eq!(rig.read(fid, 1 << 32, 9), Ok(vec![0; 9]), "{kind}");
        assert_eq!(rig.read(fid, far + 3, 9), Ok(vec![]), "{kind}");
        // Few of it is stored.
        assert!(rig.attr(fid).expect("known").blocks < 1024, "{kind}");
        for offset in [u64::MAX, i64::MAX.cast_unsigned(), 1 << 63] {
            assert_eq!(rig.write(fid, offset, b"xy"), Err(EINVAL), "{kind}: {offset}");
            assert_eq!(rig.read(fid, offset, 2), Err(EINVAL), "{kind}: {offset}");
        }
    });
}

#[test]
fn a_reply_is_no_longer_than_agreed() {
    on_each(|kind, server| {
        let mut rig = Rig::sized(Local::new(server), 4096);
        let fid = rig.create("f");
        for part in 0..4 {
            assert_eq!(rig.write(fid, part * 4000, &[7; 4000]), Ok(4000), "{kind}");
        }
        for (count, wanted) in [(0, 0), (1, 1), (4085, 4085), (4086, 4085), (u32::MAX, 4085)] {
            assert_eq!(rig.read(fid, 0, count), Ok(vec![7; wanted]), "{kind}: {count}");
        }
        assert_eq!(rig.read(fid, 15_999, 99), Ok(vec![7]), "{kind}");
    });
}

#[test]
fn what_is_written_is_stored_when_it_says_so() {
    with_each(|kind, rig| {
        let fid = rig.create("f");
        rig.write(fid, 0, b"text").expect("written");
        for data_only in [0, 1] {
            rig.ask(&Request::Tfsync { fid, data_only }).expect("stored");
        }
        let directory = rig.open("", DIRECTORY).expect("opened");
        rig.ask(&Request::Tfsync { fid: directory, data_only: 0 }).expect("stored");
        let walked = rig.walk("f").expect("walked");
        assert_eq!(rig.ask(&Request::Tfsync { fid: walked, data_only: 0 }), Err(EBADF), "{kind}");
        // One that is asked to store each write.
        let fid = rig.open("f", WRONLY | 0o4_010_000).expect("opened");
        assert_eq!(rig.write(fid, 4, b"!"), Ok(1), "{kind}");
    });
}

#[test]
fn a_content_that_changes_changes_the_version() {
    with_each(|kind, rig| {
        let fid = rig.create("f");
        let mut versions = Vec::new();
        for text in [&b"a"[..], b"b", b"bc", b"bd"] {
            // Storages have clocks of several milliseconds.
            std::thread::sleep(std::time::Duration::from_millis(12));
            rig.write(fid, 0, text).expect("written");
            let attr = rig.attr(fid).expect("known");
            assert_eq!(attr.data_version & u64::from(u32::MAX), attr.qid.version.into(), "{kind}");
            versions.push(attr.qid.version);
        }
        let before = versions.len();
        versions.sort_unstable();
        versions.dedup();
        assert_eq!(versions.len(), before, "{kind}");
        let unchanged = rig.attr(fid).expect("known").qid;
        assert_eq!(rig.attr_of("f").expect("known").qid, unchanged, "{kind}");
        rig.rename("f", "g").expect("renamed");
        assert_eq!(rig.attr(fid).expect("known").qid, unchanged, "{kind}");
    });
}

#[test]
fn whoever_is_not_privileged_drops_privileges_by_writing() {
    on_each(|kind, server| {
        let mut rig = Rig::new(Local::new(server));
        let fid = rig.create("f");
        let chmod = |fid, mode| changes(fid, 1, mode, 0);
        rig.attach(50, b"", 1000).expect("attached");
        rig.attach(51, b"", 0).expect("attached");
        for (root, mode, after) in
            [(50, 0o6777, 0o777), (50, 0o6766, 0o2766), (50, 0o755, 0o755), (51, 0o6777, 0o6777)]
        {
            rig.ask(&chmod(fid, mode)).expect("changed");
            let file = rig.walk_from(root, b"f").expect("walked");
            rig.open_fid(file, WRONLY).expect("opened");
            rig.write(file, 0, b"").expect("nothing written");
            assert_eq!(rig.attr(fid).expect("known").mode & 0o7777, mode, "{kind}");
            rig.write(file, 0, b"x").expect("written");
            assert_eq!(rig.attr(fid).expect("known").mode & 0o7777, after, "{kind}: {mode:o}");
            rig.clunk(file).expect("closed");
        }
    });
}
