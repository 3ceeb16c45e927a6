//! Changing directories: links, renames, removals, and names of all kinds.

use wasi_opfs::door::p9::{Reply, Request};

use crate::rig::{
    EBUSY, EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY, EPERM, Local, RDWR, ROOT, Rig, name,
    with_each,
};

/// Names that are nothing special, whatever they look like.
const ODD: [&[u8]; 9] = [
    b"\xff\xfe",
    b"caf\xe9",
    b"a\nb\tc",
    b"...",
    b" ",
    b"\\",
    b"-rf",
    b"con:",
    "\u{1F600}\u{301}".as_bytes(),
];

#[test]
fn names_are_bytes() {
    with_each(|kind, rig| {
        for odd in ODD {
            let fid = rig.create_in(ROOT, odd, RDWR).expect("made");
            rig.write(fid, 0, odd).expect("written");
            rig.clunk(fid).expect("closed");
        }
        let mut wanted: Vec<_> = ODD.iter().map(|name| name.to_vec()).collect();
        wanted.sort();
        assert_eq!(rig.names(""), wanted, "{kind}");
        for odd in ODD {
            let fid = rig.walk_from(ROOT, odd).expect("walked");
            rig.open_fid(fid, 0).expect("opened");
            assert_eq!(rig.read(fid, 0, 99).expect("read"), odd, "{kind}");
            rig.unlink_in(ROOT, odd, 0).expect("removed");
        }
        let link =
            Request::Tsymlink { fid: ROOT, name: name(b"l\xff"), target: b"/\xfe/x", gid: 0 };
        rig.ask(&link).expect("made");
        let fid = rig.walk_from(ROOT, b"l\xff").expect("walked");
        let answer = rig.ask(&Request::Treadlink { fid });
        assert_eq!(answer, Ok(Reply::Rreadlink { target: b"/\xfe/x" }), "{kind}");
    });
}

#[test]
fn links_lead_wherever_they_say() {
    with_each(|kind, rig| {
        let link = |target: &'static [u8]| Request::Tsymlink {
            fid: ROOT,
            name: name(b"l"),
            target,
            gid: 0,
        };
        for target in [&b"f"[..], b"/etc/passwd", b"../../..", b"a//b/", b"."] {
            rig.ask(&link(target)).expect("made");
            let fid = rig.walk("l").expect("walked");
            let answer = rig.ask(&Request::Treadlink { fid });
            assert_eq!(answer, Ok(Reply::Rreadlink { target }), "{kind}");
            assert_eq!(rig.ask(&link(target)), Err(EEXIST), "{kind}");
            // Nobody walks through it.
            assert_eq!(rig.walk_from(fid, b"x"), Err(ENOTDIR), "{kind}");
            rig.unlink("l");
        }
        assert_eq!(rig.ask(&link(b"")), Err(ENOENT), "{kind}");
        assert_eq!(rig.ask(&link(b"a\0b")), Err(EINVAL), "{kind}");
        rig.file("f", b"");
        let fid = rig.walk("f").expect("walked");
        assert_eq!(rig.ask(&Request::Treadlink { fid }), Err(EINVAL), "{kind}");
    });
}

#[test]
fn a_file_has_as_many_names_as_it_is_given() {
    with_each(|kind, rig| {
        rig.file("a", b"text");
        rig.mkdir("d");
        let file = rig.walk("a").expect("walked");
        let link = |fid, directory, new: &[u8]| Request::Tlink { directory, fid, name: name(new) };
        rig.ask(&link(file, ROOT, b"b")).expect("linked");
        assert_eq!(rig.ask(&link(file, ROOT, b"b")), Err(EEXIST), "{kind}");
        assert_eq!(rig.attr(file).expect("known").links, 2, "{kind}");
        assert_eq!(rig.attr_of("b").expect("b").qid, rig.attr(file).expect("a").qid, "{kind}");
        // Onto its twin nothing is moved, and both stay.
        rig.rename("a", "b").expect("nothing to do");
        assert_eq!(rig.names(""), [&b"a"[..], b"b", b"d"], "{kind}");
        let directory = rig.walk("d").expect("walked");
        assert_eq!(rig.ask(&link(directory, ROOT, b"e")), Err(EPERM), "{kind}");
        assert_eq!(rig.ask(&link(file, file, b"e")), Err(ENOTDIR), "{kind}");
        rig.unlink("a");
        rig.unlink("b");
        assert_eq!(rig.ask(&link(file, ROOT, b"c")), Err(ENOENT), "{kind}: it has no name");
    });
}

#[test]
fn renaming_is_what_posix_says() {
    with_each(|kind, rig| {
        rig.file("f", b"f");
        rig.file("g", b"g");
        for directory in ["d", "e", "full"] {
            rig.mkdir(directory);
        }
        let full = rig.walk("full").expect("walked");
        rig.mkdir_in(full, b"x").expect("made");
        for (from, to, wanted) in [
            ("none", "x", Err(ENOENT)),
            ("f", "d", Err(EISDIR)),
            ("d", "f", Err(ENOTDIR)),
            ("d", "full", Err(ENOTEMPTY)),
            ("f", "f", Ok(())),
            ("d", "d", Ok(())),
            ("d", "e", Ok(())),
            ("f", "g", Ok(())),
        ] {
            assert_eq!(rig.rename(from, to), wanted, "{kind}: {from} to {to}");
        }
        assert_eq!(rig.names(""), [&b"e"[..], b"full", b"g"], "{kind}");
        assert_eq!(rig.content("g"), Ok(b"f".to_vec()), "{kind}");
        let inside = rig.walk("full/x").expect("walked");
        let request =
            Request::Trenameat { fid: ROOT, name: name(b"full"), to: inside, new_name: name(b"y") };
        assert_eq!(rig.ask(&request), Err(EINVAL), "{kind}: into itself");
    });
}

#[test]
fn fids_follow_a_chain_of_renames() {
    with_each(|kind, rig| {
        rig.mkdir("d");
        rig.file("f0", b"");
        let file = rig.open("f0", RDWR).expect("opened");
        let walked = rig.walk("f0").expect("walked");
        let qid = rig.attr(file).expect("known").qid.path;
        for round in 0..20 {
            rig.rename(&format!("f{round}"), &format!("f{}", round + 1)).expect("renamed");
            rig.write(file, round, b"x").expect("written");
        }
        let to = rig.walk("d").expect("walked");
        let (from, new_name) = (name(b"f20"), name(b"f"));
        rig.ask(&Request::Trenameat { fid: ROOT, name: from, to, new_name }).expect("moved");
        rig.rename("d", "e").expect("renamed");
        for fid in [file, walked] {
            let attr = rig.attr(fid).expect("known");
            assert_eq!((attr.qid.path, attr.size, attr.links), (qid, 20, 1), "{kind}");
        }
        assert_eq!(rig.content("e/f"), Ok(vec![b'x'; 20]), "{kind}");
        let moved = rig.create_in(to, b"g", RDWR).expect("made where the directory is now");
        assert_eq!(rig.attr(moved), rig.attr_of("e/g"), "{kind}");
    });
}

#[test]
fn a_fid_is_renamed_and_removed_by_itself() {
    with_each(|kind, rig| {
        rig.mkdir("d");
        rig.file("f", b"text");
        let fid = rig.walk("f").expect("walked");
        let open = rig.open("f", RDWR).expect("opened");
        let d = rig.walk("d").expect("walked");
        let rename =
            |fid, directory, new: &[u8]| Request::Trename { fid, directory, name: name(new) };
        rig.ask(&rename(fid, d, b"g")).expect("moved");
        assert_eq!(rig.content("d/g"), Ok(b"text".to_vec()), "{kind}");
        // It knows where it is now; another fid does not, and does no harm.
        rig.ask(&rename(fid, ROOT, b"h")).expect("moved again");
        rig.file("f", b"other");
        assert_eq!(rig.ask(&rename(open, ROOT, b"i")), Err(ENOENT), "{kind}");
        assert_eq!(rig.ask(&Request::Tremove { fid: open }), Err(ENOENT), "{kind}");
        assert_eq!(rig.names(""), [&b"d"[..], b"f", b"h"], "{kind}");
        // What is open can be renamed, stays open, and is removed.
        let open = rig.open("h", RDWR).expect("opened");
        rig.ask(&rename(open, ROOT, b"j")).expect("moved");
        assert_eq!(rig.read(open, 0, 9), Ok(b"text".to_vec()), "{kind}");
        rig.ask(&Request::Tremove { fid: open }).expect("removed");
        let d = rig.walk("d").expect("walked");
        rig.ask(&Request::Tremove { fid: d }).expect("removed");
        assert_eq!(rig.names(""), [b"f"], "{kind}");
        let root = rig.walk("").expect("cloned");
        assert_eq!(rig.ask(&rename(root, ROOT, b"x")), Err(EBUSY), "{kind}");
        assert_eq!(rig.ask(&Request::Tremove { fid: root }), Err(EBUSY), "{kind}");
    });
}

#[test]
fn removing_minds_what_it_is_told() {
    with_each(|kind, rig| {
        rig.mkdir("d");
        rig.mkdir("full");
        rig.file("f", b"");
        let full = rig.walk("full").expect("walked");
        rig.mkdir_in(full, b"x").expect("made");
        for (file, flags, wanted) in [
            (&b"none"[..], 0, Err(ENOENT)),
            (b"d", 0, Err(EISDIR)),
            (b"f", 0x200, Err(ENOTDIR)),
            (b"full", 0x200, Err(ENOTEMPTY)),
            (b"f", 1, Err(EINVAL)),
            (b"d", 0x200, Ok(())),
            (b"f", 0, Ok(())),
        ] {
            let removed = rig.unlink_in(ROOT, file, flags);
            assert_eq!(removed, wanted, "{kind}: {file:?} {flags:x}");
        }
        assert_eq!(rig.names(""), [b"full"], "{kind}");
    });
}

#[test]
fn a_deep_tree_is_walked_and_dropped() {
    // By every fid, its whole way is known.
    let mut rig: Rig<Local> = crate::rig::rig();
    let mut at = rig.walk("").expect("cloned");
    for _ in 0..20_000 {
        rig.mkdir_in(at, b"d").expect("made");
        let next = rig.walk_from(at, b"d").expect("walked");
        rig.clunk(at).expect("closed");
        at = next;
    }
    let up = rig.walk_from(at, b"../../..").expect("walked");
    assert!(rig.walk_from(up, b"d/d/d").is_ok());
    rig.clunk(at).expect("closed");
}
