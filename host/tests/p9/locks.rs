//! Advisory locks: between processes, between connections, with waiting and without.

use wasi_opfs::door::p9::client::ClientError;
use wasi_opfs::door::p9::{Limits, Reply, Request, Server};

use crate::rig::{
    EBADF, EDEADLK, EINTR, EINVAL, Local, RDWR, ROOT, Rig, errno, memory, on_each, table,
};

const READ: u8 = 0;
const WRITE: u8 = 1;
const UNLOCK: u8 = 2;

const ENOLCK: u32 = 37;
const EOVERFLOW: u32 = 75;

/// One process's view of a file.
#[derive(Clone, Copy)]
struct Process {
    fid: u32,
    process: u32,
}

impl Process {
    fn request(self, kind: u8, flags: u32, (start, length): (u64, u64)) -> Request<'static> {
        let Self { fid, process } = self;
        Request::Tlock { fid, kind, flags, start, length, process, client: b"host" }
    }

    /// Whether the lock is there.
    fn try_lock(self, rig: &mut Rig<Local>, kind: u8, range: (u64, u64)) -> Result<bool, u32> {
        match rig.ask(&self.request(kind, 0, range))? {
            Reply::Rlock { status } => Ok(status == 0),
            other => panic!("{other:?}"),
        }
    }

    /// The tag that is answered when the lock is there.
    fn wait_for(self, rig: &mut Rig<Local>, kind: u8, range: (u64, u64)) -> u16 {
        rig.client.send(&self.request(kind, 1, range)).expect("sent")
    }

    /// What is in the way: kind, range, process.
    fn in_the_way(self, rig: &mut Rig<Local>, kind: u8, range: (u64, u64)) -> (u8, u64, u64, u32) {
        let Self { fid, process } = self;
        let (start, length) = range;
        let request = Request::Tgetlock { fid, kind, start, length, process, client: b"host" };
        match rig.ask(&request).expect("answered") {
            Reply::Rgetlock { kind, start, length, process, .. } => (kind, start, length, process),
            other => panic!("{other:?}"),
        }
    }
}

fn granted(rig: &mut Rig<Local>, tag: u16) -> bool {
    match rig.client.wait(tag) {
        Ok(Reply::Rlock { status: 0 }) => true,
        Err(ClientError::Io(_)) => false,
        other => panic!("{other:?}"),
    }
}

/// Two processes of one client, each with the file open.
fn two(rig: &mut Rig<Local>) -> (Process, Process) {
    let fid = rig.create("f");
    let other = rig.open("f", RDWR).expect("opened");
    (Process { fid, process: 1 }, Process { fid: other, process: 2 })
}

#[test]
fn locks_keep_others_from_what_they_cover() {
    on_each(|kind, server| {
        let rig = &mut Rig::new(Local::new(server));
        let (one, two) = two(rig);
        for (mine, range, theirs, other, free) in [
            (READ, (0, 10), READ, (0, 10), true),
            (READ, (0, 10), WRITE, (0, 10), false),
            (WRITE, (0, 10), READ, (9, 1), false),
            (WRITE, (0, 10), READ, (10, 1), true),
            (WRITE, (10, 10), WRITE, (0, 10), true),
            (WRITE, (10, 10), WRITE, (0, 11), false),
            (WRITE, (10, 10), WRITE, (0, 0), false),
            (WRITE, (10, 0), WRITE, (1 << 62, 1), false),
            (WRITE, (u64::MAX, 1), WRITE, (u64::MAX, 1), false),
            (WRITE, (0, 0), READ, (u64::MAX, 0), false),
        ] {
            assert_eq!(one.try_lock(rig, mine, range), Ok(true), "{kind}");
            assert_eq!(two.try_lock(rig, theirs, other), Ok(free), "{kind}: {range:?} {other:?}");
            assert_eq!(one.try_lock(rig, UNLOCK, (0, 0)), Ok(true), "{kind}");
            assert_eq!(two.try_lock(rig, theirs, other), Ok(true), "{kind}");
            assert_eq!(two.try_lock(rig, UNLOCK, (0, 0)), Ok(true), "{kind}");
        }
    });
}

#[test]
fn locks_of_one_process_replace_each_other() {
    on_each(|kind, server| {
        let rig = &mut Rig::new(Local::new(server));
        let (one, two) = two(rig);
        assert_eq!(one.try_lock(rig, WRITE, (0, 100)), Ok(true), "{kind}");
        // A hole in the middle, and a weaker one in another place.
        assert_eq!(one.try_lock(rig, UNLOCK, (40, 20)), Ok(true), "{kind}");
        assert_eq!(one.try_lock(rig, READ, (80, 10)), Ok(true), "{kind}");
        for (range, write, read) in [
            ((0, 40), false, false),
            ((39, 1), false, false),
            ((40, 20), true, true),
            ((60, 1), false, false),
            ((80, 10), false, true),
            ((90, 10), false, false),
            ((100, 0), true, true),
        ] {
            for (kind_of_lock, free) in [(WRITE, write), (READ, read)] {
                let answer = two.try_lock(rig, kind_of_lock, range);
                assert_eq!(answer, Ok(free), "{kind}: {range:?} {kind_of_lock}");
                if free {
                    assert_eq!(two.try_lock(rig, UNLOCK, range), Ok(true), "{kind}");
                }
            }
        }
        // What lies side by side is one; what is in the way is told.
        assert_eq!(one.try_lock(rig, UNLOCK, (0, 0)), Ok(true), "{kind}");
        assert_eq!(two.in_the_way(rig, WRITE, (0, 0)), (UNLOCK, 0, 0, 2), "{kind}");
        for start in [20, 0, 10] {
            assert_eq!(one.try_lock(rig, READ, (start, 10)), Ok(true), "{kind}");
        }
        assert_eq!(two.in_the_way(rig, WRITE, (5, 0)), (READ, 0, 30, 1), "{kind}");
        assert_eq!(two.in_the_way(rig, READ, (5, 7)), (UNLOCK, 5, 7, 2), "{kind}");
        assert_eq!(one.in_the_way(rig, WRITE, (5, 7)), (UNLOCK, 5, 7, 1), "{kind}");
        // Linux asks as if it wanted to unlock, and wants to know of all.
        assert_eq!(two.in_the_way(rig, UNLOCK, (5, 0)), (READ, 0, 30, 1), "{kind}");
        assert_eq!(two.in_the_way(rig, UNLOCK, (30, 0)), (UNLOCK, 30, 0, 2), "{kind}");
        assert_eq!(one.try_lock(rig, WRITE, (7, 0)), Ok(true), "{kind}");
        assert_eq!(two.in_the_way(rig, READ, (8, 1)), (WRITE, 7, 0, 1), "{kind}");
    });
}

#[test]
fn connections_meet_on_one_file() {
    on_each(|kind, server| {
        let one = &mut Rig::new(Local::new(server));
        let two = &mut Rig::new(Local::new(server));
        let mine = Process { fid: one.create("f"), process: 7 };
        // The same number of a process in another system.
        let theirs = Process { fid: two.open("f", RDWR).expect("opened"), process: 7 };
        assert_eq!(mine.try_lock(one, WRITE, (0, 0)), Ok(true), "{kind}");
        assert_eq!(theirs.try_lock(two, READ, (0, 0)), Ok(false), "{kind}");
        // By another name it is the same file; another file is not.
        let link = one.walk("f").expect("walked");
        let request = Request::Tlink { directory: ROOT, fid: link, name: crate::rig::name(b"g") };
        one.ask(&request).expect("linked");
        let twin = Process { fid: two.open("g", RDWR).expect("opened"), process: 7 };
        assert_eq!(twin.try_lock(two, READ, (0, 0)), Ok(false), "{kind}");
        let other = Process { fid: two.create("other"), process: 7 };
        assert_eq!(other.try_lock(two, WRITE, (0, 0)), Ok(true), "{kind}");
    });
}

#[test]
fn who_waits_gets_the_lock_in_turn() {
    on_each(|kind, server| {
        let rig = &mut Rig::new(Local::new(server));
        let (one, two) = two(rig);
        let three = Process { fid: rig.open("f", RDWR).expect("opened"), process: 3 };
        assert_eq!(one.try_lock(rig, WRITE, (0, 10)), Ok(true), "{kind}");
        let second = two.wait_for(rig, WRITE, (5, 10));
        let third = three.wait_for(rig, WRITE, (0, 0));
        assert_eq!(rig.client.transport().waiting(), 0, "{kind}: nobody is answered yet");
        // Other requests are.
        assert!(rig.attr(ROOT).is_ok(), "{kind}");
        assert_eq!(one.try_lock(rig, UNLOCK, (0, 0)), Ok(true), "{kind}");
        assert!(granted(rig, second), "{kind}");
        assert_eq!(rig.client.transport().waiting(), 0, "{kind}: the third one waits still");
        assert_eq!(one.in_the_way(rig, READ, (0, 0)), (WRITE, 5, 10, 2), "{kind}");
        assert_eq!(two.try_lock(rig, UNLOCK, (5, 10)), Ok(true), "{kind}");
        assert!(granted(rig, third), "{kind}");
        // A free one is not waited for.
        let free = three.wait_for(rig, READ, (0, 0));
        assert!(granted(rig, free), "{kind}");
        // Downgrading lets readers in.
        assert_eq!(three.try_lock(rig, WRITE, (0, 0)), Ok(true), "{kind}");
        let reader = one.wait_for(rig, READ, (3, 1));
        assert_eq!(rig.client.transport().waiting(), 0, "{kind}");
        assert_eq!(three.try_lock(rig, READ, (0, 0)), Ok(true), "{kind}");
        assert!(granted(rig, reader), "{kind}");
    });
}

#[test]
fn a_flush_ends_the_waiting() {
    on_each(|kind, server| {
        let rig = &mut Rig::new(Local::new(server));
        let (one, two) = two(rig);
        assert_eq!(one.try_lock(rig, WRITE, (0, 0)), Ok(true), "{kind}");
        let tag = two.wait_for(rig, WRITE, (0, 0));
        assert!(!rig.client.flush(tag).expect("flushed"), "{kind}: it was not answered");
        assert_eq!(one.try_lock(rig, UNLOCK, (0, 0)), Ok(true), "{kind}");
        assert_eq!(rig.client.transport().waiting(), 0, "{kind}: and never will be");
        assert_eq!(one.in_the_way(rig, WRITE, (0, 0)), (UNLOCK, 0, 0, 1), "{kind}");
        // One that came before the flush stands.
        assert_eq!(one.try_lock(rig, WRITE, (0, 0)), Ok(true), "{kind}");
        let tag = two.wait_for(rig, WRITE, (0, 0));
        assert_eq!(one.try_lock(rig, UNLOCK, (0, 0)), Ok(true), "{kind}");
        assert!(rig.client.flush(tag).expect("flushed"), "{kind}: it was answered");
        assert!(granted(rig, tag), "{kind}");
        // A flush of nothing is answered, too.
        assert!(!rig.client.flush(999).expect("flushed"), "{kind}");
    });
}

#[test]
fn a_lock_goes_with_its_fid() {
    on_each(|kind, server| {
        let rig = &mut Rig::new(Local::new(server));
        let (one, two) = two(rig);
        assert_eq!(one.try_lock(rig, WRITE, (0, 0)), Ok(true), "{kind}");
        let tag = two.wait_for(rig, WRITE, (0, 0));
        rig.clunk(one.fid).expect("closed");
        assert!(granted(rig, tag), "{kind}");
        // Who waits through a fid that is closed waits in vain, and hears of it.
        let three = Process { fid: rig.open("f", RDWR).expect("opened"), process: 3 };
        let tag = three.wait_for(rig, WRITE, (0, 0));
        rig.clunk(three.fid).expect("closed");
        assert_eq!(rig.client.wait(tag).map(|_| ()).map_err(errno), Err(EINTR), "{kind}");
    });
}

#[test]
fn a_lock_goes_with_its_connection() {
    on_each(|kind, server| {
        let mut one = Rig::new(Local::new(server));
        let mut two = Rig::new(Local::new(server));
        let mine = Process { fid: one.create("f"), process: 1 };
        let theirs = Process { fid: two.open("f", RDWR).expect("opened"), process: 1 };
        assert_eq!(mine.try_lock(&mut one, WRITE, (0, 0)), Ok(true), "{kind}");
        let tag = theirs.wait_for(&mut two, WRITE, (0, 0));
        drop(one);
        assert!(granted(&mut two, tag), "{kind}");
        // One that waits when it goes is forgotten.
        let mut three = Rig::new(Local::new(server));
        let last = Process { fid: three.open("f", RDWR).expect("opened"), process: 1 };
        last.wait_for(&mut three, WRITE, (0, 0));
        drop(three);
        assert_eq!(theirs.try_lock(&mut two, UNLOCK, (0, 0)), Ok(true), "{kind}");
        assert_eq!(theirs.in_the_way(&mut two, WRITE, (0, 0)), (UNLOCK, 0, 0, 1), "{kind}");
        // A connection that begins anew lets go, too, and is not answered any more.
        let mut four = Rig::new(Local::new(server));
        let again = Process { fid: four.open("f", RDWR).expect("opened"), process: 1 };
        assert_eq!(again.try_lock(&mut four, WRITE, (0, 10)), Ok(true), "{kind}");
        let tag = theirs.wait_for(&mut two, WRITE, (0, 0));
        let version = Request::Tversion { msize: 8192, version: b"9P2000.L" };
        four.client.call(&version).expect("anew");
        assert!(granted(&mut two, tag), "{kind}");
    });
}

#[test]
fn those_who_wait_for_each_other_are_told() {
    on_each(|kind, server| {
        let rig = &mut Rig::new(Local::new(server));
        let (one, two) = two(rig);
        let three = Process { fid: rig.open("f", RDWR).expect("opened"), process: 3 };
        for (process, at) in [(one, 0), (two, 1), (three, 2)] {
            assert_eq!(process.try_lock(rig, WRITE, (at, 1)), Ok(true), "{kind}");
        }
        let first = one.wait_for(rig, WRITE, (1, 1));
        let second = two.wait_for(rig, WRITE, (2, 1));
        let third = three.wait_for(rig, WRITE, (0, 1));
        assert_eq!(rig.client.wait(third).map(|_| ()).map_err(errno), Err(EDEADLK), "{kind}");
        assert_eq!(three.try_lock(rig, UNLOCK, (0, 0)), Ok(true), "{kind}");
        assert!(granted(rig, second), "{kind}");
        assert_eq!(two.try_lock(rig, UNLOCK, (0, 0)), Ok(true), "{kind}");
        assert!(granted(rig, first), "{kind}");
    });
}

#[test]
fn odd_locks_are_refused() {
    on_each(|kind, server| {
        let rig = &mut Rig::new(Local::new(server));
        let (one, _) = two(rig);
        for (request, wanted) in [
            (one.request(3, 0, (0, 0)), EINVAL),
            (one.request(WRITE, 4, (0, 0)), EINVAL),
            (one.request(WRITE, 0, (u64::MAX, 2)), EOVERFLOW),
            (one.request(UNLOCK, 0, (2, u64::MAX)), EOVERFLOW),
            (Process { fid: 999, ..one }.request(WRITE, 0, (0, 0)), EBADF),
            (Process { fid: ROOT, ..one }.request(WRITE, 0, (0, 0)), EINVAL),
        ] {
            assert_eq!(rig.ask(&request), Err(wanted), "{kind}: {request:?}");
        }
        // A directory can be locked, too.
        let directory = Process { fid: rig.open("", 0).expect("opened"), process: 1 };
        assert_eq!(directory.try_lock(rig, WRITE, (0, 0)), Ok(true), "{kind}");
    });
}

#[test]
fn waiting_has_a_limit() {
    let limits = Limits { outstanding: 3, ..Limits::default() };
    let server = Server::new(table(memory(), false)).limits(limits);
    let rig = &mut Rig::new(Local::new(&server));
    let (one, two) = two(rig);
    assert_eq!(one.try_lock(rig, WRITE, (0, 0)), Ok(true));
    let tags: Vec<_> = (0..4).map(|at| two.wait_for(rig, WRITE, (at, 1))).collect();
    assert_eq!(rig.client.wait(tags[3]).map(|_| ()).map_err(errno), Err(ENOLCK));
    assert_eq!(one.try_lock(rig, UNLOCK, (0, 0)), Ok(true));
    for tag in &tags[..3] {
        assert!(granted(rig, *tag));
    }
}
