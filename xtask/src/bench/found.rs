//! What the browsers' side says, line by line, gathered by engine, phase and peer.

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// One line of what was found.
#[derive(Deserialize)]
pub(super) struct Line {
    pub(super) engine: String,
    version: Option<String>,
    peer: Option<String>,
    run: Option<u32>,
    /// The phase that begins.
    at: Option<String>,
    /// Where it belongs, if not among the phases.
    table: Option<String>,
    /// The phase, or the call, that was measured.
    #[serde(alias = "call")]
    phase: Option<String>,
    ms: Option<f64>,
    us: Option<f64>,
    /// How many bytes a program printed.
    printed: Option<u64>,
    flush_ms: Option<f64>,
    #[serde(default)]
    cut: bool,
    #[serde(default)]
    stored: bool,
    failed: Option<String>,
    /// The part that was measured, what it was asked and what it found.
    of: Option<String>,
    asked: Option<Value>,
    found: Option<Value>,
}

impl Line {
    /// What goes on, for whoever waits.
    pub(super) fn what(&self) -> String {
        let peer = self.peer.as_deref().or(self.of.as_deref()).unwrap_or_default();
        let phase = self.at.as_deref().or(self.phase.as_deref()).unwrap_or_default();
        let table = self.table.as_deref().map_or_else(String::new, |table| format!("{table}, "));
        let run = self.run.map_or_else(String::new, |run| format!(", run {}", run + 1));
        format!("{}{run}: {table}{peer} {phase}", self.engine)
    }

    /// Whether a peer begins with this, or a part is over.
    pub(super) fn begins(&self) -> bool {
        self.at.as_deref() == Some("create") || self.found.is_some()
    }

    /// That a peer or a part failed, and why.
    pub(super) fn failure(&self) -> Option<String> {
        let why = self.failed.as_deref()?.lines().take(3).collect::<Vec<_>>().join(" ");
        Some(format!("{} failed: {why}", self.what()))
    }
}

/// One peer's figures in one phase: milliseconds, of calls microseconds.
#[derive(Default)]
pub(super) struct Cell {
    runs: Vec<f64>,
    flushes: Vec<f64>,
    /// Whether a kill loses nothing of what was counted.
    pub(super) stored: bool,
    /// Whether it was cut at the budget and scaled.
    pub(super) cut: bool,
    /// How many bytes it printed, if it is a program, in each run.
    printed: Vec<u64>,
}

impl Cell {
    /// One more run.
    pub(super) fn take(&mut self, time: f64, printed: Option<u64>) {
        self.runs.push(time);
        self.printed.extend(printed);
    }

    /// Until all was stored.
    pub(super) fn median(&self) -> f64 {
        median(&self.runs)
    }

    /// What a flush cost after it, if the peer knows one.
    pub(super) fn flush(&self) -> Option<f64> {
        (!self.flushes.is_empty()).then(|| median(&self.flushes))
    }
}

fn median(of: &[f64]) -> f64 {
    let mut of = of.to_vec();
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Figures by phase and by peer, in the order in which they came.
#[derive(Default)]
pub(super) struct Figures(Vec<(String, Vec<(String, Cell)>)>);

impl Figures {
    /// One more.
    pub(super) fn add(&mut self, phase: &str, peer: &str) -> &mut Cell {
        entry(entry(&mut self.0, phase), peer)
    }

    pub(super) fn phases(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(phase, _)| phase.as_str())
    }

    /// The peers that were measured in any phase.
    pub(super) fn peers(&self) -> Vec<&str> {
        let mut peers = Vec::new();
        for (peer, _) in self.0.iter().flat_map(|(_, cells)| cells) {
            if !peers.contains(&peer.as_str()) {
                peers.push(peer);
            }
        }
        peers
    }

    pub(super) fn cell(&self, phase: &str, peer: &str) -> Option<&Cell> {
        let (_, cells) = self.0.iter().find(|(name, _)| name == phase)?;
        cells.iter().find(|(name, _)| name == peer).map(|(_, cell)| cell)
    }

    /// Whether all runs of a program printed as much.
    pub(super) fn agree(&self, phase: &str) -> bool {
        let cells = self.0.iter().filter(|(name, _)| name == phase).flat_map(|(_, cells)| cells);
        let printed: Vec<_> = cells.flat_map(|(_, cell)| &cell.printed).collect();
        printed.windows(2).all(|two| two[0] == two[1])
    }

    /// How many times as fast as another a peer is in a phase.
    pub(super) fn times(&self, phase: &str, peer: &str, other: &str) -> Option<f64> {
        Some(self.cell(phase, other)?.median() / self.cell(phase, peer)?.median())
    }

    fn json(&self, unit: &str) -> Value {
        let cell = |cell: &Cell| {
            let mut all = json!({ "stored": cell.stored });
            all[format!("median_{unit}")] = json!(cell.median());
            all[format!("runs_{unit}")] = json!(cell.runs);
            if unit == "ms" {
                all["flush_ms"] = json!(cell.flush());
                all["cut"] = json!(cell.cut);
            }
            all
        };
        let phase = |(phase, cells): &(String, Vec<(String, Cell)>)| {
            let cells = cells.iter().map(|(peer, found)| (peer.clone(), cell(found)));
            (phase.clone(), Value::Object(cells.collect()))
        };
        Value::Object(self.0.iter().map(phase).collect())
    }
}

/// All figures of one engine.
pub(super) struct Engine {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) phases: Figures,
    /// From inside guests.
    pub(super) guests: Figures,
    pub(super) calls: Figures,
    /// The same of components.
    pub(super) components: Figures,
    pub(super) component_calls: Figures,
    parts: Vec<(String, Vec<Value>)>,
    failures: Vec<(String, String)>,
}

impl Engine {
    /// The one of this name; a new one if there is none.
    pub(super) fn of<'a>(engines: &'a mut Vec<Self>, name: &str) -> &'a mut Self {
        let at = engines.iter().position(|engine| engine.name == name).unwrap_or_else(|| {
            engines.push(Self {
                name: name.to_owned(),
                version: String::new(),
                phases: Figures::default(),
                guests: Figures::default(),
                calls: Figures::default(),
                components: Figures::default(),
                component_calls: Figures::default(),
                parts: Vec::new(),
                failures: Vec::new(),
            });
            engines.len() - 1
        });
        &mut engines[at]
    }

    /// Takes in what a line says.
    pub(super) fn add(&mut self, line: Line) {
        if let Some(version) = line.version {
            self.version = version;
        }
        if let Some(failed) = line.failed {
            let who = line.peer.or(line.of).unwrap_or_default();
            self.failures.push((who, failed));
        } else if let (Some(peer), Some(phase)) = (line.peer, line.phase) {
            let figures = match line.table.as_deref() {
                None => &mut self.phases,
                Some("calls") => &mut self.calls,
                Some("components") => &mut self.components,
                Some("component-calls") => &mut self.component_calls,
                Some(_) => &mut self.guests,
            };
            let cell = figures.add(&phase, &peer);
            if let Some(time) = line.ms.or(line.us) {
                cell.take(time, line.printed);
            }
            cell.flushes.extend(line.flush_ms);
            cell.stored = line.stored;
            cell.cut |= line.cut;
        } else if let (Some(part), Some(found)) = (line.of, line.found) {
            let asked = line.asked.unwrap_or_default();
            entry(&mut self.parts, &part).push(json!({ "asked": asked, "found": found }));
        }
    }

    /// A number that a part found: the last answer that has it.
    pub(super) fn part(&self, part: &str, pointer: &str) -> Option<f64> {
        let (_, found) = self.parts.iter().find(|(name, _)| name == part)?;
        found.iter().rev().find_map(|found| found["found"].pointer(pointer)?.as_f64())
    }

    /// A number that a part found when it was asked about so many files.
    pub(super) fn part_of(&self, part: &str, files: u64, pointer: &str) -> Option<f64> {
        let (_, found) = self.parts.iter().find(|(name, _)| name == part)?;
        let mut of = found.iter().filter(|found| found["asked"]["files"] == files);
        of.find_map(|found| found["found"].pointer(pointer)?.as_f64())
    }

    pub(super) fn json(&self) -> Value {
        let timed = [&self.phases, &self.guests, &self.components];
        let runs = timed.into_iter().flat_map(|figures| &figures.0).flat_map(|(_, cells)| cells);
        json!({
            "engine": self.name,
            "version": self.version,
            "runs": runs.map(|(_, cell)| cell.runs.len()).max().unwrap_or(0),
            "phases": self.phases.json("ms"),
            "guests": self.guests.json("ms"),
            "calls": self.calls.json("us"),
            "components": self.components.json("ms"),
            "component_calls": self.component_calls.json("us"),
            "parts": self.parts.iter().cloned()
                .map(|(part, found)| (part, Value::Array(found))).collect::<Map<_, _>>(),
            "failures": self.failures.iter().cloned()
                .map(|(who, why)| (who, Value::String(why))).collect::<Map<_, _>>(),
        })
    }
}

/// What a list has under a name; a new one if it has none.
fn entry<'a, T: Default>(list: &'a mut Vec<(String, T)>, name: &str) -> &'a mut T {
    let at = list.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
        list.push((name.to_owned(), T::default()));
        list.len() - 1
    });
    &mut list[at].1
}
