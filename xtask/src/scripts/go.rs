//! Go's own tests of its file functions, held against what they say under wasmtime's own
//! preview1: `guest-tests/go-tests.txt`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::Place;
use crate::guests::{Job, Outcome};
use crate::programs::{GO_PACKAGES, Programs};

/// Runs the tests of every package in every place: how many ended as they should, and which
/// did not.
pub(super) fn tests(
    root: &Path,
    programs: &Programs<'_>,
    places: &[Place<'_>],
    scratch: &Path,
) -> Result<(u64, Vec<String>)> {
    let expected = Expected::read(&root.join("guest-tests/go-tests.txt"))?;
    let (mut passed, mut failures) = (0, Vec::new());
    for place in places {
        let outcomes = place.runner.batch(&jobs(programs, place)?, scratch)?;
        for (package, outcome) in GO_PACKAGES.iter().zip(&outcomes) {
            let (right, wrong) = expected.compare(package, outcome);
            passed += right;
            failures.extend(wrong.into_iter().map(|wrong| format!("{}: {wrong}", place.name)));
        }
    }
    Ok((passed, failures))
}

fn jobs(programs: &Programs<'_>, place: &Place<'_>) -> Result<Vec<Job>> {
    let go = programs.go()?;
    let job = |package: &&str| {
        let name = format!("go-{}", package.replace('/', "-"));
        let mount = place.mounts.mount(&name)?;
        // A directory for temporary files that is named from the one that the tests are in:
        // whether there are links they find out by one to such a file, and WASI has none
        // that are absolute.
        let up = "../".repeat(package.split('/').count() + 2);
        let env = [
            ("PWD", format!("/go/src/{package}")),
            ("GOROOT", "/go".to_owned()),
            ("TMPDIR", format!("{up}tmp")),
        ];
        Ok(Job {
            name,
            program: go.tests(package),
            args: vec!["-test.v".to_owned()],
            env: env.map(|(key, value)| (key.to_owned(), value)).into(),
            mounts: [("/".to_owned(), mount.into())].into_iter().collect(),
            imports: [("/".to_owned(), go.files())].into(),
            timeout_ms: 600_000,
        })
    };
    GO_PACKAGES.iter().map(job).collect()
}

/// How a test ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Pass,
    Skip,
    Fail,
}

impl End {
    fn read(word: &str) -> Option<Self> {
        Some(match word {
            "PASS" => Self::Pass,
            "SKIP" => Self::Skip,
            "FAIL" => Self::Fail,
            _ => return None,
        })
    }
}

/// What the file says of each package: how many tests pass, and how each of the others ends.
struct Expected(BTreeMap<String, (usize, BTreeMap<String, End>)>);

impl Expected {
    fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file)
            .with_context(|| format!("cannot read '{}'", file.display()))?;
        let mut packages: BTreeMap<_, (usize, BTreeMap<_, _>)> = BTreeMap::new();
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        for line in lines.filter(|line| !line.is_empty()) {
            let (package, rest) = line.split_once(' ').context("a package")?;
            let (word, rest) = rest.split_once(' ').context("a result")?;
            let package = packages.entry(package.to_owned()).or_default();
            match End::read(word) {
                Some(End::Pass) => package.0 = rest.parse().context("a number of tests")?,
                Some(end) => drop(package.1.insert(rest.to_owned(), end)),
                None => bail!("'{line}' has no result of a test"),
            }
        }
        Ok(Self(packages))
    }

    /// How many tests ended as they should, and what is wrong with the others.
    fn compare(&self, package: &str, outcome: &Outcome) -> (u64, Vec<String>) {
        let nothing = (0, BTreeMap::new());
        let (passes, others) = self.0.get(package).unwrap_or(&nothing);
        let found: BTreeMap<_, _> = results(&outcome.stdout).collect();
        let mut right = 0;
        let mut wrong = Vec::new();
        for (name, &end) in &found {
            let expected = others.get(*name).copied().unwrap_or(End::Pass);
            if end == expected {
                right += 1;
            } else {
                wrong.push(format!("{package}: {name}: {end:?} instead of {expected:?}"));
            }
        }
        let missing = others.keys().filter(|name| !found.contains_key(name.as_str()));
        wrong.extend(missing.map(|name| format!("{package}: {name} did not run")));
        let count = found.values().filter(|&&end| end == End::Pass).count();
        if wrong.is_empty() && count != *passes {
            wrong.push(format!("{package}: {count} tests passed instead of {passes}"));
        }
        if !wrong.is_empty() && !outcome.stdout.ends_with("PASS\n") {
            let lines: Vec<_> = outcome.stderr.lines().take(20).collect();
            wrong.push(format!("{package}: exit code {} {}", outcome.exit_code, lines.join("\n")));
        }
        (right, wrong)
    }
}

/// Reads `--- PASS: TestName (0.01s)`.
fn results(text: &str) -> impl Iterator<Item = (&str, End)> {
    text.lines().filter_map(|line| {
        let (word, rest) = line.trim_start().strip_prefix("--- ")?.split_once(": ")?;
        let (name, _) = rest.rsplit_once(" (")?;
        Some((name, End::read(word)?))
    })
}

#[cfg(test)]
mod parsing {
    use super::*;

    #[test]
    fn results_are_read() {
        let text = "=== RUN   TestOne\n--- PASS: TestOne (0.00s)\n    --- SKIP: TestTwo/a b (1.00s)\n\
                    --- FAIL: TestThree (0.10s)\nFAIL\n";
        let found: Vec<_> = results(text).collect();
        let expected =
            [("TestOne", End::Pass), ("TestTwo/a b", End::Skip), ("TestThree", End::Fail)];
        assert_eq!(found, expected);
    }
}
