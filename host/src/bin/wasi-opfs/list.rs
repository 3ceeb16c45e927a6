//! `wasi-opfs ls`: what is in the directories of mounts.

use std::io::{self, BufWriter, Write};

use anyhow::{Context, Result};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use wasi_opfs::backend::{Entry, Kind, Time};
use wasi_opfs::{Descriptor, Follow, Stat};

use crate::copy::{DIRECTORY, READ};
use crate::mounts::MountArgs;
use crate::place::{advised, locate};
use crate::{block_on, interrupt};

const EXAMPLES: &str = "\
Examples:
  wasi-opfs ls --mount /=volume:app.volume
  wasi-opfs ls -lR --mount /=volume:app.volume /etc
  wasi-opfs ls -R --json --mount /=volume:app.volume --mount /data=dir:./data /

Names come in the order of their bytes, control characters in them escaped; with --json
each line has path, kind, size, allocated, links, mode, uid, gid, the times accessed,
modified, changed and created, and for a symbolic link its target.

Exit code: 0; 1 if something cannot be listed.";

/// List what is in mounts, without a program.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Ls {
    #[command(flatten)]
    mounts: MountArgs,

    /// Show kind and permission bits, hard links, owner, group, size, and the time of the
    /// last change of the content (UTC).
    #[arg(short, long)]
    long: bool,

    /// List directories in directories, too.
    #[arg(short = 'R', long)]
    recursive: bool,

    /// Write all that is known of each as a line of JSON.
    #[arg(long, conflicts_with = "long")]
    json: bool,

    /// What to list: a directory's entries, or the file itself; the first mount, if there
    /// is no path.
    path: Option<String>,
}

/// One name, in the directory that holds it.
struct Item {
    parent: Descriptor,
    name: Vec<u8>,
    /// As it is shown: what is not Unicode in it is replaced.
    path: String,
    kind: Kind,
}

#[derive(Serialize)]
struct Line<'a> {
    path: &'a str,
    kind: &'static str,
    size: u64,
    allocated: u64,
    links: u64,
    mode: String,
    uid: u32,
    gid: u32,
    accessed: Option<String>,
    modified: Option<String>,
    changed: Option<String>,
    created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

impl Ls {
    pub(crate) fn start(self) -> Result<i32> {
        block_on(async {
            let first = self.mounts.mounts.first().map_or("/", |mount| mount.guest());
            let path = self.path.as_deref().unwrap_or(first);
            let listed = self.list(path).await.map_err(advised);
            listed.with_context(|| format!("cannot list '{path}'"))
        })
    }

    async fn list(&self, path: &str) -> Result<i32> {
        let mounts = self.mounts.open_read_only()?;
        let table = mounts.table().await?;
        let (base, names) = locate(&table, path)?;
        let inner = if names.is_empty() { ".".to_owned() } else { names.join("/") };
        let mut out = BufWriter::new(io::stdout().lock());
        let mut kind = base.stat_at(Follow::No, inner.as_bytes()).await?.kind;
        if kind == Kind::Symlink && !self.long {
            // One that leads nowhere is shown itself.
            let led = base.stat_at(Follow::Yes, inner.as_bytes()).await;
            kind = led.map_or(kind, |stat| stat.kind);
        }
        if kind != Kind::Directory {
            let item = Item { parent: base, name: inner.into(), path: path.to_owned(), kind };
            self.show(&mut out, &item).await?;
            out.flush()?;
            return Ok(0);
        }
        let top = base.open_at(Follow::Yes, inner.as_bytes(), DIRECTORY, READ).await?;
        let mut items = Self::entries(&top, "").await?;
        while let Some(item) = items.pop() {
            interrupt::check()?;
            self.show(&mut out, &item).await.with_context(|| format!("at '{}'", item.path))?;
            if self.recursive && item.kind == Kind::Directory {
                let inside = Self::inside(&item).await;
                items.extend(inside.with_context(|| format!("at '{}'", item.path))?);
            }
        }
        out.flush()?;
        Ok(0)
    }

    async fn inside(item: &Item) -> Result<Vec<Item>> {
        let directory = item.parent.open_at(Follow::No, &item.name, DIRECTORY, READ).await?;
        Self::entries(&directory, &item.path).await
    }

    /// The entries of a directory, the last one first.
    async fn entries(directory: &Descriptor, path: &str) -> Result<Vec<Item>> {
        let entries = directory.read_directory().await?.into_entries();
        let item = |entry: Entry| {
            let name = entry.name.as_bytes().to_vec();
            let shown = String::from_utf8_lossy(&name);
            let path = if path.is_empty() { shown.into_owned() } else { format!("{path}/{shown}") };
            Item { parent: directory.clone(), name, path, kind: entry.kind }
        };
        let mut items: Vec<_> = entries.map(item).collect();
        items.sort_by(|a, b| b.name.cmp(&a.name));
        Ok(items)
    }

    async fn show(&self, out: &mut impl Write, item: &Item) -> Result<()> {
        if !self.long && !self.json {
            return Ok(writeln!(out, "{}", printable(&item.path))?);
        }
        let name = &item.name[..];
        let stat = item.parent.stat_at(Follow::No, name).await?;
        let target = match stat.kind {
            // One to an absolute path is not told.
            Kind::Symlink => item.parent.readlink_at(name).await.ok(),
            _ => None,
        };
        if self.json {
            serde_json::to_writer(&mut *out, &line(&item.path, &stat, target))
                .map_err(io::Error::from)?;
            return Ok(writeln!(out)?);
        }
        let it = &stat.attributes;
        let time = it.modified.and_then(timestamp);
        let time = time.map_or("-".to_owned(), |time| time.strftime("%F %T").to_string());
        let arrow = match (stat.kind, target) {
            (Kind::Symlink, target) => format!(" -> {}", target.as_deref().unwrap_or("?")),
            _ => String::new(),
        };
        writeln!(
            out,
            "{}{} {:>3} {:>5} {:>5} {:>10} {time:19} {}{}",
            letter(stat.kind),
            bits(it.mode),
            it.links,
            it.uid,
            it.gid,
            it.size,
            printable(&item.path),
            printable(&arrow),
        )?;
        Ok(())
    }
}

fn line<'a>(path: &'a str, stat: &Stat, target: Option<String>) -> Line<'a> {
    let it = &stat.attributes;
    let time = |time: Option<Time>| time.and_then(timestamp).map(|time| time.to_string());
    Line {
        path,
        kind: word(stat.kind),
        size: it.size,
        allocated: it.allocated,
        links: it.links,
        mode: format!("{:04o}", it.mode),
        uid: it.uid,
        gid: it.gid,
        accessed: time(it.accessed),
        modified: time(it.modified),
        changed: time(it.changed),
        created: time(it.created),
        target,
    }
}

/// `None` for a time that no calendar has.
fn timestamp(time: Time) -> Option<Timestamp> {
    let nanoseconds = i32::try_from(time.nanoseconds).ok()?;
    Timestamp::new(time.seconds, nanoseconds).ok()
}

fn letter(kind: Kind) -> char {
    match kind {
        Kind::File => '-',
        Kind::Directory => 'd',
        Kind::Symlink => 'l',
        Kind::BlockDevice => 'b',
        Kind::CharacterDevice => 'c',
        Kind::Fifo => 'p',
        Kind::Socket => 's',
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "file",
        Kind::Directory => "directory",
        Kind::Symlink => "symlink",
        Kind::BlockDevice => "block-device",
        Kind::CharacterDevice => "character-device",
        Kind::Fifo => "fifo",
        Kind::Socket => "socket",
    }
}

/// The permission bits as `rwxr-x---`.
fn bits(mode: u32) -> String {
    (0..9).map(|at| if mode & (0o400 >> at) == 0 { '-' } else { ['r', 'w', 'x'][at % 3] }).collect()
}

/// A name may hold what a terminal would obey.
fn printable(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    for char in name.chars() {
        if char.is_control() {
            shown.extend(char.escape_default());
        } else {
            shown.push(char);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_bits_are_shown() {
        assert_eq!(printable("a \u{1b}[1mü\n"), "a \\u{1b}[1mü\\n");
        assert_eq!((bits(0o750), bits(0o7604)), ("rwxr-x---".into(), "rw----r--".into()));
        let time = |seconds| timestamp(Time { seconds, nanoseconds: 5 });
        assert_eq!(time(-1).expect("a time").to_string(), "1969-12-31T23:59:59.000000005Z");
        assert_eq!(time(i64::MAX), None);
    }
}
