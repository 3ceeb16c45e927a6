//! `rename-at` moves and replaces links themselves, never what they lead to.

use guest_tests::DescriptorType::{RegularFile, SymbolicLink};
use guest_tests::ErrorCode::{IsDirectory, NotDirectory};
use guest_tests::{expect, ok, refused, symlink, work};

fn main() {
    let work = work();
    work.put("file", "file");
    work.put("target", "target");
    work.make_dir("dir");
    work.make_dir("other");
    for (target, path) in [("target", "to-file"), ("dir", "to-dir"), ("nowhere", "dangling")] {
        if !symlink(&work, target, path) {
            return;
        }
    }
    ok("rename-at of a link", work.rename_at("to-file", &work, "moved"));
    expect("type", Some(SymbolicLink), work.kind_of("moved"));
    expect("target", "target".to_owned(), ok("readlink-at", work.readlink_at("moved")));
    ok("rename-at of a dangling link", work.rename_at("dangling", &work, "dir/dangling"));
    expect("target", "nowhere".to_owned(), ok("readlink-at", work.readlink_at("dir/dangling")));
    refused("directory onto a link", NotDirectory, work.rename_at("other", &work, "to-dir"));
    refused("link onto a directory", IsDirectory, work.rename_at("to-dir", &work, "other"));
    ok("file onto a link", work.rename_at("file", &work, "moved"));
    expect("type", Some(RegularFile), work.kind_of("moved"));
    expect("what the link led to", b"target".to_vec(), work.get("target"));
    ok("link onto a file", work.rename_at("to-dir", &work, "moved"));
    expect("type", Some(SymbolicLink), work.kind_of("moved"));
    ok("through a link to a directory", work.rename_at("target", &work, "moved/target"));
    expect("moved through a link", b"target".to_vec(), work.get("dir/target"));
}
