//! Every method that takes a path answers `not-directory` on the descriptor of a file, on
//! both of its sides if it takes two.

use guest_tests::ErrorCode::NotDirectory;
use guest_tests::{PLAIN, R, at, expect, refused, work};

fn main() {
    let work = work();
    work.put("f", "f");
    for flags in [R, guest_tests::RW] {
        let file = work.open("f", PLAIN, flags);
        for path in ["x", "f", "."] {
            for (name, method) in at::all() {
                refused(
                    format_args!("{name} {path:?} on a file"),
                    NotDirectory,
                    method(&file, path, &work),
                );
            }
        }
    }
    expect("what is there afterwards", vec!["f".to_owned()], work.names());
}
