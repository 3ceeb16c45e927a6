//! Messages that no client sends: each is answered, or ends the connection, and none does
//! harm. A failure prints the seed with which it comes again.

use wasi_opfs::door::p9::{Data, Handled, Reply, Request, Server, Way};
use wasi_opfs::path::{Name, Part};

use crate::play;
use crate::play::changes;
use crate::rig::{
    CREAT, EINVAL, EMSGSIZE, ENAMETOOLONG, ENOENT, EOPNOTSUPP, Local, RDWR, ROOT, Rig, memory,
    name, rig, table, way, with_each,
};

/// One of each kind of request.
fn all() -> Vec<Request<'static>> {
    let n = || name(b"name");
    let (fid, gid, mode, flags) = (1000, 0, 0o100_644, 0);
    vec![
        Request::Tstatfs { fid },
        Request::Tlopen { fid, flags },
        Request::Tlcreate { fid, name: n(), flags, mode, gid },
        Request::Tsymlink { fid, name: n(), target: b"target", gid },
        Request::Tmknod { fid, name: n(), mode, major: 1, minor: 2, gid },
        Request::Trename { fid, directory: 1001, name: n() },
        Request::Treadlink { fid },
        Request::Tgetattr { fid, mask: 0x7ff },
        changes(fid, 1, mode, 0),
        Request::Txattrwalk { fid, new_fid: 1002, name: b"user.a" },
        Request::Txattrcreate { fid, name: b"user.a", size: 1, flags },
        Request::Treaddir { fid, offset: 0, count: 100 },
        Request::Tfsync { fid, data_only: 0 },
        Request::Tlock { fid, kind: 0, flags, start: 0, length: 0, process: 1, client: b"host" },
        Request::Tgetlock { fid, kind: 0, start: 0, length: 0, process: 1, client: b"host" },
        Request::Tlink { directory: 1001, fid, name: n() },
        Request::Tmkdir { fid, name: n(), mode: 0o40_755, gid },
        Request::Trenameat { fid, name: n(), to: 1001, new_name: n() },
        Request::Tunlinkat { fid, name: n(), flags },
        Request::Tauth { fid, user: b"root", export: b"", uid: 0 },
        Request::Tattach { fid: ROOT, auth: 5, user: b"root", export: b"", uid: 0 },
        Request::Twalk { fid, new_fid: 1002, way: way(b"a/../b") },
        Request::Tread { fid, offset: 0, count: 10 },
        Request::Twrite { fid, offset: 0, data: Data(b"data") },
        Request::Tclunk { fid },
        Request::Tremove { fid },
        Request::Tflush { old_tag: 77 },
        Request::Tversion { msize: 8192, version: b"9P2000.L" },
    ]
}

#[test]
fn the_list_above_is_whole() {
    let mut numbers: Vec<_> = all().iter().map(Request::number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, Request::NUMBERS);
}

#[test]
fn every_message_comes_back_as_it_went() {
    for request in all() {
        let mut message = Vec::new();
        request.encode(0x1234, &mut message);
        assert_eq!(Request::decode(&message), Ok((0x1234, request)));
    }
}

fn error(reply: &[u8]) -> Option<(u16, u32)> {
    match Reply::decode(reply) {
        Ok((tag, Reply::Rlerror { errno })) => Some((tag, errno)),
        _ => None,
    }
}

/// A message with the length that it has.
fn sealed(mut message: Vec<u8>) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("short");
    message[..4].copy_from_slice(&length.to_le_bytes());
    message
}

#[test]
fn a_message_that_is_cut_is_refused() {
    let mut rig = rig();
    let local = rig.client.transport();
    for request in all() {
        let mut message = Vec::new();
        request.encode(7, &mut message);
        for length in 0..message.len() {
            // Cut, once with the old length in front and once with the right one.
            let cut = message[..length].to_vec();
            for cut in [cut.clone(), if length < 4 { cut } else { sealed(cut) }] {
                let (handled, reply) = local.raw(&cut);
                if length < 7 {
                    assert_eq!(handled, Handled::Broken, "{request:?} to {length}");
                } else {
                    let wanted = Some((7, EINVAL));
                    assert_eq!(error(&reply), wanted, "{request:?} to {length}");
                }
            }
        }
        let mut long = message.clone();
        long.push(0);
        for long in [long.clone(), sealed(long)] {
            let (_, reply) = local.raw(&long);
            assert_eq!(error(&reply), Some((7, EINVAL)), "{request:?} and more");
        }
    }
    assert!(rig.attr(ROOT).is_ok(), "the connection works still");
}

#[test]
fn what_is_no_request_is_answered() {
    let mut rig = rig();
    for number in 0..=u8::MAX {
        if Request::NUMBERS.contains(&number) {
            continue;
        }
        let (handled, reply) = rig.client.transport().raw(&[7, 0, 0, 0, number, 9, 0]);
        assert_eq!((handled, error(&reply)), (Handled::Replied, Some((9, EOPNOTSUPP))), "{number}");
    }
    // A length that says less than a header has.
    for length in 0..7 {
        let (handled, _) = rig.client.transport().raw(&[length, 0, 0, 0, 8, 9, 0, 0, 0, 0, 0]);
        assert_eq!(handled, Handled::Broken);
    }
}

#[test]
fn a_message_that_is_too_long_is_answered() {
    let mut rig = rig();
    let data = vec![0; 8192];
    let mut message = Vec::new();
    Request::Twrite { fid: ROOT, offset: 0, data: Data(&data) }.encode(3, &mut message);
    let (handled, reply) = rig.client.transport().raw(&message);
    assert_eq!((handled, error(&reply)), (Handled::Replied, Some((3, EMSGSIZE))));
    assert!(rig.attr(ROOT).is_ok());
}

#[test]
fn names_are_checked_wherever_they_stand() {
    with_each(|kind, rig| {
        let long = [b'n'; 256];
        // What takes the place of the name that is in each of these.
        for (bad, wanted) in [
            (&b""[..], ENOENT),
            (b".", EINVAL),
            (b"..", EINVAL),
            (b"a/b", EINVAL),
            (b"/", EINVAL),
            (b"a\0", EINVAL),
            (&long, ENAMETOOLONG),
        ] {
            for request in all() {
                let mut message = Vec::new();
                request.encode(7, &mut message);
                let good = b"\x04\0name";
                let Some(at) = message.windows(6).position(|window| window == good) else {
                    continue;
                };
                let mut bad_message = message[..at].to_vec();
                bad_message.extend(u16::try_from(bad.len()).expect("short").to_le_bytes());
                bad_message.extend(bad);
                bad_message.extend(&message[at + 6..]);
                let (_, reply) = rig.client.transport().raw(&sealed(bad_message));
                assert_eq!(error(&reply), Some((7, wanted)), "{kind}: {} {bad:?}", request.name());
            }
        }
    });
}

#[test]
fn a_walk_is_bounded() {
    let mut rig = rig();
    rig.mkdir("d");
    let mut steps = |count: u32| {
        let way: Way = (0..count).map(|_| Part::Up).collect();
        rig.ask(&Request::Twalk { fid: ROOT, new_fid: 50 + count, way }).map(|_| ())
    };
    assert_eq!(steps(16), Ok(()));
    assert_eq!(steps(17), Err(EINVAL));
    let mut message = Vec::new();
    Request::Twalk { fid: ROOT, new_fid: 90, way: way(b"d") }.encode(7, &mut message);
    for (at, replaced) in [(b"\x01\0d", b"\x01\0."), (b"\x01\0d", b"\x01\0/")] {
        let start = message.windows(3).rposition(|window| window == at).expect("there");
        let mut odd = message.clone();
        odd[start..start + 3].copy_from_slice(replaced);
        let (_, reply) = rig.client.transport().raw(&odd);
        assert_eq!(error(&reply), Some((7, EINVAL)));
    }
    // More names than there are bytes.
    let count = message.len() - 5;
    message[count..count + 2].copy_from_slice(&[16, 0]);
    let (_, reply) = rig.client.transport().raw(&message);
    assert_eq!(error(&reply), Some((7, EINVAL)));
}

/// Marsaglia's xorshift: a test needs no better one.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 16) % bound
    }
}

/// Random changes of real messages, and random bytes: each has its one answer.
fn torture(server: &Server, seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut rig = Rig::new(Local::new(server));
    for fid in 1000..1003 {
        let request = Request::Twalk { fid: ROOT, new_fid: fid, way: Way::new() };
        rig.ask(&request).expect("cloned");
    }
    let mut messages = all();
    let some = Name::new(b"f").expect("a name");
    for fid in [ROOT, 1000, 1001, 1002] {
        messages.extend([
            Request::Tlcreate { fid, name: some.clone(), flags: RDWR | CREAT, mode: 0o644, gid: 0 },
            Request::Tlopen { fid, flags: 0 },
            Request::Twalk { fid, new_fid: 1002, way: way(b"f") },
            Request::Treaddir { fid, offset: 0, count: 500 },
        ]);
    }
    let local = rig.client.transport();
    let mut later = 0;
    for step in 0..2000 {
        let mut message = Vec::new();
        let index = usize::try_from(random.below(messages.len() as u64)).expect("few");
        // A version more often would undo too much.
        if matches!(messages[index], Request::Tversion { .. }) && random.below(20) > 0 {
            continue;
        }
        messages[index].encode(u16::try_from(step).expect("few"), &mut message);
        for _ in 0..random.below(4) {
            let at = 7 + usize::try_from(random.below(message.len() as u64)).expect("short");
            if let Some(byte) = message.get_mut(at) {
                *byte = match random.below(3) {
                    0 => random.next().to_le_bytes()[3],
                    1 => byte.wrapping_add(1),
                    _ => 0,
                };
            }
        }
        let (handled, reply) = local.raw(&message);
        match handled {
            Handled::Replied => {
                let (tag, _) = Reply::decode(&reply).unwrap_or_else(|malformed| {
                    panic!("seed {seed}, step {step}: {malformed:?} in {reply:?}")
                });
                assert_eq!(usize::from(tag), step, "seed {seed}");
                assert!(reply.len() <= 8192, "seed {seed}, step {step}");
            }
            Handled::Later => later += 1,
            Handled::Broken => panic!("seed {seed}, step {step}: {message:?}"),
        }
    }
    assert!(local.waiting() <= later, "seed {seed}: no more than one answer for each");
}

#[test]
fn no_message_does_harm() {
    for seed in 1..=seeds(20) {
        torture(&Server::new(table(memory(), false)), seed);
    }
}

/// Random bytes, as a fuzzer makes them.
fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    (0..length).map(|_| random.next().to_le_bytes()[5]).collect()
}

fn seeds(few: u64) -> u64 {
    std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(few)
}

#[test]
fn random_sessions_are_what_the_model_says() {
    for seed in 1..=seeds(200) {
        let played = std::panic::catch_unwind(|| play::session(&bytes(seed, 3000)));
        assert!(played.is_ok(), "seed {seed}");
    }
}

#[test]
fn random_bytes_are_answered() {
    for seed in 1..=seeds(100) {
        let played = std::panic::catch_unwind(|| play::wire(&bytes(seed, 600)));
        assert!(played.is_ok(), "seed {seed}");
    }
}
