//! Files of mounts without a program: `wasi-opfs cat`, `import` and `export`.

use std::fs;
use std::io::{self, Write};
use std::path::{MAIN_SEPARATOR, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use wasi_opfs::backend::{Destination, Kind};
use wasi_opfs::{Descriptor, ErrorCode, Follow, MountTable};

use crate::copy::{self, FILE, READ};
use crate::mounts::{MountArgs, Mounts};
use crate::place::{advised, directory, locate};
use crate::progress::Progress;
use crate::{block_on, interrupt, say};

const CAT_EXAMPLES: &str = "\
Example:
  wasi-opfs cat --mount /=volume:app.volume /etc/motd /var/log/app.log

Exit code: 0; 1 if a file cannot be read, the others are written all the same.";

const IMPORT_EXAMPLES: &str = "\
Examples:
  wasi-opfs import --mount /=volume:app.volume ./site /www
  wasi-opfs import --mount /=volume:app.volume config.json /etc/

Contents with their holes, symbolic and hard links, permission bits and times come along;
what the mount does not store is left out. What is there already is replaced, or stays.

Exit code: 0; 1 if it failed, what was copied until then stays; 130 or 143 if it was
interrupted.";

const EXPORT_EXAMPLES: &str = "\
Examples:
  wasi-opfs export --mount /=volume:app.volume / ./backup
  wasi-opfs export --mount /=volume:app.volume /var/log/app.log .

Contents with their holes, symbolic and hard links, permission bits (but for those that
the umask takes away) and times come along. What is there already is replaced, or stays;
nothing is written through a symbolic link.

Exit code: 0; 1 if it failed, what was copied until then stays; 130 or 143 if it was
interrupted.";

/// How much is read at a time.
const CHUNK: usize = 256 * 1024;

/// Write files of mounts to standard output.
#[derive(Args)]
#[command(after_help = CAT_EXAMPLES)]
pub(crate) struct Cat {
    #[command(flatten)]
    mounts: MountArgs,

    /// The files.
    #[arg(required = true)]
    paths: Vec<String>,
}

/// Copy a directory or a file of this machine into mounts.
#[derive(Args)]
#[command(after_help = IMPORT_EXAMPLES)]
pub(crate) struct Import {
    #[command(flatten)]
    mounts: MountArgs,

    /// Write what was copied as a line of JSON.
    #[arg(long)]
    json: bool,

    /// A directory, of which the content is copied, or a file.
    source: PathBuf,

    /// Where to: a directory, made if it is missing; for a file also its new name.
    path: String,
}

/// Copy a directory or a file of mounts to this machine.
#[derive(Args)]
#[command(after_help = EXPORT_EXAMPLES)]
pub(crate) struct Export {
    #[command(flatten)]
    mounts: MountArgs,

    /// Write what was copied as a line of JSON.
    #[arg(long)]
    json: bool,

    /// A directory, of which the content is copied, or a file.
    path: String,

    /// Where to: a directory, made if it is missing; for a file also its new name.
    destination: PathBuf,
}

impl Cat {
    pub(crate) fn start(self) -> Result<i32> {
        block_on(async {
            let mounts = self.mounts.open_read_only()?;
            let table = mounts.table().await?;
            let mut failed = false;
            for path in &self.paths {
                match open(&table, path).await.map_err(advised) {
                    Ok(file) => write_out(&file, path)?,
                    Err(error) => {
                        failed = true;
                        say(&format!("cannot read '{path}': {error:#}"));
                    }
                }
            }
            Ok(i32::from(failed))
        })
    }
}

async fn open(table: &MountTable, path: &str) -> Result<Descriptor> {
    let (base, names) = locate(table, path)?;
    if names.is_empty() {
        return Err(ErrorCode::IsDirectory.into());
    }
    let file = base.open_at(Follow::Yes, names.join("/").as_bytes(), FILE, READ).await?;
    match file.kind() {
        Kind::Directory => Err(ErrorCode::IsDirectory.into()),
        _ => Ok(file),
    }
}

fn write_out(file: &Descriptor, path: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    let mut buffer = vec![0; CHUNK];
    let mut offset = 0;
    loop {
        interrupt::check()?;
        let (count, _) = file
            .read_into(Destination::Slice(&mut buffer), offset)
            .with_context(|| format!("cannot read '{path}'"))?;
        if count == 0 {
            return Ok(out.flush()?);
        }
        out.write_all(&buffer[..count])?;
        offset += count as u64;
    }
}

impl Import {
    pub(crate) fn start(self) -> Result<i32> {
        block_on(async {
            let mounts = Mounts::open(&self.mounts.mounts, &[])?;
            let table = mounts.table().await?;
            let mut progress = Progress::shown();
            let copied = self.copy(&table, &mut progress).await.map_err(advised);
            // Also what was copied before something failed.
            let stored = mounts.finish().await;
            progress.finish(copied.is_ok());
            let (from, to) = (self.source.display(), &self.path);
            copied.with_context(|| format!("cannot import '{from}' to '{to}'"))?;
            stored?;
            report(self.json, &progress)
        })
    }

    async fn copy(&self, table: &MountTable, progress: &mut Progress) -> Result<()> {
        if fs::metadata(&self.source)?.is_dir() {
            let to = directory(table, &self.path, true).await?;
            return copy::import(&self.source, &to, progress).await;
        }
        let (parent, name) = self.target(table).await?;
        copy::import_file(&self.source, &directory(table, &parent, true).await?, &name, progress)
            .await
    }

    /// The directory that a file is to get into, and its name there.
    async fn target(&self, table: &MountTable) -> Result<(String, String)> {
        let own_name = || {
            let name = self.source.file_name().and_then(|name| name.to_str());
            Ok((self.path.clone(), name.context("its name is not Unicode")?.to_owned()))
        };
        let (base, names) = locate(table, &self.path)?;
        if names.is_empty() || self.path.ends_with('/') {
            return own_name();
        }
        let stat = base.stat_at(Follow::Yes, names.join("/").as_bytes()).await;
        if stat.is_ok_and(|stat| stat.kind == Kind::Directory) {
            return own_name();
        }
        let path = self.path.as_str();
        Ok(match path.rsplit_once('/') {
            Some(("", name)) => ("/".to_owned(), name.to_owned()),
            Some((parent, name)) => (parent.to_owned(), name.to_owned()),
            None => (".".to_owned(), path.to_owned()),
        })
    }
}

impl Export {
    pub(crate) fn start(self) -> Result<i32> {
        block_on(async {
            let mounts = self.mounts.open_read_only()?;
            let table = mounts.table().await?;
            let mut progress = Progress::shown();
            let copied = self.copy(&table, &mut progress).await.map_err(advised);
            progress.finish(copied.is_ok());
            let (from, to) = (&self.path, self.destination.display());
            copied.with_context(|| format!("cannot export '{from}' to '{to}'"))?;
            report(self.json, &progress)
        })
    }

    async fn copy(&self, table: &MountTable, progress: &mut Progress) -> Result<()> {
        let (base, names) = locate(table, &self.path)?;
        let to = &self.destination;
        let path = names.join("/");
        let is_file = match names.last() {
            None => None,
            Some(name) => {
                let stat = base.stat_at(Follow::Yes, path.as_bytes()).await?;
                (stat.kind != Kind::Directory).then_some(name)
            }
        };
        let Some(name) = is_file else {
            return copy::export(&directory(table, &self.path, false).await?, to, progress).await;
        };
        let into = to.is_dir() || to.to_string_lossy().ends_with(['/', MAIN_SEPARATOR]);
        let to = if into { &to.join(name) } else { to };
        copy::export_file(&base, &path, to, progress).await
    }
}

/// What was copied, for a program that reads it.
fn report(json: bool, progress: &Progress) -> Result<i32> {
    if json {
        let line = serde_json::to_string(&progress.counts)?;
        writeln!(io::stdout(), "{line}")?;
    }
    Ok(0)
}
