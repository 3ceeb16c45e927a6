//! Transactions for tests that kill them. Each adds rows, writes old ones anew and counts
//! itself, so that half of one cannot be missed afterwards.

use std::convert::Infallible;
use std::io::{self, Write};

use anyhow::{Result, ensure};
use rusqlite::{Connection, params};

use crate::open;

/// What a transaction adds, and what it writes anew.
const ADDED: i64 = 20;
const REWRITTEN: i64 = 60;

/// Commits one transaction after another, and says which was committed once it is stored.
pub(crate) fn run(path: &str) -> Result<Infallible> {
    let connection = open(path)?;
    // EXTRA: a commit is stored when it returns, and not only once the journal's removal is.
    // And so few pages in memory that there are changes in the file before the commit.
    connection.execute_batch(
        "PRAGMA synchronous = EXTRA;
         PRAGMA cache_size = 10;
         PRAGMA cache_spill = 10;
         CREATE TABLE IF NOT EXISTS grown (id INTEGER PRIMARY KEY, turn INTEGER, body BLOB);
         CREATE INDEX IF NOT EXISTS by_turn ON grown (turn, id);
         CREATE TABLE IF NOT EXISTS turns (count INTEGER);
         INSERT INTO turns SELECT 0 WHERE NOT EXISTS (SELECT * FROM turns);",
    )?;
    let mut turn = turns(&connection)?;
    let mut put = connection.prepare("INSERT OR REPLACE INTO grown VALUES (?1, ?2, ?3)")?;
    loop {
        turn += 1;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let new = (turn - 1) * ADDED..turn * ADDED;
        let old = (0..REWRITTEN).map(|at| (at * 7919 + turn * 104_729) % new.start.max(1));
        for id in old.filter(|&id| id < new.start).chain(new.clone()) {
            put.execute(params![id, turn, body(id, turn)])?;
        }
        connection.execute("UPDATE turns SET count = ?1", [turn])?;
        connection.execute_batch("COMMIT")?;
        let mut out = io::stdout().lock();
        writeln!(out, "stored {turn}")?;
        out.flush()?;
    }
}

/// Says how many transactions there are, if the database is whole and they are.
pub(crate) fn check(path: &str) -> Result<()> {
    let connection = open(path)?;
    let answer: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    ensure!(answer == "ok", "integrity check: {answer}");
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'turns'", [], |row| {
            row.get(0)
        })?;
    let turns = if tables == 0 { 0 } else { turns(&connection)? };
    let mut rows = 0;
    if turns > 0 {
        let mut select = connection.prepare("SELECT id, turn, body FROM grown ORDER BY id")?;
        let mut found = select.query([])?;
        while let Some(row) = found.next()? {
            let (id, turn, found): (i64, i64, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            ensure!(id == rows, "row {rows} is missing, {id} is there");
            ensure!(turn <= turns, "row {id} is of turn {turn}, and there were {turns}");
            ensure!(found == body(id, turn), "row {id} of turn {turn} has another content");
            rows += 1;
        }
    }
    ensure!(rows == turns * ADDED, "{rows} rows after {turns} transactions");
    Ok(writeln!(io::stdout(), "state {turns}")?)
}

fn turns(connection: &Connection) -> Result<i64> {
    // No row: killed before the first transaction.
    let count = "SELECT coalesce(max(count), 0) FROM turns";
    Ok(connection.query_row(count, [], |row| row.get(0))?)
}

/// Up to 997 bytes, which tell the row and the turn.
fn body(id: i64, turn: i64) -> Vec<u8> {
    let mut state = id.wrapping_mul(0x9e37_79b9).wrapping_add(turn) & i64::MAX;
    let length = state % 997;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..length).map(next).collect()
}
