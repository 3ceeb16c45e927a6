//! The shape of the code: who may use whom, and how long files get.

use std::fs;
use std::path::{Path, PathBuf};

const LONGEST_FILE: usize = 600;
const LONGEST_LINE: usize = 100;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every source with its path below `src` and its text.
fn all() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 10, "the sources are there");
    files
        .into_iter()
        .map(|file| {
            let name = file.strip_prefix(&root).expect("below src").to_string_lossy().into_owned();
            (name.replace('\\', "/"), fs::read_to_string(&file).expect("text"))
        })
        .collect()
}

/// The parts of this crate that a file uses, as `backend::dir`.
fn uses(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for after in text.split("crate::").skip(1) {
        let end = |c: char| !(c.is_alphanumeric() || c == '_' || c == ':');
        let path = after.split(end).next().unwrap_or_default();
        match after[path.len()..].strip_prefix('{') {
            Some(group) => {
                let group = group.split('}').next().unwrap_or_default();
                found.extend(group.split(',').map(|name| format!("{path}{}", name.trim())));
            }
            None => found.push(path.to_owned()),
        }
    }
    found
}

#[test]
fn imports_go_one_way() {
    // A backend's own folder, and what every backend shares.
    let backends = ["dir", "tree", "volume"];
    let doors = ["wasmtime", "jco", "p1", "p9", "page"];
    for (file, text) in all() {
        // Tests put parts together, too.
        let text = text.split("mod tests {").next().unwrap_or_default();
        for used in uses(text) {
            let of = |folder: &str, name: &str| used.starts_with(&format!("{folder}::{name}"));
            let wrong = match file.split('/').collect::<Vec<_>>()[..] {
                // Who puts the parts together may use them all.
                ["bin" | "testing" | "browser", ..] | ["browser_check.rs"] => false,
                ["door", this, ..] => {
                    let other_door = doors
                        .iter()
                        .any(|door| of("door", door) && !this.trim_end_matches(".rs").eq(*door));
                    other_door || backends.iter().any(|name| of("backend", name))
                }
                ["backend", this, ..] => {
                    let core = ["descriptor", "Descriptor", "mount", "Mount", "resolve", "stream"]
                        .iter()
                        .chain(&["door", "testing"]);
                    let other = |name: &&str| of("backend", name) && **name != *this;
                    core.into_iter().any(|part| used.starts_with(*part))
                        || backends.iter().any(other)
                }
                _ => {
                    used.starts_with("door")
                        || used.starts_with("testing")
                        || backends.iter().any(|name| of("backend", name))
                }
            };
            assert!(!wrong, "{file} may not use {used}");
        }
    }
}

#[test]
fn paths_are_resolved_in_one_file() {
    for (file, text) in all() {
        let core =
            !["door/", "backend/", "testing/", "bin/"].iter().any(|part| file.starts_with(part));
        let answers = ["descriptor/names.rs", "descriptor/object.rs"].contains(&file.as_str());
        let follows = text.contains(".read_link(") && !answers;
        assert!(!(core && follows) || file == "resolve.rs", "{file} follows links");
        assert!(!file.starts_with("door/") || !text.contains(".read_link("), "{file} reads links");
    }
}

#[test]
fn doors_decide_nothing() {
    for (file, text) in all().iter().filter(|(file, _)| file.starts_with("door/")) {
        for word in [".read_only", "ErrorCode::NotPermitted", "ErrorCode::IsDirectory"] {
            // A row of the table of errors is no decision.
            let decides = |line: &&str| line.contains(word) && !line.contains("=>");
            let line = text.lines().find(decides);
            assert!(line.is_none(), "{file} decides about {word}: {line:?}");
        }
    }
}

#[test]
fn files_and_lines_are_short() {
    for (file, text) in all() {
        let lines = text.lines().count();
        assert!(lines <= LONGEST_FILE, "{file} has {lines} lines");
        for (number, line) in text.lines().enumerate() {
            let length = line.chars().count();
            assert!(length <= LONGEST_LINE, "{file}:{} has {length} characters", number + 1);
        }
    }
}
