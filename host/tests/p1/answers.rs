//! What single calls are answered that the standard libraries of guests do not make, or not
//! in this way.

use std::sync::Arc;

use wasi_opfs::backend::Backend;
use wasi_opfs::backend::dir::Dir;
use wasi_opfs::backend::volume::Volume;
use wasmtime::{Engine, Val};

use crate::caller::{Caller, PATHS, module, table};

const BADF: i32 = 8;
const ILSEQ: i32 = 25;
const INVAL: i32 = 28;
const ISDIR: i32 = 31;
const NAMETOOLONG: i32 = 37;
const NOTDIR: i32 = 54;
const NOTSUP: i32 = 58;
const PERM: i32 = 63;
const SPIPE: i32 = 70;

const READ: i64 = 1 << 1;
const WRITE: i64 = 1 << 6;

// What stands in the guest's memory: the path of its file, one that is too long, one that is
// no text, buffers of four bytes and of none, and the place for answers.
const FILE: i64 = PATHS as i64;
const NOT_TEXT: i64 = FILE + 64;
const BUFFER: i64 = 0;
const NOTHING: i64 = 8;
const TEXT: i64 = 64;
const ANSWER: i64 = 512;

// Descriptors: two mounts, a file for both, a directory, the file for writing, for appending.
const ROOT: i64 = 3;
const FROZEN: i64 = 4;
const BOTH: i64 = 5;
const DIRECTORY: i64 = 6;
const WRITES: i64 = 7;
const APPENDS: i64 = 8;

/// A call, its arguments and its answer.
type Row = (&'static str, &'static [i64], i32);

const ROWS: &[Row] = &[
    // Directories are not read, but as in POSIX and as components are told.
    ("fd_read", &[DIRECTORY, BUFFER, 1, ANSWER], ISDIR),
    ("fd_write", &[DIRECTORY, BUFFER, 1, ANSWER], BADF),
    ("fd_pread", &[DIRECTORY, BUFFER, 1, 0, ANSWER], BADF),
    ("fd_pwrite", &[DIRECTORY, BUFFER, 1, 0, ANSWER], BADF),
    ("fd_seek", &[DIRECTORY, 0, 0, ANSWER], BADF),
    ("fd_tell", &[DIRECTORY, ANSWER], BADF),
    ("fd_allocate", &[DIRECTORY, 0, 1], BADF),
    ("fd_advise", &[DIRECTORY, 0, 1, 0], BADF),
    ("fd_filestat_set_size", &[DIRECTORY, 0], BADF),
    ("fd_fdstat_set_flags", &[DIRECTORY, 1], BADF),
    ("fd_sync", &[DIRECTORY], 0),
    ("fd_readdir", &[BOTH, 1024, 100, 0, ANSWER], NOTDIR),
    ("fd_prestat_get", &[DIRECTORY, ANSWER], BADF),
    ("fd_prestat_dir_name", &[ROOT, 1024, 0], NAMETOOLONG),
    // Where no byte of a file lies.
    ("fd_seek", &[BOTH, 0, 3, ANSWER], INVAL),
    ("fd_seek", &[BOTH, -1, 0, ANSWER], INVAL),
    ("fd_seek", &[BOTH, i64::MAX, 0, ANSWER], 0),
    ("fd_read", &[BOTH, BUFFER, 1, ANSWER], INVAL),
    ("fd_write", &[BOTH, BUFFER, 1, ANSWER], INVAL),
    ("fd_seek", &[BOTH, 1, 1, ANSWER], INVAL),
    ("fd_seek", &[BOTH, 0, 0, ANSWER], 0),
    ("fd_pread", &[BOTH, BUFFER, 1, 1 << 62, ANSWER], 0),
    ("fd_pread", &[BOTH, BUFFER, 1, i64::MAX, ANSWER], INVAL),
    ("fd_pread", &[BOTH, NOTHING, 1, -1, ANSWER], INVAL),
    ("fd_pwrite", &[BOTH, BUFFER, 1, i64::MAX, ANSWER], INVAL),
    ("fd_advise", &[BOTH, -1, 1, 0], INVAL),
    ("fd_advise", &[BOTH, 0, 1, 6], INVAL),
    ("fd_filestat_set_size", &[BOTH, -1], INVAL),
    // What a descriptor is not for.
    ("fd_pread", &[WRITES, BUFFER, 1, 0, ANSWER], BADF),
    ("fd_read", &[WRITES, NOTHING, 1, ANSWER], BADF),
    ("fd_read", &[APPENDS, BUFFER, 1, ANSWER], BADF),
    ("fd_write", &[0, BUFFER, 1, ANSWER], BADF),
    ("fd_read", &[1, BUFFER, 1, ANSWER], BADF),
    ("fd_seek", &[1, 0, 0, ANSWER], SPIPE),
    ("fd_read", &[99, BUFFER, 1, ANSWER], BADF),
    // What there is not.
    ("fd_allocate", &[BOTH, 0, 1], NOTSUP),
    ("fd_fdstat_set_flags", &[BOTH, 16], INVAL),
    ("fd_fdstat_set_rights", &[BOTH, 0, 0], NOTSUP),
    ("fd_filestat_set_times", &[BOTH, 0, 0, 3], INVAL),
    ("fd_filestat_set_times", &[BOTH, 0, 0, 16], INVAL),
    ("clock_time_get", &[2, 0, ANSWER], INVAL),
    ("poll_oneoff", &[1024, 2048, 0, ANSWER], INVAL),
    ("proc_raise", &[6], NOTSUP),
    ("path_open", &[ROOT, 0, FILE, 1, 0, READ, 0, 16, ANSWER], NOTSUP),
    ("path_open", &[ROOT, 0, FILE, 1, 3, READ, 0, 0, ANSWER], INVAL),
    ("path_open", &[ROOT, 0, FILE, 1, 16, READ, 0, 0, ANSWER], INVAL),
    ("path_open", &[ROOT, 2, FILE, 1, 0, READ, 0, 0, ANSWER], INVAL),
    ("path_open", &[ROOT, 0, FILE, 1, 0, READ, 0, 32, ANSWER], INVAL),
    ("path_link", &[ROOT, 1, FILE, 1, ROOT, FILE, 1], INVAL),
    // Paths.
    ("path_open", &[BOTH, 0, FILE, 1, 0, READ, 0, 0, ANSWER], NOTDIR),
    ("path_open", &[1, 0, FILE, 1, 0, READ, 0, 0, ANSWER], BADF),
    ("path_open", &[FROZEN, 0, FILE, 1, 0, WRITE, 0, 0, ANSWER], PERM),
    ("path_create_directory", &[FROZEN, FILE, 1], PERM),
    ("path_create_directory", &[ROOT, FILE, 1 << 31], NAMETOOLONG),
    ("path_create_directory", &[ROOT, NOT_TEXT, 2], ILSEQ),
    ("path_create_directory", &[ROOT, NOT_TEXT + 2, 2], INVAL),
];

/// Arguments as the module takes them.
fn vals(name: &str, arguments: &[i64]) -> Vec<Val> {
    let kinds = crate::caller::ALL.iter().find(|(known, _)| *known == name);
    let (_, kinds) = kinds.expect("a call");
    let types = kinds.chars().flat_map(|kind| match kind {
        'p' | 'v' => "ii".chars(),
        'N' => "N".chars(),
        _ => "i".chars(),
    });
    #[expect(clippy::cast_possible_truncation, reason = "as the guest means it")]
    let val = |(kind, number): (char, &i64)| match kind {
        'N' => Val::I64(*number),
        _ => Val::I32(*number as i32),
    };
    types.zip(arguments).map(val).collect()
}

/// A guest with all those descriptors.
async fn guest(backend: Arc<dyn Backend>) -> Caller {
    let mut guest = Caller::new(&table(backend).await, &module(&Engine::default())).await;
    assert_eq!(guest.open(3, "d").await, Some(0));
    assert_eq!(asked(&mut guest, "fd_close", &[BOTH]).await, Some(0));
    guest.put(4096, b"f");
    guest.put(4096 + 64, b"\xff\xfea\0");
    guest.put(0, &[64, 0, 0, 0, 4, 0, 0, 0, 64, 0, 0, 0]);
    guest.put(64, b"text");
    assert_eq!(asked(&mut guest, "path_unlink_file", &[ROOT, FILE, 1]).await, Some(44));
    let open = |rights: i64, flags: i64| [ROOT, 0, FILE, 1, 1, rights, 0, flags, ANSWER];
    assert_eq!(asked(&mut guest, "path_open", &open(READ | WRITE, 0)).await, Some(0));
    assert_eq!(asked(&mut guest, "fd_pwrite", &[BOTH, BUFFER, 1, 0, ANSWER]).await, Some(0));
    guest.put(4096 + 32, b"e");
    assert_eq!(asked(&mut guest, "path_create_directory", &[ROOT, FILE + 32, 1]).await, Some(0));
    let directory = [ROOT, 0, FILE + 32, 1, 2, 0, 0, 0, ANSWER];
    assert_eq!(asked(&mut guest, "path_open", &directory).await, Some(0));
    assert_eq!(asked(&mut guest, "path_open", &open(WRITE, 0)).await, Some(0));
    assert_eq!(asked(&mut guest, "path_open", &open(WRITE, 1)).await, Some(0));
    assert_eq!(guest.get(512), [8, 0, 0, 0]);
    guest
}

async fn asked(guest: &mut Caller, name: &str, arguments: &[i64]) -> Option<i32> {
    guest.call(name, &vals(name, arguments)).await
}

async fn every_answer(mut guest: Caller) {
    for (name, arguments, answer) in ROWS {
        let came = asked(&mut guest, name, arguments).await;
        assert_eq!(came, Some(*answer), "{name} {arguments:?}");
    }

    // An append goes to the end, wherever it is told to go.
    let append = [APPENDS, BUFFER, 1, 0, ANSWER];
    assert_eq!(asked(&mut guest, "fd_pwrite", &append).await, Some(0));
    assert_eq!(asked(&mut guest, "fd_filestat_get", &[BOTH, 1024]).await, Some(0));
    assert_eq!(guest.get(1024 + 32), 8_u64.to_le_bytes());

    // What may be opened in a directory has all rights but those of sockets.
    assert_eq!(asked(&mut guest, "fd_fdstat_get", &[ROOT, 1024]).await, Some(0));
    assert_eq!(guest.get(1024 + 16), ((1_u64 << 28) - 1).to_le_bytes());

    // At a file's end, too, it is ready, and nobody has hung up.
    assert_eq!(asked(&mut guest, "fd_seek", &[BOTH, 0, 2, ANSWER]).await, Some(0));
    guest.put(1024, &[0; 96]);
    for (at, kind) in [(1024, 1), (1072, 2)] {
        guest.put(at + 8, &[kind]);
        guest.put(at + 16, &[5]);
    }
    assert_eq!(asked(&mut guest, "poll_oneoff", &[1024, 2048, 2, ANSWER]).await, Some(0));
    assert_eq!(guest.get(512), [2, 0, 0, 0]);
    assert_eq!((guest.get(2048 + 8), guest.get(2048 + 24)), ([0, 0, 1, 0], [0, 0]));
    assert_eq!((guest.get(2080 + 8), guest.get(2080 + 24)), ([0, 0, 2, 0], [0, 0]));

    // A listing takes what it needs of the room that it is said to have.
    let list = [DIRECTORY, 1024, -1, 0, ANSWER];
    assert_eq!(asked(&mut guest, "fd_readdir", &list).await, Some(0));
    assert_eq!(guest.get(512), [24 + 1 + 24 + 2, 0, 0, 0]);
    let text = [DIRECTORY, TEXT, 25, 0, ANSWER];
    assert_eq!(asked(&mut guest, "fd_readdir", &text).await, Some(0));
    assert_eq!((guest.get(512), guest.get(64 + 24)), ([25, 0, 0, 0], *b"."));
}

#[test]
fn calls_are_answered_as_they_ought_to_be() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        every_answer(guest(Arc::new(Volume::in_memory(64 << 20).expect("a volume"))).await).await;
        let folder = tempfile::tempdir().expect("a folder");
        every_answer(guest(Arc::new(Dir::open(folder.path()).expect("opened"))).await).await;
    });
}
