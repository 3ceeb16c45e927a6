//! Extended attributes.

use wasi_opfs::door::p9::{Reply, Request};

use crate::rig::{
    Answer, E2BIG, EBADF, EEXIST, EINVAL, ENODATA, ERANGE, Local, RDWR, ROOT, Rig, with_each,
};

const CREATE: u32 = 1;
const REPLACE: u32 = 2;

/// A fid for setting an attribute.
fn begin(rig: &mut Rig<Local>, path: &str, name: &[u8], size: u64, flags: u32) -> Answer<u32> {
    let fid = rig.walk(path)?;
    rig.ask(&Request::Txattrcreate { fid, name, size, flags })?;
    Ok(fid)
}

fn set(rig: &mut Rig<Local>, path: &str, name: &[u8], value: &[u8], flags: u32) -> Answer<()> {
    let fid = begin(rig, path, name, value.len() as u64, flags)?;
    let mut at = 0;
    for part in value.chunks(4000) {
        rig.write(fid, at, part)?;
        at += part.len() as u64;
    }
    rig.clunk(fid)
}

/// A value; without a name, all names.
fn get(rig: &mut Rig<Local>, path: &str, name: &[u8]) -> Answer<Vec<u8>> {
    let fid = rig.walk(path)?;
    let new_fid = rig.fid();
    let size = match rig.ask(&Request::Txattrwalk { fid, new_fid, name })? {
        Reply::Rxattrwalk { size } => size,
        other => panic!("{other:?}"),
    };
    let mut value = Vec::new();
    loop {
        let part = rig.read(new_fid, value.len() as u64, 4000)?;
        if part.is_empty() {
            break;
        }
        value.extend(part);
    }
    assert_eq!(value.len() as u64, size);
    rig.clunk(new_fid)?;
    Ok(value)
}

#[test]
fn values_are_set_read_listed_and_removed() {
    with_each(|kind, rig| {
        rig.file("f", b"");
        if get(rig, "f", b"") == Err(95) {
            // Not every storage of a directory has them.
            assert_ne!(kind, "volume");
            return;
        }
        let long = vec![0xa5; 3000];
        for (name, value) in [
            (&b"user.a"[..], &b"value"[..]),
            (b"user.b", b""),
            (b"user.c", b"\0\xff"),
            (b"user.d", &long),
        ] {
            assert_eq!(get(rig, "f", name), Err(ENODATA), "{kind}");
            set(rig, "f", name, value, 0).expect("set");
            assert_eq!(get(rig, "f", name).as_deref(), Ok(value), "{kind}");
        }
        let list = get(rig, "f", b"").expect("listed");
        let mut names: Vec<_> = list.split(|byte| *byte == 0).collect();
        names.retain(|name| name.starts_with(b"user."));
        names.sort_unstable();
        assert_eq!(names, [&b"user.a"[..], b"user.b", b"user.c", b"user.d"], "{kind}");
        assert_eq!(list.last(), Some(&0), "{kind}");
        // That it must be there, or must not.
        assert_eq!(set(rig, "f", b"user.a", b"x", CREATE), Err(EEXIST), "{kind}");
        assert_eq!(set(rig, "f", b"user.x", b"x", REPLACE), Err(ENODATA), "{kind}");
        set(rig, "f", b"user.a", b"x", REPLACE).expect("replaced");
        set(rig, "f", b"user.x", b"", CREATE).expect("made");
        assert_eq!(get(rig, "f", b"user.x"), Ok(vec![]), "{kind}");
        // In place of another, nothing at all is a removal.
        set(rig, "f", b"user.a", b"", REPLACE).expect("removed");
        assert_eq!(get(rig, "f", b"user.a"), Err(ENODATA), "{kind}");
        assert_eq!(set(rig, "f", b"user.a", b"", REPLACE), Err(ENODATA), "{kind}");
        set(rig, "", b"user.root", b"of a directory", 0).expect("set");
        assert_eq!(get(rig, "", b"user.root"), Ok(b"of a directory".to_vec()), "{kind}");
    });
}

#[test]
fn what_was_not_written_as_announced_is_not_set() {
    with_each(|kind, rig| {
        rig.file("f", b"");
        if get(rig, "f", b"") == Err(95) {
            return;
        }
        // Too little, nothing, too much, with a gap, over what is there.
        let fid = begin(rig, "f", b"user.a", 5, 0).expect("begun");
        rig.write(fid, 0, b"1234").expect("written");
        assert_eq!(rig.clunk(fid), Err(EINVAL), "{kind}");
        assert_eq!(rig.clunk(fid), Err(EBADF), "{kind}: it is gone all the same");
        let fid = begin(rig, "f", b"user.a", 5, 0).expect("begun");
        assert_eq!(rig.clunk(fid), Err(EINVAL), "{kind}");
        let fid = begin(rig, "f", b"user.a", 5, 0).expect("begun");
        assert_eq!(rig.write(fid, 0, b"123456"), Err(E2BIG), "{kind}");
        assert_eq!(rig.write(fid, 1, b"1"), Err(EINVAL), "{kind}");
        assert_eq!(rig.write(fid, u64::MAX, b"1"), Err(EINVAL), "{kind}");
        assert_eq!(rig.write(fid, 0, b"123"), Ok(3), "{kind}");
        assert_eq!(rig.write(fid, 0, b"12"), Err(EINVAL), "{kind}");
        assert_eq!(get(rig, "f", b"user.a"), Err(ENODATA), "{kind}: not yet");
        assert_eq!(rig.write(fid, 3, b"45"), Ok(2), "{kind}");
        rig.clunk(fid).expect("set");
        assert_eq!(get(rig, "f", b"user.a"), Ok(b"12345".to_vec()), "{kind}");
        // A connection that ends in between sets nothing.
        let fid = begin(rig, "f", b"user.a", 1, 0).expect("begun");
        rig.write(fid, 0, b"x").expect("written");
        rig.client.call(&Request::Tversion { msize: 8192, version: b"9P2000.L" }).expect("anew");
        rig.attach(ROOT, b"", 0).expect("attached");
        assert_eq!(get(rig, "f", b"user.a"), Ok(b"12345".to_vec()), "{kind}");
    });
}

#[test]
fn names_and_sizes_are_bounded() {
    with_each(|kind, rig| {
        rig.file("f", b"");
        if get(rig, "f", b"") == Err(95) {
            return;
        }
        for size in [65_537, 1 << 32, u64::MAX] {
            assert_eq!(begin(rig, "f", b"user.a", size, 0), Err(E2BIG), "{kind}: {size}");
        }
        let long = [&b"user."[..], &[b'n'; 251]].concat();
        assert_eq!(get(rig, "f", &long), Err(ERANGE), "{kind}");
        assert_eq!(set(rig, "f", &long, b"x", 0), Err(ERANGE), "{kind}");
        assert_eq!(set(rig, "f", b"", b"x", 0), Err(EINVAL), "{kind}");
        assert_eq!(set(rig, "f", b"user.\0", b"x", 0), Err(EINVAL), "{kind}");
        assert_eq!(begin(rig, "f", b"user.a", 1, 3), Err(EINVAL), "{kind}");
        assert_eq!(begin(rig, "f", b"user.a", 1, 4), Err(EINVAL), "{kind}");
        // A fid of an attribute is nothing else.
        let fid = begin(rig, "f", b"user.a", 1, 0).expect("begun");
        for answer in [rig.read(fid, 0, 1).map(|_| 0), rig.open_fid(fid, RDWR).map(|_| 0)] {
            assert!(matches!(answer, Err(EBADF | EINVAL)), "{kind}: {answer:?}");
        }
        assert_eq!(rig.attr(fid), Err(EBADF), "{kind}");
        assert_eq!(rig.walk_from(fid, b""), Err(EBADF), "{kind}");
        let open = rig.open("f", RDWR).expect("opened");
        let create = Request::Txattrcreate { fid: open, name: b"user.a", size: 1, flags: 0 };
        assert_eq!(rig.ask(&create), Err(EINVAL), "{kind}: it is open");
    });
}
