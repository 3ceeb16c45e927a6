//! Names differ by case and by composition, and nothing is normalised.

use guest_tests::{expect, ok, work};

fn main() {
    let work = work();
    let names =
        ["Straße", "STRASSE", "a", "A", "\u{e9}", "e\u{301}", "\u{212b}", "\u{c5}", "ﬁ", "fi"];
    for name in names {
        expect(format_args!("{name:?} before"), None, work.kind_of(name));
        work.put(name, name);
    }
    let mut sorted = names.map(String::from).to_vec();
    sorted.sort();
    expect("names", sorted, work.names());
    for name in names {
        expect(name, name.as_bytes().to_vec(), work.get(name));
    }
    ok("rename-at to another case", work.rename_at("Straße", &work, "straße"));
    expect("the old case", None, work.kind_of("Straße"));
}
