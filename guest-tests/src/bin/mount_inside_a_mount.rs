//! A mount inside another one is a directory there: paths lead into it and, by `..`, out of
//! it again, but not out of the base.

use guest_tests::DescriptorType::{Directory, RegularFile};
use guest_tests::ErrorCode::{Exist, IsDirectory, NotPermitted};
use guest_tests::{FOLLOW, NOFOLLOW, PLAIN, R, expect, ok, preopen, refused, symlink};

fn main() {
    let nest = preopen("nest");
    let inner = preopen("nest/inner");
    expect("entries", vec![("inner".to_owned(), Directory)], nest.entries());
    expect("entries inside", Vec::new(), inner.entries());
    expect("is-same-object", true, inner.is_same_object(&nest.dir("inner")));
    expect("is-same-object", false, inner.is_same_object(&nest));
    let by_name = ok("metadata-hash-at", nest.metadata_hash_at(NOFOLLOW, "inner"));
    expect("lower hash", ok("metadata-hash", inner.metadata_hash()).lower, by_name.lower);

    nest.put("outside", "outside");
    nest.put("inner/inside", "inside");
    expect("names", ["inner", "outside"].map(String::from).to_vec(), nest.names());
    expect("entries inside", vec![("inside".to_owned(), RegularFile)], inner.entries());
    expect("entries inside, by path", inner.entries(), nest.dir("inner").entries());
    expect("content", b"inside".to_vec(), inner.get("inside"));
    inner.make_dir("dir");
    let ways = [
        ("inner/../outside", "outside"),
        ("inner/dir/../../outside", "outside"),
        ("inner/dir/../inside", "inside"),
        ("inner/../inner/inside", "inside"),
        ("./inner/./inside", "inside"),
    ];
    for (path, content) in ways {
        expect(path, content.as_bytes().to_vec(), nest.get(path));
    }
    for base in [&inner, &nest.dir("inner")] {
        for path in ["..", "../outside", "dir/../../outside"] {
            refused(path, NotPermitted, base.open_at(NOFOLLOW, path, PLAIN, R));
        }
    }
    refused("inner/../..", NotPermitted, nest.stat_at(NOFOLLOW, "inner/../.."));
    refused("create-directory-at", Exist, nest.create_directory_at("inner"));
    refused("unlink-file-at", IsDirectory, nest.unlink_file_at("inner"));

    if symlink(&nest, "inner/inside", "in") && symlink(&inner, "../outside", "out") {
        expect("through a link into it", b"inside".to_vec(), nest.get("in"));
        expect("through a link out of it", b"outside".to_vec(), nest.get("inner/out"));
        refused("out of the base", NotPermitted, inner.open_at(FOLLOW, "out", PLAIN, R));
    }
}
