//! What is known of objects, what can be changed about it, and whose they are.

use wasi_opfs::Owners;
use wasi_opfs::door::p9::{Reply, Request, Server};

use crate::rig::{
    ANYBODY, Answer, Attr, CREAT, EINVAL, EISDIR, ENOENT, EPERM, Local, RDONLY, RDWR, ROOT, Rig,
    memory, name, on_each, table, with_each,
};

const MODE: u32 = 1;
const UID: u32 = 2;
const GID: u32 = 4;
const SIZE: u32 = 8;
const ATIME: u32 = 0x10;
const MTIME: u32 = 0x20;
const CTIME: u32 = 0x40;
const ATIME_SET: u32 = 0x80;
const MTIME_SET: u32 = 0x100;

#[derive(Clone, Copy, Default)]
struct Set {
    mode: u32,
    owner: (u32, u32),
    size: u64,
    atime: (u64, u64),
    mtime: (u64, u64),
}

fn set(rig: &mut Rig<Local>, fid: u32, valid: u32, to: Set) -> Answer<()> {
    let request = Request::Tsetattr {
        fid,
        valid,
        mode: to.mode,
        uid: to.owner.0,
        gid: to.owner.1,
        size: to.size,
        atime: to.atime.0,
        atime_nanos: to.atime.1,
        mtime: to.mtime.0,
        mtime_nanos: to.mtime.1,
    };
    rig.ask(&request).map(|_| ())
}

fn mode(attr: Attr) -> u32 {
    attr.mode & 0o7777
}

#[test]
fn attributes_are_told_as_they_are_asked_for() {
    with_each(|kind, rig| {
        rig.file("f", b"12345");
        let fid = rig.walk("f").expect("walked");
        for (mask, least) in [(0, 0), (0x7ff, 0x7ff), (0x17ff, 0x7ff), (0x3fff, 0x7ff | 0x2000)] {
            match rig.ask(&Request::Tgetattr { fid, mask }) {
                Ok(Reply::Rgetattr { valid, size, links, .. }) => {
                    assert_eq!((valid & !mask, valid & least), (0, least), "{kind}: {mask:x}");
                    assert_eq!((size, links), (5, 1), "{kind}");
                }
                other => panic!("{other:?}"),
            }
        }
        let root = rig.attr(ROOT).expect("known");
        assert_eq!(root.mode & 0o170_000, 0o40_000, "{kind}");
        assert_eq!(rig.attr_of("f").expect("known").qid.kind, 0, "{kind}");
        assert!(root.links >= 1 && root.device == 0, "{kind}");
    });
}

#[test]
fn modes_are_set_to_the_bit() {
    with_each(|kind, rig| {
        let fid = rig.create("f");
        for bits in [0o644, 0o4755, 0o2755, 0o1777, 0, 0o777] {
            set(rig, fid, MODE | CTIME, Set { mode: 0o100_000 | bits, ..Set::default() })
                .expect("set");
            assert_eq!(mode(rig.attr(fid).expect("known")), bits, "{kind}");
        }
        let request = Request::Tmkdir { fid: ROOT, name: name(b"d"), mode: 0o41_777, gid: 0 };
        rig.ask(&request).expect("made");
        assert_eq!(rig.attr_of("d").expect("known").mode, 0o41_777, "{kind}");
    });
}

#[test]
fn times_are_set_and_kept_to_the_nanosecond() {
    with_each(|kind, rig| {
        let fid = rig.create("f");
        let (atime, mtime) = ((1_700_000_000, 123_456_789), (1_600_000_000, 999_999_999));
        let to = Set { atime, mtime, ..Set::default() };
        set(rig, fid, ATIME | ATIME_SET | MTIME | MTIME_SET | CTIME, to).expect("set");
        let attr = rig.attr(fid).expect("known");
        assert_eq!((attr.atime, attr.mtime), (atime, mtime), "{kind}");
        assert!(attr.ctime.0 > 1_700_000_000, "{kind}");
        // Before 1970.
        let before = ((-5_i64).cast_unsigned(), 250_000_000);
        let to = Set { mtime: before, ..Set::default() };
        set(rig, fid, MTIME | MTIME_SET, to).expect("set");
        let attr = rig.attr(fid).expect("known");
        assert_eq!((attr.atime, attr.mtime), (atime, before), "{kind}");
        // Now; the other one stays.
        set(rig, fid, MTIME, Set::default()).expect("set");
        let attr = rig.attr(fid).expect("known");
        assert_eq!(attr.atime, atime, "{kind}");
        assert!(attr.mtime.0 > 1_700_000_000, "{kind}");
        let wrong = Set { mtime: (0, 1_000_000_000), ..Set::default() };
        assert_eq!(set(rig, fid, MTIME | MTIME_SET, wrong), Err(EINVAL), "{kind}");
        let wrong = Set { mtime: (0, u64::MAX), ..Set::default() };
        assert_eq!(set(rig, fid, MTIME | MTIME_SET, wrong), Err(EINVAL), "{kind}");
        // A size moves the time of the content, and what has no effect moves the other one.
        let old = Set { mtime: (5, 0), ..Set::default() };
        set(rig, fid, MTIME | MTIME_SET, old).expect("set");
        set(rig, fid, SIZE, Set { size: 9, ..Set::default() }).expect("cut");
        assert!(rig.attr(fid).expect("known").mtime.0 > 5, "{kind}");
        let before = rig.attr(fid).expect("known");
        std::thread::sleep(std::time::Duration::from_millis(12));
        set(rig, fid, CTIME, Set::default()).expect("set");
        let after = rig.attr(fid).expect("known");
        assert!(after.ctime > before.ctime, "{kind}");
        assert_eq!((after.mtime, after.mode), (before.mtime, before.mode), "{kind}");
    });
}

#[test]
fn a_link_has_attributes_of_its_own() {
    with_each(|kind, rig| {
        rig.file("f", b"12345");
        let link = Request::Tsymlink { fid: ROOT, name: name(b"l"), target: b"f", gid: 0 };
        rig.ask(&link).expect("made");
        let fid = rig.walk("l").expect("walked");
        let attr = rig.attr(fid).expect("known");
        assert_eq!((attr.mode & 0o170_000, attr.size, attr.qid.kind), (0o120_000, 1, 2), "{kind}");
        let to = Set { mtime: (7, 8), ..Set::default() };
        set(rig, fid, MTIME | MTIME_SET, to).expect("set");
        assert_eq!(rig.attr(fid).expect("known").mtime, (7, 8), "{kind}");
        assert_ne!(rig.attr_of("f").expect("known").mtime, (7, 8), "{kind}");
        set(rig, fid, CTIME, Set::default()).expect("a change of nothing");
    });
}

#[test]
fn sizes_are_set() {
    with_each(|kind, rig| {
        rig.file("f", b"12345");
        rig.mkdir("d");
        let size = |size| Set { size, ..Set::default() };
        let fid = rig.walk("f").expect("walked");
        set(rig, fid, SIZE, size(3)).expect("cut");
        set(rig, fid, SIZE, size(6)).expect("grown");
        assert_eq!(rig.content("f"), Ok(b"123\0\0\0".to_vec()), "{kind}");
        set(rig, fid, SIZE | MTIME | CTIME, size((5 << 32) + 1)).expect("grown");
        assert_eq!(rig.attr(fid).expect("known").size, (5 << 32) + 1, "{kind}");
        assert_eq!(set(rig, fid, SIZE, size(1 << 63)), Err(EINVAL), "{kind}");
        let d = rig.walk("d").expect("walked");
        assert_eq!(set(rig, d, SIZE, size(0)), Err(EISDIR), "{kind}");
        // One that is open for writing stays so, one for reading only does not matter.
        let open = rig.open("f", RDONLY).expect("opened");
        set(rig, open, SIZE, size(2)).expect("cut");
        let open = rig.open("f", RDWR).expect("opened");
        set(rig, open, MODE | SIZE, Set { mode: 0, size: 1, ..Set::default() }).expect("cut");
        set(rig, open, SIZE, size(0)).expect("cut");
        assert_eq!(rig.attr(open).expect("known").size, 0, "{kind}");
        assert_eq!(set(rig, fid, 1 << 9, size(0)), Err(EINVAL), "{kind}: an unknown bit");
    });
}

#[test]
fn new_objects_belong_to_whoever_asks() {
    on_each(|kind, server| {
        let mut rig = Rig::new(Local::new(server));
        let stored = server.clone().owners(Owners::Stored);
        rig.attach(90, b"", 1000).expect("attached");
        let probe = Request::Tmkdir { fid: 90, name: name(b"d"), mode: 0o40_750, gid: 77 };
        rig.ask(&probe).expect("made");
        let made = rig.attr_of("d").expect("known");
        if made.owner == (0, 0) {
            // Kept by nobody here, because this user may not give files away.
            return;
        }
        assert_eq!((made.owner, mode(made)), ((1000, 77), 0o750), "{kind}");
        let fid = rig.walk_from(90, b"").expect("cloned");
        let request = Request::Tlcreate {
            fid,
            name: name(b"f"),
            flags: RDWR | CREAT,
            mode: 0o100_666,
            gid: 78,
        };
        rig.ask(&request).expect("made");
        let attr = rig.attr(fid).expect("known");
        assert_eq!((attr.owner, mode(attr)), ((1000, 78), 0o666), "{kind}");
        let request = Request::Tsymlink { fid: 90, name: name(b"l"), target: b"/x", gid: 79 };
        rig.ask(&request).expect("made");
        assert_eq!(rig.attr_of("l").expect("known").owner, (1000, 79), "{kind}");
        let (major, minor) = (0, 0);
        let request =
            Request::Tmknod { fid: 90, name: name(b"p"), mode: 0o10_600, major, minor, gid: 80 };
        rig.ask(&request).expect("made");
        let attr = rig.attr_of("p").expect("known");
        assert_eq!((attr.owner, attr.mode), ((1000, 80), 0o10_600), "{kind}");
        // A change of the owner is kept, also by another connection.
        let to = Set { owner: (5, 6), ..Set::default() };
        set(&mut rig, fid, UID | GID | CTIME, to).expect("given away");
        let mut other = Rig::new(Local::new(&stored));
        assert_eq!(other.attr_of("f").expect("known").owner, (5, 6), "{kind}");
        set(&mut rig, fid, GID, Set { owner: (0, 7), ..Set::default() }).expect("given away");
        assert_eq!(rig.attr(fid).expect("known").owner, (5, 7), "{kind}");
    });
}

#[test]
fn who_says_no_name_makes_what_belongs_to_the_backend() {
    let mut rig = Rig::new(Local::new(&Server::new(table(memory(), false))));
    rig.attach(90, b"", ANYBODY).expect("attached");
    rig.mkdir_in(90, b"d").expect("made");
    assert_eq!(rig.attr_of("d").expect("known").owner, (0, 0));
}

#[test]
fn a_fixed_owner_owns_everything() {
    on_each(|kind, server| {
        let server = server.clone().owners(Owners::Fixed { uid: 1000, gid: 100 });
        let mut rig = Rig::new(Local::new(&server));
        let fid = rig.create("f");
        assert_eq!(rig.attr(fid).expect("known").owner, (1000, 100), "{kind}");
        assert_eq!(rig.attr(ROOT).expect("known").owner, (1000, 100), "{kind}");
        let same = Set { owner: (1000, 100), ..Set::default() };
        set(&mut rig, fid, UID | GID, same).expect("nothing new");
        let other = Set { owner: (0, 100), mode: 0o600, ..Set::default() };
        assert_eq!(set(&mut rig, fid, UID | GID | MODE, other), Err(EPERM), "{kind}");
        set(&mut rig, fid, GID | MODE, other).expect("the group is the same");
        assert_eq!(mode(rig.attr(fid).expect("known")), 0o600, "{kind}");
    });
}

#[test]
fn the_storage_is_described() {
    with_each(|kind, rig| match rig.ask(&Request::Tstatfs { fid: ROOT }) {
        Ok(Reply::Rstatfs {
            kind: magic, block_size, blocks, free, available, name_max, ..
        }) => {
            assert_eq!((magic, name_max), (0x0102_1997, 255), "{kind}");
            assert!(block_size >= 512 && blocks > 0, "{kind}");
            assert!(available <= free && free <= blocks, "{kind}");
        }
        other => panic!("{kind}: {other:?}"),
    });
}

#[test]
fn devices_keep_their_numbers() {
    // Natively, that is for the privileged.
    let mut rig = Rig::new(Local::new(&Server::new(table(memory(), false))));
    let mut make = |file: &str, mode, major, minor| {
        let name = name(file.as_bytes());
        let request = Request::Tmknod { fid: ROOT, name, mode, major, minor, gid: 0 };
        rig.ask(&request).map(|_| ())?;
        rig.attr_of(file)
    };
    let attr = make("null", 0o20_666, 1, 3).expect("made");
    assert_eq!((attr.mode, attr.device), (0o20_666, 0x103));
    let attr = make("large", 0o60_660, 0xabc, 0x12_345).expect("made");
    // The number of Linux: twelve bits of the major among twenty of the minor.
    assert_eq!((attr.mode, attr.device), (0o60_660, 0x123a_bc45));
    assert_eq!(make("socket", 0o140_755, 9, 9).expect("made").device, 0);
    assert_eq!(make("plain", 0o100_644, 0, 0).expect("made").mode, 0o100_644);
    assert_eq!(make("unsaid", 0o644, 0, 0).expect("made").mode, 0o100_644);
    for mode in [0o40_755, 0o120_777, 0o110_000] {
        assert_eq!(make("odd", mode, 0, 0), Err(EINVAL), "{mode:o}");
    }
    assert_eq!(rig.attr_of("odd"), Err(ENOENT));
}
