//! One guest: what it was started with, what it has open, and the calls that are about
//! nothing else.

use std::sync::Mutex;
use std::time::Duration;

use super::abi::{Errno, rights, timestamp};
use super::device::Device;
use super::failure::{Failure, Result};
use super::memory::{Memory, entry};
use super::system;
use super::table::{MOST, Open, OpenDevice, Table};
use crate::backend::Time;
use crate::error::{ErrorCode, SetupError};
use crate::mount::MountTable;
use crate::shared::Ref;

/// The most that arguments, or variables of the environment, may take: as much as a guest's
/// pointers reach.
const MOST_TEXT: usize = u32::MAX as usize;

/// What a guest is started with, and all that it has open.
pub(super) struct Guest {
    arguments: Texts,
    environment: Texts,
    pub(super) table: Table,
    surroundings: Surroundings,
}

/// Where a guest runs.
#[derive(Clone, Copy)]
pub(super) struct Surroundings {
    /// The number of its file system in a browser.
    pub(super) owner: u32,
    /// Whether whoever runs the guest can suspend it.
    pub(super) suspends: bool,
}

// Every call takes the guest, whether it needs it or not, and answers a result.
#[allow(clippy::unused_self, clippy::unnecessary_wraps)]
impl Guest {
    /// A guest without descriptors.
    pub(super) fn new(
        arguments: &[impl AsRef<[u8]>],
        environment: &[impl AsRef<[u8]>],
        surroundings: Surroundings,
    ) -> Result<Self, SetupError> {
        Ok(Self {
            arguments: Texts::new("the arguments", arguments)?,
            environment: Texts::new("the environment", environment)?,
            table: Table::default(),
            surroundings,
        })
    }

    /// Opens the mounts, from descriptor 3 on, which is where guests look for them.
    pub(super) fn preopen(&self, mounts: &MountTable) -> Result<(), SetupError> {
        if let (false, Some(guest)) = (self.surroundings.suspends, mounts.waits()) {
            let message = format!(
                "the mount '{guest}' waits for the browser: run the guest with 'jspi', or mount \
                 a volume there"
            );
            return Err(SetupError::new(ErrorCode::Unsupported, message));
        }
        for (fd, (descriptor, name)) in (3..).zip(mounts.preopens()) {
            let mut open = Open::new(descriptor, 0);
            if let Open::Directory(directory) = &mut open {
                directory.preopen = Some(name);
            }
            self.put(fd, open)?;
        }
        Ok(())
    }

    /// Puts something of the embedder's behind `fd`.
    pub(super) fn device(
        &self,
        fd: u32,
        device: Ref<dyn Device>,
        rights: u64,
    ) -> Result<(), SetupError> {
        self.put(fd, Open::Device(OpenDevice { device, rights, flags: Mutex::new(0) }))
    }

    fn put(&self, fd: u32, open: Open) -> Result<(), SetupError> {
        self.table.insert_at(fd, open).map_err(|_| {
            let message = format!(
                "the descriptor {fd} is taken or too large; mounts have those from 3 on, and \
                 there are {MOST} at most"
            );
            SetupError::new(ErrorCode::Invalid, message)
        })
    }

    pub(super) fn args_sizes_get(&self, m: &mut impl Memory, count: u32, size: u32) -> Result<()> {
        self.arguments.sizes(m, count, size)
    }

    pub(super) fn args_get(&self, m: &mut impl Memory, argv: u32, buffer: u32) -> Result<()> {
        self.arguments.get(m, argv, buffer)
    }

    pub(super) fn environ_sizes_get(
        &self,
        m: &mut impl Memory,
        count: u32,
        size: u32,
    ) -> Result<()> {
        self.environment.sizes(m, count, size)
    }

    pub(super) fn environ_get(&self, m: &mut impl Memory, environ: u32, buffer: u32) -> Result<()> {
        self.environment.get(m, environ, buffer)
    }

    /// Nanoseconds on one of the two clocks there are.
    pub(super) fn now(clock: u32) -> Result<u64> {
        match clock {
            0 => Ok(timestamp(Time::now())),
            1 => Ok(system::monotonic()),
            _ => Err(Errno::Inval.into()),
        }
    }

    pub(super) fn clock_res_get(&self, m: &mut impl Memory, clock: u32, into: u32) -> Result<()> {
        let resolution = match clock {
            0 => system::REALTIME_RESOLUTION,
            1 => system::MONOTONIC_RESOLUTION,
            _ => return Err(Errno::Inval.into()),
        };
        m.store_u64(into, resolution)
    }

    pub(super) fn clock_time_get(
        &self,
        m: &mut impl Memory,
        clock: u32,
        _precision: u64,
        into: u32,
    ) -> Result<()> {
        self.turns(false);
        m.store_u64(into, Self::now(clock)?)
    }

    pub(super) fn random_get(&self, m: &mut impl Memory, into: u32, length: u32) -> Result<()> {
        let mut bytes = [0; 256];
        let mut done = 0;
        while done < length {
            let count = (length - done).min(256);
            let bytes = &mut bytes[..count as usize];
            system::random(bytes)?;
            m.store(into.checked_add(done).ok_or(Failure::Fault)?, bytes)?;
            done += count;
        }
        Ok(())
    }

    /// There is nobody to give way to.
    pub(super) fn sched_yield(&self, _m: &mut impl Memory) -> Result<()> {
        Ok(())
    }

    pub(super) fn proc_raise(&self, _m: &mut impl Memory, _signal: u32) -> Result<()> {
        Err(Errno::Notsup.into())
    }

    pub(super) fn sock_accept(
        &self,
        _m: &mut impl Memory,
        fd: u32,
        _flags: u32,
        _into: u32,
    ) -> Result<()> {
        self.not_a_socket(fd)
    }

    #[allow(clippy::too_many_arguments)] // The witx's.
    pub(super) fn sock_recv(
        &self,
        _m: &mut impl Memory,
        fd: u32,
        _iovs: u32,
        _count: u32,
        _flags: u32,
        _size: u32,
        _flags_out: u32,
    ) -> Result<()> {
        self.not_a_socket(fd)
    }

    pub(super) fn sock_send(
        &self,
        _m: &mut impl Memory,
        fd: u32,
        _iovs: u32,
        _count: u32,
        _flags: u32,
        _size: u32,
    ) -> Result<()> {
        self.not_a_socket(fd)
    }

    pub(super) fn sock_shutdown(&self, _m: &mut impl Memory, fd: u32, _how: u32) -> Result<()> {
        self.not_a_socket(fd)
    }

    fn not_a_socket(&self, fd: u32) -> Result<()> {
        self.table.get(fd)?;
        Err(Errno::Notsock.into())
    }

    /// Waits, where the guest can be suspended without keeping its thread.
    pub(super) async fn sleep(&self, time: Duration) {
        self.turns(true);
        system::sleep(time, self.surroundings.suspends).await;
    }

    /// Whether whoever runs it can suspend it.
    #[cfg(target_arch = "wasm32")]
    pub(super) const fn suspends(&self) -> bool {
        self.surroundings.suspends
    }

    /// The guest turns to something else than files, perhaps for `long`: what it has written
    /// is not to wait for its return.
    pub(super) fn turns(&self, long: bool) {
        system::turns(self.surroundings.owner, long);
    }
}

/// What a device that is read, or written, has of `rights`.
pub(super) const READS: u64 = rights::FD_READ | rights::POLL_FD_READWRITE;
pub(super) const WRITES: u64 = rights::FD_WRITE | rights::POLL_FD_READWRITE;

/// Texts as a guest takes them: one after the other, each with a NUL behind it.
struct Texts {
    bytes: Vec<u8>,
    starts: Vec<u32>,
}

impl Texts {
    fn new(what: &str, texts: &[impl AsRef<[u8]>]) -> Result<Self, SetupError> {
        let mut all = Self { bytes: Vec::new(), starts: Vec::with_capacity(texts.len()) };
        for text in texts {
            let text = text.as_ref();
            let start = u32::try_from(all.bytes.len()).ok();
            match start.filter(|_| all.bytes.len() + text.len() < MOST_TEXT) {
                Some(start) if !text.contains(&0) => all.starts.push(start),
                _ => {
                    let message =
                        format!("{what} cannot be passed on: too long, or with a NUL in it");
                    return Err(SetupError::new(ErrorCode::Invalid, message));
                }
            }
            all.bytes.extend_from_slice(text);
            all.bytes.push(0);
        }
        Ok(all)
    }

    fn sizes(&self, m: &mut impl Memory, count: u32, size: u32) -> Result<()> {
        let fits = |length: usize| u32::try_from(length).map_err(|_| Errno::Overflow);
        m.store_u32(count, fits(self.starts.len())?)?;
        m.store_u32(size, fits(self.bytes.len())?)
    }

    fn get(&self, m: &mut impl Memory, pointers: u32, buffer: u32) -> Result<()> {
        m.store(buffer, &self.bytes)?;
        for (index, start) in (0..).zip(&self.starts) {
            let pointer = buffer.checked_add(*start).ok_or(Failure::Fault)?;
            m.store_u32(entry(pointers, index, 4)?, pointer)?;
        }
        Ok(())
    }
}
