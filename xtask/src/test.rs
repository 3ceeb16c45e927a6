//! `cargo xtask test`: every kind of test this repository has, counted together.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::guests::{Outcome, Runner, jobs};
use crate::kills::{Guest, Kills};
use crate::programs::Programs;
use crate::scripts::{Kind, Real};
use crate::tally::{CARGO, NODE, PLAIN, Tally};
use crate::tools::{cargo, chromium, command, firefox, targets};
use crate::transcript::{TRANSCRIPT, Transcripts};
use crate::{bench, build, demo, fuzz, vm};

/// What native tests are built with: with others, all of wasmtime is built once more.
const FEATURES: &str = "wasi-opfs/cli,wasi-opfs/testing";

/// Runs the tests; with a number of `seeds` those that take long, too.
///
/// # Errors
/// If the set-up fails, or a test.
pub(crate) fn run(root: &Path, seeds: Option<u32>) -> Result<()> {
    targets()?;
    let (chromium, firefox) = (chromium()?, firefox()?);
    let mut tally = Tally::default();

    tally.one("formatting", || quiet(cargo(root).args(["fmt", "--all", "--check"])));
    lints(root, &mut tally);
    tally.many("unit, behaviour and door tests", || {
        let mut command = cargo(root);
        command.args(["test", "--quiet", "--workspace", "--exclude", "guest-tests"]);
        command.args(["--features", FEATURES]);
        CARGO.run(&mut command)
    });
    tally.one("the npm package", || build::package(root));
    let jco = root.join("jco");
    tally.many("behaviour suite in Chromium", || PLAIN.run(&mut suite(root)?));
    tally.many("TypeScript and its tests", || {
        let mut npm = command(&jco, "npm");
        npm.args(["test", "--silent"]).env("CHROME", &chromium).env("FIREFOX", &firefox);
        NODE.run(&mut npm)
    });

    tally.one("the bench measures", || bench::smoke(root));

    let scratch = root.join("target/test-scratch");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    // The tests have built it. Another build would take it with other features of its
    // dependencies, which means all of wasmtime once more.
    let binary = build::cli_path(root);
    let native = Runner::Native(&binary);
    let engine = |engine, browser| Runner::Browser { package: &jco, engine, browser };
    let (browser, other) = (engine("chromium", &chromium), engine("firefox", &firefox));
    let guests = build::guests(root)?;
    let versions = build::version_guests(root)?;
    let guests: Vec<_> = guests.into_iter().chain(versions).collect();
    guest_programs(root, &mut tally, &scratch, &guests, [&native, &browser, &other]);
    let folder = scratch.join("programs");
    let real = Real { root, scratch: &folder, native: &native, browsers: vec![&browser, &other] };
    for kind in Kind::of(seeds.is_some()) {
        tally.many(kind.name(), || real.run(*kind));
    }
    let kills = if seeds.is_some() { 20 } else { 3 };
    tally.many("the command line, killed", || {
        let (_, guest) = guests
            .iter()
            .find(|(name, _)| name == "random_changes")
            .context("a guest program that makes changes")?;
        let guest = Guest::Changes(guest);
        Kills { binary: &binary, guest, folder: &scratch.join("kills") }.run(kills)
    });
    tally.many(SQLITE_KILLED, || kill_sqlite(root, &binary, &scratch, kills));
    vm::run_steps(root, &binary, seeds.is_some(), &[], &mut tally);
    tally.many("browsers that are killed, and browsers that are full", || {
        let mut node = command(&jco, "node");
        node.args(["--test", "--test-concurrency=1", "--test-timeout=1800000"]);
        node.args(["test/engines/kills.test.mjs", "test/engines/quota.test.mjs"]);
        node.env("CHROME", &chromium).env("FIREFOX", &firefox).env("KILLS", kills.to_string());
        node.env("SQLITE", Programs::new(root)?.sqlite()?);
        NODE.run(&mut node)
    });
    if let Some(seeds) = seeds {
        tally.many("many random calls, crashes and failures", || {
            let mut command = cargo(root);
            command.args(["test", "--quiet", "--release", "--package", "wasi-opfs"]);
            command.args(["--test", "random", "--test", "volume", "--features", "testing"]);
            command.env("WASI_OPFS_SEEDS", seeds.to_string());
            command.env("SEEDS", seeds.saturating_mul(10).to_string());
            CARGO.run(&mut command)
        });
        tally.many("many hostile guests", || {
            let mut command = cargo(root);
            command.args(["test", "--quiet", "--workspace", "--exclude", "guest-tests"]);
            command.args(["--features", FEATURES, "--test", "p1"]);
            command.env("SEEDS", seeds.to_string());
            CARGO.run(&mut command)
        });
        tally.many("many calls of components in both forms", || {
            let mut node = command(&jco, "node");
            node.args(["--test", "--test-timeout=1800000", "--test-name-pattern=both forms"]);
            node.arg("test/linked.test.mjs").env("CHROME", &chromium);
            node.env("SEEDS", seeds.to_string());
            NODE.run(&mut node)
        });
        tally.one("the fuzzers, a minute each", || fuzz::fuzz(root, None, 60));
        tally.one("the demo with a Linux", || demo::run(root, true, true, None, None));
    }
    tally.one("the demo", || demo::run(root, false, true, None, None));

    tally.report()
}

/// Runs what the tests do with real programs; `all` of it, or what is quick.
///
/// # Errors
/// If the set-up fails, or one of them does not do what it should.
pub(crate) fn run_programs(root: &Path, all: bool, browsers: bool) -> Result<()> {
    let binary = build::cli(root)?;
    let scratch = root.join("target/programs-scratch");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    let native = Runner::Native(&binary);
    let package = root.join("jco");
    let mut found = Vec::new();
    if browsers {
        build::package(root)?;
        found.extend([("chromium", chromium()?), ("firefox", firefox()?)]);
    }
    let browser = |(engine, browser)| Runner::Browser { package: &package, engine, browser };
    let browsers: Vec<_> = found.iter().map(|(engine, file)| browser((*engine, file))).collect();
    let browsers = browsers.iter().collect();
    let real = Real { root, scratch: &scratch, native: &native, browsers };
    let mut tally = Tally::default();
    for kind in Kind::of(all) {
        tally.many(kind.name(), || real.run(*kind));
    }
    let kills = if all { 20 } else { 3 };
    tally.many(SQLITE_KILLED, || kill_sqlite(root, &binary, &scratch, kills));
    tally.report()
}

const SQLITE_KILLED: &str = "SQLite, killed in the middle of transactions";

fn kill_sqlite(
    root: &Path,
    binary: &Path,
    scratch: &Path,
    count: u64,
) -> Result<(u64, Vec<String>)> {
    let sqlite = Programs::new(root)?.sqlite()?;
    Kills { binary, guest: Guest::Sqlite(&sqlite), folder: &scratch.join("kills-sqlite") }
        .run(count)
}

/// Runs what the tests do in a virtual machine; `all` of it, or what is quick, as far as the
/// names contain one of `texts`.
///
/// # Errors
/// If a step fails.
pub(crate) fn run_vm(root: &Path, all: bool, texts: &[String]) -> Result<()> {
    let binary = build::cli(root)?;
    let mut tally = Tally::default();
    vm::run_steps(root, &binary, all, texts, &mut tally);
    tally.report()
}

/// What runs the behaviour suite in Chromium.
fn suite(root: &Path) -> Result<Command> {
    let folder = build::browser_suite(root)?;
    let mut node = command(&root.join("jco"), "node");
    node.arg("test/contract.mjs").arg(folder).env("CHROME", chromium()?);
    Ok(node)
}

/// Runs those cases of the behaviour suite in Chromium whose names contain `text`.
///
/// # Errors
/// If one fails.
pub(crate) fn run_suite(root: &Path, text: &str) -> Result<()> {
    build::package(root)?;
    crate::tools::run(suite(root)?.arg(text))
}

fn lints(root: &Path, tally: &mut Tally) {
    let lint = |arguments: &[&str]| {
        let mut command = cargo(root);
        command.args(["clippy", "--quiet"]).args(arguments).args(["--", "-D", "warnings"]);
        quiet(&mut command)
    };
    tally.one("lints, native", || {
        lint(
            &["--workspace", "--exclude", "guest-tests", "--all-targets"]
                .into_iter()
                .chain(["--features", FEATURES])
                .collect::<Vec<_>>(),
        )
    });
    for features in ["tree,jco,testing", "tree,jco,p9", "check"] {
        tally.one(&format!("lints, browser, {features}"), || {
            lint(
                &["-p", "wasi-opfs", "--lib", "--target", "wasm32-unknown-unknown"]
                    .into_iter()
                    .chain(["--no-default-features", "--features", features])
                    .collect::<Vec<_>>(),
            )
        });
    }
    for (package, target, what) in [
        ("guest-tests", "wasm32-wasip2", None),
        ("guest-bench", "wasm32-wasip1", None),
        ("guest-versions", "wasm32-unknown-unknown", Some("--examples")),
    ] {
        tally.one(&format!("lints, {package}"), || {
            lint(&[&["-p", package, "--target", target], what.as_slice()].concat())
        });
    }
}

/// What failed among guest programs, with the end of what each had to say.
fn judge(outcomes: &[Outcome]) -> (u64, Vec<String>) {
    let failed = outcomes.iter().filter(|outcome| outcome.exit_code != 0);
    let failures: Vec<_> = failed
        .map(|outcome| {
            let Outcome { name, exit_code, stdout, stderr } = outcome;
            format!("{name}: exit code {exit_code}\n{stdout}{stderr}")
        })
        .collect();
    ((outcomes.len() - failures.len()) as u64, failures)
}

/// Components whose calls are not linked to their memory.
const CLASSES: &str = "components by classes";

/// Guest programs in both runners on every kind of backend, as components, and as plain
/// modules those that can be; and what the transcript among them printed everywhere. In
/// Firefox that one alone, and what is there for versions.
fn guest_programs(
    root: &Path,
    tally: &mut Tally,
    scratch: &Path,
    guests: &[(String, PathBuf)],
    [native, browser, other]: [&Runner<'_>; 3],
) {
    let mut transcripts = Transcripts::default();
    let mut expected = 0;
    let modules = build::preview1_guests(root).unwrap_or_else(|error| {
        tally.one("plain guest programs", || Err(error));
        Vec::new()
    });
    for (place, runner, kind) in [
        ("wasmtime", native, "dir"),
        ("wasmtime", native, "volume"),
        ("Chromium", browser, "volume"),
        ("Chromium", browser, "tree"),
        ("Firefox", other, "volume"),
    ] {
        let by_classes = (place == "Chromium").then_some((CLASSES, guests));
        let forms = [("components", guests), ("preview1 modules", &modules[..])];
        for (what, guests) in forms.into_iter().chain(by_classes) {
            let title = format!("{what} in {place} on {kind}");
            expected += 1;
            tally.many(&format!("guest programs: {title}"), || {
                let scratch = scratch.join(title.replace(' ', "-"));
                let mut jobs = jobs(root, guests, runner, kind, &scratch)?;
                let in_firefox = |name: &str| name == TRANSCRIPT || name.starts_with("version_");
                jobs.retain(|job| place != "Firefox" || in_firefox(&job.name));
                for job in &mut jobs {
                    job.classes = what == CLASSES;
                }
                let outcomes = runner.batch(&jobs, &scratch)?;
                transcripts.keep(&title, kind, &outcomes);
                Ok(judge(&outcomes))
            });
        }
    }
    tally.many("one transcript through every door", || transcripts.compare(expected));
}

fn quiet(command: &mut Command) -> Result<()> {
    crate::tools::run_quietly(command)
}
