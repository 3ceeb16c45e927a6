//! What the program does, whichever version its bindings are of. There is no standard library
//! of WASI under it, which would import a version of its own: a panic is written to stderr by
//! the bindings, too.

use crate::bindings::wasi;
use wasi::cli::{environment, stderr, stdin, stdout};
use wasi::cli::{terminal_stderr, terminal_stdin, terminal_stdout};
use wasi::clocks::{monotonic_clock, wall_clock};
use wasi::filesystem::preopens::get_directories;
use wasi::filesystem::types::{
    Advice, Descriptor, DescriptorFlags, DescriptorType, ErrorCode, NewTimestamp, OpenFlags,
    PathFlags, filesystem_error_code,
};
use wasi::io::poll::poll;
use wasi::io::streams::{OutputStream, StreamError};
use wasi::random::{insecure, insecure_seed, random};

const FOLLOW: PathFlags = PathFlags::SYMLINK_FOLLOW;
const NOFOLLOW: PathFlags = PathFlags::empty();
const READ: DescriptorFlags = DescriptorFlags::READ;
const WRITE: DescriptorFlags = DescriptorFlags::WRITE;
const BOTH: DescriptorFlags = READ.union(WRITE);

/// Ends by `exit` with the code that the first argument is, or 0.
pub(crate) fn run(exit: fn(u8)) -> Result<(), ()> {
    std::panic::set_hook(Box::new(|panic| {
        let message = format!("{panic}\n");
        let _ = stderr::get_stderr().blocking_write_and_flush(message.as_bytes());
        wasi::cli::exit::exit(Err(()));
    }));
    command_line();
    clocks();
    random_bytes();
    let (work, _) = get_directories()
        .into_iter()
        .find(|(_, name)| name == "work")
        .expect("a preopen is called 'work'");
    files(&work);
    names(&work);
    links(&work);
    times(&work);
    streams(&work);
    failures(&work);
    standard_streams();
    let code = environment::get_arguments().get(1).map_or(Ok(0), |code| code.parse());
    exit(code.expect("a number"));
    Err(())
}

/// Whether `what` is declared to be lacking, mostly by the backend under `work`.
fn lacks(what: &str) -> bool {
    let all = environment::get_environment();
    let (_, list) = all.into_iter().find(|(name, _)| name == "LACKS").expect("LACKS is set");
    list.split(',').any(|lacking| lacking == what)
}

fn command_line() {
    assert!(!environment::get_arguments().is_empty(), "a program has a name");
    let _ = environment::initial_cwd();
    assert!(terminal_stdin::get_terminal_stdin().is_none(), "stdin is no terminal");
    assert!(terminal_stdout::get_terminal_stdout().is_none(), "stdout is no terminal");
    let _ = terminal_stderr::get_terminal_stderr();
}

fn clocks() {
    let start = monotonic_clock::now();
    assert!(monotonic_clock::resolution() > 0, "a clock has a resolution");
    // The shim of a page has a `poll` that only a program with JSPI can call.
    let waits = !lacks("waiting");
    let wait = if waits { 2_000_000 } else { 0 };
    let soon = monotonic_clock::subscribe_duration(wait);
    let later = monotonic_clock::subscribe_instant(start + 3_600_000_000_000);
    if waits {
        assert_eq!(poll(&[&later, &soon]), [1], "the first of two instants comes first");
    }
    soon.block();
    assert!(soon.ready() && !later.ready(), "an instant is ready when it has come");
    assert!(monotonic_clock::now() >= start + wait, "time goes on");
    assert!(wall_clock::now().seconds > 1_700_000_000, "it is later than 2023");
    let _ = wall_clock::resolution();
}

fn random_bytes() {
    assert_eq!(random::get_random_bytes(7).len(), 7);
    assert_ne!(random::get_random_u64(), random::get_random_u64());
    assert_eq!(insecure::get_insecure_random_bytes(9).len(), 9);
    assert_ne!(insecure::get_insecure_random_u64(), insecure::get_insecure_random_u64());
    let _ = insecure_seed::insecure_seed();
}

fn create(work: &Descriptor, path: &str) -> Descriptor {
    work.open_at(NOFOLLOW, path, OpenFlags::CREATE | OpenFlags::EXCLUSIVE, BOTH).expect(path)
}

fn files(work: &Descriptor) {
    let file = create(work, "file");
    assert_eq!(file.get_type(), Ok(DescriptorType::RegularFile));
    assert_eq!(file.get_flags().map(|flags| flags & BOTH), Ok(BOTH));
    assert_eq!(file.write(b"one two", 0), Ok(7));
    assert_eq!(file.read(3, 4), Ok((b"two".to_vec(), false)));
    assert_eq!(file.read(9, 7), Ok((Vec::new(), true)));
    file.set_size(5).expect("set-size");
    assert_eq!(
        file.stat().map(|stat| (stat.size, stat.type_)),
        Ok((5, DescriptorType::RegularFile))
    );
    file.advise(0, 5, Advice::Sequential).expect("advise");
    file.sync_data().expect("sync-data");
    file.sync().expect("sync");
    let same = work.open_at(FOLLOW, "file", OpenFlags::empty(), READ).expect("open-at");
    assert!(file.is_same_object(&same) && !file.is_same_object(work), "is-same-object");
    let hash = |value: wasi::filesystem::types::MetadataHashValue| (value.lower, value.upper);
    assert_eq!(
        file.metadata_hash().map(hash),
        work.metadata_hash_at(NOFOLLOW, "file").map(hash),
        "metadata-hash and metadata-hash-at",
    );
    assert_eq!(same.write(b"no", 0), Err(ErrorCode::BadDescriptor));
}

fn names(work: &Descriptor) {
    work.create_directory_at("dir").expect("create-directory-at");
    let dir = work.open_at(NOFOLLOW, "dir", OpenFlags::DIRECTORY, READ).expect("open-at");
    assert_eq!(dir.get_type(), Ok(DescriptorType::Directory));
    work.rename_at("file", &dir, "moved").expect("rename-at");
    assert_eq!(work.stat_at(NOFOLLOW, "file").map(drop), Err(ErrorCode::NoEntry));
    assert_eq!(work.stat_at(NOFOLLOW, "dir/moved").map(|stat| stat.size), Ok(5));
    let entries = dir.read_directory().expect("read-directory");
    let entry = entries.read_directory_entry().expect("an entry").expect("one");
    assert_eq!((entry.name.as_str(), entry.type_), ("moved", DescriptorType::RegularFile));
    assert!(entries.read_directory_entry().expect("the end").is_none());
    assert_eq!(work.remove_directory_at("dir"), Err(ErrorCode::NotEmpty));
    dir.unlink_file_at("moved").expect("unlink-file-at");
    drop((dir, entries));
    work.remove_directory_at("dir").expect("remove-directory-at");
}

fn links(work: &Descriptor) {
    drop(create(work, "target"));
    let linked = work.link_at(NOFOLLOW, "target", work, "hard");
    if lacks("hard-links") {
        assert_eq!(linked, Err(ErrorCode::Unsupported));
    } else {
        linked.expect("link-at");
        assert_eq!(work.stat_at(NOFOLLOW, "hard").map(|stat| stat.link_count), Ok(2));
    }
    let linked = work.symlink_at("target", "soft");
    if lacks("symlinks") {
        assert_eq!(linked, Err(ErrorCode::Unsupported));
        assert_eq!(work.readlink_at("target"), Err(ErrorCode::Invalid));
    } else {
        linked.expect("symlink-at");
        assert_eq!(work.readlink_at("soft").as_deref(), Ok("target"));
        let types =
            [NOFOLLOW, FOLLOW].map(|follow| work.stat_at(follow, "soft").map(|stat| stat.type_));
        assert_eq!(types, [Ok(DescriptorType::SymbolicLink), Ok(DescriptorType::RegularFile)]);
    }
}

fn times(work: &Descriptor) {
    let file = create(work, "timed");
    let moment = |seconds| wall_clock::Datetime { seconds, nanoseconds: 0 };
    let set = |seconds| NewTimestamp::Timestamp(moment(seconds));
    let answer = if lacks("set-times") { Err(ErrorCode::Unsupported) } else { Ok(()) };
    assert_eq!(file.set_times(set(1_000), set(1_000)), answer);
    assert_eq!(work.set_times_at(NOFOLLOW, "timed", NewTimestamp::NoChange, set(2_000)), answer);
    if answer.is_ok() {
        let stat = file.stat().expect("stat");
        let modified = stat.data_modification_timestamp.expect("a time");
        assert_eq!((modified.seconds, modified.nanoseconds), (2_000, 0));
    }
}

fn streams(work: &Descriptor) {
    let file = create(work, "streamed");
    let out = file.write_via_stream(0).expect("write-via-stream");
    out.subscribe().block();
    assert!(out.check_write().is_ok_and(|room| room > 0), "check-write");
    out.write(b"0123").expect("write");
    out.flush().expect("flush");
    out.blocking_flush().expect("blocking-flush");
    out.blocking_write_and_flush(b"4567").expect("blocking-write-and-flush");
    assert!(out.check_write().is_ok_and(|room| room > 1), "check-write");
    out.write_zeroes(2).expect("write-zeroes");
    out.blocking_write_zeroes_and_flush(2).expect("blocking-write-zeroes-and-flush");
    file.append_via_stream()
        .expect("append-via-stream")
        .blocking_write_and_flush(b"end")
        .expect("an append");

    let input = file.read_via_stream(1).expect("read-via-stream");
    input.subscribe().block();
    assert_eq!(input.skip(1).ok(), Some(1), "skip");
    assert_eq!(input.blocking_skip(1).ok(), Some(1), "blocking-skip");
    assert_eq!(input.read(2).ok().as_deref(), Some(&b"34"[..]), "read");
    let copy = create(work, "copy");
    let out = copy.write_via_stream(0).expect("write-via-stream");
    assert!(out.check_write().is_ok_and(|room| room > 2), "check-write");
    assert_eq!(out.splice(&input, 2).ok(), Some(2), "splice");
    assert_eq!(out.blocking_splice(&input, 1).ok(), Some(1), "blocking-splice");
    out.blocking_flush().expect("blocking-flush");
    assert_eq!(copy.read(9, 0), Ok((b"567".to_vec(), false)));
    assert_eq!(input.blocking_read(99).ok().as_deref(), Some(&b"\0\0\0\0end"[..]), "blocking-read");
    assert!(matches!(input.read(1), Err(StreamError::Closed)), "a stream ends");
}

/// An error of a stream is one of the file system.
fn failures(work: &Descriptor) {
    let file = work.open_at(NOFOLLOW, "streamed", OpenFlags::empty(), READ).expect("open-at");
    let out = file.write_via_stream(0).expect("write-via-stream");
    match out.blocking_write_and_flush(b"no") {
        Err(StreamError::LastOperationFailed(error)) => {
            assert!(!error.to_debug_string().is_empty(), "an error says something");
            assert_eq!(filesystem_error_code(&error), Some(ErrorCode::BadDescriptor));
        }
        other => panic!("a write that is not allowed: {other:?}"),
    }
    for path in ["..", "/file", "../work/file"] {
        assert_eq!(work.stat_at(FOLLOW, path).map(drop), Err(ErrorCode::NotPermitted), "{path}");
    }
}

fn standard_streams() {
    let input = stdin::get_stdin();
    input.subscribe().block();
    assert!(matches!(input.blocking_read(1), Err(StreamError::Closed)), "stdin is at its end");
    let say = |out: &OutputStream, text: &str| {
        out.blocking_write_and_flush(text.as_bytes()).expect("it is written");
    };
    say(&stdout::get_stdout(), "said\n");
    say(&stderr::get_stderr(), "");
}
