//! Guests that make random calls with random arguments: none makes the host panic, hang or
//! take memory without bound, and whoever comes after finds everything in order. A failure
//! prints the seed with which it comes again.

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use wasi_opfs::backend::Backend;
use wasi_opfs::backend::dir::Dir;
use wasi_opfs::backend::volume::Volume;
use wasi_opfs::door::p1::{Exit, P1Builder, P1Ctx, P1View, add_to_linker};
use wasi_opfs::{FileSystem, MountOptions, MountTable};
use wasmtime::{Engine, Instance, Linker, Memory, Module, Store, Val};

/// Counts what is allocated.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does the work; only numbers are kept beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Relaxed) + layout.size();
        MOST.fetch_max(held, Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How much more than before the host may hold during one call. Files of a volume in memory
/// are part of it: a call writes at most all of the guest's memory, a thousand times.
const MOST_FOR_A_CALL: usize = 256 << 20;

/// How long a call may take that does not wait for a clock.
const LONGEST: Duration = Duration::from_secs(20);

/// How many calls are made on a backend, and by one guest.
const CALLS: usize = 3000;
const CALLS_OF_ONE: usize = 100;

/// Every call with its arguments: a descriptor, one of a directory, a path, buffers, a place
/// for an answer, a number; in capitals if it has 64 bits.
const ALL: &[(&str, &str)] = &[
    ("args_get", "oo"),
    ("args_sizes_get", "oo"),
    ("environ_get", "oo"),
    ("environ_sizes_get", "oo"),
    ("clock_res_get", "no"),
    ("clock_time_get", "nNo"),
    ("fd_advise", "fNNn"),
    ("fd_allocate", "fNN"),
    ("fd_close", "f"),
    ("fd_datasync", "f"),
    ("fd_fdstat_get", "fo"),
    ("fd_fdstat_set_flags", "fn"),
    ("fd_fdstat_set_rights", "fNN"),
    ("fd_filestat_get", "fo"),
    ("fd_filestat_set_size", "fN"),
    ("fd_filestat_set_times", "fNNn"),
    ("fd_pread", "fvNo"),
    ("fd_prestat_get", "fo"),
    ("fd_prestat_dir_name", "fon"),
    ("fd_pwrite", "fvNo"),
    ("fd_read", "fvo"),
    ("fd_readdir", "donNo"),
    ("fd_renumber", "ff"),
    ("fd_seek", "fNno"),
    ("fd_sync", "f"),
    ("fd_tell", "fo"),
    ("fd_write", "fvo"),
    ("path_create_directory", "dp"),
    ("path_filestat_get", "dnpo"),
    ("path_filestat_set_times", "dnpNNn"),
    ("path_link", "dnpdp"),
    ("path_open", "dnpnNNno"),
    ("path_readlink", "dpono"),
    ("path_remove_directory", "dp"),
    ("path_rename", "dpdp"),
    ("path_symlink", "pdp"),
    ("path_unlink_file", "dp"),
    ("poll_oneoff", "oono"),
    ("proc_raise", "n"),
    ("random_get", "on"),
    ("sched_yield", ""),
    ("sock_accept", "fno"),
    ("sock_recv", "fvnoo"),
    ("sock_send", "fvno"),
    ("sock_shutdown", "fn"),
];

/// The guest's memory, in bytes: it is as large as this in all of the module.
const SIZE: u32 = 2 << 16;

/// Where buffers are described, and paths stand, in the guest's memory.
const BUFFERS: u32 = 0;
const PATHS: u32 = 4096;
const LONGEST_PATH: u32 = 64;

/// Marsaglia's xorshift: a test needs no better one.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    #[expect(clippy::cast_possible_truncation, reason = "the remainder of a 32-bit number")]
    fn below(&mut self, bound: u32) -> u32 {
        ((self.next() >> 32) % u64::from(bound)) as u32
    }

    fn one_in(&mut self, bound: u32) -> bool {
        self.below(bound) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(u32::try_from(from.len()).expect("short")) as usize]
    }

    /// Numbers at which something changes, mostly small ones.
    fn number(&mut self) -> u32 {
        match self.below(10) {
            0 => self.below(SIZE),
            1 => self.pick(&[SIZE - 1, SIZE, SIZE + 1, 1 << 31, u32::MAX - 7, u32::MAX]),
            2 | 3 => self.below(40),
            4 | 5 => self.below(5),
            _ => self.below(2),
        }
    }

    fn long(&mut self) -> u64 {
        const TOP: u64 = 1 << 63;
        match self.below(10) {
            0 => self.pick(&[TOP - 1, TOP, TOP + 1, TOP - 5000, u64::MAX, u64::MAX - 3, 1 << 40]),
            1 => self.next(),
            // The rights to read and write.
            2..5 => 1 << 1 | 1 << 6,
            _ => u64::from(self.number()),
        }
    }

    /// Few names, so that calls meet; odd ones, and bytes that are no text.
    fn path(&mut self) -> Vec<u8> {
        let mut path = Vec::new();
        for _ in 0..=self.below(3) {
            match self.below(8) {
                0 => path.extend(self.pick(&[".", "..", "", "\0", "n\u{e9}"]).as_bytes()),
                1 if self.one_in(3) => path.extend(self.next().to_le_bytes()),
                _ => path.extend(self.pick(&["a", "b", "c", "d"]).as_bytes()),
            }
            path.push(b'/');
        }
        if !self.one_in(5) {
            path.pop();
        }
        path
    }

    /// What one kind of argument becomes: one number, or two.
    fn argument(&mut self, kind: char, paths: &[u32], into: &mut Vec<Val>) {
        let val = |number: u32| Val::I32(number.cast_signed());
        let long = |number: u64| Val::I64(number.cast_signed());
        match kind {
            'd' if !self.one_in(5) => into.push(val(3)),
            'd' | 'f' => {
                into.push(val(if self.one_in(10) { self.number() } else { 3 + self.below(8) }))
            }
            'p' if !self.one_in(10) => {
                let index = self.below(u32::try_from(paths.len()).expect("few"));
                into.extend([val(PATHS + index * LONGEST_PATH), val(paths[index as usize])]);
            }
            'v' if !self.one_in(10) => {
                into.extend([
                    val(BUFFERS),
                    val(self.pick(&[0, 1, 1, 2, 2, 5, 100, 1025, u32::MAX])),
                ]);
            }
            'p' | 'v' => into.extend([val(self.number()), val(self.number())]),
            'o' => into.push(val(if self.one_in(8) {
                self.number()
            } else {
                8192 + self.below(SIZE - 16_384)
            })),
            'n' => into.push(val(self.number())),
            'N' => into.push(long(self.long())),
            kind => unreachable!("an argument of the kind {kind}"),
        }
    }
}

struct Guest(P1Ctx);

impl P1View for Guest {
    fn p1(&mut self) -> &mut P1Ctx {
        &mut self.0
    }
}

/// Exports each call.
fn module() -> String {
    let mut text = String::from("(module");
    let types = |arguments: &str| {
        arguments.chars().fold(String::new(), |types, kind| {
            types
                + match kind {
                    'N' => " i64",
                    'p' | 'v' => " i32 i32",
                    _ => " i32",
                }
        })
    };
    for (name, arguments) in ALL {
        let types = types(arguments);
        write!(text, "(import \"wasi_snapshot_preview1\" \"{name}\" (func ${name} (param {types}) (result i32)))")
            .expect("a string");
    }
    // A call looks for the memory of whoever makes it: one of the module's own functions.
    for (name, arguments) in ALL {
        let types = types(arguments);
        let gets = (0..types.split_whitespace().count())
            .fold(String::new(), |gets, index| format!("{gets} (local.get {index})"));
        write!(
            text,
            "(func (export \"{name}\") (param {types}) (result i32) (call ${name} {gets}))"
        )
        .expect("a string");
    }
    text + "(memory (export \"memory\") 2 2))"
}

struct Caller {
    store: Store<Guest>,
    instance: Instance,
    memory: Memory,
}

impl Caller {
    async fn new(table: &MountTable, module: &Module) -> Self {
        let mut linker = Linker::new(module.engine());
        add_to_linker(&mut linker).expect("all calls");
        let guest = P1Builder::new(table.clone()).arg("hostile").env("A", "b").build();
        let mut store = Store::new(module.engine(), Guest(guest.expect("a guest")));
        let instance = linker.instantiate_async(&mut store, module).await.expect("instantiated");
        let memory = instance.get_memory(&mut store, "memory").expect("exported");
        Self { store, instance, memory }
    }

    /// The number that a call answers with, or nothing if it traps.
    async fn call(&mut self, name: &str, arguments: &[Val]) -> Option<i32> {
        let call = self.instance.get_func(&mut self.store, name).expect("exported");
        let mut answer = [Val::I32(0)];
        match call.call_async(&mut self.store, arguments, &mut answer).await {
            Ok(()) => answer[0].i32(),
            Err(error) => {
                let told = format!("{error:?}");
                assert!(told.contains("outside of the program's memory"), "{name}: {told}");
                assert!(error.downcast_ref::<Exit>().is_none());
                None
            }
        }
    }

    fn put(&mut self, at: u32, bytes: &[u8]) {
        self.memory.write(&mut self.store, at as usize, bytes).expect("in memory");
    }

    /// Opens a file for reading and writing, which is made if it is missing, at the mount `fd`.
    async fn open(&mut self, fd: i32, name: &str) -> Option<i32> {
        self.put(PATHS, name.as_bytes());
        let length = i32::try_from(name.len()).expect("short");
        let path = [Val::I32(PATHS.cast_signed()), Val::I32(length)];
        let rights = [Val::I64(1 << 1 | 1 << 6), Val::I64(0)];
        let [at, to] = path;
        let [own, inherited] = rights;
        let [follow, create, flags, into] = [0, 1, 0, 512].map(Val::I32);
        let arguments = [Val::I32(fd), follow, at, to, create, own, inherited, flags, into];
        self.call("path_open", &arguments).await
    }

    /// Descriptors to begin with.
    async fn open_some(&mut self) {
        for name in ["a", "b", "c"] {
            // It may be a directory by now.
            self.open(3, name).await;
        }
    }

    /// Buffers, subscriptions and paths; how long the paths are.
    fn prepare(&mut self, random: &mut Random) -> Vec<u32> {
        for index in 0..256 {
            let (at, length) = match random.below(6) {
                0 => (random.number(), random.number()),
                _ => (8192 + random.below(4096), random.below(9000)),
            };
            self.put(BUFFERS + index * 8, &[at.to_le_bytes(), length.to_le_bytes()].concat());
        }
        (0..8)
            .map(|index| {
                let path = random.path();
                self.put(PATHS + index * LONGEST_PATH, &path);
                u32::try_from(path.len()).expect("short")
            })
            .collect()
    }
}

async fn table(backend: Arc<dyn Backend>) -> MountTable {
    let fs = FileSystem::new(backend);
    let mount = |guest: &str, read_only| MountOptions {
        guest: guest.to_owned(),
        fs: fs.clone(),
        read_only,
    };
    MountTable::new(vec![mount("/", false), mount("ro", true)]).await.expect("mounts")
}

async fn misbehave(
    seed: u64,
    what: &str,
    backend: Arc<dyn Backend>,
    module: &Module,
    succeeded: &mut BTreeSet<&str>,
) {
    // Neighbours begin far apart.
    let mut random = Random(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed) | 1);
    let table = table(backend).await;
    let mut guest = Caller::new(&table, module).await;
    for step in 0..CALLS {
        if step % CALLS_OF_ONE == 0 {
            // Sooner or later each has closed its directories.
            guest = Caller::new(&table, module).await;
            guest.open_some().await;
        }
        let paths = guest.prepare(&mut random);
        // Descriptors are what most calls need.
        let call = if random.one_in(4) { ("path_open", "dnpnNNno") } else { random.pick(ALL) };
        let (name, kinds) = match call {
            ("fd_close" | "fd_renumber", _) if !random.one_in(4) => ("fd_filestat_get", "fo"),
            call => call,
        };
        let mut arguments = Vec::new();
        for kind in kinds.chars() {
            random.argument(kind, &paths, &mut arguments);
        }
        if name == "path_open" && !random.one_in(3) {
            // One of its flags alone would spoil most.
            let flags = [random.below(2), random.below(16), random.pick(&[0, 0, 1, 4])];
            for (index, flags) in [1, 4, 7].into_iter().zip(flags) {
                arguments[index] = Val::I32(flags.cast_signed());
            }
        }
        let asked = format!("SEED={seed}, {what}, step {step}: {name} {arguments:?}");
        let before = HELD.load(Relaxed);
        MOST.store(before, Relaxed);
        let waits = name == "poll_oneoff";
        let most = if waits { Duration::from_millis(5) } else { LONGEST };
        let answer = tokio::time::timeout(most, guest.call(name, &arguments)).await;
        // Some wait for years, as they are asked to.
        assert!(waits || answer.is_ok(), "{asked} hangs");
        if let Ok(Some(0)) = answer {
            succeeded.insert(name);
        }
        let taken = MOST.load(Relaxed) - before;
        assert!(taken < MOST_FOR_A_CALL, "{asked} took {taken} bytes");
    }
    drop(guest);
    behave(&table, module).await;
}

/// What any guest may expect.
async fn behave(table: &MountTable, module: &Module) {
    let mut guest = Caller::new(table, module).await;
    guest.put(0, &[64, 0, 0, 0, 4, 0, 0, 0]);
    guest.put(64, b"text");
    assert_eq!(guest.open(3, "good").await, Some(0));
    let file = Val::I32(5);
    let at = |offset| [file.clone(), Val::I32(0), Val::I32(1), Val::I64(offset), Val::I32(512)];
    assert_eq!(guest.call("fd_pwrite", &at(3)).await, Some(0));
    guest.put(64, b"gone");
    assert_eq!(guest.call("fd_pread", &at(3)).await, Some(0));
    let mut read = [0; 4];
    guest.memory.read(&guest.store, 64, &mut read).expect("in memory");
    assert_eq!(&read, b"text");
    assert_eq!(guest.call("fd_sync", &[file]).await, Some(0));
    let path = [3, PATHS.cast_signed(), 4].map(Val::I32);
    assert_eq!(guest.call("path_unlink_file", &path).await, Some(0));
}

#[test]
fn nothing_that_a_guest_asks_harms_the_host() {
    let number = |name: &str| {
        let given = std::env::var(name).ok()?;
        Some(given.parse::<u64>().unwrap_or_else(|_| panic!("{name} is a number")))
    };
    let seeds = match number("SEED") {
        Some(seed) => seed..=seed,
        None => 1..=number("SEEDS").unwrap_or(8),
    };
    let engine = Engine::default();
    let module = Module::new(&engine, wat::parse_str(module()).expect("well formed"));
    let module = module.expect("compiled");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let mut succeeded = BTreeSet::new();
    let all = seeds.end() - seeds.start() > 5;
    runtime.expect("a runtime").block_on(async {
        for seed in seeds {
            let volume = Volume::in_memory(64 << 20).expect("a volume");
            misbehave(seed, "volume", Arc::new(volume), &module, &mut succeeded).await;
            let folder = tempfile::tempdir().expect("a folder");
            let dir = Dir::open(folder.path()).expect("opened");
            misbehave(seed, "dir", Arc::new(dir), &module, &mut succeeded).await;
        }
    });
    // The calls get far enough to do harm.
    let never = ["fd_allocate", "fd_fdstat_set_rights", "proc_raise"];
    let never = |name: &str| never.contains(&name) || name.starts_with("sock_");
    for (name, _) in ALL.iter().filter(|(name, _)| all && !never(name)) {
        assert!(succeeded.contains(name), "{name} never succeeds");
    }
}
