//! A disk that remembers what was flushed and what was not, and can be cut off.

use std::sync::{Arc, Mutex};

use wasi_opfs::ErrorCode;
use wasi_opfs::backend::Destination;
use wasi_opfs::backend::volume::disk::Disk;

use crate::work::Random;

const SECTOR: usize = 512;

/// One change of the disk, or a flush.
#[derive(Clone)]
pub(crate) enum Event {
    Write(u64, Vec<u8>),
    SetLen(u64),
    Flush,
}

/// What lies on a disk: what will survive a power cut for sure, and what was done since.
#[derive(Clone, Default)]
pub(crate) struct Platter {
    durable: Vec<u8>,
    since: Vec<Event>,
}

fn apply(bytes: &mut Vec<u8>, event: &Event) {
    match event {
        Event::Write(at, data) => {
            let at = usize::try_from(*at).expect("small");
            if bytes.len() < at + data.len() {
                bytes.resize(at + data.len(), 0);
            }
            bytes[at..at + data.len()].copy_from_slice(data);
        }
        Event::SetLen(len) => bytes.resize(usize::try_from(*len).expect("small"), 0),
        Event::Flush => {}
    }
}

impl Platter {
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        Self { durable: bytes, since: Vec::new() }
    }

    /// After `events`, when the process is killed and the system goes on.
    pub(crate) fn killed(&self, events: &[Event]) -> Self {
        let mut new = self.clone();
        for event in events {
            new.since.push(event.clone());
            if let Event::Flush = event {
                for event in std::mem::take(&mut new.since) {
                    apply(&mut new.durable, &event);
                }
            }
        }
        new
    }

    /// After a power cut: of what was not flushed, some is there, some is not, some is in
    /// part, and what was written later may be there without what was written before.
    pub(crate) fn cut_off(&self, random: &mut Random) -> Self {
        let mut bytes = self.durable.clone();
        let style = random.below(4);
        for event in &self.since {
            match event {
                Event::Write(at, data) => {
                    for (number, sector) in data.chunks(SECTOR).enumerate() {
                        let stays = match style {
                            0 => false,
                            1 => random.below(8) > 0,
                            2 => random.below(2) > 0,
                            _ => number % 3 > 0 || random.below(3) > 0,
                        };
                        let at = at + (number * SECTOR) as u64;
                        // What lies behind the end that is known has no place.
                        if stays && at + sector.len() as u64 <= bytes.len() as u64 {
                            apply(&mut bytes, &Event::Write(at, sector.to_vec()));
                        }
                    }
                }
                Event::SetLen(_) if style == 0 || random.below(4) == 0 => {}
                event => apply(&mut bytes, event),
            }
        }
        Self::of(bytes)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        self.since.iter().for_each(|event| apply(&mut bytes, event));
        bytes
    }
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Io,
    Full,
    /// A write takes half, or nothing.
    Short,
    Nothing,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    events: Vec<Event>,
    calls: u64,
    flushes: u64,
    /// From which call on it fails, for how many calls, and how.
    fault: Option<(u64, u64, Fault)>,
}

/// A disk for tests; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Sim(Arc<Mutex<State>>);

impl Sim {
    pub(crate) fn new(platter: &Platter) -> Self {
        let state = State { bytes: platter.bytes(), ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().expect("no panic")
    }

    /// How many changes and flushes there were.
    pub(crate) fn time(&self) -> usize {
        self.state().events.len()
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.state().events.clone()
    }

    pub(crate) fn flushes(&self) -> u64 {
        self.state().flushes
    }

    pub(crate) fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Counts calls from 0 again, and fails `times` times from call `at` on.
    pub(crate) fn arm(&self, at: u64, times: u64, fault: Fault) {
        let mut state = self.state();
        state.calls = 0;
        state.fault = Some((at, times, fault));
    }

    pub(crate) fn disarm(&self) {
        self.state().fault = None;
    }
}

impl State {
    fn call(&mut self) -> Result<Option<Fault>, ErrorCode> {
        let call = self.calls;
        self.calls += 1;
        match self.fault {
            Some((at, times, fault)) if call >= at && call - at < times => match fault {
                Fault::Io => Err(ErrorCode::Io),
                Fault::Full => Err(ErrorCode::InsufficientSpace),
                Fault::Short | Fault::Nothing => Ok(Some(fault)),
            },
            _ => Ok(None),
        }
    }

    fn note(&mut self, event: Event) {
        apply(&mut self.bytes, &event);
        self.events.push(event);
    }
}

impl Disk for Sim {
    fn read_at(&mut self, mut into: Destination<'_>, at: u64) -> Result<usize, ErrorCode> {
        let mut state = self.state();
        state.call()?;
        let at = usize::try_from(at).expect("small").min(state.bytes.len());
        let count = into.len().min(state.bytes.len() - at);
        into.put(0, &state.bytes[at..at + count]);
        Ok(count)
    }

    fn write_at(&mut self, bytes: &[u8], at: u64) -> Result<usize, ErrorCode> {
        let mut state = self.state();
        let count = match state.call() {
            Ok(None) => bytes.len(),
            Ok(Some(Fault::Nothing)) => return Ok(0),
            Ok(Some(_)) => bytes.len() / 2,
            Err(code) => {
                // A failed write may have written anything of what it was given.
                let half = bytes.len() / 2 / SECTOR * SECTOR;
                state.note(Event::Write(at, bytes[..half].to_vec()));
                return Err(code);
            }
        };
        state.note(Event::Write(at, bytes[..count].to_vec()));
        Ok(count)
    }

    fn len(&mut self) -> Result<u64, ErrorCode> {
        let mut state = self.state();
        state.call()?;
        Ok(state.bytes.len() as u64)
    }

    fn set_len(&mut self, len: u64) -> Result<(), ErrorCode> {
        let mut state = self.state();
        state.call()?;
        state.note(Event::SetLen(len));
        Ok(())
    }

    fn room(&mut self) -> Option<u64> {
        None
    }

    fn flush(&mut self) -> Result<(), ErrorCode> {
        let mut state = self.state();
        state.call()?;
        state.flushes += 1;
        state.note(Event::Flush);
        Ok(())
    }

    fn close(&mut self) {}
}
