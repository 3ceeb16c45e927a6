//! How rows are printed: as lists, or in a box.

use std::io::Write;

use anyhow::Result;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Statement};

/// How rows are printed.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Style {
    /// Values between bars, a row on each line.
    List,
    /// The same, below the names of the columns.
    ListWithHeader,
    /// A table with a frame.
    Box,
}

/// Runs a statement and prints its rows.
pub(crate) fn rows(
    out: &mut impl Write,
    connection: &Connection,
    statement: &mut Statement<'_>,
    style: Style,
) -> Result<()> {
    let names: Vec<_> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([])?;
    let mut table = vec![];
    while let Some(row) = rows.next()? {
        let cells = (0..names.len()).map(|column| text(connection, row.get_ref(column)?));
        let cells = cells.collect::<Result<Vec<_>>>()?;
        if style == Style::List {
            writeln!(out, "{}", cells.join("|"))?;
        } else {
            table.push(cells);
        }
    }
    match style {
        _ if table.is_empty() => Ok(()),
        Style::Box => frame(out, &names, &table),
        Style::List | Style::ListWithHeader => {
            writeln!(out, "{}", names.join("|"))?;
            Ok(table.iter().try_for_each(|cells| writeln!(out, "{}", cells.join("|")))?)
        }
    }
}

/// A value as SQLite itself writes it.
fn text(connection: &Connection, value: ValueRef<'_>) -> Result<String> {
    Ok(match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(integer) => integer.to_string(),
        ValueRef::Real(real) => {
            connection.query_row("SELECT CAST(?1 AS TEXT)", [real], |row| row.get(0))?
        }
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
    })
}

fn frame(out: &mut impl Write, names: &[String], table: &[Vec<String>]) -> Result<()> {
    let width = |column: usize| {
        let cells = table.iter().map(|cells| &cells[column]).chain([&names[column]]);
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..names.len()).map(width).collect();
    let rule = |left, middle, right| {
        let lines: Vec<_> = widths.iter().map(|width| "─".repeat(width + 2)).collect();
        format!("{left}{}{right}", lines.join(middle))
    };
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).map(|(cell, &width)| format!(" {cell:width$} "));
        format!("│{}│", cells.collect::<Vec<_>>().join("│"))
    };
    writeln!(out, "{}\n{}\n{}", rule("┌", "┬", "┐"), line(names), rule("├", "┼", "┤"))?;
    for cells in table {
        writeln!(out, "{}", line(cells))?;
    }
    Ok(writeln!(out, "{}", rule("└", "┴", "┘"))?)
}
