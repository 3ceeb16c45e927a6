//! Listings: whole, in pieces, and while entries come and go.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};

use super::{Bench, name, same};
use crate::backend::{Backend, Entry, Kind, Removal};
use crate::shared::Ref;
use crate::testing::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(entries_say_what_they_lead_to),
        case!(three_hundred_entries_come_once_each),
        case!(cookies_lead_on_while_entries_come_and_go),
        case!(a_directory_is_emptied_while_it_is_listed),
    ]
}

async fn entries_say_what_they_lead_to(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let root = &bench.root;
    same("entries of nothing", bench.list(root).await?.len(), 0)?;
    let mut made = vec![
        ("file", bench.file(root, "file", "x").await?),
        ("directory", bench.directory(root, "directory").await?),
    ];
    bench.file(&made[1].1, "below", "").await?;
    if bench.can.symlinks {
        made.push(("link", bench.symlink(root, "link", "directory").await?));
    }
    let entries = bench.list(root).await?;
    same("entries", entries.len(), made.len())?;
    for (called, node) in made {
        let entry = entries.iter().find(|entry| entry.name.as_bytes() == called.as_bytes());
        let entry = entry.with_context(|| format!("{called} is not listed"))?;
        let wanted = (node.kind(), node.id().inode);
        same(called, (entry.kind, entry.inode), wanted)?;
    }
    Ok(())
}

fn cookies(entries: &[Entry]) -> BTreeSet<u64> {
    entries.iter().map(|entry| entry.cookie).collect()
}

async fn three_hundred_entries_come_once_each(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let directory = bench.directory(&bench.root, "d").await?;
    let mut wanted = Vec::new();
    for number in 0..300 {
        let called = format!("entry {number:03}");
        bench.create(&directory, &called).await?;
        wanted.push(called);
    }
    let entries = bench.list(&directory).await?;
    same("cookies", cookies(&entries).len(), 300)?;
    same("names", bench.names_in(&directory).await?, wanted)?;
    // Again from some of the cookies: what came after them comes after them.
    for start in [0, 1, 149, 298, 299] {
        let mut rest = Vec::new();
        let mut after = entries[start].cookie;
        loop {
            let more = bench.backend.list(&directory, after).await?;
            let Some(last) = more.last() else { break };
            after = last.cookie;
            rest.extend(more);
            ensure!(rest.len() <= 300, "the listing has no end");
        }
        let names = |entries: &[Entry]| -> Vec<_> {
            entries.iter().map(|entry| entry.name.clone()).collect()
        };
        same(&format!("entries after {start}"), names(&rest), names(&entries[start + 1..]))?;
    }
    if !bench.can.stable_cookies {
        let first = bench.backend.list(&directory, 0).await?;
        same("entries at once", first.len(), 300)?;
    }
    Ok(())
}

async fn cookies_lead_on_while_entries_come_and_go(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let (root, backend) = (&bench.root, &bench.backend);
    for number in 0..40 {
        bench.create(root, &format!("old{number}")).await?;
    }
    let before = bench.list(root).await?;
    same("entries", before.len(), 40)?;
    if !bench.can.stable_cookies {
        // Then whoever lists keeps what the one call gave, so that has to be all.
        return same("entries at once", backend.list(root, 0).await?.len(), 40);
    }
    let (seen, rest) = before.split_at(20);
    let after = seen[19].cookie;
    // One that was seen, the very one that the cookie names, one that was not; and one
    // that is renamed.
    for gone in [&seen[3], &seen[19], &rest[5]] {
        backend.remove(root, &gone.name, Removal::File).await?;
    }
    for number in 0..5 {
        bench.create(root, &format!("new{number}")).await?;
    }
    backend.rename(root, &rest[7].name, root, &name("renamed")?).await?;

    let mut later = Vec::new();
    let mut at = after;
    loop {
        let more = backend.list(root, at).await?;
        let Some(last) = more.last() else { break };
        at = last.cookie;
        later.extend(more);
        ensure!(later.len() < 1000, "the listing has no end");
    }
    let names: BTreeSet<_> = later.iter().map(|entry| entry.name.clone()).collect();
    same("names, each once", names.len(), later.len())?;
    for (index, entry) in rest.iter().enumerate() {
        let stays = index != 5 && index != 7;
        same(&format!("{:?} is listed", entry.name), names.contains(&entry.name), stays)?;
    }
    for entry in seen {
        ensure!(!names.contains(&entry.name), "{:?} comes again", entry.name);
    }
    Ok(())
}

/// As `rm -r` does it.
async fn a_directory_is_emptied_while_it_is_listed(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let (root, backend) = (&bench.root, &bench.backend);
    let directory = bench.directory(root, "d").await?;
    for number in 0..100 {
        bench.create(&directory, &format!("f{number}")).await?;
    }
    bench.directory(&directory, "sub").await?;
    let mut after = 0;
    let mut removed = 0;
    loop {
        let entries = backend.list(&directory, after).await?;
        let Some(last) = entries.last() else { break };
        // Cookies of this kind count what is there: after a removal they start anew.
        after = if bench.can.stable_cookies { last.cookie } else { 0 };
        for entry in entries {
            let what = match entry.kind {
                Kind::Directory => Removal::Directory,
                _ => Removal::File,
            };
            backend.remove(&directory, &entry.name, what).await.context("removing")?;
            removed += 1;
        }
    }
    same("removed", removed, 101)?;
    backend.remove(root, &name("d")?, Removal::Directory).await.context("the directory")?;
    same("names", bench.names_in(root).await?, vec![])
}
