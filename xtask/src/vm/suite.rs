//! What pjdfstest says, and which of its tests cannot pass here.

/// Tests that fail, where (everywhere if nothing is named), and why it is not the server.
const EXCEPTIONS: [(&str, &str, &str); 1] = [(
    "utimensat::subsecond",
    "",
    "Linux 6.1 sends whole seconds, though 9P has room for nanoseconds",
)];

/// How many tests ended as they should, and which did not.
pub(super) fn read(export: &str, code: i32, output: &str) -> (u64, Vec<String>) {
    let mut passed = 0;
    let mut failures = Vec::new();
    let mut lines = output.lines().map(plain).peekable();
    let mut summary = None;
    while let Some(line) = lines.next() {
        if let Some((_, counts)) = line.split_once("Summary: ") {
            summary = Some(counts.to_owned());
            continue;
        }
        let mut words = line.split_whitespace();
        let (Some(name), Some(word), None) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let exception = EXCEPTIONS
            .iter()
            .find(|(test, at, _)| *test == name && (at.is_empty() || *at == export));
        match (word, exception) {
            ("ok", None) | ("FAILED", Some(_)) => passed += 1,
            ("ok", Some((.., why))) => {
                failures.push(format!("{name} passes, and should not: {why}"));
            }
            ("FAILED", None) => {
                let why = lines.peek().map(|why| why.trim().to_owned());
                failures.push(format!("{name}: {}", why.unwrap_or_default()));
            }
            _ => {}
        }
    }
    match summary {
        None => failures.push(format!("it ended with {code} and no summary")),
        Some(_) if passed == 0 => failures.push("it ran no tests".to_owned()),
        Some(_) => {}
    }
    (passed, failures)
}

/// Without the colours of a terminal.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut pieces = line.split("\u{1b}[");
    text.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        text.push_str(piece.split_once('m').map_or(piece, |(_, rest)| rest));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_output_is_read() {
        let output = "\u{1b}[34mchmod::a\u{1b}[0m   \u{1b}[32mok\u{1b}[0m\n\
                      chmod::b   FAILED\n\twhy\n\
                      utimensat::subsecond   FAILED\n\tcut\n\
                      link::c   skipped\n\trequires this\n\
                      \nSummary: 2 failed, 1 skipped, 1 passed, 0 expected failures, 4 total\n";
        assert_eq!(read("dir", 1, output), (2, vec!["chmod::b: why".to_owned()]));
        let passes = "chmod::a ok\nutimensat::subsecond ok\nSummary: 0 failed\n";
        assert_eq!(read("dir", 0, passes).1.len(), 1, "the table is to be looked at again");
        assert_eq!(read("dir", 0, "chmod::a ok\n").1, ["it ended with 0 and no summary"]);
        assert_eq!(read("dir", 1, "Summary: 0 failed\n").1, ["it ran no tests"]);
    }
}
