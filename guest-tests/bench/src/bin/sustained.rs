//! One large file, written in calls of 64 KiB and then synced: `sustained FILE MEBIBYTES`.

use std::env;
use std::fs::File;
use std::io::{Read, Write};

use anyhow::{Context, Result, ensure};
use guest_bench::content::{BLOCK, stamp};
use guest_bench::{measured, phase};

const CALL: usize = 16 * BLOCK;

fn main() -> Result<()> {
    measured(run)
}

fn run() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().context("which file")?;
    let calls = arguments.next().context("how many mebibytes")?.parse::<usize>()? << 20;
    let calls = u32::try_from(calls / CALL)?;
    let mut bytes = vec![0; CALL];
    for (block, bytes) in (0..).zip(bytes.chunks_mut(BLOCK)) {
        stamp(bytes, block, 0);
    }
    phase("sustained", calls as usize * CALL, || {
        let mut file = File::create(&path)?;
        for call in 0..calls {
            bytes[..4].copy_from_slice(&call.to_le_bytes());
            file.write_all(&bytes)?;
        }
        Ok(file.sync_all()?)
    })?;
    let mut file = File::open(&path)?;
    let mut found = vec![0; CALL];
    for call in 0..calls {
        file.read_exact(&mut found)?;
        bytes[..4].copy_from_slice(&call.to_le_bytes());
        ensure!(found == bytes, "piece {call} differs");
    }
    Ok(())
}
