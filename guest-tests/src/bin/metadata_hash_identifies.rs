//! The lower half of `metadata-hash` belongs to the object as long as it lives; the upper
//! half changes with its content.

use std::collections::HashSet;

use guest_tests::{
    Descriptor, FOLLOW, MetadataHashValue, NOFOLLOW, PLAIN, R, expect, ok, symlink, work,
};

fn at(base: &Descriptor, path: &str) -> MetadataHashValue {
    ok(format_args!("metadata-hash-at({path:?})"), base.metadata_hash_at(NOFOLLOW, path))
}

fn main() {
    let work = work();
    let file = work.put("file", "content");
    let dir = work.make_dir("dir");
    for (name, object) in [("file", &file), ("dir", &dir), (".", &work)] {
        let (open, named) = (ok("metadata-hash", object.metadata_hash()), at(&work, name));
        expect(format_args!("lower of {name}, open and by name"), open.lower, named.lower);
        expect(format_args!("upper of {name}, open and by name"), open.upper, named.upper);
        let again = at(&work, name);
        expect(format_args!("upper of {name}, again"), named.upper, again.upper);
    }

    let many: Vec<_> = (0..100).map(|number| format!("dir/{number}")).collect();
    let lowers: HashSet<_> = many
        .iter()
        .map(|path| {
            work.put(path, "content");
            at(&work, path).lower
        })
        .collect();
    expect("different lowers of as many files", many.len(), lowers.len());

    let before = at(&work, "file");
    ok("rename-at", work.rename_at("file", &work, "dir/renamed"));
    let renamed = at(&work, "dir/renamed");
    expect("lower after rename-at", before.lower, renamed.lower);
    if symlink(&work, "dir/renamed", "link") {
        assert!(at(&work, "link").lower != before.lower, "lower of a link: expected its own");
        let followed = ok("metadata-hash-at", work.metadata_hash_at(FOLLOW, "link"));
        expect("lower through a link", before.lower, followed.lower);
    }
    let reader = work.open("dir/renamed", PLAIN, R);
    file.put_at(7, b" more");
    let written = ok("metadata-hash", reader.metadata_hash());
    expect("lower after write", before.lower, written.lower);
    expect("lower by name after write", before.lower, at(&work, "dir/renamed").lower);
    assert!(
        written.upper != renamed.upper,
        "upper after write: expected another one, came the same"
    );
}
