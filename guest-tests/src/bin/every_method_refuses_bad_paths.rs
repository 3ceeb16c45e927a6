//! Every method that takes a path refuses the same paths in the same way, before or while
//! it looks them up, and on both of its sides if it takes two.

use guest_tests::ErrorCode::{Invalid, NameTooLong, NoEntry, NotDirectory, NotPermitted};
use guest_tests::{at, expect, refused, work};

fn main() {
    let work = work();
    work.put("f", "f");
    work.make_dir("d");
    let long = "n".repeat(256);
    let far = format!("{}f", "./".repeat(2048));
    let rows = [
        ("", NoEntry),
        ("/", NotPermitted),
        ("/f", NotPermitted),
        ("//f", NotPermitted),
        ("..", NotPermitted),
        ("../", NotPermitted),
        ("../f", NotPermitted),
        ("d/../..", NotPermitted),
        ("d/../../work/f", NotPermitted),
        ("./../f", NotPermitted),
        ("nope/x", NoEntry),
        ("nope/../f", NoEntry),
        ("f/x", NotDirectory),
        ("f/../f", NotDirectory),
        ("f/./x", NotDirectory),
        ("f\0", Invalid),
        ("\0", Invalid),
        ("d/\0/x", Invalid),
        (long.as_str(), NameTooLong),
        (far.as_str(), NameTooLong),
    ];
    for (path, code) in rows {
        for (name, method) in at::all() {
            refused(format_args!("{name} {path:?}"), code, method(&work, path, &work));
        }
    }
    expect("what is there afterwards", vec!["d".to_owned(), "f".to_owned()], work.names());
}
