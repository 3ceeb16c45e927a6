//! Guests that make random calls with random arguments: none makes the host panic, hang or
//! take memory without bound, and whoever comes after finds everything in order. A failure
//! prints the seed with which it comes again.

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use wasi_opfs::MountTable;
use wasi_opfs::backend::Backend;
use wasi_opfs::backend::dir::Dir;
use wasi_opfs::backend::volume::Volume;
use wasmtime::{Engine, Module, Val};

use crate::caller::{ALL, BUFFERS, Caller, LONGEST_PATH, PATHS, SIZE, module, table};

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

/// Marsaglia's xorshift: a test needs no better one.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

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
                into.push(val(if self.one_in(10) { self.number() } else { 3 + self.below(8) }));
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

impl Caller {
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
    let at = |offset| [file, Val::I32(0), Val::I32(1), Val::I64(offset), Val::I32(512)];
    assert_eq!(guest.call("fd_pwrite", &at(3)).await, Some(0));
    guest.put(64, b"gone");
    assert_eq!(guest.call("fd_pread", &at(3)).await, Some(0));
    assert_eq!(&guest.get(64), b"text");
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
    let module = module(&Engine::default());
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
