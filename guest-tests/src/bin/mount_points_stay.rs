//! The directory under a mount cannot be removed, moved or replaced, and nothing can be
//! renamed or linked across the border.

use guest_tests::ErrorCode::{Busy, CrossDevice};
use guest_tests::{NOFOLLOW, expect, ok, preopen, refused};

fn main() {
    let nest = preopen("nest");
    let inner = preopen("nest/inner");
    nest.put("file", "content");
    nest.make_dir("dir");
    refused("remove-directory-at", Busy, nest.remove_directory_at("inner"));
    refused("rename-at of a mount point", Busy, nest.rename_at("inner", &nest, "moved"));
    refused("rename-at onto a mount point", Busy, nest.rename_at("dir", &nest, "inner"));

    refused("rename-at into it", CrossDevice, nest.rename_at("file", &nest, "inner/file"));
    refused("rename-at into it", CrossDevice, nest.rename_at("dir", &inner, "dir"));
    refused("link-at into it", CrossDevice, nest.link_at(NOFOLLOW, "file", &nest, "inner/file"));
    inner.put("inside", "inside");
    refused("rename-at out of it", CrossDevice, nest.rename_at("inner/inside", &nest, "inside"));
    refused("link-at out of it", CrossDevice, inner.link_at(NOFOLLOW, "inside", &nest, "inside"));
    ok("rename-at inside it", nest.rename_at("inner/inside", &inner, "renamed"));
    expect("names", ["dir", "file", "inner"].map(String::from).to_vec(), nest.names());
    expect("names inside", vec!["renamed".to_owned()], inner.names());
}
