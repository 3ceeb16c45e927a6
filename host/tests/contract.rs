//! Every case of the behaviour suite on every native backend, plain and waiting; then
//! what only native code can ask: faults at every call, and several threads at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use pollster::block_on;
use wasi_opfs::backend::volume::disk::Ram;
use wasi_opfs::backend::volume::{Options, Volume};
use wasi_opfs::backend::{
    Access, Backend, Destination, File, Fresh, NewTime, Node, Position, Source, Time,
};
use wasi_opfs::path::Name;
use wasi_opfs::testing::{self, Failing, Model, Waiting, contract::snapshot};
use wasi_opfs::{
    Descriptor, DescriptorFlags, ErrorCode, FileSystem, Follow, MountOptions, MountTable, OpenFlags,
};

/// A backend of its own for one case; what it needs lives as long as the second half.
type Fresher = fn() -> Result<(Arc<dyn Backend>, Option<tempfile::TempDir>)>;

fn backends() -> Vec<(&'static str, Fresher)> {
    vec![
        ("model", || Ok((Arc::new(Model::new()), None))),
        ("volume", || Ok((Arc::new(Volume::in_memory(1 << 30)?), None))),
        ("volume-each-write-cached", || {
            let options = Options::default().limit(1 << 30).cache(40 << 10).each_write();
            Ok((Arc::new(Volume::open(Ram::new(1 << 30), options)?), None))
        }),
        ("volume-file", || {
            let folder = tempfile::tempdir()?;
            let file = folder.path().join("volume");
            Ok((Arc::new(Volume::open_file(file, Options::default())?), Some(folder)))
        }),
        #[cfg(feature = "dir")]
        ("dir", || {
            let folder = tempfile::tempdir()?;
            Ok((Arc::new(wasi_opfs::backend::dir::Dir::open(folder.path())?), Some(folder)))
        }),
        #[cfg(all(feature = "dir", target_os = "linux"))]
        ("portable-dir", || {
            let folder = tempfile::tempdir()?;
            Ok((Arc::new(wasi_opfs::backend::dir::PortableDir::open(folder.path())?), Some(folder)))
        }),
    ]
}

fn trial(
    name: String,
    fresh: Fresher,
    run: impl FnOnce(&Arc<dyn Backend>) -> Result<()> + Send + 'static,
) -> Trial {
    Trial::test(name, move || {
        let (backend, _folder) = fresh().map_err(|error| Failed::from(format!("{error:#}")))?;
        run(&backend).map_err(|error| Failed::from(format!("{error:#}")))
    })
}

fn main() {
    let mut trials = Vec::new();
    for (backend, fresh) in backends() {
        for case in testing::cases() {
            let (name, run) = (case.name, case.run);
            trials.push(trial(format!("{backend}::{name}"), fresh, move |backend| {
                block_on(run(backend.clone()))
            }));
            trials.push(trial(format!("{backend}-waiting::{name}"), fresh, move |backend| {
                block_on(run(Arc::new(Waiting::new(backend.clone()))))
            }));
        }
        for (name, operation) in OPERATIONS {
            trials.push(trial(format!("{backend}::fault::{name}"), fresh, move |backend| {
                sweep(backend, *operation)
            }));
        }
        trials.push(trial(format!("{backend}::threads::one_name"), fresh, one_name_for_many));
        trials.push(trial(format!("{backend}::threads::appends"), fresh, appends_of_many));
        trials.push(trial(format!("{backend}::threads::renames"), fresh, renames_of_many));
        trials.push(trial(format!("{backend}::threads::replaced"), fresh, a_name_that_is_replaced));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

const BOTH: Access = Access { read: true, write: true };

fn name(text: &str) -> Result<Name> {
    Ok(Name::new(text.as_bytes())?)
}

/// One call of a guest on the tree that `prepare` makes.
type Operation = fn(&Descriptor) -> Result<(), ErrorCode>;

const CREATE: OpenFlags =
    OpenFlags { create: true, directory: false, exclusive: false, truncate: false };
const TRUNCATE: OpenFlags = OpenFlags { create: false, truncate: true, ..CREATE };
const WRITE: DescriptorFlags = DescriptorFlags {
    read: true,
    write: true,
    file_integrity_sync: false,
    data_integrity_sync: false,
    requested_write_sync: false,
    mutate_directory: false,
};

fn open(root: &Descriptor, path: &str, flags: OpenFlags) -> Result<Descriptor, ErrorCode> {
    block_on(root.open_at(Follow::Yes, path.as_bytes(), flags, WRITE))
}

const OPERATIONS: &[(&str, Operation)] = &[
    ("create", |root| open(root, "d/new", CREATE).map(drop)),
    ("create_through_a_link", |root| open(root, "l/../e/new", CREATE).map(drop)),
    ("truncate", |root| open(root, "d/e/old", TRUNCATE).map(drop)),
    ("make_directory", |root| block_on(root.create_directory_at(b"d/e/made"))),
    ("remove_directory", |root| block_on(root.remove_directory_at(b"d/empty"))),
    ("unlink", |root| block_on(root.unlink_file_at(b"d/e/old"))),
    ("symlink", |root| block_on(root.symlink_at(b"../x", b"d/link"))),
    ("link", |root| block_on(root.link_at(Follow::No, b"d/e/old", root, b"hard"))),
    ("rename", |root| block_on(root.rename_at(b"d/e/old", root, b"new"))),
    ("rename_over_a_file", |root| block_on(root.rename_at(b"d/e/old", root, b"d/other"))),
    ("rename_over_a_directory", |root| block_on(root.rename_at(b"d/e", root, b"d/empty"))),
    ("write", |root| {
        let name: &[u8] = b"d/other";
        let none = OpenFlags { create: false, ..CREATE };
        let file = block_on(root.open_at(Follow::Yes, name, none, WRITE))?;
        file.write(Source::Slice(b"written"), 0).map(drop)
    }),
    ("set_times", |root| {
        let at = Some(NewTime::At(Time { seconds: 1, nanoseconds: 2 }));
        block_on(root.set_times_at(Follow::Yes, b"d/e/old", at, None))
    }),
];

/// A tree with one of everything, on an empty backend; the link leads to `d/e`.
async fn prepare(backend: &dyn Backend) -> Result<()> {
    let root = backend.root();
    let d = backend.make_directory(&root, &name("d")?, Fresh::DIRECTORY).await?;
    let e = backend.make_directory(&d, &name("e")?, Fresh::DIRECTORY).await?;
    backend.make_directory(&d, &name("empty")?, Fresh::DIRECTORY).await?;
    for (parent, called) in [(&e, "old"), (&d, "other")] {
        let (_, file) = backend.create(parent, &name(called)?, Fresh::FILE, BOTH).await?;
        file.write(Source::Slice(called.as_bytes()), Position::At(0))?;
    }
    if backend.capabilities().symlinks {
        backend.symlink(&root, &name("l")?, b"d/e", Fresh::FILE).await?;
    }
    Ok(())
}

/// Fails at call 0, 1, 2 … until the operation succeeds. As long as it fails the tree is
/// the old one, and no call follows the one that failed.
fn sweep(inner: &Arc<dyn Backend>, operation: Operation) -> Result<()> {
    block_on(prepare(&**inner))?;
    let old = block_on(snapshot(&**inner))?;
    let failing = Arc::new(Failing::new(inner.clone(), ErrorCode::NoLock));
    let fs = FileSystem::new(failing.clone());
    let options = MountOptions { guest: "/".to_owned(), fs, read_only: false };
    let table = block_on(MountTable::new(vec![options]))?;
    let (root, _) = table.preopens().pop().context("a preopen")?;
    for call in 0..100 {
        failing.arm(call);
        let answer = operation(&root);
        let calls = failing.calls();
        let tree = block_on(snapshot(&**inner))?;
        match answer {
            Err(ErrorCode::NoLock) => {
                ensure!(calls == call + 1, "call {call} failed, and {calls} were made");
                ensure!(tree == old, "call {call} failed, and the tree is another: {tree:?}");
            }
            Err(code) => bail!("call {call} failed, and the guest is told {code:?}"),
            Ok(()) => {
                ensure!(calls <= call, "the failure of call {call} is not told");
                ensure!(call > 1, "{call} calls cannot have done it");
                return Ok(());
            }
        }
    }
    bail!("it never succeeds")
}

const THREADS: usize = 4;
const ROUNDS: usize = 50;

fn together<T: Send>(run: impl Fn(usize) -> Result<T> + Sync) -> Result<Vec<T>> {
    std::thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..THREADS).map(|number| scope.spawn(move || run(number))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}

/// Many create the same name: one succeeds, the others hear of it.
fn one_name_for_many(backend: &Arc<dyn Backend>) -> Result<()> {
    let root = backend.root();
    for round in 0..ROUNDS {
        let at = name(&format!("f{round}"))?;
        let won = together(|_| match block_on(backend.create(&root, &at, Fresh::FILE, BOTH)) {
            Ok(_) => Ok(1),
            Err(ErrorCode::Exist) => Ok(0),
            Err(code) => Err(code).context("creating"),
        })?;
        ensure!(won.iter().sum::<usize>() == 1, "round {round}: {won:?}");
    }
    Ok(())
}

/// Many append through handles of their own: nothing is lost or torn, and each is told
/// where it wrote.
fn appends_of_many(backend: &Arc<dyn Backend>) -> Result<()> {
    let root = backend.root();
    let (node, file) = block_on(backend.create(&root, &name("f")?, Fresh::FILE, BOTH))?;
    let told = together(|number| {
        let file = block_on(backend.open(&node, BOTH))?;
        let text = vec![b'a' + u8::try_from(number)?; 100 + number];
        let mut offsets = Vec::new();
        for _ in 0..ROUNDS {
            let written = file.write(Source::Slice(&text), Position::End)?;
            ensure!(written.count == text.len(), "short");
            offsets.push(written.offset);
        }
        Ok(offsets)
    })?;
    for (number, offsets) in told.into_iter().enumerate() {
        for offset in offsets {
            let mut bytes = vec![0; 100 + number];
            let into = Destination::Slice(&mut bytes);
            ensure!(file.read(into, offset)? == 100 + number, "lost");
            ensure!(bytes.iter().all(|byte| usize::from(byte - b'a') == number), "torn");
        }
    }
    let size = block_on(backend.attributes(&node))?.size;
    let wanted: usize = (0..THREADS).map(|number| ROUNDS * (100 + number)).sum();
    ensure!(size == wanted as u64, "{size} instead of {wanted}");
    Ok(())
}

/// Many rename their own files over one name: it is always there, and whole.
fn renames_of_many(backend: &Arc<dyn Backend>) -> Result<()> {
    let root = backend.root();
    let target = name("target")?;
    let put = |at: &Name, text: &str| -> Result<()> {
        let (_, file): (Node, Arc<dyn File>) =
            block_on(backend.create(&root, at, Fresh::FILE, BOTH))?;
        file.write(Source::Slice(text.as_bytes()), Position::At(0))?;
        Ok(())
    };
    put(&target, "whole")?;
    together(|number| {
        let mine = name(&format!("mine{number}"))?;
        for round in 0..ROUNDS {
            put(&mine, "whole")?;
            block_on(backend.rename(&root, &mine, &root, &target)).context("renaming")?;
            let walk = block_on(backend.walk(&root, std::slice::from_ref(&target)))?;
            ensure!(walk.walked == 1, "round {round}: it is missing");
            let file = block_on(backend.open(&walk.node, BOTH)).context("opening")?;
            let mut bytes = [0; 10];
            let count = file.read(Destination::Slice(&mut bytes), 0)?;
            ensure!(&bytes[..count] == b"whole", "round {round}: {count} bytes");
        }
        Ok(())
    })?;
    Ok(())
}

/// One renames over a name for as long as others look it up: to them it is always
/// there.
fn a_name_that_is_replaced(backend: &Arc<dyn Backend>) -> Result<()> {
    let root = backend.root();
    let (target, other) = (name("target")?, name("other")?);
    block_on(backend.create(&root, &target, Fresh::FILE, BOTH))?;
    let ended = AtomicBool::new(false);
    together(|number| {
        if number == 0 {
            let renamed = (0..20 * ROUNDS).try_for_each(|_| {
                block_on(backend.create(&root, &other, Fresh::FILE, BOTH))?;
                block_on(backend.rename(&root, &other, &root, &target)).context("renaming")
            });
            ended.store(true, Ordering::Relaxed);
            return renamed;
        }
        while !ended.load(Ordering::Relaxed) {
            let walk = block_on(backend.walk(&root, std::slice::from_ref(&target)))?;
            ensure!(walk.walked == 1, "it is missing");
        }
        Ok(())
    })?;
    Ok(())
}
