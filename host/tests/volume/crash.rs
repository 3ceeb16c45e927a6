//! Crashes at every write: what is found is a state that there was, no earlier than the
//! last sync that returned; and from there it goes on, and crashes again.

use std::collections::BTreeMap;
use std::time::Duration;

use pollster::block_on;
use wasi_opfs::backend::volume::{Options, Volume};
use wasi_opfs::backend::{Backend, Fresh, Position, Source};
use wasi_opfs::path::Name;

use crate::sim::{Event, Platter, Sim};
use crate::work::{BOTH, Bench, Operation, Random, Style, operation};

type Dump = BTreeMap<String, String>;

/// What a workload did.
struct Run {
    /// What was there before it.
    before: Platter,
    events: Vec<Event>,
    /// All states, from the one it began with; when the operation that led to it began,
    /// and whether all before is synced once it ended.
    states: Vec<State>,
}

struct State {
    dump: Dump,
    began: usize,
    /// When a sync of this state returned.
    synced: Option<usize>,
}

fn options(seed: u64) -> Options {
    match seed % 4 {
        0 => Options::default().each_write(),
        1 => Options::default().cache(60_000),
        2 => Options::default().cache_small_files(60_000).gather(30_000, Duration::from_secs(100)),
        _ => Options::default().gather(30_000, Duration::from_secs(100)),
    }
}

fn run(platter: &Platter, seed: u64, operations: usize, style: Style, what: &str) -> (Run, Dump) {
    let mut random = Random::new(seed);
    let sim = Sim::new(platter);
    let volume = Volume::open(sim.clone(), options(seed));
    let mut bench = Bench::of_volume(volume.unwrap_or_else(|error| panic!("{what}: {error}")));
    let found = bench.dump();
    // What a mount finds, it has made durable.
    let synced = Some(sim.time());
    let mut states = vec![State { dump: found.clone(), began: 0, synced }];
    for _ in 0..operations {
        let operation = operation(&mut random, style);
        let began = sim.time();
        let answer = bench.run(&operation);
        let syncs = matches!(operation, Operation::Sync | Operation::SyncFile(_));
        let synced = (syncs && answer.is_ok()).then(|| sim.time());
        states.push(State { dump: bench.dump(), began, synced });
    }
    // A clean end in some runs, an abrupt one in the others.
    let events = sim.events();
    drop(bench);
    let events = if seed.is_multiple_of(3) { sim.events() } else { events };
    (Run { before: platter.clone(), events, states }, found)
}

impl Run {
    /// The disk after the first `cut` events.
    fn crash(&self, cut: usize, random: &mut Random) -> Platter {
        let killed = self.before.killed(&self.events[..cut]);
        if random.below(3) == 0 { killed } else { killed.cut_off(random) }
    }

    /// Asserts that `found` is one of the states that a crash after `cut` events may leave.
    fn check(&self, cut: usize, found: &Dump, what: &str) {
        let synced = |state: &State| state.synced.is_some_and(|time| time <= cut);
        let first = self.states.iter().rposition(synced).unwrap_or(0);
        // The operation under way may be done or not.
        let begun = |state: &State| state.began <= cut;
        let last = self.states.iter().rposition(begun).unwrap_or(0);
        let allowed = &self.states[first..=last.max(first)];
        if allowed.iter().any(|state| state.dump == *found) {
            return;
        }
        let other = self.states.iter().position(|state| state.dump == *found);
        panic!("{what}: not one of the states {first} to {last}, but {other:?}: {found:#?}");
    }
}

/// Crashes a run at `cut`, looks at what is found, and goes on from there.
fn crash(run: &Run, cut: usize, seed: u64, depth: usize, what: &str) {
    let mut random = Random::new(seed);
    let platter = run.crash(cut, &mut random);
    let what = format!("{what}, cut {cut}");
    let (next, found) = self::run(&platter, seed, 12 * depth, Style::Mixed, &what);
    run.check(cut, &found, &what);
    if depth == 0 {
        return;
    }
    let cut_again = usize::try_from(random.below(next.events.len() as u64 + 1)).expect("small");
    if next.events[..cut_again].iter().any(|event| matches!(event, Event::Flush)) {
        crash(&next, cut_again, seed + 1, depth - 1, &what);
    } else {
        // The mount has not made durable what it found: what may be found now is what might
        // have been found before.
        let platter = next.crash(cut_again, &mut random);
        let (_, found) = self::run(&platter, seed, 0, Style::Mixed, &what);
        run.check(cut, &found, &format!("{what}, and cut {cut_again} while it was mounted"));
    }
}

fn sweep(seed: u64, operations: usize, style: Style, every: usize) {
    let what = format!("seed {seed} {style:?}");
    let (whole, _) = run(&Platter::default(), seed, operations, style, &what);
    for cut in (0..=whole.events.len()).filter(|cut| cut % every == 0) {
        crash(&whole, cut, seed * 1_000_003 + cut as u64, 2, &what);
    }
}

#[test]
fn every_cut_leaves_a_state_that_there_was() {
    // In the last one, a power cut undoes that the disk has grown, and keeps what names it.
    for seed in crate::seeds(8).chain([16]) {
        sweep(seed, 40, Style::Mixed, 1);
    }
}

#[test]
fn cuts_around_checkpoints_leave_such_a_state_too() {
    for seed in crate::seeds(2) {
        sweep(1000 + seed, 150, Style::Heavy, 3);
    }
}

#[test]
fn a_larger_area_for_which_there_is_no_room_any_more_is_left() {
    let sim = Sim::default();
    let open = |sim: &Sim| Volume::open(sim.clone(), Options::default()).expect("a volume");
    let volume = open(&sim);
    let make = |volume: &Volume, name: String| {
        let name = Name::new(name.as_bytes()).expect("a name");
        block_on(volume.create(&volume.root(), &name, Fresh::FILE, BOTH)).expect("a file").1
    };
    for number in 0..6000 {
        // Long, so that few of them make a large table.
        make(&volume, format!("{number:0>250}"));
    }
    let events = sim.events();
    let mut flushed = 0;
    let mut found = 0;
    for (at, event) in events.iter().enumerate() {
        match event {
            Event::Flush => flushed = at + 1,
            // Of what was done since the last flush, the superblock alone is there.
            Event::Write(0 | 4096, superblock) if superblock.len() == 512 => {
                let grown = |event: &Event| matches!(event, Event::SetLen(_));
                if flushed == 0 || !events[flushed..at].iter().any(grown) {
                    continue;
                }
                let mut kept = events[..flushed].to_vec();
                kept.push(event.clone());
                found += 1;
                let mut platter = Platter::default().killed(&kept);
                for round in 0..2 {
                    let sim = Sim::new(&platter);
                    let volume = open(&sim);
                    let bytes = vec![7; 1 << 20];
                    let file = make(&volume, format!("new {round}"));
                    file.write(Source::Slice(&bytes), Position::At(0)).expect("written");
                    volume.write_out().expect("written");
                    // The process is killed, the system goes on.
                    platter = platter.killed(&sim.events());
                }
            }
            _ => {}
        }
    }
    assert!(found > 0, "no area has become larger");
}

#[test]
fn a_sync_is_one_flush() {
    let sim = Sim::default();
    let volume = Volume::open(sim.clone(), Options::default()).expect("a volume");
    let mut bench = Bench::of_volume(volume);
    bench.run(&Operation::Create("a".to_owned())).expect("create");
    for (number, sync) in [Operation::Sync, Operation::SyncFile("a".to_owned())]
        .into_iter()
        .cycle()
        .take(20)
        .enumerate()
    {
        bench.run(&Operation::Write("a".to_owned(), None, 5000 * number, 1)).expect("write");
        let before = sim.flushes();
        bench.run(&sync).expect("sync");
        assert_eq!(sim.flushes() - before, 1, "{sync:?}");
        bench.run(&sync).expect("sync");
        assert_eq!(sim.flushes() - before, 1, "nothing has changed since");
    }
}
