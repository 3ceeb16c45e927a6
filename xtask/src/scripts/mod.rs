//! What real programs do in the tests: scripts of steps on files of their own. What they
//! print is the same everywhere; how each got here is `programs`.

mod go;
mod python;
mod small;
pub(crate) mod tree;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::guests::{Job, Outcome, Runner};
use crate::programs::Programs;
use crate::tools::say;

/// What the tests have of these.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Quick,
    Slow,
    Go,
}

impl Kind {
    /// Those of the default tests, or all.
    pub(crate) fn of(all: bool) -> &'static [Self] {
        if all { &[Self::Quick, Self::Slow, Self::Go] } else { &[Self::Quick] }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Quick => "coreutils, SQLite, ripgrep and CPython, natively and in browsers",
            Self::Slow => "PHP and esbuild, natively and in browsers",
            Self::Go => "the tests of Go's standard library, natively and in browsers",
        }
    }
}

/// What runs them, and where.
pub(crate) struct Real<'a> {
    pub(crate) root: &'a Path,
    /// For files that may go.
    pub(crate) scratch: &'a Path,
    pub(crate) native: &'a Runner<'a>,
    pub(crate) browsers: Vec<&'a Runner<'a>>,
}

impl Real<'_> {
    /// How many steps or tests end as they should everywhere, and what else there was.
    pub(crate) fn run(&self, kind: Kind) -> Result<(u64, Vec<String>)> {
        let programs = Programs::new(self.root)?;
        let fixtures = self.root.join("guest-tests/fixtures/programs");
        let places = self.places();
        let scripts = match kind {
            Kind::Quick => vec![
                small::coreutils(&programs, &fixtures)?,
                small::coreutils_with_links(&programs, &fixtures)?,
                small::sqlite(&programs)?,
                small::ripgrep(&programs, self.scratch)?,
                python::script(&programs, &fixtures)?,
            ],
            Kind::Slow => {
                vec![small::php(&programs, &fixtures)?, small::esbuild(&programs, &fixtures)?]
            }
            Kind::Go => return go::tests(self.root, &programs, &places, self.scratch),
        };
        compare(&scripts, &places, self.scratch)
    }

    fn places(&self) -> Vec<Place<'_>> {
        let folder = |name| self.scratch.join(name);
        let place = |name, runner, mounts| Place { name, runner, mounts };
        let mut places = vec![
            place("wasmtime on directories", self.native, Mounts::Dirs(folder("dirs"))),
            place("wasmtime on volumes", self.native, Mounts::Volumes(folder("volumes"))),
        ];
        for browser in &self.browsers {
            places.push(place(browser.name(), browser, Mounts::Browser("volume")));
        }
        // Whoever has no JSPI cannot wait for a directory of OPFS.
        if let Some(chromium) = self.browsers.iter().find(|browser| browser.name() == "Chromium") {
            places.push(place("Chromium on a tree", chromium, Mounts::Browser("tree")));
        }
        places
    }
}

/// What one program, or some together, do with files that are empty at first.
struct Script {
    /// Also that of its files.
    name: &'static str,
    /// Whether it wants what a directory of OPFS as it is does not have: links, times that
    /// are set, thousands of files in seconds.
    not_on_trees: bool,
    steps: Vec<Step>,
}

struct Step {
    program: PathBuf,
    args: Vec<String>,
    env: Vec<(&'static str, &'static str)>,
    /// A folder of this machine, and the guest's folder that it is copied into before.
    imports: Vec<(PathBuf, &'static str)>,
    exit_code: i32,
}

impl Step {
    fn new(program: &Path, args: &[&str]) -> Self {
        let args = args.iter().map(ToString::to_string).collect();
        Self { program: program.to_owned(), args, env: vec![], imports: vec![], exit_code: 0 }
    }

    /// A step that has to fail with this code.
    fn fails(mut self, exit_code: i32) -> Self {
        self.exit_code = exit_code;
        self
    }

    fn import(mut self, from: PathBuf, to: &'static str) -> Self {
        self.imports.push((from, to));
        self
    }
}

/// Somewhere that scripts can run.
struct Place<'a> {
    name: &'static str,
    runner: &'a Runner<'a>,
    mounts: Mounts,
}

impl Place<'_> {
    fn in_browser(&self) -> bool {
        matches!(self.mounts, Mounts::Browser(_))
    }

    fn is_tree(&self) -> bool {
        matches!(self.mounts, Mounts::Browser("tree"))
    }

    fn batch(&self, jobs: &[Job], scratch: &Path) -> Result<Vec<Outcome>> {
        let start = Instant::now();
        let outcomes = self.runner.batch(jobs, scratch)?;
        say(&format!("  {}: {:.0} s", self.name, start.elapsed().as_secs_f32()));
        Ok(outcomes)
    }
}

/// Where files are kept.
enum Mounts {
    /// Directories in this one.
    Dirs(PathBuf),
    /// Volumes in this directory.
    Volumes(PathBuf),
    /// Storage of a browser.
    Browser(&'static str),
}

impl Mounts {
    fn mount(&self, script: &str) -> Result<String> {
        Ok(match self {
            Self::Dirs(folder) => {
                let folder = folder.join(script);
                fs::create_dir_all(&folder)?;
                format!("dir:{}", folder.display())
            }
            Self::Volumes(folder) => {
                fs::create_dir_all(folder)?;
                format!("volume:{}", folder.join(script).display())
            }
            Self::Browser(kind) => format!("{kind}:{script}"),
        })
    }
}

/// Runs the scripts in every place. Each step has to end as it should, and to print what it
/// prints in the first place: the number of steps that do, and what else there was.
fn compare(scripts: &[Script], places: &[Place<'_>], scratch: &Path) -> Result<(u64, Vec<String>)> {
    let mut first: BTreeMap<String, Outcome> = BTreeMap::new();
    let (mut passed, mut failures) = (0, Vec::new());
    for place in places {
        let scripts = scripts.iter().filter(|script| !(script.not_on_trees && place.is_tree()));
        let scripts: Vec<_> = scripts.collect();
        let there = place.batch(&jobs(&scripts, place)?, scratch)?;
        let steps = scripts.iter().flat_map(|script| &script.steps);
        for (step, there) in steps.zip(there) {
            let here = first.entry(there.name.clone()).or_insert_with(|| there.clone());
            if there.exit_code == step.exit_code && show(here) == show(&there) {
                passed += 1;
            } else {
                failures.push(format!(
                    "{}, {}: exit code {} wanted\n{}\n{}, it is\n{}",
                    there.name,
                    place.name,
                    step.exit_code,
                    show(&there),
                    places.first().context("a place")?.name,
                    show(here),
                ));
            }
        }
    }
    Ok((passed, failures))
}

fn show(outcome: &Outcome) -> String {
    format!("exit code {}\n{}{}", outcome.exit_code, outcome.stdout, outcome.stderr)
}

fn jobs(scripts: &[&Script], place: &Place<'_>) -> Result<Vec<Job>> {
    let mut jobs = Vec::new();
    for script in scripts {
        let mount = place.mounts.mount(script.name)?;
        for (index, step) in script.steps.iter().enumerate() {
            let words = step.args.join(" ");
            let env = step.env.iter().map(|(key, value)| (key.to_string(), value.to_string()));
            let imports = step.imports.iter();
            jobs.push(Job {
                name: format!("{} {index} {words}", script.name),
                program: step.program.clone(),
                args: step.args.clone(),
                env: env.collect(),
                mounts: [("/".to_owned(), mount.clone().into())].into_iter().collect(),
                imports: imports.map(|(from, to)| (to.to_string(), from.clone())).collect(),
                timeout_ms: 240_000,
                ..Job::default()
            });
        }
    }
    Ok(jobs)
}
