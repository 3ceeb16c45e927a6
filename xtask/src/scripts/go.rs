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
    // Most of them want links.
    for place in places.iter().filter(|place| !place.is_tree()) {
        let outcomes = place.batch(&jobs(programs, &expected, place)?, scratch)?;
        for (package, outcome) in GO_PACKAGES.iter().zip(&outcomes) {
            let (right, wrong) = expected.package(package)?.compare(outcome, place.in_browser());
            passed += right;
            let name = |wrong| format!("{package}, {}: {wrong}", place.name);
            failures.extend(wrong.into_iter().map(name));
        }
    }
    Ok((passed, failures))
}

fn jobs(programs: &Programs<'_>, expected: &Expected, place: &Place<'_>) -> Result<Vec<Job>> {
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
        let mut args = vec!["-test.v".to_owned()];
        let deep = &expected.package(package)?.deep;
        if place.in_browser() && !deep.is_empty() {
            args.push(format!("-test.skip=^({})$", deep.join("|")));
        }
        Ok(Job {
            name,
            program: go.tests(package),
            args,
            env: env.map(|(key, value)| (key.to_owned(), value)).into(),
            mounts: [("/".to_owned(), mount.into())].into_iter().collect(),
            imports: [("/".to_owned(), go.files())].into(),
            timeout_ms: 600_000,
            ..Job::default()
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

/// What the file says of each package.
struct Expected(BTreeMap<String, Package>);

#[derive(Default)]
struct Package {
    /// How many tests pass.
    passes: usize,
    /// How each of the others ends.
    others: BTreeMap<String, End>,
    /// Those that pass, but want more of a stack than browsers have.
    deep: Vec<String>,
}

impl Expected {
    fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file)
            .with_context(|| format!("cannot read '{}'", file.display()))?;
        let mut packages = BTreeMap::<_, Package>::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (package, rest) = line.split_once(' ').context("a package")?;
            let (word, rest) = rest.split_once(' ').context("a result")?;
            let package = packages.entry(package.to_owned()).or_default();
            match End::read(word) {
                Some(End::Pass) => package.passes = rest.parse().context("a number of tests")?,
                Some(end) => drop(package.others.insert(rest.to_owned(), end)),
                None if word == "DEEP" => package.deep.push(rest.to_owned()),
                None => bail!("'{line}' has no result of a test"),
            }
        }
        Ok(Self(packages))
    }

    fn package(&self, name: &str) -> Result<&Package> {
        self.0.get(name).with_context(|| format!("nothing is said about the tests of {name}"))
    }
}

impl Package {
    /// How many tests ended as they should, and what is wrong with the others.
    fn compare(&self, outcome: &Outcome, in_browser: bool) -> (u64, Vec<String>) {
        let found: BTreeMap<_, _> = results(&outcome.stdout).collect();
        let mut right = 0;
        let mut wrong = Vec::new();
        for (name, &end) in &found {
            let expected = self.others.get(*name).copied().unwrap_or(End::Pass);
            if end == expected {
                right += 1;
            } else {
                wrong.push(format!("{name}: {end:?} instead of {expected:?}"));
            }
        }
        let missing = self.others.keys().filter(|name| !found.contains_key(name.as_str()));
        wrong.extend(missing.map(|name| format!("{name} did not run")));
        let count = found.values().filter(|&&end| end == End::Pass).count();
        let left_out = if in_browser { self.deep.len() } else { 0 };
        if count + left_out != self.passes {
            wrong.push(format!("{count} tests pass, {left_out} are left out of {}", self.passes));
        }
        if !wrong.is_empty() {
            let said: Vec<_> = outcome.stderr.lines().take(20).collect();
            wrong.push(format!("exit code {}\n{}", outcome.exit_code, said.join("\n")));
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
