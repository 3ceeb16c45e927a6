//! What SQLite asks of a filesystem: journals that come and go, a rollback from a
//! journal on disk, temporary files that are unlinked while open, a vacuum that cuts
//! the file, a journal that a crash left. The output is the same on every filesystem.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use anyhow::{Result, ensure};
use rusqlite::{Connection, params};

use crate::open;

const ROWS: i64 = 1000;

/// Runs all on a fresh database at `path`; it is there afterwards, with 500 rows.
pub(crate) fn run(path: &str) -> Result<()> {
    let journal = format!("{path}-journal");
    for old in [path, &journal] {
        remove(old)?;
    }
    let connection = open(path)?;
    create(&connection)?;
    let filled = fill(&connection, Path::new(&journal))?;
    roll_back(&connection, path, filled)?;
    savepoints(&connection, filled)?;
    sort_on_disk(&connection)?;
    let halved = delete_and_vacuum(&connection, path)?;
    drop(connection);
    reopen(path, halved)
}

fn create(connection: &Connection) -> Result<()> {
    let mode: String = text(connection, "PRAGMA journal_mode")?;
    say(&format!("journal mode {mode}"))?;
    // So few pages in memory that a transaction goes to the file before it ends.
    connection.execute_batch(
        "PRAGMA cache_size = 10;
         PRAGMA cache_spill = 10;
         PRAGMA temp_store = FILE;
         CREATE TABLE notes (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, body BLOB);
         CREATE INDEX by_size ON notes (length(body));",
    )?;
    say("created a table and an index")
}

fn fill(connection: &Connection, journal: &Path) -> Result<State> {
    connection.execute_batch("BEGIN")?;
    let mut insert = connection.prepare("INSERT INTO notes VALUES (?1, ?2, ?3)")?;
    for id in 1..=ROWS {
        let name = format!("note {:04}", id * 7919 % 10_007);
        let length = usize::try_from(id * 31 % 997)?;
        let body: Vec<u8> = (0..=u8::MAX).cycle().skip(length % 256).take(length).collect();
        insert.execute(params![id, name, body])?;
    }
    drop(insert);
    ensure!(journal.exists(), "there is no journal in the middle of a transaction");
    connection.execute_batch("COMMIT")?;
    ensure!(!journal.exists(), "the journal is still there after a commit");
    let state = State::of(connection)?;
    say(&format!("committed {state}"))?;
    Ok(state)
}

/// Rolls a transaction back whose changes are in the file already, and recovers a copy
/// of what a crash at that point would have left.
fn roll_back(connection: &Connection, path: &str, before: State) -> Result<()> {
    connection.execute_batch(
        "BEGIN;
         UPDATE notes SET body = zeroblob(length(body) + 100);
         DELETE FROM notes WHERE id % 3 = 0;",
    )?;
    let inside = State::of(connection)?;
    say(&format!("inside the transaction {inside}"))?;
    let crashed = format!("{path}-crashed");
    fs::copy(path, &crashed)?;
    fs::copy(format!("{path}-journal"), format!("{crashed}-journal"))?;
    connection.execute_batch("ROLLBACK")?;
    let after = State::of(connection)?;
    ensure!(after == before, "rolled back to {after} instead of {before}");
    say("rolled back to what was committed")?;

    let copy = open(&crashed)?;
    let recovered = State::of(&copy)?;
    ensure!(recovered == before, "recovered {recovered} instead of {before}");
    check(&copy)?;
    drop(copy);
    ensure!(!Path::new(&format!("{crashed}-journal")).exists(), "the crash's journal is left");
    fs::remove_file(&crashed)?;
    say("recovered from the journal that a crash leaves")
}

fn savepoints(connection: &Connection, before: State) -> Result<()> {
    connection.execute_batch(
        "BEGIN;
         SAVEPOINT one;
         INSERT INTO notes (name) VALUES ('kept for a moment');
         SAVEPOINT two;
         DELETE FROM notes;
         ROLLBACK TO two;",
    )?;
    let count = number(connection, "SELECT count(*) FROM notes")?;
    connection.execute_batch("ROLLBACK TO one; RELEASE one; COMMIT")?;
    let after = State::of(connection)?;
    ensure!(count == ROWS + 1 && after == before, "{count} rows, then {after}");
    say("savepoints nest")
}

/// Sorts more than is kept in memory: SQLite unlinks the file it sorts in as soon as it
/// is open.
fn sort_on_disk(connection: &Connection) -> Result<()> {
    connection.execute_batch(
        "CREATE TEMP TABLE wide AS
             SELECT a.id * 1000 + b.id AS id, hex(zeroblob(100)) AS padding
             FROM notes AS a, notes AS b WHERE b.id <= 20;
         CREATE TEMP TABLE sorted AS SELECT * FROM wide ORDER BY id * 48271 % 2147483647;",
    )?;
    let count = number(connection, "SELECT count(*) FROM sorted")?;
    let first = number(connection, "SELECT id FROM sorted LIMIT 1")?;
    connection.execute_batch("DROP TABLE wide; DROP TABLE sorted")?;
    say(&format!("sorted {count} rows in a temporary file, the first is {first}"))
}

fn delete_and_vacuum(connection: &Connection, path: &str) -> Result<State> {
    let full = fs::metadata(path)?.len();
    let deleted = connection.execute("DELETE FROM notes WHERE id % 2 = 0", [])?;
    let state = State::of(connection)?;
    connection.execute_batch("VACUUM")?;
    let size = fs::metadata(path)?.len();
    let pages = number(connection, "PRAGMA page_count")? * number(connection, "PRAGMA page_size")?;
    ensure!(u64::try_from(pages)? == size, "{pages} bytes of pages in a file of {size}");
    ensure!(size < full, "the file has {size} bytes after the vacuum and had {full}");
    say(&format!("deleted {deleted} rows; vacuumed from {full} to {size} bytes"))?;
    Ok(state)
}

fn reopen(path: &str, before: State) -> Result<()> {
    let connection = open(path)?;
    let state = State::of(&connection)?;
    ensure!(state == before, "reopened with {state} instead of {before}");
    say(&format!("reopened with {state}"))?;
    check(&connection)?;
    say("integrity check ok")
}

/// What the table holds.
#[derive(Clone, Copy, PartialEq)]
struct State {
    rows: u32,
    /// FNV-1a of every row in the order of the names, which goes through an index.
    hash: u64,
}

impl State {
    fn of(connection: &Connection) -> Result<Self> {
        let mut state = Self { rows: 0, hash: 0xcbf2_9ce4_8422_2325 };
        let mut select = connection.prepare("SELECT id, name, body FROM notes ORDER BY name")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            let (name, body) = (row.get_ref(1)?, row.get_ref(2)?);
            let name = name.as_bytes_or_null()?.unwrap_or_default();
            let body = body.as_bytes_or_null()?.unwrap_or_default();
            for byte in id.to_le_bytes().iter().chain(name).chain(body) {
                state.hash = (state.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
            state.rows += 1;
        }
        Ok(state)
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows ({:016x})", self.rows, self.hash)
    }
}

fn check(connection: &Connection) -> Result<()> {
    let answer = text(connection, "PRAGMA integrity_check")?;
    ensure!(answer == "ok", "integrity check: {answer}");
    Ok(())
}

fn text(connection: &Connection, sql: &str) -> Result<String> {
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

fn number(connection: &Connection, sql: &str) -> Result<i64> {
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

fn remove(path: &str) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}
