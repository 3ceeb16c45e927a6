//! The scripts of coreutils, SQLite, ripgrep, PHP and esbuild.

use std::path::Path;

use anyhow::Result;

use super::{Script, Step, tree};
use crate::programs::Programs;

pub(super) fn coreutils(programs: &Programs<'_>, fixtures: &Path) -> Result<Script> {
    let program = programs.coreutils()?;
    let step = |args: &[&str]| Step::new(&program, args);
    let steps = vec![
        step(&["mkdir", "-p", "/d/deep/er"]).import(fixtures.join("coreutils"), "/"),
        step(&["cp", "-r", "/seed", "/d/copy"]),
        step(&["mv", "/d/copy/words.txt", "/d/deep/er/moved.txt"]),
        step(&["mv", "/d/deep", "/d/renamed"]),
        step(&["ls", "-l", "--time-style=+", "/d/renamed/er"]),
        step(&["ls", "-R", "/d"]),
        step(&["sort", "-r", "/d/renamed/er/moved.txt"]),
        step(&["wc", "/d/renamed/er/moved.txt"]),
        step(&["cat", "/d/missing"]).fails(1),
        step(&["tee", "-a", "/d/part"]),
        step(&["cp", "/seed/words.txt", "/d/part"]),
        step(&["od", "-c", "/d/part"]),
        step(&["truncate", "-s", "5000", "/d/part"]),
        step(&["split", "-b", "2000", "/d/part", "/d/piece-"]),
        step(&["sha256sum", "/d/part", "/d/piece-aa", "/d/piece-ac"]),
        step(&["tail", "-n", "2", "/seed/words.txt", "/d/renamed/er/moved.txt"]),
        step(&["rm", "-r", "/d/copy"]),
        step(&["rmdir", "/d"]).fails(1),
        step(&["ls", "/d"]),
    ];
    Ok(Script { name: "coreutils", not_on_trees: false, steps })
}

pub(super) fn coreutils_with_links(programs: &Programs<'_>, fixtures: &Path) -> Result<Script> {
    let program = programs.coreutils()?;
    let step = |args: &[&str]| Step::new(&program, args);
    let steps = vec![
        step(&["ln", "-s", "seed", "/link"]).import(fixtures.join("coreutils"), "/"),
        step(&["readlink", "/link"]),
        step(&["cat", "/link/words.txt"]),
        step(&["cp", "-P", "/link", "/other"]),
        step(&["ls", "-l", "--time-style=+", "/"]),
        step(&["realpath", "/other/notes"]),
        step(&["ln", "/seed/words.txt", "/hard"]),
        step(&["touch", "-d", "2001-02-03 04:05:06.789 UTC", "/hard"]),
        step(&["date", "-u", "-r", "/seed/words.txt", "+%F %T.%N"]),
        step(&["ls", "-l", "--time-style=full-iso", "/hard"]),
        step(&["cp", "-r", "--preserve=timestamps", "/seed", "/copy"]),
        step(&["date", "-u", "-r", "/copy/words.txt", "+%F %T.%N"]),
        step(&["rm", "-r", "/link", "/copy"]),
        step(&["cat", "/other/words.txt"]),
    ];
    Ok(Script { name: "links", not_on_trees: true, steps })
}

pub(super) fn sqlite(programs: &Programs<'_>) -> Result<Script> {
    let program = programs.sqlite()?;
    let step = |args: &[&str]| Step::new(&program, args);
    let count = "SELECT count(*), sum(i), sum(length(t)) FROM n";
    let steps = vec![
        step(&["--selftest", "/test.db"]),
        step(&["/test.db", "PRAGMA integrity_check;"]),
        step(&[
            "/n.db",
            "CREATE TABLE n AS WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c \
             WHERE i < 5000) SELECT i, hex(zeroblob(i % 99)) AS t FROM c",
        ]),
        step(&["-box", "/n.db", count]),
        // A transaction over two files, which are named in a third one.
        step(&[
            "/n.db",
            "ATTACH '/m.db' AS m; CREATE TABLE m.n AS SELECT * FROM main.n; BEGIN; DELETE FROM \
             main.n WHERE i % 2; DELETE FROM m.n WHERE NOT i % 2; COMMIT; \
             SELECT count(*) FROM main.n; SELECT count(*) FROM m.n",
        ]),
        step(&["/n.db", "PRAGMA journal_mode = TRUNCATE; UPDATE n SET t = t || 'x'", count]),
        step(&["/n.db", "PRAGMA journal_mode = PERSIST; UPDATE n SET t = t || 'y'", count]),
        step(&["/n.db", "VACUUM INTO '/v.db'", "VACUUM"]),
        step(&["/v.db", "PRAGMA integrity_check", count]),
        step(&["/n.db", "PRAGMA integrity_check", "SELECT nothing"]).fails(1),
        step(&["/no/such.db", count]).fails(1),
    ];
    Ok(Script { name: "sqlite", not_on_trees: false, steps })
}

pub(super) fn ripgrep(programs: &Programs<'_>, scratch: &Path) -> Result<Script> {
    let program = programs.ripgrep()?;
    let folder = scratch.join("tree");
    tree::write(&folder)?;
    // Directories are in no order of their own.
    let step = |args: &[&str]| Step::new(&program, &[&["--sort", "path"], args].concat());
    let steps = vec![
        step(&["--line-number", "lighthouse", "/tree"]).import(folder, "/tree"),
        step(&["--count", "--ignore-case", "the [a-m]+ of", "/tree"]),
        step(&["--files", "/tree/3"]),
        step(&["--files", "--hidden", "--no-ignore", "/tree/3"]),
        step(&["--only-matching", "--no-filename", r"\bq[a-z]{5,}\b", "/tree/1", "/tree/7"]),
        step(&["--multiline", r"river\n+mountain", "/tree"]),
        step(&["--files-without-match", "a", "/tree"]),
        step(&["--type", "rust", "--context", "1", "lantern", "/tree"]),
        step(&["--text", "--count-matches", "window", "/tree/9"]),
        step(&["there is no such line", "/tree"]).fails(1),
        step(&["lighthouse", "/missing"]).fails(2),
    ];
    Ok(Script { name: "ripgrep", not_on_trees: true, steps })
}

pub(super) fn php(programs: &Programs<'_>, fixtures: &Path) -> Result<Script> {
    let php = programs.php()?;
    let coreutils = programs.coreutils()?;
    let steps = vec![
        Step::new(&php, &["-q", "/scripts/files.php"]).import(fixtures.join("php"), "/scripts"),
        Step::new(&coreutils, &["ls", "-A", "/"]),
        Step::new(&php, &["-q", "/scripts/missing.php"]).fails(255),
    ];
    Ok(Script { name: "php", not_on_trees: true, steps })
}

pub(super) fn esbuild(programs: &Programs<'_>, fixtures: &Path) -> Result<Script> {
    let program = programs.esbuild()?;
    let coreutils = programs.coreutils()?;
    let step = |args: &[&str]| {
        let args = [args, &["--bundle", "--log-level=warning", "--color=false"]].concat();
        Step { env: vec![("PWD", "/site")], ..Step::new(&program, &args) }
    };
    let list = |args: &[&str]| Step::new(&coreutils, args);
    let steps = vec![
        step(&[
            "src/main.tsx",
            "--outdir=/out",
            "--format=esm",
            "--splitting",
            "--minify",
            "--sourcemap",
            "--metafile=/out/meta.json",
        ])
        .import(fixtures.join("esbuild"), "/"),
        list(&["ls", "-s", "--size", "/out"]),
        list(&["cat", "/out/main.js", "/out/main.css", "/out/main.js.map", "/out/meta.json"]),
        step(&["src/main.tsx", "--outfile=/out/one.cjs", "--format=cjs"]),
        list(&["cat", "/out/one.cjs"]),
        step(&["src/broken.ts", "--outdir=/out/broken"]).fails(1),
        list(&["ls", "-R", "/out"]),
    ];
    Ok(Script { name: "esbuild", not_on_trees: false, steps })
}
