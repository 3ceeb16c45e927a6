//! `serve 9p`: what it says, whom it serves, and how it ends.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use wasi_opfs::door::p9::client::{Client, Streams, Transport};
use wasi_opfs::door::p9::{Data, NO_FID, Request, Way};
use wasi_opfs::path::Name;

use crate::place::{Place, code, stderr};

/// A server that was started, and where it listens.
struct Serving {
    child: Child,
    lines: BufReader<std::process::ChildStderr>,
}

impl Serving {
    fn start(place: &Place, arguments: &[&str]) -> Self {
        Self::of(place.start(&[&["serve", "9p"], arguments].concat()))
    }

    fn of(mut command: Command) -> Self {
        command.stderr(Stdio::piped());
        let mut child = command.spawn().expect("started");
        let lines = BufReader::new(child.stderr.take().expect("piped"));
        Self { child, lines }
    }

    /// The next address that it says it listens at.
    fn address(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("wasi-opfs: listening at ");
        address.unwrap_or_else(|| panic!("{line}")).to_owned()
    }

    /// Sends a signal, and waits for the end: the exit code, and what else it said.
    fn end(mut self, signal: &str) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().expect("kill");
        assert!(sent.success());
        let patience = Instant::now() + Duration::from_secs(20);
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("waited for") {
                break status;
            }
            assert!(Instant::now() < patience, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        };
        let mut said = String::new();
        self.lines.read_to_string(&mut said).expect("text");
        (status.code(), said)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Has ended already, unless a test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn attached<T: Transport>(transport: T, export: &[u8]) -> Client<T> {
    let mut client = Client::new(transport);
    client.call(&Request::Tversion { msize: 65_536, version: b"9P2000.L" }).expect("agreed");
    let attach = Request::Tattach { fid: 0, auth: NO_FID, user: b"root", export, uid: 0 };
    client.call(&attach).expect("attached");
    client
}

fn tcp(address: &str) -> Streams<TcpStream, TcpStream> {
    let address = address.strip_prefix("tcp:").expect("an address");
    let stream = TcpStream::connect(address).expect("connected");
    Streams::new(stream.try_clone().expect("another"), stream, 1 << 20)
}

fn unix(place: &Place, name: &str) -> Streams<UnixStream, UnixStream> {
    let stream = UnixStream::connect(place.path(name)).expect("connected");
    Streams::new(stream.try_clone().expect("another"), stream, 1 << 20)
}

fn name(text: &str) -> Name {
    Name::new(text.as_bytes()).expect("a name")
}

/// Makes a file with a content in it.
fn make<T: Transport>(client: &mut Client<T>, file: &str, content: &[u8]) {
    let way = Way::new();
    client.call(&Request::Twalk { fid: 0, new_fid: 1, way }).expect("cloned");
    let create =
        Request::Tlcreate { fid: 1, name: name(file), flags: 0o102, mode: 0o100_666, gid: 0 };
    client.call(&create).expect("made");
    client.call(&Request::Twrite { fid: 1, offset: 0, data: Data(content) }).expect("written");
    client.call(&Request::Tclunk { fid: 1 }).expect("closed");
}

#[test]
fn many_are_served_at_every_address_until_a_signal_comes() {
    for signal in ["-INT", "-TERM", "-HUP", "-QUIT"] {
        let place = Place::new(&[]);
        std::fs::create_dir(place.path("shared")).expect("a folder");
        let mut serving = Serving::start(
            &place,
            &[
                "--listen",
                "tcp:127.0.0.1:0",
                "--listen",
                "unix:9p.sock",
                "--mount",
                "/=volume:app.volume",
                "--mount",
                "shared=dir:shared",
                "--owner",
                "0:0",
                "--trace=trace.jsonl",
            ],
        );
        let address = serving.address();
        assert_eq!(serving.address(), "unix:9p.sock");
        let mut one = attached(tcp(&address), b"");
        let mut two = attached(unix(&place, "9p.sock"), b"");
        let mut three = attached(tcp(&address), b"shared");
        make(&mut one, "from-one", b"1");
        make(&mut two, "from-two", b"2");
        make(&mut three, "from-three", b"3");
        // Nobody has closed anything.
        let (code, said) = serving.end(signal);
        assert_eq!((code, said.as_str()), (Some(0), ""), "{signal}");
        assert_eq!(place.text("shared/from-three"), "3");
        let mode = place.path("shared/from-three").metadata().expect("known").mode();
        assert_eq!(mode & 0o777, 0o666, "no bit is taken away here");
        assert!(!place.path("9p.sock").exists(), "{signal}");
        let listed = place.ask(&["ls", "/", "--mount", "/=volume:app.volume"]);
        assert!(listed.contains("from-one") && listed.contains("from-two"), "{listed}");
        let trace = place.text("trace.jsonl");
        assert!(trace.lines().count() > 15, "{trace}");
        assert!(trace.contains(r#""call":"Tlcreate","descriptor":1,"path":"from-two""#), "{trace}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_that_goes_does_not_end_what_is_to_stay() {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]).arg(env!("CARGO_BIN_EXE_wasi-opfs"));
    command.args(["serve", "9p", "--listen", "tcp:127.0.0.1:0", "--mount", "/=memory"]);
    let mut serving = Serving::of(command);
    let address = serving.address();
    let hangup = Command::new("kill").args(["-HUP", &serving.child.id().to_string()]).status();
    assert!(hangup.expect("kill").success());
    std::thread::sleep(Duration::from_millis(100));
    make(&mut attached(tcp(&address), b""), "f", b"");
    assert_eq!(serving.end("-TERM").0, Some(0));
}

#[test]
fn who_speaks_something_else_is_sent_away_and_others_stay() {
    let place = Place::new(&[]);
    let arguments = ["--listen", "tcp:127.0.0.1:0", "--mount", "/=memory"];
    let mut serving = Serving::start(&place, &arguments);
    let address = serving.address();
    let mut client = attached(tcp(&address), b"");
    // What says it has no length; and one that would be half a GiB long, as a browser's is.
    for text in [&b"\x05\0\0\0hello there"[..], b"GET / HTTP/1.1\r\n\r\n"] {
        let mut other = TcpStream::connect(&address[4..]).expect("connected");
        std::io::Write::write_all(&mut other, text).expect("sent");
        let mut answer = Vec::new();
        // What it has said may come back as unread.
        let _ = other.read_to_end(&mut answer);
        assert_eq!(answer, b"");
    }
    make(&mut client, "f", b"");
    let (code, said) = serving.end("-INT");
    assert_eq!(code, Some(0));
    assert!(said.contains("is sent away: what came is not 9P"), "{said}");
}

#[test]
fn a_socket_that_was_left_is_taken_and_one_in_use_is_not() {
    let place = Place::new(&[]);
    drop(std::os::unix::net::UnixListener::bind(place.path("9p.sock")).expect("bound"));
    assert!(place.path("9p.sock").exists());
    let arguments = ["--listen", "unix:9p.sock", "--mount", "/=memory"];
    let mut serving = Serving::start(&place, &arguments);
    assert_eq!(serving.address(), "unix:9p.sock");
    let second = place.tool(&[&["serve", "9p"], &arguments[..]].concat());
    assert_eq!(code(&second), 1);
    assert!(stderr(&second).contains("cannot listen at unix:9p.sock"), "{}", stderr(&second));
    drop(attached(unix(&place, "9p.sock"), b""));
    // What is no socket stays.
    place.write("file", "text");
    let third = place.tool(&["serve", "9p", "--listen", "unix:file", "--mount", "/=memory"]);
    assert_eq!(code(&third), 1);
    assert_eq!(place.text("file"), "text");
    assert_eq!(serving.end("-TERM").0, Some(0));
}

#[test]
fn what_is_wrong_is_said_before_anybody_is_served() {
    let place = Place::new(&[]);
    for (listen, mount, exit, wanted) in [
        ("tcp:0.0.0.0:5640", "/=memory", 1, "say --expose"),
        ("tcp:localhost", "/=memory", 2, "give one as 127.0.0.1:5640"),
        ("udp:127.0.0.1:1", "/=memory", 2, "tcp:127.0.0.1:5640 or unix:PATH"),
        ("unix:", "/=memory", 2, "tcp:127.0.0.1:5640 or unix:PATH"),
        ("tcp:127.0.0.1:0", "/=dir:none", 1, "cannot open the directory 'none'"),
        ("tcp:127.0.0.1:0", "/=tree", 2, "is for the browser"),
    ] {
        let output =
            place.tool(&["serve", "9p", "--listen", listen, "--mount", mount, "--owner", "0:0"]);
        assert_eq!(code(&output), exit, "{listen}: {}", stderr(&output));
        assert!(stderr(&output).contains(wanted), "{listen}: {}", stderr(&output));
    }
    let help = place.ask(&["serve", "9p", "--help"]);
    assert!(help.contains("Nobody is asked who they are"), "{help}");
    assert!(help.contains("cache=none"), "{help}");
}
