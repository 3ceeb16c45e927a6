//! `poll_oneoff`: waiting for clocks, devices and files. A file is always ready.

use std::time::Duration;

use smallvec::SmallVec;

use super::abi::{Awaited, Errno, SUBSCRIPTION, Subscription, rights};
use super::device::Want;
use super::failure::Result;
use super::guest::Guest;
use super::memory::{Memory, entry};
use super::system;
use super::table::Open;
use crate::shared::{Ref, lock};

/// How many subscriptions one call may have.
const MOST: u32 = 4096;

/// For how long one of several devices is waited for before the next is looked at.
const TURN: Duration = Duration::from_millis(10);

/// A subscription, and what it is about.
struct Wanted {
    subscription: Subscription,
    source: Source,
}

enum Source {
    /// Due at a moment of the monotonic clock, in nanoseconds.
    Due(u64),
    /// Ready, with so many bytes; none is the end.
    Ready(u64),
    Device(Ref<Open>, Want),
}

type Event = [u8; 32];

impl Guest {
    pub(super) async fn poll_oneoff(
        &self,
        m: &mut impl Memory,
        subscriptions: u32,
        events: u32,
        count: u32,
        into: u32,
    ) -> Result<()> {
        if count == 0 || count > MOST {
            return Err(Errno::Inval.into());
        }
        let mut wanted = SmallVec::<[Wanted; 2]>::new();
        for index in 0..count {
            let mut bytes = [0; SUBSCRIPTION as usize];
            m.load(entry(subscriptions, index, SUBSCRIPTION)?, &mut bytes)?;
            let subscription = Subscription::parse(&bytes)?;
            let source = self.source(subscription.what).await?;
            wanted.push(Wanted { subscription, source });
        }
        let happened = self.wait(&wanted).await?;
        for (index, event) in (0..).zip(&happened) {
            m.store(entry(events, index, 32)?, event)?;
        }
        // At most `count`.
        #[allow(clippy::cast_possible_truncation)]
        m.store_u32(into, happened.len() as u32)
    }

    async fn source(&self, what: Awaited) -> Result<Source> {
        let (fd, want) = match what {
            Awaited::Clock { id, timeout, absolute } => {
                let now = Self::now(id)?;
                let left = if absolute { timeout.saturating_sub(now) } else { timeout };
                return Ok(Source::Due(system::monotonic().saturating_add(left)));
            }
            Awaited::Read { fd } => (fd, Want::Read),
            Awaited::Write { fd } => (fd, Want::Write),
        };
        let open = self.table.get(fd)?;
        let right = if want == Want::Read { rights::FD_READ } else { rights::FD_WRITE };
        match &*open {
            Open::Device(device) if device.rights & right != 0 => Ok(Source::Device(open, want)),
            Open::File(file) if want == Want::Read => {
                let position = lock(&file.cursor).position;
                let size = file.descriptor.stat().await?.attributes.size;
                Ok(Source::Ready(size.saturating_sub(position)))
            }
            Open::File(_) => Ok(Source::Ready(1)),
            Open::Device(_) | Open::Directory(_) => Err(Errno::Badf.into()),
        }
    }

    /// Waits until something has happened; all that has.
    async fn wait(&self, wanted: &[Wanted]) -> Result<SmallVec<[Event; 2]>> {
        let due = |wanted: &Wanted| match wanted.source {
            Source::Due(at) => Some(at),
            Source::Ready(_) | Source::Device(..) => None,
        };
        let next = wanted.iter().filter_map(due).min();
        let devices = wanted.iter().filter(|wanted| matches!(wanted.source, Source::Device(..)));
        let devices: SmallVec<[&Wanted; 2]> = devices.collect();
        let mut turn = 0;
        loop {
            let events = happened(wanted).await?;
            if !events.is_empty() {
                return Ok(events);
            }
            let left = next.map(|next| Duration::from_nanos(next - system::monotonic().min(next)));
            match devices[..] {
                [] => self.sleep(left.unwrap_or(TURN)).await,
                [only] => {
                    self.turns(true);
                    only.ready(left.unwrap_or(FOREVER)).await?;
                }
                _ => {
                    self.turns(true);
                    let most = left.unwrap_or(TURN).min(TURN);
                    devices[turn % devices.len()].ready(most).await?;
                    turn += 1;
                }
            }
        }
    }
}

/// Longer than anybody waits, and short enough for every timer.
const FOREVER: Duration = Duration::from_hours(24);

impl Wanted {
    /// Whether a device is ready, or will be within `most`.
    async fn ready(&self, most: Duration) -> Result<u64> {
        match &self.source {
            Source::Device(open, want) => match &**open {
                Open::Device(device) => Ok(device.device.ready(*want, most).await?),
                Open::File(_) | Open::Directory(_) => Ok(0),
            },
            Source::Due(_) | Source::Ready(_) => Ok(0),
        }
    }
}

async fn happened(wanted: &[Wanted]) -> Result<SmallVec<[Event; 2]>> {
    let mut events = SmallVec::new();
    for one in wanted {
        match one.source {
            Source::Due(at) if at <= system::monotonic() => {
                events.push(one.subscription.event(0, false));
            }
            Source::Due(_) => {}
            Source::Ready(bytes) => events.push(one.subscription.event(bytes, bytes == 0)),
            Source::Device(..) => match one.ready(Duration::ZERO).await? {
                0 => {}
                bytes => events.push(one.subscription.event(bytes, false)),
            },
        }
    }
    Ok(events)
}
