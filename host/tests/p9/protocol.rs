//! Versions, attaching, walking, fids, limits.

use std::sync::Arc;

use pollster::block_on;
use wasi_opfs::backend::Backend;
use wasi_opfs::backend::volume::Volume;
use wasi_opfs::door::p9::client::Client;
use wasi_opfs::door::p9::{Limits, NO_FID, NO_UID, Qid, Reply, Request, Server};
use wasi_opfs::testing::Waiting;
use wasi_opfs::{FileSystem, MountOptions, MountTable};

use crate::play::changes;
use crate::rig::{
    ANYBODY, CREAT, DIRECTORY, EBADF, EBUSY, EINVAL, EMFILE, EMSGSIZE, ENOENT, ENOTDIR, EOPNOTSUPP,
    EPROTO, EROFS, EXDEV, Local, RDONLY, RDWR, ROOT, Rig, TRUNC, WRONLY, errno, memory, name,
    on_each, rig, table, way, with_each,
};

fn agreed(server: &Server, msize: u32, version: &[u8]) -> Result<(u32, Vec<u8>), u32> {
    let mut client = Client::new(Local::new(server));
    match client.call(&Request::Tversion { msize, version }) {
        Ok(Reply::Rversion { msize, version }) => Ok((msize, version.to_vec())),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(errno(error)),
    }
}

#[test]
fn the_message_size_goes_down_and_never_up() {
    let limits = Limits { msize: 65_536, ..Limits::default() };
    let server = Server::new(table(memory(), false)).limits(limits);
    for (msize, version, wanted) in [
        (8192, &b"9P2000.L"[..], Ok((8192, &b"9P2000.L"[..]))),
        (65_536, b"9P2000.L", Ok((65_536, b"9P2000.L"))),
        (u32::MAX, b"9P2000.L", Ok((65_536, b"9P2000.L"))),
        (4096, b"9P2000.L", Ok((4096, b"9P2000.L"))),
        (4095, b"9P2000.L", Err(EMSGSIZE)),
        (0, b"9P2000.L", Err(EMSGSIZE)),
        // What follows a dot is left out; other dialects are not spoken.
        (8192, b"9P2000.L.more", Ok((8192, b"9P2000.L"))),
        (8192, b"9P2000", Ok((8192, b"unknown"))),
        (8192, b"9P2000.u", Ok((8192, b"unknown"))),
        (8192, b"9P2000.Linux", Ok((8192, b"unknown"))),
        (8192, b"", Ok((8192, b"unknown"))),
    ] {
        let wanted = wanted.map(|(msize, version)| (msize, version.to_vec()));
        assert_eq!(agreed(&server, msize, version), wanted, "{msize}");
    }
}

#[test]
fn nothing_is_done_before_the_version_is_agreed_upon() {
    let server = Server::new(table(memory(), false));
    let mut client = Client::new(Local::new(&server));
    let attach = Request::Tattach { fid: 0, auth: NO_FID, user: b"root", export: b"", uid: NO_UID };
    assert_eq!(client.call(&attach).map(|_| ()).map_err(errno), Err(EPROTO));
    let other = Request::Tversion { msize: 8192, version: b"9P2000.u" };
    client.call(&other).expect("unknown, and no error");
    assert_eq!(client.call(&attach).map(|_| ()).map_err(errno), Err(EPROTO));
    client.call(&Request::Tversion { msize: 8192, version: b"9P2000.L" }).expect("agreed");
    client.call(&attach).expect("attached");
}

#[test]
fn a_new_version_lets_all_fids_go() {
    with_each(|kind, rig| {
        rig.file("f", b"1");
        let fid = rig.open("f", RDWR).expect("opened");
        rig.client.call(&Request::Tversion { msize: 8192, version: b"9P2000.L" }).expect("agreed");
        assert_eq!(rig.read(fid, 0, 1), Err(EBADF), "{kind}");
        assert_eq!(rig.attr(ROOT), Err(EBADF), "{kind}");
        rig.attach(ROOT, b"", 0).expect("attached");
        assert_eq!(rig.content("f"), Ok(b"1".to_vec()), "{kind}");
    });
}

#[test]
fn who_somebody_is_is_not_asked() {
    let mut rig = rig();
    let auth = Request::Tauth { fid: 5, user: b"root", export: b"", uid: 0 };
    assert_eq!(rig.ask(&auth), Err(EOPNOTSUPP));
    let attach = Request::Tattach { fid: 5, auth: ROOT, user: b"root", export: b"", uid: 0 };
    assert_eq!(rig.ask(&attach), Err(EBADF));
    assert_eq!(rig.attach(ROOT, b"", 0), Err(EINVAL), "a fid that is taken");
    assert_eq!(rig.attach(NO_FID, b"", 0), Err(EINVAL));
    let one = rig.attach(5, b"", 1000).expect("another user");
    let two = rig.attach(6, b"/", ANYBODY).expect("anybody");
    assert_eq!((one, one.kind), (two, Qid::DIRECTORY));
}

/// Two volumes and a third one inside the first.
fn several() -> Server {
    let mount = |guest: &str, backend: Arc<dyn Backend>, read_only| MountOptions {
        guest: guest.to_owned(),
        fs: FileSystem::new(backend),
        read_only,
    };
    let mounts = vec![
        mount("/", memory(), false),
        mount("/in/ner", memory(), false),
        mount("src", memory(), true),
    ];
    Server::new(block_on(MountTable::new(mounts)).expect("a table"))
}

#[test]
fn an_export_is_a_mount_or_a_directory_in_one() {
    let server = several();
    let mut rig = Rig::new(Local::new(&server));
    rig.mkdir("d");
    let d = rig.walk("d").expect("walked");
    rig.mkdir_in(d, b"e").expect("made");
    rig.file("f", b"");
    for (fid, (export, wanted)) in (100..).zip([
        (&b"/"[..], Ok(())),
        (b"", Ok(())),
        (b"/d", Ok(())),
        (b"/d/e/", Ok(())),
        (b"/in/ner", Ok(())),
        (b"src", Ok(())),
        (b"./src", Ok(())),
        (b"src/..", Err(1)),
        (b"other", Err(ENOENT)),
        (b"/none", Err(ENOENT)),
        (b"/f", Err(ENOTDIR)),
        (b"/\0", Err(EINVAL)),
    ]) {
        let attached = rig.attach(fid, export, 0).map(|_| ());
        assert_eq!(attached, wanted, "{}", String::from_utf8_lossy(export));
    }
    // What is exported is the top, also for who goes up from it.
    let d = rig.attach(200, b"/d", 0).expect("attached");
    let up = rig.walk_from(200, b"../../..").expect("walked");
    assert_eq!(rig.attr(up).expect("known").qid, d);
    let again = rig.walk_from(200, b"e/..").expect("walked");
    assert_eq!(rig.attr(again).expect("known").qid, d);
}

#[test]
fn one_mount_needs_no_name() {
    let mount = |guest: &str| MountOptions {
        guest: guest.to_owned(),
        fs: FileSystem::new(memory()),
        read_only: false,
    };
    let server = |guests: &[&str]| {
        let mounts = guests.iter().map(|guest| mount(guest)).collect();
        Server::new(block_on(MountTable::new(mounts)).expect("a table"))
    };
    drop(Rig::new(Local::new(&server(&["data"]))));
    drop(Rig::new(Local::new(&server(&["/data"]))));
    let mut client = Client::new(Local::new(&server(&["a", "b"])));
    client.call(&Request::Tversion { msize: 8192, version: b"9P2000.L" }).expect("agreed");
    let attach = Request::Tattach { fid: 0, auth: NO_FID, user: b"", export: b"", uid: 0 };
    assert_eq!(client.call(&attach).map(|_| ()).map_err(errno), Err(ENOENT));
}

#[test]
fn mounts_inside_a_mount_are_crossed() {
    let server = several();
    let mut rig = Rig::new(Local::new(&server));
    let inner = rig.walk("in/ner").expect("walked");
    let file = rig.create_in(inner, b"f", RDWR | CREAT).expect("made");
    let (file, root) = (rig.attr(file).expect("known"), rig.attr(ROOT).expect("known"));
    // Objects of different mounts have different numbers.
    let inner_root = rig.attr(inner).expect("known");
    assert_ne!(inner_root.qid.path, root.qid.path);
    assert_ne!(file.qid.path, rig.attr_of("in").expect("known").qid.path);
    assert_eq!(rig.attr_of("in/ner/f").expect("known").qid, file.qid);
    assert_eq!(rig.attr_of("in/ner/..").expect("known").qid, rig.attr_of("in").expect("in").qid);
    // Nothing leads across, and a mount point stays.
    let inside = rig.walk("in").expect("walked");
    let across =
        Request::Trenameat { fid: inner, name: name(b"f"), to: ROOT, new_name: name(b"f") };
    assert_eq!(rig.ask(&across), Err(EXDEV));
    let target = rig.walk("in/ner/f").expect("walked");
    let link = Request::Tlink { directory: ROOT, fid: target, name: name(b"l") };
    assert_eq!(rig.ask(&link), Err(EXDEV));
    assert_eq!(rig.unlink_in(inside, b"ner", 0x200), Err(EBUSY));
    let moved =
        Request::Trenameat { fid: inside, name: name(b"ner"), to: ROOT, new_name: name(b"x") };
    assert_eq!(rig.ask(&moved), Err(EBUSY));
}

#[test]
fn a_read_only_export_says_so() {
    let backend = memory();
    let mut before = Rig::new(Local::new(&Server::new(table(backend.clone(), false))));
    before.file("f", b"text");
    before.mkdir("d");
    let server = Server::new(table(backend, true));
    let mut rig = Rig::new(Local::new(&server));
    assert_eq!(rig.content("f"), Ok(b"text".to_vec()));
    let fid = rig.walk("f").expect("walked");
    for flags in [WRONLY, RDWR, RDONLY | TRUNC] {
        assert_eq!(rig.open_fid(fid, flags), Err(EROFS), "{flags:o}");
    }
    assert_eq!(rig.create_in(ROOT, b"g", RDWR | CREAT), Err(EROFS));
    assert_eq!(rig.mkdir_in(ROOT, b"e"), Err(EROFS));
    assert_eq!(rig.unlink_in(ROOT, b"f", 0), Err(EROFS));
    assert_eq!(rig.rename("f", "g"), Err(EROFS));
    let (gid, mode) = (0, 0o644);
    for request in [
        Request::Tsymlink { fid: ROOT, name: name(b"l"), target: b"f", gid },
        Request::Tmknod { fid: ROOT, name: name(b"p"), mode: 0o10_644, major: 0, minor: 0, gid },
        Request::Tlink { directory: ROOT, fid, name: name(b"l") },
        Request::Trename { fid, directory: ROOT, name: name(b"l") },
        changes(fid, 1, mode, 0),
        changes(fid, 8, mode, 0),
    ] {
        assert_eq!(rig.ask(&request), Err(EROFS), "{request:?}");
    }
    let removed = rig.walk("d").expect("walked");
    assert_eq!(rig.ask(&Request::Tremove { fid: removed }), Err(EROFS));
}

#[test]
fn a_walk_that_does_not_lead_to_the_end_makes_no_fid() {
    with_each(|kind, rig| {
        rig.mkdir("d");
        let d = rig.walk("d").expect("walked");
        rig.create_in(d, b"f", RDWR | CREAT).expect("made");
        let new_fid = 77;
        for (path, walked) in [
            (&b"d/none"[..], 1),
            (b"d/f/g", 2),
            (b"d/f/..", 2),
            (b"d/none/..", 1),
            (b"d/../d/f/x/y", 4),
        ] {
            let shown = String::from_utf8_lossy(path);
            match rig.ask(&Request::Twalk { fid: ROOT, new_fid, way: way(path) }) {
                Ok(Reply::Rwalk { qids }) => assert_eq!(qids.len(), walked, "{kind}: {shown}"),
                other => panic!("{kind}: {shown}: {other:?}"),
            }
            assert_eq!(rig.attr(new_fid), Err(EBADF), "{kind}: {shown}");
        }
        for (from, path, wanted) in
            [(ROOT, &b"none"[..], ENOENT), (ROOT, b"none/d", ENOENT), (99, b"", EBADF)]
        {
            let walk = Request::Twalk { fid: from, new_fid, way: way(path) };
            assert_eq!(rig.ask(&walk), Err(wanted), "{kind}");
            assert_eq!(rig.attr(new_fid), Err(EBADF), "{kind}");
        }
        let f = rig.walk("d/f").expect("walked");
        assert_eq!(rig.walk_from(f, b"x"), Err(ENOTDIR), "{kind}");
        assert_eq!(rig.walk_from(f, b".."), Err(ENOTDIR), "{kind}");
    });
}

#[test]
fn a_walk_may_take_the_place_of_its_own_fid() {
    with_each(|kind, rig| {
        rig.mkdir("d");
        let d = rig.attr_of("d").expect("known").qid;
        let fid = rig.walk("").expect("cloned");
        let step = |path: &[u8]| Request::Twalk { fid, new_fid: fid, way: way(path) };
        rig.ask(&step(b"")).expect("nothing to do");
        rig.ask(&step(b"d")).expect("walked");
        assert_eq!(rig.attr(fid).expect("known").qid, d, "{kind}");
        // Not all of the way: it stays where it was.
        rig.ask(&step(b"../none")).expect("some of the way");
        assert_eq!(rig.attr(fid).expect("known").qid, d, "{kind}");
        assert_eq!(rig.ask(&step(b"none")), Err(ENOENT), "{kind}");
        let other = rig.walk("").expect("cloned");
        let taken = Request::Twalk { fid, new_fid: other, way: way(b"") };
        assert_eq!(rig.ask(&taken), Err(EINVAL), "{kind}: a fid that is taken");
        let none = Request::Twalk { fid, new_fid: NO_FID, way: way(b"") };
        assert_eq!(rig.ask(&none), Err(EINVAL), "{kind}");
        // What is open is no place to go on from in itself, but can be gone on from.
        rig.open_fid(fid, DIRECTORY).expect("opened");
        assert_eq!(rig.ask(&step(b"..")), Err(EINVAL), "{kind}");
        let root = rig.walk_from(fid, b"..").expect("walked");
        assert_eq!(rig.attr(root).expect("known").qid, rig.attr(ROOT).expect("known").qid);
    });
}

#[test]
fn the_way_up_from_what_was_moved_is_not_made_up() {
    with_each(|kind, rig| {
        rig.mkdir("a");
        rig.mkdir("b");
        let a = rig.walk("a").expect("walked");
        rig.mkdir_in(a, b"c").expect("made");
        let c = rig.walk("a/c").expect("walked");
        let b = rig.walk("b").expect("walked");
        let (from, to) = (name(b"c"), name(b"c"));
        let request = Request::Trenameat { fid: a, name: from, to: b, new_name: to };
        rig.ask(&request).expect("moved");
        assert_eq!(rig.walk_from(c, b".."), Err(ENOENT), "{kind}");
        assert!(rig.attr(c).is_ok(), "{kind}: it is still there");
        let c = rig.walk("b/c").expect("walked");
        let up = rig.walk_from(c, b"..").expect("walked");
        assert_eq!(rig.attr(up).expect("b").qid, rig.attr(b).expect("b").qid, "{kind}");
    });
}

#[test]
fn fids_have_a_limit() {
    let limits = Limits { fids: 10, ..Limits::default() };
    on_each(|kind, server| {
        let mut rig = Rig::new(Local::new(&server.clone().limits(limits)));
        for count in 1..10 {
            assert!(rig.walk("").is_ok(), "{kind}: {count}");
        }
        assert_eq!(rig.walk(""), Err(EMFILE), "{kind}");
        assert_eq!(rig.attach(500, b"", 0), Err(EMFILE), "{kind}");
        let list = Request::Txattrwalk { fid: ROOT, new_fid: 501, name: b"" };
        assert_eq!(rig.ask(&list), Err(EMFILE), "{kind}");
        // In its own place there is room.
        let own = Request::Twalk { fid: ROOT, new_fid: ROOT, way: way(b"") };
        assert!(rig.ask(&own).is_ok(), "{kind}");
        rig.clunk(ROOT).expect("closed");
        assert!(rig.attach(500, b"", 0).is_ok(), "{kind}");
    });
}

#[test]
fn a_fid_is_gone_after_a_clunk() {
    with_each(|kind, rig| {
        rig.file("f", b"");
        let fid = rig.walk("f").expect("walked");
        rig.clunk(fid).expect("closed");
        assert_eq!(rig.clunk(fid), Err(EBADF), "{kind}");
        assert_eq!(rig.ask(&Request::Tremove { fid }), Err(EBADF), "{kind}");
        // A removal that fails lets go, too.
        rig.mkdir("d");
        let d = rig.walk("d").expect("walked");
        rig.mkdir_in(d, b"e").expect("made");
        assert_eq!(rig.ask(&Request::Tremove { fid: d }), Err(39), "{kind}");
        assert_eq!(rig.attr(d), Err(EBADF), "{kind}");
    });
}

#[test]
fn a_mount_that_waits_is_served_all_the_same() {
    let volume = Volume::in_memory(64 << 20).expect("a volume");
    let waiting = Arc::new(Waiting::new(Arc::new(volume)));
    let server = Server::new(table(waiting, false));
    let mut rig = Rig::new(Local::new(&server));
    rig.file("f", b"text");
    assert_eq!(rig.content("f"), Ok(b"text".to_vec()));
    assert_eq!(rig.names(""), [b"f"]);
    let (from, to) = std::io::pipe().expect("a pipe");
    let error = wasi_opfs::door::p9::serve(&server, from, to).expect_err("a thread cannot wait");
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
}
