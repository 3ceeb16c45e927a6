//! A volume in OPFS, also where the origin has little space left.

use anyhow::{Result, ensure};

use crate::backend::volume::{Options, Volume};
use crate::backend::{Access, Backend, Destination, File, Fresh, Node, Position, Removal, Source};
use crate::error::ErrorCode;
use crate::path::Name;
use crate::shared::Ref;

const NAME: &str = "suite";

/// Where the volume is, at the top of OPFS.
pub(super) const FILE: &str = "suite.volume";

pub(super) async fn open() -> Result<Volume> {
    Ok(Volume::open_opfs(NAME, Options::default()).await?)
}

/// As large as what is written at once.
const PIECE: usize = 256 * 1024;

/// More than the origin has.
const MANY: usize = 4096;

fn name(number: usize) -> Result<Name> {
    Ok(Name::new(number.to_string().as_bytes())?)
}

fn piece(number: usize) -> Vec<u8> {
    (0..PIECE).map(|at| ((at * 7 + number) % 251).to_le_bytes()[0]).collect()
}

async fn write(volume: &Volume, root: &Node, number: usize) -> crate::error::Result<()> {
    let access = Access { read: true, write: true };
    let name = Name::new(number.to_string().as_bytes())?;
    let (_, file) = volume.create(root, &name, Fresh::FILE, access).await?;
    let bytes = piece(number);
    let mut done = 0;
    while done < bytes.len() {
        let rest = Source::Slice(&bytes[done..]);
        done += file.write(rest, Position::At(done as u64))?.count;
    }
    Ok(())
}

async fn open_file(volume: &Volume, root: &Node, number: usize) -> Result<Ref<dyn File>> {
    let walk = volume.walk(root, &[name(number)?]).await?;
    ensure!(walk.walked == 1, "the file {number} is gone");
    Ok(volume.open(&walk.node, Access { read: true, write: true }).await?)
}

async fn check(volume: &Volume, numbers: std::ops::Range<usize>) -> Result<()> {
    let root = volume.root();
    for number in numbers {
        let mut bytes = vec![0; PIECE];
        let file = open_file(volume, &root, number).await?;
        let count = file.read(Destination::Slice(&mut bytes), 0)?;
        ensure!(count == PIECE && bytes == piece(number), "the file {number} is another");
    }
    Ok(())
}

/// Fills a volume until the origin has no more room: what was there is there, overwriting
/// and deleting go on, and what is freed can be used.
pub(super) async fn full() -> Result<()> {
    let volume = open().await?;
    let root = volume.root();
    let mut whole = 0;
    let refused = loop {
        ensure!(whole < MANY, "it never gets full");
        match write(&volume, &root, whole).await {
            Ok(()) => whole += 1,
            Err(code) => break code,
        }
    };
    ensure!(refused == ErrorCode::InsufficientSpace, "full is {refused:?}");
    ensure!(whole > 8, "full after {whole} files");
    volume.sync().await?;
    check(&volume, 0..whole).await?;
    let file = open_file(&volume, &root, 0).await?;
    for _ in 0..8 {
        file.write(Source::Slice(&piece(0)[..4096]), Position::At(0))?;
        file.sync(false)?;
    }
    drop((file, root));
    drop(volume);
    // The lock is let go with the next turn of the event loop.
    let volume = open().await?;
    check(&volume, 0..whole).await?;
    let root = volume.root();
    for number in whole / 2..whole {
        volume.remove(&root, &name(number)?, Removal::File).await?;
    }
    // What was begun when it became full.
    let _ = volume.remove(&root, &name(whole)?, Removal::File).await;
    volume.sync().await?;
    for number in whole / 2..whole - 1 {
        write(&volume, &root, number).await?;
    }
    volume.sync().await?;
    check(&volume, 0..whole - 1).await
}
