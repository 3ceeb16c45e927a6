//! A tree of two thousand files to be searched, the same each time.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;

/// Twenty folders, each with ten, each with ten files.
const FILES: u32 = 2000;

const WORDS: [&str; 40] = [
    "anchor", "apple", "bridge", "candle", "cloud", "coast", "doctor", "eagle", "evening", "field",
    "forest", "garden", "glass", "harbour", "island", "journey", "kettle", "lantern", "letter",
    "machine", "mountain", "needle", "ocean", "orchard", "paper", "quarrel", "quickly", "quieter",
    "river", "school", "silver", "stone", "summer", "thunder", "the", "a", "of", "village",
    "window", "winter",
];

/// Writes the tree into `folder`, which may have an older one.
pub(crate) fn write(folder: &Path) -> Result<()> {
    let mut random = Random(20_260_101);
    for number in 0..FILES {
        let place = folder.join(format!("{}/{}", number / 100, number / 10 % 10));
        if number % 10 == 0 {
            fs::create_dir_all(&place)?;
        }
        let (name, text) = file(number, &mut random);
        fs::write(place.join(name), text)?;
    }
    // What a search leaves out.
    fs::write(folder.join(".ignore"), "*.log\n/3/4/\n")?;
    fs::write(folder.join("7/.ignore"), "!*.log\n")?;
    fs::write(folder.join("9/0/data.bin"), b"window\nand bytes\0\x01\xff\xfe, window\n")?;
    Ok(())
}

/// One in fifty tells of the lighthouse; some are hidden, some logs, some long.
fn file(number: u32, random: &mut Random) -> (String, String) {
    let name = match number % 23 {
        0 => format!(".{number}.txt"),
        1 | 2 => format!("{number}.log"),
        3..10 => format!("{number}.rs"),
        _ => format!("{number}.txt"),
    };
    let lines = if number.is_multiple_of(97) { 800 } else { 5 + random.below(60) };
    let mut text = String::new();
    for line in 0..lines {
        if number % 50 == 7 && line == 4 {
            text.push_str("a light in the lighthouse");
        }
        for _ in 0..random.below(12) {
            let word = WORDS[random.below(WORDS.len())];
            // A String takes all.
            let _ = write!(text, "{word} ");
        }
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
    (name, text)
}

/// Numbers that are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 40).unwrap_or(0) % end
    }
}
