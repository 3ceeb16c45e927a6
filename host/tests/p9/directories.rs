//! Listing directories, also while they change.

use std::collections::HashSet;

use wasi_opfs::door::p9::{DirEntry, Request};

use crate::rig::{
    CREAT, DIRECTORY, EBADF, EINVAL, Local, RDONLY, RDWR, ROOT, Rig, name, on_each, with_each,
};

#[test]
fn a_listing_tells_names_kinds_and_numbers() {
    with_each(|kind, rig| {
        rig.file("file", b"");
        rig.mkdir("directory");
        let link = Request::Tsymlink { fid: ROOT, name: name(b"link"), target: b"x", gid: 0 };
        rig.ask(&link).expect("made");
        let (mode, gid) = (0o10_644, 0);
        let pipe =
            Request::Tmknod { fid: ROOT, name: name(b"pipe"), mode, major: 0, minor: 0, gid };
        rig.ask(&pipe).expect("made");
        let fid = rig.open("", DIRECTORY).expect("opened");
        let mut listed = rig.readdir(fid, 0, 8000).expect("listed");
        listed.sort_by(|one, two| one.name.cmp(&two.name));
        let told: Vec<_> = listed
            .iter()
            .map(|entry| (String::from_utf8_lossy(&entry.name).into_owned(), entry.kind))
            .collect();
        let wanted =
            [(".", 4), ("..", 4), ("directory", 4), ("file", 8), ("link", 10), ("pipe", 1)];
        assert_eq!(told, wanted.map(|(name, kind)| (name.to_owned(), kind)), "{kind}");
        let root = rig.attr(ROOT).expect("known").qid;
        for entry in &listed {
            let path = match &entry.name[..] {
                b"." | b".." => root.path,
                name => {
                    let fid = rig.walk_from(ROOT, name).expect("walked");
                    let qid = rig.attr(fid).expect("known").qid;
                    assert_eq!(entry.qid.kind, qid.kind, "{kind}: {told:?}");
                    qid.path
                }
            };
            assert_eq!(entry.qid.path, path, "{kind}: {told:?}");
        }
        // The way up is listed with the number of what is there.
        let d = rig.open("directory", DIRECTORY).expect("opened");
        let inside = rig.readdir(d, 0, 8000).expect("listed");
        let number = rig.attr(d).expect("known").qid.path;
        let paths: Vec<_> = inside.iter().map(|entry| entry.qid.path).collect();
        assert_eq!(paths, [number, root.path], "{kind}");
    });
}

/// Removes what is listed, a part at a time, as `rm -r` does.
#[test]
fn places_stay_good_while_entries_are_removed() {
    on_each(|kind, server| {
        let mut rig = Rig::new(Local::new(server));
        rig.mkdir("d");
        let d = rig.walk("d").expect("walked");
        for number in 0..1500 {
            let file = format!("a-rather-long-name-of-a-file-{number}");
            let fid = rig.create_in(d, file.as_bytes(), RDWR | CREAT).expect("made");
            rig.clunk(fid).expect("closed");
        }
        let list = rig.open("d", DIRECTORY).expect("opened");
        let mut offset = 0;
        let mut removed = 0;
        loop {
            let part = rig.readdir(list, offset, 8000).expect("listed");
            let Some(entry) = part.last() else { break };
            offset = entry.offset;
            for entry in part {
                if entry.name != b"." && entry.name != b".." {
                    rig.unlink_in(d, &entry.name, 0).expect("listed once, and there");
                    removed += 1;
                }
            }
        }
        assert_eq!(removed, 1500, "{kind}");
        rig.unlink_in(ROOT, b"d", 0x200).expect("empty");
    });
}

#[test]
fn what_stays_is_listed_once_whatever_comes_and_goes() {
    with_each(|kind, rig| {
        for number in 0..300 {
            rig.file(&format!("stays-{number}"), b"");
            rig.file(&format!("goes-{number}"), b"");
        }
        let list = rig.open("", DIRECTORY).expect("opened");
        let (mut offset, mut round) = (0, 0);
        let mut seen = HashSet::new();
        loop {
            let part = rig.readdir(list, offset, 700).expect("listed");
            let Some(entry) = part.last() else { break };
            offset = entry.offset;
            for entry in part.iter().filter(|entry| entry.name.starts_with(b"stays")) {
                assert!(seen.insert(entry.name.clone()), "{kind}: {entry:?} again");
            }
            if round < 300 {
                rig.unlink(&format!("goes-{round}"));
                rig.file(&format!("comes-{round}"), b"");
            }
            round += 1;
        }
        assert_eq!(seen.len(), 300, "{kind}");
    });
}

#[test]
fn a_listing_goes_on_where_it_is_told_to() {
    with_each(|kind, rig| {
        for number in 0..40 {
            rig.file(&format!("f{number}"), b"");
        }
        let list = rig.open("", DIRECTORY).expect("opened");
        let all = rig.readdir(list, 0, 8000).expect("listed");
        assert_eq!(all.len(), 42, "{kind}");
        for (at, entry) in all.iter().enumerate() {
            let rest = rig.readdir(list, entry.offset, 8000).expect("listed");
            assert_eq!(rest, all[at + 1..], "{kind}: after {at}");
        }
        // From the start, it is looked at anew.
        rig.file("new", b"");
        assert_eq!(rig.readdir(list, 0, 8000).expect("listed").len(), 43, "{kind}");
        assert_eq!(rig.readdir(list, u64::MAX, 8000), Ok(vec![]), "{kind}");
    });
}

/// How long an entry is in an answer.
fn length(name: usize) -> u32 {
    u32::try_from(DirEntry::length(name)).expect("short")
}

#[test]
fn an_answer_holds_whole_entries_or_says_that_it_cannot() {
    with_each(|kind, rig| {
        let long = "n".repeat(255);
        rig.file(&long, b"");
        let list = rig.open("", DIRECTORY).expect("opened");
        let dot = length(1);
        for count in [0, 1, dot - 1] {
            assert_eq!(rig.readdir(list, 0, count), Err(EINVAL), "{kind}: {count}");
        }
        assert_eq!(rig.readdir(list, 0, dot).expect("listed").len(), 1, "{kind}");
        let dots = dot + length(2);
        assert_eq!(rig.readdir(list, 0, dots).expect("listed").len(), 2, "{kind}");
        let entry = length(255);
        assert_eq!(rig.readdir(list, 2, entry - 1), Err(EINVAL), "{kind}");
        assert_eq!(rig.readdir(list, 2, entry).expect("listed").len(), 1, "{kind}");
        // At the end there is nothing that would not fit.
        let end = rig.readdir(list, 2, entry).expect("listed")[0].offset;
        assert_eq!(rig.readdir(list, end, 0), Ok(vec![]), "{kind}");
    });
}

#[test]
fn only_an_open_directory_is_listed() {
    with_each(|kind, rig| {
        rig.file("f", b"");
        let file = rig.open("f", RDONLY).expect("opened");
        assert_eq!(rig.readdir(file, 0, 8000), Err(EBADF), "{kind}");
        let walked = rig.walk("").expect("walked");
        assert_eq!(rig.readdir(walked, 0, 8000), Err(EBADF), "{kind}");
    });
}

#[test]
fn a_directory_that_was_removed_is_empty() {
    with_each(|kind, rig| {
        rig.mkdir("d");
        let list = rig.open("d", DIRECTORY).expect("opened");
        let walked = rig.walk("d").expect("walked");
        rig.unlink_in(ROOT, b"d", 0x200).expect("removed");
        let left = rig.readdir(list, 2, 8000).expect("listed");
        assert_eq!(left, vec![], "{kind}");
        assert_eq!(rig.attr(walked).expect("known").links, 0, "{kind}");
        assert_eq!(rig.create_in(walked, b"f", RDWR | CREAT), Err(2), "{kind}");
        assert_eq!(rig.mkdir_in(walked, b"e"), Err(2), "{kind}");
        assert_eq!(rig.walk_from(walked, b"f"), Err(2), "{kind}");
    });
}
