//! Walks: how far names lead, in one call and in several.

use anyhow::{Result, ensure};

use super::{Bench, names, same};
use crate::backend::{Access, Backend, Destination, Kind, Node};
use crate::error::ErrorCode;
use crate::path::Name;
use crate::shared::Ref;
use crate::testing::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(walks_stop_where_the_contract_says),
        case!(one_walk_equals_single_steps),
        case!(one_trip_equals_a_walk_and_what_follows),
        case!(deep_trees_are_walked_in_one_call),
    ]
}

/// `d/e/f` with a file at its end, a file `g`, links `l` to a directory and `m` to
/// nothing, where there are links.
async fn tree(bench: &Bench) -> Result<()> {
    let d = bench.directory(&bench.root, "d").await?;
    let e = bench.directory(&d, "e").await?;
    bench.file(&e, "f", "deep").await?;
    bench.file(&bench.root, "g", "top").await?;
    if bench.can.symlinks {
        bench.symlink(&bench.root, "l", "d").await?;
        bench.symlink(&d, "m", "../nowhere").await?;
    }
    Ok(())
}

async fn walks_stop_where_the_contract_says(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    tree(&bench).await?;
    let mut rows = vec![
        ("", 0, Kind::Directory),
        ("d", 1, Kind::Directory),
        ("d/e/f", 3, Kind::File),
        ("d/e/missing", 2, Kind::Directory),
        ("d/missing/f", 1, Kind::Directory),
        ("missing", 0, Kind::Directory),
        ("missing/d/e", 0, Kind::Directory),
        ("g", 1, Kind::File),
        ("g/x", 1, Kind::File),
        ("d/e/f/x/y", 3, Kind::File),
    ];
    if bench.can.symlinks {
        rows.extend([
            ("l", 1, Kind::Symlink),
            ("l/e/f", 1, Kind::Symlink),
            ("d/m", 2, Kind::Symlink),
            ("d/m/x", 2, Kind::Symlink),
        ]);
    }
    for (path, walked, kind) in rows {
        let names = names(path)?;
        let walk = bench.backend.walk(&bench.root, &names).await?;
        same(path, (walk.walked, walk.node.kind()), (walked, kind))?;
        let reached = bench.backend.walk(&bench.root, &names[..walked]).await?;
        same(&format!("the node of {path:?}"), walk.node.id(), reached.node.id())?;
    }
    let start = bench.existing(&bench.root, "d").await?;
    let walk = bench.backend.walk(&start, &names("nothing")?).await?;
    same("the start", (walk.walked, walk.node.id()), (0, start.id()))
}

async fn one_trip_equals_a_walk_and_what_follows(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    tree(&bench).await?;
    let backend = &*bench.backend;
    let mut paths = vec!["d", "d/e/f", "d/e/missing", "d/missing/f", "missing", "g", "g/x"];
    if bench.can.symlinks {
        paths.extend(["l", "l/e/f", "d/m", "d/m/x"]);
    }
    let read = Access { read: true, write: false };
    for path in paths {
        let names = names(path)?;
        let walk = backend.walk(&bench.root, &names).await?;
        let missing = walk.walked < names.len() && walk.node.kind() == Kind::Directory;
        let whole = walk.walked == names.len();
        match backend.look(&bench.root, &names).await {
            Ok(None) => {}
            Ok(Some(seen)) => {
                ensure!(whole, "a look at {path} sees something");
                same(path, (seen.kind, seen.id), (walk.node.kind(), walk.node.id()))?;
                let wanted = backend.attributes(&walk.node).await?;
                same(path, format!("{:?}", seen.attributes), format!("{wanted:?}"))?;
            }
            Err(code) => same(path, (code, missing), (ErrorCode::NoEntry, true))?,
        }
        match backend.open_at(&bench.root, &names, read).await {
            Ok(None) => {}
            Ok(Some((node, file))) => {
                ensure!(whole, "{path} is opened");
                same(path, (node.kind(), node.id()), (Kind::File, walk.node.id()))?;
                let (mut one, mut other) = ([0; 8], [0; 8]);
                let opened = backend.open(&walk.node, read).await?;
                let count = opened.read(Destination::Slice(&mut one), 0)?;
                same(path, file.read(Destination::Slice(&mut other), 0)?, count)?;
                same(path, one, other)?;
                let size = backend.attributes(&node).await?.size;
                same(path, size, backend.attributes(&walk.node).await?.size)?;
            }
            Err(code) => same(path, (code, missing), (ErrorCode::NoEntry, true))?,
        }
    }
    Ok(())
}

/// As a walk of all names, with one call for each.
async fn step_by_step(bench: &Bench, names: &[Name]) -> Result<(usize, Node)> {
    let mut at = bench.root.clone();
    for (walked, name) in names.iter().enumerate() {
        if at.kind() != Kind::Directory {
            return Ok((walked, at));
        }
        let walk = bench.backend.walk(&at, std::slice::from_ref(name)).await?;
        if walk.walked == 0 {
            return Ok((walked, at));
        }
        at = walk.node;
    }
    Ok((names.len(), at))
}

async fn one_walk_equals_single_steps(backend: Ref<dyn Backend>) -> Result<()> {
    let bench = Bench::new(backend);
    tree(&bench).await?;
    let alphabet = names("d/e/f/g/l/m")?;
    let mut runs: Vec<Vec<Name>> = vec![Vec::new()];
    let mut longest = 0..1;
    for _ in 0..3 {
        let start = runs.len();
        for run in longest {
            for name in &alphabet {
                runs.push([&runs[run][..], std::slice::from_ref(name)].concat());
            }
        }
        longest = start..runs.len();
    }
    same("runs of names", runs.len(), 1 + 6 + 36 + 216)?;
    for run in runs {
        let walk = bench.backend.walk(&bench.root, &run).await?;
        let (walked, node) = step_by_step(&bench, &run).await?;
        let what = format!("{run:?}");
        same(&what, (walk.walked, walk.node.id()), (walked, node.id()))?;
        same(&what, walk.node.kind(), node.kind())?;
    }
    Ok(())
}

async fn deep_trees_are_walked_in_one_call(backend: Ref<dyn Backend>) -> Result<()> {
    /// Together more than a path may have on any system.
    const LEVELS: usize = 64;
    let bench = Bench::new(backend);
    let mut way = Vec::new();
    let mut at = bench.root.clone();
    for level in 0..LEVELS {
        let called = format!("{level:0>80}");
        at = bench.directory(&at, &called).await?;
        way.push(super::name(called)?);
    }
    bench.file(&at, "f", "bottom").await?;
    way.push(super::name("f")?);
    let walk = bench.backend.walk(&bench.root, &way).await?;
    same("names walked", walk.walked, LEVELS + 1)?;
    same("the content at the bottom", bench.content(&walk.node).await?.as_str(), "bottom")?;
    way.push(super::name("x")?);
    let walk = bench.backend.walk(&bench.root, &way).await?;
    ensure!(walk.walked == LEVELS + 1 && walk.node.kind() == Kind::File, "stopped elsewhere");
    way.truncate(LEVELS);
    way.push(super::name("missing")?);
    let walk = bench.backend.walk(&bench.root, &way).await?;
    same("the lowest directory", (walk.walked, walk.node.id()), (LEVELS, at.id()))
}
