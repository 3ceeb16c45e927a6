//! What a Linux in QEMU found of those that serve it files: medians, and what is wanted.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::goals::{Goal, Wanted};
use super::table::{numbers_right, short, table};
use crate::vm::{Figure, LONGEST, measure};

/// Ours, and who is to be no faster.
const OURS: [&str; 2] = ["volume", "dir"];
const OTHER: &str = "diod";

#[derive(Default)]
pub(super) struct Found(Vec<Figure>);

impl Found {
    pub(super) fn measure(root: &Path, runs: u32) -> Result<Self> {
        Ok(Self(measure(root, runs)?))
    }

    /// The names of figures, or of peers, in their order.
    fn distinct<'a>(&'a self, of: impl Fn(&'a Figure) -> &'a str) -> Vec<&'a str> {
        let mut names = Vec::new();
        for figure in &self.0 {
            if !names.contains(&of(figure)) {
                names.push(of(figure));
            }
        }
        names
    }

    fn median(&self, name: &str, peer: &str) -> Option<f64> {
        let found = self.0.iter().filter(|figure| figure.name == name && figure.peer == peer);
        let mut values: Vec<_> = found.map(|figure| figure.value).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    pub(super) fn table(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let peers = self.distinct(|figure| figure.peer);
        let heads = std::iter::once("").chain(peers.iter().copied());
        let mut table = table(heads.map(str::to_owned));
        for name in self.distinct(|figure| &figure.name) {
            let values = peers.iter().map(|peer| self.median(name, peer).map(short));
            let row = std::iter::once(Some(name.to_owned())).chain(values);
            table.add_row(row.map(Option::unwrap_or_default).collect::<Vec<_>>());
        }
        numbers_right(&mut table);
        format!("9P under a Linux in QEMU (qemu: its own server, by virtio)\n{table}\n\n")
    }

    pub(super) fn goals(&self) -> Vec<Goal> {
        let mut goals = Vec::new();
        for ours in OURS {
            goals.extend(self.median(LONGEST, ours).map(|value| Goal {
                name: format!("vm: {ours}, the longest message but flushes, ms"),
                value,
                wanted: Wanted::AtMost(100.0),
            }));
        }
        for name in self.distinct(|figure| &figure.name) {
            for ours in OURS {
                let both = self.median(name, ours).zip(self.median(name, OTHER));
                // What is not a throughput is a time.
                let times = |(ours, other): (f64, f64)| {
                    if name.contains("mib_s") { ours / other } else { other / ours }
                };
                goals.extend(both.map(|both| Goal {
                    name: format!("vm: {ours}, {name}, times as fast as {OTHER}"),
                    value: times(both),
                    wanted: Wanted::AtLeast(1.0),
                }));
            }
        }
        goals
    }

    pub(super) fn json(&self) -> Value {
        let mut all = json!({});
        for name in self.distinct(|figure| &figure.name) {
            for peer in self.distinct(|figure| figure.peer) {
                all[name][peer] = json!(self.median(name, peer));
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_become_goals() {
        let figure = |peer, name: &str, value| Figure { peer, name: name.to_owned(), value };
        let found = Found(vec![
            figure("volume", "read_mib_s msize 8192", 30.0),
            figure("volume", "read_mib_s msize 8192", 10.0),
            figure("volume", "read_mib_s msize 8192", 20.0),
            figure("diod", "read_mib_s msize 8192", 10.0),
            figure("volume", "stat_us", 20.0),
            figure("diod", "stat_us", 10.0),
            figure("dir", LONGEST, 120.0),
        ]);
        let goals = found.goals();
        let stand: Vec<_> = goals.iter().map(|goal| (goal.value, goal.reached())).collect();
        assert_eq!(stand, [(120.0, false), (2.0, true), (0.5, false)]);
        assert_eq!(found.json()["stat_us"]["diod"], 10.0);
        assert!(found.table().contains("stat_us"));
    }
}
