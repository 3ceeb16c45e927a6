//! The figures as tables for a terminal.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};

use super::Native;
use super::found::{Engine, Figures};
use super::goals::{Goal, Wanted};

/// A number with three digits that count.
pub(super) fn short(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        size if size >= 0.1 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

pub(super) fn table(heads: impl IntoIterator<Item = String>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(heads.into_iter().collect::<Vec<_>>());
    table
}

/// All but the first column to the right, where numbers belong.
pub(super) fn numbers_right(table: &mut Table) {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// All that one engine found, one table for each kind.
pub(super) fn engine(engine: &Engine) -> String {
    let head = format!("{} ({})", engine.name, engine.version);
    [
        ("ms", &engine.phases, "until all is stored; ~ was cut and scaled"),
        ("ms", &engine.guests, "from inside preview1 guests, until all is stored"),
        ("µs", &engine.calls, "single calls of preview1"),
        ("ms", &engine.components, "from inside components, until all is stored"),
        (
            "µs",
            &engine.component_calls,
            "single calls of a component, and what std::fs makes of them",
        ),
    ]
    .into_iter()
    .filter_map(|(unit, found, what)| {
        Some(format!("{head}: {what}\n{}\n\n", figures(unit, found)?))
    })
    .collect()
}

/// What each peer took, and what the flush after it cost.
fn figures(unit: &str, figures: &Figures) -> Option<Table> {
    let peers = figures.peers();
    if peers.is_empty() {
        return None;
    }
    let flushing = |peer: &str| {
        let flush = |phase| figures.cell(phase, peer)?.flush();
        figures.phases().find_map(flush).is_some()
    };
    let mut heads = vec![unit.to_owned()];
    for peer in &peers {
        heads.push((*peer).to_owned());
        if flushing(peer) {
            heads.push("+flush".to_owned());
        }
    }
    let mut table = table(heads);
    for phase in figures.phases() {
        let mut row = vec![phase.to_owned()];
        for peer in &peers {
            let cell = figures.cell(phase, peer);
            let shown = cell.map(|cell| {
                let cut = if cell.cut { "~" } else { "" };
                format!("{cut}{}", short(cell.median()))
            });
            row.push(shown.unwrap_or_default());
            if flushing(peer) {
                let flush = cell.and_then(super::found::Cell::flush);
                row.push(flush.map(short).unwrap_or_default());
            }
        }
        table.add_row(row);
    }
    numbers_right(&mut table);
    Some(table)
}

/// What the native program found.
pub(super) fn native(native: &Native) -> String {
    let mut text = String::new();
    for line in native.phases.iter().chain(&native.scale) {
        // A table of few lines; a string does not fail.
        let _ = writeln!(text, "native: {line}");
    }
    text
}

/// The goals, reached or not.
pub(super) fn goals(goals: &[Goal]) -> String {
    let heads = ["", "figure", "value", "wanted"].map(str::to_owned);
    let mut table = table(heads);
    for goal in goals {
        let wanted = match goal.wanted {
            Wanted::AtLeast(least) => format!("at least {least}"),
            Wanted::AtMost(most) => format!("at most {most}"),
        };
        let reached = if goal.reached() { "reached" } else { "NOT" };
        table.add_row(vec![reached.to_owned(), goal.name.clone(), short(goal.value), wanted]);
    }
    let reached = goals.iter().filter(|goal| goal.reached()).count();
    format!("{table}\n{reached} of {} figures reached\n", goals.len())
}
