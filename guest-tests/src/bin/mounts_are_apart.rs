//! `rename-at` and `link-at` between two mounts are `cross-device`, and change nothing; a
//! read-only mount on either side is `not-permitted`.

use guest_tests::ErrorCode::{CrossDevice, NotPermitted};
use guest_tests::{NOFOLLOW, expect, preopen, refused, work};

fn main() {
    let work = work();
    let other = preopen("other");
    let frozen = preopen("frozen");
    work.put("file", "content");
    work.make_dir("dir");
    other.put("there", "other");
    for old in ["file", "dir"] {
        for new in ["new", "there"] {
            let asked = format!("rename-at({old:?}, {new:?})");
            refused(asked, CrossDevice, work.rename_at(old, &other, new));
        }
    }
    refused("link-at", CrossDevice, work.link_at(NOFOLLOW, "file", &other, "new"));
    refused("rename-at into frozen", NotPermitted, work.rename_at("file", &frozen, "new"));
    refused("rename-at out of frozen", NotPermitted, frozen.rename_at("empty", &work, "new"));
    refused("link-at into frozen", NotPermitted, work.link_at(NOFOLLOW, "file", &frozen, "new"));
    refused("link-at out of frozen", NotPermitted, frozen.link_at(NOFOLLOW, "empty", &work, "new"));
    expect("names", ["dir", "file"].map(String::from).to_vec(), work.names());
    expect("names", vec!["there".to_owned()], other.names());
    expect("content", b"other".to_vec(), other.get("there"));
}
