//! Connections over streams, and the client that asks.

use std::io::{self, ErrorKind, PipeReader, PipeWriter, Read, Write};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use wasi_opfs::TraceEvent;
use wasi_opfs::door::p9::client::Streams;
use wasi_opfs::door::p9::{Data, Reply, Request, Server, serve};

use crate::rig::{CREAT, EMSGSIZE, Local, RDWR, ROOT, Rig, memory, on_each, table};

type Piped = Streams<PipeReader, PipeWriter>;

/// A client at one end, a thread that serves it at the other.
fn connect(server: &Server, msize: u32) -> (Rig<Piped>, JoinHandle<io::Result<()>>) {
    let ((from_client, to_server), (from_server, to_client)) =
        (io::pipe().expect("a pipe"), io::pipe().expect("a pipe"));
    let server = server.clone();
    let thread = thread::spawn(move || serve(&server, from_client, to_client));
    (Rig::sized(Streams::new(from_server, to_server, 1 << 20), msize), thread)
}

#[test]
fn several_are_served_at_once() {
    on_each(|kind, server| {
        let work = |number: u8| {
            let shared = server.clone();
            move || {
                let (mut rig, served) = connect(&shared, 65_536);
                let own = format!("d{number}");
                rig.mkdir(&own);
                let d = rig.walk(&own).expect("walked");
                for file in 0..50 {
                    let file = format!("f{file}");
                    let fid = rig.create_in(d, file.as_bytes(), RDWR | CREAT).expect("made");
                    let content = vec![number; 20_000];
                    assert_eq!(rig.write(fid, 0, &content), Ok(20_000));
                    assert_eq!(rig.read(fid, 0, 30_000), Ok(content));
                    rig.clunk(fid).expect("closed");
                }
                assert_eq!(rig.names(&own).len(), 50);
                drop(rig);
                served.join().expect("no panic").expect("served to the end");
            }
        };
        let threads: Vec<_> = (0..4).map(|number| thread::spawn(work(number))).collect();
        for thread in threads {
            thread.join().expect("no panic");
        }
        let mut rig = Rig::new(Local::new(server));
        assert_eq!(rig.names("").len(), 4, "{kind}");
    });
}

#[test]
fn a_lock_is_answered_late_while_others_work() {
    let server = Server::new(table(memory(), false));
    let (mut one, served_one) = connect(&server, 8192);
    let (mut two, served_two) = connect(&server, 8192);
    let mine = one.create("f");
    let theirs = two.open("f", RDWR).expect("opened");
    let lock = |fid, kind, flags| Request::Tlock {
        fid,
        kind,
        flags,
        start: 0,
        length: 0,
        process: 1,
        client: b"host",
    };
    assert_eq!(one.ask(&lock(mine, 1, 1)), Ok(Reply::Rlock { status: 0 }));
    let tag = two.client.send(&lock(theirs, 1, 1)).expect("sent");
    assert!(two.attr(ROOT).is_ok());
    let waiter = thread::spawn(move || {
        assert!(matches!(two.client.wait(tag), Ok(Reply::Rlock { status: 0 })));
        two
    });
    thread::sleep(std::time::Duration::from_millis(20));
    assert!(!waiter.is_finished());
    one.clunk(mine).expect("closed");
    let mut two = waiter.join().expect("granted");
    // And one that is flushed.
    let mine = one.open("f", RDWR).expect("opened");
    let tag = one.client.send(&lock(mine, 0, 1)).expect("sent");
    assert!(!one.client.flush(tag).expect("flushed"));
    two.clunk(theirs).expect("closed");
    drop((one, two));
    for served in [served_one, served_two] {
        served.join().expect("no panic").expect("served to the end");
    }
}

/// Bytes that come in pieces of `piece`.
struct Pieces(Vec<u8>, usize, usize);

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = &self.0[self.1..];
        let count = rest.len().min(self.2).min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.1 += count;
        Ok(count)
    }
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(from);
        Ok(from.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn answers(kept: &Kept) -> Vec<(u16, Option<u32>)> {
    let bytes = kept.0.lock().expect("no panic").clone();
    let mut rest = &bytes[..];
    let mut answers = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
        let (tag, reply) = Reply::decode(&rest[..length]).expect("a reply");
        let errno = match reply {
            Reply::Rlerror { errno } => Some(errno),
            _ => None,
        };
        answers.push((tag, errno));
        rest = &rest[length..];
    }
    answers
}

#[test]
fn messages_are_found_however_they_come() {
    let mut bytes = Vec::new();
    let mut put = |tag, request: &Request<'_>| {
        let mut message = Vec::new();
        request.encode(tag, &mut message);
        bytes.extend(message);
    };
    let long = vec![1; 9000];
    put(1, &Request::Tversion { msize: 8192, version: b"9P2000.L" });
    put(2, &Request::Tattach { fid: 0, auth: u32::MAX, user: b"", export: b"", uid: 0 });
    put(3, &Request::Tgetattr { fid: 0, mask: 0x7ff });
    // Longer than agreed: refused, and what follows is found.
    put(4, &Request::Twrite { fid: 0, offset: 0, data: Data(&long) });
    put(5, &Request::Tgetattr { fid: 0, mask: 0x7ff });
    for piece in [1, 2, 3, 7, 8, 100, 5000, 1 << 20] {
        let server = Server::new(table(memory(), false));
        let kept = Kept::default();
        serve(&server, Pieces(bytes.clone(), 0, piece), kept.clone()).expect("served");
        let wanted = [(1, None), (2, None), (3, None), (4, Some(EMSGSIZE)), (5, None)];
        assert_eq!(answers(&kept), wanted, "in pieces of {piece}");
    }
    // The end may come anywhere.
    for length in 0..bytes.len() {
        let server = Server::new(table(memory(), false));
        serve(&server, Pieces(bytes[..length].to_vec(), 0, 4096), Kept::default()).expect("served");
    }
}

#[test]
fn what_is_not_9p_ends_the_connection() {
    let server = Server::new(table(memory(), false));
    let kept = Kept::default();
    let text = b"\x03\0\0\0GET / HTTP/1.1\r\n\r\n".to_vec();
    let error = serve(&server, Pieces(text, 0, 100), kept.clone()).expect_err("no 9P");
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert_eq!(answers(&kept), []);
}

#[test]
fn requests_are_traced() {
    let lines = Arc::<Mutex<Vec<String>>>::default();
    let log = lines.clone();
    let tracer = Arc::new(move |event: &TraceEvent<'_>| {
        let line = event.to_string();
        // Without the time, which is another one each time.
        let (line, _) = line.rsplit_once(",\"us\"").expect("a time");
        log.lock().expect("no panic").push(line.to_owned());
    });
    let server = Server::new(table(memory(), false)).trace(tracer);
    let mut rig = Rig::new(Local::new(&server));
    rig.file("f", b"text");
    assert_eq!(rig.walk("g/h"), Err(2));
    let _ = rig.rename("f", "g");
    let fid = rig.open("g", 0).expect("opened");
    rig.read(fid, 1, 100).expect("read");
    let _ = rig.client.transport().raw(&[7, 0, 0, 0, 114, 9, 0]);
    let told = lines.lock().expect("no panic").clone();
    let wanted = [
        r#"{"call":"Tversion","path":"9P2000.L","length":8192,"answer":"ok""#,
        r#"{"call":"Tattach","descriptor":0,"path":"","answer":"ok""#,
        r#"{"call":"Twalk","descriptor":0,"path":"","answer":"ok""#,
        r#"{"call":"Tlcreate","descriptor":2,"path":"f","answer":"ok""#,
        r#"{"call":"Twrite","descriptor":2,"offset":0,"length":4,"answer":"ok","result":4"#,
        r#"{"call":"Tclunk","descriptor":2,"answer":"ok""#,
        r#"{"call":"Twalk","descriptor":0,"path":"g/h","answer":"no-entry""#,
        r#"{"call":"Trenameat","descriptor":0,"path":"f","to":"g","answer":"ok""#,
        r#"{"call":"Twalk","descriptor":0,"path":"g","answer":"ok""#,
        r#"{"call":"Tlopen","descriptor":4,"answer":"ok""#,
        r#"{"call":"Tread","descriptor":4,"offset":1,"length":100,"answer":"ok","result":3"#,
        r#"{"call":"malformed","length":114,"answer":"unsupported""#,
    ];
    assert_eq!(told, wanted);
}
