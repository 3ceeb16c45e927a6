//! The phases as a picture: a line for each phase, a mark for each file system, on a
//! logarithmic scale. Called from JavaScript, and from inside components, one below the
//! other. Readable on light and on dark ground.

use std::fmt::Write as _;

use super::found::{Engine, Figures};

/// Whom the picture shows, and in which colour; hollow marks keep nothing.
type Peers = [(&'static str, &'static str)];

const PEERS: [(&str, &str); 9] = [
    ("volume", "#0a8f5b"),
    ("tree", "#3b82d6"),
    ("opfs-by-hand", "#d9483b"),
    ("sahpool", "#8e5bd0"),
    ("preview2-shim", "#c98a00"),
    ("opfs-tools", "#b8578f"),
    ("zenfs-webaccess", "#7a6a55"),
    ("memfs", "#0a8fb0"),
    ("zenfs-inmemory", "#8a8f98"),
];

const COMPONENTS: [(&str, &str); 7] = [
    ("volume", "#0a8f5b"),
    ("volume-classes", "#3b82d6"),
    ("shim-in-memory", "#8a8f98"),
    ("shim-opfs", "#c98a00"),
    ("dir", "#8e5bd0"),
    ("wasmtime-wasi", "#d9483b"),
    ("wasmtime-wasi-threads", "#7a6a55"),
];

const WIDTH: f64 = 860.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 36.0;
const ROW: f64 = 24.0;
const LEGEND: f64 = 22.0;
/// Five names stand beside each other in the legend.
const COLUMNS: usize = 5;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#24292f}\
.faint{fill:#6e7781;font-size:12px}.head{font-weight:600;font-size:15px}\
line{stroke:#8c959f;stroke-opacity:.35}.row{stroke-opacity:.18}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.faint{fill:#9198a1}}";

/// Draws the phases of all engines, one below the other.
pub(super) fn draw(engines: &[Engine]) -> String {
    let mut body = String::new();
    let mut top = 0.0;
    for engine in engines {
        let name = title(&engine.name);
        let from_javascript = format!("{name}, called from JavaScript");
        top = panel(&mut body, &from_javascript, &engine.phases, &PEERS, top);
        let from_inside = format!("{name}, from inside a component");
        top = panel(&mut body, &from_inside, &engine.components, &COMPONENTS, top);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {top}\" \
         role=\"img\" aria-label=\"How long file systems in the browser take\">\
         <style>{STYLE}</style>\n{body}</svg>\n"
    )
}

/// Where milliseconds lie between the powers of ten.
struct Scale {
    from: i32,
    to: i32,
}

impl Scale {
    fn of(figures: &Figures, peers: &Peers) -> Self {
        let times = figures.phases().flat_map(|phase| {
            let cell = move |(peer, _): &(&str, &str)| Some(figures.cell(phase, peer)?.median());
            peers.iter().filter_map(cell)
        });
        let powers = times.filter(|time| *time > 0.0).map(f64::log10);
        let (least, most) =
            powers.fold((0.0_f64, 1.0_f64), |(least, most), at| (least.min(at), most.max(at)));
        // Milliseconds of a run that ends: a few powers of ten.
        #[allow(clippy::cast_possible_truncation)]
        Self { from: (least.floor() as i32).max(-1), to: (most.ceil() as i32).min(9) }
    }

    fn at(&self, ms: f64) -> f64 {
        let share = (ms.log10() - f64::from(self.from)) / f64::from(self.to - self.from);
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }
}

/// How a power of ten of milliseconds is said.
fn said(power: i32) -> String {
    match power {
        ..0 => format!("{} µs", 10_i64.pow((power + 3).unsigned_abs())),
        0..=2 => format!("{} ms", 10_i64.pow(power.unsigned_abs())),
        _ => format!("{} s", 10_i64.pow((power - 3).unsigned_abs())),
    }
}

/// One kind of figures, if there are any; where the next one begins. Writing to a string does
/// not fail.
fn panel(body: &mut String, what: &str, figures: &Figures, all: &Peers, top: f64) -> f64 {
    let shown = figures.peers();
    let peers: Vec<_> = all.iter().filter(|(peer, _)| shown.contains(peer)).collect();
    let phases: Vec<_> = figures
        .phases()
        .filter(|phase| peers.iter().any(|(peer, _)| figures.cell(phase, peer).is_some()))
        .collect();
    if phases.is_empty() {
        return top;
    }
    let scale = Scale::of(figures, all);
    let head = format!("{what}: time until all is stored, logarithmic");
    let _ = writeln!(body, "<text class=\"head\" x=\"8\" y=\"{}\">{head}</text>", top + 22.0);
    let mut y = top + 46.0;
    for (index, (peer, colour)) in peers.iter().enumerate() {
        #[allow(clippy::cast_precision_loss)] // Nine names.
        let x = 16.0 + (index % COLUMNS) as f64 * ((WIDTH - 16.0) / COLUMNS as f64);
        if index > 0 && index % COLUMNS == 0 {
            y += LEGEND;
        }
        let stored = phases.iter().filter_map(|phase| figures.cell(phase, peer)).all(|c| c.stored);
        mark(body, (x, y - 4.0), peer, colour, stored);
        let _ = writeln!(body, "<text x=\"{}\" y=\"{y}\">{peer}</text>", x + 12.0);
    }
    let first = y + 32.0;
    #[allow(clippy::cast_precision_loss)] // A dozen phases.
    let last = first + ROW * phases.len() as f64;
    for power in scale.from..=scale.to {
        let x = scale.at(10_f64.powi(power));
        let _ = writeln!(
            body,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{first}\" y2=\"{last}\"/>\
             <text class=\"faint\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            first - 6.0,
            said(power)
        );
    }
    for (row, phase) in phases.iter().enumerate() {
        #[allow(clippy::cast_precision_loss)]
        let y = first + ROW * (row as f64 + 0.5);
        let _ = writeln!(
            body,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{phase}</text>\
             <line class=\"row\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y}\" y2=\"{y}\"/>",
            LEFT - 10.0,
            y + 4.5,
            WIDTH - RIGHT
        );
        // Ours last, so that it lies on top.
        for (peer, colour) in peers.iter().rev() {
            if let Some(cell) = figures.cell(phase, peer) {
                mark(body, (scale.at(cell.median()), y), peer, colour, cell.stored);
            }
        }
    }
    if phases.iter().any(|phase| peers.iter().any(|peer| hollow(figures, phase, peer.0))) {
        let note = "hollow: in memory only, gone when the page is";
        let y = last + 20.0;
        let _ = writeln!(body, "<text class=\"faint\" x=\"{LEFT}\" y=\"{y}\">{note}</text>");
    }
    last + 36.0
}

fn hollow(figures: &Figures, phase: &str, peer: &str) -> bool {
    figures.cell(phase, peer).is_some_and(|cell| !cell.stored)
}

fn title(engine: &str) -> String {
    let mut letters = engine.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A mark: the volume's is larger, and who keeps nothing has a hollow one.
fn mark(body: &mut String, (x, y): (f64, f64), peer: &str, colour: &str, stored: bool) {
    let radius = if peer == "volume" { 6.5 } else { 4.5 };
    let fill = if stored { colour } else { "none" };
    let _ = writeln!(
        body,
        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{fill}\" stroke=\"{colour}\" \
         stroke-width=\"2\"><title>{peer}</title></circle>"
    );
}
