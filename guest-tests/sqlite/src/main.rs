//! SQLite as a guest. `sqlite [-header|-box] DATABASE [SQL...]` runs SQL, from the
//! standard input if none is given, and prints rows as the sqlite3 shell does.
//! `sqlite --selftest DATABASE` tests what SQLite asks of a filesystem. `--grow` commits
//! until it is killed, and `--grown` looks at what is there then.

mod grow;
mod selftest;
mod show;

use std::env;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use anyhow::{Result, bail};
use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::{Batch, Connection, OpenFlags};

use crate::show::Style;

const USAGE: &str = "usage: sqlite [-header|-box] DATABASE [SQL...]
       sqlite --selftest|--grow|--grown DATABASE";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "Error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut style = Style::List;
    let mut words = Vec::new();
    for word in env::args().skip(1) {
        match word.as_str() {
            "-header" => style = Style::ListWithHeader,
            "-box" => style = Style::Box,
            "-h" | "-help" | "--help" => return Ok(writeln!(io::stdout(), "{USAGE}")?),
            _ => words.push(word),
        }
    }
    let mut words = words.into_iter();
    match (words.next().as_deref(), words.next()) {
        (Some("--selftest"), Some(database)) => selftest::run(&database),
        (Some("--grow"), Some(database)) => match grow::run(&database)? {},
        (Some("--grown"), Some(database)) => grow::check(&database),
        (Some("--selftest" | "--grow" | "--grown") | None, _) => bail!("{USAGE}"),
        (Some(database), None) => {
            let mut sql = String::new();
            io::stdin().read_to_string(&mut sql)?;
            execute(&open(database)?, &sql, style)
        }
        (Some(database), Some(sql)) => {
            let connection = open(database)?;
            std::iter::once(sql).chain(words).try_for_each(|sql| execute(&connection, &sql, style))
        }
    }
}

/// Opens or creates a database. WASI has no locks of files: whoever runs this sees to it
/// that nobody else writes.
fn open(path: &str) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags_and_vfs(path, flags, "unix-none")?)
}

/// Runs the statements in their order, up to the first that fails.
fn execute(connection: &Connection, sql: &str, style: Style) -> Result<()> {
    let sql = match sql.trim() {
        ".tables" => "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name",
        ".schema" => "SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL",
        sql => sql,
    };
    let mut out = io::stdout().lock();
    let mut batch = Batch::new(connection, sql);
    while let Some(mut statement) = batch.next()? {
        show::rows(&mut out, connection, &mut statement, style)?;
    }
    Ok(out.flush()?)
}
