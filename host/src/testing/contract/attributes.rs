//! Attributes, extended attributes, and the storage as a whole.

use anyhow::{Context, Result, ensure};

use super::{BOTH, Bench, name, refused, same, write};
use crate::backend::{
    Attributes, Backend, Changes, Fresh, NewTime, Node, Position, Removal, Time, XattrMode,
};
use crate::error::ErrorCode;
use crate::shared::Ref;
use crate::testing::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(attributes_tell_of_the_object),
        case!(times_move_with_changes),
        case!(times_are_set_to_the_nanosecond),
        case!(modes_are_stored),
        case!(owners_are_stored),
        case!(changes_are_made_together_or_not_at_all),
        case!(extended_attributes_are_kept),
        case!(extended_attributes_mind_the_mode),
        case!(the_storage_is_asked_and_synced),
    ]
}

async fn attributes(bench: &Bench, node: &Node) -> Result<Attributes> {
    bench.backend.attributes(node).await.context("attributes")
}

/// One object of each kind there is, beside the root.
async fn objects(bench: &Bench) -> Result<Vec<(&'static str, Node)>> {
    let root = &bench.root;
    let mut objects = vec![
        ("file", bench.file(root, "file", "12345").await?),
        ("directory", bench.directory(root, "directory").await?),
    ];
    if bench.can.symlinks {
        objects.push(("link", bench.symlink(root, "link", "file").await?));
    }
    Ok(objects)
}

async fn attributes_tell_of_the_object(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    for (what, node) in objects(&bench).await? {
        let found = attributes(&bench, &node).await?;
        ensure!(found.links > 0, "{what} has no name");
        match what {
            "file" => same("size", found.size, 5)?,
            "link" => same("size", found.size, 4)?,
            _ => {}
        }
        same(what, found.mode & !0o7777, 0)?;
        same(what, found.device, (0, 0))?;
        for time in [found.accessed, found.modified, found.changed, found.created] {
            ensure!(time.is_none_or(|time| time.nanoseconds < 1_000_000_000), "{what}: {time:?}");
        }
    }
    attributes(&bench, &bench.root).await.map(|_| ())
}

fn near(what: &str, time: Option<Time>, now: Time) -> Result<()> {
    if let Some(time) = time {
        ensure!((time.seconds - now.seconds).abs() <= 60, "{what}: {time:?}, and it is {now:?}");
    }
    Ok(())
}

async fn times_move_with_changes(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let now = Time::now();
    let (node, file) = bench.create(&bench.root, "f").await?;
    let first = attributes(&bench, &node).await?;
    for time in [first.accessed, first.modified, first.changed, first.created] {
        near("of a new file", time, now)?;
    }
    write(&*file, b"x", Position::At(0))?;
    let second = attributes(&bench, &node).await?;
    near("of a written file", second.modified, now)?;
    ensure!(second.modified >= first.modified, "modified went back");
    ensure!(second.changed >= first.changed, "changed went back");
    if bench.can.set_times {
        // The clock need not have moved since, but the content has changed.
        let old = Time { seconds: 1_000_000, nanoseconds: 0 };
        let changes = Changes { modified: Some(NewTime::At(old)), ..Changes::default() };
        bench.backend.set_attributes(&node, changes).await?;
        write(&*file, b"y", Position::At(0))?;
        near("of a file written again", attributes(&bench, &node).await?.modified, now)?;
    }
    Ok(())
}

async fn times_are_set_to_the_nanosecond(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let at = |seconds, nanoseconds| Time { seconds, nanoseconds };
    let rows = [
        at(1_700_000_000, 123_456_789),
        at(0, 0),
        at(0, 1),
        at(-1, 999_999_999),
        at(-86_400, 500_000_000),
        at(2_147_483_648, 0),
    ];
    let set = |accessed, modified| Changes { accessed, modified, ..Changes::default() };
    for (what, node) in objects(&bench).await? {
        let before = attributes(&bench, &node).await?;
        let nothing = bench.backend.set_attributes(&node, Changes::default()).await;
        nothing.with_context(|| format!("no change of a {what}"))?;
        if !bench.can.set_times {
            for changes in [set(Some(NewTime::Now), None), set(None, Some(NewTime::At(rows[0])))] {
                let answer = bench.backend.set_attributes(&node, changes).await;
                refused(what, answer, [ErrorCode::Unsupported])?;
            }
            let after = attributes(&bench, &node).await?;
            same(what, after.modified, before.modified)?;
            continue;
        }
        for time in rows {
            let other = at(time.seconds + 1, 7);
            let changes = set(Some(NewTime::At(time)), Some(NewTime::At(other)));
            let before = attributes(&bench, &node).await?;
            if let Err(code) = bench.backend.set_attributes(&node, changes).await {
                // Not every storage goes back beyond 1970; then it says so.
                ensure!(time.seconds < 0 && code == ErrorCode::Overflow, "{what}: {code:?}");
                let after = attributes(&bench, &node).await?;
                same(what, after.modified, before.modified)?;
                continue;
            }
            let found = attributes(&bench, &node).await?;
            same(what, (found.accessed, found.modified), (Some(time), Some(other)))?;
        }
        // The one that is not given stays, to the nanosecond.
        let last = attributes(&bench, &node).await?;
        bench.backend.set_attributes(&node, set(None, Some(NewTime::Now))).await.context(what)?;
        let found = attributes(&bench, &node).await?;
        same(what, found.accessed, last.accessed)?;
        near(what, found.modified, Time::now())?;
        let changes = set(Some(NewTime::At(rows[0])), None);
        bench.backend.set_attributes(&node, changes).await.context(what)?;
        let later = attributes(&bench, &node).await?;
        same(what, (later.accessed, later.modified), (Some(rows[0]), found.modified))?;
        near("changed", later.changed, Time::now())?;
    }
    Ok(())
}

async fn modes_are_stored(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let root = &bench.root;
    if !bench.can.modes {
        let node = bench.file(root, "f", "").await?;
        let changes = Changes { mode: Some(0o600), ..Changes::default() };
        let answer = bench.backend.set_attributes(&node, changes).await;
        return refused("a mode", answer, [ErrorCode::Unsupported]);
    }
    // Of a new object, a system may take bits away that its user does not want given.
    let fresh = Fresh { mode: 0o640, owner: None };
    let (file, _) = bench.backend.create(root, &name("f")?, fresh, BOTH).await?;
    let fresh = Fresh { mode: 0o750, owner: None };
    let directory = bench.backend.make_directory(root, &name("d")?, fresh).await?;
    for (what, node, given) in [("file", &file, 0o640), ("directory", &directory, 0o750)] {
        let mode = attributes(&bench, node).await?.mode & 0o777;
        same(what, (mode & !given, mode & 0o700), (0, given & 0o700))?;
        for mode in [0o644, 0o755, 0o1777, 0o400, 0o777] {
            let changes = Changes { mode: Some(mode), ..Changes::default() };
            bench.backend.set_attributes(node, changes).await.with_context(|| what.to_owned())?;
            same(what, attributes(&bench, node).await?.mode, mode)?;
        }
    }
    Ok(())
}

async fn owners_are_stored(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let root = &bench.root;
    let node = bench.file(root, "f", "").await?;
    let before = attributes(&bench, &node).await?;
    let (uid, gid) = (before.uid, before.gid);
    let changes = Changes { uid: Some(uid), gid: Some(gid), ..Changes::default() };
    let answer = bench.backend.set_attributes(&node, changes).await;
    if !bench.can.owners {
        return refused("an owner", answer, [ErrorCode::Unsupported]);
    }
    answer.context("the same owner again")?;
    // To give something away is for the privileged.
    let changes = Changes { uid: Some(uid + 1), gid: Some(gid + 2), ..Changes::default() };
    let answer = bench.backend.set_attributes(&node, changes).await;
    let after = attributes(&bench, &node).await?;
    match answer {
        Ok(()) => same("the new owner", (after.uid, after.gid), (uid + 1, gid + 2))?,
        Err(code) => {
            same("another owner", code, ErrorCode::NotPermitted)?;
            same("the owner", (after.uid, after.gid), (uid, gid))?;
        }
    }
    // Who says whose a new object is, gets the mode to the bit.
    let fresh = Fresh { mode: 0o666, owner: Some((uid, gid)) };
    let (file, _) = bench.backend.create(root, &name("g")?, fresh, BOTH).await?;
    let mut made = vec![("file", file)];
    made.push(("directory", bench.backend.make_directory(root, &name("d")?, fresh).await?));
    for (what, node) in &made {
        let found = attributes(&bench, node).await?;
        same(what, (found.uid, found.gid), (uid, gid))?;
        if bench.can.modes {
            same(what, found.mode, 0o666)?;
        }
    }
    if bench.can.symlinks {
        let link = bench.backend.symlink(root, &name("l")?, b"x", fresh).await?;
        let found = attributes(&bench, &link).await?;
        same("link", (found.uid, found.gid), (uid, gid))?;
    }
    Ok(())
}

async fn changes_are_made_together_or_not_at_all(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let can = bench.can;
    let node = bench.file(&bench.root, "f", "").await?;
    let before = attributes(&bench, &node).await?;
    let time = Time { seconds: 1_234_567_890, nanoseconds: 5 };
    let changes = Changes {
        mode: Some(0o600),
        uid: Some(before.uid),
        gid: Some(before.gid),
        accessed: Some(NewTime::At(time)),
        modified: Some(NewTime::At(time)),
    };
    let answer = bench.backend.set_attributes(&node, changes).await;
    let after = attributes(&bench, &node).await?;
    if can.modes && can.owners && can.set_times {
        answer.context("all at once")?;
        return same("all of them", (after.mode, after.modified), (0o600, Some(time)));
    }
    refused("more than is stored", answer, [ErrorCode::Unsupported])?;
    same("mode", after.mode, before.mode)?;
    same("modified", after.modified, before.modified)
}

async fn extended_attributes_are_kept(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let (root, backend) = (&bench.root, &bench.backend);
    let file = bench.file(root, "file", "").await?;
    let directory = bench.directory(root, "directory").await?;
    let long = vec![0xA5; 1000];
    let values: [(&[u8], &[u8]); 4] = [
        (b"user.text", b"value"),
        (b"user.empty", b""),
        (b"user.bytes", b"\0\xff\0"),
        (b"user.long", &long),
    ];
    for node in [&file, &directory] {
        if !bench.can.xattrs {
            let unsupported = [ErrorCode::Unsupported];
            let set = backend.set_xattr(node, b"user.a", b"", XattrMode::Set).await;
            refused("set_xattr", set, unsupported)?;
            refused("xattr", backend.xattr(node, b"user.a").await, unsupported)?;
            refused("xattrs", backend.xattrs(node).await, unsupported)?;
            refused("remove_xattr", backend.remove_xattr(node, b"user.a").await, unsupported)?;
            continue;
        }
        // A system may have put some of its own there.
        let mine = async || -> Result<Vec<Vec<u8>>> {
            let mut names = backend.xattrs(node).await.context("listing")?;
            names.retain(|name| name.starts_with(b"user."));
            names.sort();
            Ok(names)
        };
        same("of a new object", mine().await?, vec![])?;
        for (name, value) in values {
            backend.set_xattr(node, name, value, XattrMode::Set).await.context("setting")?;
        }
        let mut names: Vec<_> = values.iter().map(|(name, _)| name.to_vec()).collect();
        names.sort();
        same("names", mine().await?, names)?;
        for (name, value) in values {
            let what = String::from_utf8_lossy(name);
            same(&what, backend.xattr(node, name).await.context("asking")?.as_slice(), value)?;
        }
        // What is replaced makes room for what replaces it.
        let large = vec![0x5A; 40_000];
        if backend.set_xattr(node, b"user.long", &large, XattrMode::Set).await.is_ok() {
            let set = backend.set_xattr(node, b"user.long", &large, XattrMode::Set).await;
            set.context("replacing a large one")?;
        }
        backend.remove_xattr(node, b"user.text").await.context("removing")?;
        let missing = [ErrorCode::NoEntry];
        refused("a removed one", backend.xattr(node, b"user.text").await, missing)?;
        refused("again", backend.remove_xattr(node, b"user.text").await, missing)?;
        same("names", mine().await?.len(), 3)?;
    }
    if bench.can.xattrs {
        // They belong to the object, not to its name, and stay without one.
        backend.rename(root, &name("file")?, &directory, &name("moved")?).await?;
        same("after a rename", backend.xattr(&file, b"user.bytes").await?.as_slice(), b"\0\xff\0")?;
        backend.remove(&directory, &name("moved")?, Removal::File).await?;
        same("after a removal", backend.xattr(&file, b"user.empty").await?.as_slice(), b"")?;
    }
    Ok(())
}

async fn extended_attributes_mind_the_mode(backend: Ref<dyn Backend>) -> Result<()> {
    use XattrMode::{Create, Replace, Set};
    let bench = Bench::new(backend);
    let node = bench.file(&bench.root, "f", "").await?;
    let rows = [
        (Replace, Some(ErrorCode::NoEntry), None),
        (Create, None, Some("Create")),
        (Create, Some(ErrorCode::Exist), Some("Create")),
        (Replace, None, Some("Replace")),
        (Set, None, Some("Set")),
    ];
    for (mode, error, wanted) in rows {
        let value = format!("{mode:?}");
        let answer = bench.backend.set_xattr(&node, b"user.a", value.as_bytes(), mode).await;
        if !bench.can.xattrs {
            refused(&value, answer, [ErrorCode::Unsupported])?;
            continue;
        }
        same(&value, answer.err(), error)?;
        let found = bench.backend.xattr(&node, b"user.a").await;
        match wanted {
            Some(wanted) => same(&value, found, Ok(wanted.as_bytes().to_vec()))?,
            None => refused(&value, found, [ErrorCode::NoEntry])?,
        }
    }
    Ok(())
}

async fn the_storage_is_asked_and_synced(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    let directory = bench.directory(&bench.root, "d").await?;
    let (_, file) = bench.create(&directory, "f").await?;
    write(&*file, b"content", Position::At(0))?;
    file.sync(true).context("the content")?;
    file.sync(false).context("the file")?;
    bench.backend.sync_directory(&directory).await.context("the directory")?;
    bench.backend.sync_directory(&bench.root).await.context("the root")?;
    // A system whose interface cannot say it must not make it up.
    match bench.backend.sync().await {
        Ok(()) | Err(ErrorCode::Unsupported) => {}
        Err(code) => anyhow::bail!("sync: {code:?}"),
    }
    match bench.backend.statfs().await {
        Ok(state) => {
            ensure!(state.block_size > 0, "{state:?}");
            ensure!(state.free_blocks <= state.blocks, "{state:?}");
            ensure!(state.available_blocks <= state.blocks, "{state:?}");
            ensure!(state.files == 0 || state.free_files <= state.files, "{state:?}");
        }
        Err(code) => same("statfs", code, ErrorCode::Unsupported)?,
    }
    same("the capabilities", bench.backend.capabilities(), bench.can)
}
