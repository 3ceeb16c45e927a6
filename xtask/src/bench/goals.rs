//! The figures that this project wants to reach, and whether they are.

use serde_json::{Value, json};

use super::Native;
use super::found::{Cell, Engine};

/// One figure, and how it stands.
pub(super) struct Goal {
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) wanted: Wanted,
}

#[derive(Clone, Copy)]
pub(super) enum Wanted {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    pub(super) fn reached(&self) -> bool {
        match self.wanted {
            Wanted::AtLeast(least) => self.value >= least,
            Wanted::AtMost(most) => self.value <= most,
        }
    }

    pub(super) fn json(&self) -> Value {
        let (key, bound) = match self.wanted {
            Wanted::AtLeast(least) => ("at_least", least),
            Wanted::AtMost(most) => ("at_most", most),
        };
        json!({ "name": self.name, "value": self.value, key: bound, "reached": self.reached() })
    }
}

/// How many times as fast as OPFS by hand: the phase, in Chromium, in Firefox.
const BY_HAND: [(&str, f64, f64); 8] = [
    ("create", 100.0, 300.0),
    ("read", 200.0, 200.0),
    ("stat", 300.0, 500.0),
    ("list", 20.0, 5.0),
    ("rename", 100.0, 300.0),
    ("unlink", 100.0, 500.0),
    ("extract", 200.0, 400.0),
    ("walk", 300.0, 300.0),
];

/// How many times as fast as one access handle on one file, flush included.
const RAW: [(&str, f64, f64); 6] = [
    ("seq-write", 0.9, 0.9),
    ("seq-read", 0.9, 0.9),
    ("seq-read-fragmented", 0.5, 0.5),
    ("random-read", 1.0, 1.0),
    ("random-read-fragmented", 0.8, 0.8),
    ("random-write", 2.0, 5.0),
];

/// Calls of preview1 on a volume, at most so many microseconds in Chromium.
const CALLS: [(&str, f64); 6] = [
    ("fd_filestat_get", 0.5),
    ("path_open+fd_close", 5.0),
    ("fd_pread 4 KiB", 1.5),
    ("fd_pread 64 KiB", 10.0),
    ("fd_pwrite 4 KiB", 1.5),
    ("fd_pwrite 64 KiB", 10.0),
];

/// Messages of 9P about a volume, at most so many microseconds in Chromium.
const MESSAGES: [&str; 4] =
    ["9P getattr", "9P walk to a file, and clunk", "9P read 4 KiB", "9P write 4 KiB"];

/// Calls of a component on a volume, at most so many microseconds in Chromium: the WIT's own,
/// and what `std::fs` makes of them.
const COMPONENT_CALLS: [(&str, f64); 12] = [
    ("get-type", 0.1),
    ("stat", 0.2),
    ("stat-at", 1.0),
    ("open-at+drop", 1.5),
    ("read 4 KiB", 1.2),
    ("read 64 KiB", 4.0),
    ("write 4 KiB", 1.0),
    ("write 64 KiB", 8.0),
    ("metadata(path)", 1.2),
    ("File::open+close", 2.0),
    ("File::read 4 KiB", 2.0),
    ("File::write 4 KiB", 2.0),
];

/// What a volume does faster than a directory, natively.
const VOLUME_FIRST: [&str; 4] = ["create", "rename", "unlink", "extract"];

/// Whole programs on a volume, beside another: at most so many times as long in Chromium.
const PROGRAMS: [(&str, &str, f64); 3] = [
    ("sustained", "raw-handle", 1.3),
    ("ripgrep", "wasmtime on disk", 1.3),
    ("python", "browser_wasi_shim", 1.2),
];

/// Judges what was measured; what was not is left out.
pub(super) fn judge(engines: &[Engine], native: Option<&Native>, size: Option<u64>) -> Vec<Goal> {
    let mut goals = Vec::new();
    let mut goal = |name: String, value: Option<f64>, wanted| {
        goals.extend(value.map(|value| Goal { name, value, wanted }));
    };
    for engine in engines {
        let firefox = engine.name == "firefox";
        let at_least =
            |chromium, in_firefox| Wanted::AtLeast(if firefox { in_firefox } else { chromium });
        let say = |what: &str| format!("{}: {what}", engine.name);
        for (phase, chromium, in_firefox) in BY_HAND {
            let times = times(engine, phase, "opfs-by-hand", Cell::median);
            let name = say(&format!("{phase}, times as fast as OPFS by hand"));
            goal(name, times, at_least(chromium, in_firefox));
        }
        for (phase, ..) in BY_HAND.iter().filter(|_| !firefox) {
            let times = times(engine, phase, "memfs", Cell::median);
            goal(say(&format!("{phase}, times as fast as memfs")), times, Wanted::AtLeast(2.0));
        }
        for (phase, chromium, in_firefox) in RAW {
            let whole = |cell: &Cell| cell.median() + cell.flush().unwrap_or(0.0);
            let times = times(engine, phase, "raw-handle", whole);
            let name = say(&format!("{phase}, times as fast as a raw handle"));
            goal(name, times, at_least(chromium, in_firefox));
        }
        components(engine, |what, value, wanted| goal(say(&what), value, wanted));
        if !firefox {
            guests(engine, |what, value, wanted| goal(say(&what), value, wanted));
            linux(engine, |what, value, wanted| goal(say(&what), value, wanted));
        }
        parts(engine, |what, value, wanted| goal(say(what), value, wanted));
    }
    if let Some(native) = native {
        let number = |key: &str| native.scale.iter().find_map(|line| line[key].as_f64());
        goal("native: lookup of 1,000,000 files, µs".into(), number("lookup_us"), AT_MOST_1);
        let slower = number("last_create_us").zip(number("first_create_us"));
        let slower = slower.map(|(last, first)| last / first);
        let name = "native: a create among 1,000,000 beside one of the first 100,000".into();
        goal(name, slower, Wanted::AtMost(1.5));
    }
    #[allow(clippy::cast_precision_loss)] // It is far below 2^52.
    let size = size.map(|bytes| bytes as f64 / 1000.0);
    goal("the core gzipped, KB".into(), size, Wanted::AtMost(200.0));
    goals
}

const AT_MOST_1: Wanted = Wanted::AtMost(1.0);

/// How many times as fast as another the volume is.
fn times(engine: &Engine, phase: &str, other: &str, of: fn(&Cell) -> f64) -> Option<f64> {
    let volume = engine.phases.cell(phase, "volume")?;
    Some(of(engine.phases.cell(phase, other)?) / of(volume))
}

/// What is wanted from inside preview1 guests.
fn guests(engine: &Engine, mut goal: impl FnMut(String, Option<f64>, Wanted)) {
    for (call, most) in CALLS {
        let found = engine.calls.cell(call, "volume").map(Cell::median);
        goal(format!("{call}, µs"), found, Wanted::AtMost(most));
    }
    for (program, other, most) in PROGRAMS {
        let times = engine.guests.times(program, other, "volume");
        goal(format!("{program}, times {other}"), times, Wanted::AtMost(most));
    }
    let shim = "browser_wasi_shim";
    let program = |name: &&str| PROGRAMS.iter().any(|(program, ..)| name.starts_with(program));
    for phase in engine.guests.phases().filter(|phase| !program(phase)) {
        let times = engine.guests.times(phase, "volume", shim);
        let name = format!("{phase} from inside, times as fast as {shim} in memory");
        goal(name, times, Wanted::AtLeast(1.0));
    }
}

/// What is wanted of files for virtual machines.
fn linux(engine: &Engine, mut goal: impl FnMut(String, Option<f64>, Wanted)) {
    for message in MESSAGES {
        let found = engine.calls.cell(message, "volume").map(Cell::median);
        goal(format!("{message}, µs"), found, Wanted::AtMost(10.0));
    }
    let own = "v86's own, in memory";
    for phase in engine.linux.phases().filter(|phase| phase.starts_with("dd ")) {
        let times = engine.linux.times(phase, "volume", own);
        goal(format!("{phase}, times as fast as {own}"), times, Wanted::AtLeast(1.0));
    }
    for phase in engine.linux.phases().filter(|phase| phase.starts_with("longest message")) {
        let longest = engine.linux.cell(phase, "volume").map(Cell::median);
        goal(format!("{phase}, ms"), longest, Wanted::AtMost(100.0));
    }
}

/// What is wanted from inside components.
fn components(engine: &Engine, mut goal: impl FnMut(String, Option<f64>, Wanted)) {
    if engine.name == "chromium" {
        for (call, most) in COMPONENT_CALLS {
            let found = engine.component_calls.cell(call, "volume").map(Cell::median);
            goal(format!("{call} of a component, µs"), found, Wanted::AtMost(most));
        }
    }
    let found = &engine.components;
    let shim = "shim-in-memory";
    for phase in found.phases() {
        let times = found.times(phase, "volume", shim);
        let name = format!("{phase} of a component, times as fast as the shim in memory");
        goal(name, times, Wanted::AtLeast(1.0));
        let times = found.times(phase, "wasmtime-wasi", "dir");
        goal(format!("{phase}, a directory, times wasmtime-wasi"), times, Wanted::AtMost(1.05));
    }
    for phase in VOLUME_FIRST {
        let times = found.times(phase, "volume", "dir");
        let name = format!("{phase}, a volume, times as fast as a directory");
        goal(name, times, Wanted::AtLeast(1.0));
    }
}

/// What is wanted of the parts in a browser.
fn parts(engine: &Engine, mut goal: impl FnMut(&str, Option<f64>, Wanted)) {
    let number = |part: &str, pointer: &str| engine.part(part, pointer);
    let ratio = |over: Option<f64>, under: Option<f64>| over.zip(under).map(|(a, b)| a / b);
    let sqlite = |way: &str| number("sqlite", way);
    let ours = sqlite("/volume_us");
    let beside = ratio(ours, sqlite("/in_place_us"));
    goal("a transaction of SQLite's, times that in place", beside, Wanted::AtMost(1.2));
    let beside = ratio(sqlite("/by_hand_us"), ours);
    goal("a transaction, times as fast as by hand", beside, Wanted::AtLeast(3.0));
    goal("flushes of one sync", number("sync", "/flushes"), AT_MOST_1);

    let files = 100_000;
    let scale = |files: u64, pointer: &str| engine.part_of("scale", files, pointer);
    goal("mount of 100,000 files, ms", scale(files, "/mount_ms"), Wanted::AtMost(100.0));
    let memory = scale(files, "/memory").zip(scale(0, "/memory"));
    let each = memory.map(|(all, none)| (all - none) / 100_000.0);
    goal("memory of each of 100,000 files, bytes", each, Wanted::AtMost(200.0));
    let lookup = scale(files, "/lookup_us");
    goal("lookup of a name among 100,000 files, µs", lookup, Wanted::AtMost(0.3));
    let verbs = ["create", "stat", "write", "rename", "unlink"];
    let largest = verbs
        .into_iter()
        .filter_map(|verb| Some(scale(files, &format!("/calls/{verb}/largest_us"))? / 1000.0));
    let largest = largest.reduce(f64::max);
    goal("the longest call among 100,000 files, ms", largest, Wanted::AtMost(20.0));
    let churned = number("space", "/ratio");
    goal("size after random overwrites, times what lives", churned, Wanted::AtMost(1.4));
    let back = number("space", "/given_back");
    goal("given back after deleting 80 %", back, Wanted::AtLeast(0.75));
}
