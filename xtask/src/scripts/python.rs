//! The script of CPython, whose library is among its files.

use std::path::Path;

use anyhow::Result;

use super::{Script, Step};
use crate::programs::Programs;

pub(super) fn script(programs: &Programs<'_>, fixtures: &Path) -> Result<Script> {
    let python = programs.python()?;
    let step = |args: &[&str]| {
        // What it compiles, it keeps beside the source, which here are fixtures.
        Step { env: vec![("PYTHONUTF8", "1")], ..Step::new(&python.program, args) }
    };
    let steps = vec![
        step(&["-c", "import sys; print(sys.version_info[:2], sys.platform)"])
            .import(python.files.clone(), "/")
            .import(fixtures.join("python"), "/scripts"),
        step(&["/scripts/files.py"]),
        step(&["/scripts/archives.py"]),
        step(&["/scripts/database.py"]),
        step(&["/scripts/temporary.py"]),
        // Compiled modules, found by their times.
        step(&["-m", "compileall", "-q", "/scripts"]),
        step(&[
            "-c",
            "import sys; sys.path.insert(0, '/scripts'); import files, os; \
                      print(files.__cached__, sorted(os.listdir('/scripts/__pycache__')))",
        ]),
        step(&["-c", "open('/missing')"]).fails(1),
    ];
    Ok(Script { name: "python", not_on_trees: true, steps })
}
